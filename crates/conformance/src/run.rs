//! Running the cases, each on a fixture of its own.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use crate::scene::Scene;
use crate::verdict::{Failure, Stop, Verdict};
use crate::{Case, Decision, Entry, Fixture, Outcome, Report, cases};

/// Runs every case of the suite that the provider's capabilities call for, each on a fresh fixture.
///
/// It needs no particular runtime: run it on the one that the provider needs. A case that fails or panics does not stop
/// the others; one that hangs is left to the test runner's own timeout.
pub async fn run<F, M, Made>(make: M) -> Report
where
    F: Fixture + 'static,
    M: Fn() -> Made,
    Made: Future<Output = F>,
{
    run_some(make, |_| true).await
}

/// Runs the cases that are wanted.
pub async fn run_some<F, M, Made>(make: M, wanted: impl Fn(&Case) -> bool) -> Report
where
    F: Fixture + 'static,
    M: Fn() -> Made,
    Made: Future<Output = F>,
{
    let first = Box::pin(make()).await.provider();
    let mut report = Report::new(first.account().clone());
    for case in cases().filter(|case| wanted(case)) {
        let decision = case.decide(first.capabilities());
        let outcome = match decision {
            Decision::NotApplicable(reason) => Outcome::NotApplicable(reason.to_owned()),
            Decision::Run | Decision::Refuse(_) => {
                let scene = Scene::new(Box::new(Box::pin(make()).await));
                Box::pin(play(case, &decision, &scene)).await
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

async fn play(case: &Case, decision: &Decision, scene: &Scene) -> Outcome {
    let (verdict, success) = match decision {
        Decision::Refuse(refusal) => (
            catching(Box::pin(refusal.demand(scene))).await,
            Outcome::Refused,
        ),
        _ => (catching((case.run)(scene)).await, Outcome::Ran),
    };
    let failure = match (verdict, scene.known().finding()) {
        (Err(Stop::Failed(failure)), _) => failure,
        (_, Some(finding)) => Failure {
            expected: "no answer holds a secret or a fact that is not declared".to_owned(),
            happened: finding,
        },
        (Err(Stop::NotApplicable(reason)), None) => return Outcome::NotApplicable(reason),
        (Ok(()), None) => return success,
    };
    Outcome::Failed(Failure {
        expected: scene.known().redact(&failure.expected),
        happened: scene.known().redact(&failure.happened),
    })
}

/// Runs a case to its end and turns a panic into a failure.
async fn catching(mut running: impl Future<Output = Verdict> + Unpin) -> Verdict {
    poll_fn(|context| {
        let mut running = std::pin::Pin::new(&mut running);
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| {
            Poll::Ready(Err(Stop::Failed(Failure {
                expected: "no call panics".to_owned(),
                happened: format!("it panicked: {}", message(&*panic)),
            })))
        })
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
