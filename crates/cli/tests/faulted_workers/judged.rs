//! The end of a run: what must hold, whatever the faults were.

use std::collections::BTreeMap;
use std::time::Duration;

use tokenfleet_rotation::machine::RotationState;
use tokenfleet_rotation::runner::StoredRotation;
use tokenfleet_simulators::{State, Token};

use crate::account::Account;
use crate::fleet::Fleet;

/// The longest life of a secret that nothing can list.
const DAY: Duration = Duration::from_secs(86_400);

/// The tokens of an account that are left.
#[derive(Debug, Default)]
struct Judged {
    rotations: u64,
    counted: u64,
    /// The living tokens that no file holds, where tokens can be listed.
    unheld: Vec<Token>,
}

impl Fleet<'_> {
    /// Checks what must hold when nothing is under way any more.
    pub(crate) fn check(&mut self) {
        let (closed, open) = (self.closed_rotations(), self.open_rotations());
        let parked: Vec<_> = open.iter().map(|it| &it.record.rotation.parked).collect();
        assert!(
            parked.is_empty(),
            "a person is needed: {parked:?}: {}",
            self.tell()
        );
        for number in 0..self.accounts.len() {
            let account = &self.accounts[number];
            let name = account.name.clone();
            let judged = judge(self.provider, account, &closed);
            let judged = judged.unwrap_or_else(|problem| {
                panic!("{name}: {problem}: {}", self.tell());
            });
            self.experience.rotations += judged.rotations;
            self.experience.counted += judged.counted;
            if !judged.unheld.is_empty() {
                let late = self.late_tokens(&name);
                for token in judged.unheld {
                    assert!(
                        late.contains(&token.id),
                        "{name}: left behind: {token:?}, {late:?}: {}",
                        self.tell()
                    );
                    self.experience.late += 1;
                }
            }
            for original in &self.accounts[number].originals {
                self.experience.add_seen(original.consumer.seen());
            }
        }
    }
}

fn judge(provider: &str, account: &Account, closed: &[StoredRotation]) -> Result<Judged, String> {
    let is_of_account = |stored: &&StoredRotation| stored.record.account.name() == account.name;
    let closed: Vec<_> = closed.iter().filter(is_of_account).collect();
    let mut judged = Judged::default();
    for stored in &closed {
        if stored.record.rotation.state != RotationState::Done {
            return Err(format!("given up: {stored:?}"));
        }
        judged.rotations += 1;
    }
    let tokens = account.simulator.tokens();
    let mut foreign = BTreeMap::new();
    let mut living = Vec::new();
    for token in tokens {
        if account.foreign.contains_key(&token.id) {
            foreign.insert(token.id, token.state);
        } else if matches!(token.state, State::Active | State::Suspended) {
            living.push(token);
        }
    }
    if foreign != account.foreign {
        return Err(format!("somebody else's token: {foreign:?}"));
    }
    for original in &account.originals {
        let (id, has_ids) = (&original.id, provider != "mindbody");
        let is_of_token = |stored: &&&StoredRotation| {
            let subject = &stored.record.rotation.subject;
            !has_ids
                || subject
                    .as_ref()
                    .is_some_and(|subject| subject.as_str() == id)
        };
        let rotations = closed.iter().filter(is_of_token).count();
        if rotations != 1 {
            return Err(format!("{id} was rotated {rotations} times"));
        }
        let held = std::fs::read_to_string(&original.file).unwrap();
        if !account.simulator.accepts(&held) {
            return Err(format!("the secret of {id} is lost"));
        }
        let is_alive = account.simulator.accepts(&original.secret);
        // Where nothing can be listed, it may have been counted.
        if is_alive && has_ids {
            return Err(format!("{id} is said to be dead, and lives"));
        }
        let seen = original.consumer.seen();
        if provider != "cloudsmith" && (seen.is_refused || !seen.gaps.is_empty()) {
            return Err(format!("a consumer of {id} was refused: {seen:?}"));
        }
        living.retain(|token| token.secret != held);
    }
    // A successor has no other subject than a token that a person made.
    let expected = account.originals.len();
    if closed.len() != expected {
        let count = closed.len();
        return Err(format!("{count} rotations of {expected} tokens"));
    }
    if provider == "mindbody" {
        for stored in &closed {
            let secrets = stored.record.rotation.unknown_secrets(DAY);
            judged.counted += u64::from(secrets.at_most);
        }
        let left = u64::try_from(living.len()).unwrap();
        if left > judged.counted {
            let counted = judged.counted;
            return Err(format!("{left} left behind, {counted} counted: {living:?}"));
        }
    } else {
        judged.unheld = living;
    }
    Ok(judged)
}
