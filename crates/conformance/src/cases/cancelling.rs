//! Cancelling is safe.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokenfleet_core::{Capabilities, Query, RevokeOptions, TokenProvider, TokenProviderExt};

use super::listing::lists;
use crate::case::case;
use crate::scene::{Scene, ids};
use crate::verdict::{Verdict, ensure, succeeded};
use crate::{Case, Decision};

const GROUP: &str = "cancelling";

/// How often a call is polled before it is dropped, in turn.
const POLLS: [usize; 5] = [0, 1, 2, 3, 5];

pub(super) const CASES: &[Case] = &[
    case!(
        10,
        "a dropped listing leaves the provider usable",
        lists,
        listing
    ),
    case!(
        10,
        "a dropped creation makes at most one token",
        creates,
        creation
    ),
    case!(
        10,
        "a dropped reading leaves the provider usable",
        reads,
        reading
    ),
    case!(
        10,
        "a dropped revocation can be made again",
        revokes,
        revocation
    ),
];

fn creates(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.create.is_some(), "it cannot create")
}

fn reads(declared: &Capabilities) -> Decision {
    Decision::run_if(
        declared.get || declared.verify,
        "it neither reads one token nor verifies",
    )
}

fn revokes(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.revoke.is_some(), "it cannot revoke")
}

/// Polls a future that often, unless it ends before, and drops it.
async fn abandon<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled >= polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn listing(scene: &Scene) -> Verdict {
    scene.plant(4).await?;
    let mut all: Vec<_> = scene
        .fixture()
        .tokens()
        .await
        .into_iter()
        .map(|t| t.id)
        .collect();
    all.sort();
    for polls in POLLS {
        let query = Query::new().page_size(2);
        let _ = abandon(scene.provider().list_all(query.clone()), polls).await;
        let list = scene
            .list(query.clone(), "a listing after a dropped one")
            .await?;
        let mut listed: Vec<_> = list.tokens.into_iter().map(|token| token.id).collect();
        listed.sort();
        ensure(
            listed == all,
            "a listing after a dropped one is whole",
            format!("it holds {}", ids(&listed)),
        )?;
        // One listing, whose calls for the next token are dropped and made again.
        let mut listing = succeeded(scene.provider().list(query), "a listing begins")?;
        let mut listed = Vec::new();
        loop {
            match abandon(listing.next(), polls).await {
                Some(None) => break,
                Some(Some(token)) => listed.push(succeeded(token, "a listing goes on")?.id),
                None => match listing.next().await {
                    None => break,
                    Some(token) => listed.push(succeeded(token, "a listing goes on")?.id),
                },
            }
        }
        listed.sort();
        ensure(
            listed == all,
            "a listing whose calls are dropped on the way loses nothing",
            format!("it holds {}", ids(&listed)),
        )?;
    }
    Ok(())
}

async fn creation(scene: &Scene) -> Verdict {
    for polls in POLLS {
        scene.make_room().await?;
        let before = scene.fixture().tokens().await.len();
        let request = scene.request(&format!("dropped-{polls}"));
        let _ = abandon(scene.provider().create(request), polls).await;
        let made = scene.fixture().tokens().await.len() - before;
        ensure(
            made <= 1,
            "a dropped creation makes at most one token",
            format!("it made {made}"),
        )?;
        scene.make_room().await?;
        let issued = scene
            .create(scene.request(&format!("after-{polls}")))
            .await?;
        scene
            .demand_life(
                &issued.secret,
                true,
                "a token created after a dropped creation",
            )
            .await?;
    }
    Ok(())
}

async fn reading(scene: &Scene) -> Verdict {
    let token = scene.living("read").await?;
    for polls in POLLS {
        if scene.capabilities().get {
            let _ = abandon(scene.provider().get(&token.id), polls).await;
            let read = scene.provider().get(&token.id).await;
            succeeded(read, "reading after a dropped reading")?;
        }
        if scene.capabilities().verify {
            let _ = abandon(scene.provider().verify(&token.secret), polls).await;
            let verified = scene.provider().verify(&token.secret).await;
            succeeded(verified, "verifying after a dropped verification")?;
        }
    }
    Ok(())
}

async fn revocation(scene: &Scene) -> Verdict {
    let consent = RevokeOptions::accept_replacement();
    let by_id = scene
        .capabilities()
        .revoke
        .as_ref()
        .is_some_and(|revoke| revoke.by_id);
    for polls in POLLS {
        let Ok(token) = scene.living(&format!("dropped-{polls}")).await else {
            return Ok(());
        };
        let by = if by_id {
            (&token.id).into()
        } else {
            (&token.secret).into()
        };
        let _ = abandon(scene.provider().revoke(by, consent), polls).await;
        let revoked = scene.provider().revoke(by, consent).await;
        succeeded(revoked, "a dropped revocation is made again")?;
        scene
            .demand_life(&token.secret, false, "a secret that is called revoked")
            .await?;
    }
    Ok(())
}
