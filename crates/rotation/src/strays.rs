//! Strays: the tokens of a listing that bear a marker, and that nothing which is known still needs.
//!
//! A creation whose answer was lost may be carried out long after anybody waits for it. Its token
//! bears the marker of the creation, so every listing that is taken later is searched for such
//! tokens.
//!
//! ```
//! use tokenfleet_core::workflow::Marker;
//! use tokenfleet_core::{Fact, Token, TokenId, TokenState};
//! use tokenfleet_rotation::strays::{KnownMarkers, Origin};
//!
//! let ledger = "0123456789abcdef";
//! let mut token = Token::new(TokenId::new("65f0"), TokenState::Active);
//! token.name = Fact::Known(format!("ci {}", Marker::random_in(ledger)));
//!
//! let known = KnownMarkers::new(ledger);
//! let strays = known.strays([&token]);
//! assert_eq!(strays[0].origin, Origin::Forgotten);
//! ```

use std::collections::HashMap;

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Token, TokenId, TokenState};

use crate::machine::{Rotation, RotationState};

/// The origin of a token that bears a marker, from the most harmless to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// An open rotation made it, it is the successor of one that is done, or a known write made it.
    Used,
    /// A rotation made it that was given up. A sink may hold it.
    Abandoned(OperationId),
    /// Another ledger made it, or a program without one. It is none of this ledger's business.
    Foreign,
    /// The marker is one of this ledger, which does not know it: a backup was restored, a database
    /// failed over without its last rows, or what made it was pruned. It may be in use.
    Forgotten,
    /// A rotation made it that ended with another successor: nobody has its secret.
    Late(OperationId),
}

/// A living token that bears a marker and is not [used](Origin::Used) by anything that is known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stray<'a> {
    /// The token.
    pub token: &'a Token,
    /// The origin, which is never [`Used`](Origin::Used).
    pub origin: Origin,
}

/// The markers that a ledger knows, and what became of their tokens.
#[derive(Debug, Clone)]
pub struct KnownMarkers {
    ledger: String,
    makers: HashMap<Marker, Maker>,
}

/// The write or the rotation that a marker was made for.
#[derive(Debug, Clone)]
enum Maker {
    /// Whoever made it uses its token, or is at it.
    InUse,
    /// A closed rotation.
    Closed {
        rotation: OperationId,
        is_done: bool,
        successor: Option<TokenId>,
    },
}

impl KnownMarkers {
    /// Creates the list of a ledger, of which no marker is known yet.
    #[must_use]
    pub fn new(ledger: impl Into<String>) -> Self {
        Self {
            ledger: ledger.into(),
            makers: HashMap::new(),
        }
    }

    /// Adds the marker of a creation that belongs to no rotation, such as that of a recorded
    /// [`Intent`](tokenfleet_core::journal::Intent::marker). Whoever began it sees to it.
    pub fn add_write(&mut self, marker: Marker) {
        self.makers.entry(marker).or_insert(Maker::InUse);
    }

    /// Adds the markers of a rotation, which is open or closed. The writes that it recorded may be
    /// added before or after it.
    pub fn add_rotation(&mut self, rotation: &Rotation, is_open: bool) {
        let maker = if is_open {
            Maker::InUse
        } else {
            Maker::Closed {
                rotation: rotation.id,
                is_done: rotation.state == RotationState::Done,
                // A token that not every sink held any more is needed by nobody for sure.
                successor: (rotation.successor.as_ref())
                    .filter(|_| rotation.state != RotationState::Issuing)
                    .map(|successor| successor.token.clone()),
            }
        };
        for attempt in &rotation.attempts {
            self.makers.insert(attempt.marker.clone(), maker.clone());
        }
    }

    /// Returns the origin of a token, or `None` if it bears no marker. Of two markers, one of which
    /// somebody copied with a text, the more harmless origin counts.
    #[must_use]
    pub fn origin(&self, token: &Token) -> Option<Origin> {
        let markers = Marker::all_of(token).into_iter();
        markers.map(|marker| self.origin_of(&marker, token)).min()
    }

    /// Returns the tokens of a listing that are alive and that nothing which is known still needs.
    #[must_use]
    pub fn strays<'a>(&self, tokens: impl IntoIterator<Item = &'a Token>) -> Vec<Stray<'a>> {
        let is_alive =
            |token: &&Token| !matches!(token.state, TokenState::Revoked | TokenState::Expired);
        let alive = tokens.into_iter().filter(is_alive);
        let strays = alive.filter_map(|token| {
            let origin = self.origin(token)?;
            Some(Stray { token, origin })
        });
        strays
            .filter(|stray| stray.origin != Origin::Used)
            .collect()
    }

    fn origin_of(&self, marker: &Marker, token: &Token) -> Origin {
        match self.makers.get(marker) {
            Some(Maker::InUse) => Origin::Used,
            Some(Maker::Closed { successor, .. }) if successor.as_ref() == Some(&token.id) => {
                Origin::Used
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
