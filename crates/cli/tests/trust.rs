//! A configuration that was found sends credentials elsewhere only once it is trusted.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::net::TcpListener;

use support::home::Home;

const SECRET: [(&str, &str); 1] = [("IOT_TOKEN", "canary-5ecret-c0ffee")];

/// An account at an address of its own, and the address, at which nobody answers.
fn own_address() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let text = format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = 'http://{}'\nattempts = 1\n\
         token = {{ env = 'IOT_TOKEN' }}\ntotal_timeout = '1s'\nattempt_timeout = '1s'\n",
        listener.local_addr().unwrap()
    );
    (text, listener)
}

#[test]
fn nothing_is_sent_to_an_address_of_a_found_configuration_until_it_is_trusted() {
    let home = Home::new();
    let (text, listener) = own_address();
    let path = home.write("tokenfleet.toml", &text);
    let was_reached = || listener.accept().is_ok();
    for command in ["list", "inventory", "whoami", "capabilities", "explain"] {
        let run = home.run_with(&SECRET, &[command]).ends_with(2);
        let expected = "error: tokenfleet.toml, found in the working directory, is not trusted: \
                        accounts.iot.base_url decides where a credential is sent; review it and \
                        run `tokenfleet trust`, or name it with --config";
        assert_eq!(run.error_line(), expected);
    }
    let run = home.run_with(&SECRET, &["doctor", "--output=json"]);
    let run = run.ends_with(8);
    assert!(run.stdout.contains("\"check\":\"trust\""), "{run:?}");
    assert!(!was_reached());
    // What sends nothing needs no trust.
    home.run(&["accounts"]).ends_with(0);

    let run = home.run(&["trust", "--output=json"]).ends_with(0);
    assert_eq!(run.json()["state"], "trusted");
    let reason = "accounts.iot.base_url decides where a credential is sent";
    assert_eq!(run.json()["reasons"][0], reason);
    home.run(&["capabilities"]).ends_with(0);
    home.run_with(&SECRET, &["list"]).ends_with(1);
    assert!(was_reached());

    // Another content is another configuration.
    home.write("tokenfleet.toml", &(text.clone() + "\n"));
    let run = home.run_with(&SECRET, &["list"]).ends_with(2);
    assert!(
        run.error_line()
            .contains("has changed since it was trusted"),
        "{run:?}"
    );
    let run = home.run(&["trust", "--list"]).ends_with(0);
    assert_eq!(run.json()["files"][0]["state"], "changed");
    home.run(&["trust"]).ends_with(0);
    home.run(&["capabilities"]).ends_with(0);
    // The former content is no longer trusted.
    home.write("tokenfleet.toml", &text);
    home.run(&["capabilities"]).ends_with(2);
    home.run(&["trust"]).ends_with(0);

    let run = home.run(&["trust", "--list"]).ends_with(0);
    let files = run.json()["files"].clone();
    let canonical = path.canonicalize().unwrap();
    assert_eq!(files.as_array().unwrap().len(), 1, "{files}");
    assert_eq!(files[0]["file"], canonical.to_str().unwrap());
    assert_eq!(files[0]["state"], "trusted");
    home.run(&["trust", "--remove"]).ends_with(0);
    home.run(&["capabilities"]).ends_with(2);
    home.run(&["trust", "--remove"]).ends_with(4);
    assert!(!was_reached());
}

#[test]
fn the_same_content_elsewhere_is_not_trusted() {
    let home = Home::new();
    let (text, _listener) = own_address();
    home.write("tokenfleet.toml", &text);
    home.run(&["trust"]).ends_with(0);
    let elsewhere = home.write("elsewhere/tokenfleet.toml", &text);
    let mut program = home.program(&["capabilities"]);
    let output = program.current_dir(elsewhere.parent().unwrap()).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

#[test]
fn a_named_configuration_and_that_of_the_user_need_no_trust() {
    let home = Home::new();
    let (text, _listener) = own_address();
    home.write("tokenfleet.toml", &text);
    let words = ["capabilities", "--config=tokenfleet.toml"];
    home.run(&words).ends_with(0);
    let named = [("TOKENFLEET_CONFIG", "tokenfleet.toml")];
    home.run_with(&named, &["capabilities"]).ends_with(0);
    std::fs::remove_file(home.work().join("tokenfleet.toml")).unwrap();
    home.write(home.user_file(), &text);
    home.run(&["capabilities"]).ends_with(0);
}

#[test]
fn what_decides_about_a_credential_needs_trust_and_nothing_else_does() {
    let account = "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'IOT_TOKEN' }\n";
    let home = Home::new();
    for (text, reason) in [
        (account.to_owned(), None),
        (format!("{account}tags = ['a']\nattempts = 2\n"), None),
        (
            format!("{account}resource = {{ application = '1' }}\n"),
            None,
        ),
        (
            format!("{account}[transport]\nconnect_timeout = '5s'\n"),
            None,
        ),
        (format!("{account}[queries.old]\nlimit = 1\n"), None),
        (
            account.replace("{ env = 'IOT_TOKEN' }", "{ file = 'token' }"),
            None,
        ),
        (
            format!("{account}base_url = 'https://api.losant.com'\n"),
            Some("accounts.iot.base_url"),
        ),
        (
            format!("{account}allow_plain_http = true\n"),
            Some("accounts.iot.allow_plain_http"),
        ),
        (
            format!("{account}[transport]\nproxy = 'http://127.0.0.1:1'\n"),
            Some("transport.proxy"),
        ),
        (
            format!("{account}[transport]\nauthorities = 'ca.pem'\n"),
            Some("transport.authorities"),
        ),
        (
            account.replace(
                "{ env = 'IOT_TOKEN' }",
                "{ command = ['pass', 'show', 'x'] }",
            ),
            Some("accounts.iot.token runs a command"),
        ),
        (
            account.replace("'losant'", "'ours'") + "server = 'https://example.com'\n",
            Some("accounts.iot.server"),
        ),
        // A table in an account of a provider that is not built in may hold an address.
        (
            account.replace("'losant'", "'ours'") + "server = { url = 'https://example.com' }\n",
            Some("accounts.iot.server"),
        ),
        (
            account.replace("'losant'", "'ours'")
                + "server = { env = 'HOME', url = 'https://example.com' }\n",
            Some("accounts.iot.server"),
        ),
    ] {
        home.write("tokenfleet.toml", &text);
        let run = home.run(&["capabilities"]);
        match reason {
            None => drop(run.ends_with(0)),
            Some(reason) => {
                let run = run.ends_with(2);
                let line = run.error_line();
                assert!(
                    line.contains("is not trusted") && line.contains(reason),
                    "{line}"
                );
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_command_beside_the_configuration_is_trusted_with_its_content() {
    for command in ["['./get-token']", "['sh', 'get-token']"] {
        let home = Home::new();
        let account = "[accounts.iot]\nprovider = 'losant'\n";
        let text = format!("{account}token = {{ command = {command} }}\n");
        home.write("tokenfleet.toml", &text);
        home.write("get-token", "echo one\n");
        home.run(&["capabilities"]).ends_with(2);
        home.run(&["trust"]).ends_with(0);
        home.run(&["capabilities"]).ends_with(0);
        let state = |expected: &str| {
            let listed = home.run(&["trust", "--list", "--output=json"]).ends_with(0);
            assert_eq!(listed.json()["files"][0]["state"], expected, "{command}");
        };
        state("trusted");
        home.write("get-token", "echo two\n");
        let run = home.run(&["capabilities"]).ends_with(2);
        assert!(
            run.error_line()
                .contains("has changed since it was trusted"),
            "{run:?}"
        );
        state("changed");
        home.write("get-token", "echo one\n");
        home.run(&["capabilities"]).ends_with(0);
        // Another file there is none of its business.
        home.write("another", "echo two\n");
        home.run(&["capabilities"]).ends_with(0);
    }
}

#[test]
fn only_the_user_can_read_or_add_what_is_trusted() {
    use support::home::{mode, set_mode};

    let home = Home::new();
    let (text, _listener) = own_address();
    let path = home.write("tokenfleet.toml", &text);
    set_mode(&path, 0o666);
    let run = home.run(&["trust"]).ends_with(2);
    assert!(run.error_line().contains("chmod go-w"), "{run:?}");
    set_mode(&path, 0o644);
    home.run(&["trust"]).ends_with(0);
    let directory = home.path().join(".local/state/tokenfleet/trusted");
    assert_eq!(mode(&directory), 0o700);
    let entries: Vec<_> = std::fs::read_dir(&directory).unwrap().collect();
    assert_eq!(entries.len(), 1);
    let entry = entries[0].as_ref().unwrap().path();
    assert_eq!(mode(&entry), 0o600);
    // Others could have written it.
    set_mode(&directory, 0o777);
    home.run(&["capabilities"]).ends_with(2);
    set_mode(&directory, 0o700);
    home.run(&["capabilities"]).ends_with(0);
    let nowhere = path.join("state").display().to_string();
    let run = home.run_with(&[("XDG_STATE_HOME", &nowhere)], &["trust"]);
    let run = run.ends_with(2);
    assert!(
        run.error_line()
            .contains("cannot use the directory of trusted"),
        "{run:?}"
    );
}
