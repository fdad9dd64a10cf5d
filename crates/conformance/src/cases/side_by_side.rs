//! Calls that run at the same time.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokenfleet_core::{Capabilities, Liveness, Query, TokenProvider, TokenProviderExt};

use crate::case::case;
use crate::scene::Scene;
use crate::verdict::{Verdict, ensure, succeeded};
use crate::{Case, Decision};

const GROUP: &str = "side by side";

pub(super) const CASES: &[Case] = &[
    case!(
        3,
        "readings at the same time do not disturb each other",
        reads,
        readings
    ),
    case!(
        6,
        "creations at the same time make a token each",
        creates,
        creations
    ),
];

fn reads(declared: &Capabilities) -> Decision {
    let any = declared.list.is_some() || declared.get || declared.verify;
    Decision::run_if(any, "it reads nothing")
}

fn creates(declared: &Capabilities) -> Decision {
    let several = declared
        .create
        .as_ref()
        .is_some_and(|create| create.max_tokens.is_none_or(|most| most > 2));
    Decision::run_if(several, "it cannot create several tokens")
}

type Running<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls all of them in turn until all have ended.
async fn together<T>(mut running: Vec<Running<'_, T>>) -> Vec<T> {
    let mut ended: Vec<Option<T>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, end) in running.iter_mut().zip(&mut ended) {
            if end.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *end = Some(value);
            }
        }
        if ended.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    ended.into_iter().flatten().collect()
}

async fn readings(scene: &Scene) -> Verdict {
    let declared = scene.capabilities().clone();
    let planted = scene.plant(5).await?;
    let provider = scene.provider();
    if declared.list.is_some() {
        let all = scene.fixture().tokens().await.len();
        let sizes = [1, 2, 3, 2];
        let running = sizes.map(|size| -> Running<'_, _> {
            Box::pin(provider.list_all(Query::new().page_size(size)))
        });
        for list in together(running.into()).await {
            let listed = succeeded(list, "a listing beside others")?.tokens;
            let distinct: BTreeSet<_> = listed.iter().map(|token| &token.id).collect();
            ensure(
                listed.len() == all && distinct.len() == all,
                "a listing beside others is whole",
                format!("of {all} tokens {} were listed", distinct.len()),
            )?;
        }
    }
    if declared.get {
        let running = planted
            .iter()
            .map(|token| -> Running<'_, _> { provider.get(&token.id) });
        let read = together(running.collect()).await;
        for (token, read) in planted.iter().zip(read) {
            let read = succeeded(read, "a token is read beside others")?;
            ensure(
                read.id == token.id,
                "every reading gets its own answer",
                format!("{} was asked for and {} came", token.id, read.id),
            )?;
        }
    }
    if declared.verify {
        let made_up = scene.made_up_secret();
        let known: Vec<_> = planted
            .iter()
            .filter_map(|token| token.secret.as_ref())
            .collect();
        let asked: Vec<_> = known
            .iter()
            .flat_map(|secret| [*secret, &made_up])
            .collect();
        let running = asked
            .iter()
            .map(|secret| -> Running<'_, _> { provider.verify(secret) });
        for (number, liveness) in together(running.collect()).await.into_iter().enumerate() {
            let alive =
                succeeded(liveness, "a secret is verified beside others")? == Liveness::Alive;
            ensure(
                alive == (number % 2 == 0),
                "every verification gets its own answer",
                "one got that of another",
            )?;
        }
    }
    Ok(())
}

async fn creations(scene: &Scene) -> Verdict {
    scene.room_for(3).await?;
    let before = scene.fixture().tokens().await.len();
    let provider = scene.provider();
    let running = ["one", "two", "three"]
        .map(|name| -> Running<'_, _> { provider.create(scene.request(name)) });
    let mut secrets = BTreeSet::new();
    for issued in together(running.into()).await {
        let issued = succeeded(issued, "a token is created beside others")?;
        scene
            .demand_life(&issued.secret, true, "the secret of each")
            .await?;
        secrets.insert(issued.secret.expose().to_owned());
    }
    let made = scene.fixture().tokens().await.len() - before;
    ensure(
        made == 3 && secrets.len() == 3,
        "three creations make three tokens",
        format!("they made {made}"),
    )
}
