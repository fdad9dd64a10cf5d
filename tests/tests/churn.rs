//! Law 3 while tokens come and go: seeded listings through the adapters, over platforms that change
//! between any two requests.
//!
//! `TOKENFLEET_WALKS=10000 cargo test --release -p tokenfleet-tests --test churn -- --nocapture`
//! reads more listings and prints what they found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use fastrand::Rng;
use jiff::SignedDuration;
use tokenfleet_core::{
    Completeness, Cursor, Error, Listing, Query, TokenProvider, TokenProviderExt,
};
use tokenfleet_foreman::{Foreman, Release};
use tokenfleet_http::{Body, Transport, TransportError};
use tokenfleet_losant::Losant;
use tokenfleet_simulators::{NewToken, Simulator};
use tokenfleet_tests::{
    InProcess, build, fixed_credential, foreman_config, immediate_retries, losant_config,
};

/// Returns the number of listings of each platform and rate of change.
fn listings() -> u64 {
    let configured = std::env::var("TOKENFLEET_WALKS").ok();
    configured
        .and_then(|listings| listings.parse().ok())
        .unwrap_or(60)
}

/// A transport to a platform that reorders requests and changes its tokens after each.
#[derive(Clone)]
struct ChurningTransport {
    platform: InProcess,
    state: Arc<Mutex<State>>,
    /// `true` if the tokens are counted once they have changed.
    counts_later: bool,
}

struct State {
    random: Rng,
    /// The average number of changes after a request.
    changes: f64,
    /// `true` if tokens are deleted as well.
    deletes: bool,
    alive: Vec<String>,
    /// The tokens that exist throughout the listing.
    lasting: HashSet<String>,
    requests: u64,
    total: u64,
}

impl fmt::Debug for ChurningTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChurningTransport")
    }
}

impl ChurningTransport {
    fn new(
        simulator: &Arc<dyn Simulator>,
        mut random: Rng,
        changes: f64,
        deletes: bool,
        tokens: usize,
    ) -> Self {
        // The acting token may already exist.
        while simulator.token_count() < tokens {
            let name = format!("{:08x}", random.u32(..));
            // Fresh tokens are all read in one page.
            let created = simulator.clock().now() - SignedDuration::from_hours(1);
            simulator.insert(NewToken::named(name).created(created));
        }
        let alive = simulator.ids();
        Self {
            platform: InProcess(Arc::clone(simulator)),
            state: Arc::new(Mutex::new(State {
                random,
                changes,
                deletes,
                lasting: alive.iter().cloned().collect(),
                total: alive.len() as u64,
                alive,
                requests: 0,
            })),
            counts_later: false,
        }
    }

    /// Writes the present number of tokens into a page of Losant.
    fn counted(&self, page: &Bytes) -> Bytes {
        let mut page: serde_json::Value = serde_json::from_slice(page).unwrap();
        page["totalCount"] = self.platform.0.token_count().into();
        page.to_string().into()
    }

    fn pause(&self) -> u8 {
        self.state.lock().unwrap().random.u8(..6)
    }

    fn change(&self) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let simulator = &self.platform.0;
        let certain = state.changes.floor();
        let extra = u32::from(state.random.f64() < state.changes - certain);
        for _ in 0..certain as u32 + extra {
            if state.deletes && state.alive.len() > 1 && state.random.bool() {
                // Not the first, which may be the acting token.
                let at = state.random.usize(1..state.alive.len());
                let id = state.alive.swap_remove(at);
                simulator.remove(&id);
                state.lasting.remove(&id);
            } else {
                let name = format!("{:08x}", state.random.u32(..));
                state.alive.push(simulator.insert(NewToken::named(name)).id);
            }
        }
    }
}

#[async_trait]
impl Transport for ChurningTransport {
    async fn send(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        for _ in 0..self.pause() {
            tokio::task::yield_now().await;
        }
        request.headers_mut().remove(http::header::ACCEPT_ENCODING);
        let mut response = self.platform.dispatch(request).await?;
        let milliseconds = self.state.lock().unwrap().random.i64(1..120);
        let clock = self.platform.0.clock();
        if clock.is_frozen() {
            clock.advance(SignedDuration::from_millis(milliseconds));
        }
        self.change();
        if self.counts_later {
            response = response.map(|page| self.counted(&page));
        }
        self.state.lock().unwrap().requests += 1;
        for _ in 0..self.pause() {
            tokio::task::yield_now().await;
        }
        Ok(response.map(Body::full))
    }
}

/// A platform that is listed.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Losant,
    /// Losant whose ids come in any order within a second (decision 0019).
    LosantOfSeveralServers,
    /// Losant that counts its tokens after it has read a page, when they may have changed (decision
    /// 0077).
    LosantThatCountsLater,
    Foreman(Release),
}

const KINDS: [Kind; 5] = [
    Kind::Losant,
    Kind::LosantOfSeveralServers,
    Kind::LosantThatCountsLater,
    Kind::Foreman(Release::new(3, 1)),
    Kind::Foreman(Release::new(3, 9)),
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Losant => f.write_str("Losant"),
            Self::LosantOfSeveralServers => f.write_str("Losant, servers"),
            Self::LosantThatCountsLater => f.write_str("Losant, counts"),
            Self::Foreman(release) => write!(f, "Foreman {release}"),
        }
    }
}

impl Kind {
    fn start(
        self,
        mut random: Rng,
        changes: f64,
        tokens: usize,
    ) -> (ChurningTransport, Arc<dyn TokenProvider>) {
        let options = match self {
            Self::Losant | Self::LosantThatCountsLater => vec!["tokens=0".to_owned()],
            Self::LosantOfSeveralServers => {
                vec!["tokens=0".to_owned(), "ids=several_servers".to_owned()]
            }
            Self::Foreman(release) => vec!["tokens=0".to_owned(), format!("version={release}")],
        };
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let name = match self {
            Self::Foreman(_) => "foreman",
            _ => "losant",
        };
        let simulator = build(name, &options);
        let deletes = !matches!(self, Self::Foreman(_));
        if matches!(self, Self::LosantOfSeveralServers) {
            age(&simulator, &mut random, tokens);
        }
        let mut churning = ChurningTransport::new(&simulator, random, changes, deletes, tokens);
        churning.counts_later = matches!(self, Self::LosantThatCountsLater);
        let transport: Arc<dyn Transport> = Arc::new(churning.clone());
        let acting = fixed_credential(&simulator.credentials()["token"]);
        let retry = immediate_retries();
        let provider: Arc<dyn TokenProvider> = match self {
            Self::Foreman(release) => {
                let config = foreman_config(&simulator, acting).with_release(release);
                Arc::new(Foreman::new("infra", config, transport).with_retry(retry))
            }
            _ => {
                let config = losant_config(acting);
                Arc::new(Losant::new("iot", config, transport).with_retry(retry))
            }
        };
        (churning, provider)
    }
}

/// Fills a platform with tokens of several seconds, some of them of the present one. From then on
/// its clock stands still but for the time that each request takes.
fn age(simulator: &Arc<dyn Simulator>, random: &mut Rng, tokens: usize) {
    let end = "2026-01-02T03:04:05.500Z".parse().unwrap();
    let a_second = random.usize(1..4);
    simulator.clock().set(end);
    simulator.clock().freeze();
    let fresh = random.usize(..6).min(tokens);
    let seconds = (tokens / a_second) as i64 + 1;
    simulator
        .clock()
        .advance(SignedDuration::from_secs(-seconds));
    for token in (fresh..tokens).take(tokens.saturating_sub(fresh + simulator.token_count())) {
        if token % a_second == 0 {
            simulator.clock().advance(SignedDuration::from_secs(1));
        }
        simulator.insert(NewToken::named(format!("{:08x}", random.u32(..))));
    }
    simulator.clock().set(end);
}

/// The results of several listings.
#[derive(Debug, Default)]
struct Tally {
    listings: u64,
    complete: u64,
    /// The number of partial listings for each reason.
    partial: BTreeMap<String, u64>,
    /// The lasting tokens that complete listings missed.
    missed: u64,
    /// The tokens that complete listings yielded again.
    repeated: u64,
    /// The requests beyond one for each page that the tokens filled at first.
    extra: i64,
}

impl Tally {
    fn count(
        &mut self,
        churning: &ChurningTransport,
        size: u64,
        listed: &[String],
        end: &Result<Completeness, Error>,
    ) {
        let mut times = HashMap::new();
        for id in listed {
            *times.entry(id).or_insert(0_u64) += 1;
        }
        let state = churning.state.lock().unwrap();
        let pages = state.total.div_ceil(size).max(1);
        self.listings += 1;
        self.extra += state.requests as i64 - pages as i64;
        let reason = match end {
            Ok(Completeness::Partial(reason)) => Some(reason.to_string()),
            Ok(_) => None,
            Err(error) if churning.counts_later => Some(error.to_string()),
            Err(error) => panic!("the listing failed: {error}"),
        };
        if let Some(reason) = reason {
            *self.partial.entry(reason).or_default() += 1;
        } else {
            self.complete += 1;
            self.missed += state
                .lasting
                .iter()
                .filter(|id| !times.contains_key(id))
                .count() as u64;
            self.repeated += times.values().map(|times| times - 1).sum::<u64>();
        }
    }

    fn mean_extra(&self) -> f64 {
        self.extra as f64 / self.listings as f64
    }
}

/// Reads a listing to its end; an error ends it as well.
async fn drain(listing: &mut Listing<'_>, listed: &mut Vec<String>) -> Result<Completeness, Error> {
    while let Some(token) = listing.next().await {
        listed.push(token?.id.to_string());
    }
    Ok(listing.completeness().expect("it has ended"))
}

fn random(seed: u64, changes: f64) -> Rng {
    Rng::with_seed(seed ^ changes.to_bits())
}

#[tokio::test(flavor = "current_thread")]
async fn no_complete_listing_misses_or_repeats_a_lasting_token_and_most_are_complete() {
    println!(
        "{:16}{:>9}{:>10}{:>10}{:>8}{:>10}{:>9}{:>16}",
        "platform",
        "changes",
        "listings",
        "complete",
        "missed",
        "repeated",
        "partial",
        "extra requests"
    );
    for kind in KINDS {
        for changes in [0.0, 0.05, 0.3, 1.0, 3.0] {
            let mut tally = Tally::default();
            for seed in 0..listings() {
                let mut random = random(seed, changes);
                let (tokens, size) = match seed % 8 {
                    // Of such large pages only the last tokens are read again.
                    7 => (random.usize(1..4_000), random.u32(200..500)),
                    _ => (random.usize(1..500), random.u32(10..60)),
                };
                let (churning, provider) = kind.start(random, changes, tokens);
                let mut listing = provider.list(Query::new().page_size(size)).unwrap();
                let mut listed = Vec::new();
                let end = drain(&mut listing, &mut listed).await;
                tally.count(&churning, size.into(), &listed, &end);
            }
            let name = kind.to_string();
            println!(
                "{name:16}{changes:>9}{:>10}{:>10}{:>8}{:>10}{:>9}{:>16.2}",
                tally.listings,
                tally.complete,
                tally.missed,
                tally.repeated,
                tally.listings - tally.complete,
                tally.mean_extra(),
            );
            tally
                .partial
                .iter()
                .for_each(|(reason, count)| println!("    {count} partial: {reason}"));
            assert_eq!((tally.missed, tally.repeated), (0, 0), "{kind}: {tally:?}");
            if matches!(kind, Kind::LosantThatCountsLater) {
                // Its counts contradict its pages whenever something changes between them.
                let is_rare = changes <= 0.3;
                assert!(
                    !is_rare || tally.complete * 5 >= tally.listings * 4,
                    "{kind}: {tally:?}"
                );
                continue;
            }
            if changes <= 1.0 {
                assert!(
                    tally.complete * 100 >= tally.listings * 99,
                    "{kind}: {tally:?}"
                );
            }
            if matches!(kind, Kind::LosantOfSeveralServers) {
                assert!(
                    tally.complete * 100 >= tally.listings * 95,
                    "{kind}: {tally:?}"
                );
            }
            if changes == 1.0 {
                assert!(tally.mean_extra() <= 2.0, "{kind}: {tally:?}");
            }
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_listing_resumed_from_anywhere_skips_no_lasting_token() {
    for kind in KINDS {
        for seed in 0..listings() {
            let mut random = random(seed, 1.0);
            let (tokens, size) = match seed % 8 {
                7 => (random.usize(1..2_000), random.u32(200..500)),
                _ => (random.usize(1..200), random.u32(5..40)),
            };
            let cut = random.usize(..=tokens);
            let (churning, provider) = kind.start(random, 1.0, tokens);
            let query = Query::new().page_size(size);
            let mut listed = Vec::new();
            let mut listing = provider.list(query.clone()).unwrap();
            while listed.len() < cut {
                match listing.next().await {
                    Some(Ok(token)) => listed.push(token.id.to_string()),
                    Some(Err(_)) if churning.counts_later => break,
                    Some(Err(error)) => panic!("{kind}, seed {seed}: {error}"),
                    None => break,
                }
            }
            let text = listing.cursor().to_string();
            drop(listing);
            churning.change();
            let cursor: Cursor = text.parse().unwrap();
            let mut rest = provider.list(query).unwrap().resume(&cursor).unwrap();
            let end = drain(&mut rest, &mut listed).await;
            let state = churning.state.lock().unwrap();
            let missed = state
                .lasting
                .iter()
                .filter(|id| !listed.contains(id))
                .count();
            let is_complete = match end {
                Ok(end) => end.is_complete(),
                Err(_) if churning.counts_later => false,
                Err(error) => panic!("{kind}, seed {seed}: {error}"),
            };
            assert!(
                missed == 0 || !is_complete,
                "{kind}, seed {seed}: {missed} missed after {cut}"
            );
        }
    }
}
