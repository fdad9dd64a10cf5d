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

const TOKEN: &str = "5b1a3c0ffee94d1e8a77";

#[test]
fn a_field_that_is_not_as_documented_is_marked_and_says_nothing() {
    let body = json!({"AccessToken": TOKEN, "Expires": ["never"], "User": "Ada"});
    let token = issued(&response(body)).unwrap().token;
    assert_eq!(token.expiry, Fact::NotReported);
    let marked: Vec<_> = token.attributes.unreadable().collect();
    assert_eq!(marked, ["Expires", "User"]);
}

#[test]
fn every_field_of_a_response_has_its_place_in_the_model() {
    let body = json!({
        "TokenType": "Bearer",
        "AccessToken": TOKEN,
        "Expires": "2026-01-01T12:00:01",
        "User": {"Id": 4, "FirstName": "Ada", "LastName": "Byron", "Type": "Staff"},
    });
    let issued = issued(&response(body)).unwrap();
    assert_eq!(issued.secret.expose(), TOKEN);
    let id = fingerprint(&Secret::new(TOKEN));
    let expected = json!({
        "id": id.as_str(),
        "state": "active",
        "expiry": {"kind": "at", "at": "2026-01-01T12:00:01Z"},
        "owner": {"id": "4", "kind": "Staff", "name": "Ada Byron"},
        "attributes": {},
    });
    assert_eq!(fields(&issued.token), expected);
}

#[test]
fn a_token_has_expired_when_the_platforms_clock_says_so() {
    for (expires, state) in [
        ("2026-01-01T12:00:01", TokenState::Active),
        ("2026-01-01T12:00:00", TokenState::Expired),
    ] {
        let body = json!({"AccessToken": TOKEN, "Expires": expires});
        assert_eq!(issued(&response(body)).unwrap().token.state, state);
    }
}

#[test]
fn an_owner_has_an_id_and_the_names_that_are_given() {
    for (user, name) in [
        (json!({"Id": 0, "FirstName": "Ada"}), Some("Ada")),
        (json!({"Id": 0, "FirstName": "", "LastName": null}), None),
    ] {
        let body = json!({"AccessToken": TOKEN, "User": user});
        let token = issued(&response(body)).unwrap().token;
        let owner = token.owner.known().unwrap();
        assert_eq!((owner.id(), owner.name()), ("0", name), "{user}");
    }
    let body = json!({"AccessToken": TOKEN, "User": {"FirstName": "Ada"}});
    assert!(
        issued(&response(body))
            .unwrap()
            .token
            .owner
            .known()
            .is_none()
    );
}

#[test]
fn a_renewal_reports_what_was_sent_and_identifies_the_token_by_a_secret_that_is_one() {
    let old = Secret::new(TOKEN);
    for (sent, reported, current) in [
        (json!({}), None, TOKEN),
        (json!({"AccessToken": TOKEN}), Some(TOKEN), TOKEN),
        (json!({"AccessToken": "********"}), Some("********"), TOKEN),
        (
            json!({"AccessToken": "9d0c55f1a0b24e6f"}),
            Some("9d0c55f1a0b24e6f"),
            "9d0c55f1a0b24e6f",
        ),
    ] {
        let renewed = renewed(&old, &response(sent.clone())).unwrap();
        assert_eq!(
            renewed.secret.as_ref().map(Secret::expose),
            reported,
            "{sent}"
        );
        let id = fingerprint(&Secret::new(current));
        assert_eq!(renewed.token.id, id, "{sent}");
    }
    let masked = json!({"AccessToken": "********"});
    assert!(issued(&response(masked)).is_err());
}

#[test]
fn an_error_is_mindbodys_own_whatever_else_is_in_it() {
    let error = |operation, status, body: &Value| {
        error_body(operation, status, body.to_string().as_bytes())
    };
    let denied = json!({"Error": {"Message": "no", "Code": "DeniedAccess"}});
    for (body, own, message, code) in [
        (&denied, true, Some("no"), Some("DeniedAccess")),
        (&json!({"Message": "no"}), false, Some("no"), None),
        (
            &json!({"Error": {"Message": "no"}, "AccessToken": TOKEN}),
            true,
            Some("no"),
            None,
        ),
        (&json!([]), false, None, None),
    ] {
        let parsed = error(Operation::Verify, 400, body);
        assert_eq!(
            (parsed.is_own, parsed.message.as_deref()),
            (own, message),
            "{body}"
        );
        assert_eq!(parsed.code.as_deref(), code, "{body}");
    }
    for (operation, status, kind) in [
        (Operation::Create, 403, Some(ErrorKind::Unauthenticated)),
        (Operation::Create, 401, None),
        (Operation::Verify, 403, None),
    ] {
        assert_eq!(error(operation, status, &denied).kind, kind, "{status}");
    }
}

#[test]
fn a_refusal_that_is_not_mindbodys_own_says_nothing_about_the_login() {
    for body in [
        json!({}),
        json!({"Message": "no"}),
        json!({"Error": null, "Message": "no"}),
        json!({"Success": true, "Message": "no"}),
    ] {
        let parsed = error_body(Operation::Create, 403, body.to_string().as_bytes());
        assert_eq!((parsed.is_own, parsed.kind), (false, None), "{body}");
    }
}

#[test]
fn only_the_field_of_an_error_holds_its_message() {
    for (body, message) in [
        (
            json!({"Error": {"Message": "no"}, "Message": "other"}),
            Some("no"),
        ),
        (json!({"Error": {}, "Message": "no"}), Some("no")),
        (
            json!({"Errors": [{"Message": "other"}], "Message": "no"}),
            Some("no"),
        ),
        (json!({"error": "other"}), None),
    ] {
        let parsed = error_body(Operation::Verify, 400, body.to_string().as_bytes());
        assert_eq!(parsed.message.as_deref(), message, "{body}");
    }
}

#[test]
fn something_else_in_the_place_of_a_secret_is_not_the_lack_of_one() {
    let old = Secret::new(TOKEN);
    for (sent, reported) in [
        (json!({}), None),
        (json!({"AccessToken": {"value": TOKEN}}), Some("")),
        (json!({"AccessToken": [TOKEN]}), Some("")),
        (json!({"AccessToken": null}), Some("")),
    ] {
        let renewed = renewed(&old, &response(sent.clone())).unwrap();
        let secret = renewed.secret.as_ref().map(Secret::expose);
        assert_eq!(secret, reported, "{sent}");
    }
}

#[test]
fn a_token_is_rejected_only_by_mindbody_and_not_for_another_reason() {
    let error = |status, code: Value, message: &str| {
        let body = json!({"Error": {"Code": code, "Message": message}});
        respond(error_body, status, &[], body.to_string()).unwrap_err()
    };
    let denied = || json!("DeniedAccess");
    for (status, code, message, rejected) in [
        (401, denied(), "Missing or invalid token", true),
        (403, denied(), "Missing or invalid token", true),
        (400, denied(), "Missing or invalid token", false),
        (401, Value::Null, "Missing or invalid token", false),
        (401, denied(), "No access to this SITE", false),
        (403, denied(), "permission denied", false),
        (403, denied(), "Not a subscriber", false),
    ] {
        let error = error(status, code, message);
        assert_eq!(may_be_rejected(&error), rejected, "{status} {message}");
    }
    let one = error(401, denied(), "try 1");
    assert!(is_same_response(&one, &error(401, denied(), "try 2")));
    assert!(!is_same_response(&one, &error(403, denied(), "try 1")));
    assert!(!is_same_response(
        &one,
        &error(401, json!("Other"), "try 1")
    ));
}

#[test]
fn a_fingerprint_is_stable_and_does_not_contain_the_secret() {
    let secret = Secret::new("b1a5c0ffee");
    let id = fingerprint(&secret);
    assert_eq!(id, fingerprint(&secret.duplicate()));
    assert_eq!(id.as_str().len(), 32);
    assert!(!id.as_str().contains(secret.expose()));
}

#[test]
fn an_expiry_without_a_zone_is_in_utc() {
    for text in [
        "2016-03-13T12:52:32",
        "2016-03-13T12:52:32Z",
        "2016-03-13T12:52:32.000Z",
    ] {
        assert_eq!(
            time(text).unwrap().to_string(),
            "2016-03-13T12:52:32Z",
            "{text}"
        );
    }
}
