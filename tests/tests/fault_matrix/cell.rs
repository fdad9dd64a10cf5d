//! One operation under one fault.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet::Registry;
use tokenfleet_core::{Error, Fate, Liveness, Operation, Secret, TokenId};
use tokenfleet_http::RetryPolicy;
use tokenfleet_simulators::{Action, Fault, Hook, NewToken, Simulator};
use tokenfleet_tests::{
    SharedPlanted, Tap, account, account_options, base_url, build, lock, shown_of,
};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::columns::{Answered, Column, ask};
use crate::rows::Row;
use crate::witness::{Effects, Witness};

/// At which the platform's clock stands still.
const CLOCK: &str = "clock=2026-01-01T00:00:00Z";
/// By then whatever is still under way has arrived.
const ALL_ARRIVED: Duration = Duration::from_secs(600);
/// A call may end so long after its deadline.
const SLACK: Duration = Duration::from_secs(1);
/// Longer than anything here takes, unless it takes for ever.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// After which an operation is stopped: more than any that ends sends.
const MOST_REQUESTS: u64 = 4000;

/// Which requests meet the fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meets {
    Once,
    Always,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// What must not be, and is.
    pub(crate) forbidden: Vec<String>,
}

/// Tries an operation under a fault, at a platform of its own.
pub(crate) async fn try_cell(
    (platform, acting): (&str, &str),
    column: &Column,
    row: &Row,
    meets: Meets,
) -> Cell {
    // The random waits between attempts.
    fastrand::seed(1);
    let mut options = account_options(platform).to_vec();
    options.push(CLOCK);
    if platform == "cloudsmith" && column.operation == Operation::Create {
        options.push("tokens=0");
    }
    let simulator = build(platform, &options);
    let planted = SharedPlanted::default();
    let configuration = account(&simulator, acting, base_url().to_string(), &planted);
    let tap = Tap {
        simulator: Arc::clone(&simulator),
        planted: Arc::clone(&planted),
    };
    let provider = Registry::with_builtin()
        .open(&configuration, Arc::new(tap))
        .unwrap();
    let (id, secret) = target(&*simulator);
    if column.gone {
        simulator.remove(id.as_str());
    }
    let before = simulator.ids();
    let witness = Witness::new(&*simulator);
    witness.watch(&*simulator, fault(column, row, meets));
    let too_many = Arc::new(Notify::new());
    stop_after(MOST_REQUESTS, &*simulator, &too_many);

    let started = Instant::now();
    let asked = ask(provider, column.operation, id.clone(), secret.duplicate());
    // A task of its own: a panic ends only that.
    let task = tokio::spawn(async move {
        tokio::select! {
            biased;
            result = asked => Some(result),
            () = too_many.notified() => None,
        }
    });
    let result = timeout(FOR_EVER, task).await;
    let elapsed = started.elapsed();
    let requests = simulator.log().total();
    sleep(ALL_ARRIVED).await;

    let effects = witness.effects();
    let mut forbidden = Vec::new();
    if effects.count() > 1 {
        forbidden.push(format!("applied more than once:{effects}"));
    }
    if elapsed > RetryPolicy::default().total_timeout + SLACK {
        forbidden.push(format!("took {elapsed:?}"));
    }
    if !column.operation.is_write() && effects.count() > 0 {
        forbidden.push(format!("a read did something:{effects}"));
    }
    let outcome = match result {
        Err(_) => {
            forbidden.push("hangs".to_owned());
            "hangs".to_owned()
        }
        Ok(Err(error)) => {
            forbidden.push(format!("panicked: {error}"));
            "panics".to_owned()
        }
        Ok(Ok(None)) => {
            return Cell {
                text: format!("goes on · {MOST_REQUESTS} req"),
                forbidden,
            };
        }
        Ok(Ok(Some(Err(error)))) => {
            forbidden.extend(hidden(column, &error, effects));
            for token in simulator.tokens() {
                lock(&planted).plant("an existing token", &token.secret);
            }
            lock(&planted).plant("the token", secret.expose());
            forbidden.extend(lock(&planted).found_in(&shown_of(&error)));
            format!("{} · {}", error.kind().as_str(), fate(error.fate())).replace('_', " ")
        }
        Ok(Ok(Some(Ok(answered)))) => {
            let scene = Scene {
                simulator: &*simulator,
                id: &id,
                secret: &secret,
                before: &before,
            };
            if let Some(why) = scene.untrue(column, row, &answered, effects) {
                forbidden.push(why);
            }
            match answered {
                Answered::Done(_) if effects.count() == 0 => "ok, untrue".to_owned(),
                _ => told(&answered).to_owned(),
            }
        }
    };
    Cell {
        text: format!("{outcome} · {requests} req{effects}"),
        forbidden,
    }
}

/// A token that exists, where the platform admits one.
fn target(simulator: &dyn Simulator) -> (TokenId, Secret) {
    let token = match (simulator.provider(), simulator.token_count()) {
        ("cloudsmith", 0) => return (TokenId::new("none"), Secret::new("no-such-secret")),
        ("cloudsmith", _) => simulator.tokens().remove(0),
        _ => {
            let made = simulator.insert(NewToken::named("canary"));
            simulator.token(&made.id).unwrap()
        }
    };
    (TokenId::new(token.id), Secret::new(token.secret))
}

/// Tells when so many requests came.
fn stop_after(requests: u64, simulator: &dyn Simulator, too_many: &Arc<Notify>) {
    let too_many = Arc::clone(too_many);
    let tell = Hook::new(move |_| too_many.notify_one());
    let fault = Fault::new(Action::Run(tell)).after(requests - 1);
    simulator.faults().add(fault);
}

fn fault(column: &Column, row: &Row, meets: Meets) -> Fault {
    let mut actions = row.actions.iter().cloned();
    let fault = Fault::new(actions.next().unwrap());
    let fault = actions.fold(fault, Fault::and);
    let fault = match column.method {
        Some(method) => fault.method(method),
        None => fault,
    };
    match meets {
        Meets::Once => fault,
        Meets::Always => fault.always(),
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::NotSent => "not sent",
        Fate::Rejected => "rejected",
        Fate::MaybeApplied => "maybe",
    }
}

/// Why an error hides what was done.
fn hidden(column: &Column, error: &Error, effects: Effects) -> Option<String> {
    let hides = column.operation.is_write() && error.fate() != Fate::MaybeApplied;
    let done = effects.count() > 0;
    (hides && done).then(|| format!("{} although{effects}", error.fate().as_str()))
}

/// Whether an answer that says nothing is the platform's own word for success, for all that is known.
fn believed(simulator: &dyn Simulator, column: &Column, row: &Row) -> bool {
    simulator.provider() == "mindbody"
        && matches!(column.operation, Operation::Renew | Operation::Revoke)
        && ["200 empty", "200 `{}`", "200 `[]`", "204"].contains(&row.name.as_str())
}

/// What a success says, in a word.
fn told(answered: &Answered) -> &'static str {
    match answered {
        Answered::Listed {
            complete: false, ..
        } => "ok, partial",
        Answered::Listed { .. } | Answered::Read(_) | Answered::Done(_) => "ok",
        Answered::DoneBefore => "ok, before",
        Answered::Verified(Liveness::Alive) => "alive",
        Answered::Verified(Liveness::Dead) => "dead",
        Answered::Verified(_) => "unknown",
    }
}

/// What a success is held against.
struct Scene<'a> {
    simulator: &'a dyn Simulator,
    id: &'a TokenId,
    secret: &'a Secret,
    /// The ids of the tokens that were there at the beginning.
    before: &'a [String],
}

impl Scene<'_> {
    /// Why a success is not true.
    fn untrue(
        &self,
        column: &Column,
        row: &Row,
        answered: &Answered,
        effects: Effects,
    ) -> Option<String> {
        match answered {
            Answered::Listed { ids, complete } => {
                let now = self.simulator.ids();
                let mut throughout = self.before.iter().filter(|id| now.contains(id));
                let missing = throughout.find(|id| !ids.contains(id));
                missing
                    .filter(|_| *complete)
                    .map(|id| format!("complete without {id}"))
            }
            Answered::Read(id) => {
                (*id != self.id.as_str()).then(|| "another token was read".to_owned())
            }
            Answered::Verified(Liveness::Dead) => Some("what is alive is called dead".to_owned()),
            Answered::Verified(_) => None,
            Answered::DoneBefore => {
                (!column.gone).then(|| "said to be done before, and was not".to_owned())
            }
            Answered::Done(_) if effects.count() == 0 => {
                (!believed(self.simulator, column, row)).then(|| "nothing was done".to_owned())
            }
            // What vanishes through a fault may be the very token.
            Answered::Done(_) if row.interferes => None,
            Answered::Done(works) => {
                let accepts = |secret: &Secret| self.simulator.accepts(secret.expose());
                let revoked = column.operation == Operation::Revoke;
                if works.as_ref().is_some_and(|secret| !accepts(secret)) {
                    return Some("the secret that was returned is not accepted".to_owned());
                }
                (revoked && accepts(self.secret)).then(|| "the old secret lives".to_owned())
            }
        }
    }
}
