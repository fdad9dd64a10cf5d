//! Law 10: the future of any operation may be dropped at any await point.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokenfleet_conformance::Fixture;
use tokenfleet_core::{
    Operation, Query, Secret, TokenId, TokenProvider, TokenProviderExt, UpdateToken,
};
use tokenfleet_foreman::Release;
use tokenfleet_simulators::{Action, Fault, NewToken};
use tokenfleet_tests::{
    SimulatedFixture, Target, cloudsmith, create_request, foreman, losant, mindbody, perform,
};

type PendingOperation = Pin<Box<dyn Future<Output = ()> + Send>>;

/// More rounds than an account has permits, so that a permit that is not returned is noticed.
const ROUNDS: usize = 40;

/// Returns the future of an operation on a token of its own, whatever its result.
async fn prepare(
    fixture: &SimulatedFixture,
    operation: Operation,
    round: usize,
) -> PendingOperation {
    let provider = fixture.provider();
    let simulator = fixture.simulator();
    let name = format!("{operation}-{round}");
    let request = create_request(&*provider, &name);
    let (id, secret) = match simulator.provider() {
        "mindbody" if operation != Operation::Create => {
            let issued = provider.create(request).await.unwrap();
            (issued.token.id, issued.secret)
        }
        "cloudsmith" => {
            // The account holds at most one token; an earlier round may have left none.
            let tokens = provider.list_all(Query::new()).await.unwrap().tokens;
            let id = match tokens.into_iter().next() {
                Some(token) => token.id,
                None => provider.create(request).await.unwrap().token.id,
            };
            (id, Secret::new("unknown-1f2e3d4c"))
        }
        _ => {
            let existing = simulator.insert(NewToken::named(format!("{name}-old")));
            (TokenId::new(existing.id), Secret::new(existing.secret))
        }
    };
    Box::pin(async move {
        // The result does not matter here.
        if operation == Operation::Update {
            drop(provider.update(&id, UpdateToken::suspend()).await);
        } else {
            let target = Target { id, secret };
            drop(perform(&*provider, operation, &target, &name).await);
        }
    })
}

/// Polls a future this many times, then drops it; returns `true` if it completed before.
async fn drop_after(polls: usize, mut future: PendingOperation) -> bool {
    for _ in 0..polls {
        let completed =
            std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready()))
                .await;
        if completed {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    false
}

/// Asserts that another operation still succeeds.
async fn assert_usable(provider: &Arc<dyn TokenProvider>) {
    let operation = if provider.capabilities().supports(Operation::List) {
        Operation::List
    } else {
        Operation::Create
    };
    let unused = Target {
        id: TokenId::new("unused"),
        secret: Secret::new("unused"),
    };
    let next = perform(&**provider, operation, &unused, "next");
    let result = tokio::time::timeout(Duration::from_secs(100), next).await;
    result.expect("it does not hang").expect("it succeeds");
}

async fn drop_at_every_await_point(fixture: SimulatedFixture) {
    for action in [
        Action::Delay(Duration::from_millis(2)),
        Action::DelayAnswer(Duration::from_millis(2)),
    ] {
        let delay = Fault::new(action).always();
        fixture.simulator().faults().add(delay);
    }
    let provider = fixture.provider();
    for operation in Operation::ALL {
        if !provider.capabilities().supports(operation) {
            continue;
        }
        let (mut polls, mut completed) = (0, false);
        for round in 0..ROUNDS {
            let future = prepare(&fixture, operation, round).await;
            completed |= drop_after(polls, future).await;
            polls = if completed { round % 4 } else { polls + 1 };
        }
        assert!(completed, "{operation} never got past its await points");
        assert_usable(&provider).await;
    }
}

#[tokio::test(start_paused = true)]
async fn losant_can_be_dropped_at_every_await_point() {
    drop_at_every_await_point(losant(&["tokens=1"])).await;
}

#[tokio::test(start_paused = true)]
async fn foreman_can_be_dropped_at_every_await_point() {
    drop_at_every_await_point(foreman(&["tokens=1"], Some(Release::new(3, 9)))).await;
}

#[tokio::test(start_paused = true)]
async fn cloudsmith_can_be_dropped_at_every_await_point() {
    drop_at_every_await_point(cloudsmith(&["tokens=1", "rate_limit=none"], true)).await;
}

#[tokio::test(start_paused = true)]
async fn mindbody_can_be_dropped_at_every_await_point() {
    drop_at_every_await_point(mindbody(&[], false)).await;
}
