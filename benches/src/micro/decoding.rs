//! The decoding of bytes to tokens.

use std::rc::Rc;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use tokenfleet::adapter::PageRequest;
use tokenfleet::foreman::{Foreman, ForemanConfig, Release};
use tokenfleet::losant::{Losant, LosantConfig};
use tokenfleet::transport::BaseUrl;
use tokenfleet::{Credential, Query, Result, Secret, TokenProvider, TokenProviderExt};
use tokenfleet_simulators::{Simulator, foreman, losant};
use tokio::runtime::Runtime;

use super::replay::Replay;
use super::{Amount, Micro, Prepare};
use crate::by_hand;

const PAGE: u32 = 1_000;
const LISTING: u32 = 10_000;

pub(super) const ALL: [(&str, Prepare); 8] = [
    ("decode a page of Losant", |runtime| {
        page(&losant(PAGE), runtime)
    }),
    ("decode a page of Losant by hand", |runtime| {
        bytes_into::<by_hand::losant::Page>(&losant(PAGE), runtime)
    }),
    ("skip a page of Losant", |runtime| {
        bytes_into::<IgnoredAny>(&losant(PAGE), runtime)
    }),
    ("decode a page of Foreman", |runtime| {
        page(&foreman(PAGE), runtime)
    }),
    ("decode a page of Foreman by hand", |runtime| {
        bytes_into::<by_hand::foreman::Page>(&foreman(PAGE), runtime)
    }),
    ("skip a page of Foreman", |runtime| {
        bytes_into::<IgnoredAny>(&foreman(PAGE), runtime)
    }),
    ("list 10 pages of Losant", |runtime| {
        listing(&losant(LISTING), runtime)
    }),
    ("list 10 pages of Foreman", |runtime| {
        listing(&foreman(LISTING), runtime)
    }),
];

/// A platform with a number of tokens.
struct Platform {
    tokens: u32,
    replay: Arc<Replay>,
    provider: Arc<dyn TokenProvider>,
}

fn losant(tokens: u32) -> Platform {
    let simulator = losant::Losant::new(losant::Options {
        tokens: tokens as usize,
        ..losant::Options::default()
    })
    .to_arc();
    let config = LosantConfig::new(credential(&*simulator, "token")).with_base_url(base_url());
    let replay = Replay::new(simulator);
    let provider = Arc::new(Losant::new("bench", config, replay.clone()));
    Platform {
        tokens,
        replay,
        provider,
    }
}

fn foreman(tokens: u32) -> Platform {
    let simulator = foreman::Foreman::new(foreman::Options {
        tokens: tokens as usize,
        ..foreman::Options::default()
    })
    .to_arc();
    let credentials = simulator.credentials();
    let user_id = credentials["user_id"].parse().unwrap_or_default();
    let token = credential(&*simulator, "token");
    let config = ForemanConfig::new(base_url(), credentials["login"].clone(), token, user_id)
        .with_release(Release::new(3, 9));
    let replay = Replay::new(simulator);
    let provider = Arc::new(Foreman::new("bench", config, replay.clone()));
    Platform {
        tokens,
        replay,
        provider,
    }
}

/// Returns an address on which nothing listens.
pub(super) fn base_url() -> BaseUrl {
    BaseUrl::parse("http://127.0.0.1:9").expect("a loopback address")
}

fn credential(simulator: &dyn Simulator, name: &str) -> Credential {
    Credential::from_secret(Secret::new(simulator.credentials()[name].clone()))
}

/// Measures one page through the adapter: the request, the checked response and the normalized
/// tokens.
fn page(platform: &Platform, runtime: &Rc<Runtime>) -> Micro {
    let (provider, runtime) = (platform.provider.clone(), Rc::clone(runtime));
    let (request, tokens) = (PageRequest::first().size(PAGE), platform.tokens);
    Micro::new(Amount::Tokens(tokens.into()), move || {
        let page = runtime.block_on(provider.list_page(request.clone()));
        let page = page.expect("the simulator responds");
        assert_eq!(page.tokens.len(), tokens as usize);
    })
}

/// Measures the decoding of the bytes of that page into another type.
fn bytes_into<T: DeserializeOwned>(platform: &Platform, runtime: &Rc<Runtime>) -> Micro {
    let mut once = page(platform, runtime);
    once.run();
    let body = platform.replay.body();
    Micro::new(once.amount, move || {
        let page: T = serde_json::from_slice(&body).expect("the simulator sends JSON");
        std::hint::black_box(page);
    })
}

/// Measures a listing as applications read it.
fn listing(platform: &Platform, runtime: &Rc<Runtime>) -> Micro {
    let (provider, runtime) = (platform.provider.clone(), Rc::clone(runtime));
    let tokens = u64::from(platform.tokens);
    Micro::new(Amount::Tokens(tokens), move || {
        let read = runtime.block_on(read_all(&*provider));
        assert_eq!(read.expect("the simulator responds"), tokens);
    })
}

async fn read_all(provider: &dyn TokenProvider) -> Result<u64> {
    let mut listing = provider.list(Query::new().page_size(PAGE))?;
    let mut read = 0;
    while let Some(token) = listing.next().await {
        std::hint::black_box(token?);
        read += 1;
    }
    Ok(read)
}
