//! Changing tokens.

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Capabilities, ErrorKind, Fact, Operation, TokenProvider, TokenState, UpdateToken,
};

use crate::case::case;
use crate::refusal::Refusal;
use crate::scene::Scene;
use crate::verdict::{Verdict, describe, ensure, failed, not_applicable, succeeded};
use crate::{Case, Decision, Fault};

const GROUP: &str = "updating";

pub(super) const CASES: &[Case] = &[
    case!(
        1,
        "a token is changed",
        |declared| Decision::run_or_refuse(
            declared.update.is_some(),
            Refusal::Operation(Operation::Update)
        ),
        changed
    ),
    case!(
        1,
        "a token is renamed",
        |d| part(d, Refusal::NewName),
        renamed
    ),
    case!(
        1,
        "a description is changed",
        |d| part(d, Refusal::NewDescription),
        described
    ),
    case!(
        5,
        "a suspended token does not work until it is resumed",
        |d| part(d, Refusal::Suspending),
        suspended
    ),
    case!(1, "a change leaves the rest as it was", updates, rest),
    case!(
        1,
        "changing an unknown token is not found",
        updates,
        unknown
    ),
    case!(
        6,
        "a change whose answer is lost is not taken for granted",
        updates,
        lost
    ),
];

fn updates(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.update.is_some(), "it cannot change tokens")
}

fn part(declared: &Capabilities, refusal: Refusal) -> Decision {
    let Some(update) = &declared.update else {
        return Decision::NotApplicable("it cannot change tokens");
    };
    let declared = match refusal {
        Refusal::NewName => update.name,
        Refusal::NewDescription => update.description,
        _ => update.suspension,
    };
    Decision::run_or_refuse(declared, refusal)
}

/// A change that is declared, the most visible first.
fn some_change(scene: &Scene) -> UpdateToken {
    match &scene.capabilities().update {
        Some(update) if update.name => UpdateToken::rename("changed"),
        Some(update) if update.description => UpdateToken::default().with_description("changed"),
        _ => UpdateToken::suspend(),
    }
}

async fn changed(scene: &Scene) -> Verdict {
    let token = scene.living("unchanged").await?;
    let before = scene.read(&token.id).await?;
    let updated = scene.provider().update(&token.id, some_change(scene)).await;
    let updated = succeeded(updated, "a token is changed")?;
    ensure(
        updated.id == token.id,
        "the changed token is the one that was meant",
        format!("{} was meant and {} came back", token.id, updated.id),
    )?;
    let after = scene.read(&token.id).await?;
    ensure(
        after.is_none() || after != before,
        "a change is made and not only reported",
        "the token is as it was",
    )
}

async fn renamed(scene: &Scene) -> Verdict {
    let token = scene.living("before").await?;
    for name in ["after", "quote\"d, 100% naïve \\ 鍵", "not"] {
        let updated = scene
            .provider()
            .update(&token.id, UpdateToken::rename(name))
            .await;
        let updated = succeeded(updated, &format!("a token is renamed to {name:?}"))?;
        let read = scene.read(&token.id).await?.unwrap_or(updated);
        ensure(
            !scene.reports(TokenField::Name) || read.name == Fact::Known(name.to_owned()),
            "a new name is kept exactly",
            format!("{name:?} was asked for and is {:?}", read.name),
        )?;
    }
    scene
        .demand_life(&token.secret, true, "a renamed token")
        .await
}

async fn described(scene: &Scene) -> Verdict {
    let token = scene.living("described").await?;
    let text = "changed: \"now\"";
    let change = UpdateToken::default().with_description(text);
    let updated = succeeded(
        scene.provider().update(&token.id, change).await,
        "a description is changed",
    )?;
    let read = scene.read(&token.id).await?.unwrap_or(updated);
    ensure(
        !scene.reports(TokenField::Description) || read.description == Fact::Known(text.to_owned()),
        "a new description is kept",
        format!("it is {:?}", read.description),
    )
}

async fn suspended(scene: &Scene) -> Verdict {
    let token = scene.living("suspended").await?;
    scene
        .demand_life(&token.secret, true, "a fresh token")
        .await?;
    // Twice each: what is so already may be asked for again.
    for (change, state) in [
        (UpdateToken::suspend(), TokenState::Suspended),
        (UpdateToken::suspend(), TokenState::Suspended),
        (UpdateToken::resume(), TokenState::Active),
        (UpdateToken::resume(), TokenState::Active),
    ] {
        let updated = scene.provider().update(&token.id, change).await;
        let updated = succeeded(updated, "a token is suspended and resumed")?;
        ensure(
            updated.state == state,
            "the new state is told",
            format!(
                "it is {} and not {}",
                updated.state.as_str(),
                state.as_str()
            ),
        )?;
        let works = state == TokenState::Active;
        let what = if works {
            "a resumed token"
        } else {
            "a suspended token"
        };
        scene.demand_life(&token.secret, works, what).await?;
    }
    Ok(())
}

async fn rest(scene: &Scene) -> Verdict {
    let token = scene.living("kept").await?;
    let Some(before) = scene.read(&token.id).await? else {
        return not_applicable("it cannot read tokens");
    };
    let change = some_change(scene);
    succeeded(
        scene.provider().update(&token.id, change.clone()).await,
        "a token is changed",
    )?;
    let Some(mut after) = scene.read(&token.id).await? else {
        return Ok(());
    };
    if change.name.is_some() {
        after.name.clone_from(&before.name);
    }
    if change.description.is_some() {
        after.description.clone_from(&before.description);
    }
    if change.suspension.is_some() {
        after.state = before.state;
    }
    after.updated_at = before.updated_at;
    after.attributes = before.attributes.clone();
    ensure(
        after == before,
        "a change leaves the rest as it was",
        format!("{before:?} became {after:?}"),
    )
}

async fn unknown(scene: &Scene) -> Verdict {
    let token = scene.living("known").await?;
    let id = scene.unknown_id(&token.id).await?;
    let expected = "changing an unknown token is not found";
    let error = failed(
        scene.provider().update(&id, some_change(scene)).await,
        expected,
    )?;
    ensure(
        error.kind() == ErrorKind::NotFound && !error.may_have_applied(),
        expected,
        describe(&error),
    )
}

async fn lost(scene: &Scene) -> Verdict {
    let token = scene.living("perhaps").await?;
    let before = scene.read(&token.id).await?;
    scene.inject(Fault::LoseAnswer).await?;
    match scene.provider().update(&token.id, some_change(scene)).await {
        Ok(_) => {
            let after = scene.read(&token.id).await?;
            ensure(
                after.is_none() || after != before,
                "a change that is called done is done",
                "the token is as it was",
            )
        }
        Err(error) => ensure(
            error.may_have_applied(),
            "a change whose answer is lost may have been carried out",
            describe(&error),
        ),
    }
}
