//! A single operation under a single fault.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{Error, ErrorKind, Fate, Liveness, Operation, Secret, TokenProvider};
use tokenfleet_http::{ReqwestTransport, RetryPolicy};
use tokenfleet_simulators::{Action, Fault, Hook, Server, Simulator};
use tokenfleet_tests::{CanaryAccount, build, printed_error, simulator_options};
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::columns::{Column, Outcome, run};
use crate::effects::{EffectObserver, Effects};
use crate::rows::Row;

/// The time at which the platform's clock stands still.
const CLOCK: &str = "clock=2026-01-01T00:00:00Z";
/// The time after which every request in flight has arrived.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(600);
/// The time by which an operation may exceed its deadline.
const SLACK: Duration = Duration::from_secs(1);
/// A time longer than anything here takes, unless it hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// The number of requests after which an operation is stopped: more than any that ends sends.
const MAX_REQUESTS: u64 = 4000;

/// The requests that meet the fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Occurrence {
    Once,
    Always,
}

/// The result of an operation under a fault.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// The violations found, each of which fails the test.
    pub(crate) violations: Vec<String>,
}

/// Tries an operation under a fault, at a platform of its own.
pub(crate) async fn try_cell(
    (platform, acting): (&str, &str),
    column: &Column,
    row: &Row,
    occurrence: Occurrence,
) -> Cell {
    // Makes the random waits between attempts reproducible.
    fastrand::seed(1);
    let mut options = simulator_options(platform, acting).to_vec();
    options.push(CLOCK);
    if platform == "cloudsmith" && column.operation == Operation::Create {
        options.push("tokens=0");
    }
    let simulator = build(platform, &options);
    if !row.needs_connections() {
        let account = CanaryAccount::new(simulator, acting);
        return try_with(&account, column, row, occurrence, ARRIVAL_TIMEOUT).await;
    }
    // Connections take real time.
    let try_over_sockets = async || {
        let server = Server::start_shared(simulator, "127.0.0.1:0").await;
        let server = server.unwrap();
        let transport = Arc::new(ReqwestTransport::new().unwrap());
        let simulator = Arc::clone(server.simulator());
        let account = CanaryAccount::over(simulator, acting, transport, server.url());
        try_with(&account, column, row, occurrence, Duration::ZERO).await
    };
    thread::scope(|scope| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let cell = scope.spawn(move || runtime.block_on(try_over_sockets()));
        cell.join().unwrap()
    })
}

/// Tries an operation at this account.
async fn try_with(
    account: &CanaryAccount,
    column: &Column,
    row: &Row,
    occurrence: Occurrence,
    arrival_timeout: Duration,
) -> Cell {
    let simulator = &*account.simulator;
    if column.gone {
        simulator.remove(account.token.id.as_str());
    }
    let before = simulator.ids();
    let observer = EffectObserver::new(simulator);
    observer.observe(simulator, fault(column, row, occurrence));
    let too_many = Arc::new(Notify::new());
    notify_after(MAX_REQUESTS, simulator, &too_many);

    if row.needs_connections() && account.provider.capabilities().list.is_some() {
        // A response too many can only be left on a connection by an earlier request.
        let _ = account.provider.list_page(PageRequest::first()).await;
    }
    let started = Instant::now();
    let target = account.token.duplicate();
    let operation = run(Arc::clone(&account.provider), column.operation, target);
    // In a task of its own, a panic ends only the operation.
    let task = tokio::spawn(async move {
        tokio::select! {
            biased;
            result = operation => Some(result),
            () = too_many.notified() => None,
        }
    });
    let result = timeout(HANG_TIMEOUT, task).await;
    let elapsed = started.elapsed();
    let requests = simulator.log().total();
    sleep(arrival_timeout).await;

    let effects = observer.effects();
    let mut violations = Vec::new();
    let is_undone = column.operation == Operation::Create && effects.is_undone_creation();
    if effects.count() > 1 && !is_undone {
        violations.push(format!("applied more than once:{effects}"));
    }
    if elapsed > RetryPolicy::default().total_timeout + SLACK {
        violations.push(format!("took {elapsed:?}"));
    }
    if !column.operation.is_write() && effects.count() > 0 {
        violations.push(format!("a read had an effect:{effects}"));
    }
    let outcome = match result {
        Err(_) => {
            violations.push("hangs".to_owned());
            "hangs".to_owned()
        }
        Ok(Err(error)) => {
            violations.push(format!("panicked: {error}"));
            "panics".to_owned()
        }
        Ok(Ok(None)) => {
            violations.push(format!("sent {MAX_REQUESTS} requests without an end"));
            "endless".to_owned()
        }
        Ok(Ok(Some(Err(error)))) => {
            violations.extend(hidden_effect(column, &error, effects));
            let proves_nothing = row.by_gateway
                || (row.is_refused_by_platform() && matches!(occurrence, Occurrence::Always));
            if proves_nothing && error.kind() == ErrorKind::NotFound {
                violations.push("a refusal that proves nothing became \"not found\"".to_owned());
            }
            violations.extend(account.leaks_in(&printed_error(&error)));
            let (kind, fate) = (error.kind().as_str(), fate_name(error.fate()));
            format!("{kind} · {fate}").replace('_', " ")
        }
        Ok(Ok(Some(Ok(outcome)))) => {
            let case = Case {
                account,
                column,
                row,
                before: &before,
                occurrence,
            };
            violations.extend(case.falsehood(&outcome, effects));
            match outcome {
                Outcome::Applied(_) if effects.count() == 0 => "ok, no effect".to_owned(),
                _ => outcome_name(&outcome).to_owned(),
            }
        }
    };
    Cell {
        text: format!("{outcome} · {requests} req{effects}"),
        violations,
    }
}

/// Notifies after this many requests.
fn notify_after(requests: u64, simulator: &dyn Simulator, too_many: &Arc<Notify>) {
    let too_many = Arc::clone(too_many);
    let notify = Hook::new(move |_| too_many.notify_one());
    let fault = Fault::new(Action::Run(notify)).after(requests - 1);
    simulator.faults().add(fault);
}

fn fault(column: &Column, row: &Row, occurrence: Occurrence) -> Fault {
    let mut actions = row.actions.iter().cloned();
    let fault = Fault::new(actions.next().unwrap());
    let fault = actions.fold(fault, Fault::and);
    let fault = match column.method {
        Some(method) => fault.method(method),
        None => fault,
    };
    match occurrence {
        Occurrence::Once => fault,
        Occurrence::Always => fault.always(),
    }
}

fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::NotSent => "not sent",
        Fate::Rejected => "rejected",
        Fate::MaybeApplied => "maybe",
        _ => "applied",
    }
}

/// Returns a violation if an error hides that the write was applied.
fn hidden_effect(column: &Column, error: &Error, effects: Effects) -> Option<String> {
    let denies = column.operation.is_write() && error.fate() != Fate::MaybeApplied;
    let applied = effects.count() > 0 && !effects.is_undone_creation();
    (denies && applied).then(|| format!("{} although{effects}", error.fate().as_str()))
}

/// Returns the name of a success in a cell.
fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Listed {
            complete: false, ..
        } => "ok, partial",
        Outcome::Listed { .. } | Outcome::Read(_) | Outcome::Applied(_) => "ok",
        Outcome::AlreadyGone => "ok, already gone",
        Outcome::Verified(Liveness::Alive) => "alive",
        Outcome::Verified(Liveness::Dead) => "dead",
        Outcome::Verified(_) => "unknown",
        Outcome::Identified(_) => "ok",
    }
}

/// A cell, against which a success is checked.
struct Case<'a> {
    account: &'a CanaryAccount,
    column: &'a Column,
    row: &'a Row,
    /// The ids of the tokens that existed at the beginning.
    before: &'a [String],
    occurrence: Occurrence,
}

impl Case<'_> {
    /// Returns `true` if an empty response may be how the platform reports success.
    fn empty_may_mean_success(&self) -> bool {
        self.account.simulator.provider() == "mindbody"
            && matches!(self.column.operation, Operation::Renew | Operation::Revoke)
            && ["200 empty", "200 `{}`", "200 `[]`", "204"].contains(&self.row.name.as_str())
    }

    /// Returns the reason why a success is false, if it is.
    fn falsehood(&self, outcome: &Outcome, effects: Effects) -> Option<String> {
        let token = &self.account.token;
        match outcome {
            // Nobody can tell that a listing shows a wrong id, or that a secret is another token's.
            Outcome::Listed { .. } if self.row.name == "id of another token" => None,
            Outcome::Applied(_) if self.row.name == "secret of another token" => None,
            Outcome::Listed { ids, complete } => {
                let now = self.account.simulator.ids();
                let mut throughout = self.before.iter().filter(|id| now.contains(id));
                let missing = throughout.find(|id| !ids.contains(id));
                missing
                    .filter(|_| *complete)
                    .map(|id| format!("complete without {id}"))
            }
            Outcome::Read(id) => {
                (*id != token.id.as_str()).then(|| "another token was read".to_owned())
            }
            // Nobody can tell that the secret was spoiled on the way, once.
            Outcome::Verified(Liveness::Dead)
                if self.row.is_refused_by_platform()
                    && matches!(self.occurrence, Occurrence::Once) =>
            {
                None
            }
            Outcome::Verified(Liveness::Dead) => {
                Some("a living secret was reported dead".to_owned())
            }
            Outcome::Verified(_) => None,
            // Nobody can tell that an answer names somebody else.
            Outcome::Identified(_) if self.row.name.starts_with("id ") => None,
            Outcome::Identified(id) => {
                let known = ["4", "example-user"];
                (!known.contains(&id.as_str())).then(|| format!("the account acts as {id}"))
            }
            Outcome::AlreadyGone => {
                let is_alive = self.account.simulator.accepts(token.secret.expose());
                is_alive.then(|| "a living token was reported gone".to_owned())
            }
            Outcome::Applied(_) if effects.count() == 0 => {
                (!self.empty_may_mean_success()).then(|| "nothing was applied".to_owned())
            }
            // The token that the fault itself deletes may be the target.
            Outcome::Applied(_) if self.row.changes_tokens => None,
            Outcome::Applied(current) => {
                let accepts = |secret: &Secret| self.account.simulator.accepts(secret.expose());
                let revoked = self.column.operation == Operation::Revoke;
                if current.as_ref().is_some_and(|secret| !accepts(secret)) {
                    return Some("the returned secret is not accepted".to_owned());
                }
                (revoked && accepts(&token.secret)).then(|| "the old secret is alive".to_owned())
            }
        }
    }
}
