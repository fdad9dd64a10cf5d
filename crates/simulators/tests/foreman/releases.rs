//! What older releases do otherwise.

use serde_json::json;
use tokenfleet_simulators::{NewToken, Simulator, foreman::Foreman};

use crate::client::{TOKENS, basic, delete, foreman, get, post, send};

fn release(version: &str) -> Foreman {
    let foreman = foreman(&[&format!("version={version}")]);
    foreman.insert(NewToken::named("a"));
    foreman
}

fn as_jane(foreman: &Foreman, method: &str, target: &str) -> u16 {
    send(
        foreman,
        method,
        target,
        &[("authorization", &basic("jane.doe", "jane.doe"))],
        "",
    )
    .status
}

#[test]
fn every_page_on_request_came_with_2_2() {
    for (version, count) in [("2.1", 0), ("2.2", 1)] {
        assert_eq!(
            get(&release(version), &format!("{TOKENS}?per_page=all"))
                .ids()
                .len(),
            count,
            "{version}"
        );
    }
}

#[test]
fn the_revocation_mark_came_with_2_4() {
    for (version, shown) in [("1.24", false), ("2.4", true)] {
        let token = get(&release(version), &format!("{TOKENS}/1")).json();
        assert_eq!(token.get("revoked?").is_some(), shown, "{version}");
    }
    assert!(
        delete(&release("1.24"), &format!("{TOKENS}/1"))
            .text
            .starts_with(r#"{"id":1,"revoked":true,"#)
    );
}

#[test]
fn rights_to_own_tokens_came_with_3_0_and_3_1() {
    let own = "/api/users/5/personal_access_tokens";
    assert_eq!(as_jane(&release("3.0"), "GET", own), 403);
    assert_eq!(as_jane(&release("3.1"), "GET", own), 200);
    let revoke = |version: &str| {
        let foreman = release(version);
        send(
            &foreman,
            "DELETE",
            &format!("{TOKENS}/1"),
            &[("authorization", &basic("mgr", "mgr"))],
            "",
        )
        .status
    };
    assert_eq!((revoke("2.5"), revoke("3.0")), (403, 200));
}

#[test]
fn ids_became_a_field_with_3_2() {
    for (version, status) in [("3.1", 400), ("3.2", 200)] {
        assert_eq!(
            get(&release(version), &format!("{TOKENS}?order=id")).status,
            status,
            "{version}"
        );
        assert_eq!(
            get(&release(version), &format!("{TOKENS}?search=id=1")).status,
            status,
            "{version}"
        );
    }
}

#[test]
fn malformed_bodies_became_the_callers_fault_with_3_3() {
    for (version, status) in [("3.2", 500), ("3.3", 400)] {
        assert_eq!(
            post(&release(version), TOKENS, "{bad").status,
            status,
            "{version}"
        );
    }
}

#[test]
fn expiries_are_checked_since_3_9() {
    let create = |version: &str, expires: &str| {
        post(
            &release(version),
            TOKENS,
            &json!({"name": "x", "expires_at": expires}).to_string(),
        )
    };
    let dropped = create("3.8", "garbage");
    assert_eq!(
        (dropped.status, dropped.json()["expires_at"].clone()),
        (201, json!(null))
    );
    let past = create("3.8", "2001-01-01");
    assert_eq!(
        (past.status, past.json()["active?"].clone()),
        (201, json!(false))
    );
    assert_eq!(create("3.9", "garbage").status, 422);
    assert_eq!(create("3.9", "2001-01-01").status, 422);
}

#[test]
fn the_release_is_told_only_where_it_shall_be() {
    assert_eq!(
        get(&release("2.5.4"), TOKENS).header("foreman_version"),
        "2.5.4"
    );
    let silent = foreman(&["version_header=false"]);
    assert_eq!(get(&silent, TOKENS).header("foreman_version"), "");
    assert_eq!(get(&silent, TOKENS).header("foreman_api_version"), "2");
}

#[test]
fn older_search_engines_refuse_leading_operators() {
    for (engine, status) in [("current", 200), ("before-4.1.13", 400)] {
        let foreman = foreman(&[&format!("search_engine={engine}")]);
        for query in ["and+a", "or+a", "%5E+(a,b)"] {
            assert_eq!(
                get(&foreman, &format!("{TOKENS}?search={query}")).status,
                status,
                "{engine} {query}"
            );
        }
    }
}

#[test]
fn unknown_users_are_quoted_or_not() {
    for (setting, shown) in [
        ("quoted", "'id'=\\\"99\\\"\""),
        ("unquoted", "'id'=99\""),
        ("with-condition", "'id'=\\\"99\\\" [WHERE "),
    ] {
        let foreman = foreman(&[&format!("unknown_user={setting}")]);
        let target = "/api/users/99/personal_access_tokens?organization_id=1";
        let answer = get(&foreman, target);
        assert!(answer.text.contains(shown), "{}", answer.text);
        assert_eq!(answer.status, 422);
    }
}
