//! Updates that the answer contradicts.

use super::{Scripted, expect_violation};
use crate::error::Fate;
use crate::model::{Fact, TokenId, TokenState};
use crate::provider::UpdateToken;

#[test]
fn a_new_name_may_change_the_id_only_where_that_is_declared() {
    let renamed = |follows: bool| {
        let mut adapter = Scripted::new(|token| {
            token.id = TokenId::new("new");
            token.name = Fact::Known("new".into());
        });
        if let Some(update) = &mut adapter.capabilities.update {
            update.id_follows_name = follows;
        }
        adapter
    };
    let token = renamed(true).update(UpdateToken::rename("new")).unwrap();
    assert_eq!(token.id.as_str(), "new");
    for (adapter, change) in [
        (renamed(false), UpdateToken::rename("new")),
        (renamed(true), UpdateToken::rename("other")),
        (
            renamed(true),
            UpdateToken::default().with_description("new"),
        ),
    ] {
        expect_violation(adapter.update(change), Fate::MaybeApplied);
    }
}

#[test]
fn an_update_that_the_answer_contradicts_is_an_error() {
    let unchanged = Scripted::new(|token| token.description = Fact::Known("old".into()));
    for (change, expected) in [
        (UpdateToken::suspend(), "still active"),
        (UpdateToken::rename("new"), "name"),
        (
            UpdateToken::default().with_description("new"),
            "description",
        ),
        (UpdateToken::rename("new").with_description("old"), "name"),
    ] {
        let text = expect_violation(unchanged.update(change), Fate::MaybeApplied);
        assert!(text.contains(expected), "{text}");
    }
    let suspended = Scripted::new(|token| token.state = TokenState::Suspended);
    expect_violation(suspended.update(UpdateToken::resume()), Fate::MaybeApplied);
    assert!(suspended.update(UpdateToken::suspend()).is_ok());
    let marked = Scripted::new(|token| {
        token.name = Fact::Known("ci \\ud83d".into());
        token.attributes.mark_unreadable("name");
    });
    let rename = UpdateToken::rename("ci \\ud83d");
    expect_violation(marked.update(rename), Fate::MaybeApplied);
    let silent = Scripted::new(|token| {
        token.name = Fact::NotReported;
        token.state = TokenState::Unknown;
    });
    let change = UpdateToken::rename("new").with_description("new");
    assert!(
        silent.update(change).is_ok(),
        "what is not reported is no contradiction"
    );
}

#[test]
fn a_suspension_that_the_answer_does_not_show_is_an_error() {
    let silent = Scripted::new(|token| token.state = TokenState::Unknown);
    for (change, expected) in [
        (UpdateToken::suspend(), "suspended"),
        (UpdateToken::resume(), "active"),
        (UpdateToken::suspend().with_name("ci"), "suspended"),
    ] {
        let text = expect_violation(silent.update(change), Fate::MaybeApplied);
        let expected = format!("does not show that it is {expected}");
        assert!(text.contains(&expected), "{text}");
    }
}
