//! The search for users by login, such as `login = "admin"`.

use super::token::{Comparison, Symbol, Token, tokenize};

/// A condition on the login of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::foreman) enum LoginTest {
    All,
    Equal(String),
    Like(String),
}

/// Parses `login = x`, `login ~ x` or a bare word; any other query matches all users.
pub(in crate::foreman) fn login_test(query: &str) -> LoginTest {
    match tokenize(query).as_slice() {
        [Token::Word(word)] => LoginTest::Like(word.clone()),
        [
            Token::Word(field),
            Token::Symbol(Symbol::Compare(comparison)),
            Token::Word(value),
        ] if field == "login" => match comparison {
            Comparison::Equal => LoginTest::Equal(value.clone()),
            Comparison::Like => LoginTest::Like(value.clone()),
            _ => LoginTest::All,
        },
        _ => LoginTest::All,
    }
}
