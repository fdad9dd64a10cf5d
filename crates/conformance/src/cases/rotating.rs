//! Giving a record a new secret.

use tokenfleet_core::{Capabilities, ErrorKind, Operation, TokenProvider};

use crate::case::case;
use crate::refusal::Refusal;
use crate::scene::Scene;
use crate::verdict::{Verdict, describe, ensure, fail, failed};
use crate::{Case, Decision, Fault};

const GROUP: &str = "rotating";

pub(super) const CASES: &[Case] = &[
    case!(
        5,
        "a rotated token has a new secret and the old one is dead",
        |declared| Decision::run_or_refuse(declared.rotate, Refusal::Operation(Operation::Rotate)),
        rotated
    ),
    case!(1, "rotating makes no second record", rotates, same_record),
    case!(
        1,
        "rotating an unknown token is not found",
        rotates,
        unknown
    ),
    case!(
        6,
        "a rotation whose answer is lost may have been carried out, once",
        rotates,
        lost
    ),
];

fn rotates(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.rotate, "it cannot rotate")
}

async fn rotated(scene: &Scene) -> Verdict {
    let token = scene.living("rotated").await?;
    let mut old = token.secret;
    let mut id = token.id;
    for _ in 0..2 {
        let issued = scene.provider().rotate(&id).await;
        let issued = crate::verdict::succeeded(issued, "a token is rotated")?;
        ensure(
            issued.secret.expose() != old.expose(),
            "rotating gives a new secret",
            "it gave the old one",
        )?;
        scene
            .demand_life(&issued.secret, true, "the new secret")
            .await?;
        scene
            .demand_life(&old, false, "the secret before the rotation")
            .await?;
        old = issued.secret;
        id = issued.token.id;
    }
    Ok(())
}

async fn same_record(scene: &Scene) -> Verdict {
    let token = scene.living("rotated").await?;
    let before = scene.fixture().tokens().await.len();
    let issued = scene.provider().rotate(&token.id).await;
    let issued = crate::verdict::succeeded(issued, "a token is rotated")?;
    let after = scene.fixture().tokens().await;
    ensure(
        after.len() == before,
        "the record stays, with a new secret",
        format!("there were {before} tokens and are {}", after.len()),
    )?;
    ensure(
        after.iter().any(|existing| existing.id == issued.token.id),
        "the id in the answer is the record's",
        format!("there is no {}", issued.token.id),
    )
}

async fn unknown(scene: &Scene) -> Verdict {
    let token = scene.living("kept").await?;
    let id = scene.unknown_id(&token.id).await?;
    let expected = "rotating an unknown token is not found";
    let error = failed(scene.provider().rotate(&id).await, expected)?;
    ensure(
        error.kind() == ErrorKind::NotFound && !error.may_have_applied(),
        expected,
        describe(&error),
    )?;
    scene
        .demand_life(&token.secret, true, "the secret of another token")
        .await
}

async fn lost(scene: &Scene) -> Verdict {
    let token = scene.living("rotated").await?;
    scene.inject(Fault::LoseAnswer).await?;
    let expected = "a rotation whose answer is lost fails, as perhaps carried out";
    match scene.provider().rotate(&token.id).await {
        Ok(_) => fail(expected, "it succeeded, so it was made twice"),
        Err(error) => ensure(
            error.may_have_applied() && !error.is_retryable(),
            expected,
            describe(&error),
        ),
    }
}
