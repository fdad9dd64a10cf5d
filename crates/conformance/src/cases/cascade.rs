//! Law 5: revocations that revoke other tokens too.

use tokenfleet_core::{Capabilities, ErrorKind, RevokeOptions, TokenProvider, TokenState};

use crate::case::case;
use crate::case_result::{CaseResult, ensure, not_applicable};
use crate::harness::Harness;
use crate::refusal::expect_refused_as;
use crate::{Case, Decision};

const GROUP: &str = "revocation";

pub(super) const CASES: &[Case] = &[
    case! {
        law 5: "other tokens are revoked too only with consent",
        when: cascades,
        run: consent,
        killed_by: [RevokesOthersWithoutConsent on cascading],
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

async fn consent(harness: &Harness) -> CaseResult {
    let token = harness.live_token("kept").await?;
    let token_ref = harness.token_ref(&token);
    let options = RevokeOptions::accept_replacement();
    let without_consent = (harness.provider()).revoke(token_ref, options);
    let what = "revoking what may revoke other tokens too, without consent,";
    expect_refused_as(harness, ErrorKind::InvalidInput, what, without_consent).await?;
    let what = "a secret that may not be revoked";
    harness.expect_alive(&token.secret, what).await
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
