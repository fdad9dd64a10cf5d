//! The search language of listings (scoped_search), compiled to a predicate over tokens or to
//! Foreman's error.

mod compile;
mod like;
mod login;
mod predicate;
mod syntax;
mod token;

pub(super) use compile::compile;
pub(super) use login::{LoginTest, login_test};
pub(super) use predicate::{Bound, Column, NumberTest, Predicate};

/// The searchable columns of a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) id: i32,
    pub(super) user_id: i32,
    pub(super) name: &'a str,
}

/// An error in a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SearchError {
    /// The search engine rejects the query; the status is 400.
    NotSupported(String),
    /// The database rejects the statement; the status is 500.
    Database(String),
    /// The search engine itself fails; the status is 500.
    Internal(String),
}

impl SearchError {
    pub(super) fn not_supported(message: impl Into<String>) -> Self {
        Self::NotSupported(message.into())
    }
}
