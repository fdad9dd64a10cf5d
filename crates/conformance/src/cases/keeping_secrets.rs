//! Secrets are seen once.

use tokenfleet_core::{Query, RevokeOptions, Secret, TokenId, TokenProvider, TokenProviderExt};

use crate::case::case;
use crate::scene::Scene;
use crate::verdict::{Verdict, not_applicable};
use crate::{Case, Decision, Fault};

const GROUP: &str = "keeping secrets";

// What is found is noted by the watch, which fails the case.
pub(super) const CASES: &[Case] = &[
    case!(
        7,
        "no acting credential is shown by a provider",
        |_| Decision::Run,
        provider
    ),
    case!(
        7,
        "no secret is shown by tokens, answers or listings",
        |_| Decision::Run,
        answers
    ),
    case!(7, "no secret is shown by errors", |_| Decision::Run, errors),
];

fn show_provider(scene: &Scene) {
    let provider = scene.provider().unwatched();
    let known = scene.known();
    known.inspect(
        "the Debug output of the provider",
        &format!("{provider:?}{provider:#?}"),
    );
    let account = provider.account();
    known.inspect("the account", &format!("{account}{account:?}"));
    known.inspect(
        "the capabilities",
        &format!("{:?}", provider.capabilities()),
    );
}

async fn provider(scene: &Scene) -> Verdict {
    show_provider(scene);
    // Providers keep what they learn: again after some work.
    if let Ok(token) = scene.living("kept").await {
        if scene.capabilities().verify {
            let _ = scene.provider().verify(&token.secret).await;
        }
        if scene.capabilities().rotate {
            let _ = scene.provider().rotate(&token.id).await;
        }
    }
    show_provider(scene);
    Ok(())
}

async fn answers(scene: &Scene) -> Verdict {
    let known = scene.known();
    let declared = scene.capabilities().clone();
    let mut secret_known = false;
    if declared.create.is_some()
        && scene.room_for(1).await.is_ok()
        && let Ok(issued) = scene.provider().create(scene.request("seen once")).await
    {
        known.inspect(
            "the Debug output of an issued token",
            &format!("{issued:?}{issued:#?}"),
        );
        secret_known = true;
    }
    if let Ok(token) = scene.living("kept").await {
        secret_known = true;
        let _ = scene.read(&token.id).await;
        if declared.renew.is_some() {
            let renewed = scene.provider().renew(&token.secret).await;
            known.inspect("the answer to renew", &format!("{renewed:?}"));
        }
    }
    if declared.list.is_some()
        && let Ok(mut listing) = scene.provider().list(Query::new().page_size(1))
    {
        let _ = listing.next().await;
        let cursor = listing.cursor();
        known.inspect("the Debug output of a listing", &format!("{listing:?}"));
        known.inspect("a cursor", &format!("{cursor}{cursor:?}"));
    }
    if secret_known {
        Ok(())
    } else {
        not_applicable("the fixture knows no secret of a token")
    }
}

async fn errors(scene: &Scene) -> Verdict {
    let declared = scene.capabilities().clone();
    let consent = RevokeOptions::accept_replacement();
    let made_up = scene.made_up_secret();
    let living = scene.living("kept").await.ok();
    let secrets: Vec<&Secret> = living
        .iter()
        .map(|token| &token.secret)
        .chain([&made_up])
        .collect();
    let by_secret = declared
        .revoke
        .as_ref()
        .is_some_and(|revoke| revoke.by_secret);
    for fault in [None, Some(Fault::LoseRequest), Some(Fault::LoseAnswer)] {
        for secret in &secrets {
            // Someone who confuses a secret with an id.
            let confused = TokenId::new(secret.expose());
            for step in 0..6 {
                if let Some(fault) = fault {
                    scene.fixture().inject(fault).await;
                }
                let provider = scene.provider();
                match step {
                    0 if declared.verify => drop(provider.verify(secret).await),
                    1 if declared.renew.is_some() => drop(provider.renew(secret).await),
                    2 if by_secret => drop(provider.revoke((*secret).into(), consent).await),
                    3 if declared.get => drop(provider.get(&confused).await),
                    4 if declared.rotate => drop(provider.rotate(&confused).await),
                    5 if declared.list.is_some() => drop(provider.list_all(Query::new()).await),
                    _ => {}
                }
            }
        }
    }
    if let Ok(intruder) = scene.intruder() {
        let _ = intruder.list_all(Query::new()).await;
        if declared.create.is_some() {
            let _ = intruder.create(scene.request("intruding")).await;
        }
        if declared.verify {
            let _ = intruder.verify(&made_up).await;
        }
    }
    Ok(())
}
