//! Random histories of tasks that two workers carry on, and what a ledger must say about them.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tokenfleet_core::Timestamp;
use tokenfleet_core::journal::OperationId;

use super::observe::{ensure_eq, works};
use super::random::check_random;
use crate::{Ledger, NewTask, Task};

/// Queues and subjects in which a ledger could stumble.
const TEXTS: [&str; 3] = ["", "iot", "a\0b\n\\'); drop table task; --"];

/// A sequence of what two workers do with the tasks of a few queues, and of when they are lost.
#[derive(Debug, Clone)]
pub struct TaskHistory {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Open {
        queue: &'static str,
        kind: &'static str,
        subject: &'static str,
        due: Option<Timestamp>,
    },
    /// A worker claims one of the tasks that were opened. With a lease of no duration it is lost.
    Claim {
        worker: usize,
        task: Index,
        lease: Duration,
    },
    /// A worker does something with one of its claims, which may be over long since.
    Use {
        worker: usize,
        claim: Index,
        /// A task that may be another than that of the claim.
        task: Option<Index>,
        what: Use,
    },
    Prune,
}

#[derive(Debug, Clone)]
enum Use {
    Extend(Duration),
    Release(Option<Timestamp>),
    Record { state: &'static str, closes: bool },
}

/// Checks random histories of tasks: `check` gives each to [`TaskHistory::check`] with an empty
/// ledger.
///
/// # Errors
///
/// The violation, with the smallest history that was found for it.
pub fn check_random_tasks(
    cases: u32,
    check: impl Fn(&TaskHistory) -> Result<(), String>,
) -> Result<(), String> {
    check_random(cases, &histories(), check)
}

fn histories() -> impl Strategy<Value = TaskHistory> {
    let text = || select(&TEXTS[..]);
    let due = || {
        let seconds = prop::option::of(1_700_000_000..1_900_000_000_i64);
        seconds.prop_map(|seconds| Timestamp::from_unix_seconds(seconds?))
    };
    let leases = [Duration::ZERO, Duration::from_secs(3_600), Duration::MAX];
    let lease = || select(leases.to_vec());
    let open = (text(), text(), text(), due()).prop_map(|(queue, kind, subject, due)| Step::Open {
        queue,
        kind,
        subject,
        due,
    });
    let claim =
        (0..2_usize, any::<Index>(), lease()).prop_map(|(worker, task, lease)| Step::Claim {
            worker,
            task,
            lease,
        });
    let what = prop_oneof![
        lease().prop_map(Use::Extend),
        due().prop_map(Use::Release),
        (
            select(&["{}", "[1, \"\\u0000\"]"][..]),
            prop::bool::weighted(0.2)
        )
            .prop_map(|(state, closes)| Use::Record { state, closes }),
    ];
    let other_task = prop::option::weighted(0.1, any::<Index>());
    let used =
        (0..2_usize, any::<Index>(), other_task, what).prop_map(|(worker, claim, task, what)| {
            Step::Use {
                worker,
                claim,
                task,
                what,
            }
        });
    let step = prop_oneof![
        3 => open,
        4 => claim,
        6 => used,
        1 => Just(Step::Prune),
    ];
    vec(step, 0..32).prop_map(|steps| TaskHistory { steps })
}

/// The state that a ledger must hold, by the simplest reading of the laws.
#[derive(Debug, Default)]
struct Expected {
    tasks: Vec<ExpectedTask>,
    /// The last claim of each queue, until it is released.
    claims: BTreeMap<&'static str, ExpectedClaim>,
    epoch: u64,
}

#[derive(Debug, Clone)]
struct ExpectedTask {
    new: NewTask,
    queue: &'static str,
    is_open: bool,
    starts: u32,
}

#[derive(Debug, Clone, Copy)]
struct ExpectedClaim {
    task: OperationId,
    epoch: u64,
    has_run_out: bool,
}

impl Expected {
    /// Returns the task of a claim that is not over.
    fn current(&mut self, id: OperationId, epoch: u64) -> Option<&mut ExpectedTask> {
        let mut tasks = self.tasks.iter_mut();
        let task = tasks.find(|task| task.new.id == id)?;
        let claim = self.claims.get(task.queue)?;
        (claim.task == id && claim.epoch == epoch).then_some(task)
    }

    fn check(&self, found: &Task) -> Result<(), String> {
        let expected = self.tasks.iter().find(|task| task.new.id == found.id);
        let expected = expected.ok_or_else(|| format!("nobody opened {found:?}"))?;
        let claim = self.claims.get(expected.queue);
        let is_claimed = claim.is_some_and(|claim| claim.task == found.id);
        ensure_eq("it is claimed", &found.claimed_until.is_some(), &is_claimed)?;
        ensure_eq("it is open", &found.is_open(), &expected.is_open)?;
        let mut task = Task::new(&expected.new, found.opened_at);
        task.starts = expected.starts;
        task.closed_at = found.closed_at;
        task.claimed_until = found.claimed_until;
        ensure_eq("a task", found, &task)
    }

    /// Returns the ids of the open or the closed tasks, in the order in which they were opened.
    fn ids(&self, is_chosen: impl Fn(&ExpectedTask) -> bool) -> Vec<OperationId> {
        let chosen = self.tasks.iter().filter(|task| is_chosen(task));
        chosen.map(|task| task.new.id).collect()
    }
}

impl TaskHistory {
    /// Replays the history into an empty ledger and checks everything that the ledger says of its
    /// tasks.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub async fn check(&self, ledger: &dyn Ledger) -> Result<(), String> {
        let mut expected = Expected::default();
        let mut claims = [Vec::new(), Vec::new()];
        for step in &self.steps {
            match step {
                Step::Open {
                    queue,
                    kind,
                    subject,
                    due,
                } => {
                    let id = OperationId::random();
                    let mut new = NewTask::new(id, *kind, *queue, *subject, "null");
                    new.due = *due;
                    open(ledger, &mut expected, queue, new).await?;
                }
                Step::Claim {
                    worker,
                    task,
                    lease,
                } if !expected.tasks.is_empty() => {
                    let id = task.get(&expected.tasks).new.id;
                    let epoch = claim(ledger, &mut expected, id, *lease).await?;
                    if let (Some(claims), Some(epoch)) = (claims.get_mut(*worker), epoch) {
                        claims.push((id, epoch));
                    }
                }
                Step::Use {
                    worker,
                    claim,
                    task,
                    what,
                } => {
                    let Some(claims) = claims.get(*worker).filter(|claims| !claims.is_empty())
                    else {
                        continue;
                    };
                    let (mut id, epoch) = *claim.get(claims);
                    if let Some(task) = task
                        && !expected.tasks.is_empty()
                    {
                        id = task.get(&expected.tasks).new.id;
                    }
                    used(ledger, &mut expected, id, epoch, what).await?;
                }
                Step::Prune => {
                    // All that is closed: only its claims outlive it.
                    let after = Timestamp::now().saturating_add(Duration::from_secs(3_600));
                    let pruned = works("pruning", ledger.prune(after).await)?;
                    let count = expected.ids(|task| !task.is_open).len() as u64;
                    ensure_eq("the forgotten tasks", &pruned.tasks, &count)?;
                    expected.tasks.retain(|task| task.is_open);
                }
                Step::Claim { .. } => {}
            }
            check_answers(ledger, &expected).await?;
        }
        let findings = works("the check", ledger.check().await)?;
        ensure_eq("the findings of the check", &findings, &Vec::new())
    }
}

async fn open(
    ledger: &dyn Ledger,
    expected: &mut Expected,
    queue: &'static str,
    new: NewTask,
) -> Result<(), String> {
    let in_place = expected
        .ids(|task| task.is_open && task.new.kind == new.kind && task.new.subject == new.subject);
    let open = works("opening", ledger.open_task(&new).await)?;
    let open_id = open.as_ref().map(|task| task.id);
    ensure_eq(
        "the task in its place",
        &open_id,
        &in_place.first().copied(),
    )?;
    match open {
        Some(task) => expected.check(&task),
        None => {
            expected.tasks.push(ExpectedTask {
                new,
                queue,
                is_open: true,
                starts: 0,
            });
            Ok(())
        }
    }
}

async fn claim(
    ledger: &dyn Ledger,
    expected: &mut Expected,
    id: OperationId,
    lease: Duration,
) -> Result<Option<u64>, String> {
    let claim = works("claiming", ledger.claim_task(id, lease).await)?;
    let mut tasks = expected.tasks.iter_mut();
    let Some(task) = tasks.find(|task| task.new.id == id) else {
        return Ok(None);
    };
    let last = expected.claims.get(task.queue);
    let is_free = last.is_none_or(|last| last.has_run_out);
    ensure_eq(
        "it is claimed",
        &claim.is_some(),
        &(task.is_open && is_free),
    )?;
    let Some(claim) = claim else {
        return Ok(None);
    };
    if claim.epoch <= expected.epoch {
        return Err(format!(
            "an epoch after {} is {}",
            expected.epoch, claim.epoch
        ));
    }
    expected.epoch = claim.epoch;
    task.starts += 1;
    let claimed = ExpectedClaim {
        task: id,
        epoch: claim.epoch,
        has_run_out: lease.is_zero(),
    };
    expected.claims.insert(task.queue, claimed);
    expected.check(&claim.task)?;
    Ok(Some(claim.epoch))
}

async fn used(
    ledger: &dyn Ledger,
    expected: &mut Expected,
    id: OperationId,
    epoch: u64,
    what: &Use,
) -> Result<(), String> {
    match what {
        Use::Extend(by) => {
            let extended = works("extending", ledger.extend_claim(id, epoch, *by).await)?;
            let mut claims = expected.claims.values_mut();
            let claim = claims.find(|claim| claim.task == id && claim.epoch == epoch);
            ensure_eq("it is extended", &extended, &claim.is_some())?;
            if let Some(claim) = claim {
                claim.has_run_out &= by.is_zero();
            }
        }
        Use::Release(due) => {
            works("releasing", ledger.release_claim(id, epoch, *due).await)?;
            if let Some(task) = expected.current(id, epoch)
                && task.is_open
            {
                task.starts = 0;
                task.new.due = *due;
            }
            let is_released = |claim: &ExpectedClaim| claim.task == id && claim.epoch == epoch;
            expected.claims.retain(|_, claim| !is_released(claim));
        }
        Use::Record { state, closes } => {
            let recorded = ledger.record_task(id, epoch, state, *closes).await;
            let recorded = works("recording", recorded)?;
            let task = expected.current(id, epoch).filter(|task| task.is_open);
            ensure_eq("it is recorded", &recorded, &task.is_some())?;
            if let Some(task) = task {
                task.new.state = (*state).to_owned();
                task.starts = 0;
                if *closes {
                    task.is_open = false;
                    task.new.due = None;
                }
            }
        }
    }
    Ok(())
}

async fn check_answers(ledger: &dyn Ledger, expected: &Expected) -> Result<(), String> {
    let ids = |tasks: &[Task]| tasks.iter().map(|task| task.id).collect::<Vec<_>>();
    let open = works("the open tasks", ledger.open_tasks().await)?;
    let expected_open = expected.ids(|task| task.is_open);
    ensure_eq("the open tasks", &ids(&open), &expected_open)?;
    for task in &open {
        expected.check(task)?;
        let alone = works("a task", ledger.task(task.id).await)?;
        ensure_eq("a task", &alone.as_ref(), &Some(task))?;
    }
    for kind in TEXTS {
        let open = works("the open tasks", ledger.open_tasks_of(kind).await)?;
        let expected_open = expected.ids(|task| task.is_open && task.new.kind == kind);
        ensure_eq("the open tasks of a kind", &ids(&open), &expected_open)?;
        let closed = works("the closed tasks", ledger.closed_tasks(kind).await)?;
        let expected_closed = expected.ids(|task| !task.is_open && task.new.kind == kind);
        ensure_eq("the closed tasks", &ids(&closed), &expected_closed)?;
        for task in &closed {
            expected.check(task)?;
        }
    }
    Ok(())
}
