//! Revocation means dead.

use tokenfleet_core::{
    Capabilities, ErrorKind, Operation, Revocation, RevocationEffect, RevocationOutcome,
    RevokeOptions, TokenId, TokenProvider, TokenRef, TokenState,
};

use crate::case::case;
use crate::refusal::{Refusal, refused_as};
use crate::scene::{Living, Scene};
use crate::verdict::{Verdict, describe, ensure, fail, not_applicable, succeeded};
use crate::{Case, Decision, Fault};

const GROUP: &str = "revoking";

pub(super) const CASES: &[Case] = &[
    case!(
        5,
        "a revoked secret is dead",
        |declared| Decision::run_or_refuse(
            declared.revoke.is_some(),
            Refusal::Operation(Operation::Revoke)
        ),
        dead
    ),
    case!(
        5,
        "a token is revoked by its id",
        |d| handle(d, true),
        by_id
    ),
    case!(
        5,
        "a token is revoked by its secret",
        |d| handle(d, false),
        by_secret
    ),
    case!(
        5,
        "revoking leaves behind what is declared",
        revokes,
        remains
    ),
    case!(
        5,
        "a revocation names the token that was meant",
        revokes,
        names_it
    ),
    case!(5, "revoking twice succeeds", revokes, twice),
    case!(
        5,
        "revoking a token that was deleted meanwhile succeeds",
        revokes,
        gone
    ),
    case!(
        5,
        "a token that does not work is revoked all the same",
        revokes,
        not_working
    ),
    case!(
        5,
        "revoking one token leaves the others alive",
        revokes,
        others
    ),
    case!(
        5,
        "revoking takes an id literally",
        handle_or_skip,
        literally
    ),
    case!(
        5,
        "a secret is replaced only with consent",
        replaces,
        consent
    ),
    case!(5, "a replacement is handed over", replaces, replacement),
    case!(
        6,
        "a revocation whose answer is lost is not taken for granted",
        revokes,
        lost
    ),
];

fn revokes(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.revoke.is_some(), "it cannot revoke")
}

fn handle(declared: &Capabilities, by_id: bool) -> Decision {
    match &declared.revoke {
        None => Decision::NotApplicable("it cannot revoke"),
        Some(revoke) if by_id => Decision::run_or_refuse(revoke.by_id, Refusal::RevokingById),
        Some(revoke) => Decision::run_or_refuse(revoke.by_secret, Refusal::RevokingBySecret),
    }
}

fn handle_or_skip(declared: &Capabilities) -> Decision {
    let by_id = declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
    Decision::run_if(by_id, "it does not revoke by id")
}

fn replaces(declared: &Capabilities) -> Decision {
    Decision::run_if(
        effect(declared) == Some(RevocationEffect::Replaced),
        "it need not replace",
    )
}

fn effect(declared: &Capabilities) -> Option<RevocationEffect> {
    declared.revoke.as_ref().map(|revoke| revoke.effect)
}

fn accepting() -> RevokeOptions {
    RevokeOptions::accept_replacement()
}

/// The handle that the provider takes, the id if both.
fn reference<'a>(scene: &Scene, token: &'a Living) -> TokenRef<'a> {
    let by_id = scene
        .capabilities()
        .revoke
        .as_ref()
        .is_some_and(|revoke| revoke.by_id);
    if by_id {
        (&token.id).into()
    } else {
        (&token.secret).into()
    }
}

async fn revoke(scene: &Scene, token: &Living) -> Verdict<Revocation> {
    let revoked = scene
        .provider()
        .revoke(reference(scene, token), accepting())
        .await;
    succeeded(revoked, "a token is revoked")
}

async fn dead(scene: &Scene) -> Verdict {
    let token = scene.living("doomed").await?;
    scene
        .demand_life(&token.secret, true, "a fresh secret")
        .await?;
    let revocation = revoke(scene, &token).await?;
    scene
        .demand_life(&token.secret, false, "the secret of a revoked token")
        .await?;
    ensure(
        revocation.outcome == RevocationOutcome::Revoked,
        "killing a living secret is reported as revoked now",
        format!("it says {}", revocation.outcome.as_str()),
    )
}

async fn by_id(scene: &Scene) -> Verdict {
    let token = scene.living("doomed").await?;
    let revoked = scene
        .provider()
        .revoke((&token.id).into(), accepting())
        .await;
    succeeded(revoked, "a token is revoked by its id")?;
    scene
        .demand_life(&token.secret, false, "the secret of a revoked token")
        .await
}

async fn by_secret(scene: &Scene) -> Verdict {
    let token = scene.living("doomed").await?;
    let revoked = scene
        .provider()
        .revoke((&token.secret).into(), accepting())
        .await;
    succeeded(revoked, "a token is revoked by its secret")?;
    scene
        .demand_life(&token.secret, false, "a revoked secret")
        .await
}

async fn remains(scene: &Scene) -> Verdict {
    let token = scene.living("doomed").await?;
    let before = scene.fixture().tokens().await.len();
    let revocation = revoke(scene, &token).await?;
    let declared = effect(scene.capabilities());
    ensure(
        declared == Some(revocation.effect),
        "revoking has the declared effect",
        format!("it says {}", revocation.effect.as_str()),
    )?;
    let after = scene.fixture().tokens().await;
    let truth = after.iter().find(|existing| existing.id == token.id);
    let kept = match revocation.effect {
        RevocationEffect::Deleted => truth.is_none() && after.len() + 1 == before,
        RevocationEffect::Marked => truth.is_some_and(|it| it.state == TokenState::Revoked),
        RevocationEffect::Replaced => after.len() == before,
        _ => true,
    };
    ensure(
        kept,
        "the record is at the platform as the revocation says",
        format!("it says {} and that is not so", revocation.effect.as_str()),
    )?;
    if revocation.effect != RevocationEffect::Marked {
        return Ok(());
    }
    match scene.read(&token.id).await? {
        Some(read) => ensure(
            read.state == TokenState::Revoked,
            "a revoked token is shown as revoked",
            format!("it is shown as {}", read.state.as_str()),
        ),
        None => Ok(()),
    }
}

async fn names_it(scene: &Scene) -> Verdict {
    if scene.capabilities().create.is_none() {
        return not_applicable("it cannot create the token to revoke");
    }
    let issued = scene.create(scene.request("named")).await?;
    let id = issued.token.id;
    let secret = issued.secret;
    let token = Living { id, secret };
    let revocation = revoke(scene, &token).await?;
    ensure(
        revocation.id.is_none_or(|id| id == token.id),
        "a revocation names the token by the id that its creation gave",
        "it names another",
    )
}

async fn twice(scene: &Scene) -> Verdict {
    if effect(scene.capabilities()) == Some(RevocationEffect::Replaced) {
        return not_applicable("revoking again would kill the replacement");
    }
    let token = scene.living("doomed").await?;
    revoke(scene, &token).await?;
    let again = scene
        .provider()
        .revoke(reference(scene, &token), accepting())
        .await;
    let again = succeeded(again, "revoking twice succeeds")?;
    ensure(
        again.outcome != RevocationOutcome::Revoked,
        "a second revocation says that the token was dead before",
        "it says that it killed it",
    )?;
    scene
        .demand_life(&token.secret, false, "a secret that was revoked twice")
        .await
}

async fn gone(scene: &Scene) -> Verdict {
    let token = scene.living("gone").await?;
    if !scene.fixture().remove(&token.id).await {
        return not_applicable("tokens never vanish here");
    }
    let revoked = scene
        .provider()
        .revoke(reference(scene, &token), accepting())
        .await;
    // Where killing means replacing, a key that is not there cannot be replaced.
    let replaces = effect(scene.capabilities()) == Some(RevocationEffect::Replaced);
    match revoked {
        Err(error) if replaces && error.kind() == ErrorKind::NotFound => Ok(()),
        other => {
            let revocation = succeeded(other, "revoking what is gone already succeeds")?;
            ensure(
                revocation.replacement.is_none(),
                "what is gone is not replaced",
                "a replacement was made",
            )
        }
    }
}

async fn not_working(scene: &Scene) -> Verdict {
    let mut tried = false;
    for state in [
        TokenState::Suspended,
        TokenState::Revoked,
        TokenState::Expired,
    ] {
        let spec = scene.spec(state.as_str()).in_state(state);
        let Some(inserted) = scene.insert(spec).await else {
            continue;
        };
        let Some(secret) = inserted.secret else {
            continue;
        };
        tried = true;
        let token = Living {
            id: inserted.id,
            secret,
        };
        let revoked = scene
            .provider()
            .revoke(reference(scene, &token), accepting())
            .await;
        succeeded(
            revoked,
            &format!("a token that is {} is revoked", state.as_str()),
        )?;
        scene
            .demand_life(&token.secret, false, "the secret of a revoked token")
            .await?;
    }
    if tried {
        Ok(())
    } else {
        not_applicable("the fixture can insert only tokens that work")
    }
}

async fn others(scene: &Scene) -> Verdict {
    let doomed = scene.living("doomed").await?;
    let Some(other) = scene.insert(scene.spec("other")).await else {
        return not_applicable("the account cannot hold two tokens");
    };
    revoke(scene, &doomed).await?;
    scene
        .demand_life(&doomed.secret, false, "the secret of a revoked token")
        .await?;
    match other.secret {
        Some(secret) => {
            scene
                .demand_life(&secret, true, "the secret of another token")
                .await
        }
        None => Ok(()),
    }
}

async fn literally(scene: &Scene) -> Verdict {
    let token = scene.living("kept").await?;
    for id in super::reading::near(&token.id) {
        let id = TokenId::new(id);
        // Whatever it answers: the token that is nearly called so must live.
        let _ = scene.provider().revoke((&id).into(), accepting()).await;
        scene
            .demand_life(
                &token.secret,
                true,
                &format!("the token other than the revoked {id:?}"),
            )
            .await?;
    }
    Ok(())
}

async fn consent(scene: &Scene) -> Verdict {
    let token = scene.living("kept").await?;
    let unwilling = scene
        .provider()
        .revoke(reference(scene, &token), RevokeOptions::default());
    let what = "revoking by replacing, without consent,";
    refused_as(scene, ErrorKind::InvalidInput, what, unwilling).await?;
    scene
        .demand_life(&token.secret, true, "a secret that was not to be replaced")
        .await
}

async fn replacement(scene: &Scene) -> Verdict {
    let token = scene.living("replaced").await?;
    let revocation = revoke(scene, &token).await?;
    let Some(replacement) = revocation.replacement else {
        return fail(
            "the new secret is handed over",
            "there is no replacement in the answer",
        );
    };
    ensure(
        replacement.secret.expose() != token.secret.expose(),
        "the replacement is a new secret",
        "it is the old one",
    )?;
    scene
        .demand_life(&replacement.secret, true, "the replacement")
        .await?;
    scene
        .demand_life(&token.secret, false, "the replaced secret")
        .await
}

async fn lost(scene: &Scene) -> Verdict {
    let token = scene.living("doomed").await?;
    scene.inject(Fault::LoseAnswer).await?;
    let replaces = effect(scene.capabilities()) == Some(RevocationEffect::Replaced);
    match scene
        .provider()
        .revoke(reference(scene, &token), accepting())
        .await
    {
        Ok(_) if replaces => fail(
            "a replacement whose answer is lost is not repeated",
            "it succeeded, so it was made twice",
        ),
        Ok(_) => {
            scene
                .demand_life(&token.secret, false, "a secret that is called revoked")
                .await
        }
        Err(error) => ensure(
            error.may_have_applied(),
            "a revocation whose answer is lost may have been carried out",
            describe(&error),
        ),
    }
}
