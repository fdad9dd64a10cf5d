//! Wrong credentials, addresses and settings: one clear line, a non-zero exit code, and no secret.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::{NO_SUCH_FILE, Simulate, program, temporary_file, tokenfleet, tokenfleet_with_env};

const CANARY: &str = "canary-5ecret-c0ffee";

fn losant(url: &str) -> String {
    temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ env = 'IOT_TOKEN' }}\n"
    ))
}

#[test]
fn wrong_credentials_are_reported_for_every_platform_in_one_line() {
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
        let path = temporary_file(&format!(
            "[accounts.mine]\nprovider = '{provider}'\nbase_url = '{url}'\n{settings}\n"
        ));
        for format in ["table", "json", "csv"] {
            let words = ["--config", &path, command, "--output", format];
            let run = tokenfleet_with_env(&[("CANARY", CANARY)], &words);
            let run = run.ends_with(3).hiding(&[CANARY]);
            assert!(run.error_line().contains("mine"), "{run:?}");
        }
    }
}

#[test]
fn a_wrong_path_in_the_base_url_is_a_mistake_in_the_configuration() {
    let simulate = Simulate::start(&["all", "--tokens=1"], 4);
    for (provider, commands, paths) in [
        (
            "losant",
            &["list", "create"][..],
            &["/v1", "/me/tokens"][..],
        ),
        (
            "foreman",
            &["list", "create"],
            &["/foreman", "/users/login"],
        ),
        ("cloudsmith", &["list"], &["/v2", "/user/tokens"]),
        ("mindbody", &["create"], &["/v6", "/usertoken/issue"]),
    ] {
        let server = simulate.server(provider);
        let url = server["url"].as_str().unwrap();
        let mut variables = Vec::new();
        let mut settings = String::new();
        for (key, value) in server["credentials"].as_object().unwrap() {
            if ["token", "api_key", "password"].contains(&key.as_str()) {
                settings += &format!("{key} = {{ env = '{key}' }}\n");
                variables.push((key.as_str(), value.as_str().unwrap()));
            } else {
                settings += &format!("{key} = {value}\n");
            }
        }
        for path in paths {
            let config = temporary_file(&format!(
                "[accounts.mine]\nprovider = '{provider}'\nbase_url = '{url}{path}'\n{settings}"
            ));
            for command in commands {
                let name = match (*command, provider) {
                    ("create", "losant" | "foreman") => &["--name=x"][..],
                    _ => &[],
                };
                let words = [&[*command, "--config", &config], name].concat();
                let run = tokenfleet_with_env(&variables, &words).ends_with(2);
                let line = run.error_line();
                assert!(
                    line.contains("; check base_url"),
                    "{provider}{path}: {line}"
                );
            }
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
    let words = ["list", "--output=json", "--config", &path];
    let run = tokenfleet_with_env(&[("IOT_TOKEN", CANARY)], &words);
    let run = run.ends_with(1).hiding(&[CANARY]);
    let error: Value = serde_json::from_str(run.error_line()).unwrap();
    assert_eq!(error["error"]["kind"], "connection");
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("iot (losant): list failed: "), "{message}");
    assert_eq!(run.json()["accounts"][0]["completeness"], "failed");
}

#[test]
fn an_account_is_retried_as_its_settings_say() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (settings, is_retried) in [
        ("attempts = 1", false),
        ("attempts = 2", true),
        ("retry_budget = 1", true),
    ] {
        let path = temporary_file(&format!(
            "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ env = 'IOT_TOKEN' }}\n{settings}\n"
        ));
        let words = ["list", "--config", &path];
        let run = tokenfleet_with_env(&[("IOT_TOKEN", CANARY)], &words).ends_with(1);
        let line = run.error_line();
        assert_eq!(
            line.contains("2 attempts"),
            is_retried,
            "{settings}: {line}"
        );
        assert_eq!(line.contains("attempts"), is_retried, "{settings}: {line}");
        assert!(line.contains("; "), "{settings}: no advice: {line}");
    }
    let path = temporary_file(
        "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'IOT_TOKEN' }\nattempts = 0\n",
    );
    let run = tokenfleet(&["capabilities", "--config", &path]).ends_with(2);
    let expected = format!(
        "error: iot (losant): {path}: line 4: accounts.iot.attempts must be a whole number \
         from 1 to 100"
    );
    assert_eq!(run.error_line(), expected);
}

#[test]
fn one_account_that_fails_leaves_the_others_and_an_incomplete_inventory() {
    let simulate = Simulate::start(&["all"], 4);
    let url = |provider: &str| simulate.server(provider)["url"].as_str().unwrap();
    let key = simulate.server("cloudsmith")["credentials"]["api_key"]
        .as_str()
        .unwrap();
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{}'\ntoken = {{ env = 'IOT_TOKEN' }}\n\
         [accounts.unset]\nprovider = 'losant'\ntoken = {{ env = 'NEVER_SET_ANYWHERE' }}\n\
         [accounts.packages]\nprovider = 'cloudsmith'\nbase_url = '{}'\napi_key = {{ env = 'KEY' }}\n",
        url("losant"),
        url("cloudsmith"),
    ));
    let variables = [("IOT_TOKEN", CANARY), ("KEY", key)];
    let run = tokenfleet_with_env(&variables, &["inventory", "--config", &path]);
    let run = run.ends_with(6).hiding(&[CANARY, key]);
    let inventory = run.json();
    let verdicts: Vec<_> = inventory["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["completeness"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["failed", "failed", "complete"]);
    assert_eq!(inventory["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
    assert!(run.stderr.contains("NEVER_SET_ANYWHERE"), "{run:?}");
}

#[test]
fn tokens_are_shown_while_another_account_has_not_answered() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let slow = Simulate::start(&["losant", "--latency=60000"], 1);
    let quick = Simulate::start(&["cloudsmith", "--tokens=1"], 1);
    let path = temporary_file(&format!(
        "[accounts.slow]\nprovider = 'losant'\nbase_url = {}\ntoken = {{ env = 'CREDENTIAL' }}\n\
         [accounts.quick]\nprovider = 'cloudsmith'\nbase_url = {}\napi_key = {{ env = 'CREDENTIAL' }}\n",
        slow.server("losant")["url"],
        quick.server("cloudsmith")["url"],
    ));
    let credentials = &quick.server("cloudsmith")["credentials"];
    let started = std::time::Instant::now();
    let mut child = program(&[])
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
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
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn one_misconfigured_account_stops_no_other() {
    let simulate = Simulate::start(&["losant", "--tokens=2"], 1);
    let server = simulate.server("losant");
    let (url, token) = (&server["url"], &server["credentials"]["token"]);
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = {url}\ntoken = {{ env = 'IOT_TOKEN' }}\n\
         [accounts.broken]\nprovider = 'losant'\ntokn = {{ env = 'IOT_TOKEN' }}\n"
    ));
    let variables = [("IOT_TOKEN", token.as_str().unwrap())];
    let run = tokenfleet_with_env(&variables, &["inventory", "--config", &path]).ends_with(6);
    let inventory = run.json();
    assert_eq!(inventory["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(inventory["accounts"][1]["completeness"], "failed");
    let reason = inventory["accounts"][1]["reason"].as_str().unwrap();
    assert!(!reason.contains("broken (losant)"), "said twice: {reason}");
    let expected = format!(
        "error: broken (losant): {path}: line 7: unknown key `tokn` in accounts.broken; \
         did you mean `token`?"
    );
    assert_eq!(run.error_line(), expected);
    let run = tokenfleet_with_env(&variables, &["capabilities", "--config", &path]).ends_with(6);
    assert_eq!(run.json()["accounts"].as_array().unwrap().len(), 1);
    run.error_line();
}

#[test]
fn a_misspelt_key_of_an_account_that_is_not_opened_is_warned_of() {
    let state = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let state = state.join(format!("misspelt-{}", std::process::id()));
    let variables = [
        ("IOT_TOKEN", "x"),
        ("XDG_STATE_HOME", state.to_str().unwrap()),
    ];
    let path = temporary_file(
        "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'IOT_TOKEN' }\n\
         [accounts.broken]\nprovider = 'losant'\ntokn = { env = 'NEVER_SET_ANYWHERE' }\n",
    );
    let expected = format!(
        "warning: {path}: line 6: unknown key `tokn` in accounts.broken; did you mean `token`?"
    );
    for command in [
        "capabilities --account=iot",
        "explain --account=iot",
        "accounts --account=iot",
        "audit",
        "operations",
        "annotate --list",
    ] {
        let words = command.split(' ').chain(["--config", &path]);
        let run = tokenfleet_with_env(&variables, &words.collect::<Vec<_>>());
        let run = run.ends_with(0);
        let lines = run.stderr.lines();
        let said = lines.filter(|line| *line == expected).count();
        assert_eq!(said, 1, "{command}: {run:?}");
    }
}

#[test]
fn a_credential_in_the_place_of_a_provider_is_not_repeated() {
    for secret in [CANARY, "hunter2", "correct horse"] {
        let path = temporary_file(&format!("[accounts.iot]\nprovider = '{secret}'\n"));
        for command in ["inventory", "list", "capabilities"] {
            let run = tokenfleet(&[command, "--config", &path]).ends_with(2);
            let run = run.hiding(&[secret]);
            assert!(run.error_line().contains("line 2: "), "{run:?}");
        }
    }
}

#[test]
fn numbers_are_taken_where_a_number_is_natural() {
    let simulate = Simulate::start(&["foreman", "--tokens=1"], 1);
    let server = simulate.server("foreman");
    let (url, token) = (&server["url"], server["credentials"]["token"].as_str());
    let variables = [("TOKEN", token.unwrap())];
    let run = |version: &str| {
        let path = temporary_file(&format!(
            "[accounts.infra]\nprovider = 'foreman'\nbase_url = {url}\nlogin = {}\n\
             token = {{ env = 'TOKEN' }}\nuser_id = {}\nversion = {version}\n",
            server["credentials"]["login"], server["credentials"]["user_id"],
        ));
        tokenfleet_with_env(
            &variables,
            &["explain", "--output=table", "--config", &path],
        )
    };
    // 3.10 lists by id; 3.1 lists by name.
    let (newer, older) = (run("3.10").ends_with(0), run("3.1").ends_with(0));
    assert_ne!(newer.stdout, older.stdout);
    assert_eq!(newer.stdout, run("'3.10'").ends_with(0).stdout);
    for version in ["3", "true", "1e3"] {
        let line = run(version).ends_with(2).error_line().to_owned();
        assert!(line.contains("line 7: accounts.infra.version"), "{line}");
    }
}

#[test]
fn an_unknown_account_is_rejected_with_the_nearest_one() {
    let path = losant("http://127.0.0.1:9");
    let words = ["list", "--config", &path, "--account=iott"];
    let run = tokenfleet(&words).ends_with(2);
    let expected = "error: unknown account `iott`; did you mean `iot`?";
    assert_eq!(run.error_line(), expected);
}

#[test]
fn a_misspelt_key_is_named_with_its_line_and_the_right_word() {
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\ntokn = {{ env = '{CANARY}' }}\n"
    ));
    for command in ["list", "inventory", "capabilities"] {
        let run = tokenfleet(&[command, "--config", &path]).ends_with(2);
        let run = run.hiding(&[CANARY]);
        let expected = format!(
            "error: iot (losant): {path}: line 3: unknown key `tokn` in accounts.iot; \
             did you mean `token`?"
        );
        assert_eq!(run.error_line(), expected);
    }
}

#[test]
fn plaintext_credentials_are_rejected_and_not_repeated() {
    for (provider, key) in [("losant", "token"), ("cloudsmith", "api_key")] {
        let path = temporary_file(&format!(
            "[accounts.iot]\nprovider = '{provider}'\n{key} = '{CANARY}'\n"
        ));
        let run = tokenfleet(&["list", "--config", &path])
            .ends_with(2)
            .hiding(&[CANARY]);
        let line = run.error_line();
        let expected = format!(
            "error: iot ({provider}): {path}: line 3: accounts.iot.{key} is a credential in \
             plain text; "
        );
        assert!(line.starts_with(&expected), "{line}");
    }
    let path = temporary_file(&format!("[accounts.iot]\ntoken = \"{CANARY}"));
    tokenfleet(&["list", "--config", &path])
        .ends_with(2)
        .hiding(&[CANARY])
        .error_line();
}

#[test]
fn an_unknown_provider_and_a_missing_file_are_reported() {
    let path = temporary_file("[accounts.iot]\nprovider = 'lossant'\n");
    let run = tokenfleet(&["list", "--config", &path]).ends_with(2);
    let expected = format!(
        "error: iot (lossant): {path}: line 2: unknown provider `lossant`; did you mean `losant`?"
    );
    assert_eq!(run.error_line(), expected);
    let run = tokenfleet(&["list", "--config", "there-is-none.toml"]).ends_with(2);
    let expected = format!(
        "error: cannot read there-is-none.toml: {NO_SUCH_FILE}; \
         create it, or pass another file with --config"
    );
    assert_eq!(run.error_line(), expected);
}

#[cfg(unix)]
#[test]
fn a_credential_file_that_others_may_read_raises_one_warning_and_no_failure() {
    use std::os::unix::fs::PermissionsExt;

    let simulate = Simulate::start(&["losant", "--tokens=1"], 1);
    let server = simulate.server("losant");
    let file = temporary_file(server["credentials"]["token"].as_str().unwrap());
    let url = server["url"].as_str().unwrap();
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ file = '{file}' }}\n"
    ));
    for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let run = tokenfleet(&["list", "--config", &path]).ends_with(0);
        if warned {
            let expected = format!(
                "warning: {path}: line 4: accounts.iot.token: the credential file {file} is \
                 readable by other users; restrict it to its owner, for example with chmod 600"
            );
            assert_eq!(run.error_line(), expected);
        } else {
            assert!(run.stderr.is_empty(), "{run:?}");
        }
    }
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{url}'\ntoken = {{ env = 'IOT_TOKEN' }}\n\
         [transport]\nproxy = 'http://127.0.0.1:9'\nproxy_user = 'me'\nproxy_password = {{ file = '{file}' }}\n"
    ));
    let token = server["credentials"]["token"].as_str().unwrap();
    let words = ["list", "--config", &path];
    let run = tokenfleet_with_env(&[("IOT_TOKEN", token)], &words).ends_with(0);
    let expected = format!(
        "warning: {path}: line 8: transport.proxy_password: the credential file {file} is readable \
         by other users; restrict it to its owner, for example with chmod 600"
    );
    assert_eq!(run.error_line(), expected);
}

#[test]
fn a_mistake_in_the_transport_settings_names_its_line_and_stops_every_command() {
    let accounts = "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'CANARY' }\n";
    for (settings, expected) in [
        (
            "prxy = 'http://proxy.example.com'",
            &["line 5: ", "transport", "prxy", "did you mean `proxy`?"][..],
        ),
        (
            "proxy_password = 'canary-5ecret-c0ffee'",
            &["line 5: ", "transport.proxy_password"],
        ),
        (
            "authorities = 'there-is-none.pem'",
            &["line 5: ", "transport.authorities", "there-is-none.pem"],
        ),
        (
            "proxy = 'http://proxy.example.com'\nproxy_user = 'me'\nproxy_password = { env = 'NEVER_SET_ANYWHERE' }",
            &["NEVER_SET_ANYWHERE"],
        ),
    ] {
        let path = temporary_file(&format!("{accounts}[transport]\n{settings}\n"));
        for command in ["list", "capabilities"] {
            let words = [command, "--config", &path];
            let run = tokenfleet_with_env(&[("CANARY", CANARY)], &words).ends_with(2);
            let run = run.hiding(&[CANARY]);
            let line = run.error_line();
            assert!(expected.iter().all(|part| line.contains(part)), "{line}");
            assert!(line.contains(&path), "{line}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_world_readable_secret_file_raises_a_warning_that_does_not_repeat_the_path() {
    use std::os::unix::fs::PermissionsExt;

    let account = support::account::Account::new("losant");
    let secret = &account.variables[0].1;
    let file = temporary_file(secret);
    let warning = "warning: --secret-file: other users can read that file; \
                   restrict it to its owner (chmod 600)\n";
    for (mode, expected) in [(0o600, ""), (0o640, warning), (0o604, warning)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let run = account
            .run(&["verify", "--secret-file", &file])
            .ends_with(0);
        let run = run.hiding(&[secret, &file]);
        assert_eq!(run.stderr, expected);
    }
}

#[test]
fn an_argument_of_a_platform_is_refused_where_it_has_none_and_listed_where_it_has() {
    let account = |settings: &str| {
        temporary_file(&format!(
            "[accounts.iot]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:9'\n\
             token = {{ env = 'IOT_TOKEN' }}\n{settings}\n"
        ))
    };
    let creation = "error: iot (losant): create failed: ";
    let with_roles = "accept_version = '^1.30.0'";
    for (settings, arguments, code, expected) in [
        (
            "",
            &["defaultRole=view"][..],
            5,
            "the platform does not support the argument; it has no arguments of its own",
        ),
        (
            with_roles,
            &["defaultRol=view"],
            5,
            "the platform does not support the argument `defaultRol`; did you mean `defaultRole`?",
        ),
        (
            with_roles,
            &["defaultRole=veiw"],
            2,
            "the argument `defaultRole` takes one of admin, edit, collaborate, view, none; \
             did you mean `view`?",
        ),
        (
            with_roles,
            &["defaultRole=view", "defaultRole=edit"],
            2,
            "the argument `defaultRole` is passed twice",
        ),
    ] {
        let path = account(settings);
        let mut words = vec!["create", "--name=x", "--config", &path];
        for argument in arguments {
            words.extend(["--argument", *argument]);
        }
        let run = tokenfleet_with_env(&[("IOT_TOKEN", CANARY)], &words).ends_with(code);
        assert_eq!(run.error_line(), format!("{creation}{expected}"));
    }
    let path = account(with_roles);
    let words = [
        "create",
        "--name=x",
        "--argument=readonly",
        "--config",
        &path,
    ];
    let run = tokenfleet_with_env(&[("IOT_TOKEN", CANARY)], &words).ends_with(2);
    assert!(run.stderr.contains("expected NAME=VALUE"), "{run:?}");
    let words = ["capabilities", "--output=json", "--config", &path];
    let run = tokenfleet_with_env(&[("IOT_TOKEN", CANARY)], &words).ends_with(0);
    let shown = run.json();
    let arguments = &shown["accounts"][0]["create"]["arguments"];
    assert_eq!(arguments[0]["name"], "defaultRole");
    assert_eq!(
        arguments[0]["takes"],
        "one of admin, edit, collaborate, view, none"
    );
}

#[test]
fn what_the_platform_refuses_as_invalid_was_sent_and_ends_with_1() {
    let simulate = Simulate::start(&["losant", "--tokens=0"], 1);
    let server = simulate.server("losant");
    let path = losant(server["url"].as_str().unwrap());
    let token = server["credentials"]["token"].as_str().unwrap();
    let create = |scope: &str| {
        let words = ["create", "--config", &path, "--name=ci", "--scope", scope];
        tokenfleet_with_env(&[("IOT_TOKEN", token)], &words)
    };
    let run = create("all.Device.get").ends_with(1);
    assert!(run.error_line().contains("(HTTP 400"), "{run:?}");
}

#[test]
fn a_mistake_in_a_policy_is_an_error_of_every_command() {
    let simulate = Simulate::start(&["losant", "--tokens=0"], 1);
    let server = simulate.server("losant");
    let token = server["credentials"]["token"].as_str().unwrap();
    for (line, part) in [
        ("rotate_before_expirry = '14d'", "rotate_before_expiry"),
        ("overlap = '-5s'", "overlap"),
        ("strategy = 'inplace'", "in_place"),
    ] {
        let path = losant(server["url"].as_str().unwrap());
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("[policies.ci]\naccount = 'iot'\nwhere = 'name = ci'\n");
        // Whether the server of a place is known is no matter of a listing.
        text.push_str("max_age = '30d'\nsinks = ['kv2:secret/ci#token']\n");
        let run = |text: &str, command: &str| {
            let path = temporary_file(text);
            tokenfleet_with_env(&[("IOT_TOKEN", token)], &[command, "--config", &path])
        };
        for command in ["list", "inventory"] {
            run(&text, command).ends_with(0);
            let run = run(&format!("{text}{line}\n"), command).ends_with(2);
            assert!(run.stderr.contains(part), "{run:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_named_configuration_that_others_can_change_is_warned_of_once() {
    let simulate = Simulate::start(&["losant", "--tokens=0"], 1);
    let server = simulate.server("losant");
    let token = server["credentials"]["token"].as_str().unwrap();
    let path = losant(server["url"].as_str().unwrap());
    let run = |words: &[&str]| {
        let words = [words, &["--config", &path]].concat();
        tokenfleet_with_env(&[("IOT_TOKEN", token)], &words)
    };
    assert_eq!(run(&["list"]).ends_with(0).stderr, "");
    support::home::set_mode(path.as_ref(), 0o660);
    let listed = run(&["list"]).ends_with(0);
    assert!(listed.error_line().contains("chmod go-w"), "{listed:?}");
    assert!(!listed.stderr.contains("--config"), "{listed:?}");
    assert_eq!(run(&["accounts"]).ends_with(0).stderr, "");
    let checked = run(&["doctor"]).ends_with(0);
    assert!(!checked.stdout.contains("name the configuration"));
}
