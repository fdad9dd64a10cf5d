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

#[test]
fn a_field_that_is_not_as_documented_is_marked_and_says_nothing() {
    let body = json!({"id": 7, "active?": "yes", "expires_at": ["never"]});
    let token = record(&response(body)).unwrap();
    assert_eq!(
        (token.state, token.expiry),
        (TokenState::Unknown, Fact::NotReported)
    );
    let marked: Vec<_> = token.attributes.unreadable().collect();
    assert_eq!(marked, ["active?", "expires_at"]);
}

#[test]
fn every_field_of_a_record_has_its_place_in_the_model() {
    let record = record(&response(json!({
        "id": 7,
        "name": "ci",
        "user_id": 4,
        "created_at": "2025-01-01 00:00:00 UTC",
        "updated_at": "2025-02-01 00:00:00 UTC",
        "expires_at": "2027-01-01 02:30:00 +0230",
        "last_used_at": null,
        "active?": true,
        "revoked?": false,
        "color": "blue",
    })));
    let expected = json!({
        "id": "7",
        "name": "ci",
        "state": "active",
        "created_at": "2025-01-01T00:00:00Z",
        "updated_at": "2025-02-01T00:00:00Z",
        "expiry": {"kind": "at", "at": "2027-01-01T00:00:00Z"},
        "last_used": {"kind": "never"},
        "owner": {"id": "4", "kind": "user", "name": null},
        "attributes": {"color": "blue"},
    });
    assert_eq!(fields(&record.unwrap()), expected);
    assert!(super::record(&response(json!({"name": "ci"}))).is_err());
}

#[test]
fn the_state_follows_what_foreman_says_and_then_the_expiry() {
    const PAST: &str = "2026-01-01 12:00:00 UTC";
    const FUTURE: &str = "2026-01-01 12:00:01 UTC";
    for (active, revoked, expiry, expected) in [
        (json!(true), json!(true), FUTURE, TokenState::Revoked),
        (json!(false), json!(true), PAST, TokenState::Revoked),
        (json!(false), json!(false), FUTURE, TokenState::Expired),
        (json!(true), json!(false), FUTURE, TokenState::Active),
        (json!(true), json!(false), PAST, TokenState::Expired),
        (json!(true), Value::Null, FUTURE, TokenState::Active),
        (json!(false), Value::Null, FUTURE, TokenState::Revoked),
        (json!(false), Value::Null, PAST, TokenState::Expired),
        (Value::Null, Value::Null, FUTURE, TokenState::Unknown),
        (Value::Null, json!(false), PAST, TokenState::Expired),
    ] {
        let body = json!({"id": 7, "active?": active, "revoked?": revoked, "expires_at": expiry});
        let token = record(&response(body.clone())).unwrap();
        assert_eq!(token.state, expected, "{body}");
    }
}

#[test]
fn pages_are_counted_from_one_and_totals_are_those_of_the_search() {
    let request = PageRequest::first().size(1);
    let body = |page: Value, size: Value| {
        json!({
            "results": [{"id": 7}],
            "total": 9, "subtotal": 2, "page": page, "per_page": size,
        })
    };
    let page = |body| page(&request, &response(body)).unwrap();
    let first = page(body(json!(1), json!(1)));
    assert_eq!(
        (first.total, first.number, first.size),
        (Some(2), Some(0), Some(1))
    );
    assert!(first.next.is_some());
    let odd = page(body(json!(0), json!(0)));
    assert_eq!((odd.number, odd.size), (None, None));
}

#[test]
fn a_new_secret_is_read_whatever_else_the_response_holds() {
    for (body, id) in [
        (json!({"id": 7, "token_value": "abc", "name": "ci"}), "7"),
        (json!({"token_value": "abc"}), ""),
    ] {
        let issued = issued(&response(body)).unwrap();
        assert_eq!(issued.secret.expose(), "abc");
        assert_eq!(issued.token.id, TokenId::new(id));
    }
    assert!(issued(&response(json!({"name": "ci"}))).is_err());
}

#[test]
fn a_creation_sends_the_name_as_it_is_or_is_rejected() {
    let at: Timestamp = "2027-06-13T04:00:00.9Z".parse().unwrap();
    let request = CreateToken::new("ci").with_expiry(at);
    let body = serde_json::to_value(creation(request).unwrap()).unwrap();
    let expected = json!({"name": "ci", "expires_at": "2027-06-13T04:00:00Z"});
    assert_eq!(body["personal_access_token"], expected);
    let endless = creation(CreateToken::new("ci").without_expiry()).unwrap();
    assert_eq!(endless.personal_access_token.expires_at, None);
    for name in [" ci", "ci\n", "c\0i"] {
        assert!(creation(CreateToken::new(name)).is_err(), "{name:?}");
    }
}

#[test]
fn offsets_from_utc_are_four_digits_with_a_sign() {
    for (zone, seconds) in [
        ("UTC", Some(0)),
        ("+0000", Some(0)),
        ("+0230", Some(9_000)),
        ("-0930", Some(-34_200)),
        ("0230", None),
        ("+230", None),
        ("+02300", None),
        ("++230", None),
        ("*0230", None),
        ("", None),
    ] {
        assert_eq!(utc_offset(zone), seconds, "{zone}");
    }
}

#[test]
fn an_error_is_explained_by_all_that_foreman_says() {
    let error =
        |status, body: Value| error_body(Operation::Create, status, body.to_string().as_bytes());
    for (body, own, message) in [
        (json!({"error": "no"}), false, Some("no")),
        (json!({"message": "no"}), false, Some("no")),
        (json!({"error": {"message": "no"}}), true, Some("no")),
        (
            json!({"error": {"message": "no", "details": "Missing"}}),
            true,
            Some("no: Missing"),
        ),
        (
            json!({"error": {"details": "Missing"}}),
            true,
            Some("Missing"),
        ),
        (
            json!({"error": {"message": "Name is odd", "full_messages": ["Name is odd"]}}),
            true,
            Some("Name is odd"),
        ),
        (
            json!({"error": {"message": "no", "full_messages": ["Name is odd"]}}),
            true,
            Some("no: Name is odd"),
        ),
        (json!([]), false, None),
    ] {
        let parsed = error(400, body.clone());
        assert_eq!(
            (parsed.is_own, parsed.message.as_deref()),
            (own, message),
            "{body}"
        );
    }
    let taken = json!({"error": {"errors": {"name": ["has already been taken"]}}});
    let blank = json!({"error": {"errors": {"name": ["can't be blank"]}}});
    let says = |message: &str| json!({"error": {"message": message}});
    for (status, body, kind) in [
        (
            401,
            says("Too many tries, please try again"),
            Some(ErrorKind::RateLimited),
        ),
        (
            401,
            says("User account is disabled"),
            Some(ErrorKind::PermissionDenied),
        ),
        (401, says("Unable to authenticate user ci"), None),
        (403, says("Too many tries, please try again"), None),
        (403, says("User account is disabled"), None),
        (422, taken.clone(), Some(ErrorKind::Conflict)),
        (422, blank, None),
        (400, taken, None),
        (
            422,
            says("Couldn't find User with 'id'=9"),
            Some(ErrorKind::NotFound),
        ),
        (404, says("Couldn't find User with 'id'=9"), None),
    ] {
        let parsed = error(status, body.clone());
        assert_eq!(parsed.kind, kind, "{status} {body}");
        let locked_out = kind == Some(ErrorKind::RateLimited);
        assert_eq!(parsed.retry_after, locked_out.then_some(LOCKOUT));
    }
}

#[test]
fn only_foremans_own_words_refuse_a_login_or_a_permission() {
    for (status, message, refused, forbidden) in [
        (401, "Unable to authenticate user ci", true, false),
        (403, "Unable to authenticate user ci", false, false),
        (401, "token expired", false, false),
        (403, "Access denied", false, true),
        (401, "Access denied", false, false),
        (403, "blocked", false, false),
    ] {
        let body = json!({"error": {"message": message}}).to_string();
        let error = respond(error_body, status, &[], body).unwrap_err();
        assert_eq!(refuses_login(&error), refused, "{status} {message}");
        assert_eq!(lacks_permission(&error), forbidden, "{status} {message}");
    }
}

#[test]
fn all_five_time_formats_are_parsed() {
    for text in [
        "2030-07-01 00:00:00 UTC",
        "2030-07-01 02:00:00 +0200",
        "2030-07-01T00:00:00Z",
        "2030-07-01T00:00:00.000Z",
        "2030-07-01T02:00:00.000+02:00",
    ] {
        assert_eq!(
            time(text).unwrap().to_string(),
            "2030-07-01T00:00:00Z",
            "{text}"
        );
    }
    for invalid in [
        "",
        "UTC",
        "a b c",
        "2030-07-01 00:00:00 CEST",
        "2030-07-01 00:00:00 +é",
    ] {
        assert_eq!(time(invalid), None, "{invalid}");
    }
}

#[test]
fn the_reasons_of_a_rejected_field_are_shown() {
    for (body, expected) in [
        (
            r#"{"error":{"errors":{"name":["can't be blank"]},"full_messages":["Name can't be blank"]}}"#,
            "Name can't be blank",
        ),
        (
            r#"{"error":{"errors":{"expires_at":["cannot be in the past"],"name":"is odd"}}}"#,
            "expires_at cannot be in the past, name is odd",
        ),
        (
            r#"{"error":{"message":"Validation failed","full_messages":["Name is odd"]}}"#,
            "Validation failed: Name is odd",
        ),
        (
            r#"{"error":{"message":"Name is odd","errors":null,"details":{},"class":1}}"#,
            "Name is odd",
        ),
        (
            r#"{"error":{"message":[],"errors":{"name":"is odd"},"full_messages":7},"message":{}}"#,
            "name is odd",
        ),
        (r#"{"error":[],"message":"Name is odd"}"#, "Name is odd"),
    ] {
        let error = error_body(Operation::Create, 422, body.as_bytes());
        assert_eq!(error.message.as_deref(), Some(expected));
    }
}

#[test]
fn an_id_is_accepted_in_its_canonical_spelling_only() {
    assert!(check_id(&TokenId::new("10")).is_ok());
    for id in ["1-foo", "01", "1abc", " 1", "+1", "1.json", "x"] {
        assert!(check_id(&TokenId::new(id)).is_err(), "{id}");
    }
}

#[test]
fn the_acting_login_is_found_as_foreman_spells_it_or_the_spelling_is_named() {
    let users = json!({"results": [{"id": 5, "login": "admin2"}, {"id": 4, "login": "admin"}]});
    let users = response(users);
    let found = user_with_login("admin", &users).unwrap();
    assert_eq!(found.principal.id(), "4");
    for (login, advice) in [
        ("Admin", "write the login as Foreman does"),
        ("eve", "check login"),
    ] {
        let error = user_with_login(login, &users).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.advice().unwrap().starts_with(advice), "{error}");
    }
}

#[test]
fn an_unknown_path_is_foremans_own_answer_to_a_question_of_newer_releases_only() {
    let is_own = |operation, body: Value| {
        let body = body.to_string();
        error_body(operation, 404, body.as_bytes()).is_own
    };
    let no_route = || json!({"status": 404, "error": "Not Found"});
    assert!(is_own(Operation::Whoami, no_route()));
    assert!(!is_own(Operation::Get, no_route()));
    for other in [
        json!({"status": 500, "error": "Not Found"}),
        json!({"status": 404, "error": "Unauthorized"}),
        json!({"error": "Not Found"}),
        json!({"status": 404}),
        json!({"status": 404, "error": "Not Found", "message": "no"}),
        json!({"status": 404, "error": "Not Found", "path": "/api/v2/current_user"}),
    ] {
        assert!(!is_own(Operation::Whoami, other.clone()), "{other}");
    }
}
