//! Histories that are drawn at random until one is found that breaks a law.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// Gives `check` as many random histories as `cases` says.
///
/// # Errors
///
/// The violation, with the smallest history that was found for it.
pub(super) fn check_random<H: Strategy>(
    cases: u32,
    histories: &H,
    check: impl Fn(&H::Value) -> Result<(), String>,
) -> Result<(), String> {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let found = TestRunner::new(config).run(histories, |history| {
        check(&history).map_err(TestCaseError::fail)
    });
    found.map_err(|error| match error {
        TestError::Fail(violation, history) => format!("{violation}\nin {history:#?}"),
        TestError::Abort(reason) => reason.to_string(),
    })
}
