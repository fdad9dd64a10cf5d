//! Laws 1 and 5: renewing a secret extends its expiry.

use std::time::Duration;

use tokenfleet_core::capability::{RenewedSecret, TokenField};
use tokenfleet_core::{Capabilities, Fact, Operation, RenewedToken, Result, Secret, TokenProvider};

use super::creation::SURROUNDINGS;
use crate::case::case;
use crate::case_result::{
    CaseResult, describe, ensure, expect_err, expect_ok, fail, not_applicable, require_tried,
};
use crate::harness::{Harness, is_at};
use crate::{Case, Decision, Fault};

const GROUP: &str = "renewal";

/// The largest declared number of renewals that the suite tries out.
const MAX_TRIED_RENEWALS: u32 = 50;

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "renewing extends the expiry by the declared time",
        when: |declared| Decision::for_operation(declared, Operation::Renew),
        run: extended,
        killed_by: [SendsBeforeRefusing on full, RenewsNothing on secret_only],
    },
    case! {
        law 1: "a renewed token is the same token",
        when: renews,
        run: same_token,
        killed_by: [RenewsNothing on secret_only],
    },
    case! {
        law 1: "a renewed secret works after its first expiry",
        when: renews,
        run: works_after_first_expiry,
        killed_by: [RenewsNothing on secret_only],
    },
    case! {
        law 1: "a token can be renewed as often as declared and no more",
        when: renews,
        run: max_renewals,
        killed_by: [RenewsNothing on secret_only],
    },
    case! {
        law 5: "a dead secret cannot be renewed",
        when: renews,
        run: dead,
        killed_by: [RenewsDeadSecrets on secret_only],
    },
    case! {
        law 6: "a masked secret is not the new one of a renewed token",
        when: renews,
        run: masked_secret,
        killed_by: [
            BelievesResponses on secret_only,
            BelievesResponses on full,
            TakesMasksAsUnchanged on full,
        ],
    },
    case! {
        law 6: "the old secret is not the new one of a renewed token",
        when: renews,
        run: repeated_secret,
        killed_by: [
            BelievesResponses on secret_only,
            BelievesResponses on full,
            TakesMasksAsUnchanged on full,
        ],
    },
    case! {
        law 6: "the secret of a renewal is read whatever surrounds it",
        when: renews,
        run: surrounded,
        killed_by: [ReadsOnlyTidyResponses on secret_only, ReadsOnlyTidyResponses on full],
    },
];

fn renews(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.renew.is_some(), "it cannot renew")
}

/// Returns the declared extension and the declared maximum number of renewals.
fn declared(harness: &Harness) -> (Duration, Option<u32>) {
    let renew = harness.capabilities().renew.as_ref();
    renew
        .map(|renew| (renew.extension, renew.max_renewals))
        .unwrap_or_default()
}

async fn renew(harness: &Harness, secret: &Secret) -> CaseResult<RenewedToken> {
    let renewed = harness.provider().renew(secret).await;
    expect_ok(renewed, "a live secret is renewed")
}

async fn extended(harness: &Harness) -> CaseResult {
    let token = harness.expiring_token("expiring").await?;
    let (extension, _) = declared(harness);
    let before = harness.existing_expiry(&token.id).await;
    let renewed = renew(harness, &token.secret).await?;
    let secret = renewed.secret.as_ref().unwrap_or(&token.secret);
    harness.expect_alive(secret, "a renewed secret").await?;
    let Fact::Known(before) = before else {
        return Ok(());
    };
    let expected = "renewing extends the expiry by the declared time";
    let later = before.saturating_add(extension);
    // A platform may leave the expiry out of its response; if it is there, it must be the new one.
    let reported = renewed.token.expiry;
    ensure(
        !reported.is_reported() || is_at(reported, later),
        expected,
        format!("the expiry was {before}, and the response reports {reported:?}"),
    )?;
    match harness.existing_expiry(&token.id).await {
        Fact::Known(after) => ensure(
            is_at(Fact::Known(after), later),
            expected,
            format!("the expiry was {before} and is {after}"),
        ),
        _ => Ok(()),
    }
}

async fn same_token(harness: &Harness) -> CaseResult {
    if harness.capabilities().create.is_none() {
        return not_applicable("it cannot create the token to renew");
    }
    let issued = harness.create(harness.minimal_request("renewed")?).await?;
    let renewed = renew(harness, &issued.secret).await?;
    // With a new secret, an id that is derived from the secret changes too.
    ensure(
        renewed.secret.is_some() || renewed.token.id == issued.token.id,
        "a token keeps its id when it is renewed",
        format!("{} became {}", issued.token.id, renewed.token.id),
    )
}

async fn works_after_first_expiry(harness: &Harness) -> CaseResult {
    let token = harness.expiring_token("expiring").await?;
    let Fact::Known(expiry) = harness.existing_expiry(&token.id).await else {
        return not_applicable("the fixture does not report when a token expires");
    };
    let renewed = renew(harness, &token.secret).await?;
    let secret = renewed.secret.unwrap_or(token.secret);
    let (extension, _) = declared(harness);
    let until_expiry = harness.fixture().now().duration_until(expiry);
    harness.advance(until_expiry + extension / 2).await?;
    let what = "a renewed secret after its first expiry";
    harness.expect_alive(&secret, what).await?;
    harness.advance(extension).await?;
    let what = "a renewed secret after its second expiry";
    harness.expect_dead(&secret, what).await
}

async fn max_renewals(harness: &Harness) -> CaseResult {
    let (_, max_renewals) = declared(harness);
    let token = harness.expiring_token("expiring").await?;
    let mut secret = token.secret;
    let mut expiry = Fact::NotReported;
    for _ in 0..max_renewals.unwrap_or(3).min(MAX_TRIED_RENEWALS) {
        let renewed = renew(harness, &secret).await?;
        if let (Fact::Known(before), Fact::Known(after)) = (expiry, renewed.token.expiry) {
            ensure(
                after > before,
                "every renewal returns a later expiry",
                format!("{before} became {after}"),
            )?;
        }
        expiry = renewed.token.expiry;
        secret = renewed.secret.unwrap_or(secret);
    }
    if max_renewals.is_some_and(|max| max <= MAX_TRIED_RENEWALS) {
        if let Ok(renewed) = harness.provider().renew(&secret).await {
            ensure(
                expiry.is_reported() && renewed.token.expiry == expiry,
                "one renewal more than declared fails or extends nothing",
                "it succeeded",
            )?;
        }
        // A renewal that fails must not end the token.
        let what = "a secret that cannot be renewed again";
        harness.expect_alive(&secret, what).await?;
    }
    ensure(
        expiry.is_reported() || !harness.reports(TokenField::Expiry) || max_renewals.is_some(),
        "a renewal returns the new expiry if expiries are reported",
        "it returns none",
    )
}

async fn dead(harness: &Harness) -> CaseResult {
    let never_issued = harness.never_issued_secret();
    let expected = "a secret that was never issued cannot be renewed";
    expect_err(harness.provider().renew(&never_issued).await, expected)?;
    let token = harness.expiring_token("expiring").await?;
    if !harness.fixture().remove(&token.id).await {
        return Ok(());
    }
    let renewed = harness.provider().renew(&token.secret).await;
    expect_err(renewed, "a dead secret cannot be renewed")?;
    harness.expect_dead(&token.secret, "a dead secret").await
}

async fn masked_secret(harness: &Harness) -> CaseResult {
    let token = harness.expiring_token("expiring").await?;
    harness.inject(Fault::MaskSecret).await?;
    let renewed = harness.provider().renew(&token.secret).await;
    if expect_no_new_secret(renewed)? {
        let what = "the old secret of a renewal that reports no new one";
        harness.expect_alive(&token.secret, what).await?;
    }
    Ok(())
}

async fn repeated_secret(harness: &Harness) -> CaseResult {
    let token = harness.expiring_token("expiring").await?;
    harness.inject(Fault::RepeatSecret).await?;
    let renewed = harness.provider().renew(&token.secret).await;
    let renew = harness.capabilities().renew.as_ref();
    let replaces = renew.is_some_and(|renew| renew.secret == RenewedSecret::Replaced);
    // Where it is unknown whether the secret changes, the platform says that it did not.
    if expect_no_new_secret(renewed)? && replaces {
        return fail(
            "a renewal whose new secret is missing fails",
            "it succeeded",
        );
    }
    Ok(())
}

/// Expects a renewal to return no new secret, and returns `true` if it succeeded: then the old
/// secret is what the caller has.
fn expect_no_new_secret(renewed: Result<RenewedToken>) -> CaseResult<bool> {
    match renewed {
        Ok(renewed) => {
            let expected = "what is not a new secret is not returned as one";
            ensure(renewed.secret.is_none(), expected, "it is")?;
            Ok(true)
        }
        Err(error) => {
            let expected = "a renewal whose new secret is lost fails as possibly applied";
            ensure(error.may_have_applied(), expected, describe(&error))?;
            Ok(false)
        }
    }
}

async fn surrounded(harness: &Harness) -> CaseResult {
    let mut secret = harness.expiring_token("expiring").await?.secret;
    let mut tried = false;
    for fault in SURROUNDINGS {
        if !harness.fixture().inject(fault).await {
            continue;
        }
        tried = true;
        let renewed = harness.provider().renew(&secret).await;
        let expected = format!("a secret that arrived is returned in spite of {fault:?}");
        secret = expect_ok(renewed, &expected)?.secret.unwrap_or(secret);
        harness.expect_alive(&secret, "a renewed secret").await?;
    }
    require_tried(tried, "the fixture cannot falsify responses")
}
