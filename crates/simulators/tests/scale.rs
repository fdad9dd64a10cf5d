//! Start-up time and memory with a million tokens.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use tokenfleet_simulators::{build, providers};

/// Returns the resident memory of this process in KiB, if the system reports it.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_million_tokens_start_in_seconds_and_stay_under_a_gibibyte() {
    for provider in providers() {
        let started = Instant::now();
        let simulator = build(provider, &["tokens=1000000"]).unwrap();
        let elapsed = started.elapsed();
        assert_eq!(simulator.token_count(), 1_000_000);
        // The bound leaves room for unoptimized code on a busy machine.
        assert!(
            elapsed < Duration::from_secs(60),
            "{provider} took {elapsed:?}"
        );
        if let Some(kib) = resident_kib() {
            assert!(kib < 1024 * 1024, "{provider} holds {kib} KiB");
        }
    }
}
