//! Tests of seeding and of the cost of many tokens.

use std::{collections::HashSet, time::Instant};

use tokenfleet_simulators::{Simulator, State};

use crate::client::{TOKENS, foreman, get, post};

#[test]
fn the_same_seed_gives_the_same_tokens_and_another_gives_others() {
    let tokens = |seed: &str| foreman(&["tokens=50", seed]).tokens();
    assert_eq!(tokens("seed=1"), tokens("seed=1"));
    assert_ne!(tokens("seed=1"), tokens("seed=2"));
}

#[test]
fn seeded_tokens_have_mixed_states_expiries_and_names() {
    let foreman = foreman(&["tokens=2000"]);
    let tokens = foreman.tokens();
    let names: HashSet<_> = tokens.iter().map(|token| token.name.clone()).collect();
    assert_eq!(names.len(), 2000);
    for state in [State::Active, State::Revoked, State::Expired] {
        assert!(
            tokens.iter().filter(|token| token.state == state).count() > 50,
            "{state:?}"
        );
    }
    assert!(tokens.iter().any(|token| token.expires.is_none()));
    assert!(tokens.iter().any(|token| token.last_used.is_none()));
    assert!(
        tokens
            .iter()
            .any(|token| token.name.as_deref().is_some_and(|name| !name.is_ascii()))
    );
    for token in &tokens {
        assert_eq!(foreman.accepts(&token.secret), token.state == State::Active);
    }
    assert_eq!(get(&foreman, TOKENS).json()["total"], 2000);
}

/// Runs slowly without optimization: `cargo test --release -- --ignored --nocapture a_million`.
#[test]
#[ignore = "for optimized builds"]
fn a_million_tokens_start_in_seconds_and_page_in_milliseconds() {
    let start = Instant::now();
    let foreman = foreman(&["tokens=1000000"]);
    println!("start: {:?}", start.elapsed());
    for (name, query) in [
        ("order id, first", "order=id&per_page=100"),
        ("order id, last", "order=id&per_page=100&page=10000"),
        ("order id DESC", "order=id%20DESC&per_page=100&page=5000"),
        ("order name, cold", "order=name&per_page=100&page=2"),
        ("order name, warm", "order=name&per_page=100&page=9000"),
        ("id > n", "search=id%3E900000&order=id&per_page=100"),
        ("name =", "search=name%20=%20x&per_page=100"),
        (
            "name ~",
            "search=name%20~%20jenkins&order=name&per_page=100",
        ),
    ] {
        let start = Instant::now();
        assert_eq!(get(&foreman, &format!("{TOKENS}?{query}")).status, 200);
        println!("{name}: {:?}", start.elapsed());
    }
    for name in ["cold", "warm"] {
        let start = Instant::now();
        assert_eq!(
            post(&foreman, TOKENS, &format!("{{\"name\":\"{name}\"}}")).status,
            201
        );
        println!("create, {name}: {:?}", start.elapsed());
    }
    assert!(start.elapsed().as_secs() < 30);
    if let Some(memory) = peak_memory() {
        println!("peak memory: {memory} kB");
        assert!(memory < 1024 * 1024);
    }
}

fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
