//! Foreman: personal access tokens of users, with the search language of its listings.
#![allow(dead_code)]

mod collation;
mod date_parse;
mod expiry;
mod instant;
mod options;
mod order;
mod paging;
mod parameters;
mod people;
mod release;
mod ruby;
mod search;
mod secret;
mod zone_names;

pub use options::{Options, RowOrder, SearchEngine, UnknownUser, ZoneName};
pub use release::Release;
