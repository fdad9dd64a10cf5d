//! Headers, routes and the frames around bodies.

use http::HeaderMap;

use crate::client::{TOKENS, basic, foreman, get, named, post, send};

fn own_headers(headers: &HeaderMap) -> usize {
    headers
        .keys()
        .filter(|name| name.as_str().starts_with("foreman_"))
        .count()
}

#[test]
fn answers_carry_the_applications_headers_only_when_they_came_that_far() {
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
    let jane = basic("jane.doe", "jane.doe");
    let halted = [
        send(&foreman, "GET", TOKENS, &[], ""),
        send(&foreman, "GET", TOKENS, &[("authorization", &jane)], ""),
        get(&foreman, &format!("{TOKENS}?organization_id=99")),
        post(&foreman, TOKENS, "{bad"),
    ];
    let statuses: Vec<u16> = halted.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [401, 403, 404, 400]);
    for answer in &halted {
        assert_eq!(own_headers(&answer.headers), 0, "{}", answer.text);
        assert_eq!(
            (answer.header("cache-control"), answer.header("etag")),
            ("no-cache", "")
        );
    }
    let too_far = [
        get(&foreman, &format!("{TOKENS}/9")),
        get(&foreman, "/api/users/99/personal_access_tokens"),
    ];
    for answer in &too_far {
        assert_eq!(own_headers(&answer.headers), 4, "{}", answer.text);
    }
}

#[test]
fn a_path_that_leads_nowhere_is_json_only_for_those_who_ask() {
    let foreman = foreman(&[]);
    let nowhere = |accept: &str| {
        send(
            &foreman,
            "PUT",
            &format!("{TOKENS}/1"),
            &[("accept", accept)],
            "",
        )
    };
    let json = nowhere("application/json;version=2");
    assert_eq!(
        (json.status, json.text.as_str()),
        (404, r#"{"status":404,"error":"Not Found"}"#)
    );
    assert!(
        nowhere("*/*")
            .header("content-type")
            .starts_with("text/html")
    );
    assert_eq!(nowhere("application/json,version=2").status, 406);
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
fn head_is_get_without_a_body_and_a_weak_tag_that_matches_needs_none() {
    let foreman = foreman(&[]);
    let admin = basic("admin", "changeme");
    let head = send(&foreman, "HEAD", TOKENS, &[("authorization", &admin)], "");
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
    named(&foreman, &["a"]);
    assert_eq!(conditional(&tag).status, 200);
}

#[test]
fn bodies_are_checked_after_the_caller_but_malformed_ones_before() {
    let foreman = foreman(&[]);
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        send(&foreman, "POST", TOKENS, &[form], "name=x").status,
        401
    );
    let admin = basic("admin", "changeme");
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
fn root_name_reaches_lists_tokens_and_some_errors() {
    let foreman = foreman(&[]);
    named(&foreman, &["a"]);
    let with_root = |target: &str| get(&foreman, &format!("{target}root_name=token"));
    assert_eq!(with_root(&format!("{TOKENS}?")).json()["token"][0]["id"], 1);
    assert_eq!(with_root(&format!("{TOKENS}/1?")).json()["token"]["id"], 1);
    let bad = with_root(&format!("{TOKENS}?search=foo=1&"));
    assert_eq!(
        bad.json()["error"]["token"]["class"],
        "ScopedSearch::QueryNotSupported"
    );
    assert!(with_root(&format!("{TOKENS}/9?")).json()["error"]["message"].is_string());
}

#[test]
fn the_description_of_the_api_needs_no_login() {
    let foreman = foreman(&[]);
    for target in ["/apidoc/v2.json", "//apidoc/v2.en.json"] {
        let answer = send(&foreman, "GET", target, &[], "");
        let methods =
            answer.json()["docs"]["resources"]["personal_access_tokens"]["methods"].clone();
        assert_eq!(methods.as_array().map(Vec::len), Some(4));
        assert_eq!(
            answer.header("apipie-checksum"),
            get(&foreman, TOKENS).header("apipie-checksum")
        );
    }
    assert_eq!(
        send(&foreman, "GET", "//apidoc/apipie_checksum", &[], "").status,
        404
    );
}
