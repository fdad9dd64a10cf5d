//! Law 10: cancelling is safe.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokenfleet_core::{Capabilities, ErrorKind, Query, TokenProvider, TokenProviderExt};

use super::preconditions::{creates, lists, revokes};
use crate::case::case;
use crate::case_result::{CaseResult, ensure, expect_ok};
use crate::harness::{Harness, format_ids, next_id};
use crate::{Case, Decision};

const GROUP: &str = "cancellation";

/// The numbers of polls after which a call is dropped, one after the other.
const POLLS: [usize; 5] = [0, 1, 2, 3, 5];

pub(super) const CASES: &[Case] = &[
    case! {
        law 10: "a dropped listing leaves the provider usable",
        when: lists,
        run: listing,
        killed_by: [StaysBusy on full],
    },
    case! {
        law 10: "a dropped creation creates at most one token",
        when: creates,
        run: creation,
        killed_by: [StaysBusy on full],
    },
    case! {
        law 10: "a dropped read leaves the provider usable",
        when: reads_or_verifies,
        run: read,
        killed_by: [StaysBusy on full],
    },
    case! {
        law 10: "a dropped revocation can be repeated",
        when: revokes,
        run: revocation,
        killed_by: [StaysBusy on full, RevokesNothing on full],
    },
];

fn reads_or_verifies(declared: &Capabilities) -> Decision {
    Decision::run_if(
        declared.get || declared.verify,
        "it neither reads one token nor verifies",
    )
}

/// Polls a future this many times, unless it completes earlier, and drops it.
async fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled >= polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn listing(harness: &Harness) -> CaseResult {
    harness.seed_tokens(4).await?;
    let all: Vec<_> = harness.existing_ids().await.into_iter().collect();
    for polls in POLLS {
        let query = Query::new().page_size(harness.page_size(2));
        let _ = poll_and_drop(harness.provider().list_all(query.clone()), polls).await;
        let expected = "a listing after a dropped one is complete";
        let mut listed = harness.list_ids(query.clone(), expected).await?;
        listed.sort();
        ensure(
            listed == all,
            expected,
            format!("it holds {}", format_ids(&listed)),
        )?;
        // One listing, whose calls for the next token are dropped and repeated.
        let mut listing = harness.start_listing(query)?;
        let mut listed = Vec::new();
        loop {
            let expected = "a listing continues";
            let next = match poll_and_drop(next_id(&mut listing, expected), polls).await {
                Some(next) => next?,
                None => next_id(&mut listing, expected).await?,
            };
            let Some(id) = next else { break };
            listed.push(id);
        }
        listed.sort();
        ensure(
            listed == all,
            "a listing whose calls are dropped loses nothing",
            format!("it holds {}", format_ids(&listed)),
        )?;
    }
    Ok(())
}

async fn creation(harness: &Harness) -> CaseResult {
    for polls in POLLS {
        harness.make_room().await?;
        let before = harness.token_count().await;
        let request = harness.minimal_request(&format!("dropped-{polls}"))?;
        let _ = poll_and_drop(harness.provider().create(request), polls).await;
        let created = harness.token_count().await - before;
        ensure(
            created <= 1,
            "a dropped creation creates at most one token",
            format!("it created {created}"),
        )?;
        harness.make_room().await?;
        let request = harness.minimal_request(&format!("after-{polls}"))?;
        let issued = harness.create(request).await?;
        let what = "a token created after a dropped creation";
        harness.expect_alive(&issued.secret, what).await?;
    }
    Ok(())
}

async fn read(harness: &Harness) -> CaseResult {
    let token = harness.live_token("read").await?;
    let provider = harness.provider();
    for polls in POLLS {
        if harness.capabilities().get {
            let _ = poll_and_drop(provider.get(&token.id), polls).await;
            let read = provider.get(&token.id).await;
            expect_ok(read, "reading after a dropped read succeeds")?;
        }
        if harness.capabilities().verify {
            let _ = poll_and_drop(provider.verify(&token.secret), polls).await;
            let verified = provider.verify(&token.secret).await;
            expect_ok(verified, "verifying after a dropped verification succeeds")?;
        }
    }
    Ok(())
}

async fn revocation(harness: &Harness) -> CaseResult {
    for polls in POLLS {
        let token = match harness.live_token(&format!("dropped-{polls}")).await {
            Ok(token) => token,
            Err(stop) if polls == POLLS[0] => return Err(stop),
            Err(_) => {
                harness.left_out("dropping later: there is no further token");
                return Ok(());
            }
        };
        let _ = poll_and_drop(harness.try_revoke(&token), polls).await;
        // If the dropped call was applied, nothing may be left to prove it.
        match harness.try_revoke(&token).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            revoked => {
                expect_ok(revoked, "a dropped revocation can be repeated")?;
            }
        }
        let what = "a secret whose revocation was repeated";
        harness.expect_dead(&token.secret, what).await?;
    }
    Ok(())
}
