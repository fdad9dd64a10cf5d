//! Tests that every case can fail, and of what a report shows.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_executor::block_on;

use super::fixture::MutantFixture;
use super::{Defect, Mutant};
use crate::{MemoryFixture, MemoryProfile, Outcome, cases, run, run_some};

#[test]
fn every_case_fails_the_mutants_that_it_names() {
    let mut survived = Vec::new();
    for case in cases() {
        for Mutant { defect, profile } in case.killed_by {
            let make_fixture = async || MutantFixture::new(profile(), *defect);
            let select = |other: &crate::Case| other.name() == case.name();
            let report = block_on(run_some(make_fixture, select));
            let outcome = report.outcome(case.name());
            if !matches!(outcome, Some(Outcome::Failed(_))) {
                survived.push(format!("{defect:?}: \"{}\": {outcome:?}", case.name()));
            }
        }
    }
    assert!(survived.is_empty(), "survived:\n{}", survived.join("\n"));
}

#[test]
fn some_defects_are_found_by_one_case_alone() {
    type Profile = fn() -> MemoryProfile;
    let foreign = "a 404 that is not the platform's does not decide that a token is gone";
    let pages = "a listing that is declared without pages is one page";
    let consistent = "declared capabilities do not contradict each other";
    let mutants: [(Defect, Profile, &str); 5] = [
        (
            Defect::TakesAnyNotFoundForGone,
            MemoryProfile::deleting,
            foreign,
        ),
        (
            Defect::TakesAnyNotFoundForGone,
            MemoryProfile::secret_only,
            foreign,
        ),
        (
            Defect::TakesAnyNotFoundForGoneAfterReading,
            MemoryProfile::deleting,
            foreign,
        ),
        (Defect::DeclaresNoPages, MemoryProfile::full, pages),
        (
            Defect::DeclaresThatNoTokenVanishes,
            MemoryProfile::keyset,
            consistent,
        ),
    ];
    for (defect, profile, case) in mutants {
        let report = block_on(run(async || MutantFixture::new(profile(), defect)));
        let failed: Vec<_> = report.failures().map(|entry| entry.name).collect();
        assert_eq!(failed, [case], "{defect:?}");
    }
}

#[test]
fn a_failure_names_the_declaration_that_a_platform_may_lack() {
    let mut late = MemoryProfile::deleting();
    late.expiry_delay = Duration::from_secs(2);
    let mut later = MemoryProfile::lifetimes();
    later.expiry_delay = Duration::from_secs(7);
    let mut widening = MemoryProfile::deleting();
    widening.added_scopes = vec!["read:self".to_owned()];
    let expect_remedy = |profile: &MemoryProfile, defect, case: &str, remedy| {
        let make_fixture = async || MutantFixture::new(profile.clone(), defect);
        let report = block_on(run_some(make_fixture, |other| other.name() == case));
        let failure = report.outcome(case).and_then(Outcome::failure);
        let happened = failure.map(|failure| failure.happened.as_str());
        assert!(
            happened.is_some_and(|text| text.contains(remedy)),
            "{case}: {happened:?}"
        );
    };
    let expiry = "a requested expiry is kept";
    let lifetime = "a requested lifetime is kept";
    let none = Defect::None;
    expect_remedy(&late, none, expiry, "CreateCapability::with_lifetime");
    expect_remedy(&late, none, lifetime, "CreateCapability::with_lifetime");
    expect_remedy(&later, none, lifetime, "if the platform takes longer");
    expect_remedy(&widening, none, "scopes are kept", "with_widened_scopes");
    // Without the check of results, the case itself finds the difference.
    let lifetimes = MemoryProfile::slow_lifetimes();
    let inexact = Defect::DeclaresExactLifetimes;
    expect_remedy(
        &lifetimes,
        inexact,
        expiry,
        "CreateCapability::with_lifetime",
    );
    let believing = Defect::WidensScopes;
    expect_remedy(
        &MemoryProfile::deleting(),
        believing,
        "scopes are kept",
        "with_widened_scopes",
    );
}

#[test]
fn a_verification_that_never_says_dead_conforms_and_the_report_says_so() {
    for profile in [MemoryProfile::full(), MemoryProfile::retaining()] {
        assert_conforms(&profile, Defect::NeverReportsDead);
        let make_fixture = async || MutantFixture::new(profile.clone(), Defect::NeverReportsDead);
        let select = |case: &crate::Case| case.name() == "a dead secret is not reported as alive";
        let report = block_on(run_some(make_fixture, select));
        let note = "a dead secret that is reported as dead: each is reported as unknown";
        let left_out = &report.entries()[0].left_out;
        assert!(
            left_out.iter().any(|step| step.starts_with(note)),
            "{left_out:?}"
        );
    }
}

/// Cases that only the listing engine and the sorting in core can break, whatever a provider does.
const KEPT_BY_CORE: [&str; 4] = [
    "a time filter agrees with its definition",
    "sorting more tokens than the scan limit is an error, not a shorter list",
    "a cursor is refused by another query",
    "a cursor is refused by another account",
];

#[test]
fn every_case_is_failed_by_some_defect() {
    let never: Vec<_> = cases()
        .filter(|case| case.killed_by.is_empty())
        .map(|case| case.name())
        .filter(|name| !KEPT_BY_CORE.contains(name))
        .collect();
    assert!(never.is_empty(), "no defect fails {never:#?}");
}

#[test]
fn every_case_has_its_own_name_and_a_law() {
    let names: BTreeSet<_> = cases().map(|case| case.name()).collect();
    assert_eq!(names.len(), cases().count());
    assert!(cases().all(|case| (1..=10).contains(&case.law())));
}

#[test]
fn every_heavy_case_exists() {
    for (heavy, _) in crate::weight::HEAVY {
        assert!(cases().any(|case| case.name() == heavy), "{heavy}");
    }
}

#[test]
fn a_mutant_without_a_defect_conforms() {
    for profile in MemoryProfile::all() {
        let make_fixture = async || MutantFixture::new(profile.clone(), Defect::None);
        block_on(run(make_fixture)).assert_passed();
    }
}

/// Runs the whole suite against a provider with a peculiarity that breaks no law.
fn assert_conforms(profile: &MemoryProfile, peculiarity: Defect) {
    let make_fixture = async || MutantFixture::new(profile.clone(), peculiarity);
    block_on(run(make_fixture)).assert_passed();
}

#[test]
fn a_provider_that_cannot_tell_whether_a_token_was_alive_conforms() {
    for profile in MemoryProfile::all() {
        assert_conforms(&profile, Defect::ReportsEveryRevocationAsFirst);
    }
}

#[test]
fn a_provider_that_refuses_impossible_ids_unsent_conforms() {
    for profile in MemoryProfile::all() {
        assert_conforms(&profile, Defect::RefusesImpossibleIds);
    }
}

#[test]
fn a_platform_that_reads_secrets_leniently_conforms() {
    for mut profile in MemoryProfile::all() {
        profile.reads_secrets_leniently = true;
        assert_conforms(&profile, Defect::None);
    }
}

#[test]
fn a_report_does_not_leak_what_it_found_leaking() {
    for defect in [
        Defect::ReturnsSecretAsId,
        Defect::RevealsSecretsInErrors,
        Defect::RevealsSecretsInNames,
    ] {
        let make_fixture = async || MutantFixture::new(MemoryProfile::full(), defect);
        let report = block_on(run(make_fixture));
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
    let make_fixture = async || MutantFixture::new(MemoryProfile::retaining(), Defect::Panics);
    let report = block_on(run(make_fixture));
    let read = report.outcome("a token is read by its id");
    assert!(
        matches!(read, Some(Outcome::Failed(failure)) if failure.happened.contains("panicked"))
    );
    assert_eq!(report.entries().len(), cases().count());
}

#[test]
fn a_report_states_the_outcome_of_every_case_and_its_reason() {
    let report = block_on(run(async || {
        MemoryFixture::new(MemoryProfile::secret_only())
    }));
    let text = report.to_string();
    assert!(
        text.contains("refused  law 3   every token is listed exactly once"),
        "{text}"
    );
    assert!(
        text.contains("pages can be read in any order (its pages are not numbered)"),
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
fn a_failed_assertion_shows_the_whole_report() {
    let make_fixture =
        async || MutantFixture::new(MemoryProfile::retaining(), Defect::RevokesNothing);
    block_on(run(make_fixture)).assert_passed();
}
