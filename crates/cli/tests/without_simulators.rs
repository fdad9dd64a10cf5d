//! The program when it is built without the cargo feature `simulate`.

#![cfg(not(feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::tokenfleet;

#[test]
fn the_simulators_are_reported_as_missing_in_one_line() {
    for words in [
        &["simulate", "losant"][..],
        &["--simulate", "inventory"],
        &["list", "--simulate", "--output=json"],
    ] {
        let run = tokenfleet(words).ends_with(2);
        assert!(run.error_line().contains("cargo feature"), "{run:?}");
    }
    let run = tokenfleet(&["list"]).ends_with(2);
    assert!(!run.error_line().contains("--simulate"), "{run:?}");
}
