//! Rotations in the ledger, and how this process carries them on.
//!
//! [`Rotations`] reads and opens them, [`Prepared`] is one with its account and its places opened,
//! and [`carry_on`] advances many, one of each queue at a time.

mod allowed;
mod carrying_on;
mod clock;
mod covered;
mod given_up;
mod held;
mod holders;
mod journal;
mod left_out;
mod names;
mod opened;
mod overlooked;
mod place_map;
mod places;
mod planner;
mod prepared;
mod resolving;
mod revoked_holders;
mod same_tokens;
mod stamped_places;
mod step_store;
mod stop;
mod unreadable;
mod unreadable_places;

pub(crate) use self::allowed::lost_policy;
pub(crate) use self::carrying_on::{carry_on, in_turn};
pub(crate) use self::clock::SystemClock;
pub(crate) use self::covered::{CoveredTokens, find_covered};
pub(crate) use self::given_up::cannot_be_resumed;
pub(crate) use self::holders::{Holders, is_one_place};
pub(crate) use self::opened::{Rotations, check_place, check_writable};
pub(crate) use self::places::{identities, identity, locations, places_of};
pub(crate) use self::planner::Covered;
pub(crate) use self::prepared::{Prepared, Progressed};
pub(crate) use self::revoked_holders::{
    delivered_places, warnings_about_holders, warnings_about_secret,
};
pub(crate) use self::stamped_places::{Holder, StampedPlaces};
pub(crate) use self::stop::Stop;
pub(crate) use self::unreadable_places::UnreadablePlaces;
