//! Laws 1 and 9: one token is read, and its fields are reported as they are.

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Capabilities, ErrorKind, Fact, Operation, Query, RequestedExpiry, Timestamp, TokenId,
    TokenProvider, TokenState,
};

use super::preconditions::reads;
use crate::case::case;
use crate::case_result::{
    CaseResult, describe, ensure, expect_err, expect_ok, expect_rejection, expect_unknown_id, fail,
    not_applicable, require_tried,
};
use crate::harness::{Harness, STATES, is_at};
use crate::{Case, Decision, Fault};

const GROUP: &str = "reading";

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "a token is read by its id",
        when: |declared| Decision::for_operation(declared, Operation::Get),
        run: by_id,
        killed_by: [SendsBeforeRefusing on full, ReportsEveryTokenActive on retaining],
    },
    case! {
        law 1: "an unknown id is not found",
        when: gets,
        run: unknown,
        killed_by: [AcceptsUnknownIds on full],
    },
    case! {
        law 1: "reading treats an id literally",
        when: gets,
        run: literally,
        killed_by: [ParsesIdsLeniently on retaining],
    },
    case! {
        law 9: "never expiring is distinguished from an expiry that is not reported",
        when: reads,
        run: expiry,
        killed_by: [
            ReportsUnreportedExpiryAsNever on single_key,
            ReportsNeverAsUnreportedExpiry on deleting,
        ],
    },
    case! {
        law 9: "names are returned unchanged",
        when: reads,
        run: odd_names,
        killed_by: [ManglesNames on deleting],
    },
    case! {
        law 9: "an unknown state is not reported as a known one",
        when: reads,
        run: unknown_state,
        killed_by: [ReportsUnknownStateAsActive on deleting],
    },
    case! {
        law 6: "the record of another token is refused",
        when: gets,
        run: other_record,
        killed_by: [BelievesResponses on retaining],
    },
    case! {
        law 9: "one odd value hides no token",
        when: |declared| Decision::run_if(declared.list.is_some(), "it cannot list"),
        run: odd_value,
        killed_by: [HidesOddTokens on deleting],
    },
];

fn gets(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.get, "it cannot read one token")
}

/// Names that platforms, query languages and URLs may interpret.
pub(super) const ODD_NAMES: [&str; 30] = [
    "plain",
    "Plain",
    "two words",
    "quote\"d",
    "it's",
    "back\\slash",
    "100%",
    "under_score",
    "star*name",
    "comma,separated",
    "naïve",
    "ключ",
    "鍵🔑",
    "not",
    "or",
    "and",
    "NOT plain",
    "(paren)",
    "a=b",
    "x~y",
    "<tag>",
    "a&b",
    "a+b",
    "semi;colon",
    "slash/name",
    "what?x=1",
    "#hash",
    "%20",
    "null",
    "-dash",
];

async fn by_id(harness: &Harness) -> CaseResult {
    let seeded = harness.seed_tokens(3).await?;
    for token in &seeded {
        let read = harness.provider().get(&token.id).await;
        let read = expect_ok(read, "a token is read by its id")?;
        ensure(
            read.id == token.id && read.state == TokenState::Active,
            "reading returns the token with the requested id",
            format!(
                "{} was requested and {} was returned, {}",
                token.id,
                read.id,
                read.state.as_str()
            ),
        )?;
        if harness.capabilities().list.is_none() {
            continue;
        }
        let listed = harness.list(Query::new(), "the tokens are listed").await?;
        ensure(
            listed.tokens.contains(&read),
            "a token is the same when read alone and in a listing",
            format!("{} differs", token.id),
        )?;
    }
    for state in STATES {
        let Some(inserted) = harness.insert_in_state(state).await else {
            continue;
        };
        let read = harness.read(&inserted.id).await?;
        let reported = read.map(|token| token.state);
        ensure(
            reported == Some(state),
            "every state is reported correctly",
            format!(
                "a token that is {} is reported as {reported:?}",
                state.as_str()
            ),
        )?;
    }
    Ok(())
}

async fn unknown(harness: &Harness) -> CaseResult {
    let seeded = harness.seed_tokens(1).await?;
    let mut ids = Vec::new();
    if let Some(token) = seeded.first() {
        ids.push(harness.unknown_id(&token.id).await?);
        if harness.fixture().remove(&token.id).await {
            ids.push(token.id.clone());
        }
    }
    for id in ids {
        let read = harness.provider().get(&id).await;
        expect_unknown_id(read, "an unknown id is not found")?;
    }
    Ok(())
}

/// Returns strings that are not this id, but that a path, a query or a lenient parser would turn
/// into it.
pub(super) fn similar_ids(id: &TokenId) -> Vec<String> {
    vec![
        format!("{id}/"),
        format!("./{id}"),
        format!("x/../{id}"),
        format!("{id}?x=1"),
        format!("{id}#x"),
        format!("{id}-x"),
        format!("{id}.json"),
        format!("{id}%00"),
        format!(" {id}"),
        format!("{id} "),
        format!("0{id}"),
        format!("{id}\n"),
        "..".to_owned(),
        ".".to_owned(),
        "*".to_owned(),
    ]
}

async fn literally(harness: &Harness) -> CaseResult {
    let seeded = harness.seed_tokens(1).await?;
    let Some(token) = seeded.first() else {
        return Ok(());
    };
    for id in similar_ids(&token.id) {
        let expected = format!("{id:?} is treated literally and so is not found");
        let id = TokenId::new(id);
        let error = expect_err(harness.provider().get(&id).await, &expected)?;
        ensure(
            matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput),
            &expected,
            describe(&error),
        )?;
    }
    Ok(())
}

async fn expiry(harness: &Harness) -> CaseResult {
    let mut tried = false;
    let since = Timestamp::now();
    for (name, requested) in [
        ("expiring", RequestedExpiry::At(harness.in_days(40))),
        ("never expiring", RequestedExpiry::Never),
        ("default", RequestedExpiry::PlatformDefault),
    ] {
        let spec = harness.spec(name).with_expiry(requested);
        let Some(inserted) = harness.insert(spec).await else {
            continue;
        };
        let Some(token) = harness.read(&inserted.id).await? else {
            continue;
        };
        tried = true;
        if !harness.reports(TokenField::Expiry) {
            ensure(
                !token.expiry.is_reported(),
                "an expiry that the platform does not report is not reported",
                format!("it is {:?}", token.expiry),
            )?;
            continue;
        }
        let (correct, expected) = match requested {
            RequestedExpiry::At(at) => (
                harness.is_expiry(token.expiry, requested, at, since),
                "an expiry is reported as it is",
            ),
            RequestedExpiry::Never => (
                token.expiry == Fact::Absent,
                "a token that never expires is reported to never expire",
            ),
            _ => {
                let agrees = match harness.existing_expiry(&inserted.id).await {
                    Fact::Known(at) => is_at(token.expiry, at),
                    Fact::Absent => token.expiry == Fact::Absent,
                    Fact::NotReported => true,
                };
                (agrees, "the default expiry is reported as it is")
            }
        };
        ensure(correct, expected, format!("it is {:?}", token.expiry))?;
    }
    require_tried(tried, "the fixture can insert no token to read")
}

async fn odd_names(harness: &Harness) -> CaseResult {
    if !harness.reports(TokenField::Name) {
        return not_applicable("it reports no names");
    }
    let mut inserted = Vec::new();
    for name in ODD_NAMES {
        if let Some(token) = harness.insert(harness.spec(name)).await {
            inserted.push((token.id, name));
        }
    }
    for (id, name) in inserted {
        let read = harness.read(&id).await?.map(|token| token.name);
        ensure(
            read == Some(Fact::Known(name.to_owned())),
            "a name is returned unchanged",
            format!("{name:?} was returned as {read:?}"),
        )?;
    }
    Ok(())
}

async fn unknown_state(harness: &Harness) -> CaseResult {
    let Some(inserted) = harness.insert_in_state(TokenState::Unknown).await else {
        return not_applicable("the fixture cannot insert a token in an unknown state");
    };
    match harness.read(&inserted.id).await? {
        Some(token) if token.state != TokenState::Unknown => fail(
            "an unknown state is reported as unknown",
            format!("it is reported as {}", token.state.as_str()),
        ),
        _ => Ok(()),
    }
}

async fn other_record(harness: &Harness) -> CaseResult {
    let seeded = harness.seed_tokens(1).await?;
    let Some(token) = seeded.first() else {
        return Ok(());
    };
    harness.inject(Fault::OtherRecord).await?;
    let expected = "the record of another token is a protocol violation";
    let read = harness.provider().get(&token.id).await;
    expect_rejection(read, ErrorKind::ProtocolViolation, expected)
}

async fn odd_value(harness: &Harness) -> CaseResult {
    let seeded = harness.seed_tokens(3).await?;
    harness.inject(Fault::OddValue).await?;
    let list = harness.list(Query::new(), "the tokens are listed").await?;
    for token in &seeded {
        ensure(
            list.tokens.iter().any(|listed| listed.id == token.id),
            "every token is listed whatever one of them holds",
            format!("{} is missing", token.id),
        )?;
    }
    Ok(())
}
