//! Laws 1, 5 and 6: rotating a token in place.

use tokenfleet_core::{Capabilities, Operation, TokenProvider};

use super::creation::SURROUNDINGS;
use crate::case::case;
use crate::case_result::{
    CaseResult, describe, ensure, expect_err, expect_ok, expect_unknown_id, fail, require_tried,
};
use crate::harness::{Harness, LiveToken};
use crate::{Case, Decision, Fault};

const GROUP: &str = "rotation";

pub(super) const CASES: &[Case] = &[
    case! {
        law 5: "a rotated token has a new secret and the old one is dead",
        when: |declared| Decision::for_operation(declared, Operation::Rotate),
        run: rotated,
        killed_by: [
            SendsBeforeRefusing on full,
            LeavesOldSecretAlive on full,
            ReturnsOldSecret on single_key,
        ],
    },
    case! {
        law 1: "rotating creates no second token",
        when: rotates,
        run: same_token,
        killed_by: [LeavesOldSecretAlive on full, RotatesByCreating on full],
    },
    case! {
        law 1: "rotating an unknown token is not found",
        when: rotates,
        run: unknown,
        killed_by: [AcceptsUnknownIds on full],
    },
    case! {
        law 6: "a rotation whose response is lost may have been applied, at most once",
        when: rotates,
        run: lost_response,
        killed_by: [RetriesWrites on single_key, ReportsLostResponseAsRejected on full],
    },
    case! {
        law 6: "a masked secret is not the new one of a rotated token",
        when: rotates,
        run: masked_secret,
        killed_by: [BelievesResponses on full],
    },
    case! {
        law 6: "the credential of a rotation is not the new secret of its token",
        when: rotates,
        run: echoed_credential,
        killed_by: [BelievesResponses on full, BelievesEchoes on full],
    },
    case! {
        law 6: "the secret of a rotation is read whatever surrounds it",
        when: rotates,
        run: surrounded,
        killed_by: [ReadsOnlyTidyResponses on full, ReadsOnlyTidyResponses on single_key],
    },
];

fn rotates(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.rotate, "it cannot rotate")
}

async fn rotated(harness: &Harness) -> CaseResult {
    let mut token = harness.live_token("rotated").await?;
    for _ in 0..2 {
        let issued = harness.provider().rotate(&token.id).await;
        let issued = expect_ok(issued, "a token is rotated")?;
        ensure(
            issued.secret.expose() != token.secret.expose(),
            "rotating returns a new secret",
            "it returned the old one",
        )?;
        harness
            .expect_alive(&issued.secret, "the new secret")
            .await?;
        let what = "the secret before the rotation";
        harness.expect_dead(&token.secret, what).await?;
        token.secret = issued.secret;
        token.id = issued.token.id;
    }
    Ok(())
}

async fn same_token(harness: &Harness) -> CaseResult {
    let token = harness.live_token("rotated").await?;
    let before = harness.token_count().await;
    let issued = harness.provider().rotate(&token.id).await;
    let issued = expect_ok(issued, "a token is rotated")?;
    let after = harness.existing_ids().await;
    ensure(
        after.len() == before,
        "rotating keeps the token and replaces its secret",
        format!(
            "there were {before} tokens before and {} after",
            after.len()
        ),
    )?;
    ensure(
        after.contains(&issued.token.id),
        "rotating returns the id of the existing token",
        format!("there is no {}", issued.token.id),
    )
}

async fn unknown(harness: &Harness) -> CaseResult {
    let token = harness.live_token("kept").await?;
    let id = harness.unknown_id(&token.id).await?;
    let expected = "rotating an unknown token is not found";
    let rotated = harness.provider().rotate(&id).await;
    expect_unknown_id(rotated, expected)?;
    let what = "the secret of another token";
    harness.expect_alive(&token.secret, what).await
}

async fn lost_response(harness: &Harness) -> CaseResult {
    let token = harness.live_token("rotated").await?;
    harness.inject(Fault::LoseResponse).await?;
    let expected = "a rotation whose response is lost fails as possibly applied";
    match harness.provider().rotate(&token.id).await {
        Ok(_) => fail(expected, "it succeeded, so it was applied twice"),
        Err(error) => ensure(
            error.may_have_applied() && !error.is_retryable(),
            expected,
            describe(&error),
        ),
    }
}

async fn masked_secret(harness: &Harness) -> CaseResult {
    expect_no_new_secret(harness, Fault::MaskSecret).await
}

async fn echoed_credential(harness: &Harness) -> CaseResult {
    expect_no_new_secret(harness, Fault::EchoCredential).await
}

async fn expect_no_new_secret(harness: &Harness, fault: Fault) -> CaseResult {
    let token = harness.live_token("rotated").await?;
    harness.inject(fault).await?;
    let expected = "a rotation whose new secret does not arrive fails as possibly applied";
    let rotated = harness.provider().rotate(&token.id).await;
    let error = expect_err(rotated, expected)?;
    ensure(error.may_have_applied(), expected, describe(&error))
}

async fn surrounded(harness: &Harness) -> CaseResult {
    let mut token = harness.live_token("rotated").await?;
    let mut tried = false;
    for fault in SURROUNDINGS {
        if !harness.fixture().inject(fault).await {
            continue;
        }
        tried = true;
        let rotated = harness.provider().rotate(&token.id).await;
        let expected = format!("a secret that arrived is returned in spite of {fault:?}");
        token = LiveToken::from_issued(expect_ok(rotated, &expected)?);
        harness.expect_alive(&token.secret, "a new secret").await?;
    }
    require_tried(tried, "the fixture cannot falsify responses")
}
