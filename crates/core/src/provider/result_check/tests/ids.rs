//! The record of another token, and ids in messages.

use futures_executor::block_on;

use super::{ID, Scripted, expect_violation};
use crate::error::Fate;
use crate::model::TokenId;
use crate::provider::result_check::violation::describe;
use crate::provider::{RevokeOptions, TokenProvider, UpdateToken};

#[test]
fn the_record_of_another_token_is_refused() {
    let other = Scripted::new(|token| token.id = TokenId::new("000000000000000000000008"));
    let id = TokenId::new(ID);
    let text = expect_violation(block_on(TokenProvider::get(&other, &id)), Fate::Rejected);
    assert!(text.contains("token 000000000000000000000008"), "{text}");
    expect_violation(other.update(UpdateToken::rename("ci")), Fate::MaybeApplied);
    let revoked = TokenProvider::revoke(&other, (&id).into(), RevokeOptions::default());
    expect_violation(block_on(revoked), Fate::MaybeApplied);
}

#[test]
fn an_identity_without_an_id_is_an_error() {
    let adapter = |id: &str| {
        let mut adapter = Scripted::new(|token| token.id = TokenId::new(id));
        adapter.capabilities = adapter.capabilities.with_whoami();
        adapter
    };
    let whoami = |id| block_on(TokenProvider::whoami(&adapter(id)));
    assert_eq!(whoami("jane").unwrap().principal.id(), "jane");
    expect_violation(whoami(""), Fate::Rejected);
}

#[test]
fn an_id_is_shown_only_if_it_cannot_be_a_secret() {
    for id in [
        "17",
        "575ec8687ae143cd83dc4a97",
        "123e4567-e89b-12d3-a456-426614174000",
    ] {
        assert_eq!(describe(&TokenId::new(id)), format!("token {id}"));
    }
    for id in [
        "17\nadmin: everything is fine",
        "SK-PrjW98OTY1h8QTY9hUA",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "1234567890abcdef1234567890abcdef",
        "PRJW98OTY1H8QTY9HUA",
        &"1".repeat(37),
    ] {
        assert!(!describe(&TokenId::new(id)).contains(id), "{id}");
    }
}
