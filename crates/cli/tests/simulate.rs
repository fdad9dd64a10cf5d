//! The command `simulate`.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{Simulate, tokenfleet};

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

#[test]
fn without_standard_input_it_exits_at_once() {
    let run = tokenfleet(&["simulate", "losant"]).ends_with(0);
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn other_addresses_need_an_explicit_option_and_raise_a_warning() {
    let words = ["simulate", "losant", "--listen=0.0.0.0:0"];
    let run = tokenfleet(&words).ends_with(2);
    assert!(run.error_line().contains("--expose-to-network"));
    let explicit: Vec<_> = words.into_iter().chain(["--expose-to-network"]).collect();
    let run = tokenfleet(&explicit).ends_with(0);
    assert!(run.json()["url"].as_str().unwrap().contains("0.0.0.0"));
    assert!(
        run.error_line()
            .starts_with("warning: anyone who can reach 0.0.0.0:")
    );
}

#[test]
fn invalid_arguments_are_rejected_in_one_line() {
    for (words, expected) in [
        ("simulate losnt", "did you mean `losant`?"),
        ("simulate losant --option=tokns=1", "did you mean `tokens`?"),
        ("simulate losant --option=tokens", "KEY=VALUE"),
        ("simulate losant --option=tokens=many", "tokens"),
        (
            "simulate losant --listen=192.0.2.1:0",
            "--expose-to-network",
        ),
        ("simulate losant --account=a", "--account cannot be used"),
        ("simulate losant --config=a", "--config cannot be used"),
        ("simulate losant --simulate", "--simulate cannot be used"),
        ("simulate losant --output=json", "--output cannot be used"),
        ("simulate losant -vv", "--verbose cannot be used"),
        (
            "simulate losant --tokens=1 --option=tokens=2",
            "cannot be used together",
        ),
        (
            "simulate all --listen=127.0.0.1:65534",
            "4 servers do not fit",
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let run = tokenfleet(&words).ends_with(2);
        let shown = run.stderr.trim_end();
        assert!(!shown.contains('\n') || shown.starts_with('{'), "{run:?}");
        assert!(run.stderr.contains(expected), "{run:?}");
    }
}

#[test]
fn too_many_tokens_and_an_address_without_a_port_are_rejected() {
    for (option, expected) in [
        ("--tokens=99999999999", "10000000"),
        ("--listen=localhost", "such as 127.0.0.1:8080"),
    ] {
        let run = tokenfleet(&["simulate", "losant", option]).ends_with(2);
        assert!(run.stderr.contains(expected), "{run:?}");
    }
}
