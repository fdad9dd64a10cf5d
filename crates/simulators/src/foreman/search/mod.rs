//! The search language of the listing (scoped_search): from a query to a
//! predicate over tokens, or to the error that the platform answers.

mod like;
mod login;
mod predicate;
mod syntax;
mod token;

pub(super) use login::{LoginTest, login_test};
pub(super) use predicate::{Bound, Column, NumberTest, Predicate, compile};

/// Which generation of the search engine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Engine {
    /// 4.1.13 and later.
    #[default]
    Current,
    /// Before 4.1.13: a leading `and`, `or` or `^` is an error.
    BeforeLeadingOperators,
}

/// The searchable columns of one token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// The id.
    pub(super) id: i32,
    /// The owner.
    pub(super) user_id: i32,
    /// The name.
    pub(super) name: &'a str,
}

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SearchError {
    /// The engine refuses the query: 400.
    NotSupported(String),
    /// The database refuses the statement: 500.
    Database(String),
    /// The engine itself fails: 500.
    Internal(String),
}

impl SearchError {
    pub(super) fn not_supported(message: impl Into<String>) -> Self {
        Self::NotSupported(message.into())
    }
}
