//! Laws 5, 6, 8 and 9: what an error reports, and what a failed call leaves behind.

use std::future::Future;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    Capabilities, Error, ErrorKind, Fate, Liveness, Operation, Query, Result, TokenProvider,
    TokenProviderExt,
};

use super::preconditions::{lists, reads};
use super::update::some_update;
use crate::case::case;
use crate::case_result::{
    CaseResult, describe, ensure, expect_err, fail, not_applicable, require_tried,
};
use crate::harness::{Harness, full_consent};
use crate::{Case, Decision, Fault};

const GROUP: &str = "failures";

pub(super) const CASES: &[Case] = &[
    case! {
        law 6: "a wrong credential is reported as unauthenticated",
        when: |_| Decision::Run,
        run: unauthenticated,
        killed_by: [
            ReturnsNoTokensIfUnauthenticated on retaining,
            ReportsUnauthenticatedAsNotFound on deleting,
        ],
    },
    case! {
        law 9: "a wrong credential does not make a listing look empty",
        when: lists,
        run: not_empty,
        killed_by: [ReturnsNoTokensIfUnauthenticated on retaining],
    },
    case! {
        law 5: "a wrong credential leads to no false claim about a secret",
        when: takes_secrets,
        run: no_false_claim,
        killed_by: [ReportsDeadOnError on single_key],
    },
    case! {
        law 6: "an error names the account and the operation",
        when: |_| Decision::Run,
        run: named,
        killed_by: [ReturnsAnonymousErrors on retaining],
    },
    case! {
        law 6: "a lost response never leads to a wrong result",
        when: reads,
        run: lost_response,
        killed_by: [ReturnsNoTokensIfDisconnected on deleting],
    },
    case! {
        law 8: "a redirect is an error and is not followed",
        when: |_| Decision::Run,
        run: redirected,
        killed_by: [FollowsRedirects on deleting],
    },
];

fn takes_secrets(declared: &Capabilities) -> Decision {
    let revoke = declared.revoke.as_ref();
    let takes_secrets = declared.verify
        || declared.renew.is_some()
        || revoke.is_some_and(|revoke| revoke.by_secret);
    Decision::run_if(takes_secrets, "it takes no secrets")
}

fn expect_unauthenticated<T>(operation: Operation, result: Result<T>) -> CaseResult {
    let expected = format!("{operation} with a wrong credential is rejected as unauthenticated");
    let error = expect_err(result, &expected)?;
    ensure(
        error.kind() == ErrorKind::Unauthenticated && error.fate() == Fate::Rejected,
        &expected,
        describe(&error),
    )
}

/// Expects a call with an id to be rejected as unauthenticated. An id that no token has may be
/// refused before it is sent, because no id of the platform looks like it.
fn expect_unauthenticated_by_id<T>(
    operation: Operation,
    is_unknown: bool,
    result: Result<T>,
) -> CaseResult {
    match result {
        Err(error) if is_unknown && error.fate() == Fate::NotSent => Ok(()),
        result => expect_unauthenticated(operation, result),
    }
}

async fn unauthenticated(harness: &Harness) -> CaseResult {
    let intruder = harness.intruder()?;
    let declared = harness.capabilities().clone();
    let mut tried = false;
    if declared.create.is_some() && harness.can_create(1, "creating").await {
        tried = true;
        let request = harness.minimal_request("unauthenticated")?;
        expect_unauthenticated(Operation::Create, intruder.create(request).await)?;
    }
    if declared.list.is_some() {
        tried = true;
        let page = intruder.list_page(PageRequest::first()).await;
        expect_unauthenticated(Operation::List, page)?;
    }
    // The other operations need the id of a token.
    let Ok(token) = harness.live_token("protected").await else {
        harness.left_out("what needs a token: the fixture has none whose secret it knows");
        return require_tried(tried, "nothing can be tried with a wrong credential");
    };
    let before = harness.fixture().tokens().await;
    let unknown = harness.unknown_id(&token.id).await?;
    for id in [token.id.clone(), unknown] {
        let is_unknown = id != token.id;
        if declared.get {
            tried = true;
            let read = intruder.get(&id).await;
            expect_unauthenticated_by_id(Operation::Get, is_unknown, read)?;
        }
        if declared.update.is_some() {
            tried = true;
            let updated = intruder.update(&id, some_update(harness)).await;
            expect_unauthenticated_by_id(Operation::Update, is_unknown, updated)?;
        }
        if declared.rotate {
            tried = true;
            let rotated = intruder.rotate(&id).await;
            expect_unauthenticated_by_id(Operation::Rotate, is_unknown, rotated)?;
        }
        if harness.revokes_by_id() {
            tried = true;
            let revoked = intruder.revoke((&id).into(), full_consent()).await;
            expect_unauthenticated_by_id(Operation::Revoke, is_unknown, revoked)?;
        }
    }
    ensure(
        harness.fixture().tokens().await == before,
        "a wrong credential changes nothing",
        "the tokens at the platform changed",
    )?;
    let what = "a token after calls with a wrong credential";
    harness.expect_alive(&token.secret, what).await?;
    require_tried(tried, "it does nothing that needs a credential")
}

async fn not_empty(harness: &Harness) -> CaseResult {
    let listed = harness.intruder()?.list_all(Query::new()).await;
    expect_unauthenticated(Operation::List, listed)
}

async fn no_false_claim(harness: &Harness) -> CaseResult {
    let intruder = harness.intruder()?;
    let declared = harness.capabilities().clone();
    let token = harness.live_token("protected").await?;
    if declared.verify {
        let verified = intruder.verify(&token.secret).await;
        ensure(
            !matches!(verified, Ok(Liveness::Dead)),
            "a live secret is not reported as dead because the acting credential is wrong",
            "it is",
        )?;
        let verified = intruder.verify(&harness.never_issued_secret()).await;
        ensure(
            !matches!(verified, Ok(Liveness::Alive)),
            "a secret that was never issued is not reported as alive",
            "it is",
        )?;
    }
    // Some platforms revoke whatever secret they are given, so success is allowed if it is true.
    let revoke = declared.revoke.as_ref();
    if revoke.is_some_and(|revoke| revoke.by_secret) {
        let consent = full_consent();
        let revoked = intruder.revoke((&token.secret).into(), consent).await;
        let alive = harness.fixture().accepts(&token.secret).await;
        ensure(
            revoked.is_err() || !alive,
            "a secret that is reported as revoked is dead",
            "with a wrong credential it is reported as revoked and still works",
        )?;
    }
    if declared.renew.is_some() {
        let before = harness.existing(&token.id).await;
        let renewed = intruder.renew(&token.secret).await;
        ensure(
            renewed.is_err() || harness.existing(&token.id).await != before,
            "a secret that is reported as renewed is renewed",
            "with a wrong credential it is reported as renewed and is not",
        )?;
    }
    Ok(())
}

/// Provokes an error that the platform itself returns.
async fn provoke_error(harness: &Harness) -> CaseResult<(Operation, Error)> {
    let declared = harness.capabilities().clone();
    if declared.get {
        let token = harness.seed_tokens(1).await?.remove(0);
        let id = harness.unknown_id(&token.id).await?;
        let read = harness.provider().get(&id).await;
        let error = expect_err(read, "an unknown id is not found")?;
        return Ok((Operation::Get, error));
    }
    let expected = "a wrong credential is rejected";
    match harness.intruder() {
        Ok(intruder) if declared.list.is_some() => {
            let page = intruder.list_page(PageRequest::first()).await;
            Ok((Operation::List, expect_err(page, expected)?))
        }
        Ok(intruder) if declared.create.is_some() => {
            let request = harness.minimal_request("unauthenticated")?;
            let created = intruder.create(request).await;
            Ok((Operation::Create, expect_err(created, expected)?))
        }
        _ => not_applicable("the fixture cannot provoke an error"),
    }
}

async fn named(harness: &Harness) -> CaseResult {
    let (operation, error) = provoke_error(harness).await?;
    ensure(
        error.operation() == Some(operation),
        "an error names the operation",
        format!("{operation} failed and it names {:?}", error.operation()),
    )?;
    ensure(
        error.account() == Some(harness.provider().account()),
        "an error names the account",
        format!("it names {:?}", error.account()),
    )?;
    ensure(
        error.attempts() > 0 || error.fate() == Fate::NotSent,
        "an error of a call that was sent counts its attempts",
        "it counts none",
    )
}

async fn lost_response(harness: &Harness) -> CaseResult {
    let seeded = harness.seed_tokens(3).await?;
    let count = harness.existing_ids().await.len();
    for fault in [Fault::LoseRequest, Fault::LoseResponse] {
        if harness.capabilities().list.is_some() {
            harness.inject(fault).await?;
            match harness.provider().list_all(Query::new()).await {
                Ok(list) => ensure(
                    list.tokens.len() == count,
                    "a listing that lost a response is complete or fails",
                    format!("{} of {count} tokens were listed", list.tokens.len()),
                )?,
                Err(error) => expect_retryable(&error)?,
            }
        }
        if harness.capabilities().get {
            let id = &seeded[0].id;
            harness.inject(fault).await?;
            match harness.provider().get(id).await {
                Ok(token) if token.id == *id => {}
                Ok(_) => {
                    return fail(
                        "reading returns the token with the requested id",
                        "it returned another",
                    );
                }
                Err(error) => expect_retryable(&error)?,
            }
        }
    }
    Ok(())
}

/// Redirects each declared operation once, and expects one request, an error, and no change.
async fn redirected(harness: &Harness) -> CaseResult {
    let declared = harness.capabilities().clone();
    let provider = harness.provider();
    if declared.list.is_some() {
        let call = provider.list_page(PageRequest::first());
        expect_redirect_refused(harness, Operation::List, call).await?;
    }
    if declared.create.is_some() && harness.can_create(1, "creating").await {
        let call = provider.create(harness.minimal_request("redirected")?);
        expect_redirect_refused(harness, Operation::Create, call).await?;
    }
    if declared.whoami {
        expect_redirect_refused(harness, Operation::Whoami, provider.whoami()).await?;
    }
    let Ok(token) = harness.live_token("redirected once").await else {
        harness.left_out("what needs a token: the fixture has none whose secret it knows");
        return Ok(());
    };
    if declared.get {
        let call = provider.get(&token.id);
        expect_redirect_refused(harness, Operation::Get, call).await?;
    }
    if declared.rotate {
        let call = provider.rotate(&token.id);
        expect_redirect_refused(harness, Operation::Rotate, call).await?;
    }
    if declared.renew.is_some() {
        let call = provider.renew(&token.secret);
        expect_redirect_refused(harness, Operation::Renew, call).await?;
    }
    if declared.revoke.is_some() {
        let call = harness.try_revoke(&token);
        expect_redirect_refused(harness, Operation::Revoke, call).await?;
    }
    if declared.verify {
        let call = provider.verify(&token.secret);
        expect_redirect_refused(harness, Operation::Verify, call).await?;
    }
    let what = "a token after its calls were redirected";
    harness.expect_alive(&token.secret, what).await
}

async fn expect_redirect_refused<T>(
    harness: &Harness,
    operation: Operation,
    call: impl Future<Output = Result<T>>,
) -> CaseResult {
    let tokens_before = harness.fixture().tokens().await;
    let sent_before = harness.fixture().request_count();
    harness.inject(Fault::Redirect).await?;
    let expected = format!("{operation} fails if it is redirected");
    expect_err(call.await, &expected)?;
    let sent = harness.fixture().request_count() - sent_before;
    ensure(
        sent == 1,
        &format!("{operation} follows no redirect"),
        format!("it sent {sent} requests"),
    )?;
    ensure(
        harness.fixture().tokens().await == tokens_before,
        &format!("{operation} changes nothing if it is redirected"),
        "the tokens at the platform changed",
    )
}

fn expect_retryable(error: &Error) -> CaseResult {
    ensure(
        !error.may_have_applied() && error.is_retryable(),
        "a read whose response is lost can be retried, because it changed nothing",
        describe(error),
    )
}
