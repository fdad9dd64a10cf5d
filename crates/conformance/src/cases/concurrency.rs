//! Laws 3 and 6: concurrent calls do not affect each other.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokenfleet_core::{Capabilities, Liveness, Query, TokenProvider, TokenProviderExt};

use crate::case::case;
use crate::case_result::{CaseResult, ensure, expect_ok};
use crate::harness::Harness;
use crate::{Case, Decision};

const GROUP: &str = "concurrency";

pub(super) const CASES: &[Case] = &[
    case! {
        law 3: "concurrent reads do not affect each other",
        when: reads_anything,
        run: reads,
        killed_by: [StaysBusy on full],
    },
    case! {
        law 6: "concurrent creations each create one token",
        when: creates_several,
        run: creations,
        killed_by: [StaysBusy on full],
    },
];

fn reads_anything(declared: &Capabilities) -> Decision {
    let any = declared.list.is_some() || declared.get || declared.verify;
    Decision::run_if(any, "it reads nothing")
}

fn creates_several(declared: &Capabilities) -> Decision {
    let create = declared.create.as_ref();
    let several = create.is_some_and(|create| create.max_tokens.is_none_or(|max| max > 2));
    Decision::run_if(several, "it cannot create several tokens")
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls all futures in turn until each has completed, and returns their results in order.
async fn join_all<T>(mut futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

async fn reads(harness: &Harness) -> CaseResult {
    let declared = harness.capabilities().clone();
    let seeded = harness.seed_tokens(5).await?;
    let provider = harness.provider();
    if declared.list.is_some() {
        let count = harness.existing_ids().await.len();
        let listings = [1, 2, 3, 2].map(|size| -> BoxFuture<'_, _> {
            Box::pin(provider.list_all(Query::new().page_size(harness.page_size(size))))
        });
        for list in join_all(listings.into()).await {
            let listed = expect_ok(list, "a concurrent listing succeeds")?.tokens;
            let distinct: BTreeSet<_> = listed.iter().map(|token| &token.id).collect();
            ensure(
                listed.len() == count && distinct.len() == count,
                "a concurrent listing is complete",
                format!("{} of {count} tokens were listed", distinct.len()),
            )?;
        }
    }
    if declared.get {
        let calls = seeded
            .iter()
            .map(|token| -> BoxFuture<'_, _> { provider.get(&token.id) });
        let read = join_all(calls.collect()).await;
        for (token, read) in seeded.iter().zip(read) {
            let read = expect_ok(read, "a concurrent read succeeds")?;
            ensure(
                read.id == token.id,
                "every read gets its own response",
                format!("{} was requested and {} was returned", token.id, read.id),
            )?;
        }
    }
    if declared.verify {
        let never_issued = harness.never_issued_secret();
        let live = seeded.iter().filter_map(|token| token.secret.as_ref());
        let secrets: Vec<_> = live.flat_map(|secret| [secret, &never_issued]).collect();
        let calls = secrets
            .iter()
            .map(|secret| -> BoxFuture<'_, _> { provider.verify(secret) });
        for (index, liveness) in join_all(calls.collect()).await.into_iter().enumerate() {
            let liveness = expect_ok(liveness, "a concurrent verification succeeds")?;
            ensure(
                (liveness == Liveness::Alive) == (index % 2 == 0),
                "every verification gets its own response",
                "one got that of another",
            )?;
        }
    }
    Ok(())
}

async fn creations(harness: &Harness) -> CaseResult {
    harness.require_room(3).await?;
    let before = harness.token_count().await;
    let provider = harness.provider();
    let mut calls = Vec::new();
    for name in ["one", "two", "three"] {
        let request = harness.minimal_request(name)?;
        calls.push(provider.create(request));
    }
    let mut secrets = BTreeSet::new();
    for issued in join_all(calls).await {
        let issued = expect_ok(issued, "a concurrent creation succeeds")?;
        let what = "the secret of a concurrently created token";
        harness.expect_alive(&issued.secret, what).await?;
        secrets.insert(issued.secret.expose().to_owned());
    }
    let created = harness.token_count().await - before;
    ensure(
        created == 3 && secrets.len() == 3,
        "three creations create three tokens",
        format!("they created {created}"),
    )
}
