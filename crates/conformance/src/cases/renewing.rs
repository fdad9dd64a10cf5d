//! Prolonging the life of a secret.

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{Capabilities, Fact, Operation, RenewedToken, Secret, TokenProvider};

use crate::case::case;
use crate::refusal::Refusal;
use crate::scene::{Living, Scene, tells};
use crate::verdict::{Verdict, ensure, failed, not_applicable, succeeded};
use crate::{Case, Decision};

const GROUP: &str = "renewing";

/// More renewals than this are not worth trying.
const PATIENCE: u32 = 50;

pub(super) const CASES: &[Case] = &[
    case!(
        1,
        "renewing prolongs a life by what is declared",
        |declared| Decision::run_or_refuse(
            declared.renew.is_some(),
            Refusal::Operation(Operation::Renew)
        ),
        prolonged
    ),
    case!(1, "a renewed token is the same token", renews, same_token),
    case!(
        1,
        "a renewed secret outlives its first expiry",
        renews,
        outlives
    ),
    case!(
        1,
        "renewing works as often as declared and no more",
        renews,
        bounded
    ),
    case!(5, "a dead secret is not renewed", renews, dead),
];

fn renews(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.renew.is_some(), "it cannot renew")
}

fn declared(scene: &Scene) -> (std::time::Duration, Option<u32>) {
    let renew = scene.capabilities().renew.as_ref();
    renew
        .map(|renew| (renew.extension, renew.max_renewals))
        .unwrap_or_default()
}

/// A token that expires soon enough for a renewal to matter.
async fn mortal(scene: &Scene) -> Verdict<Living> {
    let at = tokenfleet_core::RequestedExpiry::At(scene.in_days(1));
    if let Some(crate::Inserted {
        id,
        secret: Some(secret),
    }) = scene.insert(scene.spec("mortal").expiring(at)).await
    {
        return Ok(Living { id, secret });
    }
    scene.living("mortal").await
}

async fn renew(scene: &Scene, secret: &Secret) -> Verdict<RenewedToken> {
    succeeded(
        scene.provider().renew(secret).await,
        "a living secret is renewed",
    )
}

async fn prolonged(scene: &Scene) -> Verdict {
    let token = mortal(scene).await?;
    let (extension, _) = declared(scene);
    let before = scene.truth(&token.id).await.map(|truth| truth.expiry);
    let renewed = renew(scene, &token.secret).await?;
    let secret = renewed.secret.as_ref().unwrap_or(&token.secret);
    scene.demand_life(secret, true, "a renewed secret").await?;
    let Some(Fact::Known(before)) = before else {
        return Ok(());
    };
    let expected = "renewing prolongs a life by what is declared";
    let later = before.saturating_add(extension);
    // A platform may leave the expiry out of its answer; one that is there must be the new one.
    let told = renewed.token.expiry;
    ensure(
        !told.is_reported() || tells(told, later),
        expected,
        format!("it was to end at {before}, and the answer says {told:?}"),
    )?;
    match scene.truth(&token.id).await.map(|truth| truth.expiry) {
        Some(truth @ Fact::Known(_)) => ensure(
            tells(truth, later),
            expected,
            format!("it was to end at {before} and does at {truth:?}"),
        ),
        _ => Ok(()),
    }
}

async fn same_token(scene: &Scene) -> Verdict {
    if scene.capabilities().create.is_none() {
        return not_applicable("it cannot create the token to renew");
    }
    let issued = scene.create(scene.request("renewed")).await?;
    let renewed = renew(scene, &issued.secret).await?;
    // A fingerprint follows the secret.
    ensure(
        renewed.secret.is_some() || renewed.token.id == issued.token.id,
        "a token keeps its id when it is renewed",
        format!("{} became {}", issued.token.id, renewed.token.id),
    )
}

async fn outlives(scene: &Scene) -> Verdict {
    let token = mortal(scene).await?;
    let Some(Fact::Known(end)) = scene.truth(&token.id).await.map(|truth| truth.expiry) else {
        return not_applicable("the fixture does not tell when a token expires");
    };
    let renewed = renew(scene, &token.secret).await?;
    let secret = renewed.secret.unwrap_or(token.secret);
    let (extension, _) = declared(scene);
    scene
        .advance(scene.fixture().now().duration_until(end) + extension / 2)
        .await?;
    scene
        .demand_life(&secret, true, "a renewed secret after its first expiry")
        .await?;
    scene.advance(extension).await?;
    scene
        .demand_life(&secret, false, "a renewed secret after its second expiry")
        .await
}

async fn bounded(scene: &Scene) -> Verdict {
    let (_, at_most) = declared(scene);
    let token = mortal(scene).await?;
    let mut secret = token.secret;
    let mut expiry = Fact::NotReported;
    for _ in 0..at_most.unwrap_or(3).min(PATIENCE) {
        let renewed = renew(scene, &secret).await?;
        if let (Fact::Known(before), Fact::Known(after)) = (expiry, renewed.token.expiry) {
            ensure(
                after > before,
                "every renewal gives a later expiry",
                format!("{before} became {after}"),
            )?;
        }
        expiry = renewed.token.expiry;
        secret = renewed.secret.unwrap_or(secret);
    }
    if at_most.is_some_and(|most| most <= PATIENCE) {
        let again = scene.provider().renew(&secret).await;
        if let Ok(renewed) = again {
            ensure(
                expiry.is_reported() && renewed.token.expiry == expiry,
                "one renewal more than declared fails or prolongs nothing",
                "it succeeded",
            )?;
        }
        // A refusal to prolong is no reason to die.
        scene
            .demand_life(&secret, true, "a secret that cannot be renewed any more")
            .await?;
    }
    ensure(
        expiry.is_reported() || !scene.reports(TokenField::Expiry) || at_most.is_some(),
        "a renewal tells the new expiry where expiries are reported",
        "it tells none",
    )
}

async fn dead(scene: &Scene) -> Verdict {
    let made_up = scene.made_up_secret();
    let expected = "a secret that was never issued is not renewed";
    failed(scene.provider().renew(&made_up).await, expected)?;
    let token = mortal(scene).await?;
    if !scene.fixture().remove(&token.id).await {
        return Ok(());
    }
    let renewed = scene.provider().renew(&token.secret).await;
    failed(renewed, "a dead secret is not renewed")?;
    scene
        .demand_life(&token.secret, false, "a dead secret")
        .await
}
