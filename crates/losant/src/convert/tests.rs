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

const ID: &str = "575ec8687ae143cd83dc4a97";

#[test]
fn a_field_that_is_not_as_documented_is_marked_and_says_nothing() {
    let body = json!({"id": ID, "name": ["ci"], "expirationDate": ["never"]});
    let token = record(&response(body)).unwrap();
    assert_eq!(
        (token.name, token.expiry),
        (Fact::NotReported, Fact::NotReported)
    );
    let marked: Vec<_> = token.attributes.unreadable().collect();
    assert_eq!(marked, ["expirationDate", "name"]);
}

#[test]
fn a_date_that_a_token_has_twice_is_read_as_if_it_had_it_once() {
    for (date, is_time, is_marked) in [
        ("2025-01-01T00:00:00.500Z", true, false),
        ("2016-12-31T23:59:60.000Z", true, true),
        ("yesterday", false, true),
    ] {
        let body = json!({ "id": "a", "creationDate": date, "lastUpdated": date });
        let token = record(&response(body)).unwrap();
        let time = Fact::from_optional(date.parse().ok());
        assert_eq!(time.is_reported(), is_time);
        assert_eq!((&token.created_at, &token.updated_at), (&time, &time));
        for name in ["creationDate", "lastUpdated"] {
            assert_eq!(token.attributes.is_unreadable(name), is_marked, "{date}");
        }
    }
    let body = json!({
        "id": "a",
        "creationDate": "2025-01-01T00:00:00.000Z",
        "lastUpdated": "2025-01-01T00:00:00.001Z",
    });
    let token = record(&response(body)).unwrap();
    assert!(token.created_at < token.updated_at);
}

#[test]
fn every_field_of_a_record_has_its_place_in_the_model() {
    let record = record(&response(json!({
        "_type": "apiToken",
        "_links": {},
        "id": ID,
        "apiTokenId": "other",
        "ownerId": "1",
        "ownerType": "user",
        "creatorId": "2",
        "creatorType": "flow",
        "creatorName": "Ada",
        "name": "ci",
        "description": "for builds",
        "creationDate": "2025-01-01T00:00:00.000Z",
        "lastUpdated": "2025-02-01T00:00:00.000Z",
        "expirationDate": "2027-01-01T00:00:00.000Z",
        "scope": ["all.User"],
        "status": "inactive",
        "color": "blue",
    })));
    let expected = json!({
        "id": ID,
        "name": "ci",
        "description": "for builds",
        "state": "suspended",
        "created_at": "2025-01-01T00:00:00Z",
        "updated_at": "2025-02-01T00:00:00Z",
        "expiry": {"kind": "at", "at": "2027-01-01T00:00:00Z"},
        "owner": {"id": "1", "kind": "user", "name": null},
        "creator": {"id": "2", "kind": "flow", "name": "Ada"},
        "scopes": ["all.User"],
        "attributes": {"color": "blue"},
    });
    assert_eq!(fields(&record.unwrap()), expected);
}

#[test]
fn the_state_follows_the_expiry_and_then_the_status() {
    for (status, expiry, expected) in [
        ("active", Value::Null, TokenState::Active),
        ("active", json!("2026-01-01T12:00:01Z"), TokenState::Active),
        ("active", json!("2026-01-01T12:00:00Z"), TokenState::Expired),
        (
            "inactive",
            json!("2025-01-01T00:00:00Z"),
            TokenState::Expired,
        ),
        ("inactive", Value::Null, TokenState::Suspended),
        ("paused", Value::Null, TokenState::Unknown),
    ] {
        let body = json!({"id": ID, "status": status, "expirationDate": expiry});
        let token = record(&response(body)).unwrap();
        assert_eq!(token.state, expected, "{status} {expiry}");
        let unknown = token.attributes.get("status").is_some();
        assert_eq!(unknown, status == "paused");
    }
    let token = record(&response(json!({"id": ID}))).unwrap();
    assert_eq!(token.state, TokenState::Unknown);
    assert_eq!(
        token.expiry,
        Fact::Absent,
        "without a date it never expires"
    );
    let token = record(&response(json!({"id": ID, "expirationDate": 7}))).unwrap();
    assert_eq!(token.expiry, Fact::NotReported);
}

#[test]
fn the_id_is_read_from_either_of_its_fields() {
    for (body, expected) in [
        (json!({"id": "a", "apiTokenId": "b"}), Some("a")),
        (json!({"id": "", "apiTokenId": "b"}), Some("b")),
        (json!({"apiTokenId": "b"}), Some("b")),
        (json!({"id": "", "apiTokenId": ""}), None),
    ] {
        let id = record(&response(body.clone())).ok().map(|token| token.id);
        assert_eq!(id, expected.map(TokenId::new), "{body}");
        // A secret is not lost for lack of an id.
        let mut body = body;
        body["token"] = json!("eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
        let issued = issued(&response(body)).unwrap();
        assert_eq!(issued.secret.expose(), "eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
        assert_eq!(issued.token.id, TokenId::new(expected.unwrap_or_default()));
    }
}

#[test]
fn a_page_says_where_it_lies_and_what_follows() {
    let request = PageRequest::first().size(2);
    let body =
        json!({"items": [{"id": "a"}, {"id": "b"}], "totalCount": 3, "page": 0, "perPage": 2});
    let page = page(&request, &response(body)).unwrap();
    assert_eq!(page.tokens.len(), 2);
    assert_eq!(
        (page.total, page.number, page.size),
        (Some(3), Some(0), Some(2))
    );
    assert!(page.next.is_some());
}

#[test]
fn ids_are_24_hexadecimal_digits() {
    assert!(check_id(&TokenId::new(ID)).is_ok());
    for id in [
        &ID[1..],
        "575ec8687ae143cd83dc4a9g",
        "575ec8687ae143cd83dc4a970",
    ] {
        assert!(check_id(&TokenId::new(id)).is_err(), "{id}");
    }
}

#[test]
fn a_creation_and_an_update_send_what_was_asked_for() {
    let at: Timestamp = "2027-06-13T04:00:00.1239Z".parse().unwrap();
    let body = |request| serde_json::to_value(creation(request)).unwrap();
    assert_eq!(
        body(CreateToken::new("ci").with_expiry(at)),
        json!({"name": "ci", "expirationDate": "2027-06-13T04:00:00.123Z", "status": "active"})
    );
    let suspended = CreateToken::new("ci").without_expiry().with_suspended();
    assert_eq!(body(suspended), json!({"name": "ci", "status": "inactive"}));
    for (change, status) in [
        (UpdateToken::suspend(), "inactive"),
        (UpdateToken::resume(), "active"),
    ] {
        let body = serde_json::to_value(update(&change)).unwrap();
        assert_eq!(body, json!({"status": status}));
    }
}

#[test]
fn only_losants_own_error_says_that_a_token_is_gone() {
    for (status, body, own, gone) in [
        (
            404,
            json!({"type": "NotFound", "message": "no token"}),
            true,
            true,
        ),
        (
            410,
            json!({"type": "NotFound", "message": "no token"}),
            true,
            false,
        ),
        (
            404,
            json!({"type": "Validation", "message": "no token"}),
            true,
            false,
        ),
        (404, json!({"type": "NotFound"}), false, false),
        (404, json!({"message": "no route"}), false, false),
        (
            404,
            json!({"type": "about:blank", "message": "no"}),
            false,
            false,
        ),
        (
            404,
            json!({"type": "notFound", "message": "no"}),
            false,
            false,
        ),
        (
            404,
            json!({"type": "Not Found", "message": "no"}),
            false,
            false,
        ),
        (404, json!([]), false, false),
    ] {
        let error = respond(error_body, status, &[], body.to_string()).unwrap_err();
        assert_eq!(error.is_in_own_form(), own, "{body}");
        assert_eq!(is_gone(&error), gone, "{body}");
        let error_body = error_body(Operation::Get, status, body.to_string().as_bytes());
        assert_eq!(error_body.is_own, own, "{body}");
        assert_eq!(error_body.message.as_deref(), body["message"].as_str());
    }
}

#[test]
fn times_are_sent_with_milliseconds() {
    let at: Timestamp = "2027-06-13T04:00:00.1239Z".parse().unwrap();
    assert_eq!(date_time(at), "2027-06-13T04:00:00.123Z");
}

#[test]
fn an_id_is_accepted_in_its_canonical_spelling_only() {
    assert!(check_id(&TokenId::new("575ec7417ae143cd83dc4a95")).is_ok());
    let error = |id| check_id(&TokenId::new(id)).unwrap_err().to_string();
    let other_case = error("575EC7417ae143cd83dc4a95");
    assert!(
        other_case.ends_with("in lower case, as in the listing"),
        "{other_case}"
    );
    for id in [
        "575ec7417ae143cd83dc4a9",
        "575ec7417ae143cd83dc4a95 ",
        "x",
        "",
    ] {
        assert!(!error(id).contains("lower case"), "{id}");
    }
}
