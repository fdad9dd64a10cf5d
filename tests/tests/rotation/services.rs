//! The service accounts of Cloudsmith: two principals side by side, so that nothing is down.

use tokenfleet_core::model::Attribute;
use tokenfleet_core::{Query, TokenProviderExt};
use tokenfleet_rotation::machine::{Parked, Preference, RotationState, Strategy};
use tokenfleet_rotation::runner::{Advanced, Runner};

use crate::kept::Kept;
use crate::{SERVICES, Trial, build, quiet_provider};

async fn trial(options: &[&str], stops: &[usize]) -> Trial {
    let simulator = build("cloudsmith", &[&["collection=services"], options].concat());
    Trial::on(simulator, Kept::default(), SERVICES, stops, &[]).await
}

#[tokio::test]
async fn services_overlap_and_keep_their_names_and_roles() {
    let trial = trial(&[], &[]).await;
    let capabilities = trial.provider.capabilities();
    let strategy = Strategy::for_capabilities(capabilities, Preference::Overlap).unwrap();
    assert!(matches!(strategy, Strategy::Overlap(_)), "{strategy:?}");
    let store = trial.kept.memory();
    let runner = Runner::new(&*trial.provider, &trial.sinks, store, &trial.clock);
    runner.advance(&trial.job).await.unwrap();
    assert_eq!(trial.rotation().await.state, RotationState::Retiring);
    let quiet = quiet_provider(SERVICES, &trial.simulator);
    let both = quiet.list_all(Query::new()).await.unwrap().tokens;
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].name, both[1].name);
    let roles = both.iter().map(|token| token.attributes.get("role"));
    assert_eq!(
        roles.collect::<Vec<_>>(),
        [Some(&Attribute::from("Manager")); 2]
    );
    let subject = trial.rotation().await.subject.unwrap();
    assert!(both.iter().any(|token| token.id == subject), "{both:?}");
    trial.finish().await;
    trial.check(false, "services").await;
}

#[tokio::test(start_paused = true)]
async fn services_that_are_shown_late_are_rotated_all_the_same() {
    let lag = ["service_lag=45"];
    let without = trial(&lag, &[]).await;
    without.finish().await;
    without.check(false, "a lag").await;
    let (boundaries, _) = without.boundaries.passed();
    for crash in 1..=boundaries {
        let trial = trial(&lag, &[crash]).await;
        trial.finish().await;
        trial
            .check(false, &format!("a lag, a crash at {crash}"))
            .await;
    }
}

#[tokio::test]
async fn an_organization_that_refuses_two_services_of_a_name_keeps_the_one_it_has() {
    let trial = trial(&["duplicate_name=refused"], &[]).await;
    let held = trial.boundaries.sinks[0].secret().unwrap();
    let mut parked = None;
    for _ in 0..20 {
        let store = trial.kept.memory();
        let runner = Runner::new(&*trial.provider, &trial.sinks, store, &trial.clock);
        match runner.advance(&trial.job).await.unwrap() {
            Advanced::Waiting { until, .. } => trial.clock.set(until),
            Advanced::Parked(reason) => {
                parked = Some(reason);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(parked, Some(Parked::Refused { .. })), "{parked:?}");
    for sink in &trial.boundaries.sinks {
        assert!(sink.secret().unwrap().is_same(&held));
    }
    assert!(trial.simulator.accepts(held.expose()));
    assert_eq!(trial.boundaries.outages(), Vec::<String>::new());
}
