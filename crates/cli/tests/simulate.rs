//! The command `simulate`.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::{Command, Stdio};
#[cfg(unix)]
use std::{
    io::{BufRead, BufReader},
    time::Duration,
};

use serde_json::Value;
use support::account::Account;
use support::{Run, Simulate, program, tokenfleet};

#[test]
fn every_server_is_announced_on_a_line_and_serves_until_its_input_closes() {
    let simulate = Simulate::start(&["all", "--option=user_id=7", "--tokens=0"], 4);
    let providers: Vec<_> = simulate
        .servers
        .iter()
        .map(|server| &server["provider"])
        .collect();
    for provider in ["losant", "foreman", "cloudsmith", "mindbody"] {
        assert!(providers.iter().any(|one| *one == provider), "{provider}");
    }
    let foreman = simulate.server("foreman");
    assert_eq!(foreman["credentials"]["user_id"], "7");
    for server in &simulate.servers {
        let url = server["url"].as_str().unwrap();
        assert!(server["control"].as_str().unwrap().starts_with(url));
        let address = url.strip_prefix("http://").unwrap();
        assert!(std::net::TcpStream::connect(address).is_ok());
    }
    assert_eq!(simulate.close(), 0);
}

#[cfg(unix)]
#[test]
fn an_input_that_is_no_pipe_does_not_end_it() {
    let mut child = program(&[])
        .args(["simulate", "losant"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with('{'), "{line}");
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Runs `simulate` with a pipe that is closed at once.
fn until_its_input_closes(words: &[&str]) -> Run {
    let output = program(&[])
        .args(words)
        .stdin(Stdio::piped())
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn other_addresses_need_an_explicit_option_and_raise_a_warning() {
    let words = ["simulate", "losant", "--listen=0.0.0.0:0"];
    let run = tokenfleet(&words).ends_with(2);
    let expected = "error: 0.0.0.0:0 is not a loopback address, and a simulator does not protect \
                    its secrets; pass --expose-to-network to listen there anyway";
    assert_eq!(run.error_line(), expected);
    let explicit: Vec<_> = words.into_iter().chain(["--expose-to-network"]).collect();
    let run = until_its_input_closes(&explicit).ends_with(0);
    let server = run.json();
    let url = server["url"].as_str().unwrap();
    let address = url.strip_prefix("http://").unwrap();
    assert!(address.starts_with("0.0.0.0:"), "{url}");
    let expected = format!(
        "warning: anyone who can reach {address} can read and change every simulated token"
    );
    assert_eq!(run.error_line(), expected);
}

#[test]
fn invalid_arguments_are_rejected_in_one_line() {
    for (words, expected) in [
        (
            "simulate losnt",
            "unknown provider `losnt`; did you mean `losant`?",
        ),
        (
            "simulate losant --option=tokns=1",
            "unknown simulator option `tokns`; did you mean `tokens`?",
        ),
        (
            "simulate losant --option=tokens",
            "--option must have the form KEY=VALUE",
        ),
        (
            "simulate losant --option=tokens=many",
            "invalid value `many` for option `tokens`; expected a number up to 10000000",
        ),
        (
            "simulate losant --listen=192.0.2.1:0",
            "192.0.2.1:0 is not a loopback address, and a simulator does not protect its secrets; \
             pass --expose-to-network to listen there anyway",
        ),
        (
            "simulate losant --account=a",
            "--account cannot be used with the command simulate",
        ),
        (
            "simulate losant --config=a",
            "--config cannot be used with the command simulate",
        ),
        (
            "simulate losant --simulate",
            "--simulate cannot be used with the command simulate",
        ),
        (
            "simulate losant --output=csv",
            "--output cannot be used with the command simulate",
        ),
        (
            "simulate losant --output=json",
            "--output cannot be used with the command simulate",
        ),
        (
            "simulate losant -vv",
            "--verbose cannot be used with the command simulate",
        ),
        (
            "simulate losant --tokens=1 --option=tokens=2",
            "--tokens and --option tokens=… cannot be used together",
        ),
        (
            "simulate all --listen=127.0.0.1:65534",
            "4 servers do not fit between port 65534 and the last port, 65535",
        ),
    ] {
        let is_json = words.ends_with("json");
        let words: Vec<_> = words.split(' ').collect();
        let run = tokenfleet(&words).ends_with(2);
        let line = run.error_line();
        if is_json {
            let object: Value = serde_json::from_str(line).unwrap();
            assert_eq!(object["error"]["message"], expected);
        } else {
            assert_eq!(line, format!("error: {expected}"));
        }
    }
}

#[test]
fn too_many_tokens_and_an_address_without_a_port_are_rejected() {
    for (option, expected) in [
        (
            "--tokens=99999999999",
            "error: invalid value '99999999999' for '--tokens <N>': \
             99999999999 is not in 0..=10000000",
        ),
        (
            "--listen=localhost",
            "error: invalid value 'localhost' for '--listen <ADDRESS>': \
             expected an address and a port, such as 127.0.0.1:8080",
        ),
    ] {
        let run = tokenfleet(&["simulate", "losant", option]).ends_with(2);
        assert_eq!(run.stderr.lines().next(), Some(expected), "{run:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_written_configuration_works_until_the_simulators_end() {
    use support::home::{Home, mode};

    let home = Home::new();
    let path = home.work().join("sim.toml");
    let option = format!("--write-config={}", path.display());
    let simulate = Simulate::start(&["all", "--tokens=2", &option], 4);
    let config = format!("--config={}", path.display());
    let run = home.run(&["inventory", &config]).ends_with(0);
    let accounts = run.json()["accounts"].clone();
    let counts: Vec<_> = accounts.as_array().unwrap().iter().collect();
    assert_eq!(counts.len(), 4, "{run:?}");
    home.run(&["whoami", &config, "--account=cloudsmith"])
        .ends_with(0);
    let words = ["create", &config, "--account=mindbody", "--output=json"];
    home.run(&words).ends_with(0);
    let mut files = 0;
    for file in std::fs::read_dir(home.work()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
        files += 1;
    }
    // Losant, Foreman and Cloudsmith have one credential each, and Mindbody two.
    assert_eq!(files, 6);
    let text = std::fs::read_to_string(&path).unwrap();
    for server in &simulate.servers {
        for (key, value) in server["credentials"].as_object().unwrap() {
            let is_secret = ["token", "api_key", "password"].contains(&key.as_str());
            assert_eq!(text.contains(value.as_str().unwrap()), !is_secret, "{key}");
        }
    }
    // Nothing is overwritten, and what is another's is not removed.
    let run = tokenfleet(&["simulate", "losant", &option]).ends_with(2);
    assert!(run.error_line().contains("exists already"), "{run:?}");
    assert!(path.exists());
    assert_eq!(simulate.close(), 0);
    assert_eq!(std::fs::read_dir(home.work()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_written_configuration_that_somebody_changed_is_kept() {
    use support::home::Home;

    let home = Home::new();
    let path = home.work().join("sim.toml");
    let option = format!("--write-config={}", path.display());
    let simulate = Simulate::start(&["losant", &option], 1);
    let text = std::fs::read_to_string(&path).unwrap() + "\n[audit]\nenabled = false\n";
    std::fs::write(&path, &text).unwrap();
    assert_eq!(simulate.close(), 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // Its credentials are those of a simulator that is gone.
    assert_eq!(std::fs::read_dir(home.work()).unwrap().count(), 1);
}

#[test]
fn a_listing_is_the_same_whether_the_platform_compresses_it_or_not() {
    let list = |gzip: &str| {
        let clock = "--option=clock=2026-01-31T12:00:00Z";
        let account = Account::with_options("losant", &[clock, gzip]);
        for name in ["ci", "d\u{e9}ploiement", "\u{202e}"] {
            let token = serde_json::json!({ "name": name }).to_string();
            account.control("POST", "/tokens", &token);
        }
        let run = account.run(&["list", "--output=ndjson"]).ends_with(0);
        let lines = run.stdout.lines().map(str::to_owned);
        let tokens: Vec<_> = lines.filter(|line| line.contains(":\"token\"")).collect();
        assert_eq!(tokens.len(), 4);
        tokens
    };
    assert_eq!(list("--option=gzip=true"), list("--option=gzip=false"));
}
