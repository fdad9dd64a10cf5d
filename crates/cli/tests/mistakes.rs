//! Wrong credentials, wrong addresses, wrong words: one clear line, a code that is not zero, and no secret.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{Simulate, configuration, tokenfleet, tokenfleet_knowing};

const CANARY: &str = "canary-5ecret-c0ffee";

fn losant(url: &str) -> String {
    configuration(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ env = 'IOT_TOKEN' }}\n"
    ))
}

#[test]
fn wrong_credentials_are_refused_by_every_platform_in_one_line() {
    let simulate = Simulate::start(&["all", "--tokens=1"], 4);
    for (provider, command, settings) in [
        ("losant", "list", "token = { env = 'CANARY' }"),
        (
            "foreman",
            "list",
            "login = 'admin'\nuser_id = '4'\ntoken = { env = 'CANARY' }",
        ),
        ("cloudsmith", "list", "api_key = { env = 'CANARY' }"),
        (
            "mindbody",
            "create",
            "site_id = '-99'\nusername = 'Siteowner'\napi_key = { env = 'CANARY' }\npassword = { env = 'CANARY' }",
        ),
    ] {
        let url = simulate.server(provider)["url"].as_str().unwrap();
        let path = configuration(&format!(
            "[accounts.mine]\nprovider = '{provider}'\nbase_url = '{url}'\n{settings}\n"
        ));
        for format in ["table", "json", "csv"] {
            let words = ["--config", &path, command, "--output", format];
            let run = tokenfleet_knowing(&[("CANARY", CANARY)], &words);
            let run = run.ends_with(3).hiding(&[CANARY]);
            assert!(run.complaint().contains("mine"), "{run:?}");
        }
    }
}

#[test]
fn an_unreachable_platform_is_named_in_one_line() {
    // A port that was free a moment ago.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let path = losant(&url);
    let words = ["list", "--config", &path];
    let run = tokenfleet_knowing(&[("IOT_TOKEN", CANARY)], &words);
    let run = run.ends_with(1).hiding(&[CANARY]);
    let line = run.complaint();
    assert!(
        line.contains("iot (losant): list failed: the platform cannot be reached"),
        "{line}"
    );
    assert_eq!(run.json()["accounts"][0]["completeness"], "failed");
}

#[test]
fn an_account_is_tried_as_often_as_its_settings_say() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (settings, expected) in [
        ("attempts = 1", "; check"),
        ("attempts = 2", " after 2 attempts in "),
        ("retry_budget = 1", " after 2 attempts in "),
    ] {
        let path = configuration(&format!(
            "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ env = 'IOT_TOKEN' }}\n{settings}\n"
        ));
        let words = ["list", "--config", &path];
        let run = tokenfleet_knowing(&[("IOT_TOKEN", CANARY)], &words).ends_with(1);
        let line = run.complaint();
        assert!(line.contains(expected), "{settings}: {line}");
        assert_eq!(line.contains("attempts"), expected.contains("attempts"));
    }
    let path = configuration(
        "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'IOT_TOKEN' }\nattempts = 0\n",
    );
    let run = tokenfleet(&["capabilities", "--config", &path]).ends_with(2);
    let expected = "line 4: accounts.iot.attempts must be a whole number from 1 to 100";
    assert!(run.complaint().ends_with(expected), "{run:?}");
}

#[test]
fn one_account_that_fails_leaves_the_others_and_an_incomplete_inventory() {
    let simulate = Simulate::start(&["all"], 4);
    let url = |provider: &str| simulate.server(provider)["url"].as_str().unwrap();
    let key = simulate.server("cloudsmith")["credentials"]["api_key"]
        .as_str()
        .unwrap();
    let path = configuration(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{}'\ntoken = {{ env = 'IOT_TOKEN' }}\n\
         [accounts.unset]\nprovider = 'losant'\ntoken = {{ env = 'NEVER_SET_ANYWHERE' }}\n\
         [accounts.packages]\nprovider = 'cloudsmith'\nbase_url = '{}'\napi_key = {{ env = 'KEY' }}\n",
        url("losant"),
        url("cloudsmith"),
    ));
    let variables = [("IOT_TOKEN", CANARY), ("KEY", key)];
    let run = tokenfleet_knowing(&variables, &["inventory", "--config", &path]);
    let run = run.ends_with(6).hiding(&[CANARY, key]);
    let whole = run.json();
    let verdicts: Vec<_> = whole["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["completeness"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["failed", "failed", "complete"]);
    assert_eq!(whole["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
    assert!(
        run.stderr.contains("NEVER_SET_ANYWHERE is not set"),
        "{run:?}"
    );
}

#[test]
fn tokens_are_shown_while_another_account_has_not_answered() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let slow = Simulate::start(&["losant", "--latency=60000"], 1);
    let quick = Simulate::start(&["cloudsmith", "--tokens=1"], 1);
    let path = configuration(&format!(
        "[accounts.slow]\nprovider = 'losant'\nbase_url = {}\ntoken = {{ env = 'CREDENTIAL' }}\n\
         [accounts.quick]\nprovider = 'cloudsmith'\nbase_url = {}\napi_key = {{ env = 'CREDENTIAL' }}\n",
        slow.server("losant")["url"],
        quick.server("cloudsmith")["url"],
    ));
    let credentials = &quick.server("cloudsmith")["credentials"];
    let begun = std::time::Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tokenfleet"))
        .args(["inventory", "--output=ndjson", "--config", &path])
        .env("CREDENTIAL", credentials["api_key"].as_str().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("\"account\":\"quick\""), "{line}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn one_misconfigured_account_stops_no_other() {
    let simulate = Simulate::start(&["losant", "--tokens=2"], 1);
    let server = simulate.server("losant");
    let (url, token) = (&server["url"], &server["credentials"]["token"]);
    let path = configuration(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = {url}\ntoken = {{ env = 'IOT_TOKEN' }}\n\
         [accounts.broken]\nprovider = 'losant'\ntokn = {{ env = 'IOT_TOKEN' }}\n"
    ));
    let variables = [("IOT_TOKEN", token.as_str().unwrap())];
    let run = tokenfleet_knowing(&variables, &["inventory", "--config", &path]).ends_with(6);
    let whole = run.json();
    assert_eq!(whole["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(whole["accounts"][1]["completeness"], "failed");
    let reason = whole["accounts"][1]["reason"].as_str().unwrap();
    assert!(!reason.contains("broken (losant)"), "said twice: {reason}");
    assert!(
        run.complaint().contains("did you mean \"token\"?"),
        "{run:?}"
    );
    let run = tokenfleet_knowing(&variables, &["capabilities", "--config", &path]).ends_with(6);
    assert_eq!(run.json()["accounts"].as_array().unwrap().len(), 1);
    run.complaint();
}

#[test]
fn a_credential_in_the_place_of_a_provider_is_not_repeated() {
    let path = configuration(&format!("[accounts.iot]\nprovider = '{CANARY}'\n"));
    for command in ["inventory", "list", "capabilities"] {
        let run = tokenfleet(&[command, "--config", &path]).ends_with(2);
        let run = run.hiding(&[CANARY]);
        assert!(run.complaint().contains("line 2: "), "{run:?}");
    }
}

#[test]
fn an_unknown_account_is_refused_with_the_nearest_one() {
    let path = losant("http://127.0.0.1:9");
    let words = ["list", "--config", &path, "--account=iott"];
    let run = tokenfleet(&words).ends_with(2);
    let expected = "error: unknown account `iott`; did you mean \"iot\"?";
    assert_eq!(run.complaint(), expected);
}

#[test]
fn a_misspelt_key_is_named_with_its_line_and_the_right_word() {
    let path = configuration(&format!(
        "[accounts.iot]\nprovider = 'losant'\ntokn = {{ env = '{CANARY}' }}\n"
    ));
    for command in ["list", "inventory", "capabilities"] {
        let run = tokenfleet(&[command, "--config", &path]).ends_with(2);
        let run = run.hiding(&[CANARY]);
        let line = run.complaint();
        let expected = "line 3: accounts.iot knows no key \"tokn\"; did you mean \"token\"?";
        assert!(line.ends_with(expected), "{line}");
        assert!(line.contains(&path), "{line}");
    }
}

#[test]
fn credentials_in_clear_are_refused_and_not_repeated() {
    for (provider, key) in [("losant", "token"), ("cloudsmith", "api_key")] {
        let path = configuration(&format!(
            "[accounts.iot]\nprovider = '{provider}'\n{key} = '{CANARY}'\n"
        ));
        let run = tokenfleet(&["list", "--config", &path])
            .ends_with(2)
            .hiding(&[CANARY]);
        assert!(run.complaint().contains("credential in clear"), "{run:?}");
    }
    let path = configuration(&format!("[accounts.iot]\ntoken = \"{CANARY}"));
    tokenfleet(&["list", "--config", &path])
        .ends_with(2)
        .hiding(&[CANARY])
        .complaint();
}

#[test]
fn an_unknown_provider_and_a_missing_file_are_told() {
    let path = configuration("[accounts.iot]\nprovider = 'lossant'\n");
    let run = tokenfleet(&["list", "--config", &path]).ends_with(2);
    assert!(
        run.complaint().ends_with("did you mean \"losant\"?"),
        "{run:?}"
    );
    let run = tokenfleet(&["list", "--config", "there-is-none.toml"]).ends_with(2);
    assert!(
        run.complaint()
            .contains("cannot read there-is-none.toml"),
        "{run:?}"
    );
    let run = tokenfleet(&["list"]).ends_with(2);
    assert!(run.complaint().contains("--simulate"), "{run:?}");
    let path = configuration("");
    let run = tokenfleet(&["list", "--config", &path]).ends_with(2);
    assert!(
        run.complaint().contains("no account is configured"),
        "{run:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_credential_file_that_others_may_read_raises_one_warning_and_no_failure() {
    use std::os::unix::fs::PermissionsExt;

    let simulate = Simulate::start(&["losant", "--tokens=1"], 1);
    let server = simulate.server("losant");
    let file = configuration(server["credentials"]["token"].as_str().unwrap());
    let url = server["url"].as_str().unwrap();
    let path = configuration(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ file = '{file}' }}\n"
    ));
    for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let run = tokenfleet(&["list", "--config", &path]).ends_with(0);
        if warned {
            let line = run.complaint();
            assert!(line.starts_with("warning: "), "{line}");
            assert!(
                line.contains("line 4: accounts.iot.token: others may read"),
                "{line}"
            );
            assert!(line.contains(&file), "{line}");
        } else {
            assert!(run.stderr.is_empty(), "{run:?}");
        }
    }
    let path = configuration(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ env = 'IOT_TOKEN' }}\n\
         [transport]\nproxy = 'http://127.0.0.1:9'\nproxy_user = 'me'\nproxy_password = {{ file = '{file}' }}\n"
    ));
    let token = server["credentials"]["token"].as_str().unwrap();
    let words = ["list", "--config", &path];
    let run = tokenfleet_knowing(&[("IOT_TOKEN", token)], &words).ends_with(0);
    let line = run.complaint();
    let expected = "line 8: transport.proxy_password: others may read";
    assert!(line.contains(expected), "{line}");
}

#[test]
fn a_mistake_in_how_the_network_is_reached_names_its_line_and_stops_every_command() {
    let accounts = "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'CANARY' }\n";
    for (settings, expected) in [
        (
            "prxy = 'http://proxy.example.com'",
            "line 5: transport knows no key \"prxy\"; did you mean \"proxy\"?",
        ),
        (
            "proxy_password = 'canary-5ecret-c0ffee'",
            "line 5: transport.proxy_password holds a credential in clear",
        ),
        (
            "authorities = 'there-is-none.pem'",
            "line 5: transport.authorities: there-is-none.pem cannot be read",
        ),
        (
            "proxy = 'http://proxy.example.com'\nproxy_user = 'me'\nproxy_password = { env = 'NEVER_SET_ANYWHERE' }",
            "the environment variable NEVER_SET_ANYWHERE is not set",
        ),
    ] {
        let path = configuration(&format!("{accounts}[transport]\n{settings}\n"));
        for command in ["list", "capabilities"] {
            let words = [command, "--config", &path];
            let run = tokenfleet_knowing(&[("CANARY", CANARY)], &words).ends_with(2);
            let run = run.hiding(&[CANARY]);
            let line = run.complaint();
            assert!(line.contains(expected), "{line}");
            assert!(line.contains(&path), "{line}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_secret_in_a_file_that_others_may_read_raises_a_warning_that_does_not_repeat_the_path() {
    use std::os::unix::fs::PermissionsExt;

    let account = support::account::Account::at("losant");
    let secret = &account.variables[0].1;
    let file = configuration(secret);
    for (mode, warnings) in [(0o600, 0), (0o640, 1), (0o604, 1)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let run = account
            .run(&["verify", "--secret-file", &file])
            .ends_with(0);
        let run = run.hiding(&[secret, &file]);
        let warned = run
            .stderr
            .matches("warning: --secret-file: others may read")
            .count();
        assert_eq!(warned, warnings, "{run:?}");
    }
}
