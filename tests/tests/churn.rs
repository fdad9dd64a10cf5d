//! Law 3 while tokens come and go: seeded walks through the adapters over platforms that change between any two
//! requests.
//!
//! `TOKENFLEET_WALKS=10000 cargo test --release -p tokenfleet-tests --test churn -- --nocapture` walks longer and prints
//! what the walks found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use fastrand::Rng;
use tokenfleet_core::{Completeness, Cursor, Listing, Query, TokenProvider, TokenProviderExt};
use tokenfleet_foreman::{Foreman, ForemanConfig, Release};
use tokenfleet_http::{Body, Transport, TransportError};
use tokenfleet_losant::{Losant, LosantConfig};
use tokenfleet_simulators::{NewToken, Simulator};

use tokenfleet_tests::{InProcess, base_url, build, fixed, retry};

/// How many walks there are of each kind.
fn walks() -> u64 {
    let asked_for = std::env::var("TOKENFLEET_WALKS").ok();
    asked_for.and_then(|walks| walks.parse().ok()).unwrap_or(60)
}

/// A platform whose tokens change after each request, and which serves requests in any order.
#[derive(Clone)]
struct Churning {
    platform: InProcess,
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Rng,
    /// How many changes there are after a request, on average.
    changes: f64,
    /// Whether tokens can vanish.
    deletes: bool,
    alive: Vec<String>,
    /// Those that were there from the beginning.
    lasting: HashSet<String>,
    requests: u64,
    total: u64,
}

impl fmt::Debug for Churning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Churning")
    }
}

impl Churning {
    fn new(
        simulator: &Arc<dyn Simulator>,
        mut dice: Rng,
        changes: f64,
        deletes: bool,
        tokens: usize,
    ) -> Self {
        // One that we act with may be there already.
        while simulator.token_count() < tokens {
            let name = format!("{:08x}", dice.u32(..));
            simulator.insert(NewToken::named(name));
        }
        let alive = simulator.ids();
        Self {
            platform: InProcess(Arc::clone(simulator)),
            state: Arc::new(Mutex::new(State {
                dice,
                changes,
                deletes,
                lasting: alive.iter().cloned().collect(),
                total: alive.len() as u64,
                alive,
                requests: 0,
            })),
        }
    }

    fn pause(&self) -> u8 {
        self.state.lock().unwrap().dice.u8(..6)
    }

    fn change(&self) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let simulator = &self.platform.0;
        let certain = state.changes.floor();
        let perhaps = u32::from(state.dice.f64() < state.changes - certain);
        for _ in 0..certain as u32 + perhaps {
            if state.deletes && state.alive.len() > 1 && state.dice.bool() {
                // Not the first: it may be the one that we act with.
                let at = state.dice.usize(1..state.alive.len());
                let id = state.alive.swap_remove(at);
                simulator.remove(&id);
                state.lasting.remove(&id);
            } else {
                let name = format!("{:08x}", state.dice.u32(..));
                state.alive.push(simulator.insert(NewToken::named(name)).id);
            }
        }
    }
}

#[async_trait]
impl Transport for Churning {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        for _ in 0..self.pause() {
            tokio::task::yield_now().await;
        }
        let response = self.platform.send(request).await;
        self.change();
        self.state.lock().unwrap().requests += 1;
        for _ in 0..self.pause() {
            tokio::task::yield_now().await;
        }
        response
    }
}

/// A platform that is walked over.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Losant,
    Foreman(Release),
}

const KINDS: [Kind; 3] = [
    Kind::Losant,
    Kind::Foreman(Release::new(3, 1)),
    Kind::Foreman(Release::new(3, 9)),
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Losant => f.write_str("Losant"),
            Self::Foreman(release) => write!(f, "Foreman {release}"),
        }
    }
}

impl Kind {
    fn begin(self, dice: Rng, changes: f64, tokens: usize) -> (Churning, Arc<dyn TokenProvider>) {
        let options = match self {
            Self::Losant => vec!["tokens=0".to_owned()],
            Self::Foreman(release) => vec!["tokens=0".to_owned(), format!("version={release}")],
        };
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let name = match self {
            Self::Losant => "losant",
            Self::Foreman(_) => "foreman",
        };
        let simulator = build(name, &options);
        let deletes = matches!(self, Self::Losant);
        let churning = Churning::new(&simulator, dice, changes, deletes, tokens);
        let transport: Arc<dyn Transport> = Arc::new(churning.clone());
        let credentials = simulator.credentials();
        let acting = fixed(&credentials["token"]);
        let provider: Arc<dyn TokenProvider> = match self {
            Self::Losant => {
                let config = LosantConfig::new(acting).with_base_url(base_url());
                Arc::new(Losant::new("iot", config, transport).with_retry(retry()))
            }
            Self::Foreman(release) => {
                let (login, user) = (&credentials["login"], credentials["user_id"].parse());
                let config = ForemanConfig::new(base_url(), login, acting, user.unwrap())
                    .with_release(release);
                Arc::new(Foreman::new("infra", config, transport).with_retry(retry()))
            }
        };
        (churning, provider)
    }
}

/// What became of the walks of one kind.
#[derive(Debug, Default)]
struct Tally {
    walks: u64,
    complete: u64,
    /// How many were not, and why.
    partial: BTreeMap<String, u64>,
    /// Lasting tokens that were not handed out, of complete walks.
    missed: u64,
    /// Tokens that were handed out again, of complete walks.
    repeated: u64,
    /// Requests beyond one for each page that the tokens filled at first.
    extra: i64,
}

impl Tally {
    fn count(&mut self, churning: &Churning, size: u64, listed: &[String], end: &Completeness) {
        let mut times = HashMap::new();
        for id in listed {
            *times.entry(id).or_insert(0_u64) += 1;
        }
        let state = churning.state.lock().unwrap();
        let pages = state.total.div_ceil(size).max(1);
        self.walks += 1;
        self.extra += state.requests as i64 - pages as i64;
        if let Completeness::Partial(reason) = end {
            *self.partial.entry(reason.to_string()).or_default() += 1;
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
        self.extra as f64 / self.walks as f64
    }
}

async fn drain(listing: &mut Listing<'_>, listed: &mut Vec<String>) -> Completeness {
    while let Some(token) = listing.next().await {
        listed.push(token.expect("the walk goes on").id.to_string());
    }
    listing.completeness().expect("it has ended")
}

fn dice(seed: u64, changes: f64) -> Rng {
    Rng::with_seed(seed ^ changes.to_bits())
}

#[tokio::test(flavor = "current_thread")]
async fn no_lasting_token_is_missed_or_repeated_by_a_complete_walk_and_most_are_complete() {
    println!(
        "{:14}{:>9}{:>8}{:>10}{:>8}{:>10}{:>9}{:>16}",
        "platform",
        "changes",
        "walks",
        "complete",
        "missed",
        "repeated",
        "partial",
        "extra requests"
    );
    for kind in KINDS {
        for changes in [0.0, 0.05, 0.3, 1.0, 3.0] {
            let mut tally = Tally::default();
            for seed in 0..walks() {
                let mut dice = dice(seed, changes);
                let (tokens, size) = match seed % 8 {
                    // Of such pages only the last tokens are looked at again.
                    7 => (dice.usize(1..4_000), dice.u32(200..500)),
                    _ => (dice.usize(1..500), dice.u32(10..60)),
                };
                let (churning, provider) = kind.begin(dice, changes, tokens);
                let mut listing = provider.list(Query::new().page_size(size)).unwrap();
                let mut listed = Vec::new();
                let complete = drain(&mut listing, &mut listed).await;
                tally.count(&churning, size.into(), &listed, &complete);
            }
            let name = kind.to_string();
            println!(
                "{name:14}{changes:>9}{:>8}{:>10}{:>8}{:>10}{:>9}{:>16.2}",
                tally.walks,
                tally.complete,
                tally.missed,
                tally.repeated,
                tally.walks - tally.complete,
                tally.mean_extra(),
            );
            tally
                .partial
                .iter()
                .for_each(|(reason, walks)| println!("    {walks} partial: {reason}"));
            assert_eq!((tally.missed, tally.repeated), (0, 0), "{kind}: {tally:?}");
            if changes <= 1.0 {
                assert!(
                    tally.complete * 100 >= tally.walks * 99,
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
async fn a_walk_that_is_cut_anywhere_goes_on_and_skips_no_lasting_token() {
    for kind in KINDS {
        for seed in 0..walks() {
            let mut dice = dice(seed, 1.0);
            let (tokens, size) = match seed % 8 {
                7 => (dice.usize(1..2_000), dice.u32(200..500)),
                _ => (dice.usize(1..200), dice.u32(5..40)),
            };
            let cut = dice.usize(..=tokens);
            let (churning, provider) = kind.begin(dice, 1.0, tokens);
            let query = Query::new().page_size(size);
            let mut listed = Vec::new();
            let mut listing = provider.list(query.clone()).unwrap();
            while listed.len() < cut {
                match listing.next().await {
                    Some(token) => listed.push(token.unwrap().id.to_string()),
                    None => break,
                }
            }
            let text = listing.cursor().to_string();
            drop(listing);
            churning.change();
            let cursor: Cursor = text.parse().unwrap();
            let mut rest = provider.list(query).unwrap().resume(&cursor).unwrap();
            let complete = drain(&mut rest, &mut listed).await;
            let state = churning.state.lock().unwrap();
            let missed = state
                .lasting
                .iter()
                .filter(|id| !listed.contains(id))
                .count();
            assert!(
                missed == 0 || !complete.is_complete(),
                "{kind}, seed {seed}: {missed} missed after {cut}"
            );
        }
    }
}
