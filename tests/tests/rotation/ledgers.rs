//! The same schedules over a ledger: after each crash, another process opens it.

use tokenfleet_core::{Query, TokenProviderExt};
use tokenfleet_ledger::MemoryLedger;
use tokenfleet_rotation::strays::{KnownMarkers, Origin};

use crate::boundary::Fault;
use crate::kept::Kept;
use crate::{PLATFORMS, SERVICES, Trial, quiet_provider};

async fn run(
    kept: Kept,
    platform: &'static str,
    stops: &[usize],
    faults: &[(usize, Fault)],
) -> Trial {
    let trial = Trial::over(kept, platform, stops, faults).await;
    trial.finish().await;
    let schedule = format!("{platform} {stops:?} {faults:?} in {:?}", trial.kept);
    trial.check(false, &schedule).await;
    trial
}

#[tokio::test]
async fn a_future_that_is_dropped_anywhere_is_carried_on_from_a_ledger() {
    for platform in PLATFORMS {
        let in_memory = || Kept::Ledger(MemoryLedger::new());
        let trial = run(in_memory(), platform, &[], &[]).await;
        let (boundaries, requests) = trial.boundaries.passed();
        for first in 1..=boundaries {
            run(in_memory(), platform, &[first], &[]).await;
            run(in_memory(), platform, &[first, first + 3], &[]).await;
        }
        for request in 0..requests {
            for fault in [Fault::Lost, Fault::AnswerLost, Fault::Late] {
                run(
                    in_memory(),
                    platform,
                    &[request * 2 + 4],
                    &[(request, fault)],
                )
                .await;
            }
        }
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_is_carried_on_by_a_process_that_opens_the_file() {
    for platform in PLATFORMS {
        let trial = run(Kept::in_a_file(), platform, &[], &[]).await;
        let (boundaries, _) = trial.boundaries.passed();
        for first in (1..=boundaries).step_by(3) {
            run(Kept::in_a_file(), platform, &[first, first + 2], &[]).await;
        }
    }
}

#[tokio::test]
async fn a_token_that_arrives_after_its_rotation_is_done_is_a_late_stray_and_no_other_is() {
    for platform in ["losant", "foreman", SERVICES] {
        // The creation: each rotation sends it first.
        let late = [(0, Fault::Late)];
        let trial = Trial::over(Kept::Ledger(MemoryLedger::new()), platform, &[], &late).await;
        let quiet = quiet_provider(platform, &trial.simulator);
        let list = async || quiet.list_all(Query::new()).await.unwrap().tokens;
        trial.finish_with(false).await;
        let (rotation, store) = (trial.rotation().await, trial.kept.store().await);
        assert_eq!(rotation.attempts.len(), 2);
        let mut known = KnownMarkers::new(store.ledger());
        let account = quiet.account();
        let listed = list().await;
        let strays = known.strays(account, &listed);
        let origins: Vec<_> = strays.iter().map(|stray| stray.origin).collect();
        // The successor: the markers of a rotation are this ledger's.
        assert_eq!(origins, [Origin::Forgotten], "{platform}: {strays:?}");
        known.add_rotation(account, &rotation, false);
        assert_eq!(known.strays(account, &list().await), []);
        trial.boundaries.land(true).await;
        let listed = list().await;
        let strays = known.strays(account, &listed);
        assert_eq!(strays.len(), 1, "{platform}: {strays:?}");
        assert_eq!(strays[0].origin, Origin::Late(rotation.id));
        assert!(rotation.attempts[0].marker.is_of_ledger(store.ledger()));
    }
}
