//! Laws 5 and 6: what a revocation reports of a response that proves nothing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokenfleet_core::{
    Result, Revocation, RevocationEffect, RevocationOutcome, TokenProvider, TokenRef,
};

use super::preconditions::revokes;
use super::revocation::{effect, revokes_by_id};
use crate::case::case;
use crate::case_result::{CaseResult, describe, ensure, fail, require_tried};
use crate::harness::{Harness, LiveToken, full_consent};
use crate::{Case, Decision, Fault};

const GROUP: &str = "revocation";

pub(super) const CASES: &[Case] = &[
    case! {
        law 6: "a revocation whose response is lost is not assumed to have been applied",
        when: revokes,
        run: lost_response,
        killed_by: [RetriesWrites on single_key, ReportsLostResponseAsRejected on full],
    },
    case! {
        law 6: "a revocation that was only accepted is not reported as carried out",
        when: revokes,
        run: only_accepted,
        killed_by: [BelievesResponses on deleting, BelievesResponses on secret_only],
    },
    case! {
        law 6: "a revocation that the response reports of another token is an error",
        when: revokes_by_id,
        run: other_record,
        killed_by: [BelievesResponses on deleting],
    },
    case! {
        law 5: "a 404 that is not the platform's does not decide that a token is gone",
        when: revokes,
        run: foreign_not_found,
        killed_by: [
            TakesAnyNotFoundForGone on deleting,
            TakesAnyNotFoundForGone on retaining,
            TakesAnyNotFoundForGone on secret_only,
            TakesAnyNotFoundForGoneAfterReading on deleting,
            TakesAnyNotFoundForGoneAfterReading on full,
            TakesJsonNotFoundForGone on deleting,
            TakesJsonNotFoundForGone on secret_only,
        ],
    },
    case! {
        law 5: "a new token that is not shown yet is not taken for one that is gone",
        when: |declared| {
            let by_id = declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
            let is_shown_late = declared.read_delay.is_some() && declared.create.is_some();
            Decision::run_if(
                by_id && is_shown_late,
                "it creates no token that is shown late and revoked by its id",
            )
        },
        run: not_shown_yet,
        killed_by: [TakesUnshownForGone on delaying],
    },
];

async fn lost_response(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    harness.inject(Fault::LoseResponse).await?;
    let replaces = effect(harness.capabilities()) == Some(RevocationEffect::Replaced);
    match harness.try_revoke(&token).await {
        Ok(_) if replaces => fail(
            "a replacement whose response is lost is not repeated",
            "it succeeded, so it was applied twice",
        ),
        Ok(_) => {
            let what = "a secret that is reported as revoked";
            harness.expect_dead(&token.secret, what).await
        }
        Err(error) => ensure(
            error.may_have_applied(),
            "a revocation whose response is lost may have been applied",
            describe(&error),
        ),
    }
}

async fn only_accepted(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    harness.inject(Fault::AcceptOnly).await?;
    // Known to have existed, so that it need not be read first.
    let options = full_consent().with_existed();
    let token_ref = harness.token_ref(&token);
    match harness.provider().revoke(token_ref, options).await {
        Ok(_) => {
            let what = "a secret that is reported as revoked";
            harness.expect_dead(&token.secret, what).await
        }
        Err(error) => ensure(
            error.may_have_applied() || harness.fixture().accepts(&token.secret).await,
            "an error of a revocation says whether it may have been applied",
            describe(&error),
        ),
    }
}

async fn other_record(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    harness.inject(Fault::OtherRecord).await?;
    let expected = "a success is about the token that was to be revoked, which is dead then";
    match harness.try_revoke(&token).await {
        Ok(revocation) => {
            let is_same = revocation.id.is_none_or(|id| id == token.id);
            ensure(is_same, expected, "it is about another token")?;
            harness.expect_dead(&token.secret, "a revoked secret").await
        }
        Err(error) => ensure(
            error.may_have_applied() || harness.fixture().accepts(&token.secret).await,
            "an error of a revocation says whether it may have been applied",
            describe(&error),
        ),
    }
}

/// Answers the first request of a revocation with a foreign 404, in each form that a gateway may
/// give it, and then the second request of another revocation: an adapter that has just read a
/// token knows that it existed, and still not that it is gone.
async fn foreign_not_found(harness: &Harness) -> CaseResult {
    let revoke = harness.capabilities().revoke.as_ref();
    let by_secret = revoke.is_some_and(|revoke| revoke.by_secret);
    let token = harness.live_token("revoked").await?;
    let options = full_consent().with_existed();
    let mut tried = false;
    for not_found in [Fault::GatewayNotFound, Fault::GatewayJsonNotFound] {
        let mut revoked_by = Vec::new();
        if harness.revokes_by_id() {
            revoked_by.push(TokenRef::Id(&token.id));
        }
        if by_secret {
            revoked_by.push(TokenRef::Secret(&token.secret));
        }
        for token_ref in revoked_by {
            if harness.fixture().accepts(&token.secret).await
                && harness.fixture().inject(not_found).await
            {
                tried = true;
                let revoked = harness.provider().revoke(token_ref, options).await;
                expect_not_gone(harness, &token, revoked).await?;
            }
        }
    }
    require_tried(tried, "the fixture has nothing in front of the platform")?;
    if harness.revokes_by_id() && harness.fixture().accepts(&token.secret).await {
        let revoked = with_second_not_found(harness, (&token.id).into()).await?;
        expect_not_gone(harness, &token, revoked).await?;
    }
    Ok(())
}

/// Revokes a token and refuses the second request of that, if it takes several.
async fn with_second_not_found(
    harness: &Harness,
    token: TokenRef<'_>,
) -> CaseResult<Result<Revocation>> {
    let before = harness.fixture().request_count();
    let mut revoked = pin!(harness.provider().revoke(token, full_consent()));
    // A call is polled again when its first response is there, before it sends another request.
    let revoked_at_once = poll_fn(|context| {
        if harness.fixture().request_count() > before {
            return Poll::Ready(None);
        }
        revoked.as_mut().poll(context).map(Some)
    });
    if let Some(result) = revoked_at_once.await {
        if harness.fixture().request_count() > before + 1 {
            harness.left_out(
                "a 404 at the second request of a revocation: the fixture answers all requests of \
                 a call before anything else can run",
            );
        }
        return Ok(result);
    }
    harness.inject(Fault::GatewayNotFound).await?;
    Ok(revoked.await)
}

/// Revokes a new token at once, without the wait that comes before every other call.
async fn not_shown_yet(harness: &Harness) -> CaseResult {
    let issued = harness.create(harness.minimal_request("new")?).await?;
    let token = LiveToken::from_issued(issued);
    let options = full_consent().with_existed();
    let provider = harness.provider().inner();
    let revoked = provider.revoke((&token.id).into(), options).await;
    expect_not_gone(harness, &token, revoked).await
}

/// Expects a revocation that met a 404 that proves nothing to claim nothing that is not true.
async fn expect_not_gone(
    harness: &Harness,
    token: &LiveToken,
    revoked: Result<Revocation>,
) -> CaseResult {
    match revoked {
        Ok(revocation) if revocation.outcome == RevocationOutcome::Revoked => {
            let what = "a secret that is reported as revoked";
            harness.expect_dead(&token.secret, what).await
        }
        Ok(revocation) => fail(
            "a 404 that proves nothing does not mean that a token is gone",
            format!("it is reported as {}", revocation.outcome.as_str()),
        ),
        Err(error) => ensure(
            error.may_have_applied() || harness.fixture().accepts(&token.secret).await,
            "an error of a revocation says whether it may have been applied",
            describe(&error),
        ),
    }
}
