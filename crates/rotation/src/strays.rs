//! Strays: the tokens of a listing that a rotation or another write left behind, and that nothing
//! which is known still needs.
//!
//! A creation whose answer was lost may be carried out long after anybody waits for it. Its token
//! bears the marker of the creation, so every listing that is taken later is searched for such
//! tokens. So it is for the old token of a rotation that was given up before it was revoked, which
//! may bear no marker, and for one that lives although the platform had confirmed its revocation.
//!
//! ```
//! use tokenfleet_core::workflow::Marker;
//! use tokenfleet_core::{Account, Fact, Token, TokenId, TokenState};
//! use tokenfleet_rotation::strays::{KnownMarkers, Origin};
//!
//! let account = Account::new("losant", "iot");
//! let ledger = "0123456789abcdef";
//! let mut token = Token::new(TokenId::new("65f0"), TokenState::Active);
//! token.name = Fact::Known(format!("ci {}", Marker::random_in(ledger)));
//!
//! let known = KnownMarkers::new(ledger);
//! let strays = known.strays(&account, [&token]);
//! assert_eq!(strays[0].origin, Origin::Forgotten);
//! ```

use std::collections::{HashMap, HashSet};

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Account, Timestamp, Token, TokenId, TokenState};

use crate::machine::{Rotation, RotationState};

/// The origin of a token that was left behind or bears a marker, from the most harmless to the
/// least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// An open rotation made it, it is the successor of one that is done, or a known write made it.
    Used,
    /// A rotation made it that was given up. A sink may hold it.
    Abandoned(OperationId),
    /// It is the old token of a rotation that was given up when every sink held the successor.
    Replaced(OperationId),
    /// It is the old token of a rotation that is done: the platform had confirmed that it was
    /// revoked.
    Survived(OperationId),
    /// Another ledger made it, or a program without one. It is none of this ledger's business.
    Foreign,
    /// The marker is one of this ledger, which does not know it: a backup was restored, a database
    /// failed over without its last rows, or what made it was pruned. It may be in use.
    Forgotten,
    /// A rotation made it that ended with another successor: nobody has its secret.
    Late(OperationId),
}

/// A living token that was left behind or bears a marker, and is not [used](Origin::Used) by
/// anything that is known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stray<'a> {
    /// The token.
    pub token: &'a Token,
    /// The origin, which is never [`Used`](Origin::Used).
    pub origin: Origin,
}

/// The markers that a ledger knows, and what became of their tokens; and the old tokens of
/// rotations that are over.
#[derive(Debug, Clone)]
pub struct KnownMarkers {
    ledger: String,
    makers: HashMap<Marker, Maker>,
    replaced: HashMap<(Account, TokenId), Replaced>,
    /// The old tokens of rotations that are open.
    subjects: HashSet<(Account, TokenId)>,
    /// The last rotation that delivered a successor of each old token, and when.
    delivered: HashMap<(Account, TokenId), (Timestamp, OperationId)>,
}

/// An old token that is not needed any more.
#[derive(Debug, Clone)]
struct Replaced {
    origin: Origin,
    /// The time at which the old token was created, if it is known.
    created_at: Option<Timestamp>,
}

/// The write or the rotation that a marker was made for.
#[derive(Debug, Clone)]
enum Maker {
    /// Whoever made it uses its token, or is still writing.
    InUse,
    /// A closed rotation.
    Closed {
        rotation: OperationId,
        is_done: bool,
        successor: Option<TokenId>,
        old: Option<(Account, TokenId)>,
    },
}

impl KnownMarkers {
    /// Creates the list of a ledger, of which no marker is known yet.
    #[must_use]
    pub fn new(ledger: impl Into<String>) -> Self {
        Self {
            ledger: ledger.into(),
            makers: HashMap::new(),
            replaced: HashMap::new(),
            subjects: HashSet::new(),
            delivered: HashMap::new(),
        }
    }

    /// Adds the marker of a creation that belongs to no rotation, such as that of a recorded
    /// [`Intent`](tokenfleet_core::journal::Intent::marker). Whoever began it sees to it.
    pub fn add_write(&mut self, marker: Marker) {
        self.makers.entry(marker).or_insert(Maker::InUse);
    }

    /// Adds a rotation of an account, which is open or closed. One that is added as closed has to
    /// be so before the tokens are listed, or its old token may be listed from before. The writes
    /// that it recorded may be added before or after it.
    pub fn add_rotation(&mut self, account: &Account, rotation: &Rotation, is_open: bool) {
        self.add_subject(account, rotation, is_open);
        // A token that not every sink held any more is needed by nobody for sure.
        let successor = (rotation.successor.as_ref())
            .filter(|_| is_open || rotation.state != RotationState::Issuing);
        let subject = rotation.subject.clone();
        let old = subject.map(|subject| (account.clone(), subject));
        if let (Some(successor), Some(old)) = (successor, &old) {
            let delivery = (successor.delivered_at, rotation.id);
            let last = self.delivered.entry(old.clone()).or_insert(delivery);
            if last.0 < delivery.0 {
                *last = delivery;
            }
        }
        let maker = if is_open {
            Maker::InUse
        } else {
            Maker::Closed {
                rotation: rotation.id,
                is_done: rotation.state == RotationState::Done,
                successor: successor.map(|successor| successor.token.clone()),
                old,
            }
        };
        for attempt in &rotation.attempts {
            self.makers.insert(attempt.marker.clone(), maker.clone());
        }
    }

    fn add_subject(&mut self, account: &Account, rotation: &Rotation, is_open: bool) {
        let Some(subject) = &rotation.subject else {
            return;
        };
        let token = (account.clone(), subject.clone());
        if is_open {
            self.subjects.insert(token);
            return;
        }
        // In place, the old token is the successor.
        let is_replaced =
            (rotation.successor.as_ref()).is_some_and(|successor| successor.token != *subject);
        let origin = match rotation.state {
            RotationState::Retiring => Some(Origin::Replaced(rotation.id)),
            RotationState::Done => Some(Origin::Survived(rotation.id)),
            _ => None,
        };
        if let Some(origin) = origin.filter(|_| is_replaced) {
            let replaced = Replaced {
                origin,
                created_at: rotation.subject_created_at,
            };
            self.replaced.insert(token, replaced);
        }
    }

    /// Returns the origin of a token of an account, or `None` if it was not left behind and bears
    /// no marker. Of two markers, one of which somebody copied with a text, the more harmless
    /// origin counts.
    #[must_use]
    pub fn origin(&self, account: &Account, token: &Token) -> Option<Origin> {
        // First: it may be the successor of an earlier rotation.
        if let Some(origin) = self.replaced_by(account, token) {
            return Some(origin);
        }
        let markers = Marker::all_of(token).into_iter();
        markers.map(|marker| self.origin_of(&marker, token)).min()
    }

    /// Returns the tokens of a listing of an account that are alive and that nothing which is known
    /// still needs.
    #[must_use]
    pub fn strays<'a>(
        &self,
        account: &Account,
        tokens: impl IntoIterator<Item = &'a Token>,
    ) -> Vec<Stray<'a>> {
        let is_alive =
            |token: &&Token| !matches!(token.state, TokenState::Revoked | TokenState::Expired);
        let alive = tokens.into_iter().filter(is_alive);
        let strays = alive.filter_map(|token| {
            let origin = self.origin(account, token)?;
            Some(Stray { token, origin })
        });
        strays
            .filter(|stray| stray.origin != Origin::Used)
            .collect()
    }

    /// Returns the origin of a token that a rotation which is over has replaced.
    fn replaced_by(&self, account: &Account, token: &Token) -> Option<Origin> {
        let key = (account.clone(), token.id.clone());
        let replaced = self.replaced.get(&key)?;
        // The platform may have given its id to another one since.
        let is_another = (replaced.created_at)
            .zip(token.created_at.known().copied())
            .is_some_and(|(subject, found)| subject != found);
        (!is_another && !self.subjects.contains(&key)).then_some(replaced.origin)
    }

    fn origin_of(&self, marker: &Marker, token: &Token) -> Origin {
        match self.makers.get(marker) {
            Some(Maker::InUse) => Origin::Used,
            Some(Maker::Closed {
                rotation,
                is_done,
                successor,
                old,
            }) if successor.as_ref() == Some(&token.id) => {
                let last = old.as_ref().and_then(|old| self.delivered.get(old));
                // After it was given up, another rotation of the same token may have taken its
                // places.
                if !is_done && last.is_some_and(|(_, last)| last != rotation) {
                    Origin::Abandoned(*rotation)
                } else {
                    Origin::Used
                }
            }
            Some(Maker::Closed {
                rotation,
                is_done: true,
                ..
            }) => Origin::Late(*rotation),
            Some(Maker::Closed { rotation, .. }) => Origin::Abandoned(*rotation),
            None if marker.is_of_ledger(&self.ledger) => Origin::Forgotten,
            None => Origin::Foreign,
        }
    }
}
