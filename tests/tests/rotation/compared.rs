//! The same faults and crashes for a rotation and for the orders of others, and what they leave.

use std::time::Duration;

use tokenfleet_core::Secret;
use tokenfleet_rotation::runner::Clock;
use tokenfleet_simulators::State;

use crate::boundary::Fault;
use crate::orders::{Order, OtherRotation};
use crate::{DAY, PLATFORMS, SERVICES, Trial};

/// The orders that are compared; `None` is that of a rotation.
const ORDERS: [(&str, Option<Order>); 3] = [
    ("tokenfleet", None),
    (
        "create, deliver, persist, revoke (Infisical)",
        Some(Order::CreateDeliverPersistRevoke),
    ),
    ("four steps (AWS Secrets Manager)", Some(Order::FourSteps)),
];

/// The number of schedules, and of those that ended badly.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    schedules: u32,
    /// A token lives whose secret no sink holds and that nothing which is recorded leads to.
    orphans: u32,
    /// A sink holds a secret that does not work at the end.
    lost_secrets: u32,
    /// A sink held a secret that did not work, at any time.
    outages: u32,
}

/// A schedule that was run.
struct Ended {
    trial: Trial,
    /// The secrets that are known beside those in the sinks.
    recorded: Vec<Secret>,
    /// The number of living tokens that are recorded as unknown.
    unknown: usize,
}

async fn run(
    platform: &'static str,
    order: Option<Order>,
    stops: &[usize],
    faults: &[(usize, Fault)],
) -> Ended {
    let trial = Trial::new(platform, stops, faults).await;
    let Some(order) = order else {
        trial.finish().await;
        let unknown = trial.rotation().await.unknown_secrets(DAY).at_most as usize;
        return Ended {
            trial,
            recorded: Vec::new(),
            unknown,
        };
    };
    let other = OtherRotation::open(order, &trial).await;
    for _ in 0..20 {
        if other.is_done() {
            break;
        }
        let failed = tokio::select! {
            biased;
            advanced = other.advance() => advanced.is_err(),
            // Dropped, as by a crash.
            () = trial.boundaries.reached.notified() => true,
        };
        if failed {
            let minute = Duration::from_secs(60);
            trial.clock.set(trial.clock.now().saturating_add(minute));
            trial.boundaries.land(false).await;
        }
    }
    assert!(
        other.is_done(),
        "{platform} {order:?} {stops:?} {faults:?}: it never ends"
    );
    let recorded = other.secrets();
    Ended {
        trial,
        recorded,
        unknown: 0,
    }
}

impl Counts {
    async fn add(&mut self, ended: &Ended) {
        let trial = &ended.trial;
        trial.boundaries.land(true).await;
        let sinks = trial.boundaries.sinks.iter();
        let held: Vec<_> = sinks.map(|sink| sink.secret().unwrap()).collect();
        let known = held.iter().chain(&ended.recorded);
        let living = trial.simulator.tokens().into_iter().filter(|token| {
            matches!(token.state, State::Active | State::Suspended)
                && !trial.others.contains(&token.id)
        });
        let orphans =
            living.filter(|token| !known.clone().any(|known| known.expose() == token.secret));
        let has_orphans = orphans.count() > ended.unknown;
        let is_lost = (held.iter()).any(|held| !trial.simulator.accepts(held.expose()));
        let has_outage = is_lost || !trial.boundaries.outages().is_empty();
        self.schedules += 1;
        self.orphans += u32::from(has_orphans);
        self.lost_secrets += u32::from(is_lost);
        self.outages += u32::from(has_outage);
    }
}

/// Counts what every two crashes leave, and every fault of a request with a crash.
async fn count(platform: &'static str, order: Option<Order>) -> Counts {
    let mut counts = Counts::default();
    let without = run(platform, order, &[], &[]).await;
    let (boundaries, requests) = without.trial.boundaries.passed();
    counts.add(&without).await;
    let as_it_should_be = Counts {
        schedules: 1,
        outages: u32::from(platform == "cloudsmith"),
        ..Counts::default()
    };
    assert_eq!(counts, as_it_should_be, "{platform} {order:?}");
    for first in 1..=boundaries {
        let ended = run(platform, order, &[first], &[]).await;
        counts.add(&ended).await;
        let (again, _) = ended.trial.boundaries.passed();
        for second in first + 1..=again {
            counts
                .add(&run(platform, order, &[first, second], &[]).await)
                .await;
        }
    }
    for request in 0..requests {
        for fault in [Fault::Lost, Fault::AnswerLost, Fault::Late] {
            let faults = [(request, fault)];
            let ended = run(platform, order, &[], &faults).await;
            counts.add(&ended).await;
            let (boundaries, _) = ended.trial.boundaries.passed();
            for crash in 1..=boundaries {
                counts
                    .add(&run(platform, order, &[crash], &faults).await)
                    .await;
            }
        }
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn other_orders_leave_orphans_or_lose_secrets_where_a_rotation_does_not() {
    println!("| platform | order | schedules | orphans | lost secrets | outages |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for platform in PLATFORMS {
        for (name, order) in ORDERS {
            let counts = count(platform, order).await;
            let Counts {
                schedules,
                orphans,
                lost_secrets,
                outages,
            } = counts;
            let shown = if platform == SERVICES {
                "cloudsmith, services"
            } else {
                platform
            };
            println!("| {shown} | {name} | {schedules} | {orphans} | {lost_secrets} | {outages} |");
            let is_in_place = platform == "cloudsmith";
            if order.is_none() {
                assert_eq!((orphans, lost_secrets), (0, 0), "{platform}");
                // In place, the old secret is dead before anybody has the new one.
                assert_eq!(
                    outages,
                    if is_in_place { schedules } else { 0 },
                    "{platform}"
                );
            } else {
                assert!(orphans + lost_secrets > 0, "{platform}, {name}");
            }
        }
    }
}
