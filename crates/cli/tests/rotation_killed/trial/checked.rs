//! The end of a rotation: what must hold, however its processes were struck.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokenfleet_ledger::Ledger;
use tokenfleet_rotation::machine::RotationState;
use tokenfleet_simulators::{State, Token};

use super::{RUNTIME, Trial, described};

impl Trial {
    /// Revokes the tokens that were created when their rotation had gone on without them. A worker
    /// that was stopped between a look at its claim and the request leaves one, and the next
    /// snapshot reports it.
    pub(super) fn revoke_late(&mut self, stops: u64) {
        let held = std::fs::read_to_string(&self.file).unwrap();
        let (mut living, _) = self.living();
        living.retain(|token| token.secret != held);
        if living.is_empty() {
            return;
        }
        let output = self.run_program(&["snapshot", "--output=json"]);
        let snapshot: Value = serde_json::from_slice(&output.stdout).unwrap();
        let strays = snapshot["accounts"][0]["strays"].as_array().unwrap();
        let is_possible = living.len() <= usize::try_from(stops).unwrap();
        assert!(is_possible, "{living:?}, {}", self.tell());
        for token in living {
            let is_reported = strays
                .iter()
                .any(|stray| stray["token"] == token.id.as_str() && stray["origin"] == "late");
            assert!(is_reported, "{token:?}, {snapshot}, {}", self.tell());
            let output = self.run_program(&["revoke", &token.id, "--yes"]);
            assert!(output.status.success(), "{}", described(&output));
            self.tried.late += 1;
        }
    }

    /// Lets the program find out what became of the writes of a worker that was superseded: what it
    /// created was revoked before it could say that it had.
    pub(super) fn settle(&self) {
        let resume = ["operations", "resume", "--all", "--yes"];
        let output = self.run_program(&[&resume[..], &["--look-again-after=0s"]].concat());
        let is_settled = output.status.success();
        assert!(is_settled, "{}: {}", described(&output), self.tell());
    }

    /// Returns the living tokens of the rotations, and the states of the others.
    fn living(&self) -> (Vec<Token>, BTreeMap<String, State>) {
        let mut living = Vec::new();
        let mut foreign = BTreeMap::new();
        for token in self.simulator.tokens() {
            if self.foreign.contains_key(&token.id) {
                foreign.insert(token.id, token.state);
            } else if matches!(token.state, State::Active | State::Suspended) {
                living.push(token);
            }
        }
        (living, foreign)
    }

    /// Checks that the file holds the only living token of the rotation, and that nothing else was
    /// touched, after workers were lost or superseded this often.
    pub(super) fn check(&mut self, losses: u64) {
        let rotation = self.closed_rotations().pop().unwrap().record.rotation;
        assert_eq!(rotation.state, RotationState::Done, "{}", self.tell());
        assert_eq!(rotation.parked, None, "{}", self.tell());
        let held = std::fs::read_to_string(&self.file).unwrap();
        assert!(
            self.simulator.accepts(&held),
            "the secret is lost: {}",
            self.tell()
        );

        let (living, foreign) = self.living();
        assert_eq!(
            foreign,
            self.foreign,
            "somebody else's token: {}",
            self.tell()
        );
        let orphans: Vec<_> = living.iter().filter(|token| token.secret != held).collect();
        assert!(orphans.len() < living.len(), "{}", self.tell());
        let day = Duration::from_secs(86_400);
        if self.provider == "mindbody" {
            // What cannot be listed is counted.
            let at_most = rotation.unknown_secrets(day).at_most;
            assert!(
                u64::from(at_most) <= losses,
                "{at_most} counted: {}",
                self.tell()
            );
            self.counted += usize::try_from(at_most).unwrap();
        } else {
            let writes = RUNTIME.block_on(self.ledger.open_operations()).unwrap();
            assert!(
                writes.is_empty(),
                "open writes: {writes:#?}, {}",
                self.tell()
            );
        }
        assert!(
            orphans.len() <= self.counted,
            "{} orphans, {} counted: {orphans:?}, {}",
            orphans.len(),
            self.counted,
            self.tell()
        );
        if !self.subject.is_empty() {
            let successor = rotation.successor.as_ref().unwrap();
            self.subject = successor.token.as_str().to_owned();
        }
        if self.provider != "cloudsmith" {
            let seen = self.consumer.seen();
            let is_refused = seen.is_refused || !seen.gaps.is_empty();
            assert!(
                !is_refused,
                "a consumer was refused: {seen:?}, {}",
                self.tell()
            );
        }
        self.tried.rotations += 1;
    }
}
