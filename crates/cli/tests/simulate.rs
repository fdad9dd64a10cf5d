//! The command `simulate`.

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
fn without_an_input_it_ends_at_once() {
    let run = tokenfleet(&["simulate", "losant"]).ends_with(0);
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn others_are_let_in_only_when_asked_loudly_and_with_a_warning() {
    let words = ["simulate", "losant", "--listen=0.0.0.0:0"];
    let run = tokenfleet(&words).ends_with(2);
    assert!(run.complaint().contains("not a loopback address"));
    let loudly: Vec<_> = words.into_iter().chain(["--expose-to-network"]).collect();
    let run = tokenfleet(&loudly).ends_with(0);
    assert!(run.json()["url"].as_str().unwrap().contains("0.0.0.0"));
    assert!(run.complaint().starts_with("warning: whoever reaches"));
}

#[test]
fn what_is_asked_for_wrongly_is_refused_in_one_line() {
    for (words, expected) in [
        ("simulate losnt", "did you mean `losant`?"),
        ("simulate losant --option=tokns=1", "did you mean `tokens`?"),
        ("simulate losant --option=tokens", "KEY=VALUE"),
        ("simulate losant --option=tokens=many", "a number"),
        (
            "simulate losant --listen=192.0.2.1:0",
            "--expose-to-network",
        ),
        ("simulate losant --account=a", "--account means nothing"),
        ("simulate losant --config=a", "--config means nothing"),
        ("simulate losant --simulate", "--simulate means nothing"),
        ("simulate losant --output=json", "--output means nothing"),
        ("simulate losant -vv", "--verbose means nothing"),
        (
            "simulate losant --tokens=1 --option=tokens=2",
            "give one of them",
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
fn more_tokens_than_memory_holds_and_an_address_without_a_port_are_refused() {
    for (option, expected) in [
        ("--tokens=99999999999", "10000000"),
        ("--listen=localhost", "such as 127.0.0.1:8080"),
    ] {
        let run = tokenfleet(&["simulate", "losant", option]).ends_with(2);
        assert!(run.stderr.contains(expected), "{run:?}");
    }
}
