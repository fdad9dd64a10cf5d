//! Every case can fail: each defect here is one that somebody would build in, and the suite names it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy does not see that all of this is a test"
)]

mod defect;
mod fixture;
mod provider;
mod reading;
mod table;
mod writing;

use std::collections::BTreeSet;

use futures_executor::block_on;
use tokenfleet_conformance::{MemoryFixture, MemoryProfile, Outcome, cases, run, run_some};

use crate::defect::Defect;
use crate::fixture::Sabotaged;
use crate::table::TABLE;

#[test]
fn every_defect_fails_the_cases_that_name_it() {
    let mut missed = Vec::new();
    for (defect, profile, expected) in TABLE {
        let make = async || Sabotaged::new(profile(), *defect);
        let report = block_on(run_some(make, |case| expected.contains(&case.name())));
        for name in *expected {
            match report.outcome(name) {
                Some(Outcome::Failed(_)) => {}
                Some(other) => missed.push(format!("{defect:?}: \"{name}\" ended as {other:?}")),
                None => missed.push(format!("{defect:?}: there is no case \"{name}\"")),
            }
        }
    }
    assert!(missed.is_empty(), "not caught:\n{}", missed.join("\n"));
}

/// What only the walk and the sorting in core can break, whatever a provider does.
const KEPT_BY_CORE: [&str; 4] = [
    "a filter by time finds what its definition finds",
    "sorting more than allowed fails instead of shortening",
    "a cursor is refused by another query",
    "a cursor is refused by another account",
];

#[test]
fn every_case_is_failed_by_some_defect() {
    let failed: BTreeSet<_> = TABLE.iter().flat_map(|(_, _, cases)| *cases).collect();
    let never: Vec<_> = cases()
        .map(|case| case.name())
        .filter(|name| !failed.contains(name) && !KEPT_BY_CORE.contains(name))
        .collect();
    assert!(never.is_empty(), "no defect fails {never:#?}");
}

#[test]
fn every_case_has_a_name_and_a_law_of_its_own() {
    let names: BTreeSet<_> = cases().map(|case| case.name()).collect();
    assert_eq!(names.len(), cases().count());
    assert!(cases().all(|case| (1..=10).contains(&case.law())));
}

#[test]
fn the_wrapper_itself_is_innocent() {
    for profile in MemoryProfile::all() {
        let make = async || Sabotaged::new(profile.clone(), Defect::None);
        block_on(run(make)).assert_passed();
    }
}

#[test]
fn a_report_does_not_leak_what_it_found_leaking() {
    for defect in [
        Defect::SecretAsId,
        Defect::SecretInErrors,
        Defect::SecretInNames,
    ] {
        let make = async || Sabotaged::new(MemoryProfile::everything(), defect);
        let report = block_on(run(make));
        assert!(!report.passed());
        let text = report.to_string();
        assert!(
            !text.contains("mem-") && !text.contains("memory-credential"),
            "{text}"
        );
    }
}

#[test]
fn a_panic_fails_its_case_and_not_the_run() {
    let make = async || Sabotaged::new(MemoryProfile::marking(), Defect::Panics);
    let report = block_on(run(make));
    let read = report.outcome("a token is read by its id");
    assert!(
        matches!(read, Some(Outcome::Failed(failure)) if failure.happened.contains("panicked"))
    );
    assert_eq!(report.entries().len(), cases().count());
}

#[test]
fn a_report_says_of_every_case_what_became_of_it_and_why() {
    let report = block_on(run(async || MemoryFixture::new(MemoryProfile::by_secret())));
    let text = report.to_string();
    assert!(
        text.contains("refused  law 3   a listing yields every token"),
        "{text}"
    );
    assert!(
        text.contains("pages can be read in any order (its pages have no numbers)"),
        "{text}"
    );
    assert!(
        text.contains("ran      law 5   a revoked secret is dead"),
        "{text}"
    );
    assert!(text.ends_with("0 failed"), "{text}");
}

#[test]
#[should_panic(expected = "FAILED   law 5   a revoked secret is dead")]
fn an_assertion_shows_the_whole_report() {
    let make = async || Sabotaged::new(MemoryProfile::marking(), Defect::RevokesNothing);
    block_on(run(make)).assert_passed();
}
