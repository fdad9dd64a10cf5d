//! The queues of a worker that runs until it is asked to stop.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::{Error, ErrorKind, Fate, Result};
use tokenfleet_worker::{Advance, Advanced, HealthServer, Worker};

use super::due_rotations::prepare;
use super::revocations::{self, Working};
use super::rotation_report::RotationObject;
use super::scheduled::{Progress, ScheduledTasks};
use crate::output::{Format, print_error, print_object};
use crate::rotations::{Progressed, Rotations, Stop};

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
        let is_anything_revoked = self.advance_revocations(queue).await?;
        // The policies first: they open rotations.
        let scheduled = Box::pin(self.scheduled.advance(queue)).await?;
        let mut advanced = if is_anything_revoked || scheduled == Progress::Something {
            Advanced::Something
        } else {
            Advanced::Nothing
        };
        if scheduled == Progress::InOtherHands {
            return Ok(advanced);
        }
        let due = self.rotations.due_in(queue).await?;
        let prepared = prepare(self.rotations, due, self.requested_format, &mut Vec::new()).await;
        for rotation in prepared {
            if self.stop.is_requested() {
                break;
            }
            let stop = self.stop.clone();
            let running = async move { rotation.advance(Duration::ZERO, &stop).await };
            // On a thread of its own choice: queues do not wait for each other.
            let progressed = tokio::spawn(running).await.map_err(|_| unfinished())??;
            if progressed.is_in_other_hands() {
                break;
            }
            self.log(&progressed);
            if progressed.advanced.is_ok() {
                advanced = Advanced::Something;
            }
        }
        Ok(advanced)
    }

    fn report(&self, _queue: Option<&str>, error: &Error) {
        print_error(self.requested_format, error);
    }
}

impl Serving<'_> {
    /// Carries the revocations of a queue on. Returns `false` if nothing was done.
    async fn advance_revocations(&self, queue: &str) -> Result<bool> {
        let mut is_anything_done = false;
        for id in self.revocations.ledger.due_tasks(queue).await? {
            if self.stop.is_requested() {
                break;
            }
            // A future that each queue would hold otherwise.
            match Box::pin(revocations::advance(&self.revocations, id)).await {
                Ok(advanced) => is_anything_done |= advanced.unwrap_or_default(),
                // The other tasks of the queue do not wait for it.
                Err(error) => print_error(self.requested_format, &error),
            }
        }
        Ok(is_anything_done)
    }

    fn log(&self, progressed: &Progressed) {
        if let Err(error) = &progressed.advanced {
            print_error(self.requested_format, error);
        }
        print_object(&RotationObject::new(&progressed.stored));
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

fn unfinished() -> Error {
    Error::new(
        ErrorKind::Other,
        Fate::NotSent,
        "a rotation was not finished",
    )
}
