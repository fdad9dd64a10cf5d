//! Running the cases, each on its own fixture.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use crate::case_result::{CaseResult, Failure, Stop};
use crate::harness::Harness;
use crate::{Case, Decision, Entry, Fixture, Outcome, Report, cases};

/// Runs every case that the provider's capabilities call for, each on a fresh fixture.
///
/// The suite needs no particular runtime: run it on the one that the provider needs. A case that
/// fails or panics does not stop the others. A case that hangs is left to the test runner's
/// timeout.
pub async fn run<F, M, Made>(make_fixture: M) -> Report
where
    F: Fixture + 'static,
    M: Fn() -> Made,
    Made: Future<Output = F>,
{
    run_some(make_fixture, |_| true).await
}

/// Runs the selected cases, each on a fresh fixture.
pub async fn run_some<F, M, Made>(make_fixture: M, select: impl Fn(&Case) -> bool) -> Report
where
    F: Fixture + 'static,
    M: Fn() -> Made,
    Made: Future<Output = F>,
{
    let first = Box::pin(make_fixture()).await.provider();
    let mut report = Report::new(first.account().clone());
    for case in cases().filter(|case| select(case)) {
        let decision = case.decide(first.capabilities());
        let outcome = match decision {
            Decision::NotApplicable(reason) => Outcome::NotApplicable(reason.to_owned()),
            Decision::Run | Decision::Refuse(_) => {
                let harness = Harness::new(Box::new(Box::pin(make_fixture()).await));
                Box::pin(run_case(case, &decision, &harness)).await
            }
        };
        report.push(Entry {
            group: case.group(),
            law: case.law(),
            name: case.name(),
            outcome,
        });
    }
    report
}

async fn run_case(case: &Case, decision: &Decision, harness: &Harness) -> Outcome {
    let (result, success) = match decision {
        Decision::Refuse(refusal) => (
            catch_panic(Box::pin(refusal.expect(harness))).await,
            Outcome::Refused,
        ),
        _ => (catch_panic((case.run)(harness)).await, Outcome::Ran),
    };
    let inspector = harness.inspector();
    let failure = match (result, inspector.first_finding()) {
        (Err(Stop::Failed(failure)), _) => failure,
        (_, Some(finding)) => Failure {
            expected: "no result reveals a secret or reports an undeclared field".to_owned(),
            happened: finding,
        },
        (Err(Stop::NotApplicable(reason)), None) => return Outcome::NotApplicable(reason),
        (Ok(()), None) => return success,
    };
    Outcome::Failed(Failure {
        expected: inspector.redact(&failure.expected),
        happened: inspector.redact(&failure.happened),
    })
}

/// Runs a case to its end and turns a panic into a failure.
async fn catch_panic(mut case: impl Future<Output = CaseResult> + Unpin) -> CaseResult {
    poll_fn(|context| {
        let mut case = Pin::new(&mut case);
        let polled = catch_unwind(AssertUnwindSafe(|| case.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| {
            Poll::Ready(Err(Stop::Failed(Failure {
                expected: "no call panics".to_owned(),
                happened: format!("it panicked: {}", panic_message(&*panic)),
            })))
        })
    })
    .await
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
