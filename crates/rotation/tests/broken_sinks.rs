//! Sinks that each break a law on purpose: the law must notice.

#![allow(clippy::unwrap_used)]

mod support;

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use support::{assert_kept, violations};
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret};
use tokenfleet_rotation::sink::laws::{self, SinkFault, SinkFixture};
use tokenfleet_rotation::sink::{
    Holding, Readable, SealedStamp, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};

/// A thing that is wrong with a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    InventsASecret,
    KeepsTheVersion,
    ReturnsAnotherVersion,
    ChangesTheSecret,
    DropsTheStamp,
    IgnoresTheVersion,
    RefusesWithAnUnknownFate,
    IgnoresTheEpoch,
    OverwritesWhatItDoesNotOwn,
    NeverAdopts,
    TrustsAnyStamp,
    WipesWhatIsBeside,
    ChecksBeforeItWrites,
    ShowsTheSecretInDebug,
    ShowsTheSecretInErrors,
    ShowsTheSecretInTheVersion,
    TakesALostRequestForASuccess,
    TakesALostAnswerForARefusal,
    WritesLateWithoutACheck,
}

/// The laws that notice a defect.
const CAUGHT_BY: [(Defect, &[&str]); 19] = [
    (Defect::InventsASecret, &["an_empty_place_holds_nothing"]),
    (Defect::KeepsTheVersion, &["what_was_written_is_held"]),
    (Defect::ReturnsAnotherVersion, &["what_was_written_is_held"]),
    (Defect::ChangesTheSecret, &["what_was_written_is_held"]),
    (Defect::DropsTheStamp, &["what_was_written_is_held"]),
    (
        Defect::IgnoresTheVersion,
        &[
            "a_write_that_expects_another_version_changes_nothing",
            "a_late_write_changes_nothing",
        ],
    ),
    (
        Defect::RefusesWithAnUnknownFate,
        &["a_write_that_expects_another_version_changes_nothing"],
    ),
    (
        Defect::IgnoresTheEpoch,
        &["a_write_with_a_lower_epoch_changes_nothing"],
    ),
    (
        Defect::OverwritesWhatItDoesNotOwn,
        &["what_somebody_else_wrote_is_replaced_only_by_adoption"],
    ),
    (
        Defect::NeverAdopts,
        &["what_somebody_else_wrote_is_replaced_only_by_adoption"],
    ),
    (
        Defect::TrustsAnyStamp,
        &["a_changed_secret_loses_its_stamp"],
    ),
    (
        Defect::WipesWhatIsBeside,
        &["everything_beside_the_secret_is_kept"],
    ),
    (
        Defect::ChecksBeforeItWrites,
        &["of_two_writers_at_once_one_wins"],
    ),
    (Defect::ShowsTheSecretInDebug, &["no_secret_is_shown"]),
    (Defect::ShowsTheSecretInErrors, &["no_secret_is_shown"]),
    (Defect::ShowsTheSecretInTheVersion, &["no_secret_is_shown"]),
    (
        Defect::TakesALostRequestForASuccess,
        &["a_lost_request_is_not_taken_for_a_success"],
    ),
    (
        Defect::TakesALostAnswerForARefusal,
        &["a_lost_answer_is_not_taken_for_a_failure"],
    ),
    (
        Defect::WritesLateWithoutACheck,
        &["a_late_write_changes_nothing"],
    ),
];

/// The place, and the way to it.
#[derive(Debug, Clone)]
struct Place {
    defect: Defect,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    version: u64,
    secret: Option<String>,
    sealed: Option<SealedStamp>,
    beside: Option<&'static str>,
    late: Option<(String, Version, Stamp)>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl Place {
    fn new(defect: Defect) -> Self {
        let held = Held {
            beside: Some("another key"),
            ..Held::default()
        };
        let held = Arc::new(Mutex::new(held));
        Self { defect, held }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn version(&self, held: &Held) -> Version {
        if self.has(Defect::ShowsTheSecretInTheVersion) {
            Version::new(format!("{}-{:?}", held.version, held.secret))
        } else {
            Version::new(held.version.to_string())
        }
    }

    fn holding(&self, held: &Held) -> Holding {
        let secret = held.secret.as_deref();
        let secret = secret.or(self.has(Defect::InventsASecret).then_some("invented"));
        let mut sealed = held.sealed.clone();
        if let (true, Some(stored), Some(secret)) =
            (self.has(Defect::TrustsAnyStamp), &held.sealed, secret)
        {
            sealed = Some(SealedStamp::new(stored.stamp(), &Secret::new(secret)));
        }
        Holding::new(self.version(held), secret.map(Secret::new), sealed)
    }

    fn put(&self, held: &mut Held, secret: &str, stamp: &Stamp) -> Version {
        let secret = match self.defect {
            Defect::ChangesTheSecret => secret.trim_end_matches('='),
            _ => secret,
        };
        if !self.has(Defect::KeepsTheVersion) {
            held.version += 1;
        }
        held.secret = Some(secret.to_owned());
        if !self.has(Defect::DropsTheStamp) {
            held.sealed = Some(SealedStamp::new(stamp, &Secret::new(secret)));
        }
        if self.has(Defect::WipesWhatIsBeside) {
            held.beside = None;
        }
        if self.has(Defect::ReturnsAnotherVersion) {
            return Version::new("another");
        }
        self.version(held)
    }
}

/// A sink with a defect, whose next write may go wrong.
struct Broken {
    place: Place,
    adopts: bool,
    fault: Mutex<Option<SinkFault>>,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shown = self.place.has(Defect::ShowsTheSecretInDebug);
        let held = self.place.held.lock().unwrap();
        let shown = held.secret.as_ref().filter(|_| is_shown);
        f.debug_struct("Broken").field("secret", &shown).finish()
    }
}

#[async_trait]
impl SecretSink for Broken {
    fn place(&self) -> &str {
        "broken"
    }

    fn capabilities(&self) -> SinkCapabilities {
        SinkCapabilities::new(Readable::Secret).with_compare_and_swap()
    }

    async fn read(&self) -> Result<SinkState> {
        let held = self.place.held.lock().unwrap();
        Ok(self.place.holding(&held).into_state())
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        let place = &self.place;
        let fault = self.fault.lock().unwrap().take();
        if fault == Some(SinkFault::RequestLost) {
            if place.has(Defect::TakesALostRequestForASuccess) {
                return Ok(Version::new("lost"));
            }
            return Err(unknown());
        }
        if fault == Some(SinkFault::Late) {
            let late = (secret.expose().to_owned(), expected.clone(), stamp.clone());
            place.held.lock().unwrap().late = Some(late);
            return Err(unknown());
        }
        let check = |held: &Held| {
            let holding = place.holding(held);
            let current = place.version(held);
            let expected = match place.defect {
                Defect::IgnoresTheVersion => &current,
                _ => expected,
            };
            let highest = Stamp::new("operation-1", u64::MAX, stamp.token().clone());
            let stamp = match place.defect {
                Defect::IgnoresTheEpoch => &highest,
                _ => stamp,
            };
            let adopts = match place.defect {
                Defect::OverwritesWhatItDoesNotOwn => true,
                Defect::NeverAdopts => false,
                _ => self.adopts,
            };
            holding.check("broken", expected, stamp, adopts)
        };
        let checked = check(&place.held.lock().unwrap());
        checked.map_err(|error| match place.defect {
            Defect::RefusesWithAnUnknownFate => error.with_fate(Fate::MaybeApplied),
            Defect::ShowsTheSecretInErrors => error.with_advice(secret.expose()),
            _ => error,
        })?;
        tokio::task::yield_now().await;
        let mut held = place.held.lock().unwrap();
        if !place.has(Defect::ChecksBeforeItWrites) {
            check(&held)?;
        }
        let version = place.put(&mut held, secret.expose(), stamp);
        match fault {
            Some(_) if place.has(Defect::TakesALostAnswerForARefusal) => {
                Err(unknown().with_fate(Fate::Rejected))
            }
            Some(_) => Err(unknown()),
            None => Ok(version),
        }
    }
}

fn unknown() -> Error {
    Error::new(
        ErrorKind::Connection,
        Fate::MaybeApplied,
        "the answer was lost",
    )
}

#[async_trait]
impl SinkFixture for Place {
    fn sink(&self, adopts: bool) -> Arc<dyn SecretSink> {
        Arc::new(Broken {
            place: self.clone(),
            adopts,
            fault: Mutex::default(),
        })
    }

    async fn set(&self, secret: &str) {
        let mut held = self.held.lock().unwrap();
        held.version += 1;
        held.secret = Some(secret.to_owned());
    }

    async fn secret(&self) -> Option<String> {
        self.held.lock().unwrap().secret.clone()
    }

    async fn surroundings(&self) -> String {
        format!("{:?}", self.held.lock().unwrap().beside)
    }

    fn faulty(&self, fault: SinkFault) -> Option<Arc<dyn SecretSink>> {
        Some(Arc::new(Broken {
            place: self.clone(),
            adopts: false,
            fault: Mutex::new(Some(fault)),
        }))
    }

    async fn let_arrive(&self) {
        let mut held = self.held.lock().unwrap();
        let Some((secret, expected, stamp)) = held.late.take() else {
            return;
        };
        let is_current = self.version(&held) == expected || self.has(Defect::IgnoresTheVersion);
        if is_current || self.has(Defect::WritesLateWithoutACheck) {
            self.put(&mut held, &secret, &stamp);
        }
    }
}

#[tokio::test]
async fn a_sink_without_a_defect_keeps_every_law() {
    assert_kept(async || Place::new(Defect::None)).await;
}

#[tokio::test]
async fn every_defect_is_noticed_by_its_law() {
    for (defect, laws) in CAUGHT_BY {
        let noticed = violations(async || Place::new(defect)).await;
        for law in laws {
            let is_noticed = noticed.iter().any(|(name, _)| name == law);
            assert!(
                is_noticed,
                "{defect:?} is not noticed by {law}: {noticed:#?}"
            );
        }
    }
}

#[test]
fn every_law_notices_something() {
    for (law, _) in laws::ALL {
        let notices = CAUGHT_BY.iter().any(|(_, laws)| laws.contains(&law));
        assert!(notices, "no defect is noticed by {law}");
    }
}
