//! The queues of a worker that runs until it is asked to stop.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::{Error, Result};
use tokenfleet_worker::{Advance, Advanced, HealthServer, Worker};

use super::due_rotations::prepare;
use super::revocations::{self, Working};
use super::rotation_report::RotationObject;
use super::scheduled::ScheduledTasks;
use crate::output::{Format, print_error, print_object};
use crate::rotations::{Prepared, Progressed, Rotations, Stop, in_turn};

/// Carries the revocations, schedules, policies and rotations of a queue on, and writes a line for
/// each revocation and rotation to standard error.
pub(super) struct Serving<'a> {
    pub(super) rotations: &'a Rotations<'a>,
    pub(super) revocations: Working<'a>,
    pub(super) scheduled: ScheduledTasks<'a>,
    pub(super) stop: &'a Stop,
    pub(super) requested_format: Option<Format>,
}

#[async_trait]
impl Advance for Serving<'_> {
    async fn advance(&self, queue: &str) -> Result<Advanced> {
        // In an incident, nothing is more urgent.
        let revoked = self.advance_revocations(queue).await?;
        // The policies first: they open rotations.
        let scheduled = Box::pin(self.scheduled.advance(queue)).await?;
        let done = revoked.and(scheduled.advanced);
        if scheduled.is_in_other_hands {
            return Ok(done);
        }
        let rotated = self.advance_rotations(queue).await?;
        Ok(done.and(rotated))
    }

    fn report(&self, _queue: Option<&str>, error: &Error) {
        print_error(self.requested_format, error);
    }
}

/// The result of a task that failed. If something else was done, the queue does not rest.
const FAILED: Advanced = Advanced::Failed {
    is_anything_done: false,
};

impl Serving<'_> {
    /// Carries the revocations of a queue on.
    async fn advance_revocations(&self, queue: &str) -> Result<Advanced> {
        let mut all = Advanced::Nothing;
        for id in self.revocations.ledger.due_tasks(queue).await? {
            if self.stop.is_requested() {
                break;
            }
            // A future that each queue would hold otherwise.
            let advanced = Box::pin(revocations::advance(&self.revocations, id)).await;
            // The other tasks of the queue do not wait for it.
            all = all.and(advanced.unwrap_or_else(|error| {
                print_error(self.requested_format, &error);
                FAILED
            }));
        }
        Ok(all)
    }

    /// Carries the rotations of a queue on, until another worker has it.
    async fn advance_rotations(&self, queue: &str) -> Result<Advanced> {
        let due = self.rotations.due_in(queue).await?;
        let mut failures = Vec::new();
        let prepared = prepare(self.rotations, due, self.requested_format, &mut failures).await;
        let mut all = if failures.is_empty() {
            Advanced::Nothing
        } else {
            FAILED
        };
        // None begins after a request to stop.
        let prepared = (prepared.into_iter()).take_while(|_: &Prepared| !self.stop.is_requested());
        let advancing = prepared.map(|rotation| {
            let stop = self.stop.clone();
            async move { rotation.advance(Duration::ZERO, &stop).await }
        });
        in_turn(advancing, |progressed| {
            let advanced = match &progressed {
                Ok(progressed) if progressed.is_in_other_hands() => return ControlFlow::Break(()),
                Ok(progressed) => self.log(progressed),
                Err(error) => {
                    print_error(self.requested_format, error);
                    FAILED
                }
            };
            all = all.and(advanced);
            ControlFlow::Continue(())
        })
        .await;
        Ok(all)
    }

    /// Writes a line for a rotation, and returns its result.
    fn log(&self, progressed: &Progressed) -> Advanced {
        if let Err(error) = &progressed.advanced {
            print_error(self.requested_format, error);
        }
        print_object(&RotationObject::new(&progressed.stored));
        match progressed.is_failed() {
            true => Advanced::Failed {
                is_anything_done: progressed.advanced.is_ok(),
            },
            false => Advanced::Something,
        }
    }
}

/// Starts the server for whoever watches the worker, if one is requested.
pub(super) async fn watched(
    address: Option<SocketAddr>,
    worker: &Worker,
) -> Result<Option<HealthServer>> {
    let Some(address) = address else {
        return Ok(None);
    };
    let server = HealthServer::start(address, worker.status()).await;
    server.map(Some).map_err(|error| {
        Error::configuration(format!("--health: {address} cannot be listened on"))
            .with_source(error)
            .with_advice("choose a port that is free and an address of this machine")
    })
}
