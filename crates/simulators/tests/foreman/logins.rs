//! Tests of authentication, sessions, the lockout and access to other users' tokens.

use jiff::SignedDuration;
use serde_json::json;
use tokenfleet_simulators::{NewToken, Simulator, State};

use crate::client::{TOKENS, delete, foreman, get, post, send, send_as, time};

#[test]
fn a_token_authenticates_only_its_own_user_and_only_until_it_expires() {
    let foreman = foreman(&[]);
    let token = foreman.insert(NewToken::named("ci").expires(time("2026-11-22T14:00:00Z")));
    let status = |login: &str| send_as(&foreman, (login, &token.secret), "GET", TOKENS).status;
    assert_eq!(
        (status("admin"), status("Admin"), status("mgr")),
        (200, 401, 401)
    );
    assert!(foreman.accepts(&token.secret));
    foreman.clock().set(time("2026-11-22T14:00:00.000001Z"));
    assert_eq!(status("admin"), 401);
    assert!(!foreman.accepts(&token.secret));
    assert!(foreman.accepts("changeme"));
    assert_eq!(foreman.tokens()[0].state, State::Expired);
    assert_eq!(
        foreman.tokens()[0].last_used,
        Some(time("2026-11-22T13:13:25Z"))
    );
}

#[test]
fn a_session_outlives_its_token_until_it_is_idle_for_an_hour() {
    let foreman = foreman(&[]);
    let token = foreman.insert(NewToken::named("ci"));
    let login = send_as(&foreman, ("admin", &token.secret), "GET", TOKENS);
    let cookie = login.session_cookie().unwrap();
    assert!(
        login
            .header("set-cookie")
            .ends_with("; path=/; HttpOnly; SameSite=Lax")
    );
    delete(&foreman, &format!("{TOKENS}/1"));
    let resume = || {
        send(
            &foreman,
            "GET",
            TOKENS,
            &[("cookie", &cookie), ("authorization", "Basic bm9ib2R5Og==")],
            "",
        )
    };
    for _ in 0..3 {
        foreman.clock().advance(SignedDuration::from_mins(59));
        let response = resume();
        assert_eq!(response.status, 200);
        assert_eq!(response.header("set-cookie"), "");
    }
    foreman.clock().advance(SignedDuration::from_mins(61));
    let expired = resume();
    assert_eq!((expired.status, expired.text.as_str()), (401, ""));
    assert!(expired.header("content-type").starts_with("text/plain"));
}

#[test]
fn thirty_failures_lock_out_all_callers_without_a_session() {
    let foreman = foreman(&[]);
    let login = get(&foreman, TOKENS);
    let cookie = login.session_cookie().unwrap();
    for _ in 0..30 {
        let response = send_as(&foreman, ("admin", "wrong"), "GET", TOKENS);
        assert_eq!(
            response.json()["error"]["message"],
            "Unable to authenticate user admin"
        );
    }
    let locked = get(&foreman, TOKENS);
    assert_eq!(locked.status, 401);
    assert_eq!(
        locked.json()["error"]["message"],
        "Too many tries, please try again in a few minutes."
    );
    assert_eq!(
        send(&foreman, "GET", TOKENS, &[("cookie", &cookie)], "").status,
        200
    );
    foreman.clock().advance(SignedDuration::from_mins(5));
    assert_eq!(get(&foreman, TOKENS).status, 200);
}

#[test]
fn another_users_tokens_are_found_by_a_plain_id_or_within_a_context() {
    let foreman = foreman(&[]);
    post(
        &foreman,
        "/api/users/5/personal_access_tokens",
        r#"{"name":"a"}"#,
    );
    let total = |target: &str| get(&foreman, target).json()["total"].clone();
    for (user, found) in [("5", 1), ("5-x", 1), ("5.json", 0), ("05", 0), ("5abc", 0)] {
        assert_eq!(
            total(&format!("/api/users/{user}/personal_access_tokens")),
            found,
            "{user}"
        );
        let context = format!("/api/users/{user}/personal_access_tokens?organization_id=1");
        assert_eq!(total(&context), 1, "{user}");
    }
}

#[test]
fn users_can_be_searched_by_login_with_the_permission_to_view_users() {
    let foreman = foreman(&[]);
    let found = get(
        &foreman,
        "//api/users?search=login+%3D+%22jane.doe%22&per_page=1000&page=1",
    );
    assert_eq!(
        (found.ids(), found.json()["results"][0]["login"].clone()),
        (vec![5], json!("jane.doe"))
    );
    let denied = send_as(&foreman, ("jane.doe", "jane.doe"), "GET", "/api/users");
    assert_eq!(denied.status, 403);
}
