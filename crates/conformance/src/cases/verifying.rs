//! Asking whether a secret is alive.

use std::time::Duration;

use tokenfleet_core::{
    Capabilities, Liveness, Operation, RevokeOptions, Secret, TokenProvider, TokenState,
    UpdateToken,
};

use crate::case::case;
use crate::refusal::Refusal;
use crate::scene::Scene;
use crate::verdict::{Verdict, ensure, fail, not_applicable, succeeded};
use crate::{Case, Decision, Fault};

const GROUP: &str = "verifying";

pub(super) const CASES: &[Case] = &[
    case!(
        1,
        "a living secret is told from one that was never issued",
        |declared| Decision::run_or_refuse(declared.verify, Refusal::Operation(Operation::Verify)),
        told_apart
    ),
    case!(5, "a dead secret is not called alive", verifies, dead),
    case!(
        5,
        "a suspended or expired secret is not called alive",
        verifies,
        not_working
    ),
    case!(1, "verifying changes nothing", verifies, harmless),
    case!(
        6,
        "a verification without an answer is no verdict",
        verifies,
        lost
    ),
];

fn verifies(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.verify, "it cannot verify")
}

async fn verify(scene: &Scene, secret: &Secret) -> Verdict<Liveness> {
    succeeded(
        scene.provider().verify(secret).await,
        "a secret is verified, alive or not",
    )
}

async fn demand_not_alive(scene: &Scene, secret: &Secret, what: &str) -> Verdict {
    ensure(
        verify(scene, secret).await? != Liveness::Alive,
        &format!("{what} is not called alive"),
        "it is called alive",
    )
}

async fn told_apart(scene: &Scene) -> Verdict {
    let made_up = scene.made_up_secret();
    demand_not_alive(scene, &made_up, "a secret that was never issued").await?;
    let token = scene.living("alive").await?;
    match verify(scene, &token.secret).await? {
        Liveness::Alive => {}
        Liveness::Dead => return fail("a living secret is alive", "it is called dead"),
        _ => return fail("a living secret is alive", "the answer is unknown"),
    }
    let damaged = Secret::new(format!("{}x", token.secret.expose()));
    demand_not_alive(scene, &damaged, "a secret with one character more").await
}

async fn dead(scene: &Scene) -> Verdict {
    let mut tried = false;
    let declared = scene.capabilities().clone();
    let consent = RevokeOptions::accept_replacement();
    if let Some(revoke) = &declared.revoke {
        tried = true;
        let token = scene.living("revoked").await?;
        let by = if revoke.by_id {
            (&token.id).into()
        } else {
            (&token.secret).into()
        };
        succeeded(
            scene.provider().revoke(by, consent).await,
            "a token is revoked",
        )?;
        demand_not_alive(scene, &token.secret, "a revoked secret").await?;
    }
    let Some(inserted) = scene.insert(scene.spec("removed")).await else {
        return if tried {
            Ok(())
        } else {
            not_applicable("no token can be killed here")
        };
    };
    if let (Some(secret), true) = (&inserted.secret, scene.fixture().remove(&inserted.id).await) {
        tried = true;
        demand_not_alive(scene, secret, "the secret of a deleted token").await?;
    }
    if tried {
        Ok(())
    } else {
        not_applicable("no token can be killed here")
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
        let inserted = scene.insert(spec).await;
        if let Some(secret) = inserted.and_then(|inserted| inserted.secret) {
            tried = true;
            let what = format!("a secret that is {}", state.as_str());
            demand_not_alive(scene, &secret, &what).await?;
        }
    }
    if scene
        .capabilities()
        .update
        .as_ref()
        .is_some_and(|update| update.suspension)
    {
        tried = true;
        let token = scene.living("switched off").await?;
        let suspended = scene
            .provider()
            .update(&token.id, UpdateToken::suspend())
            .await;
        succeeded(suspended, "a token is suspended")?;
        demand_not_alive(scene, &token.secret, "a suspended secret").await?;
    }
    let at = tokenfleet_core::RequestedExpiry::At(scene.in_days(2));
    let mortal = scene.insert(scene.spec("mortal").expiring(at)).await;
    if let Some(secret) = mortal.and_then(|inserted| inserted.secret)
        && scene
            .fixture()
            .advance(Duration::from_secs(3 * 86_400))
            .await
    {
        tried = true;
        demand_not_alive(scene, &secret, "a secret after its expiry").await?;
    }
    if tried {
        Ok(())
    } else {
        not_applicable("tokens here work until they are gone")
    }
}

async fn harmless(scene: &Scene) -> Verdict {
    let token = scene.living("verified").await?;
    let before = scene.fixture().tokens().await;
    let made_up = scene.made_up_secret();
    for secret in [&token.secret, &made_up, &token.secret] {
        verify(scene, secret).await?;
    }
    ensure(
        scene.fixture().tokens().await == before,
        "verifying changes nothing",
        "the tokens at the platform changed",
    )?;
    scene
        .demand_life(&token.secret, true, "a verified secret")
        .await
}

async fn lost(scene: &Scene) -> Verdict {
    let token = scene.living("verified").await?;
    let made_up = scene.made_up_secret();
    for fault in [Fault::LoseRequest, Fault::LoseAnswer] {
        scene.inject(fault).await?;
        if let Ok(Liveness::Dead) = scene.provider().verify(&token.secret).await {
            return fail(
                "a broken connection kills no secret",
                "a living one is called dead",
            );
        }
        scene.inject(fault).await?;
        if let Ok(Liveness::Alive) = scene.provider().verify(&made_up).await {
            return fail(
                "a broken connection gives no life",
                "a made-up one is called alive",
            );
        }
    }
    Ok(())
}
