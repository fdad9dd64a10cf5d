//! The setting of a model: what is enumerated, and what is left out.

use std::time::Duration;

use tokenfleet_rotation::machine::{PlannedSink, RotationPlan};
use tokenfleet_rotation::sink::Readable;

use crate::other::Order;
use crate::platform::Kind;

/// The conditions that a schedule is run under.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) kind: Kind,
    pub(crate) sinks: usize,
    pub(crate) faults: u32,
    pub(crate) max_workers: u32,
    /// `true` if a superseded worker sends nothing any more.
    pub(crate) lease: bool,
    /// `true` if a sink refuses a write whose version is not current.
    pub(crate) compare_and_swap: bool,
    pub(crate) overlap: Duration,
    pub(crate) soak: Duration,
    /// `true` if a worker ends at each wait, and another one goes on.
    pub(crate) ends_at_waits: bool,
    /// `true` if a sink may be down until the next wait, and the platform may not accept a new
    /// secret yet.
    pub(crate) certain_failures: bool,
    /// `true` if another open rotation may write a sink from some point on. A person is asked then.
    pub(crate) contests: bool,
    /// `true` if no request or answer is lost, and no worker ends or pauses.
    pub(crate) is_calm: bool,
    pub(crate) mutant: Option<Mutant>,
    /// The order of steps of somebody else, in place of the machine.
    pub(crate) other: Option<Order>,
}

impl Setting {
    pub(crate) fn plan(&self) -> RotationPlan {
        let sinks = vec![PlannedSink::new(Readable::Secret).with_adoption(); self.sinks];
        let day = Duration::from_secs(86_400);
        RotationPlan::new(self.kind.strategy(), sinks)
            .unwrap()
            .with_overlap(self.overlap)
            .with_soak(self.soak)
            .with_rest(Duration::from_secs(3600), day)
    }
}

/// A part of the protocol that is left out, to see what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// The marker becomes durable only when the token was delivered.
    MarkerAfterCreation,
    /// An attempt overwrites the ones before.
    EarlierMarkersForgotten,
    /// No wait lasts long enough for late requests to arrive.
    NoSettle,
    /// Every sink is taken to hold the successor.
    SinksNotRead,
    /// Sinks have no epoch, and workers do not look at it.
    NoEpochInSinks,
    /// Every secret is taken to be alive.
    NotConfirmed,
    /// No wait and no confirmation.
    NoSettleNotConfirmed,
    /// A successor that is withdrawn lives on.
    WithdrawnInVain,
    /// A write without an answer is taken for one that certainly had no effect.
    LostWritesAreCertain,
}
