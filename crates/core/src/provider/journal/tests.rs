//! What is recorded is read back equal, and says what is needed to finish the work.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::capability::{CreateCapability, RenewCapability};
use crate::error::{Account, Error, ErrorKind, Fate, Operation};
use crate::model::{Fact, Secret, Timestamp, Token, TokenId, TokenState};
use crate::provider::OperationId;
use crate::provider::{
    ArgumentValue, Capabilities, CreateToken, OperationCall, RequestedExpiry, RevocationEffect,
    RevocationOutcome, RevokeOptions, Suspension,
};

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,12}")
}

fn times() -> impl Strategy<Value = Timestamp> {
    (-1_i64..4_000_000_000, 0_u64..1_000_000_000).prop_map(|(seconds, nanoseconds)| {
        let at = Timestamp::from_unix_seconds(seconds).unwrap();
        at.saturating_add(Duration::from_nanos(nanoseconds))
    })
}

fn ids() -> impl Strategy<Value = TokenId> {
    "\\PC{0,40}".prop_map(TokenId::new)
}

fn arguments() -> impl Strategy<Value = BTreeMap<String, ArgumentValue>> {
    let value = prop_oneof![
        any::<bool>().prop_map(ArgumentValue::Boolean),
        any::<i64>().prop_map(ArgumentValue::Integer),
        "\\PC{0,6}".prop_map(ArgumentValue::Text),
        proptest::collection::vec("\\PC{0,6}", 0..3).prop_map(ArgumentValue::List),
    ];
    proptest::collection::btree_map("[a-z]{0,4}", value, 0..3)
}

fn expiries() -> impl Strategy<Value = RequestedExpiry> {
    prop_oneof![
        Just(RequestedExpiry::PlatformDefault),
        Just(RequestedExpiry::Never),
        times().prop_map(RequestedExpiry::At),
        any::<Duration>().prop_map(RequestedExpiry::In),
    ]
}

fn revoke_options() -> impl Strategy<Value = RevokeOptions> {
    any::<[bool; 3]>().prop_map(
        |[accept_replacement, existed, accept_cascade]| RevokeOptions {
            accept_replacement,
            existed,
            accept_cascade,
            operation_id: None,
        },
    )
}

fn intents() -> impl Strategy<Value = Intent> {
    let named = (text(), text(), text(), proptest::option::of(ids()));
    let requested = (
        proptest::option::of(expiries()),
        proptest::option::of(proptest::collection::vec("\\PC{0,6}", 0..3)),
        arguments(),
        proptest::option::of(proptest::sample::select(vec![
            Suspension::Suspend,
            Suspension::Resume,
        ])),
        proptest::option::of(revoke_options()),
    );
    let when = (times(), proptest::option::of(times()));
    let operation = proptest::sample::select(Operation::ALL.to_vec());
    let flags = any::<[bool; 2]>();
    let place = text();
    (named, requested, when, operation, flags, place).prop_map(
        |(named, requested, when, operation, flags, place)| {
            let account = Account::new("example", "main");
            let account = match &place {
                Some(place) => account.with_place(place),
                None => account,
            };
            let id = TokenId::new("1");
            let capabilities = Capabilities::none();
            let call = OperationCall::Rotate(&id);
            let mut intent = Intent::for_call(&Run::new(), &account, &capabilities, call);
            intent.operation = operation;
            (intent.reason, intent.name, intent.description, intent.token) = named;
            (
                intent.expiry,
                intent.scopes,
                intent.arguments,
                intent.suspension,
                intent.revoke_options,
            ) = requested;
            (intent.at, intent.dead_by) = when;
            [intent.by_secret, intent.suspended] = flags;
            intent
        },
    )
}

fn effects() -> impl Strategy<Value = Effect> {
    use RevocationEffect::{Deleted, Marked, Replaced};
    use RevocationOutcome::{AlreadyGone, AlreadyRevoked, Revoked};

    let token = (ids(), text(), proptest::option::of(times())).prop_map(|(id, name, expiry)| {
        let mut token = Token::new(id, TokenState::Active);
        token.name = Fact::from_nullable(name);
        token.expiry = Fact::from_optional(expiry);
        token
    });
    let revocation = (
        proptest::sample::select(vec![Revoked, AlreadyRevoked, AlreadyGone]),
        proptest::sample::select(vec![Deleted, Marked, Replaced]),
    );
    (
        proptest::option::of(ids()),
        proptest::option::of(token),
        proptest::option::of(revocation),
        proptest::option::of(ids()),
        proptest::collection::vec(ids(), 0..3),
    )
        .prop_map(
            |(token, record, revocation, replacement, also_revoked)| Effect {
                token,
                record,
                revocation,
                replacement,
                also_revoked,
            },
        )
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let errors = (
        proptest::sample::select(ErrorKind::ALL.to_vec()),
        proptest::sample::select(vec![Fate::NotSent, Fate::Rejected, Fate::MaybeApplied]),
        "\\PC{0,12}",
    );
    let result = prop_oneof![
        effects().prop_map(Ok),
        errors.prop_map(|(kind, fate, message)| Err(Error::new(kind, fate, message))),
    ];
    let left_behind = proptest::collection::vec(ids(), 0..3);
    (times(), result, left_behind, proptest::option::of(times())).prop_map(
        |(at, result, left_behind, dead_by)| Outcome {
            at,
            result,
            left_behind,
            dead_by,
        },
    )
}

fn resolutions() -> impl Strategy<Value = Resolution> {
    let tokens = || proptest::collection::vec(ids(), 0..3);
    prop_oneof![
        Just(Resolution::NotApplied),
        tokens().prop_map(Resolution::Applied),
        tokens().prop_map(Resolution::TakenBack),
        Just(Resolution::Expired),
        Just(Resolution::Abandoned),
    ]
}

/// Returns what is read of a value that was written, with a key that a later version may add.
fn read_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let mut written = serde_json::to_value(value).unwrap();
    if let Some(object) = written.as_object_mut() {
        object.insert("added_later".to_owned(), true.into());
    }
    serde_json::from_str(&written.to_string()).unwrap()
}

proptest! {
    #[test]
    fn whatever_is_recorded_is_read_back_equal(
        intent in intents(),
        outcome in outcomes(),
        resolution in resolutions(),
    ) {
        prop_assert_eq!(read_back(&intent), intent);
        prop_assert_eq!(read_back(&outcome), outcome);
        prop_assert_eq!(read_back(&resolution), resolution);
    }
}

#[test]
fn an_outcome_has_an_effect_or_an_error_and_never_both_or_none() {
    let at = "2030-01-01T00:00:00Z";
    let none = serde_json::json!({"at": at});
    assert!(serde_json::from_value::<Outcome>(none).is_err());
    let effect = serde_json::json!({"at": at, "effect": {}});
    assert!(serde_json::from_value::<Outcome>(effect).is_ok());
}

fn intent(capabilities: &Capabilities, call: OperationCall<'_>) -> Intent {
    let account = Account::new("example", "main");
    Intent::for_call(&Run::new(), &account, capabilities, call)
}

#[test]
fn a_secret_that_was_passed_as_an_id_is_masked_in_the_outcome_too() {
    const SECRET: &str = "38b6c7011cf26ca647afaff39d6b04d7";
    let (token, options) = (TokenId::new(SECRET), RevokeOptions::default());
    let call = OperationCall::Revoke((&token).into(), &options);
    let intent = intent(&Capabilities::none(), call);
    let error = Error::new(
        ErrorKind::Other,
        Fate::MaybeApplied,
        "the response was lost",
    );
    let lost = Outcome::new(&intent, Err(error.with_left_behind([SECRET, "another-id"])));
    let effect = Effect {
        token: Some(token),
        ..Effect::new()
    };
    for outcome in [&lost, &Outcome::new(&intent, Ok(effect))] {
        let recorded = serde_json::to_string(outcome).unwrap();
        assert!(!recorded.contains(SECRET), "{recorded}");
    }
    assert_eq!(lost.left_behind[1].as_str(), "another-id");
}

#[test]
fn an_intent_says_by_when_a_lost_token_is_dead_if_that_is_known() {
    const DAY: Duration = Duration::from_secs(86_400);
    let at: Timestamp = "2999-01-01T00:00:00Z".parse().unwrap();
    let takes_times = CreateCapability::new().with_expiry();
    let takes_lifetimes = CreateCapability::new().with_lifetime(Duration::from_secs(60));
    let day_at_most = CreateCapability::new().with_max_lifetime(DAY);
    let dead_by = |create: &CreateCapability, request: CreateToken| {
        let capabilities = Capabilities::none().with_create(create.clone());
        let intent = intent(&capabilities, OperationCall::Create(&request));
        intent.dead_by.map(|dead_by| (intent.at, dead_by))
    };
    let lives = |create: &CreateCapability, request: CreateToken| {
        let (at, dead_by) = dead_by(create, request).unwrap();
        at.duration_until(dead_by)
    };
    let request = CreateToken::unnamed;
    let (_, dead) = dead_by(&takes_times, request().with_expiry(at)).unwrap();
    assert_eq!(dead, at);
    assert_eq!(lives(&takes_times, request().with_lifetime(DAY)), DAY);
    // A lifetime begins when the request arrives, which may be later.
    assert!(lives(&takes_lifetimes, request().with_lifetime(DAY)) > DAY);
    assert!(lives(&day_at_most, request()) > DAY);
    for unlimited in [request(), request().without_expiry()] {
        assert_eq!(dead_by(&takes_times, unlimited), None);
    }

    let renewed = |renew: RenewCapability| {
        let capabilities = Capabilities::none().with_create(day_at_most.clone());
        let capabilities = capabilities.with_renew(renew);
        let secret = Secret::new("a-secret-of-mine");
        let intent = intent(&capabilities, OperationCall::Renew(&secret));
        intent
            .dead_by
            .map(|dead_by| intent.at.duration_until(dead_by))
    };
    assert_eq!(renewed(RenewCapability::new(DAY)), None);
    assert!(renewed(RenewCapability::new(DAY).with_max_renewals(7)) > Some(8 * DAY));
}

#[test]
fn an_outcome_says_by_when_what_it_issued_or_may_have_issued_is_dead() {
    let day_at_most = CreateCapability::new().with_max_lifetime(Duration::from_secs(86_400));
    let capabilities = Capabilities::none().with_create(day_at_most);
    let request = CreateToken::unnamed();
    let intent = intent(&capabilities, OperationCall::Create(&request));
    let failed = |fate| {
        let error = Error::new(ErrorKind::Unavailable, fate, "no answer");
        Outcome::new(&intent, Err(error)).dead_by
    };
    assert!(failed(Fate::MaybeApplied) >= intent.dead_by);
    assert_eq!(failed(Fate::Rejected), None);
    let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    let created = |token: &Token| Outcome::new(&intent, Ok(Effect::from(token))).dead_by;
    assert_eq!(created(&token), intent.dead_by);
    let at: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    token.expiry = Fact::Known(at);
    assert_eq!(created(&token), Some(at));
    token.expiry = Fact::Absent;
    assert_eq!(created(&token), None);
}

#[test]
fn an_intent_names_the_marker_of_its_creation_and_no_other_word() {
    let marker = "tf-0123456789abcdef";
    let marked = |request: CreateToken| {
        let intent = intent(&Capabilities::none(), OperationCall::Create(&request));
        intent.marker().map(str::to_owned)
    };
    let named = CreateToken::new(format!("ci {marker}"));
    assert_eq!(marked(named).as_deref(), Some(marker));
    let described = CreateToken::new("ci").with_description(marker);
    assert_eq!(marked(described).as_deref(), Some(marker));
    assert_eq!(marked(CreateToken::new(format!("{marker} ci"))), None);
    assert_eq!(marked(CreateToken::unnamed()), None);
}

#[test]
fn the_steps_of_an_operation_share_its_id_and_others_have_one_of_their_own() {
    let id = OperationId::random();
    let (token, capabilities) = (TokenId::new("1"), Capabilities::none());
    let create = CreateToken::new("ci").with_operation_id(id);
    let options = RevokeOptions::default().with_operation_id(id);
    let revoke = OperationCall::Revoke((&token).into(), &options);
    for call in [OperationCall::Create(&create), revoke] {
        assert_eq!(intent(&capabilities, call).operation_id, id);
    }
    let [one, other] = [(); 2].map(|()| intent(&capabilities, OperationCall::Rotate(&token)));
    assert_ne!(one.operation_id, other.operation_id);
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!(
        "+0000000000000000000000000000001"
            .parse::<OperationId>()
            .is_err()
    );
}
