//! The laws of policies: what is refused, and when a token is due.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::prelude::*;
use tokenfleet_core::capability::{
    ArgumentDescription, CreateCapability, ListCapability, RevokeCapability, TokenField,
    UpdateCapability,
};
use tokenfleet_core::model::{Attribute, Scopes};
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{
    Capabilities, CreateToken, ErrorKind, Fact, Filter, RevocationEffect, Timestamp, Token,
    TokenId, TokenState,
};
use tokenfleet_rotation::machine::{self, OldSecret, Preference, SETTLE};
use tokenfleet_rotation::policy::{
    Due, Policies, Policy, PolicyAccount, PolicyConfig, SinkPlace, successor_request,
};
use tokenfleet_rotation::sink::{Readable, SinkCapabilities};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn losant() -> Capabilities {
    let create = CreateCapability::new().with_required_name();
    Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_create(create.with_description().with_expiry().with_scopes())
        .with_update(UpdateCapability::new().with_suspension())
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
        .with_verify()
        .with_reported_fields([TokenField::Expiry, TokenField::CreatedAt])
}

fn cloudsmith() -> Capabilities {
    let capabilities = Capabilities::none().with_list(ListCapability::unpaged());
    let capabilities = capabilities.with_rotate().with_verify();
    capabilities.with_reported_fields([TokenField::CreatedAt])
}

fn mindbody() -> Capabilities {
    Capabilities::none()
        .with_create(CreateCapability::new().with_max_lifetime(DAY))
        .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted))
}

/// A platform that takes an expiry and does not report it.
fn without_expiries() -> Capabilities {
    let mut capabilities = losant();
    capabilities.reported_fields.clear();
    capabilities
}

/// A platform that lists tokens, each of which lives for a day.
fn short_lived() -> Capabilities {
    let create = CreateCapability::new().with_description();
    losant().with_create(create.with_max_lifetime(DAY))
}

fn sink(readable: Readable) -> SinkCapabilities {
    SinkCapabilities::new(readable).with_adoption(true)
}

fn config() -> PolicyConfig {
    PolicyConfig::new("ci", "iot", Filter::name_prefix("ci-")).with_sink("vault/{name}")
}

/// A policy that every test begins with.
fn usual() -> PolicyConfig {
    (config().with_rotate_before_expiry(DAY * 14)).with_new_expiry(DAY * 120)
}

fn token(id: &str, name: &str) -> Token {
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    token.name = Fact::Known(name.to_owned());
    token
}

fn at(seconds: u64) -> Timestamp {
    let start: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    start.saturating_add(Duration::from_secs(seconds))
}

fn build(
    config: PolicyConfig,
    capabilities: &Capabilities,
    sinks: &[Readable],
) -> tokenfleet_core::Result<Policy> {
    let sinks: Vec<_> = sinks.iter().copied().map(sink).collect();
    let account = PolicyAccount::new(capabilities).with_other_credential();
    Policy::new(config, &account, &sinks)
}

#[test]
fn a_policy_that_could_not_keep_its_promise_is_refused() {
    use Readable::{Nothing, Secret, Stamp};
    let age = || config().with_max_age(DAY * 90);
    let cases = [
        ("never be due", losant(), config(), vec![Secret]),
        ("`new_expiry` is missing", losant(), age(), vec![Secret]),
        (
            "goes nowhere",
            losant(),
            PolicyConfig::new("ci", "iot", Filter::never_expires()),
            vec![],
        ),
        (
            "named twice",
            losant(),
            usual().with_sink("vault/{name}"),
            vec![Secret, Secret],
        ),
        (
            "expire before its `overlap`",
            losant(),
            usual().with_overlap(DAY * 14),
            vec![Secret],
        ),
        (
            "expire before its `overlap`",
            losant(),
            usual().with_soak(DAY * 13),
            vec![Secret],
        ),
        (
            "must be readable",
            losant(),
            usual().with_overlap(Duration::ZERO),
            vec![Nothing],
        ),
        (
            "must be readable",
            losant(),
            usual().with_overlap(Duration::ZERO),
            vec![Stamp],
        ),
        (
            "although it is used",
            losant().with_reported_fields([TokenField::LastUsed]),
            usual().with_overlap(Duration::ZERO).with_rest(HOUR, DAY),
            vec![Secret],
        ),
        (
            "due before the old",
            losant(),
            usual().with_new_expiry(DAY * 14),
            vec![Secret],
        ),
        (
            "due before the old",
            losant(),
            usual().with_max_age(HOUR),
            vec![Secret],
        ),
        (
            "reports when a token was last used",
            losant(),
            usual().with_rest(HOUR, DAY),
            vec![Secret],
        ),
        ("verified in every sink", cloudsmith(), age(), vec![Stamp]),
        (
            "stops working at once",
            cloudsmith(),
            age().with_overlap(HOUR),
            vec![Secret],
        ),
        (
            "takes no `new_expiry`",
            cloudsmith(),
            age().with_new_expiry(DAY),
            vec![Secret],
        ),
        (
            "when a token expires",
            cloudsmith(),
            config().with_rotate_before_expiry(DAY),
            vec![Secret],
        ),
        (
            "read from the sink",
            mindbody(),
            config().with_max_age(HOUR * 12),
            vec![Nothing],
        ),
        (
            "revoked at once or left",
            mindbody(),
            config().with_max_age(HOUR).with_overlap(HOUR),
            vec![Secret],
        ),
        (
            "as long as a secret lives",
            mindbody(),
            config().with_rotate_before_expiry(DAY),
            vec![Secret],
        ),
        (
            "has to work for 90d, and for 25h",
            losant(),
            age().with_soak(HOUR).with_new_expiry(DAY * 91),
            vec![Secret],
        ),
        (
            "expire after 30d",
            without_expiries(),
            age()
                .with_rotate_before_expiry(DAY * 3)
                .with_new_expiry(DAY * 30),
            vec![Secret],
        ),
        (
            "expire after 1d",
            mindbody(),
            config().with_max_age(DAY * 10),
            vec![Secret],
        ),
        ("expire after 1d", short_lived(), age(), vec![Secret]),
        (
            "cannot be rotated",
            Capabilities::none(),
            age(),
            vec![Secret],
        ),
    ];
    for (reason, capabilities, config, sinks) in cases {
        let error = build(config, &capabilities, &sinks).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("policies.ci: "), "{text}");
        assert!(text.contains(reason), "expected {reason}: {text}");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{text}");
        assert!(error.advice().is_some(), "{text}");
    }
}

#[test]
fn a_place_is_named_by_the_id_of_a_token_only_where_its_successor_has_that_id() {
    use Readable::Secret;
    for sink in [
        "file:/run/{id}",
        "vault/id={id}",
        "kv2:secret/{account}/{name}-{id}#token",
    ] {
        let both = [Secret, Secret];
        let error = build(usual().with_sink(sink), &losant(), &both).unwrap_err();
        assert!(error.to_string().contains(sink), "{error}");
        assert!(
            error
                .advice()
                .is_some_and(|advice| advice.contains("{name}"))
        );
        let in_place = config().with_max_age(DAY).with_sink(sink);
        build(in_place, &cloudsmith(), &both).unwrap();
    }
}

#[test]
fn a_policy_that_can_keep_its_promise_is_accepted() {
    use Readable::{Nothing, Secret};
    let age = || config().with_max_age(HOUR * 12);
    let overlap = build(usual().with_soak(DAY), &losant(), &[Nothing]).unwrap();
    assert!(matches!(
        overlap.plan().strategy,
        machine::Strategy::Overlap(_)
    ));
    assert_eq!((overlap.plan().overlap, overlap.plan().soak), (DAY, DAY));
    // Without an overlap, late requests are waited for for a shorter time.
    let at_once = build(usual().with_overlap(Duration::ZERO), &losant(), &[Secret]).unwrap();
    assert!(at_once.plan().settle < SETTLE);
    let in_place = build(age(), &cloudsmith(), &[Secret]).unwrap();
    assert_eq!(in_place.plan().settle, SETTLE);
    assert!(build(age(), &mindbody(), &[Secret]).is_ok());
    let let_expire = age().with_old_secret(OldSecret::LetExpire);
    assert!(build(let_expire, &mindbody(), &[Nothing]).is_ok());
    let preferred = usual().with_preference(Preference::InPlace);
    assert!(
        build(preferred, &losant(), &[Secret]).is_ok(),
        "a preference is no demand"
    );
}

proptest! {
    /// A platform without descriptions has the marker in the name.
    #[test]
    fn a_policy_covers_the_successors_of_the_tokens_that_it_covers(
        name in "[a-c]{0,2}",
        description in "[a-c]{0,2}",
        by_name: bool,
        expected in "[a-c]{1,2}",
        in_name: bool,
    ) {
        let ledger = "0123456789abcdef";
        let capabilities = losant();
        let account = PolicyAccount::new(&capabilities).with_ledger(ledger);
        let mut config = usual();
        let field = if by_name { "name" } else { "description" };
        config.filter = format!("{field} = {expected}").parse().unwrap();
        let policy = Policy::new(config, &account, &[sink(Readable::Secret)]).unwrap();
        let text = |text: &str| Fact::from_nullable((!text.is_empty()).then(|| text.to_owned()));
        let mut old = token("7", &name);
        (old.name, old.description) = (text(&name), text(&description));
        let mut successor = old.clone();
        let marked = if in_name { &mut successor.name } else { &mut successor.description };
        let bare = marked.known().cloned().unwrap_or_default();
        let marker = Marker::random_in(ledger);
        *marked = Fact::Known(format!("{bare} {marker}").trim().to_owned());
        prop_assert_eq!(policy.covers(&successor), policy.covers(&old));
        // What another ledger does is not known here.
        let other = Marker::random_in("fedcba9876543210");
        let mut theirs = old.clone();
        let marked = if in_name { &mut theirs.name } else { &mut theirs.description };
        *marked = Fact::Known(format!("{bare} {other}").trim().to_owned());
        let is_seen = in_name == by_name;
        prop_assert_eq!(policy.covers(&theirs), !is_seen && policy.covers(&old));
    }
}

#[test]
fn the_acting_token_and_the_only_credential_are_never_rotated() {
    let capabilities = losant();
    let sinks = [sink(Readable::Secret)];
    let acting = token("7", "ci-acting");
    let account = PolicyAccount::new(&capabilities).with_acting(&acting);
    let error = Policy::new(usual(), &account, &sinks).unwrap_err();
    assert!(error.advice().unwrap().contains("id != 7"), "{error}");
    let mut narrower = usual();
    narrower.filter = Filter::name_prefix("ci-").and(!Filter::id("7"));
    let policy = Policy::new(narrower, &account, &sinks).unwrap();
    assert!(!policy.covers(&acting) && policy.covers(&token("8", "ci-deploy")));

    let capabilities = cloudsmith();
    let account = PolicyAccount::new(&capabilities);
    let age = config().with_max_age(DAY * 90);
    let error = Policy::new(age, &account, &sinks).unwrap_err();
    assert!(
        error.to_string().contains("no credential but the one"),
        "{error}"
    );
}

#[test]
fn no_token_and_no_sink_belongs_to_two_policies() {
    let named = |name: &str, account: &str, filter: Filter, place: &str| {
        let config = PolicyConfig::new(name, account, filter).with_sink(place);
        let config = config
            .with_rotate_before_expiry(DAY * 14)
            .with_new_expiry(DAY * 120);
        build(config, &losant(), &[Readable::Secret]).unwrap()
    };
    let ci = || Filter::name_prefix("ci-");
    for (one, two, reason) in [
        (
            named("a", "iot", ci(), "x"),
            named("b", "iot", ci(), "y"),
            "the same tokens",
        ),
        (
            named("a", "iot", ci(), "x"),
            named("b", "lab", ci(), "x"),
            "write one sink",
        ),
        (
            named("a", "iot", ci(), "x"),
            named("a", "lab", ci(), "y"),
            "have one name",
        ),
    ] {
        let error = Policies::new([one, two]).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    for place in ["x/./y", "x//y", "x/z/../y", "x/y/"] {
        let one = named("a", "iot", ci(), "x/y");
        assert!(
            Policies::new([one, named("b", "lab", ci(), place)]).is_err(),
            "{place}"
        );
    }
    let places = ["x/{account}", "x/{account}"];
    let apart = [
        named("a", "iot", ci(), places[0]),
        named("b", "lab", ci(), places[1]),
    ];
    assert!(Policies::new(apart).is_ok());

    let all = named("all", "iot", Filter::name_glob("*"), "one");
    let policies = Policies::new([all, named("ci", "iot", ci(), "{name}")]).unwrap();
    let (one, other) = (token("1", "ci-x"), token("2", "deploy"));
    let error = policies.due("iot", &one, None).unwrap_err();
    assert!(
        error.to_string().contains("both cover the token 1"),
        "{error}"
    );
    let (policy, _) = policies.due("iot", &other, None).unwrap().unwrap();
    assert_eq!(policy.config().name, "all");
    assert!(policies.due("lab", &other, None).unwrap().is_none());
    let error = policies
        .places([(policy, &one), (policy, &other)])
        .unwrap_err();
    assert!(error.to_string().contains("one place"), "{error}");
}

#[test]
fn a_successor_is_like_its_token_but_for_markers_and_expiry() {
    let mut old = token("1", "ci tf-0123456789abcdef");
    old.description = Fact::Known("for ci tf-fedcba9876543210".into());
    old.scopes = Fact::Known(Scopes::from(vec!["read".to_owned()]));
    let request = successor_request(&losant(), Some(&old), Some(DAY)).unwrap();
    assert_eq!(request.name.as_deref(), Some("ci"));
    assert_eq!(request.description.as_deref(), Some("for ci"));
    assert_eq!(request.scopes, Some(vec!["read".to_owned()]));
    let place = SinkPlace::new("{account}/{name}/{id}", "iot", Some(&old)).unwrap();
    assert_eq!(place.as_str(), "iot/ci/1");

    for name in ["../other", "a/b", "a\\b", "..", "a#b", "a\nb", "", "{id}"] {
        old.name = Fact::Known(name.to_owned());
        let error = SinkPlace::new("{account}/{name}", "iot", Some(&old)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name:?}");
    }
    old.scopes = Fact::NotReported;
    assert!(successor_request(&losant(), Some(&old), None).is_err());
    old.attributes.mark_unreadable("name");
    assert!(successor_request(&losant(), Some(&old), None).is_err());
    assert!(SinkPlace::new("{name}", "iot", Some(&old)).is_err());
}

#[test]
fn a_successor_has_what_only_its_platform_has_or_is_refused() {
    let create = CreateCapability::new()
        .with_required_name()
        .with_argument(ArgumentDescription::choice("role", ["Manager", "Member"]))
        .with_argument(ArgumentDescription::list("teams"));
    let services = Capabilities::none().with_create(create);
    let mut old = token("1", "ci");
    old.attributes.insert("role", Attribute::from("Manager"));
    old.attributes.insert("plan", Attribute::from("gold"));
    old.attributes.insert("teams", Attribute::List(Vec::new()));
    let request = successor_request(&services, Some(&old), None).unwrap();
    assert_eq!(
        request,
        CreateToken::new("ci").with_argument("role", "Manager")
    );

    old.attributes
        .insert("teams", Attribute::List(vec![Attribute::from("owners")]));
    let request = successor_request(&services, Some(&old), None).unwrap();
    let expected = CreateToken::new("ci").with_argument("role", "Manager");
    assert_eq!(request, expected.with_argument("teams", ["owners"]));

    let team = Attribute::Map([("slug".to_owned(), Attribute::from("owners"))].into());
    old.attributes.insert("teams", Attribute::List(vec![team]));
    let error = successor_request(&services, Some(&old), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("teams"), "{error}");
}

#[test]
fn a_token_that_does_not_work_and_one_of_unknown_age() {
    let policy = build(
        usual().with_max_age(DAY * 90),
        &losant(),
        &[Readable::Secret],
    )
    .unwrap();
    let mut subject = token("1", "ci-x");
    assert_eq!(policy.due(&subject, None), Due::AgeUnknown);
    assert_eq!(policy.due(&subject, Some(at(0))), Due::At(at(90 * 86_400)));
    subject.state = TokenState::Suspended;
    assert_eq!(policy.due(&subject, None), Due::Never);
    assert_eq!(policy.due(&token("2", "other"), None), Due::Never);
    let policy = build(usual(), &losant(), &[Readable::Secret]).unwrap();
    let mut subject = token("1", "ci-x");
    subject.expiry = Fact::Absent;
    assert_eq!(policy.due(&subject, None), Due::Never);
    assert!(policy.overlooks(&subject), "nobody would be told");
}

fn hours(most: u32) -> impl Strategy<Value = Duration> {
    (0..most).prop_map(|hours| HOUR * hours)
}

fn any_config() -> impl Strategy<Value = PolicyConfig> {
    let times = (hours(60), hours(60), hours(90), hours(40), hours(40));
    let used = any::<(bool, bool)>();
    (times, used).prop_map(
        |((before, age, expiry, overlap, soak), (by_expiry, by_age))| {
            let config = config().with_new_expiry(expiry).with_overlap(overlap);
            let mut config = config.with_soak(soak);
            config.rotate_before_expiry = by_expiry.then_some(before);
            config.max_age = by_age.then_some(age);
            config
        },
    )
}

#[test]
fn a_policy_that_is_due_too_often_names_the_shortest_interval_and_the_reason() {
    let often = config()
        .with_max_age(Duration::from_secs(20))
        .with_new_expiry(DAY);
    let often = often
        .with_overlap(Duration::from_secs(5))
        .with_soak(Duration::from_secs(60));
    let error = build(often, &losant(), &[Readable::Secret]).unwrap_err();
    let text = format!("{error} {}", error.advice().unwrap());
    for part in ["after 20s", "more than 11m", "10m at least"] {
        assert!(text.contains(part), "{text}");
    }
}

proptest! {
    #[test]
    fn an_accepted_policy_never_rotates_a_successor_before_its_predecessor_is_retired(
        config in any_config(),
    ) {
        let new_expiry = config.new_expiry.unwrap();
        if let Ok(policy) = build(config, &losant(), &[Readable::Secret]) {
            let mut successor = token("2", "ci-x");
            successor.created_at = Fact::Known(at(0));
            successor.expiry = Fact::Known(at(0).saturating_add(new_expiry));
            let plan = policy.plan();
            let retired_at = at(0).saturating_add(plan.overlap.max(plan.settle) + plan.soak);
            prop_assert!(!policy.due(&successor, None).is_due(retired_at));
        }
    }

    #[test]
    fn a_token_that_is_rotated_when_it_is_due_lives_until_it_is_revoked(
        config in any_config(), life in 0_u64..200,
    ) {
        if let Ok(policy) = build(config, &losant(), &[Readable::Secret]) {
            let before = policy.config().rotate_before_expiry.unwrap_or_default();
            let mut subject = token("1", "ci-x");
            subject.created_at = Fact::Known(at(0));
            let expiry = at(life * 3600);
            subject.expiry = Fact::Known(expiry);
            let Due::At(due) = policy.due(&subject, None) else {
                return Err(TestCaseError::fail("never due"));
            };
            prop_assert!(due.saturating_add(before) <= expiry || due < at(0));
            let plan = policy.plan();
            prop_assert!(due.saturating_add(plan.overlap + plan.soak) <= expiry);
        }
    }

    #[test]
    fn a_token_stays_due(
        config in any_config(), life in 0_u64..200, now in 0_u64..400, later in 0_u64..400,
    ) {
        if let Ok(policy) = build(config, &losant(), &[Readable::Secret]) {
            let mut subject = token("1", "ci-x");
            subject.created_at = Fact::Known(at(0));
            subject.expiry = Fact::Known(at(life * 3600));
            let due = policy.due(&subject, None);
            let (now, later) = (at(now * 3600), at((now + later) * 3600));
            prop_assert!(!due.is_due(now) || due.is_due(later));
            // A rotation in between puts it off, and never brings it forward.
            prop_assert!(policy.due(&subject, Some(now)) >= due);
        }
    }
}

#[test]
fn adoption_has_one_switch_and_a_sink_that_shows_nothing_needs_it() {
    for adopts in [false, true] {
        let capabilities = losant();
        let account = PolicyAccount::new(&capabilities);
        let sinks = |readable| [SinkCapabilities::new(readable).with_adoption(adopts)];
        let policy = Policy::new(usual(), &account, &sinks(Readable::Secret)).unwrap();
        assert_eq!(policy.plan().sinks[0].adopt, adopts);
        for readable in [Readable::Stamp, Readable::Nothing] {
            let policy = Policy::new(usual(), &account, &sinks(readable));
            assert_eq!(policy.is_ok(), adopts, "{readable:?}");
        }
    }
}
