//! Tests of the lifecycle of tokens and of invalid requests.

use serde_json::json;
use tokenfleet_simulators::{NewToken, Simulator, State, build};

use crate::client::{TOKENS, delete, foreman, get, insert_named, post, send_as};

#[test]
fn without_an_order_used_or_revoked_tokens_are_listed_last() {
    let foreman = foreman(&[]);
    insert_named(&foreman, &["a", "b", "c"]);
    delete(&foreman, &format!("{TOKENS}/1"));
    assert_eq!(get(&foreman, TOKENS).ids(), [2, 3, 1]);
    let secret = foreman.tokens()[1].secret.clone();
    let used = send_as(&foreman, ("admin", &secret), "GET", TOKENS);
    assert_eq!(used.ids(), [3, 1, 2]);
    delete(&foreman, &format!("{TOKENS}/1"));
    assert_eq!(
        get(&foreman, TOKENS).ids(),
        [3, 1, 2],
        "a second revocation writes nothing"
    );
    assert_eq!(
        get(&foreman, &format!("{TOKENS}?order=id")).ids(),
        [1, 2, 3]
    );
    assert_eq!(
        get(&foreman, &format!("{TOKENS}?order=user_id%20DESC")).ids(),
        [3, 1, 2]
    );
}

#[test]
fn names_are_stripped_and_remain_taken_per_user_and_case() {
    let foreman = foreman(&[]);
    let create = |user: u8, name: &str| {
        let body = json!({"name": name}).to_string();
        post(
            &foreman,
            &format!("/api/users/{user}/personal_access_tokens"),
            &body,
        )
        .status
    };
    assert_eq!(
        [
            create(4, " ci\n"),
            create(4, "ci"),
            create(4, "CI"),
            create(5, "ci")
        ],
        [201, 422, 201, 201]
    );
    assert_eq!(foreman.tokens()[0].name.as_deref(), Some("ci"));
    delete(&foreman, &format!("{TOKENS}/1"));
    assert_eq!(create(4, "ci"), 422);
    assert_eq!(create(4, &"n".repeat(70_000)), 201);
}

#[test]
fn a_revocation_shows_the_hash_and_escapes_the_name_for_html() {
    let foreman = foreman(&[]);
    insert_named(&foreman, &["<b>&"]);
    let shown = get(&foreman, &format!("{TOKENS}/1")).text;
    assert!(shown.contains(r#""name":"<b>&""#), "{shown}");
    let revoked = delete(&foreman, &format!("{TOKENS}/1")).text;
    assert!(
        revoked.starts_with(r#"{"revoked":true,"id":1,"token":"$2a$04$1b6453892473a467d0737u"#),
        "{revoked}"
    );
    assert!(
        revoked.contains(r#""name":"\u003cb\u003e\u0026""#),
        "{revoked}"
    );
}

#[test]
fn hostile_searches_are_handled_without_a_crash() {
    let foreman = foreman(&[]);
    insert_named(&foreman, &["ab"]);
    let search = |query: String| {
        get(
            &foreman,
            &format!(
                "{TOKENS}?search={}",
                query.replace(' ', "+").replace('&', "%26")
            ),
        )
        .status
    };
    assert_eq!(search(format!("{}a", "(".repeat(20_000))), 500);
    assert_eq!(search(vec!["a"; 5_000].join("|")), 200);
    assert_eq!(search(vec!["a"; 5_000].join(" ")), 200);
    assert_eq!(search(format!("{}a", "not ".repeat(5_000))), 200);
    assert_eq!(search(format!("{}a", "and ".repeat(5_000))), 200);
    assert_eq!(search("() a".to_owned()), 400);
    assert_eq!(search("id ^ () and a".to_owned()), 500);
}

#[test]
fn inserted_tokens_are_listed_and_can_be_removed() {
    let foreman = foreman(&["user_id=7", "login=root"]);
    let revoked = foreman.insert(NewToken::named("x").state(State::Revoked));
    let expired = foreman.insert(NewToken::named("x").state(State::Expired));
    let states: Vec<State> = foreman.tokens().iter().map(|token| token.state).collect();
    assert_eq!(states, [State::Revoked, State::Expired]);
    assert!(!foreman.accepts(&revoked.secret) && !foreman.accepts(&expired.secret));
    assert!(foreman.remove(&revoked.id) && !foreman.remove(&revoked.id));
    assert_eq!(foreman.token_count(), 1);
    let credentials = foreman.credentials();
    let account = (credentials["login"].as_str(), credentials["token"].as_str());
    let target = format!(
        "/api/users/{}/personal_access_tokens",
        credentials["user_id"]
    );
    assert_eq!(send_as(&foreman, account, "GET", &target).ids(), [2]);
}

#[test]
fn the_simulator_is_built_by_name_and_rejects_unknown_options() {
    assert_eq!(build("foreman", &["tokens=3"]).unwrap().token_count(), 3);
    let error = build("foreman", &["token=3"]).unwrap_err().to_string();
    assert!(
        error.contains("known options: tokens, seed, clock, gzip, version"),
        "{error}"
    );
}

#[test]
fn random_requests_get_a_response() {
    const PIECES: [&str; 34] = [
        "name",
        "id",
        "user_id",
        "and",
        "or",
        "not",
        "has",
        "null?",
        "^",
        "!^",
        "(",
        ")",
        ",",
        "=",
        "!=",
        "~",
        "!~",
        ">",
        "<=",
        "\"",
        "\\",
        "%25",
        "*",
        "_",
        "-",
        "12",
        "99999999999999999999",
        "a",
        "%C3%A9",
        "%00",
        "+",
        "|",
        "%26",
        "2030-01-01",
    ];
    let foreman = foreman(&["tokens=20"]);
    let mut state: u64 = 7;
    let mut next = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for _ in 0..3_000 {
        let length = 1 + next(9);
        let query: String = (0..length)
            .map(|_| PIECES[next(PIECES.len())])
            .collect::<Vec<_>>()
            .join("+");
        let query = query
            .replace('"', "%22")
            .replace('\\', "%5C")
            .replace('|', "%7C")
            .replace('^', "%5E");
        let query = query.replace('<', "%3C").replace('>', "%3E");
        let status = get(
            &foreman,
            &format!("{TOKENS}?search={query}&page={}", next(3)),
        )
        .status;
        assert!([200, 400, 500].contains(&status), "{status} {query}");
    }
    const TIMES: [&str; 22] = [
        "2030",
        "-",
        "01",
        "T",
        "12:00",
        ":",
        "Z",
        "+05:30",
        "+99999999999999999:1",
        "May",
        "5",
        "th",
        "'",
        ".",
        "/",
        " ",
        "999999999999999999999",
        "pm",
        "sat",
        "w",
        "h",
        "é",
    ];
    for number in 0..3_000 {
        let length = 1 + next(7);
        let expires: String = (0..length).map(|_| TIMES[next(TIMES.len())]).collect();
        let body = json!({"name": format!("n{number}"), "expires_at": expires}).to_string();
        let status = post(&foreman, TOKENS, &body).status;
        assert!([201, 422].contains(&status), "{status} {expires}");
    }
}

#[test]
fn options_can_drop_or_shift_a_requested_expiry() {
    for (setting, expires) in [
        ("kept", json!("2031-01-01 00:00:00 UTC")),
        ("dropped", json!(null)),
        ("shifted", json!("2031-01-01 01:00:00 UTC")),
    ] {
        let foreman = foreman(&[&format!("asked_expiry={setting}")]);
        let created = post(
            &foreman,
            TOKENS,
            r#"{"name":"x","expires_at":"2031-01-01"}"#,
        );
        assert_eq!(created.status, 201, "{setting}");
        assert_eq!(created.json()["expires_at"], expires, "{setting}");
    }
}
