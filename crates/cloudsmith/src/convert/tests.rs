//! The conversions of responses.

use serde_json::{Value, json};
use tokenfleet_http::testing::{NOON, respond};

use super::*;

/// Returns a response of noon on the first day of 2026.
fn response(body: Value) -> ApiResponse {
    respond(error_body, 200, &[NOON], body.to_string()).unwrap()
}

/// Returns the fields of a token that are reported, as JSON.
fn fields(token: &Token) -> Value {
    let mut fields = serde_json::to_value(token).unwrap();
    let missing = [Value::Null, json!({"kind": "not_reported"})];
    let reported =
        |key: &String, value: &mut Value| key != "not_reported" && !missing.contains(value);
    fields.as_object_mut().unwrap().retain(reported);
    fields
}

const KEY: &str = "1234567890abcdef1234567890abcdef";

#[test]
fn a_field_that_is_not_as_documented_is_marked_and_says_nothing() {
    let body = json!({"slug_perm": "abc", "created": ["today"], "key": KEY});
    let token = issued(&Resource::User, None, &response(body))
        .unwrap()
        .token;
    assert_eq!(token.created_at, Fact::NotReported);
    assert!(token.attributes.is_unreadable("created"));
}

#[test]
fn every_field_of_a_record_has_its_place_in_the_model() {
    let body = json!({
        "slug_perm": "abc",
        "created": "2025-01-01T00:00:00.5Z",
        "key": KEY,
        "color": "blue",
    });
    let issued = issued(&Resource::User, None, &response(body)).unwrap();
    assert_eq!(issued.secret.expose(), KEY);
    let expected = json!({
        "id": "abc",
        "state": "active",
        "created_at": "2025-01-01T00:00:00.5Z",
        "attributes": {"color": "blue"},
    });
    assert_eq!(fields(&issued.token), expected);
}

const SERVICE: &str = r#"{
    "slug": "ci-8m7h", "name": "CI", "description": null, "key": "************cdef",
    "created_at": "2025-01-01T00:00:00.5Z", "created_by": "jane", "key_expires_at": null,
    "role": "Manager", "teams": [{"slug": "owners", "role": "Member"}]
}"#;

fn organization() -> Resource {
    Resource::Organization("acme".to_owned())
}

#[test]
fn every_field_of_a_service_account_has_its_place_and_its_mask_none() {
    let list: Value = serde_json::from_str(&format!("[{SERVICE}]")).unwrap();
    let page = page(&organization(), &PageRequest::first(), &response(list)).unwrap();
    let [token] = page.tokens.as_slice() else {
        panic!("{:?}", page.tokens)
    };
    let expected = json!({
        "id": "ci-8m7h",
        "name": "CI",
        "state": "active",
        "created_at": "2025-01-01T00:00:00.5Z",
        "expiry": {"kind": "never"},
        "attributes": {
            "created_by": "jane",
            "role": "Manager",
            "teams": [{"slug": "owners", "role": "Member"}],
        },
    });
    assert_eq!(fields(token), expected);
    assert_eq!(token.description, Fact::Absent);
}

#[test]
fn the_expiry_of_a_service_accounts_key_decides_its_state() {
    for (expires, state) in [
        (json!("2026-01-01T11:59:59Z"), TokenState::Expired),
        (json!("2026-01-01T12:00:01Z"), TokenState::Active),
        (json!(["soon"]), TokenState::Active),
    ] {
        let body = json!({"slug": "ci", "name": "CI", "key_expires_at": expires});
        let token = service_record(&response(body)).unwrap();
        assert_eq!(token.state, state, "{expires}");
        assert_eq!(token.expiry.is_reported(), expires.is_string());
    }
    let unnamed = service_record(&response(json!({"slug": "ci"}))).unwrap();
    assert_eq!(unnamed.expiry, Fact::NotReported);
    assert!(service_record(&response(json!({"name": "CI"}))).is_err());
}

#[test]
fn a_field_of_a_service_account_that_is_not_as_documented_is_marked() {
    let body = json!({"slug": "ci", "name": "CI", "created_at": ["today"], "key_expires_at": 9});
    let token = service_record(&response(body)).unwrap();
    let marked: Vec<_> = token.attributes.unreadable().collect();
    assert_eq!(marked, ["key_expires_at", "created_at"]);
}

#[test]
fn a_user_is_whom_cloudsmith_says_that_it_recognised() {
    let jane = json!({"authenticated": true, "slug": "jane", "slug_perm": "j1"});
    let jane = user(&response(jane)).unwrap().unwrap();
    assert_eq!(identity(jane).principal.id(), "jane");
    assert!(
        user(&response(json!({"authenticated": false})))
            .unwrap()
            .is_none()
    );
    assert!(user(&response(json!({"slug": "jane"}))).is_err());
}

#[test]
fn a_user_is_the_same_by_the_permanent_slug_or_where_there_is_none_by_the_other() {
    let brief = |(permanent, slug): (Option<&str>, Option<&str>)| {
        let mut body = json!({"authenticated": true});
        for (field, value) in [("slug_perm", permanent), ("slug", slug)] {
            if let Some(value) = value {
                body[field] = json!(value);
            }
        }
        user(&response(body)).unwrap().unwrap()
    };
    let jane = (Some("j1"), Some("jane"));
    for (one, other, same) in [
        (jane, jane, true),
        (jane, (Some("j1"), Some("renamed")), true),
        (jane, (Some("j2"), Some("jane")), false),
        (jane, (None, Some("jane")), true),
        (jane, (None, Some("john")), false),
        (jane, (None, None), false),
        ((Some(""), None), (Some(""), None), false),
        ((None, Some("")), (None, Some("")), false),
    ] {
        let found = is_same_user(&brief(one), &brief(other));
        assert_eq!(found, same, "{one:?} {other:?}");
    }
}

#[test]
fn an_update_never_touches_the_role_and_removes_a_description_by_null() {
    let body = |change| serde_json::to_value(update(&change)).unwrap();
    assert_eq!(body(UpdateToken::rename("cd")), json!({"name": "cd"}));
    let cleared = UpdateToken::default().with_description("");
    assert_eq!(body(cleared), json!({"description": null}));
    let request = CreateToken::new("ci").with_description("");
    let created = serde_json::to_value(creation(request)).unwrap();
    assert_eq!(created, json!({"name": "ci", "role": "Member"}));
}

#[test]
fn a_key_without_a_slug_has_the_id_that_was_requested() {
    let requested = TokenId::new("abc");
    for body in [json!({"key": KEY}), json!({"key": KEY, "slug_perm": ""})] {
        let known = issued(&Resource::User, Some(&requested), &response(body.clone())).unwrap();
        assert_eq!(known.token.id, requested);
        let unknown = issued(&Resource::User, None, &response(body)).unwrap();
        assert_eq!(unknown.token.id, TokenId::new(""));
        assert_eq!(unknown.secret.expose(), KEY);
    }
    let other = json!({"key": KEY, "slug_perm": "other"});
    let other = issued(&Resource::User, Some(&requested), &response(other)).unwrap();
    assert_eq!(other.token.id, TokenId::new("other"));
}

#[test]
fn the_next_page_is_told_by_the_headers_or_by_a_full_page() {
    let two = json!({"results": [{"slug_perm": "a"}, {"slug_perm": "b"}]});
    let pages = |count| match count {
        2 => &[("x-pagination-pagetotal", "2")],
        _ => &[("x-pagination-pagetotal", "1")],
    };
    let next: &[_] = &[("link", "<https://h/?page=2>; rel=\"next\"")];
    let last: &[_] = &[("link", "<https://h/?page=1>; rel=\"last\"")];
    for (number, size, headers, expected) in [
        (0, 2, pages(2) as &[_], true),
        (1, 2, pages(2), false),
        (0, 2, pages(1), false),
        (0, 2, &[("x-pagination-count", "3")], true),
        (0, 2, &[("x-pagination-count", "2")], false),
        (1, 2, &[("x-pagination-count", "4")], false),
        (1, 2, &[("x-pagination-count", "5")], true),
        (0, 2, &[], true),
        (0, 1, &[], true),
        (0, 3, &[], false),
        (0, 3, next, true),
        (0, 3, last, false),
    ] {
        let request = PageRequest::first().position(PagePosition::Number(number));
        let page = page(
            &Resource::User,
            &request.size(size),
            &respond(error_body, 200, headers, two.to_string()).unwrap(),
        )
        .unwrap();
        let next = expected.then_some(PagePosition::Number(number + 1));
        assert_eq!(page.next, next, "{number} {size} {headers:?}");
        assert_eq!(page.tokens.len(), 2);
    }
    // Without a requested size, Cloudsmith's own one is a full page.
    let page = page(
        &Resource::User,
        &PageRequest::first(),
        &respond(error_body, 200, &[], two.to_string()).unwrap(),
    )
    .unwrap();
    assert_eq!(page.next, None);
    let without_slug = json!({"results": [{"created": "2025-01-01T00:00:00Z"}]});
    assert!(
        super::page(
            &Resource::User,
            &PageRequest::first(),
            &response(without_slug)
        )
        .is_err()
    );
}

#[test]
fn the_headers_say_where_a_page_lies() {
    let page = |headers| {
        let body = json!({"results": []}).to_string();
        let response = respond(error_body, 200, headers, body).unwrap();
        let page = page(&Resource::User, &PageRequest::first(), &response).unwrap();
        (page.total, page.number, page.size)
    };
    assert_eq!(
        page(&[
            ("x-pagination-count", "9"),
            ("x-pagination-page", "3"),
            ("x-pagination-pagesize", "4"),
        ]),
        (Some(9), Some(2), Some(4))
    );
    let odd = page(&[("x-pagination-page", "0"), ("x-pagination-pagesize", "0")]);
    assert_eq!(odd, (None, None, None));
}

#[test]
fn an_error_is_explained_by_all_that_cloudsmith_says() {
    let error =
        |status, body: &Value| error_body(Operation::Create, status, body.to_string().as_bytes());
    for (body, own, message) in [
        (json!({"detail": "no"}), true, Some("no")),
        (
            json!({"detail": "no", "fields": {"name": ["is odd"]}}),
            true,
            Some("no name is odd"),
        ),
        (
            json!({"fields": {"name": ["is odd"]}}),
            false,
            Some("name is odd"),
        ),
        (json!({"detail": "no", "type": "about:blank"}), false, None),
        (json!({"detail": "no", "title": "Forbidden"}), false, None),
        (json!([]), false, None),
    ] {
        let parsed = error(400, &body);
        assert_eq!(
            (parsed.is_own, parsed.message.as_deref()),
            (own, message),
            "{body}"
        );
    }
    let has_key = json!({"detail": "You have already created an API key."});
    let locked_out = json!({"detail": "Locked out, try later"});
    for (status, body, kind, advised) in [
        (400, &has_key, Some(ErrorKind::Conflict), true),
        (403, &has_key, None, false),
        (403, &locked_out, None, true),
        (400, &locked_out, None, false),
    ] {
        let parsed = error(status, body);
        assert_eq!(
            (parsed.kind, parsed.advice.is_some()),
            (kind, advised),
            "{status} {body}"
        );
    }
    for (status, advised) in [(404, true), (410, true), (400, false)] {
        let parsed = login_error_body(Operation::Create, status, br#"{"detail": "no"}"#);
        assert_eq!(parsed.advice.is_some(), advised, "{status}");
        assert_eq!(parsed.message.as_deref(), Some("no"));
    }
}

#[test]
fn only_cloudsmiths_own_words_refuse_a_key_or_a_permission() {
    for (status, detail, refused, forbidden) in [
        (401, "Invalid token.", true, false),
        (401, "Invalid authentication credentials", true, false),
        (403, "Invalid token.", false, false),
        (401, "Unauthorized", false, false),
        (403, "You do not have permission to do this.", false, true),
        (401, "You do not have permission to do this.", false, false),
        (403, "blocked", false, false),
    ] {
        let body = json!({"detail": detail}).to_string();
        let error = respond(error_body, status, &[], body).unwrap_err();
        assert_eq!(refuses_key(&error), refused, "{status} {detail}");
        assert_eq!(forbids_key(&error), forbidden, "{status} {detail}");
    }
}
