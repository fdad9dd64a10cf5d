//! Compressed responses over sockets (decision 0041): requested for listings only, unpacked within
//! the limits of any other body, and never needed.

use std::sync::Arc;
use std::time::Duration;

use miniz_oxide::deflate::compress_to_vec;
use tokenfleet_core::{ErrorKind, Fate, Operation};
use tokenfleet_http::{ApiRequest, ReqwestTransport, RetryPolicy};

use super::over_sockets::{Server, client_over_reqwest, create, failure, list, response};
use super::scripted_transport::client;

const GZIP: &str = "Content-Encoding: gzip\r\n";
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

fn gzip(content: &[u8]) -> Vec<u8> {
    [&HEADER, compress_to_vec(content, 6).as_slice(), &[0; 8]].concat()
}

#[tokio::test]
async fn compression_is_requested_for_listings_only() {
    let request = |operation| ApiRequest::get(operation, ["tokens"]);
    for (request, coding) in [
        (list(), "gzip"),
        (create(), "identity"),
        (request(Operation::Get), "identity"),
        (request(Operation::Verify), "identity"),
        (request(Operation::Whoami), "identity"),
        (ApiRequest::put(Operation::Rotate, ["tokens"]), "identity"),
        (ApiRequest::post(Operation::Renew, ["tokens"]), "identity"),
        // Whatever an adapter asks for.
        (create().header("accept-encoding", "gzip"), "identity"),
    ] {
        let server = Server::new([response("200 OK", "", "{}")]).await;
        client_over_reqwest(&server.base)
            .send(request)
            .await
            .unwrap();
        let sent = server.log()[0].to_lowercase();
        let expected = format!("accept-encoding: {coding}\r\n");
        assert!(sent.contains(&expected), "{sent}");
        assert_eq!(sent.matches("accept-encoding").count(), 1, "{sent}");
    }
}

#[tokio::test]
async fn a_page_is_read_compressed_or_not_and_whatever_its_label() {
    let members = [gzip(b"[1,"), gzip(b"2]")].concat();
    let marked = gzip("\u{feff}[1,2]".as_bytes());
    for (coding, body) in [
        ("gzip", gzip(b"[1,2]")),
        ("gzip", members),
        ("gzip", marked),
        ("", gzip(b"[1,2]")),
        ("deflate", compress_to_vec(b"[1,2]", 6)),
        ("identity", b"[1,2]".to_vec()),
        ("gzip", b"[1,2]".to_vec()),
        ("br", b"[1,2]".to_vec()),
    ] {
        let headers = format!("Content-Encoding: {coding}\r\nContent-Type: text/html\r\n");
        let server = Server::new([response("200 OK", &headers, body)]).await;
        let page = client_over_reqwest(&server.base).send(list()).await;
        assert_eq!(page.unwrap().json::<Vec<u8>>().unwrap(), [1, 2], "{coding}");
    }
}

#[tokio::test]
async fn a_short_part_is_unpacked_whatever_is_the_length_of_the_parts_after_it() {
    let numbers: Vec<u32> = (0..60_000_u32)
        .map(|n| n.wrapping_mul(0x9e37_79b9))
        .collect();
    let texts: Vec<_> = numbers.iter().map(u32::to_string).collect();
    let long = gzip(texts.join(",").as_bytes());
    assert!(long.len() > 200_000, "it takes almost as much room packed");
    let parts = [gzip(b"["), long, gzip(b"]")].concat();
    let server = Server::new([response("200 OK", GZIP, parts)]).await;
    let page = client_over_reqwest(&server.base).send(list()).await;
    assert_eq!(page.unwrap().json::<Vec<u32>>().unwrap(), numbers);
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_rejected_and_not_repeated() {
    let mut damaged = gzip(b"[1,2]");
    damaged[HEADER.len()] = 0xff;
    for (coding, body) in [
        ("br", b"(~".to_vec()),
        ("zstd", b"(~".to_vec()),
        ("x-unknown", b"(~".to_vec()),
        ("gzip", damaged),
        // Members that hold nothing, for more than any page takes.
        ("gzip", gzip(b"").repeat(10_000)),
    ] {
        let headers = format!("Content-Encoding: {coding}\r\n");
        let (error, requests) = failure(list(), response("200 OK", &headers, body)).await;
        let found = (error.kind(), error.fate(), requests);
        let expected = (ErrorKind::ProtocolViolation, Fate::Rejected, 1);
        assert_eq!(found, expected, "{error}");
        assert!(error.to_string().contains("compressed"), "{error}");
    }
}

#[tokio::test]
async fn a_compressed_body_that_is_cut_is_retried_like_a_broken_connection() {
    let packed = gzip(b"[1,2]");
    for length in [1, 3, 9, 10, packed.len() - 9] {
        let cut = || response("200 OK", GZIP, &packed[..length]);
        let server = Server::new([cut(), response("200 OK", GZIP, &packed)]).await;
        let page = client_over_reqwest(&server.base)
            .send(list())
            .await
            .unwrap();
        assert_eq!(page.json::<Vec<u8>>().unwrap(), [1, 2], "{length}");
        assert_eq!((page.attempts(), server.log().len()), (2, 2));
        for (request, fate, attempts) in [
            (list(), Fate::Rejected, 4),
            (create(), Fate::MaybeApplied, 1),
        ] {
            let (error, requests) = failure(request, cut()).await;
            let found = (error.kind(), error.fate(), requests);
            assert_eq!(found, (ErrorKind::Connection, fate, attempts), "{error}");
        }
    }
}

#[tokio::test]
async fn a_bomb_is_refused_at_the_limit_of_any_other_body() {
    let bomb = |size: usize| response("200 OK", GZIP, gzip(&vec![b' '; size]));
    let (error, requests) = failure(list(), bomb((64 << 20) + 1)).await;
    let found = (error.kind(), requests);
    assert_eq!(found, (ErrorKind::LimitExceeded, 1), "{error}");
    let (error, requests) = failure(create(), bomb((1 << 20) + 1)).await;
    let found = (error.kind(), error.fate(), requests);
    let expected = (ErrorKind::ProtocolViolation, Fate::MaybeApplied, 1);
    assert_eq!(found, expected, "{error}");
}

#[tokio::test]
async fn a_body_that_takes_minutes_to_unpack_is_given_up_in_time() {
    // Blocks that hold nothing, of ten bits each, after as much content as they are long.
    let stored = [&[0, 0xff, 0xff, 0, 0], [b' '; 0xffff].as_slice()].concat();
    let empty = [0b0000_0010, 0b0000_1000, 0b0010_0000, 0b1000_0000, 0];
    let body = [&HEADER, &*stored.repeat(32), &*empty.repeat(400_000)].concat();
    let server = Server::new([response("200 OK", GZIP, body)]).await;
    let policy = RetryPolicy::no_retries().with_attempt_timeout(Duration::from_millis(200));
    let transport = Arc::new(ReqwestTransport::new().unwrap());
    let client = client(transport, &server.base).with_retry(policy);
    let error = client.send(list()).await.unwrap_err();
    // A machine that is fast enough sees within the time that the body is longer than what it
    // holds.
    let kinds = [ErrorKind::Timeout, ErrorKind::ProtocolViolation];
    assert!(kinds.contains(&error.kind()), "{error}");
}
