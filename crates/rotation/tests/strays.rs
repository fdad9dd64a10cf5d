//! The laws of strays: what is used is never one, and what is late is one for certain.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Account, Fact, Timestamp, Token, TokenId, TokenState};
use tokenfleet_rotation::machine::{Attempt, Change, Rotation, Successor};
use tokenfleet_rotation::strays::{KnownMarkers, Origin};

const LEDGER: &str = "0123456789abcdef";
const OTHER_LEDGER: &str = "fedcba9876543210";

fn account() -> Account {
    Account::new("losant", "iot")
}

fn token(id: &str, marker: &Marker) -> Token {
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    token.description = Fact::Known(format!("ci {marker}"));
    token
}

/// A rotation of some attempts, whose last one was delivered if it `is_delivered`.
fn rotation(attempts: u32, is_delivered: bool) -> Rotation {
    let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let mut rotation = Rotation::new(OperationId::random(), Some(TokenId::new("old")), now);
    for number in 1..=attempts {
        let attempt = Attempt::new(number, Marker::random_in(LEDGER), now);
        rotation.apply(&Change::Attempting {
            attempt,
            replaced: 0,
        });
    }
    if is_delivered {
        let id = TokenId::new(attempts.to_string());
        rotation.apply(&Change::Delivered(Successor::new(attempts, id, 1, now)));
    }
    rotation
}

/// Returns the token of each attempt. That of the last one is the successor, if there is one.
fn tokens(rotation: &Rotation) -> Vec<Token> {
    let attempts = rotation.attempts.iter();
    let tokens = attempts.map(|attempt| token(&attempt.number.to_string(), &attempt.marker));
    tokens.collect()
}

proptest! {
    #[test]
    fn a_token_is_late_only_if_its_rotation_ended_with_another_one(
        attempts in 1..5_u32,
        is_open: bool,
        is_delivered: bool,
        is_done: bool,
        is_also_a_write: bool,
    ) {
        let mut rotation = rotation(attempts, is_delivered);
        let is_done = is_done && is_delivered && !is_open;
        if is_done {
            rotation.apply(&Change::Done);
        }
        let mut known = KnownMarkers::new(LEDGER);
        // The rotation's own writes are in the ledger as well, in whatever order they are read.
        if is_also_a_write {
            known.add_write(rotation.attempts[0].marker.clone());
        }
        known.add_rotation(&account(), &rotation, is_open);
        if is_also_a_write {
            known.add_write(rotation.attempts[0].marker.clone());
        }
        for (number, token) in (1..).zip(tokens(&rotation)) {
            let is_successor = is_delivered && number == attempts;
            let expected = if is_open || is_successor {
                Origin::Used
            } else if is_done {
                Origin::Late(rotation.id)
            } else {
                Origin::Abandoned(rotation.id)
            };
            prop_assert_eq!(known.origin(&account(), &token), Some(expected));
            let strays = known.strays(&account(), [&token]);
            prop_assert_eq!(strays.is_empty(), expected == Origin::Used);
        }
    }
}

#[test]
fn another_token_with_the_marker_of_the_successor_is_late() {
    let mut rotation = rotation(1, true);
    rotation.apply(&Change::Done);
    let mut known = KnownMarkers::new(LEDGER);
    known.add_rotation(&account(), &rotation, false);
    let twin = token("twin", &rotation.attempts[0].marker);
    assert_eq!(
        known.origin(&account(), &twin),
        Some(Origin::Late(rotation.id))
    );
}

#[test]
fn the_successor_of_a_rotation_that_was_given_up_is_a_stray_once_another_one_was_delivered() {
    let given_up = rotation(1, true);
    let mut later = Rotation::new(
        OperationId::random(),
        given_up.subject.clone(),
        given_up.opened_at,
    );
    let attempt = Attempt::new(1, Marker::random_in(LEDGER), given_up.opened_at);
    let replaced = 0;
    later.apply(&Change::Attempting { attempt, replaced });
    let delivered_at = given_up
        .opened_at
        .saturating_add(std::time::Duration::from_secs(60));
    let successor = Successor::new(1, TokenId::new("2"), 2, delivered_at);
    let successor_token = tokens(&given_up).remove(0);
    let mut known = KnownMarkers::new(LEDGER);
    known.add_rotation(&account(), &given_up, false);
    known.add_rotation(&account(), &later, true);
    let origin = |known: &KnownMarkers| known.origin(&account(), &successor_token);
    assert_eq!(origin(&known), Some(Origin::Used));
    later.apply(&Change::Delivered(successor));
    for is_open in [true, false] {
        known.add_rotation(&account(), &later, is_open);
        assert_eq!(origin(&known), Some(Origin::Abandoned(given_up.id)));
    }
}

#[test]
fn a_marker_that_is_not_known_is_this_ledgers_or_somebody_elses() {
    let mut known = KnownMarkers::new(LEDGER);
    let plain: Marker = "tf-ffffff0000000000".parse().unwrap();
    for (marker, origin) in [
        (Marker::random_in(LEDGER), Origin::Forgotten),
        (Marker::random_in(OTHER_LEDGER), Origin::Foreign),
        (plain, Origin::Foreign),
    ] {
        assert_eq!(known.origin(&account(), &token("1", &marker)), Some(origin));
        known.add_write(marker.clone());
        assert_eq!(
            known.origin(&account(), &token("1", &marker)),
            Some(Origin::Used)
        );
    }
    let unmarked = Token::new(TokenId::new("1"), TokenState::Active);
    assert_eq!(known.origin(&account(), &unmarked), None);
    assert_eq!(known.strays(&account(), [&unmarked]), []);
}

#[test]
fn a_token_that_is_dead_is_no_stray_and_a_suspended_one_is() {
    let known = KnownMarkers::new(LEDGER);
    let mut token = token("1", &Marker::random_in(LEDGER));
    for (state, is_stray) in [
        (TokenState::Revoked, false),
        (TokenState::Expired, false),
        (TokenState::Suspended, true),
        (TokenState::Active, true),
    ] {
        token.state = state;
        assert_eq!(
            known.strays(&account(), [&token]).len(),
            usize::from(is_stray),
            "{state:?}"
        );
    }
}

#[test]
fn of_two_markers_the_more_harmless_one_counts() {
    let mut rotation = rotation(2, true);
    rotation.apply(&Change::Done);
    let mut known = KnownMarkers::new(LEDGER);
    known.add_rotation(&account(), &rotation, false);
    let mut copied = token("1", &rotation.attempts[0].marker);
    copied.name = Fact::Known(format!("ci {}", Marker::random_in(OTHER_LEDGER)));
    assert_eq!(known.origin(&account(), &copied), Some(Origin::Foreign));
}

#[test]
fn an_old_token_is_left_once_every_sink_holds_the_successor_of_a_rotation_that_is_over() {
    let old = Token::new(TokenId::new("old"), TokenState::Active);
    let other = Account::new("losant", "ci");
    for (is_delivered, is_done, is_open, is_left) in [
        (true, false, false, true),
        // A sink may hold it.
        (false, false, false, false),
        (true, true, false, true),
        (true, false, true, false),
    ] {
        let mut rotation = rotation(2, is_delivered);
        if is_done {
            rotation.apply(&Change::Done);
        }
        let mut known = KnownMarkers::new(LEDGER);
        known.add_rotation(&account(), &rotation, is_open);
        let left = if is_done {
            Origin::Survived(rotation.id)
        } else {
            Origin::Replaced(rotation.id)
        };
        let expected = is_left.then_some(left);
        assert_eq!(known.origin(&account(), &old), expected);
        assert_eq!(known.strays(&account(), [&old]).len(), usize::from(is_left));
        // Ids of other accounts may be the same.
        assert_eq!(known.origin(&other, &old), None);
        // Somebody rotates it after all.
        let again = Rotation::new(
            OperationId::random(),
            rotation.subject.clone(),
            rotation.opened_at,
        );
        known.add_rotation(&account(), &again, true);
        assert_eq!(known.origin(&account(), &old), None);
    }
}

#[test]
fn an_old_token_that_was_left_is_found_although_an_earlier_rotation_made_it() {
    let mut earlier = rotation(1, true);
    earlier.apply(&Change::Done);
    let made = token("1", &earlier.attempts[0].marker);
    let mut given_up = rotation(2, true);
    given_up.subject = Some(made.id.clone());
    let mut known = KnownMarkers::new(LEDGER);
    for rotation in [&earlier, &given_up] {
        known.add_rotation(&account(), rotation, false);
    }
    let origin = Some(Origin::Replaced(given_up.id));
    assert_eq!(known.origin(&account(), &made), origin);

    // Of its id, and created at another time.
    let mut later = made.clone();
    given_up.subject_created_at = Some(given_up.opened_at);
    later.created_at = Fact::Known(
        given_up
            .opened_at
            .saturating_add(std::time::Duration::from_secs(1)),
    );
    known.add_rotation(&account(), &given_up, false);
    assert_eq!(known.origin(&account(), &later), Some(Origin::Used));
}

#[test]
fn a_token_that_was_rotated_in_place_is_not_left() {
    let mut rotation = rotation(1, false);
    let subject = rotation.subject.clone().unwrap();
    let at = rotation.opened_at;
    rotation.apply(&Change::Delivered(Successor::new(
        1,
        subject.clone(),
        1,
        at,
    )));
    let mut known = KnownMarkers::new(LEDGER);
    known.add_rotation(&account(), &rotation, false);
    let token = Token::new(subject, TokenState::Active);
    assert_eq!(known.origin(&account(), &token), None);
}
