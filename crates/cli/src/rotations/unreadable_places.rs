//! The places that the rotations which this version cannot read may have delivered to.

use tokenfleet::{Error, ErrorKind, Fate};
use tokenfleet_rotation::runner::{RotationRecord, UnreadableRotation};

use super::holders::Holders;
use super::place_map::PlaceMap;
use super::places::identity;
use super::unreadable::{Subject, Unreadable};
use crate::sinks::Sinks;

/// The places that such rotations name, open or closed, of whatever account: each may hold the
/// secret of a token that is in use.
#[derive(Debug)]
pub(crate) struct UnreadablePlaces {
    rotations: Vec<Unreadable>,
    /// The indices of the rotations that name each place.
    named: PlaceMap<usize>,
}

impl UnreadablePlaces {
    pub(crate) fn new<'a>(
        sinks: &Sinks,
        all: impl IntoIterator<Item = &'a UnreadableRotation>,
    ) -> Self {
        let (mut rotations, mut named) = (Vec::new(), PlaceMap::new());
        for unreadable in all {
            let unreadable = Unreadable::of(unreadable);
            for text in &unreadable.texts {
                named.insert(identity(sinks, text), rotations.len());
            }
            rotations.push(unreadable);
        }
        Self { rotations, named }
    }

    /// Returns the error about a place of a rotation that one of them names, and that the rotation
    /// would replace without having been told to.
    ///
    /// A place is free again once a rotation that can be read has delivered to it: then what that
    /// delivered counts.
    pub(crate) fn objection(
        &self,
        sinks: &Sinks,
        record: &RotationRecord,
        holders: &Holders<'_>,
    ) -> Option<Error> {
        let planned = record.sinks.iter().zip(&record.plan.sinks);
        let mut places = planned.filter(|(_, planned)| !planned.adopt);
        places.find_map(|(place, _)| {
            let identity = identity(sinks, place);
            let delivered_at = holders.delivered_at(&identity);
            let named = self.named.of(&identity);
            let mut naming = named.filter_map(|index| self.rotations.get(*index));
            let other = naming.find(|other| {
                !other.was_over_before(delivered_at) && !other.is_of_token_of(record)
            })?;
            Some(other.may_have_delivered_to(place))
        })
    }
}

impl Unreadable {
    /// Returns `true` if the token that a rotation replaces is one of this rotation's, or where
    /// tokens have no ids the places are the same.
    fn is_of_token_of(&self, record: &RotationRecord) -> bool {
        let Some(token) = &record.rotation.subject else {
            return self.subject == record.subject();
        };
        let subject = Subject::read(&self.subject);
        subject.is_none_or(|subject| subject.is_of(&record.account))
            && self.texts.contains(token.as_str())
    }

    fn may_have_delivered_to(&self, place: &str) -> Error {
        let message = format!(
            "{place} may hold the secret of another token, by the rotation {}, which this version \
             of the program cannot read",
            self.id
        );
        Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice(
            "use `{account}` or `{name}` in the sink; if nobody needs that secret there any more, \
             `adopt = true` in the table of the sink or `rotate --to` with --adopt replaces it",
        )
    }
}
