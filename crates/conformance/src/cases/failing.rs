//! What a failure says, and what it leaves behind.

use std::future::Future;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    Capabilities, Error, ErrorKind, Fate, Liveness, Operation, Query, Result, RevokeOptions,
    TokenId, TokenProvider, TokenProviderExt, UpdateToken,
};

use super::listing::lists;
use crate::case::case;
use crate::scene::Scene;
use crate::verdict::{Verdict, describe, ensure, fail, failed, not_applicable};
use crate::{Case, Decision, Fault};

const GROUP: &str = "failing";

pub(super) const CASES: &[Case] = &[
    case!(
        6,
        "a wrong credential is called unauthenticated",
        |_| Decision::Run,
        unauthenticated
    ),
    case!(
        9,
        "a wrong credential makes no listing look empty",
        lists,
        not_empty
    ),
    case!(
        5,
        "a wrong credential kills nothing and says so",
        secret_taking,
        no_verdict
    ),
    case!(
        6,
        "an error names the account and the operation",
        |_| Decision::Run,
        named
    ),
    case!(
        6,
        "a lost answer never becomes a wrong one",
        reading,
        lost_reading
    ),
    case!(
        8,
        "a redirect is an error and is not followed",
        |_| Decision::Run,
        redirected
    ),
];

fn secret_taking(declared: &Capabilities) -> Decision {
    let by_secret = declared.verify
        || declared.renew.is_some()
        || declared
            .revoke
            .as_ref()
            .is_some_and(|revoke| revoke.by_secret);
    Decision::run_if(by_secret, "it takes no secrets")
}

fn reading(declared: &Capabilities) -> Decision {
    Decision::run_if(
        declared.get || declared.list.is_some(),
        "it cannot read tokens",
    )
}

fn demand_unauthenticated(operation: Operation, error: &Error) -> Verdict {
    ensure(
        error.kind() == ErrorKind::Unauthenticated && error.fate() == Fate::Rejected,
        &format!("{operation} with a wrong credential is refused as unauthenticated"),
        describe(error),
    )
}

async fn unauthenticated(scene: &Scene) -> Verdict {
    let intruder = scene.intruder()?;
    let declared = scene.capabilities().clone();
    let mut tried = false;
    let expected = "a wrong credential is refused";
    if declared.create.is_some() && scene.room_for(1).await.is_ok() {
        tried = true;
        let created = intruder.create(scene.request("intruding")).await;
        demand_unauthenticated(Operation::Create, &failed(created, expected)?)?;
    }
    if declared.list.is_some() {
        tried = true;
        let page = intruder.list_page(PageRequest::first()).await;
        demand_unauthenticated(Operation::List, &failed(page, expected)?)?;
    }
    // The rest means tokens by ids.
    let Ok(token) = scene.living("guarded").await else {
        return if tried {
            Ok(())
        } else {
            not_applicable("there is nothing to intrude upon")
        };
    };
    let before = scene.fixture().tokens().await;
    for id in [token.id.clone(), TokenId::new("1")] {
        if declared.get {
            tried = true;
            let read = intruder.get(&id).await;
            demand_unauthenticated(Operation::Get, &failed(read, expected)?)?;
        }
        if let Some(update) = &declared.update {
            tried = true;
            let change = if update.name {
                UpdateToken::rename("intruded")
            } else if update.description {
                UpdateToken::default().with_description("intruded")
            } else {
                UpdateToken::suspend()
            };
            let updated = intruder.update(&id, change).await;
            demand_unauthenticated(Operation::Update, &failed(updated, expected)?)?;
        }
        if declared.rotate {
            tried = true;
            let rotated = intruder.rotate(&id).await;
            demand_unauthenticated(Operation::Rotate, &failed(rotated, expected)?)?;
        }
        if declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id) {
            tried = true;
            let consent = RevokeOptions::accept_replacement();
            let revoked = intruder.revoke((&id).into(), consent).await;
            demand_unauthenticated(Operation::Revoke, &failed(revoked, expected)?)?;
        }
    }
    ensure(
        scene.fixture().tokens().await == before,
        "a wrong credential changes nothing",
        "the tokens at the platform changed",
    )?;
    scene
        .demand_life(&token.secret, true, "a token that was not to be touched")
        .await?;
    if tried {
        Ok(())
    } else {
        not_applicable("it does nothing that needs a credential")
    }
}

async fn not_empty(scene: &Scene) -> Verdict {
    let intruder = scene.intruder()?;
    let expected = "a listing with a wrong credential fails";
    let error = failed(intruder.list_all(Query::new()).await, expected)?;
    demand_unauthenticated(Operation::List, &error)
}

async fn no_verdict(scene: &Scene) -> Verdict {
    let intruder = scene.intruder()?;
    let declared = scene.capabilities().clone();
    let token = scene.living("guarded").await?;
    if declared.verify {
        let verified = intruder.verify(&token.secret).await;
        ensure(
            !matches!(verified, Ok(Liveness::Dead)),
            "a living secret is not called dead because the acting credential is wrong",
            "it is",
        )?;
        let verified = intruder.verify(&scene.made_up_secret()).await;
        ensure(
            !matches!(verified, Ok(Liveness::Alive)),
            "a secret that was never issued is not called alive",
            "it is",
        )?;
    }
    // By the secret alone some platforms let it in, so success is no crime; a lie is.
    if declared
        .revoke
        .as_ref()
        .is_some_and(|revoke| revoke.by_secret)
    {
        let consent = RevokeOptions::accept_replacement();
        let revoked = intruder.revoke((&token.secret).into(), consent).await;
        let alive = scene.fixture().accepts(&token.secret).await;
        ensure(
            revoked.is_err() || !alive,
            "a secret that is called revoked is dead",
            "with a wrong credential it is called revoked and lives",
        )?;
    }
    if declared.renew.is_some() {
        let before = scene.truth(&token.id).await;
        let renewed = intruder.renew(&token.secret).await;
        ensure(
            renewed.is_err() || scene.truth(&token.id).await != before,
            "a secret that is called renewed is",
            "with a wrong credential it is called renewed and is not",
        )?;
    }
    Ok(())
}

/// An error that the platform gave, by whatever call provokes one.
async fn provoke(scene: &Scene) -> Verdict<(Operation, Error)> {
    let declared = scene.capabilities().clone();
    let intruder = scene.intruder();
    if declared.get {
        let token = scene.plant(1).await?.remove(0);
        let id = scene.unknown_id(&token.id).await?;
        let read = scene.provider().get(&id).await;
        return Ok((Operation::Get, failed(read, "an unknown id is not found")?));
    }
    let expected = "a wrong credential is refused";
    match intruder {
        Ok(intruder) if declared.list.is_some() => {
            let page = intruder.list_page(PageRequest::first()).await;
            Ok((Operation::List, failed(page, expected)?))
        }
        Ok(intruder) if declared.create.is_some() => {
            let created = intruder.create(scene.request("intruding")).await;
            Ok((Operation::Create, failed(created, expected)?))
        }
        _ => not_applicable("the fixture cannot provoke an error"),
    }
}

async fn named(scene: &Scene) -> Verdict {
    let (operation, error) = provoke(scene).await?;
    ensure(
        error.operation() == Some(operation),
        "an error names the operation",
        format!("{operation} failed and it names {:?}", error.operation()),
    )?;
    ensure(
        error.account() == Some(scene.provider().account()),
        "an error names the account",
        format!("it names {:?}", error.account()),
    )?;
    ensure(
        error.attempts() > 0,
        "an error of a call that was sent counts its requests",
        "it counts none",
    )
}

async fn lost_reading(scene: &Scene) -> Verdict {
    let planted = scene.plant(3).await?;
    let all = scene.fixture().tokens().await.len();
    for fault in [Fault::LoseRequest, Fault::LoseAnswer] {
        if scene.capabilities().list.is_some() {
            scene.inject(fault).await?;
            match scene.provider().list_all(Query::new()).await {
                Ok(list) => ensure(
                    list.tokens.len() == all,
                    "a listing that lost an answer on the way is whole or fails",
                    format!("{} of {all} tokens were listed", list.tokens.len()),
                )?,
                Err(error) => demand_repeatable(&error)?,
            }
        }
        if scene.capabilities().get {
            let id = &planted[0].id;
            scene.inject(fault).await?;
            match scene.provider().get(id).await {
                Ok(token) if token.id == *id => {}
                Ok(_) => return fail("the token of that id is read", "another came"),
                Err(error) => demand_repeatable(&error)?,
            }
        }
    }
    Ok(())
}

/// Everything that it declares, each met by a redirect: one request, an error, and nothing changed.
async fn redirected(scene: &Scene) -> Verdict {
    let declared = scene.capabilities().clone();
    let provider = scene.provider();
    if declared.list.is_some() {
        let page = provider.list_page(PageRequest::first());
        demand_stop(scene, Operation::List, page).await?;
    }
    if declared.create.is_some() && scene.room_for(1).await.is_ok() {
        let create = provider.create(scene.request("redirected"));
        demand_stop(scene, Operation::Create, create).await?;
    }
    let Ok(token) = scene.living("redirected once").await else {
        return Ok(());
    };
    if declared.get {
        demand_stop(scene, Operation::Get, provider.get(&token.id)).await?;
    }
    if declared.rotate {
        demand_stop(scene, Operation::Rotate, provider.rotate(&token.id)).await?;
    }
    if declared.renew.is_some() {
        demand_stop(scene, Operation::Renew, provider.renew(&token.secret)).await?;
    }
    if let Some(revoke) = &declared.revoke {
        let consent = RevokeOptions::accept_replacement();
        let revoked = if revoke.by_id {
            provider.revoke((&token.id).into(), consent)
        } else {
            provider.revoke((&token.secret).into(), consent)
        };
        demand_stop(scene, Operation::Revoke, revoked).await?;
    }
    if declared.verify {
        demand_stop(scene, Operation::Verify, provider.verify(&token.secret)).await?;
    }
    scene
        .demand_life(
            &token.secret,
            true,
            "a token whose every call was redirected",
        )
        .await
}

async fn demand_stop<T>(
    scene: &Scene,
    operation: Operation,
    call: impl Future<Output = Result<T>>,
) -> Verdict {
    let (before, sent) = (scene.fixture().tokens().await, scene.fixture().requests());
    scene.inject(Fault::Redirect).await?;
    failed(
        call.await,
        &format!("{operation} that is redirected is an error"),
    )?;
    let sent = scene.fixture().requests() - sent;
    ensure(
        sent == 1,
        &format!("{operation} follows no redirect"),
        format!("it sent {sent} requests"),
    )?;
    ensure(
        scene.fixture().tokens().await == before,
        &format!("{operation} that is redirected changes nothing"),
        "the tokens at the platform changed",
    )
}

fn demand_repeatable(error: &Error) -> Verdict {
    ensure(
        !error.may_have_applied() && error.is_retryable(),
        "reading whose answer is lost can be repeated, for it changed nothing",
        describe(error),
    )
}
