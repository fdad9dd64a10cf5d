//! A million tokens start in seconds and stay under a gibibyte.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use tokenfleet_simulators::{build, providers};

/// The memory of this process in KiB, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_million_tokens_start_in_seconds_and_stay_under_a_gibibyte() {
    for provider in providers() {
        let begun = Instant::now();
        let simulator = build(provider, &["tokens=1000000"]).unwrap();
        let took = begun.elapsed();
        assert_eq!(simulator.token_count(), 1_000_000);
        // Unoptimised code on a busy machine gets some more.
        assert!(took < Duration::from_secs(60), "{provider} took {took:?}");
        if let Some(kib) = resident() {
            assert!(kib < 1024 * 1024, "{provider} holds {kib} KiB");
        }
    }
}
