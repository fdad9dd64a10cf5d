//! Tokens that are said to be gone.

use futures_executor::block_on;

use super::{ID, Scripted, expect_violation};
use crate::error::Fate;
use crate::model::{TokenId, TokenState};
use crate::provider::{RevocationOutcome, RevokeOptions, TokenProvider};

#[test]
fn a_token_that_is_still_shown_is_not_called_gone() {
    let id = TokenId::new(ID);
    let revoke = |adapter: &Scripted| {
        block_on(TokenProvider::revoke(
            adapter,
            (&id).into(),
            RevokeOptions::default(),
        ))
    };
    for state in [
        TokenState::Active,
        TokenState::Suspended,
        TokenState::Expired,
        TokenState::Unknown,
    ] {
        let mut adapter = Scripted::new(|token| token.state = state);
        adapter.outcome = RevocationOutcome::AlreadyGone;
        expect_violation(revoke(&adapter), Fate::Rejected);
    }
    let mut dead = Scripted::new(|token| token.state = TokenState::Revoked);
    dead.outcome = RevocationOutcome::AlreadyGone;
    assert!(revoke(&dead).is_ok());
    let mut unread = Scripted::new(|_| ());
    unread.outcome = RevocationOutcome::AlreadyGone;
    unread.capabilities.get = false;
    assert!(revoke(&unread).is_ok());
}
