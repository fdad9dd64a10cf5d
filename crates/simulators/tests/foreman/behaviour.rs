//! What the recordings do not show, rule by rule.

use http::HeaderMap;
use jiff::SignedDuration;
use serde_json::json;
use tokenfleet_simulators::{NewToken, Simulator, State, build};

use crate::client::{Answer, TOKENS, basic, delete, foreman, get, post, send, time};

fn named(foreman: &tokenfleet_simulators::foreman::Foreman, names: &[&str]) {
    for name in names {
        foreman.insert(NewToken::named(*name));
    }
}

#[test]
fn rows_without_an_order_move_behind_the_others_when_used_or_revoked() {
    let foreman = foreman(&[]);
    named(&foreman, &["a", "b", "c"]);
    delete(&foreman, &format!("{TOKENS}/1"));
    assert_eq!(get(&foreman, TOKENS).ids(), [2, 3, 1]);
    let secret = foreman.tokens()[1].secret.clone();
    let used = send(
        &foreman,
        "GET",
        TOKENS,
        &[("authorization", &basic("admin", &secret))],
        "",
    );
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
fn a_token_authenticates_only_its_own_user_and_only_while_it_lives() {
    let foreman = foreman(&[]);
    let token = foreman.insert(NewToken::named("ci").expires(time("2026-11-22T14:00:00Z")));
    let status = |login: &str| {
        send(
            &foreman,
            "GET",
            TOKENS,
            &[("authorization", &basic(login, &token.secret))],
            "",
        )
        .status
    };
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
fn a_session_outlives_its_token_until_nobody_has_used_it_for_an_hour() {
    let foreman = foreman(&[]);
    let token = foreman.insert(NewToken::named("ci"));
    let login = send(
        &foreman,
        "GET",
        TOKENS,
        &[("authorization", &basic("admin", &token.secret))],
        "",
    );
    let cookie = login
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        login
            .header("set-cookie")
            .ends_with("; path=/; HttpOnly; SameSite=Lax")
    );
    delete(&foreman, &format!("{TOKENS}/1"));
    let again = || {
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
        let answer = again();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("set-cookie"), "");
    }
    foreman.clock().advance(SignedDuration::from_mins(61));
    let expired = again();
    assert_eq!((expired.status, expired.text.as_str()), (401, ""));
    assert!(expired.header("content-type").starts_with("text/plain"));
}

#[test]
fn thirty_failures_lock_everybody_out_but_those_with_a_session() {
    let foreman = foreman(&[]);
    let login = get(&foreman, TOKENS);
    let cookie = login
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    for _ in 0..30 {
        let answer = send(
            &foreman,
            "GET",
            TOKENS,
            &[("authorization", &basic("admin", "wrong"))],
            "",
        );
        assert_eq!(
            answer.json()["error"]["message"],
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
fn names_are_stripped_and_taken_for_ever_per_user_and_case() {
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
fn a_revocation_shows_the_row_with_its_hash_and_escapes_the_name() {
    let foreman = foreman(&[]);
    named(&foreman, &["<b>&"]);
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
fn somebody_elses_tokens_are_found_by_a_plain_id_or_within_a_context() {
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
fn a_login_leads_to_an_id_for_those_who_may_see_users() {
    let foreman = foreman(&[]);
    let found = get(
        &foreman,
        "//api/users?search=login+%3D+%22jane.doe%22&per_page=1000&page=1",
    );
    assert_eq!(
        (found.ids(), found.json()["results"][0]["login"].clone()),
        (vec![5], json!("jane.doe"))
    );
    let jane = [("authorization", basic("jane.doe", "jane.doe"))];
    let jane = jane.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(send(&foreman, "GET", "/api/users", &jane, "").status, 403);
}

#[test]
fn the_description_of_the_api_needs_no_login() {
    let foreman = foreman(&[]);
    for target in ["/apidoc/v2.json", "//apidoc/v2.en.json"] {
        let answer: Answer = send(&foreman, "GET", target, &[], "");
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

#[test]
fn hostile_searches_are_refused_without_harm() {
    let foreman = foreman(&[]);
    named(&foreman, &["ab"]);
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
fn tokens_put_there_directly_are_seen_and_can_be_erased() {
    let foreman = foreman(&["user_id=7", "login=root"]);
    let revoked = foreman.insert(NewToken::named("x").state(State::Revoked));
    let expired = foreman.insert(NewToken::named("x").state(State::Expired));
    let states: Vec<State> = foreman.tokens().iter().map(|token| token.state).collect();
    assert_eq!(states, [State::Revoked, State::Expired]);
    assert!(!foreman.accepts(&revoked.secret) && !foreman.accepts(&expired.secret));
    assert!(foreman.remove(&revoked.id) && !foreman.remove(&revoked.id));
    assert_eq!(foreman.token_count(), 1);
    let credentials = foreman.credentials();
    let authorization = basic(&credentials["login"], &credentials["token"]);
    let target = format!(
        "/api/users/{}/personal_access_tokens",
        credentials["user_id"]
    );
    assert_eq!(
        send(
            &foreman,
            "GET",
            &target,
            &[("authorization", &authorization)],
            ""
        )
        .ids(),
        [2]
    );
}

#[test]
fn it_is_built_by_name_and_refuses_options_that_it_does_not_have() {
    assert_eq!(build("foreman", &["tokens=3"]).unwrap().token_count(), 3);
    let error = build("foreman", &["token=3"]).unwrap_err().to_string();
    assert!(
        error.contains("known are: tokens, seed, clock, version"),
        "{error}"
    );
}

#[test]
fn whatever_is_sent_gets_an_answer() {
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
