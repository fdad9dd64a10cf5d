//! Law 10: the future of any operation may be dropped at any await point.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokenfleet_conformance::Fixture;
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    CreateToken, Operation, Query, RevokeOptions, Secret, TokenId, TokenProvider, TokenProviderExt,
    TokenRef, UpdateToken,
};
use tokenfleet_foreman::Release;
use tokenfleet_simulators::{Action, Fault, NewToken};
use tokenfleet_tests::{SimulatedFixture, cloudsmith, foreman, losant, mindbody};

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// More than an account has places for requests under way: a place that is not given back is missed.
const ROUNDS: usize = 40;

/// The operation on a token of its own, whatever becomes of it.
async fn begin(fixture: &SimulatedFixture, operation: Operation, round: usize) -> Ending {
    let provider = fixture.provider();
    let simulator = fixture.simulator();
    let name = format!("{operation}-{round}");
    let request = match simulator.provider() {
        "losant" | "foreman" => CreateToken::new(name.as_str()),
        _ => CreateToken::unnamed(),
    };
    let (id, secret) = match simulator.provider() {
        "mindbody" if operation != Operation::Create => {
            let issued = provider.create(request.clone()).await.unwrap();
            (issued.token.id, issued.secret)
        }
        "cloudsmith" => {
            // It holds one token: whatever was left of it, there is one now.
            let tokens = provider.list_all(Query::new()).await.unwrap().tokens;
            let id = match tokens.into_iter().next() {
                Some(token) => token.id,
                None => provider.create(request.clone()).await.unwrap().token.id,
            };
            (id, Secret::new("unknown-1f2e3d4c"))
        }
        _ => {
            let made = simulator.insert(NewToken::named(format!("{name}-old")));
            (TokenId::new(made.id), Secret::new(made.secret))
        }
    };
    Box::pin(async move {
        let by_secret = provider
            .capabilities()
            .revoke
            .as_ref()
            .is_some_and(|revoke| revoke.by_secret);
        let token = match by_secret {
            true => TokenRef::Secret(&secret),
            false => TokenRef::Id(&id),
        };
        // What comes of it does not matter here.
        let _ = match operation {
            Operation::List => provider.list_page(PageRequest::first()).await.map(drop),
            Operation::Get => provider.get(&id).await.map(drop),
            Operation::Create => provider.create(request).await.map(drop),
            Operation::Update => provider.update(&id, UpdateToken::suspend()).await.map(drop),
            Operation::Rotate => provider.rotate(&id).await.map(drop),
            Operation::Renew => provider.renew(&secret).await.map(drop),
            Operation::Revoke => provider
                .revoke(token, RevokeOptions::accept_replacement())
                .await
                .map(drop),
            _ => provider.verify(&secret).await.map(drop),
        };
    })
}

/// Polls so often, then drops; `true` when it ended before.
async fn drop_after(polls: usize, mut future: Ending) -> bool {
    for _ in 0..polls {
        let ended =
            std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready()))
                .await;
        if ended {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    false
}

/// That a call still gets through.
async fn is_usable(provider: &Arc<dyn TokenProvider>) {
    let call = async {
        match provider.capabilities().supports(Operation::List) {
            true => provider.list_page(PageRequest::first()).await.map(drop),
            false => provider.create(CreateToken::unnamed()).await.map(drop),
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(100), call).await;
    answer.expect("it does not hang").expect("it is answered");
}

async fn drop_everywhere(fixture: SimulatedFixture) {
    for action in [
        Action::Delay(Duration::from_millis(2)),
        Action::DelayAnswer(Duration::from_millis(2)),
    ] {
        fixture
            .simulator()
            .faults()
            .add(Fault::new(action).always());
    }
    let provider = fixture.provider();
    for operation in Operation::ALL {
        if !provider.capabilities().supports(operation) {
            continue;
        }
        let (mut polls, mut ended) = (0, false);
        for round in 0..ROUNDS {
            ended |= drop_after(polls, begin(&fixture, operation, round).await).await;
            polls = if ended { round % 4 } else { polls + 1 };
        }
        assert!(ended, "{operation} was dropped at each of its await points");
        is_usable(&provider).await;
    }
}

#[tokio::test(start_paused = true)]
async fn losant_can_be_dropped_anywhere() {
    drop_everywhere(losant(&["tokens=1"])).await;
}

#[tokio::test(start_paused = true)]
async fn foreman_can_be_dropped_anywhere() {
    drop_everywhere(foreman(&["tokens=1"], Some(Release::new(3, 9)))).await;
}

#[tokio::test(start_paused = true)]
async fn cloudsmith_can_be_dropped_anywhere() {
    drop_everywhere(cloudsmith(&["tokens=1", "rate_limit=none"], true)).await;
}

#[tokio::test(start_paused = true)]
async fn mindbody_can_be_dropped_anywhere() {
    drop_everywhere(mindbody(&[], false)).await;
}
