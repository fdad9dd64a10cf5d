//! The laws of the record of a rotation: it is read back equal, and one that is not understood is
//! refused.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::prelude::*;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Account, CreateToken, Timestamp, TokenId};
use tokenfleet_rotation::machine::{
    Attempt, Change, InPlace, LastFailure, OldSecret, Overlap, Parked, PlannedSink, Rotation,
    RotationPlan, Strategy as Way, Successor, Unlisted,
};
use tokenfleet_rotation::runner::RotationRecord;
use tokenfleet_rotation::sink::Readable;

fn times() -> impl Strategy<Value = Timestamp> {
    (-1_i64..4_000_000_000, 0_u64..1_000_000_000).prop_map(|(seconds, nanoseconds)| {
        let at = Timestamp::from_unix_seconds(seconds).unwrap();
        at.saturating_add(Duration::from_nanos(nanoseconds))
    })
}

fn ids() -> impl Strategy<Value = TokenId> {
    "\\PC{0,40}".prop_map(TokenId::new)
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,12}")
}

fn reasons() -> impl Strategy<Value = Parked> {
    let sink = 0..9_usize;
    prop_oneof![
        any::<u32>().prop_map(|attempts| Parked::TooManyAttempts { attempts }),
        "\\PC{0,12}".prop_map(|error| Parked::Refused { error }),
        "\\PC{0,12}".prop_map(|error| Parked::Withdrawn { error }),
        sink.clone().prop_map(|sink| Parked::NotOurs { sink }),
        sink.clone().prop_map(|sink| Parked::Contested { sink }),
        sink.clone().prop_map(|sink| Parked::SinkChanged { sink }),
        (sink, any::<u64>()).prop_map(|(sink, epoch)| Parked::SinkAhead { sink, epoch }),
        "\\PC{0,12}".prop_map(|reason| Parked::Unverified { reason }),
        any::<u32>().prop_map(|starts| Parked::Stuck { starts }),
        Just(Parked::NoSubject),
        Just(Parked::OtherToken),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    let attempting = (1..9_u32, times(), proptest::option::of(times()), 0..3_u32).prop_map(
        |(number, sent_at, dead_by, replaced)| Change::Attempting {
            attempt: Attempt::new(number, Marker::random(), sent_at).with_dead_by(dead_by),
            replaced,
        },
    );
    let delivered =
        (1..9_u32, ids(), any::<u64>(), times()).prop_map(|(attempt, token, epoch, at)| {
            Change::Delivered(Successor::new(attempt, token, epoch, at))
        });
    prop_oneof![
        3 => attempting,
        2 => delivered,
        1 => (1..9_u32).prop_map(|attempt| Change::NotApplied { attempt }),
        1 => (1..9_u32).prop_map(|attempt| Change::Withdrawn { attempt }),
        1 => Just(Change::Reissue),
        1 => times().prop_map(|at| Change::Suspended { at }),
        1 => Just(Change::Revoked),
        1 => Just(Change::Unverified),
        1 => (times(), "\\PC{0,12}")
            .prop_map(|(at, error)| Change::Failed(LastFailure::new(at, error))),
        1 => reasons().prop_map(Change::Parked),
        1 => Just(Change::Resumed),
        1 => Just(Change::Done),
    ]
}

/// Any rotation that can come about by changes.
fn rotations() -> impl Strategy<Value = Rotation> {
    let opened = (
        proptest::option::of(ids()),
        proptest::option::of(times()),
        times(),
    );
    let changes = proptest::collection::vec(changes(), 0..12);
    (opened, changes).prop_map(|((subject, created_at, opened_at), changes)| {
        let mut rotation = Rotation::new(OperationId::random(), subject, opened_at);
        rotation.subject_created_at = created_at;
        for change in &changes {
            rotation.apply(change);
        }
        rotation
    })
}

fn ways() -> impl Strategy<Value = Way> {
    let overlap = (any::<[bool; 4]>(), any::<Duration>(), any::<Option<u32>>());
    prop_oneof![
        overlap.prop_map(|(flags, read_delay, max_tokens)| {
            let mut overlap = Overlap::default();
            [
                overlap.suspension,
                overlap.last_used,
                overlap.verify,
                overlap.reused_ids,
            ] = flags;
            (overlap.read_delay, overlap.max_tokens) = (read_delay, max_tokens);
            Way::Overlap(overlap)
        }),
        any::<[bool; 2]>().prop_map(|flags| {
            let mut in_place = InPlace::default();
            [in_place.verify, in_place.reused_ids] = flags;
            Way::InPlace(in_place)
        }),
        (1..9_u64).prop_map(|days| {
            let create = tokenfleet_core::capability::CreateCapability::new()
                .with_max_lifetime(Duration::from_secs(days * 86_400));
            let revoke = tokenfleet_core::capability::RevokeCapability::by_secret(
                tokenfleet_core::RevocationEffect::Deleted,
            );
            let capabilities = tokenfleet_core::Capabilities::none()
                .with_create(create)
                .with_revoke(revoke);
            let way = Way::for_capabilities(&capabilities, Default::default()).unwrap();
            assert!(matches!(way, Way::Unlisted(Unlisted { .. })));
            way
        }),
    ]
}

fn plans() -> impl Strategy<Value = RotationPlan> {
    let readable =
        proptest::sample::select(vec![Readable::Nothing, Readable::Stamp, Readable::Secret]);
    let sink = (readable, any::<bool>()).prop_map(|(readable, adopt)| {
        let mut sink = PlannedSink::new(readable);
        sink.adopt = adopt;
        sink
    });
    let sinks = proptest::collection::vec(sink, 1..4);
    let waits = (
        any::<[Duration; 3]>(),
        any::<Option<Duration>>(),
        any::<Duration>(),
    );
    (ways(), sinks, waits, any::<u32>(), any::<bool>()).prop_map(
        |(way, sinks, (waits, rest, settle), attempts, expires)| {
            let safe = [PlannedSink::new(Readable::Secret)];
            let mut plan = RotationPlan::new(way, safe).unwrap();
            plan.sinks = sinks;
            [plan.overlap, plan.soak, plan.max_overlap] = waits;
            (plan.rest, plan.settle, plan.max_attempts) = (rest, settle, attempts);
            if expires {
                plan.old_secret = OldSecret::LetExpire;
            }
            plan
        },
    )
}

fn requests() -> impl Strategy<Value = CreateToken> {
    let expiry = prop_oneof![
        Just(None),
        times().prop_map(|at| Some(CreateToken::unnamed().with_expiry(at))),
        any::<Duration>().prop_map(|lifetime| Some(CreateToken::unnamed().with_lifetime(lifetime))),
        Just(Some(CreateToken::unnamed().without_expiry())),
    ];
    let scopes = proptest::option::of(proptest::collection::vec("\\PC{0,6}", 0..3));
    (
        expiry,
        text(),
        text(),
        scopes,
        any::<[bool; 3]>(),
        any::<i64>(),
    )
        .prop_map(
            |(request, name, description, scopes, [suspended, with_argument, with_id], number)| {
                let mut request = request.unwrap_or_default();
                (request.name, request.description, request.scopes) = (name, description, scopes);
                request.suspended = suspended;
                if with_argument {
                    request = request
                        .with_argument("role", "reader")
                        .with_argument("n", number);
                }
                if with_id {
                    request = request.with_operation_id(OperationId::random());
                }
                request
            },
        )
}

fn records() -> impl Strategy<Value = RotationRecord> {
    let texts = [text(), text(), text(), text()];
    let sinks = proptest::collection::vec("\\PC{0,12}", 0..4);
    (plans(), requests(), rotations(), texts, sinks).prop_map(
        |(plan, request, rotation, [policy, reason, name, place], sinks)| {
            let account = Account::new("losant", "iot");
            let account = match &place {
                Some(place) => account.with_place(place),
                None => account,
            };
            let locations: Vec<_> = sinks.iter().map(|sink| format!("at {sink}")).collect();
            let mut record = RotationRecord::new(account, sinks, plan, request, rotation)
                .with_locations(locations);
            (record.policy, record.reason, record.token_name) = (policy, reason, name);
            record
        },
    )
}

proptest! {
    #[test]
    fn a_record_is_read_back_equal(record in records()) {
        let text = serde_json::to_string(&record).unwrap();
        let read: RotationRecord = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &record, "{}", text);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    /// A key that is added anywhere, as by a later version, is not overlooked.
    #[test]
    fn a_record_with_a_key_that_is_not_known_is_refused(record in records(), at: prop::sample::Index) {
        let mut value = serde_json::to_value(&record).unwrap();
        let mut objects = Vec::new();
        objects_of(&value, String::new(), &mut objects);
        let pointer = &objects[at.index(objects.len())];
        let object = value.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        object.insert("of_a_later_version".to_owned(), true.into());
        let read = serde_json::from_value::<RotationRecord>(value);
        prop_assert!(read.is_err(), "{}", pointer);
    }
}

/// Collects the pointers to the objects of a record that are the rotation's own.
fn objects_of(value: &serde_json::Value, pointer: String, objects: &mut Vec<String>) {
    // An expiry and a duration in it are the core's, and arguments have any name.
    let is_cores = ["/request/arguments", "/request/expiry"];
    if is_cores.contains(&pointer.as_str()) {
        return;
    }
    match value {
        serde_json::Value::Object(entries) => {
            for (key, value) in entries {
                objects_of(value, format!("{pointer}/{key}"), objects);
            }
            objects.push(pointer);
        }
        serde_json::Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                objects_of(value, format!("{pointer}/{at}"), objects);
            }
        }
        _ => {}
    }
}

fn record() -> RotationRecord {
    let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let id = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
    let mut rotation = Rotation::new(id, Some(TokenId::new("65f0")), now);
    let marker = "tf-0123456789abcdef".parse().unwrap();
    rotation.apply(&Change::Attempting {
        attempt: Attempt::new(1, marker, now),
        replaced: 0,
    });
    rotation.apply(&Change::Parked(Parked::NotOurs { sink: 0 }));
    let sinks = [PlannedSink::new(Readable::Secret)];
    let plan = RotationPlan::new(Way::Overlap(Overlap::default()), sinks).unwrap();
    let request = CreateToken::new("ci").with_expiry(now);
    let account = Account::new("losant", "iot");
    RotationRecord::new(account, ["file:/run/secrets/ci"], plan, request, rotation)
        .with_policy("ci")
}

#[test]
fn a_record_is_written_for_people() {
    let written = serde_json::to_value(record()).unwrap();
    let expected = serde_json::json!({
        "version": 1,
        "account": {"name": "iot", "provider": "losant", "place": null},
        "policy": "ci",
        "reason": null,
        "sinks": ["file:/run/secrets/ci"],
        "token_name": null,
        "plan": {
            "strategy": {"overlap": {
                "suspension": false,
                "last_used": false,
                "verify": false,
                "reused_ids": false,
                "read_delay": "0s",
                "max_tokens": null,
            }},
            "sinks": [{"readable": "secret", "adopt": false}],
            "overlap": "1d",
            "soak": "0s",
            "rest": null,
            "max_overlap": "7d",
            "settle": "10m",
            "max_attempts": 5,
            "old_secret": "revoke",
        },
        "request": {
            "name": "ci",
            "description": null,
            "expiry": {"kind": "at", "value": "2030-01-01T00:00:00Z"},
            "scopes": null,
            "suspended": false,
            "arguments": {},
            "operation_id": null,
        },
        "rotation": {
            "id": "000102030405060708090a0b0c0d0e0f",
            "subject": "65f0",
            "subject_created_at": null,
            "opened_at": "2030-01-01T00:00:00Z",
            "state": "issuing",
            "attempts": [{
                "number": 1,
                "marker": "tf-0123456789abcdef",
                "sent_at": "2030-01-01T00:00:00Z",
                "dead_by": null,
                "outcome": "unknown",
            }],
            "replaced": 0,
            "revoked": 0,
            "successor": null,
            "suspended_at": null,
            "parked": {"not_ours": {"sink": 0}},
            "resumed_after": 0,
            "unverified": 0,
            "counts_replaced": false,
        },
    });
    assert_eq!(written, expected);
}

#[test]
fn a_record_of_another_version_is_refused_by_its_version() {
    let text = serde_json::to_string(&record()).unwrap();
    let later = text.replace(r#""version":1"#, r#""version":2,"of_a_later_version":true"#);
    assert_ne!(later, text);
    let error = serde_json::from_str::<RotationRecord>(&later).unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
    for (known, unknown) in [
        (r#""state":"issuing""#, r#""state":"verifying""#),
        (r#""strategy":{"overlap":"#, r#""strategy":{"swap":"#),
        (r#""parked":{"not_ours":"#, r#""parked":{"asleep":"#),
        (r#""outcome":"unknown""#, r#""outcome":"stolen""#),
        (r#""version":1,"#, ""),
    ] {
        let changed = text.replace(known, unknown);
        assert_ne!(changed, text, "{known}");
        serde_json::from_str::<RotationRecord>(&changed).unwrap_err();
    }
}

#[test]
fn rotations_have_one_subject_if_they_rotate_the_same() {
    let one = record();
    let mut other = record();
    other.sinks = vec!["file:/elsewhere".to_owned()];
    assert_eq!(one.subject(), other.subject(), "the token tells");
    other.rotation.subject = Some(TokenId::new("65f1"));
    assert_ne!(one.subject(), other.subject());
    // Names of one account are not those of another.
    let mut other = record();
    other.account = Account::new("losant", "iot").with_place("https://api.losant.com");
    assert_ne!(one.subject(), other.subject());
    // Where tokens have no ids, the sinks tell, in whatever order and however they are written.
    let [mut one, mut other] = [one, record()];
    for (record, sinks) in [
        (&mut one, ["file:/a/b", "vault"]),
        (&mut other, ["vault", "file:/a/./b"]),
    ] {
        record.rotation.subject = None;
        record.sinks = sinks.map(str::to_owned).to_vec();
    }
    assert_eq!(one.subject(), other.subject());
    other.sinks.pop();
    assert_ne!(one.subject(), other.subject());
}
