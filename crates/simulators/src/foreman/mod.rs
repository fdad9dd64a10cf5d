//! Foreman: personal access tokens of users, with the search language of its listings.
#![allow(dead_code)]

mod collation;
mod instant;
mod order;
mod paging;
mod parameters;
mod release;
mod ruby;
mod search;
