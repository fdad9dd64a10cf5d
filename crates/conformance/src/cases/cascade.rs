//! Law 5: revocations that revoke other tokens too.

use tokenfleet_core::{Capabilities, ErrorKind, Fate, RevokeOptions, TokenProvider, TokenState};

use crate::case::case;
use crate::case_result::{CaseResult, describe, ensure, expect_err, expect_ok, not_applicable};
use crate::harness::{Harness, LiveToken, format_ids};
use crate::refusal::expect_refused_as;
use crate::{Case, Decision};

const GROUP: &str = "revocation";

pub(super) const CASES: &[Case] = &[
    case! {
        law 5: "other tokens are revoked too only with consent",
        when: cascades,
        run: consent,
        killed_by: [
            RevokesOthersWithoutConsent on cascading,
            RevokesOthersWithoutConsent on cascading_logins,
        ],
    },
    case! {
        law 5: "a token whose record shows that it takes no others along needs no consent",
        when: |declared| {
            let why = "it does not declare which tokens take no others along";
            Decision::run_if(tells_alone(declared), why)
        },
        run: alone,
        killed_by: [
            RevokesEveryToken on cascading_logins,
            RevokesNothing on cascading_logins,
        ],
    },
    case! {
        law 5: "the tokens that a revocation reports as revoked too are dead",
        when: cascades,
        run: also_revoked,
        killed_by: [InventsAlsoRevoked on cascading],
    },
];

fn cascades(declared: &Capabilities) -> Decision {
    let revoke = declared.revoke.as_ref();
    Decision::run_if(
        revoke.is_some_and(|revoke| revoke.cascade.is_some()),
        "it does not declare that a revocation may revoke other tokens too",
    )
}

fn tells_alone(declared: &Capabilities) -> bool {
    let revoke = declared.revoke.as_ref();
    revoke.is_some_and(|revoke| revoke.tokens_alone.is_some())
}

async fn consent(harness: &Harness) -> CaseResult {
    if tells_alone(harness.capabilities()) {
        return consent_by_record(harness).await;
    }
    let token = harness.live_token("kept").await?;
    let token_ref = harness.token_ref(&token);
    let options = RevokeOptions::accept_replacement();
    let without_consent = (harness.provider()).revoke(token_ref, options);
    let what = "revoking what may revoke other tokens too, without consent,";
    expect_refused_as(harness, ErrorKind::InvalidInput, what, without_consent).await?;
    let what = "a secret that may not be revoked";
    harness.expect_alive(&token.secret, what).await
}

/// Expects the refusal of a revocation that others would follow, once the token was read.
async fn consent_by_record(harness: &Harness) -> CaseResult {
    let inserted = harness.insert(harness.spec("kept").with_cascade()).await;
    let Some(token) = inserted.and_then(LiveToken::from_inserted) else {
        return not_applicable("the fixture inserts no token that takes others along");
    };
    let options = RevokeOptions::accept_replacement();
    let revoked = harness.provider().revoke((&token.id).into(), options).await;
    let expected = "revoking a token that takes others along is refused without consent";
    let error = expect_err(revoked, expected)?;
    ensure(
        error.kind() == ErrorKind::InvalidInput && error.fate() == Fate::NotSent,
        expected,
        describe(&error),
    )?;
    let what = "a secret that may not be revoked";
    harness.expect_alive(&token.secret, what).await
}

async fn alone(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    let mut others = Vec::new();
    for spec in [
        harness.spec("other"),
        harness.spec("cascading").with_cascade(),
    ] {
        others.extend(
            harness
                .insert(spec)
                .await
                .and_then(LiveToken::from_inserted),
        );
    }
    if others.is_empty() {
        harness.left_out("another token: the fixture inserts none whose secret it knows");
    }
    let options = RevokeOptions::accept_replacement();
    let revoked = harness.provider().revoke((&token.id).into(), options).await;
    let revocation = expect_ok(revoked, "a token that takes no others along is revoked")?;
    harness
        .expect_dead(&token.secret, "a revoked secret")
        .await?;
    ensure(
        revocation.also_revoked.is_empty(),
        "a token whose record shows that it takes no others along takes none",
        format!("it reports {}", format_ids(&revocation.also_revoked)),
    )?;
    for other in &others {
        let what = "the secret of another token";
        harness.expect_alive(&other.secret, what).await?;
    }
    Ok(())
}

async fn also_revoked(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    if harness.insert(harness.spec("other")).await.is_none() {
        return not_applicable("the account cannot hold two tokens");
    }
    let revocation = harness.revoke(&token).await?;
    harness
        .expect_dead(&token.secret, "a revoked secret")
        .await?;
    for id in &revocation.also_revoked {
        let existing = harness.existing(id).await;
        let is_dead = existing.is_none_or(|other| other.state == TokenState::Revoked);
        ensure(
            is_dead && *id != token.id,
            "a token that is reported as revoked too is another one, and dead",
            format!("{id} is reported"),
        )?;
    }
    Ok(())
}
