//! Tests of response headers, routes and the members around the content of a body.

use http::HeaderMap;

use crate::client::{ADMIN, TOKENS, basic, foreman, get, insert_named, post, send, send_as};

fn count_foreman_headers(headers: &HeaderMap) -> usize {
    headers
        .keys()
        .filter(|name| name.as_str().starts_with("foreman_"))
        .count()
}

#[test]
fn responses_have_the_foreman_headers_only_if_the_request_got_far_enough() {
    let foreman = foreman(&[]);
    let with_context = get(
        &foreman,
        &format!("{TOKENS}?organization_id=1-ACME&location_id="),
    );
    assert_eq!(
        with_context.header("foreman_current_organization"),
        "1; ACME"
    );
    assert_eq!(with_context.header("foreman_current_location"), "; ANY");
    assert_eq!(with_context.header("foreman_version"), "3.13.0");
    assert_eq!(
        with_context.header("cache-control"),
        "max-age=0, private, must-revalidate"
    );
    let rejected_early = [
        send(&foreman, "GET", TOKENS, &[], ""),
        send_as(&foreman, ("jane.doe", "jane.doe"), "GET", TOKENS),
        get(&foreman, &format!("{TOKENS}?organization_id=99")),
        post(&foreman, TOKENS, "{bad"),
    ];
    let statuses: Vec<u16> = rejected_early
        .iter()
        .map(|response| response.status)
        .collect();
    assert_eq!(statuses, [401, 403, 404, 400]);
    for response in &rejected_early {
        let count = count_foreman_headers(&response.headers);
        assert_eq!(count, 0, "{}", response.text);
        assert_eq!(
            (response.header("cache-control"), response.header("etag")),
            ("no-cache", "")
        );
    }
    let rejected_late = [
        get(&foreman, &format!("{TOKENS}/9")),
        get(&foreman, "/api/users/99/personal_access_tokens"),
    ];
    for response in &rejected_late {
        let count = count_foreman_headers(&response.headers);
        assert_eq!(count, 4, "{}", response.text);
    }
}

#[test]
fn an_unknown_path_is_reported_in_json_only_if_accept_asks_for_it() {
    let foreman = foreman(&[]);
    let unknown_path = |accept: &str| {
        send(
            &foreman,
            "PUT",
            &format!("{TOKENS}/1"),
            &[("accept", accept)],
            "",
        )
    };
    let json = unknown_path("application/json;version=2");
    assert_eq!(
        (json.status, json.text.as_str()),
        (404, r#"{"status":404,"error":"Not Found"}"#)
    );
    assert!(
        unknown_path("*/*")
            .header("content-type")
            .starts_with("text/html")
    );
    assert_eq!(unknown_path("application/json,version=2").status, 406);
    assert_eq!(
        get(&foreman, "/api/v1/users/4/personal_access_tokens").status,
        404
    );
    assert_eq!(
        get(&foreman, "/api/v2/users/4/personal_access_tokens").status,
        200
    );
}

#[test]
fn head_requests_and_matching_weak_etags_get_no_body() {
    let foreman = foreman(&[]);
    let admin = basic(ADMIN.0, ADMIN.1);
    let head = send_as(&foreman, ADMIN, "HEAD", TOKENS);
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    let tag = head.header("etag").to_owned();
    let conditional = |tag: &str| {
        send(
            &foreman,
            "GET",
            TOKENS,
            &[("authorization", &admin), ("if-none-match", tag)],
            "",
        )
    };
    let fresh = conditional(&tag);
    assert_eq!(
        (
            fresh.status,
            fresh.text.as_str(),
            fresh.header("content-type")
        ),
        (304, "", "")
    );
    assert_ne!(fresh.header("set-cookie"), "");
    assert_eq!(conditional(&tag[2..]).status, 200);
    insert_named(&foreman, &["a"]);
    assert_eq!(conditional(&tag).status, 200);
}

#[test]
fn malformed_bodies_are_rejected_before_authentication_and_other_types_after() {
    let foreman = foreman(&[]);
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        send(&foreman, "POST", TOKENS, &[form], "name=x").status,
        401
    );
    let admin = basic(ADMIN.0, ADMIN.1);
    let without_type = send(&foreman, "POST", TOKENS, &[("authorization", &admin)], "{}");
    assert_eq!(without_type.status, 415);
    assert!(
        without_type.text.contains("'Content-Type: '"),
        "{}",
        without_type.text
    );
    let malformed = send(
        &foreman,
        "DELETE",
        &format!("{TOKENS}/1"),
        &[("content-type", "application/json")],
        "{bad",
    );
    assert_eq!(
        malformed.text,
        r#"{"status":400,"error":"There was a problem in the JSON you submitted: unexpected token at '{bad'"}"#
    );
    let not_utf8 = get(&foreman, &format!("{TOKENS}?search=%ff"));
    assert_eq!(not_utf8.status, 400);
}

#[test]
fn root_name_applies_to_lists_tokens_and_some_errors() {
    let foreman = foreman(&[]);
    insert_named(&foreman, &["a"]);
    let with_root = |target: &str| get(&foreman, &format!("{target}root_name=token"));
    assert_eq!(with_root(&format!("{TOKENS}?")).json()["token"][0]["id"], 1);
    assert_eq!(with_root(&format!("{TOKENS}/1?")).json()["token"]["id"], 1);
    let rejected = with_root(&format!("{TOKENS}?search=foo=1&"));
    assert_eq!(
        rejected.json()["error"]["token"]["class"],
        "ScopedSearch::QueryNotSupported"
    );
    assert!(with_root(&format!("{TOKENS}/9?")).json()["error"]["message"].is_string());
}

#[test]
fn the_api_documentation_requires_no_login() {
    let foreman = foreman(&[]);
    for target in ["/apidoc/v2.json", "//apidoc/v2.en.json"] {
        let response = send(&foreman, "GET", target, &[], "");
        let methods =
            response.json()["docs"]["resources"]["personal_access_tokens"]["methods"].clone();
        assert_eq!(methods.as_array().map(Vec::len), Some(4));
        assert_eq!(
            response.header("apipie-checksum"),
            get(&foreman, TOKENS).header("apipie-checksum")
        );
    }
    assert_eq!(
        send(&foreman, "GET", "//apidoc/apipie_checksum", &[], "").status,
        404
    );
}
