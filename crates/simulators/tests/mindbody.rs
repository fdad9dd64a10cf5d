//! The behaviour of the Mindbody simulator.

#![allow(clippy::unwrap_used)]

mod support;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use support::{TestResponse, json_recording, send};
use tokenfleet_simulators::{
    Action, Clock, Fault, NewToken, Simulator, State, dispatch,
    mindbody::{Mindbody, Options, Outage},
};

const LOGIN: &str = r#"{"Username":"Siteowner","Password":"apitest1234"}"#;

fn simulator_with(assignments: &[&str]) -> Mindbody {
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let mut options = Options {
        clock: Clock::frozen(now),
        ..Options::default()
    };
    options.set("api_key=key123").unwrap();
    for assignment in assignments {
        options.set(assignment).unwrap();
    }
    Mindbody::new(options)
}

fn issue(mindbody: &Mindbody) -> TestResponse {
    call(mindbody, "POST", "issue", "", LOGIN)
}

fn call(mindbody: &Mindbody, method: &str, action: &str, token: &str, body: &str) -> TestResponse {
    let target = format!("/public/v6/usertoken/{action}");
    let mut headers = vec![("API-Key", "key123"), ("SiteId", "-99")];
    if !token.is_empty() {
        headers.push(("Authorization", token));
    }
    send(mindbody, method, &target, &headers, body)
}

fn token(response: &TestResponse) -> String {
    response.json["AccessToken"].as_str().unwrap().to_owned()
}

fn denied(response: &TestResponse) -> (u16, &str) {
    assert_eq!(response.json["Error"]["Code"], "DeniedAccess");
    (
        response.status,
        response.json["Error"]["Message"].as_str().unwrap(),
    )
}

#[test]
fn a_token_is_issued_used_bare_or_as_bearer_and_revoked_by_itself() {
    let mindbody = simulator_with(&[]);
    let issued = issue(&mindbody);
    assert_eq!(issued.status, 200);
    assert_eq!(issued.json["TokenType"], "Bearer");
    assert_eq!(issued.json["Expires"], "2026-06-02T12:00:00.000Z");
    assert_eq!(issued.json["User"]["Id"], 0);
    let token = token(&issued);
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert!(mindbody.accepts(&token));
    for header in [
        token.clone(),
        format!("Bearer {token}"),
        format!("bearer {token}"),
    ] {
        let headers = [
            ("api-key", "key123"),
            ("siteID", "-99"),
            ("authorization", &header),
        ];
        let sites = send(&mindbody, "GET", "/Public/V6/Site/Sites", &headers, "");
        assert_eq!(sites.json["Sites"][0]["Id"], -99);
    }
    let revoked = call(&mindbody, "DELETE", "revoke", &token, "");
    assert_eq!(revoked.status, 200);
    assert!(!mindbody.accepts(&token));
    assert_eq!(call(&mindbody, "DELETE", "revoke", &token, "").status, 401);
    assert_eq!(call(&mindbody, "POST", "renew", &token, "").status, 401);
}

#[test]
fn a_renewal_adds_a_day_to_the_expiry_seven_times() {
    let mindbody = simulator_with(&[]);
    let token = token(&issue(&mindbody));
    let bearer = format!("Bearer {token}");
    for day in 3..=9 {
        let renewed = call(&mindbody, "POST", "renew", &bearer, "");
        assert_eq!(
            renewed.json["Expires"],
            format!("2026-06-{day:02}T12:00:00.000Z")
        );
        assert_eq!(renewed.json["AccessToken"], token);
    }
    assert_eq!(call(&mindbody, "POST", "renew", &bearer, "").status, 403);
    mindbody
        .clock()
        .advance(SignedDuration::from_hours(8 * 24 - 1));
    assert!(mindbody.accepts(&token));
    mindbody.clock().advance(SignedDuration::from_hours(1));
    assert!(!mindbody.accepts(&token));
    assert_eq!(mindbody.tokens()[0].state, State::Expired);
}

#[test]
fn errors_have_the_error_object() {
    let mindbody = simulator_with(&[]);
    let wrong = call(
        &mindbody,
        "POST",
        "issue",
        "",
        r#"{"Username":"x","Password":"bad"}"#,
    );
    assert_eq!(
        denied(&wrong),
        (403, "Staff identity authentication failed.")
    );
    let target = "/public/v6/usertoken/issue";
    let keyless = send(&mindbody, "POST", target, &[("SiteId", "-99")], LOGIN);
    assert_eq!(
        keyless.text,
        r#"{"Error":{"Code":"DeniedAccess","Message":"Missing API key"}}"#
    );
    assert_eq!(keyless.status, 401);
    let wrong_key = [("API-Key", "x"), ("SiteId", "-99")];
    assert_eq!(
        send(&mindbody, "POST", target, &wrong_key, LOGIN).status,
        401
    );
    let nowhere = send(
        &mindbody,
        "POST",
        target,
        &[("API-Key", "key123"), ("SiteId", "7")],
        LOGIN,
    );
    assert_eq!(nowhere.json["Error"]["Code"], "InvalidSiteId");
    let empty = call(&mindbody, "POST", "issue", "", "{}");
    assert_eq!(
        (empty.status, &empty.json["Error"]["Code"]),
        (400, &"MissingRequiredFields".into())
    );
    assert_eq!(mindbody.token_count(), 0);

    let token = mindbody.insert(NewToken::default()).secret;
    let elsewhere = [
        ("API-Key", "key123"),
        ("SiteId", "31415"),
        ("Authorization", token.as_str()),
    ];
    let foreign = send(
        &mindbody,
        "POST",
        "/public/v6/usertoken/renew",
        &elsewhere,
        "",
    );
    assert_eq!(
        denied(&foreign),
        (401, "User token site id does not match requested site")
    );

    let unmapped = call(&mindbody, "GET", "list", "", "");
    assert!(unmapped.status == 404 && unmapped.json["Message"].is_string());
    assert_eq!(call(&mindbody, "GET", "issue", "", "").status, 405);
}

#[test]
fn sources_and_forms_can_log_in_and_older_tokens_stay_valid() {
    let mindbody = simulator_with(&[]);
    let first = token(&issue(&mindbody));
    let source = r#"{"username":"_ExampleSource","password":"source-password"}"#;
    assert_eq!(call(&mindbody, "POST", "issue", "", source).status, 200);
    let headers = [
        ("API-Key", "key123"),
        ("SiteId", "-99"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let form = send(
        &mindbody,
        "POST",
        "/public/v6/usertoken/issue",
        &headers,
        "Username=Siteowner&Password=apitest1234",
    );
    assert_eq!(form.status, 200);
    assert!(mindbody.accepts(&first));
    assert_eq!(mindbody.token_count(), 3);
}

#[test]
fn switches_decide_behaviour_that_is_not_known() {
    for (switch, status, body) in [
        (
            "revoke_answer=object",
            200,
            r#"{"Message":"User token revoked."}"#,
        ),
        ("revoke_answer=empty", 200, ""),
        ("revoke_answer=204", 204, ""),
    ] {
        let mindbody = simulator_with(&[switch]);
        let token = token(&issue(&mindbody));
        let revoked = call(&mindbody, "DELETE", "revoke", &token, "");
        assert_eq!((revoked.status, revoked.text.as_str()), (status, body));
    }
    for (switch, expected) in [
        ("expires=absent", Value::Null),
        ("expires_format=seconds", "2026-06-02T12:00:00Z".into()),
        (
            "expires_format=ticks",
            "2026-06-02T12:00:00.0000000Z".into(),
        ),
        ("expires_format=offset", "2026-06-02T12:00:00+00:00".into()),
        ("expires_format=bare", "2026-06-02T12:00:00.000".into()),
    ] {
        assert_eq!(issue(&simulator_with(&[switch])).json["Expires"], expected);
    }
    let mindbody = simulator_with(&["renewed_token=changes", "token_format=long"]);
    let old = token(&issue(&mindbody));
    assert_eq!(old.len(), 64);
    let new = token(&call(&mindbody, "POST", "renew", &old, ""));
    assert!(!mindbody.accepts(&old) && mindbody.accepts(&new));

    let mindbody = simulator_with(&[
        "renew_answer=empty",
        "max_renewals=0",
        "renewals_exhausted=unchanged",
    ]);
    let old = token(&issue(&mindbody));
    assert_eq!(call(&mindbody, "POST", "renew", &old, "").text, "{}");
    assert_eq!(
        mindbody.tokens()[0].expires,
        Some("2026-06-02T12:00:00Z".parse().unwrap())
    );

    let mindbody = simulator_with(&[
        "second_revoke=403",
        "issue_again=refused",
        "older_tokens=end",
    ]);
    assert_eq!(
        call(&mindbody, "DELETE", "revoke", "nothing", "").status,
        403
    );
    let first = token(&issue(&mindbody));
    assert_eq!(issue(&mindbody).status, 403);
    mindbody.clock().advance(SignedDuration::from_secs(5));
    assert_eq!(issue(&mindbody).status, 200);
    assert!(!mindbody.accepts(&first));
    assert_eq!(
        call(
            &simulator_with(&["empty_username=403"]),
            "POST",
            "issue",
            "",
            "{}"
        )
        .status,
        403
    );
    let mindbody = simulator_with(&["daily_limit=1"]);
    assert_eq!(
        [issue(&mindbody).status, issue(&mindbody).status],
        [200, 429]
    );
}

#[tokio::test]
async fn an_outage_has_one_of_three_formats() {
    let mindbody = simulator_with(&[]);
    for (outage, expected) in [
        (Outage::ErrorObject, r#"{"Error":{"#),
        (Outage::TopLevelMessage, r#"{"Message":"#),
        (Outage::Html, "<!DOCTYPE html>"),
    ] {
        mindbody
            .faults()
            .add(Fault::new(Action::Answer(outage.answer(500))));
        let request = http::Request::post("/public/v6/usertoken/issue");
        let response = dispatch(&mindbody, request.body(LOGIN.into()).unwrap())
            .await
            .unwrap();
        let response = support::read(response);
        assert!(
            response.status == 500 && response.text.starts_with(expected),
            "{}",
            response.text
        );
    }
}

/// Replays a recording, replacing its tokens by the one issued last.
fn replay(recording: &str) -> Vec<u16> {
    let mindbody = simulator_with(&[]);
    let mut token = String::new();
    json_recording(recording)
        .into_iter()
        .map(|mut request| {
            for (name, value) in &mut request.headers {
                if name.eq_ignore_ascii_case("authorization") {
                    let scheme = if value.starts_with("Bearer ") {
                        "Bearer "
                    } else {
                        ""
                    };
                    *value = format!("{scheme}{token}");
                }
            }
            let response = request.send(&mindbody);
            if let Some(issued) = response.json["AccessToken"].as_str() {
                token = issued.to_owned();
            }
            response.status
        })
        .collect()
}

#[test]
fn every_recorded_request_of_the_clients_is_understood() {
    // 403 is the documented response to the wrong password that two of the clients send.
    let python = replay(include_str!("recorded/mindbody-python-clients.jsonl"));
    assert_eq!(python, [200, 200, 403, 200, 200, 200, 403]);
    let npm = replay(include_str!("recorded/mindbody-npm-api-v6.jsonl"));
    assert_eq!(npm, [200, 200, 200]);
}
