//! Workers that are killed at random while they carry a plan out.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use tokenfleet_simulators::Action;

use crate::incident::{Account, CANARY, Incident, Place, verdicts};
use crate::rates::Rate;
use crate::revoke;

/// The tokens of an account.
const TOKENS: usize = 20;

/// The workers at a time.
const WORKERS: usize = 4;

/// The rate of an account in the long form. A queue whose workers are killed three times in a row
/// has half of the period left: one that misses a whole period is as late as that is long.
const RATE: Rate = Rate {
    deletions: 2,
    period: Duration::from_secs(60),
};

/// The time that the long form may take, in multiples of what the rates allow: in Postgres, where
/// it took 1.04 times that, and in a file, where each deletion waits for the disk some ten times
/// and no two of them at once.
const SLOWEST_IN_POSTGRES: f64 = 1.25;
const SLOWEST_IN_A_FILE: f64 = 4.0;

/// Returns the number of tokens.
fn tokens() -> usize {
    let number = std::env::var("TOKENFLEET_TOKENS").ok();
    number.map_or(240, |number| number.parse().unwrap())
}

/// Lets workers carry a plan out, kills one of them every now and then, and all of them once.
pub(crate) fn kill_workers(place: Place) {
    let is_long = tokens() > 1000;
    let slowest = match &place {
        Place::Postgres(_) => SLOWEST_IN_POSTGRES,
        Place::File => SLOWEST_IN_A_FILE,
    };
    let incident = Incident::new(tokens() / TOKENS, TOKENS, place);
    let (plan, text) = incident.plan();
    check_plan(&incident, &text);
    // So that a kill can come before an answer.
    let latency = Action::DelayAnswer(Duration::from_millis(100));
    for account in 0..incident.accounts.len() {
        incident.add_fault(account, "DELETE", latency.clone());
    }
    let kill = || kill_while_revoking(&incident, &plan, is_long.then_some(slowest));
    if is_long {
        RATE.while_limiting(&incident, kill);
    } else {
        kill();
    }
}

#[allow(clippy::print_stdout)]
fn kill_while_revoking(incident: &Incident, plan: &str, slowest: Option<f64>) {
    let queues = incident.accounts.len().div_ceil(WORKERS).max(4);
    let started = Instant::now();
    let mut watching = incident.spawn(&revoke(plan));
    let mut workers: Vec<_> = (0..WORKERS).map(|_| incident.worker(queues)).collect();
    let interval = Duration::from_millis(if slowest.is_some() { 2_000 } else { 300 });
    let (mut kills, mut have_all_died) = (0, false);
    while watching.child.try_wait().unwrap().is_none() {
        std::thread::sleep(interval);
        if !have_all_died && incident.alive() < incident.count() / 2 {
            have_all_died = true;
            workers.drain(..).for_each(kill);
            std::thread::sleep(interval);
            workers.extend((0..WORKERS).map(|_| incident.worker(queues)));
            kills += WORKERS;
        } else {
            let chosen = next_index(kills, workers.len());
            kill(workers.swap_remove(chosen));
            workers.push(incident.worker(queues));
            kills += 1;
        }
        assert!(
            started.elapsed() < Duration::from_secs(1800),
            "it never ends"
        );
    }
    let run = watching.ended();
    let wall = started.elapsed();
    workers.into_iter().for_each(kill);
    let verdicts = verdicts(&run.stdout);
    let mut unproven = 0;
    for account in &incident.accounts {
        for id in &account.tokens {
            assert!(
                !account.is_alive(id),
                "{id} of {} is alive: {}",
                account.name,
                run.stderr
            );
            let is_acting = account.acting.as_ref() == Some(id);
            let outcome = verdicts
                .get(id)
                .map(|verdict| verdict["outcome"].as_str().unwrap());
            match outcome {
                Some("revoked" | "already_gone") => {}
                // Its worker was killed after the platform had deleted it, and nothing is left by
                // which the account could be told.
                Some("not_found_here") => unproven += 1,
                // Or it was the credential itself.
                None if is_acting && run.stderr.contains(id) => unproven += 1,
                _ => panic!("{id} of {}: {outcome:?} {}", account.name, run.stderr),
            }
        }
        check_order(account);
    }
    // A living token of an account proves which one it is. So proof is missing for the last ones of
    // an account alone, of which four may be under way at a kill.
    assert!(
        unproven <= incident.accounts.len() * 4,
        "{unproven} after {kills} kills: {}",
        run.stderr
    );
    assert_eq!(run.code, i32::from(unproven > 0), "{}", run.stderr);
    check_canary(incident);
    println!(
        "{} tokens of {} accounts: {kills} kills, 100 % verdicts, {unproven} of them without \
         proof after a kill, 0 deletions repeated, {wall:.1?}",
        incident.count(),
        incident.accounts.len(),
    );
    if let Some(slowest) = slowest {
        let bound = RATE.bound(CANARY, TOKENS);
        let ratio = wall.as_secs_f64() / bound.as_secs_f64();
        println!("the rates allow it in {bound:?}: it took {ratio:.3} times that");
        assert!(ratio < slowest, "{ratio}");
    }
}

pub(crate) fn kill(mut worker: Child) {
    worker.kill().unwrap();
    worker.wait().unwrap();
}

/// Returns a number that changes from kill to kill.
fn next_index(seed: usize, count: usize) -> usize {
    (seed.wrapping_mul(7_919) >> 3) % count
}

/// The reviewer sees what is revoked first and last.
fn check_plan(incident: &Incident, text: &str) {
    for account in &incident.accounts {
        for maker in &account.makers {
            assert!(text.contains(&format!("\nfirst {maker} ")), "{text}");
        }
        if let Some(acting) = &account.acting {
            assert!(text.contains(&format!("\nlast {acting} ")), "{text}");
        }
    }
}

/// Those that may create others die before the rest, the acting token is the last, and none is
/// asked for once it was deleted.
fn check_order(account: &Account) {
    let mut deleted = BTreeMap::new();
    let mut order = Vec::new();
    for deletion in account.deletions() {
        let id = deletion.id.clone();
        assert!(
            !deleted.contains_key(&id),
            "{id} of {} once more",
            account.name
        );
        if deletion.is_processed && deletion.status.is_none_or(|status| status < 400) {
            deleted.insert(id.clone(), deletion.received);
            order.push(id);
        }
    }
    assert_eq!(order.len(), account.tokens.len(), "{}", account.name);
    let (makers, rest) = order.split_at(account.makers.len());
    assert!(
        makers.iter().all(|id| account.makers.contains(id)),
        "{order:?}"
    );
    if let Some(acting) = &account.acting {
        assert_eq!(rest.last(), Some(acting), "{order:?}");
    }
}

/// Nothing else is deleted before the canary wave is over.
fn check_canary(incident: &Incident) {
    let (first, others) = incident.accounts.split_first().unwrap();
    let canary = first
        .deletions()
        .into_iter()
        .filter(|deletion| deletion.is_processed);
    let end = canary
        .take(CANARY)
        .map(|deletion| deletion.received)
        .max()
        .unwrap();
    for account in others {
        let first = account
            .deletions()
            .into_iter()
            .map(|deletion| deletion.received)
            .min();
        assert!(
            first.unwrap() > end,
            "{} was not later than the canary wave",
            account.name
        );
    }
}
