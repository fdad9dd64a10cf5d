//! The places that rotations write, compared: two texts may name one place.

use tokenfleet::{Error, ErrorKind, Fate};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};

use super::place_map::PlaceMap;
use crate::sinks::Sinks;

/// Returns a text that is equal for two places that are one, however each is written.
pub(crate) fn identity(sinks: &Sinks, place: &str) -> String {
    // One that the configuration no longer has is only itself.
    sinks.identity(place).unwrap_or_else(|_| place.to_owned())
}

/// Returns the [`identity`] of each place.
pub(crate) fn identities(sinks: &Sinks, places: &[String]) -> Vec<String> {
    places.iter().map(|place| identity(sinks, place)).collect()
}

/// Returns the location of each place, for the record of a rotation.
pub(crate) fn locations(sinks: &Sinks, places: &[String]) -> Vec<String> {
    let location = |place: &String| sinks.location(place).unwrap_or_else(|_| place.clone());
    places.iter().map(location).collect()
}

/// Returns the places that a rotation writes or has written: of a sink that leads elsewhere since,
/// the location that it had.
pub(crate) fn places_of<'a>(
    sinks: &Sinks,
    record: &'a RotationRecord,
) -> impl Iterator<Item = &'a str> {
    let places = record.sinks.iter().enumerate();
    places.map(|(at, place)| match record.locations.get(at) {
        Some(location) if !leads_to(sinks, place, location) => location.as_str(),
        _ => place.as_str(),
    })
}

/// Returns `true` if a place still leads to its location.
pub(super) fn leads_to(sinks: &Sinks, place: &str, location: &str) -> bool {
    let now = sinks.location(place);
    now.is_ok_and(|now| now == location || identity(sinks, place) == identity(sinks, location))
}

/// The places that open rotations write.
pub(super) struct OpenPlaces<'a>(PlaceMap<(&'a StoredRotation, &'a str)>);

impl<'a> OpenPlaces<'a> {
    pub(super) fn new(sinks: &Sinks, open: &'a [StoredRotation]) -> Self {
        let mut places = PlaceMap::new();
        for stored in open {
            for place in places_of(sinks, &stored.record) {
                places.insert(identity(sinks, place), (stored, place));
            }
        }
        Self(places)
    }

    /// Returns the error about an open rotation that writes a place of another token.
    ///
    /// The successor of an open rotation has its places, and is no other token.
    pub(super) fn conflict(&self, sinks: &Sinks, record: &RotationRecord) -> Option<Error> {
        let subject = record.subject();
        let is_other = |other: &RotationRecord| {
            let successor = other.rotation.successor.as_ref();
            let is_successor = other.account == record.account
                && successor.is_some_and(|it| record.rotation.subject.as_ref() == Some(&it.token));
            other.subject() != subject && !is_successor
        };
        let places = record.sinks.iter().map(|place| identity(sinks, place));
        let (other, place) = places.into_iter().find_map(|place| {
            let mut written = self.0.of(&place);
            written.find(|(other, _)| is_other(&other.record)).copied()
        })?;
        let message = format!(
            "the open rotation {} of another token, in {}, writes {place} too",
            other.task.id,
            other.record.account.name()
        );
        let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message);
        Some(error.with_advice(
            "two tokens cannot be in one place: use `{account}` or `{name}` in the sink, or wait \
             until the other rotation is done",
        ))
    }
}
