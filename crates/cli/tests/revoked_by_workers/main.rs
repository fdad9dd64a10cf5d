//! A plan of revocations that workers carry out, killed at random.
//!
//! `TOKENFLEET_TOKENS` sets the number of tokens, of which each account has 20. With more than
//! 1,000 the platforms limit the rate of each account, and the time that all takes is held against
//! what they allow.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod incident;
mod killing;
#[path = "../../../ledger/tests/support/postgres_server.rs"]
#[allow(dead_code)]
mod postgres_server;
mod rates;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use incident::{CANARY, Incident, Place, verdicts, wait_until};
use rates::Rate;
use support::Run;
use support::rotating::{lines, send};
use tokenfleet_simulators::{Action, Canned};

const REVOKE: [&str; 5] = [
    "revoke",
    "--by-workers",
    "--yes",
    "--output=ndjson",
    "--plan",
];

fn revoke(plan: &str) -> Vec<&str> {
    [&REVOKE[..], &[plan]].concat()
}

#[test]
fn killed_workers_give_each_token_a_verdict_and_repeat_no_deletion_in_a_file() {
    killing::kill_workers(Place::File);
}

#[test]
fn killed_workers_give_each_token_a_verdict_and_repeat_no_deletion_in_postgres() {
    if let Some(server) = postgres_server::PostgresServer::start() {
        server.leave_writing_to_the_system();
        killing::kill_workers(Place::Postgres(server));
    }
}

#[test]
fn a_failed_canary_stops_the_rest_until_a_person_decides() {
    let incident = Incident::new(4, 7, Place::File);
    let (plan, _) = incident.plan();
    incident.add_fault(0, "DELETE", Action::Answer(Canned::status(403)));
    let watching = incident.spawn(&revoke(&plan));
    wait_until("opened", || {
        !lines(&incident.run(&["operations", "--output=ndjson"]).stdout).is_empty()
    });
    let operation = incident.operation();
    // Nobody skips a canary wave, and one plan is carried out in one way at a time.
    let resume = ["operations", "resume", &operation, "--yes"];
    incident.run(&resume).ends_with(2);
    let words = [
        "revoke",
        "--plan",
        &plan,
        "--by-workers",
        "--no-wait",
        "--yes",
    ];
    let otherwise = [&words[..], &["--canary=1"]].concat();
    let run = incident.run(&otherwise).ends_with(1);
    assert!(run.stderr.contains(&operation), "{run:?}");
    incident.run(&["worker", "--once"]).ends_with(3);
    let run = watching.ended().ends_with(1);
    assert!(run.stderr.contains("wait"), "{run:?}");
    assert!(
        run.stderr
            .contains(&format!("operations resume {operation}")),
        "{run:?}"
    );
    let asked = |account: usize| incident.accounts[account].deletions().len();
    assert_eq!(asked(0), CANARY);
    assert_eq!((asked(1), asked(2), asked(3)), (0, 0, 0));
    let open = incident
        .run(&["operations", "--exit-code", "--output=ndjson"])
        .ends_with(8);
    assert_eq!(lines(&open.stdout)[0]["state"], "canary_failed", "{open:?}");
    // Nothing goes on by itself.
    incident.run(&["worker", "--once"]).ends_with(0);
    assert_eq!((asked(1), asked(2), asked(3)), (0, 0, 0));

    incident.clear_faults(0);
    incident
        .run(&["operations", "resume", &operation, "--yes"])
        .ends_with(0);
    incident.run(&["worker", "--once"]).ends_with(3);
    let shown = incident.run(&[
        "operations",
        "show",
        &operation,
        "--watch",
        "--output=ndjson",
    ]);
    // Those of the canary wave keep their verdicts.
    let shown = shown.ends_with(1);
    assert_eq!(
        verdicts(&shown.stdout).len(),
        incident.count() - CANARY,
        "{shown:?}"
    );
    assert_eq!(incident.alive(), CANARY);

    // Once more, only what is not dead is asked for.
    let deletions = || {
        let accounts = incident.accounts.iter().skip(1);
        let deletions = accounts.map(|account| account.deletions().len());
        deletions.sum::<usize>()
    };
    let before = deletions();
    let again = incident.spawn(&revoke(&plan));
    wait_until("opened again", || {
        !lines(&incident.run(&["operations", "--output=ndjson"]).stdout).is_empty()
    });
    incident.run(&["worker", "--once"]).ends_with(0);
    let again = again.ended().ends_with(0);
    assert_eq!(verdicts(&again.stdout).len(), incident.count(), "{again:?}");
    assert_eq!(incident.alive(), 0);
    assert_eq!(deletions(), before);
    // Nor does a run without workers.
    let words = ["revoke", "--yes", "--output=ndjson", "--plan", &plan];
    let run = incident.run(&words).ends_with(0);
    assert_eq!(verdicts(&run.stdout).len(), incident.count());
    assert_eq!(deletions(), before);
}

#[test]
fn a_token_that_cannot_be_reached_is_tried_again() {
    let incident = Incident::new(2, 7, Place::File);
    let (plan, _) = incident.plan();
    incident.add_fault(1, "DELETE", Action::Answer(Canned::status(503)));
    let watching = incident.spawn(&revoke(&plan));
    let mut worker = incident.worker(16);
    wait_until("asked", || !incident.accounts[1].deletions().is_empty());
    incident.clear_faults(1);
    let run = watching.ended().ends_with(0);
    assert_eq!(verdicts(&run.stdout).len(), incident.count());
    assert_eq!(incident.alive(), 0);
    worker.kill().unwrap();
    worker.wait().unwrap();
}

/// Has a plan carried out by one worker with one place, at platforms that limit the rate.
fn watched(rate: Rate, incident: &Incident, plan: &str) -> Run {
    rate.while_limiting(incident, || {
        let watching = incident.spawn(&revoke(plan));
        let worker = incident.worker(1);
        let run = watching.ended();
        killing::kill(worker);
        run
    })
}

#[test]
fn a_platform_that_limits_the_rate_is_waited_for_as_often_as_it_takes() {
    let incident = Incident::new(1, 14, Place::File);
    // No request waits for the next period.
    incident.reconfigure(
        "provider = 'losant'",
        "provider = 'losant'\ntotal_timeout = '1s'",
    );
    let (plan, _) = incident.plan();
    let rate = Rate {
        deletions: 1,
        period: Duration::from_secs(1),
    };
    let run = watched(rate, &incident, &plan);
    let run = run.ends_with(0);
    let verdicts = verdicts(&run.stdout);
    assert_eq!(verdicts.len(), incident.count());
    assert_eq!(incident.alive(), 0, "{run:?}");
}

#[test]
fn an_account_whose_rate_is_limited_takes_no_place_of_a_worker_meanwhile() {
    let incident = Incident::new(2, 9, Place::File);
    incident.reconfigure(
        "provider = 'losant'",
        "provider = 'losant'\nattempt_timeout = '1s'",
    );
    let (plan, _) = incident.plan();
    let rate = Rate {
        deletions: 2,
        period: Duration::from_secs(2),
    };
    let run = watched(rate, &incident, &plan);
    assert_eq!(verdicts(&run.ends_with(0).stdout).len(), incident.count());
    // With one place, each account was carried on while the other one waited for its limit.
    let processed = |account: usize| {
        let deletions = incident.accounts[account].deletions().into_iter();
        deletions.filter(|deletion| deletion.is_processed)
    };
    let received = |deletion: incident::Deletion| deletion.received;
    let first = |account| processed(account).map(received).nth(CANARY).unwrap();
    let last = |account| processed(account).map(received).max().unwrap();
    assert!(first(0) < last(1), "the second account was done before");
    assert!(processed(1).map(received).min().unwrap() < last(0));
}

#[test]
fn an_account_that_left_the_configuration_is_named_and_can_be_given_up_alone() {
    let incident = Incident::new(3, 7, Place::File);
    let (plan, _) = incident.plan();
    let words = [&revoke(&plan)[..], &["--no-wait"]].concat();
    incident.run(&words).ends_with(0);
    let operation = incident.operation();
    incident.reconfigure("[accounts.a002]", "[accounts.another]");
    incident.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(incident.alive(), 7, "the others go on");

    let open = ["operations", "--exit-code", "--output=ndjson"];
    let run = incident.run(&open).ends_with(8);
    assert!(run.stderr.contains("\"a002\""), "{run:?}");
    let why = lines(&run.stdout)[0]["why"].to_string();
    assert!(why.contains("knows a002"), "{why}");
    let doctor = incident.run(&["doctor", "--output=ndjson"]);
    assert!(doctor.stdout.contains("a002"), "{doctor:?}");

    let show = ["operations", "show", &operation, "--output=ndjson"];
    let shown = lines(&incident.run(&show).ends_with(0).stdout);
    let mut accounts = shown.iter().filter(|row| row["account"] == "a002");
    let lost = accounts.next().unwrap()["operation"].as_str().unwrap();
    assert!(run.stderr.contains(lost), "{run:?}");
    let abandon = ["operations", "abandon", lost, "--yes"];
    let abandoned = incident.run(&abandon).ends_with(0).json();
    assert_eq!(abandoned["state"], "abandoned");
    incident.run(&["worker", "--once"]).ends_with(0);
    let words = [
        "operations",
        "show",
        &operation,
        "--watch",
        "--output=ndjson",
    ];
    let run = incident.run(&words).ends_with(1);
    assert_eq!(verdicts(&run.stdout).len(), incident.count() - 7, "{run:?}");
    assert!(run.stderr.contains("not attempted"), "{run:?}");
    assert_eq!(incident.run(&open).ends_with(0).stdout, "");
}

#[test]
fn whoever_stops_watching_stops_nothing() {
    let incident = Incident::new(3, 7, Place::File);
    let (plan, _) = incident.plan();
    let watching = incident.spawn(&revoke(&plan));
    wait_until("opened", || {
        !lines(&incident.run(&["operations", "--output=ndjson"]).stdout).is_empty()
    });
    send(&watching.child, "INT");
    let run = watching.ended().ends_with(7);
    assert!(run.stderr.contains("the workers go on"), "{run:?}");
    let operation = incident.operation();
    // Nobody else carries it out meanwhile.
    let words = ["revoke", "--yes", "--plan", &plan];
    let run = incident.run(&words).ends_with(1);
    assert!(run.stderr.contains(&operation), "{run:?}");
    // To open it once more is to watch it.
    let words = [&revoke(&plan)[..], &["--no-wait"]].concat();
    let run = incident.run(&words).ends_with(0);
    assert!(run.stderr.contains(&operation), "{run:?}");
    incident.run(&["worker", "--once"]).ends_with(0);
    let shown = incident.run(&[
        "operations",
        "show",
        &operation,
        "--watch",
        "--output=ndjson",
    ]);
    assert_eq!(verdicts(&shown.ends_with(0).stdout).len(), incident.count());
    assert_eq!(incident.alive(), 0);
}

#[test]
fn a_plan_that_is_given_up_leaves_alone_what_is_not_begun() {
    let incident = Incident::new(3, 40, Place::File);
    let (plan, _) = incident.plan();
    for account in 0..3 {
        let delay = Action::DelayAnswer(Duration::from_millis(300));
        incident.add_fault(account, "DELETE", delay);
    }
    let watching = incident.spawn(&revoke(&plan));
    let mut worker = incident.worker(16);
    wait_until("begun", || incident.alive() < incident.count() - 2 * CANARY);
    let operation = incident.operation();
    incident
        .run(&["operations", "abandon", &operation, "--yes"])
        .ends_with(0);
    let run = watching.ended();
    assert_ne!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("not attempted"), "{run:?}");
    worker.kill().unwrap();
    worker.wait().unwrap();
    let alive = incident.alive();
    assert!(alive > 0);
    // What was begun has its verdict.
    assert_eq!(
        verdicts(&run.stdout).len(),
        incident.count() - alive,
        "{run:?}"
    );
    incident.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(incident.alive(), alive);
    assert_eq!(incident.run(&["operations", "--output=ndjson"]).stdout, "");
}
