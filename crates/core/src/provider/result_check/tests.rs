//! Tests with an adapter that returns what it is told to.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures_executor::block_on;

use super::*;
use crate::capability::{
    ArgumentDescription, CreateCapability, RenewCapability, RevokeCapability, UpdateCapability,
};
use crate::error::{Account, ErrorKind};
use crate::model::{Attribute, Principal, Scopes, Timestamp};
use crate::provider::{Adapter, Capabilities, RevocationOutcome, RevokeOptions};

const ID: &str = "000000000000000000000009";
const SECRET: &str = "SK-PrjW98OTY1h8QTY9hUA";

/// An adapter that returns this token, whatever was asked for.
#[derive(Debug)]
struct Scripted {
    account: Account,
    capabilities: Capabilities,
    token: Token,
    secret: &'static str,
    renewed: Option<&'static str>,
    liveness: Liveness,
    /// The outcome of each revocation.
    outcome: RevocationOutcome,
    /// The ids that were revoked, marked if an adapter may read the token first.
    revoked: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(change: impl FnOnce(&mut Token)) -> Self {
        let mut token = Token::new(TokenId::new(ID), TokenState::Active);
        token.name = Fact::Known("ci".into());
        change(&mut token);
        Self {
            account: Account::new("scripted", "a"),
            capabilities: Capabilities::none()
                .with_get()
                .with_create(
                    CreateCapability::new()
                        .with_required_name()
                        .with_description()
                        .with_expiry()
                        .with_scopes()
                        .with_suspended()
                        .with_argument(ArgumentDescription::text("role"))
                        .with_argument(ArgumentDescription::boolean("readonly"))
                        .with_argument(ArgumentDescription::integer("uses", 1..=9))
                        .with_argument(ArgumentDescription::list("cidr")),
                )
                .with_update(
                    UpdateCapability::new()
                        .with_name(None)
                        .with_description()
                        .with_suspension(),
                )
                .with_rotate()
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted)),
            token,
            secret: SECRET,
            renewed: None,
            liveness: Liveness::Alive,
            outcome: RevocationOutcome::Revoked,
            revoked: Mutex::default(),
        }
    }

    fn with_secret(mut self, secret: &'static str) -> Self {
        self.secret = secret;
        self
    }

    fn replacing(mut self) -> Self {
        let revoke = RevokeCapability::by_id(RevocationEffect::Replaced);
        self.capabilities = self.capabilities.with_revoke(revoke);
        self
    }

    fn issued(&self) -> IssuedToken {
        IssuedToken::new(self.token.clone(), Secret::new(self.secret))
    }

    fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        block_on(TokenProvider::create(self, request))
    }

    fn update(&self, change: UpdateToken) -> Result<Token> {
        block_on(TokenProvider::update(self, &TokenId::new(ID), change))
    }

    fn revoked(&self) -> Vec<String> {
        self.revoked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Adapter for Scripted {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn get(&self, _: &TokenId) -> Result<Token> {
        Ok(self.token.clone())
    }

    async fn create(&self, _: CreateToken) -> Result<IssuedToken> {
        Ok(self.issued())
    }

    async fn update(&self, _: &TokenId, _: UpdateToken) -> Result<Token> {
        Ok(self.token.clone())
    }

    async fn rotate(&self, _: &TokenId) -> Result<IssuedToken> {
        Ok(self.issued())
    }

    async fn renew(&self, _: &Secret) -> Result<RenewedToken> {
        let secret = self.renewed.map(Secret::new);
        Ok(RenewedToken::new(self.token.clone(), secret))
    }

    async fn verify(&self, _: &Secret) -> Result<Liveness> {
        Ok(self.liveness.clone())
    }

    async fn whoami(&self) -> Result<Identity> {
        Ok(Identity::new(Principal::new(self.token.id.as_str())))
    }

    async fn revoke_by_secret(&self, _: &Secret, _: RevokeOptions) -> Result<Revocation> {
        self.revoked.lock().unwrap().push("by secret".to_owned());
        let effect = self.capabilities.revoke.as_ref().unwrap().effect;
        Ok(Revocation::new(self.outcome, effect))
    }

    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        let read_first = if options.existed { "" } else { " (read first)" };
        self.revoked
            .lock()
            .unwrap()
            .push(format!("{id}{read_first}"));
        let effect = self.capabilities.revoke.as_ref().unwrap().effect;
        let revocation = Revocation::new(self.outcome, effect);
        Ok(match effect {
            RevocationEffect::Replaced => revocation
                .with_id(id.clone())
                .with_replacement(self.issued()),
            _ => revocation.with_id(self.token.id.clone()),
        })
    }
}

fn expect_violation<T: std::fmt::Debug>(result: Result<T>, fate: Fate) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
    assert_eq!(error.fate(), fate, "{error}");
    assert!(error.account().is_some() && error.operation().is_some());
    error.to_string()
}

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
fn a_new_token_that_differs_harmlessly_keeps_its_secret() {
    let request = CreateToken::new(" ci ").with_scope("a").with_scope("b");
    let adapter = Scripted::new(|token| {
        token.scopes = Fact::Known(Scopes::from(vec!["a".to_owned()]));
        token.state = TokenState::Suspended;
    });
    let issued = adapter.create(request.clone()).unwrap();
    assert_eq!(issued.secret.expose(), SECRET);
    assert_eq!(
        request.differences(&issued.token),
        ["name", "scopes", "state"]
    );
    assert!(adapter.revoked().is_empty());
    let silent = Scripted::new(|token| token.name = Fact::NotReported);
    let request = CreateToken::new("ci")
        .with_expiry("2030-01-01T00:00:00Z".parse().unwrap())
        .with_description("d")
        .with_scope("a");
    let issued = silent.create(request.clone()).unwrap();
    assert!(request.differences(&issued.token).is_empty());
}

#[test]
fn an_argument_that_the_token_does_not_report_as_requested_differs_and_is_named() {
    let request = || {
        CreateToken::new("ci")
            .with_argument("role", "view")
            .with_argument("cidr", ["10.0.0.0/8", "::1/128"])
            .with_argument("uses", 1)
    };
    let list = |texts: &[&str]| Attribute::List(texts.iter().map(|&text| text.into()).collect());
    let confirming = |token: &mut Token| {
        token.attributes.insert("role", Attribute::from("view"));
        let cidr = list(&["::1/128", "10.0.0.0/8"]);
        token.attributes.insert("cidr", cidr);
        token.attributes.insert("uses", Attribute::Integer(1));
    };
    let issued = Scripted::new(confirming).create(request()).unwrap();
    assert!(request().differences(&issued.token).is_empty());
    assert!(request().unconfirmed_arguments(&issued.token).is_empty());

    // Neither a null, nor a field of another type, says anything about the argument.
    let adapter = Scripted::new(|token| {
        confirming(token);
        token.attributes.insert("role", Attribute::Null);
        let other = Attribute::Map(std::collections::BTreeMap::new());
        token.attributes.insert("cidr", other);
    });
    let issued = adapter.create(request()).unwrap();
    assert!(adapter.revoked().is_empty());
    assert_eq!(request().differences(&issued.token), ["arguments"]);
    let unconfirmed = request();
    let unconfirmed = unconfirmed.unconfirmed_arguments(&issued.token);
    assert_eq!(unconfirmed, ["cidr", "role"]);

    // What could not be read says nothing either: a new secret is not given up for it.
    let odd = Scripted::new(|token| {
        confirming(token);
        let half = Attribute::from("half \\ud83d");
        token.attributes.insert_unreadable("role", half);
    });
    let issued = odd.create(request()).unwrap();
    assert!(odd.revoked().is_empty());
    assert_eq!(request().unconfirmed_arguments(&issued.token), ["role"]);

    let silent = Scripted::new(|_| ());
    let issued = silent.create(request()).unwrap();
    assert_eq!(request().differences(&issued.token), ["arguments"]);
}

#[test]
fn a_token_whose_suspension_is_not_confirmed_differs() {
    let mut token = Token::new(TokenId::new("1"), TokenState::Unknown);
    token.name = Fact::Known("ci".into());
    let request = CreateToken::new("ci");
    assert!(request.differences(&token).is_empty());
    assert_eq!(request.with_suspended().differences(&token), ["state"]);
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
fn an_expiry_or_scopes_that_cannot_be_read_are_not_confirmed() {
    let request = CreateToken::new("ci")
        .with_expiry("2030-01-01T00:00:00Z".parse().unwrap())
        .with_scope("a");
    let mut token = Token::new(TokenId::new(ID), TokenState::Active);
    assert!(request.differences(&token).is_empty());
    token.attributes.mark_unreadable("status");
    assert_eq!(request.differences(&token), ["expiry", "scopes"]);
    assert!(CreateToken::new("ci").differences(&token).is_empty());
}

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

#[test]
fn a_masked_secret_is_not_a_new_secret() {
    let id = TokenId::new(ID);
    for secret in ["****", "**redacted**", "null", "", "<hidden>", "0000000000"] {
        let adapter = Scripted::new(|_| ()).with_secret(secret).replacing();
        let rotated = block_on(TokenProvider::rotate(&adapter, &id));
        expect_violation(rotated, Fate::MaybeApplied);
        let options = RevokeOptions::accept_replacement();
        let revoked = block_on(TokenProvider::revoke(&adapter, (&id).into(), options));
        expect_violation(revoked, Fate::MaybeApplied);
    }
    let old = Secret::new(SECRET);
    let adapter = Scripted::new(|_| ());
    let replaced = Revocation::new(RevocationOutcome::Revoked, RevocationEffect::Replaced)
        .with_replacement(adapter.issued());
    let checked = check_revoked(&adapter, TokenRef::Secret(&old), &replaced);
    expect_violation(checked, Fate::MaybeApplied);
}

/// The answers to a renewal, and for each kind of platform whether the renewal succeeds.
#[test]
fn a_renewed_secret_that_may_be_lost_is_an_error() {
    use RenewedSecret::{Kept, Replaced, Unknown};
    const NEW: &str = "SK-a-new-one-8QTY9hUA";
    let answers = [
        Some("****"),
        Some("null"),
        Some(""),
        Some(SECRET),
        None,
        Some(NEW),
    ];
    let renew = |declared, alive, answer: Option<&'static str>| {
        let mut adapter = Scripted::new(|_| ());
        let capability = RenewCapability::new(Duration::from_secs(60)).with_secret(declared);
        adapter.capabilities = adapter.capabilities.with_renew(capability);
        if let Some(liveness) = alive {
            adapter.capabilities = adapter.capabilities.with_verify();
            adapter.liveness = liveness;
        }
        adapter.renewed = answer;
        block_on(TokenProvider::renew(&adapter, &Secret::new(SECRET)))
    };
    let undecided = || Liveness::Unknown {
        reason: "busy".into(),
    };
    for (declared, alive, kept_if_masked, kept_if_same) in [
        (Replaced, None, false, false),
        (Replaced, Some(Liveness::Alive), false, false),
        (Kept, None, true, true),
        (Kept, Some(Liveness::Dead), true, true),
        (Unknown, None, false, true),
        (Unknown, Some(Liveness::Dead), false, true),
        (Unknown, Some(undecided()), false, true),
        (Unknown, Some(Liveness::Alive), true, true),
    ] {
        for answer in answers {
            let renewed = renew(declared, alive.clone(), answer);
            let is_masked = answer.is_some_and(|secret| Secret::new(secret).is_masked());
            let case = format!("{declared:?}, {alive:?}, {answer:?}");
            if answer == Some(NEW) {
                assert_eq!(renewed.unwrap().secret.unwrap().expose(), NEW, "{case}");
            } else if if is_masked {
                kept_if_masked
            } else {
                kept_if_same
            } {
                assert!(renewed.unwrap().secret.is_none(), "{case}");
            } else {
                let error = renewed.as_ref().unwrap_err();
                let advice = error.advice().unwrap_or_default();
                assert!(advice.contains("the old secret"), "{case}: {error}");
                expect_violation(renewed, Fate::MaybeApplied);
            }
        }
    }
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
