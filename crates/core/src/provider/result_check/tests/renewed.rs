//! New secrets that did not arrive.

use std::time::Duration;

use futures_executor::block_on;

use super::{ID, SECRET, Scripted, expect_violation};
use crate::capability::RenewCapability;
use crate::error::Fate;
use crate::model::{Secret, TokenId, TokenRef};
use crate::provider::result_check::check_revoked;
use crate::provider::{
    Liveness, RenewedSecret, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions,
    TokenProvider,
};

#[test]
fn a_masked_secret_is_not_a_new_secret() {
    let id = TokenId::new(ID);
    for secret in ["****", "**redacted**", "null", "", "<hidden>", "0000000000"] {
        let adapter = Scripted::new(|_| ()).with_secret(secret).replacing();
        let rotated = block_on(TokenProvider::rotate(&adapter, &id));
        expect_violation(rotated, Fate::MaybeApplied);
        let options = RevokeOptions::accept_replacement();
        let revoked = block_on(TokenProvider::revoke(&adapter, (&id).into(), options));
        expect_violation(revoked, Fate::MaybeApplied);
    }
    let old = Secret::new(SECRET);
    let adapter = Scripted::new(|_| ());
    let replaced = Revocation::new(RevocationOutcome::Revoked, RevocationEffect::Replaced)
        .with_replacement(adapter.issued());
    let checked = check_revoked(&adapter, TokenRef::Secret(&old), &replaced);
    expect_violation(checked, Fate::MaybeApplied);
}

/// The answers to a renewal, and for each kind of platform whether the renewal succeeds.
#[test]
fn a_renewed_secret_that_may_be_lost_is_an_error() {
    use RenewedSecret::{Kept, Replaced, Unknown};
    const NEW: &str = "SK-a-new-one-8QTY9hUA";
    let answers = [
        Some("****"),
        Some("null"),
        Some(""),
        Some(SECRET),
        None,
        Some(NEW),
    ];
    let renew = |declared, alive, answer: Option<&'static str>| {
        let mut adapter = Scripted::new(|_| ());
        let capability = RenewCapability::new(Duration::from_secs(60)).with_secret(declared);
        adapter.capabilities = adapter.capabilities.with_renew(capability);
        if let Some(liveness) = alive {
            adapter.capabilities = adapter.capabilities.with_verify();
            adapter.liveness = liveness;
        }
        adapter.renewed = answer;
        block_on(TokenProvider::renew(&adapter, &Secret::new(SECRET)))
    };
    let undecided = || Liveness::Unknown {
        reason: "busy".into(),
    };
    for (declared, alive, kept_if_masked, kept_if_same) in [
        (Replaced, None, false, false),
        (Replaced, Some(Liveness::Alive), false, false),
        (Kept, None, true, true),
        (Kept, Some(Liveness::Dead), true, true),
        (Unknown, None, false, true),
        (Unknown, Some(Liveness::Dead), false, true),
        (Unknown, Some(undecided()), false, true),
        (Unknown, Some(Liveness::Alive), true, true),
    ] {
        for answer in answers {
            let renewed = renew(declared, alive.clone(), answer);
            let is_masked = answer.is_some_and(|secret| Secret::new(secret).is_masked());
            let case = format!("{declared:?}, {alive:?}, {answer:?}");
            if answer == Some(NEW) {
                assert_eq!(renewed.unwrap().secret.unwrap().expose(), NEW, "{case}");
            } else if if is_masked {
                kept_if_masked
            } else {
                kept_if_same
            } {
                assert!(renewed.unwrap().secret.is_none(), "{case}");
            } else {
                let error = renewed.as_ref().unwrap_err();
                let advice = error.advice().unwrap_or_default();
                assert!(advice.contains("the old secret"), "{case}: {error}");
                expect_violation(renewed, Fate::MaybeApplied);
            }
        }
    }
}
