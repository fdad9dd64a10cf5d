//! New tokens that may do more than requested.

use std::time::Duration;

use super::{ID, Scripted, expect_violation};
use crate::capability::{CreateCapability, RevokeCapability};
use crate::error::Fate;
use crate::model::{Attribute, Fact, Scopes, Timestamp, Token, TokenId, TokenState};
use crate::provider::result_check::created::is_about_another_token;
use crate::provider::{CreateToken, RevocationEffect, RevocationOutcome};

/// Whoever cannot do what an error advises has lost the time, and believes the rest less.
#[test]
fn the_advice_about_a_token_that_was_left_behind_can_be_followed() {
    let by_secret = RevokeCapability::by_secret(RevocationEffect::Deleted);
    let replaced = RevokeCapability::by_id(RevocationEffect::Replaced);
    let cascading = RevokeCapability::by_id(RevocationEffect::Deleted).with_cascade("others");
    for (revoke, advice) in [
        (by_secret, "it is dead once it expires"),
        (replaced, "replace token"),
        (cascading, "revoke token"),
    ] {
        let mut adapter = Scripted::new(|_| ()).with_secret("****");
        adapter.capabilities = adapter.capabilities.with_revoke(revoke);
        let text = expect_violation(adapter.create(CreateToken::new("ci")), Fate::MaybeApplied);
        assert!(text.contains(advice), "{text}");
    }
}

#[test]
fn a_new_token_that_may_do_more_than_requested_is_revoked() {
    let at: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let later: Timestamp = "2030-01-01T00:00:01Z".parse().unwrap();
    let scopes = |scopes: &[&str]| {
        let scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Fact::Known(Scopes::from(scopes))
    };
    let request = || CreateToken::new("ci");
    let read_only = || request().with_scope("all.User.read");
    let viewer = || request().with_argument("role", "view");
    let with = |name: &'static str, value: Attribute| {
        Scripted::new(move |token| token.attributes.insert(name, value))
    };
    let list = |texts: &[&str]| Attribute::List(texts.iter().map(|&text| text.into()).collect());
    let cases: [(CreateToken, Scripted, &str); 11] = [
        (viewer(), with("role", "admin".into()), "other arguments"),
        (
            request().with_argument("readonly", true),
            with("readonly", Attribute::Boolean(false)),
            "other arguments",
        ),
        (
            request().with_argument("uses", 1),
            with("uses", Attribute::Integer(2)),
            "other arguments",
        ),
        (
            request().with_argument("cidr", ["10.0.0.0/8"]),
            with("cidr", list(&["10.0.0.0/8", "0.0.0.0/0"])),
            "other arguments",
        ),
        (
            read_only(),
            Scripted::new(|token| token.scopes = scopes(&["all.User"])),
            "broader scopes",
        ),
        (
            read_only(),
            Scripted::new(|token| token.scopes = scopes(&["all.User.read", "all.User"])),
            "broader scopes",
        ),
        (
            request().with_expiry(at),
            Scripted::new(|token| token.expiry = Fact::Absent),
            "expiry",
        ),
        (
            request().with_expiry(at),
            Scripted::new(|token| token.expiry = Fact::Known(later)),
            "expiry",
        ),
        (
            request().without_expiry(),
            Scripted::new(|token| token.expiry = Fact::Known(at)),
            "expiry",
        ),
        (
            request().with_suspended(),
            Scripted::new(|_| ()),
            "suspended",
        ),
        (
            request(),
            Scripted::new(|_| ()).with_secret("****"),
            "secret",
        ),
    ];
    for (request, adapter, expected) in cases {
        let text = expect_violation(adapter.create(request), Fate::Rejected);
        assert!(text.contains(expected) && text.contains(ID), "{text}");
        assert_eq!(adapter.revoked(), [ID], "{text}");
    }
}

#[test]
fn a_new_token_that_may_take_others_along_is_revoked_only_if_it_stands_alone() {
    let cascading = RevokeCapability::by_id(RevocationEffect::Deleted).with_cascade("others");
    let alone = cascading.clone().with_created_tokens_alone();
    for (revoke, fate, revoked) in [
        (cascading, Fate::MaybeApplied, vec![]),
        (alone, Fate::Rejected, vec![ID.to_owned()]),
    ] {
        let mut adapter = Scripted::new(|_| ()).with_secret("****");
        adapter.capabilities = adapter.capabilities.with_revoke(revoke);
        let created = adapter.create(CreateToken::new("ci"));
        expect_violation(created, fate);
        assert_eq!(adapter.revoked(), revoked);
    }
}

#[test]
fn a_new_token_that_the_platform_denies_when_it_is_revoked_is_not_called_dead() {
    let mut adapter = Scripted::new(|_| ()).with_secret("****");
    adapter.outcome = RevocationOutcome::AlreadyGone;
    let created = adapter.create(CreateToken::new("ci"));
    let text = expect_violation(created, Fate::MaybeApplied);
    assert!(text.contains("could not be revoked"), "{text}");
}

#[test]
fn a_token_that_somebody_else_created_is_not_revoked() {
    let adapter = Scripted::new(|token| {
        token.name = Fact::Known("production".into());
        token.scopes = Fact::Known(Scopes::from(vec!["all.User".to_owned()]));
    });
    let request = CreateToken::new("ci").with_scope("all.User.read");
    expect_violation(adapter.create(request), Fate::MaybeApplied);
    assert!(adapter.revoked().is_empty());
}

#[test]
fn a_new_token_is_recognised_by_its_name() {
    let known = |name: &str| Fact::Known(name.to_owned());
    for (requested, reported, is_ours) in [
        ("Nightly build", known(" nightly-build "), true),
        ("nightly.build", known("nightly_build"), true),
        ("***", known(" *** "), true),
        ("ci", Fact::NotReported, true),
        ("ci", Fact::Absent, false),
        ("ci", known("***"), false),
        ("***", known("---"), false),
        ("\u{1f680}", known("\u{1f525}"), false),
        ("ci \u{1f680}", known("ci \u{1f525}"), false),
    ] {
        let mut token = Token::new(TokenId::new(ID), TokenState::Active);
        token.name = reported;
        let is_other = is_about_another_token(&CreateToken::new(requested), &token);
        assert_eq!(is_other, !is_ours, "{requested:?}, {:?}", token.name);
    }
}

#[test]
fn a_token_that_existed_before_its_creation_is_not_revoked() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let create = |age: Duration, revoke: RevokeCapability| {
        let created = Timestamp::now().checked_sub(age).unwrap();
        let mut adapter = Scripted::new(|token| {
            token.name = Fact::NotReported;
            token.created_at = Fact::Known(created);
            token.expiry = Fact::Absent;
        });
        let create = CreateCapability::new().with_optional_name().with_expiry();
        adapter.capabilities = (adapter.capabilities)
            .with_create(create)
            .with_revoke(revoke);
        // An answer without an expiry contradicts the request.
        let request = CreateToken::unnamed().with_lifetime(24 * HOUR);
        let error = adapter.create(request).unwrap_err();
        (error.fate(), adapter.revoked())
    };
    let by_id = || RevokeCapability::by_id(RevocationEffect::Deleted);
    let by_either = || RevokeCapability::by_id_or_secret(RevocationEffect::Deleted);
    let (fate, revoked) = create(Duration::ZERO, by_id());
    assert_eq!((fate, revoked), (Fate::Rejected, vec![ID.to_owned()]));
    for revoke in [by_id(), by_either()] {
        let (fate, revoked) = create(30 * HOUR, revoke);
        assert_eq!((fate, revoked), (Fate::MaybeApplied, vec![]));
    }
    // The secret that arrived is that of the new token, whatever the record says.
    let (fate, revoked) = create(Duration::ZERO, by_either());
    let by_secret = vec!["by secret".to_owned()];
    assert_eq!((fate, revoked), (Fate::Rejected, by_secret));
}

#[test]
fn an_expiry_beyond_the_maximum_lifetime_is_refused_unsent() {
    const DAY: Duration = Duration::from_secs(86_400);
    let create = |days: u32| {
        let mut adapter = Scripted::new(|_| {});
        let create = CreateCapability::new().with_expiry();
        let create = create.with_optional_name().with_max_lifetime(30 * DAY);
        adapter.capabilities = adapter.capabilities.with_create(create);
        let at = Timestamp::now().saturating_add(days * DAY);
        let by_time = adapter.create(CreateToken::new("ci").with_expiry(at));
        let by_lifetime = adapter.create(CreateToken::new("ci").with_lifetime(days * DAY));
        [by_time, by_lifetime]
            .map(|issued| issued.map_or_else(|error| error.fate(), |_| Fate::Rejected))
    };
    assert_eq!(
        create(29),
        [Fate::Rejected; 2],
        "the platform does not report the expiry"
    );
    assert_eq!(create(31), [Fate::NotSent; 2]);
}
