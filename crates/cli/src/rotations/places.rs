//! The places that rotations write, compared: two texts may name one place.

use tokenfleet::{Error, ErrorKind, Fate};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};

use crate::sinks::{Sinks, are_one};

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

/// Returns the error about an open rotation that writes a place of another token.
///
/// The successor of an open rotation has its places, and is no other token.
pub(super) fn conflict(
    sinks: &Sinks,
    record: &RotationRecord,
    open: &[StoredRotation],
) -> Option<Error> {
    let (subject, places) = (record.subject(), identities(sinks, &record.sinks));
    let is_other = |other: &&StoredRotation| {
        let other = &other.record;
        let successor = other.rotation.successor.as_ref();
        let is_successor = other.account == record.account
            && successor.is_some_and(|it| record.rotation.subject.as_ref() == Some(&it.token));
        other.subject() != subject && !is_successor
    };
    open.iter().filter(is_other).find_map(|other| {
        let mut written = places_of(sinks, &other.record);
        let place = written.find(|place| {
            let place = identity(sinks, place);
            places.iter().any(|own| are_one(own, &place))
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
    })
}
