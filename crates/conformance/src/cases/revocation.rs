//! Law 5: revoked means dead.

use tokenfleet_core::{
    Capabilities, ErrorKind, Operation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret,
    TokenId, TokenProvider, TokenState,
};

use super::preconditions::revokes;
use super::reading::similar_ids;
use crate::case::case;
use crate::case_result::{
    CaseResult, describe, ensure, expect_err, expect_ok, expect_unknown_id, fail, not_applicable,
    require_tried,
};
use crate::harness::{DEAD_STATES, Harness, LiveToken, format_ids, full_consent};
use crate::refusal::{Refusal, expect_refused_as};
use crate::{Case, Decision};

const GROUP: &str = "revocation";

pub(super) const CASES: &[Case] = &[
    case! {
        law 5: "a revoked secret is dead",
        when: |declared| Decision::for_operation(declared, Operation::Revoke),
        run: dead,
        killed_by: [
            SendsBeforeRefusing on full,
            RevokesNothing on full,
            RevokesNothing on secret_only,
        ],
    },
    case! {
        law 5: "a token is revoked by its id",
        when: |declared| takes(declared, Refusal::RevokeById),
        run: by_id,
        killed_by: [RevokesNothing on full],
    },
    case! {
        law 5: "a token is revoked by its secret",
        when: |declared| takes(declared, Refusal::RevokeBySecret),
        run: by_secret,
        killed_by: [RevokesNothing on full],
    },
    case! {
        law 5: "a revoked token is deleted, marked or replaced as declared",
        when: revokes,
        run: declared_effect,
        killed_by: [ReportsEveryTokenActive on retaining, RevokesNothing on full],
    },
    case! {
        law 5: "a revocation returns the id of the revoked token",
        when: revokes,
        run: returned_id,
        killed_by: [ReturnsAnotherId on secret_only],
    },
    case! {
        law 5: "a second revocation succeeds, or the token is not found",
        when: revokes,
        run: twice,
        killed_by: [
            FailsToRevokeTwice on retaining,
        ],
    },
    case! {
        law 5: "revoking a token that is known to have existed and is deleted succeeds",
        when: revokes,
        run: already_deleted,
        killed_by: [
            FailsToRevokeTwice on deleting,
        ],
    },
    case! {
        law 5: "a token that never existed here is not reported as dead",
        when: revokes,
        run: never_existed,
        killed_by: [
            ReportsUnknownTokensAsGone on deleting,
            ReportsUnknownTokensAsGone on retaining,
            ReportsUnknownTokensAsGone on secret_only,
        ],
    },
    case! {
        law 5: "a secret that cannot be a token is refused before a request is sent",
        when: takes_secrets,
        run: malformed,
        killed_by: [CleansSecrets on full, CleansSecrets on secret_only],
    },
    case! {
        law 5: "a token that does not work can be revoked",
        when: revokes,
        run: not_working,
        killed_by: [RevokesOnlyActiveTokens on deleting],
    },
    case! {
        law 5: "revoking one token leaves the others alive",
        when: revokes_one,
        run: others,
        killed_by: [
            RevokesEveryToken on secret_only,
            RevokesEveryToken on deleting,
            DeclaresNoCascade on cascading,
            InventsAlsoRevoked on deleting,
        ],
    },
    case! {
        law 5: "revoking treats an id literally",
        when: revokes_by_id,
        run: literally,
        killed_by: [ParsesIdsLeniently on retaining],
    },
    case! {
        law 5: "a secret is replaced only with consent",
        when: replaces,
        run: consent,
        killed_by: [ReplacesWithoutConsent on single_key],
    },
    case! {
        law 5: "a replacement is returned",
        when: replaces,
        run: replacement,
        killed_by: [LosesReplacement on single_key],
    },
];

fn takes(declared: &Capabilities, refusal: Refusal) -> Decision {
    let Some(revoke) = &declared.revoke else {
        return Decision::NotApplicable("it cannot revoke");
    };
    let declared = match refusal {
        Refusal::RevokeById => revoke.by_id,
        _ => revoke.by_secret,
    };
    Decision::run_or_refuse(declared, refusal)
}

fn takes_secrets(declared: &Capabilities) -> Decision {
    let by_secret = (declared.revoke.as_ref()).is_some_and(|revoke| revoke.by_secret);
    Decision::run_if(
        by_secret || declared.verify || declared.renew.is_some(),
        "no operation takes a secret",
    )
}

pub(super) fn revokes_by_id(declared: &Capabilities) -> Decision {
    let by_id = declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
    Decision::run_if(by_id, "it does not revoke by id")
}

fn revokes_one(declared: &Capabilities) -> Decision {
    match &declared.revoke {
        None => Decision::NotApplicable("it cannot revoke"),
        Some(revoke) => Decision::run_if(
            revoke.cascade.is_none(),
            "it declares that a revocation may revoke other tokens too",
        ),
    }
}

fn replaces(declared: &Capabilities) -> Decision {
    Decision::run_if(
        effect(declared) == Some(RevocationEffect::Replaced),
        "it does not revoke by replacing",
    )
}

pub(super) fn effect(declared: &Capabilities) -> Option<RevocationEffect> {
    declared.revoke.as_ref().map(|revoke| revoke.effect)
}

async fn dead(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    harness.expect_alive(&token.secret, "a new secret").await?;
    let revocation = harness.revoke(&token).await?;
    expect_revoked(harness, &token).await?;
    ensure(
        revocation.outcome == RevocationOutcome::Revoked,
        "revoking a live secret is reported as revoked",
        format!("it is reported as {}", revocation.outcome.as_str()),
    )
}

async fn expect_revoked(harness: &Harness, token: &LiveToken) -> CaseResult {
    let what = "the secret of a revoked token";
    harness.expect_dead(&token.secret, what).await
}

async fn by_id(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    let consent = full_consent();
    let revoked = harness.provider().revoke((&token.id).into(), consent).await;
    expect_ok(revoked, "a token is revoked by its id")?;
    expect_revoked(harness, &token).await
}

async fn by_secret(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    let consent = full_consent();
    let revoked = (harness.provider())
        .revoke((&token.secret).into(), consent)
        .await;
    expect_ok(revoked, "a token is revoked by its secret")?;
    expect_revoked(harness, &token).await
}

async fn declared_effect(harness: &Harness) -> CaseResult {
    let token = harness.live_token("revoked").await?;
    let before = harness.token_count().await;
    let revocation = harness.revoke(&token).await?;
    let declared = effect(harness.capabilities());
    ensure(
        declared == Some(revocation.effect),
        "revoking has the declared effect",
        format!("it reports {}", revocation.effect.as_str()),
    )?;
    let after = harness.token_count().await;
    let existing = harness.existing(&token.id).await;
    let revoke = harness.capabilities().revoke.as_ref();
    let cascades = revoke.is_some_and(|revoke| revoke.cascade.is_some());
    let as_reported = match revocation.effect {
        // A cascade may delete more.
        RevocationEffect::Deleted if cascades => existing.is_none() && after < before,
        RevocationEffect::Deleted => existing.is_none() && after + 1 == before,
        RevocationEffect::Marked => existing.is_some_and(|it| it.state == TokenState::Revoked),
        RevocationEffect::Replaced => after == before,
        _ => true,
    };
    ensure(
        as_reported,
        "the platform deleted, marked or replaced the token as the revocation reports",
        format!("it reports {}, which is wrong", revocation.effect.as_str()),
    )?;
    if revocation.effect != RevocationEffect::Marked {
        return Ok(());
    }
    match harness.read(&token.id).await? {
        Some(read) => ensure(
            read.state == TokenState::Revoked,
            "a revoked token is reported as revoked",
            format!("it is reported as {}", read.state.as_str()),
        ),
        None => {
            harness.left_out("the state of the revoked token: it cannot read tokens");
            Ok(())
        }
    }
}

async fn returned_id(harness: &Harness) -> CaseResult {
    if harness.capabilities().create.is_none() {
        return not_applicable("it cannot create the token to revoke");
    }
    let issued = harness.create(harness.minimal_request("named")?).await?;
    let token = LiveToken::from_issued(issued);
    let revocation = harness.revoke(&token).await?;
    ensure(
        revocation.id.is_none_or(|id| id == token.id),
        "a revocation returns the id that the token was created with",
        "it returns another",
    )
}

async fn twice(harness: &Harness) -> CaseResult {
    if effect(harness.capabilities()) == Some(RevocationEffect::Replaced) {
        return not_applicable("revoking again would revoke the replacement");
    }
    let token = harness.live_token("revoked").await?;
    harness.revoke(&token).await?;
    // A platform may answer as at the first time, so any outcome will do.
    if let Err(error) = harness.try_revoke(&token).await {
        // A record that stays proves that its token is dead; one that is gone proves nothing.
        ensure(
            error.kind() == ErrorKind::NotFound
                && effect(harness.capabilities()) != Some(RevocationEffect::Marked),
            "a second revocation reports the token as dead, or as not found",
            describe(&error),
        )?;
    }
    let what = "a secret that was revoked twice";
    harness.expect_dead(&token.secret, what).await
}

async fn already_deleted(harness: &Harness) -> CaseResult {
    let token = harness.live_token("deleted").await?;
    if !harness.fixture().remove(&token.id).await {
        return not_applicable("tokens cannot be deleted here");
    }
    let options = full_consent().with_existed();
    let token_ref = harness.token_ref(&token);
    // Only an id that is known to have existed proves something, unless a new token is not shown
    // yet, and what is missing cannot be replaced.
    let must_succeed = harness.revokes_by_id()
        && harness.capabilities().read_delay.is_none()
        && effect(harness.capabilities()) != Some(RevocationEffect::Replaced);
    match harness.provider().revoke(token_ref, options).await {
        Err(error) if !must_succeed && error.kind() == ErrorKind::NotFound => Ok(()),
        other => {
            let revocation = expect_ok(other, "revoking a deleted token succeeds")?;
            ensure(
                revocation.replacement.is_none(),
                "a deleted token is not replaced",
                "it is",
            )
        }
    }
}

async fn never_existed(harness: &Harness) -> CaseResult {
    let consent = full_consent();
    let expected = "revoking what never existed here is an error: it may be alive elsewhere";
    if harness.revokes_by_id() {
        let token = harness.live_token("kept").await?;
        let id = harness.unknown_id(&token.id).await?;
        let revoked = harness.provider().revoke((&id).into(), consent).await;
        expect_unknown_id(revoked, expected)?;
    }
    if harness
        .capabilities()
        .revoke
        .as_ref()
        .is_some_and(|revoke| revoke.by_secret)
    {
        let secret = harness.never_issued_secret();
        let revoked = harness.provider().revoke((&secret).into(), consent).await;
        expect_err(revoked, expected)?;
    }
    Ok(())
}

async fn malformed(harness: &Harness) -> CaseResult {
    let token = harness.live_token("kept").await?;
    let secret = token.secret.expose();
    let capabilities = harness.capabilities();
    let by_secret = (capabilities.revoke.as_ref()).is_some_and(|revoke| revoke.by_secret);
    let consent = full_consent();
    for text in [
        format!("\u{feff}{secret}"),
        format!("{secret}\u{200b}"),
        format!("\"{secret}\""),
        format!("Bearer {secret}"),
        format!("{secret}\n"),
    ] {
        let malformed = Secret::new(text);
        let provider = harness.provider();
        let kind = ErrorKind::InvalidInput;
        if by_secret {
            let call = provider.revoke((&malformed).into(), consent);
            expect_refused_as(harness, kind, "revoking what is no token", call).await?;
        }
        if capabilities.verify {
            let call = provider.verify(&malformed);
            expect_refused_as(harness, kind, "verifying what is no token", call).await?;
        }
        if capabilities.renew.is_some() {
            let call = provider.renew(&malformed);
            expect_refused_as(harness, kind, "renewing what is no token", call).await?;
        }
    }
    let what = "a secret that was refused";
    harness.expect_alive(&token.secret, what).await
}

async fn not_working(harness: &Harness) -> CaseResult {
    let mut tried = false;
    for state in DEAD_STATES {
        let inserted = harness.insert_in_state(state).await;
        let Some(token) = inserted.and_then(LiveToken::from_inserted) else {
            continue;
        };
        tried = true;
        let expected = format!("a token that is {} is revoked", state.as_str());
        match harness.try_revoke(&token).await {
            // A dead secret may look like one that was never issued.
            Err(error) if !harness.revokes_by_id() && error.kind() == ErrorKind::NotFound => {}
            revoked => {
                expect_ok(revoked, &expected)?;
            }
        }
        expect_revoked(harness, &token).await?;
    }
    require_tried(tried, "the fixture can insert only tokens that work")
}

async fn others(harness: &Harness) -> CaseResult {
    let revoked = harness.live_token("revoked").await?;
    let Some(other) = harness.insert(harness.spec("other")).await else {
        return not_applicable("the account cannot hold two tokens");
    };
    let revocation = harness.revoke(&revoked).await?;
    expect_revoked(harness, &revoked).await?;
    ensure(
        revocation.also_revoked.is_empty(),
        "a revocation that takes no other token along reports none",
        format!("it reports {}", format_ids(&revocation.also_revoked)),
    )?;
    let Some(secret) = other.secret else {
        harness.left_out("the secret of the other token: the fixture does not know it");
        return Ok(());
    };
    let what = "the secret of another token";
    harness.expect_alive(&secret, what).await
}

async fn literally(harness: &Harness) -> CaseResult {
    let token = harness.live_token("kept").await?;
    let consent = full_consent();
    for id in similar_ids(&token.id) {
        let id = TokenId::new(id);
        // Any result will do, but the token with the similar id must stay alive.
        let _ = harness.provider().revoke((&id).into(), consent).await;
        let what = format!("a token after revoking {id:?}");
        harness.expect_alive(&token.secret, &what).await?;
    }
    Ok(())
}

async fn consent(harness: &Harness) -> CaseResult {
    let token = harness.live_token("kept").await?;
    let token_ref = harness.token_ref(&token);
    let options = RevokeOptions::default().with_cascade_accepted();
    let without_consent = (harness.provider()).revoke(token_ref, options);
    let what = "revoking by replacing, without consent,";
    expect_refused_as(harness, ErrorKind::InvalidInput, what, without_consent).await?;
    let what = "a secret that may not be replaced";
    harness.expect_alive(&token.secret, what).await
}

async fn replacement(harness: &Harness) -> CaseResult {
    let token = harness.live_token("replaced").await?;
    let revocation = harness.revoke(&token).await?;
    let Some(replacement) = revocation.replacement else {
        return fail(
            "the new secret is returned",
            "the response contains no replacement",
        );
    };
    ensure(
        replacement.secret.expose() != token.secret.expose(),
        "the replacement is a new secret",
        "it is the old one",
    )?;
    let what = "the replacement";
    harness.expect_alive(&replacement.secret, what).await?;
    harness
        .expect_dead(&token.secret, "the replaced secret")
        .await
}
