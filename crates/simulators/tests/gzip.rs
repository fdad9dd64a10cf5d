//! Compression of responses, where it is set and a request accepts it.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use http::{Request, Response};
use miniz_oxide::inflate::decompress_to_vec;
use tokenfleet_simulators::{Action, Canned, Fault, Simulator, build, dispatch};

async fn list(losant: &dyn Simulator, accepted: &str) -> Response<Bytes> {
    let token = &losant.credentials()["token"];
    let request = Request::get("/me/tokens?perPage=1000")
        .header("authorization", format!("Bearer {token}"))
        .header("accept-encoding", accepted);
    let request = request.body(Bytes::new()).unwrap();
    dispatch(losant, request).await.unwrap()
}

fn unpacked(response: &Response<Bytes>) -> Bytes {
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let body = response.body();
    decompress_to_vec(&body[10..body.len() - 8]).unwrap().into()
}

#[tokio::test]
async fn a_response_is_compressed_only_where_that_is_set_and_accepted() {
    let plain = build("losant", &["tokens=1000", "clock=2026-01-31T12:00:00Z"]).unwrap();
    let page = list(&*plain, "gzip").await;
    assert!(!page.headers().contains_key("content-encoding"));
    let options = ["tokens=1000", "clock=2026-01-31T12:00:00Z", "gzip=true"];
    let losant = build("losant", &options).unwrap();
    for accepted in ["identity", "", "br, x-gzip"] {
        let identity = list(&*losant, accepted).await;
        assert!(!identity.headers().contains_key("content-encoding"));
        assert_eq!(identity.body(), page.body(), "{accepted}");
    }
    for accepted in ["gzip", "br, GZIP, deflate"] {
        let packed = list(&*losant, accepted).await;
        assert_eq!(&unpacked(&packed), page.body(), "{accepted}");
        let per_token = packed.body().len() / 1000;
        assert!(per_token <= 90, "{per_token} bytes a token");
    }
}

#[tokio::test]
async fn the_checksum_and_the_length_are_those_of_the_content() {
    let losant = build("losant", &["tokens=3", "gzip=true"]).unwrap();
    losant.faults().add(Fault::new(Action::Answer(
        Canned::status(200).body("123456789"),
    )));
    let packed = list(&*losant, "gzip").await;
    let trailer = &packed.body()[packed.body().len() - 8..];
    // The check value of the checksum's definition.
    assert_eq!(trailer, [0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0]);
}

#[tokio::test]
async fn a_response_that_a_fault_has_compressed_is_not_compressed_again() {
    let losant = build("losant", &["tokens=3", "gzip=true"]).unwrap();
    losant.faults().add(Fault::new(Action::Gzip));
    let once = list(&*losant, "gzip").await;
    let page = list(&*losant, "identity").await;
    assert_eq!(&unpacked(&once), page.body());
}
