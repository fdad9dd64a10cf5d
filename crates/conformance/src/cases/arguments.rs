//! Arguments for a token to be made are kept or refused, never dropped.

use std::time::Duration;

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Capabilities, Fact, IssuedToken, TokenId, TokenProvider, TokenState, UpdateToken,
};

use crate::case::case;
use crate::refusal::Refusal;
use crate::scene::{Scene, tells};
use crate::verdict::{Verdict, ensure, not_applicable, succeeded};
use crate::{Case, Decision};

const GROUP: &str = "arguments";

pub(super) const CASES: &[Case] = &[
    case!(
        1,
        "a chosen expiry is the expiry",
        |d| argument(d, Refusal::Expiry),
        expiry
    ),
    case!(
        9,
        "a token asked never to expire never does",
        |d| argument(d, Refusal::NeverExpiring),
        never
    ),
    case!(
        1,
        "a description is kept",
        |d| argument(d, Refusal::Description),
        description
    ),
    case!(
        1,
        "scopes are kept",
        |d| argument(d, Refusal::Scopes),
        scopes
    ),
    case!(
        1,
        "a token made suspended works only when resumed",
        |d| argument(d, Refusal::Suspended),
        suspended
    ),
];

fn argument(declared: &Capabilities, refusal: Refusal) -> Decision {
    let Some(create) = &declared.create else {
        return Decision::NotApplicable("it cannot create");
    };
    let taken = match refusal {
        Refusal::Expiry => create.expiry,
        Refusal::NeverExpiring => create.never_expiring,
        Refusal::Description => create.description,
        Refusal::Scopes => create.scopes,
        _ => create.suspended,
    };
    Decision::run_or_refuse(taken, refusal)
}

async fn expiry(scene: &Scene) -> Verdict {
    let at = scene.in_days(40);
    let issued = scene
        .create(scene.request("expiring").with_expiry(at))
        .await?;
    if scene.reports(TokenField::Expiry) {
        ensure(
            tells(issued.token.expiry, at),
            "the returned token has the expiry that was asked for",
            format!("{at} was asked for and {:?} is told", issued.token.expiry),
        )?;
        let read = scene.read(&issued.token.id).await?;
        ensure(
            read.is_none_or(|read| tells(read.expiry, at)),
            "the token has the expiry that was asked for",
            "reading it shows another",
        )?;
    }
    demand_truth(scene, &issued, at).await?;
    scene
        .demand_life(&issued.secret, true, "a token before its expiry")
        .await?;
    if scene
        .fixture()
        .advance(Duration::from_secs(41 * 86_400))
        .await
    {
        scene
            .demand_life(&issued.secret, false, "a token after its expiry")
            .await?;
    }
    Ok(())
}

async fn demand_truth(
    scene: &Scene,
    issued: &IssuedToken,
    at: tokenfleet_core::Timestamp,
) -> Verdict {
    match scene
        .truth(&issued.token.id)
        .await
        .map(|truth| truth.expiry)
    {
        Some(truth @ (Fact::Known(_) | Fact::Absent)) => ensure(
            tells(truth, at),
            "the token at the platform has the expiry that was asked for",
            format!("{at} was asked for and it is {truth:?}"),
        ),
        _ => Ok(()),
    }
}

async fn never(scene: &Scene) -> Verdict {
    let issued = scene
        .create(scene.request("eternal").without_expiry())
        .await?;
    if scene.reports(TokenField::Expiry) {
        ensure(
            issued.token.expiry == Fact::Absent,
            "a token that never expires is told to never expire",
            format!("it is {:?}", issued.token.expiry),
        )?;
    }
    if scene
        .fixture()
        .advance(Duration::from_secs(3_650 * 86_400))
        .await
    {
        scene
            .demand_life(
                &issued.secret,
                true,
                "a token that never expires, ten years later,",
            )
            .await?;
    }
    Ok(())
}

async fn description(scene: &Scene) -> Verdict {
    let text = "used by \"nightly\" builds, 100% of them";
    let issued = scene
        .create(scene.request("described").with_description(text))
        .await?;
    let read = scene.read(&issued.token.id).await?.unwrap_or(issued.token);
    ensure(
        !scene.reports(TokenField::Description) || read.description == Fact::Known(text.to_owned()),
        "a description is kept",
        format!("it is {:?}", read.description),
    )
}

async fn scopes(scene: &Scene) -> Verdict {
    let mut wanted = scene.fixture().scopes();
    let Some(first) = wanted.first().cloned() else {
        return not_applicable("the fixture names no scopes");
    };
    let issued = scene
        .create(scene.request("scoped").with_scope(first.clone()))
        .await?;
    demand_scopes(scene, &issued.token.id, vec![first]).await?;
    let mut request = scene.request("scoped again");
    request.scopes = Some(wanted.clone());
    scene.room_for(1).await?;
    let issued = scene.create(request).await?;
    wanted.sort();
    demand_scopes(scene, &issued.token.id, wanted).await
}

async fn demand_scopes(scene: &Scene, id: &TokenId, wanted: Vec<String>) -> Verdict {
    let read = scene.read(id).await?.map(|token| token.scopes);
    let Some(Fact::Known(scopes)) = read else {
        return Ok(());
    };
    let mut scopes = scopes.to_vec();
    scopes.sort();
    ensure(
        scopes == wanted,
        "scopes are kept",
        format!("{wanted:?} were asked for and {scopes:?} are there"),
    )
}

async fn suspended(scene: &Scene) -> Verdict {
    let issued = scene
        .create(scene.request("suspended").with_suspended())
        .await?;
    scene
        .demand_life(&issued.secret, false, "a token made suspended")
        .await?;
    let id = &issued.token.id;
    let read = scene.read(id).await?.unwrap_or(issued.token.clone());
    ensure(
        read.state == TokenState::Suspended,
        "a token made suspended is shown as suspended",
        format!("it is {}", read.state.as_str()),
    )?;
    if scene
        .capabilities()
        .update
        .as_ref()
        .is_some_and(|update| update.suspension)
    {
        let resumed = scene.provider().update(id, UpdateToken::resume()).await;
        succeeded(resumed, "a suspended token is resumed")?;
        scene
            .demand_life(&issued.secret, true, "a resumed token")
            .await?;
    }
    Ok(())
}
