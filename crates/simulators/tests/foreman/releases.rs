//! Tests of the differences between releases.

use serde_json::json;
use tokenfleet_simulators::{NewToken, Simulator, foreman::Foreman};

use crate::client::{TOKENS, delete, foreman, get, post, send_as};

/// Creates an installation of a release with one token.
fn release(version: &str) -> Foreman {
    let foreman = foreman(&[&format!("version={version}")]);
    foreman.insert(NewToken::named("a"));
    foreman
}

#[test]
fn a_page_size_of_all_is_supported_since_2_2() {
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
fn tokens_show_whether_they_are_revoked_since_2_4() {
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
fn own_tokens_need_no_permission_since_3_1_and_revoking_has_one_since_3_0() {
    let own = "/api/users/5/personal_access_tokens";
    let list =
        |version: &str| send_as(&release(version), ("jane.doe", "jane.doe"), "GET", own).status;
    assert_eq!((list("3.0"), list("3.1")), (403, 200));
    let revoke = |version: &str| {
        let target = format!("{TOKENS}/1");
        send_as(&release(version), ("mgr", "mgr"), "DELETE", &target).status
    };
    assert_eq!((revoke("2.5"), revoke("3.0")), (403, 200));
}

#[test]
fn ids_can_be_searched_and_sorted_by_since_3_2() {
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
fn malformed_bodies_get_a_400_since_3_3() {
    for (version, status) in [("3.2", 500), ("3.3", 400)] {
        assert_eq!(
            post(&release(version), TOKENS, "{bad").status,
            status,
            "{version}"
        );
    }
}

#[test]
fn expiries_are_validated_since_3_9() {
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
fn the_version_header_can_be_switched_off() {
    assert_eq!(
        get(&release("2.5.4"), TOKENS).header("foreman_version"),
        "2.5.4"
    );
    let without_header = foreman(&["version_header=false"]);
    assert_eq!(get(&without_header, TOKENS).header("foreman_version"), "");
    assert_eq!(
        get(&without_header, TOKENS).header("foreman_api_version"),
        "2"
    );
}

#[test]
fn older_search_engines_reject_leading_operators() {
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
fn the_message_about_an_unknown_user_has_several_forms() {
    for (setting, shown) in [
        ("quoted", "'id'=\\\"99\\\"\""),
        ("unquoted", "'id'=99\""),
        ("with-condition", "'id'=\\\"99\\\" [WHERE "),
    ] {
        let foreman = foreman(&[&format!("unknown_user={setting}")]);
        let target = "/api/users/99/personal_access_tokens?organization_id=1";
        let response = get(&foreman, target);
        assert!(response.text.contains(shown), "{}", response.text);
        assert_eq!(response.status, 422);
    }
}
