//! All schedules of a setting, and what they ended with.

use std::collections::BTreeSet;

use tokenfleet_rotation::machine::Rotation;

use crate::choices::Choices;
use crate::platform::{Kind, LIFETIME};
use crate::setting::Setting;
use crate::world::{End, World};

/// The outcomes of the schedules of a setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) schedules: u32,
    /// Schedules that leave a living token that no sink holds and that is not counted.
    pub(crate) orphans: u32,
    /// Those of them whose token bears no marker that is durable.
    pub(crate) unmarked: u32,
    /// Schedules that end with a sink whose secret is dead.
    pub(crate) dead_ends: u32,
    /// Schedules in which a sink held a secret that does not authenticate, if only for a while.
    pub(crate) outages: u32,
    /// Schedules that leave living secrets which are counted.
    pub(crate) counted: u32,
    pub(crate) stuck: u32,
    pub(crate) parked: u32,
    pub(crate) foreign_touched: u32,
    pub(crate) sinks_differ: u32,
}

/// Runs every schedule of a setting.
pub(crate) fn enumerate(setting: &Setting) -> Counts {
    let mut counts = Counts::default();
    let plan = setting.plan();
    let mut open = vec![Vec::new()];
    while let Some(prefix) = open.pop() {
        let begins = prefix.len();
        let mut world = World::new(setting, &plan, Choices::new(prefix, setting.faults));
        let end = world.run();
        world.land(true);
        world.watch();
        counts.add(setting, &world, &end);
        branch(&mut open, begins, world.trace());
    }
    counts
}

/// Opens a schedule for each way that was not chosen after the prefix.
fn branch(open: &mut Vec<Vec<u8>>, begins: usize, trace: &[(u8, u8)]) {
    for at in begins..trace.len() {
        for other in 1..trace[at].1 {
            let mut prefix: Vec<u8> = trace[..at].iter().map(|(choice, _)| *choice).collect();
            prefix.push(other);
            open.push(prefix);
        }
    }
}

impl Counts {
    fn add(&mut self, setting: &Setting, world: &World<'_>, end: &End) {
        let held: BTreeSet<u32> = world.held().into_iter().collect();
        let is_parked = matches!(end, End::Parked(_));
        // The record of a rotation that waits for a person leads to the old token.
        let living: Vec<_> = (world.platform.living())
            .filter(|token| !held.contains(&token.secret) && (!is_parked || !token.is_old()))
            .collect();
        let is_marked = |rotation: &Rotation, marker| {
            rotation
                .attempts
                .iter()
                .any(|attempt| Some(&attempt.marker) == marker)
        };
        let has_unmarked =
            (living.iter()).any(|token| !is_marked(&world.rotation, token.marker.as_ref()));
        let is_counted = setting.kind == Kind::Mindbody
            && living.len() <= world.rotation.unknown_secrets(LIFETIME).at_most as usize;
        let is_orphan = !living.is_empty() && !is_counted;
        self.schedules += 1;
        self.orphans += u32::from(is_orphan);
        self.unmarked += u32::from(is_orphan && has_unmarked);
        self.counted += u32::from(!living.is_empty() && is_counted);
        self.dead_ends += u32::from(world.has_dead_sink());
        self.outages += u32::from(world.outage);
        self.sinks_differ += u32::from(held.len() > 1);
        self.stuck += u32::from(*end == End::Stuck);
        self.parked += u32::from(is_parked);
        let is_touched = |token: &&crate::platform::Token| token.is_foreign && !token.is_alive;
        self.foreign_touched += u32::from(world.platform.tokens.iter().any(|t| is_touched(&t)));
    }
}
