//! Laws 1 and 9: arguments of a creation are kept or refused, never dropped.

use std::time::Duration;

use tokenfleet_core::capability::{ArgumentKind, ArgumentValue, CreateCapability, TokenField};
use tokenfleet_core::model::Attribute;
use tokenfleet_core::{
    Capabilities, CreateToken, ErrorKind, Fact, IssuedToken, RequestedExpiry, Timestamp, TokenId,
    TokenProvider, TokenState, UpdateToken,
};

use super::creation::expect_refused as expect_contradiction;
use super::preconditions::creates;
use crate::case::case;
use crate::case_result::{CaseResult, describe, ensure, expect_ok, fail, not_applicable};
use crate::harness::Harness;
use crate::refusal::{Refusal, expect_refused, expect_refused_as};
use crate::{Case, Decision, Fault};

const GROUP: &str = "create arguments";

const DAY: Duration = Duration::from_secs(86_400);

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "a requested expiry is kept",
        when: |declared| takes(declared, Refusal::Expiry),
        run: expiry,
        killed_by: [
            DropsUndeclaredArguments on full,
            DropsExpiry on retaining,
            ShiftsExpiry on retaining,
            DeclaresExactLifetimes on slow_lifetimes,
        ],
    },
    case! {
        law 1: "a requested lifetime is kept",
        when: |declared| takes(declared, Refusal::Lifetime),
        run: lifetime,
        killed_by: [
            DropsUndeclaredArguments on full,
            DropsExpiry on retaining,
            ShiftsExpiry on lifetimes,
        ],
    },
    case! {
        law 1: "a creation without a required expiry is refused before any request",
        when: |declared| takes_some(declared, |create| create.required_expiry),
        run: required_expiry,
        killed_by: [SendsInvalidArguments on small_pages],
    },
    case! {
        law 9: "a token created without an expiry never expires",
        when: |declared| takes(declared, Refusal::NeverExpiring),
        run: never,
        killed_by: [
            DropsUndeclaredArguments on full,
            ReportsNeverAsUnreportedExpiry on deleting,
            InventsExpiry on deleting,
            ReplacesNeverWithAYear on retaining,
        ],
    },
    case! {
        law 1: "a description is kept",
        when: |declared| takes(declared, Refusal::Description),
        run: description,
        killed_by: [DropsUndeclaredArguments on full, DropsDescription on deleting],
    },
    case! {
        law 1: "scopes are kept",
        when: |declared| takes(declared, Refusal::Scopes),
        run: scopes,
        killed_by: [
            DropsUndeclaredArguments on full,
            DropsScopes on deleting,
            DropsScopes on lifetimes,
            WidensScopes on deleting,
        ],
    },
    case! {
        law 1: "scopes that the platform adds are reported",
        when: |declared| takes_some(declared, |create| create.widened_scopes),
        run: added_scopes,
        killed_by: [ReportsRequestedScopes on lifetimes],
    },
    case! {
        law 1: "an argument that the platform does not have is refused",
        when: creates,
        run: unknown_argument,
        killed_by: [DropsUndeclaredArguments on full, DropsArguments on never_expiring],
    },
    case! {
        law 1: "an argument of the platform is kept, and refused with another kind of value",
        when: |declared| takes_some(declared, |create| !create.arguments.is_empty()),
        run: arguments,
        killed_by: [DropsArguments on never_expiring, SendsInvalidArguments on never_expiring],
    },
    case! {
        law 1: "a token created suspended works only after it is resumed",
        when: |declared| takes(declared, Refusal::Suspended),
        run: suspended,
        killed_by: [DropsUndeclaredArguments on full, IgnoresSuspended on deleting],
    },
    case! {
        law 6: "a token with another expiry than requested is refused",
        when: |declared| takes_some(declared, |create| create.expiry),
        run: other_expiry,
        killed_by: [BelievesResponses on retaining],
    },
    case! {
        law 6: "a token with broader scopes than requested is refused",
        when: |declared| {
            takes_some(declared, |create| create.scopes && !create.widened_scopes)
        },
        run: broader_scopes,
        killed_by: [BelievesResponses on deleting],
    },
    case! {
        law 6: "a token that is active although requested suspended is refused",
        when: |declared| takes_some(declared, |create| create.suspended),
        run: active_at_once,
        killed_by: [BelievesResponses on deleting],
    },
];

fn takes_some(declared: &Capabilities, takes: fn(&CreateCapability) -> bool) -> Decision {
    let takes = declared.create.as_ref().is_some_and(takes);
    Decision::run_if(takes, "it cannot be requested")
}

fn takes(declared: &Capabilities, refusal: Refusal) -> Decision {
    let Some(create) = &declared.create else {
        return Decision::NotApplicable("it cannot create");
    };
    let declared = match refusal {
        Refusal::Expiry | Refusal::Lifetime => create.expiry,
        Refusal::NeverExpiring => create.never_expiring,
        Refusal::Description => create.description,
        Refusal::Scopes => create.scopes,
        _ => create.suspended,
    };
    Decision::run_or_refuse(declared, refusal)
}

/// Returns a lifetime that the platform accepts, and the time on its clock when it ends.
fn some_lifetime(harness: &Harness) -> (Duration, Timestamp) {
    let lifetime = harness.lifetime(40 * DAY);
    let now = harness.fixture().now().truncated_to_seconds();
    (lifetime, now.saturating_add(lifetime))
}

async fn expiry(harness: &Harness) -> CaseResult {
    let (_, at) = some_lifetime(harness);
    expect_expiry(harness, RequestedExpiry::At(at), at).await
}

async fn lifetime(harness: &Harness) -> CaseResult {
    let (lifetime, at) = some_lifetime(harness);
    expect_expiry(harness, RequestedExpiry::In(lifetime), at).await
}

async fn expect_expiry(harness: &Harness, requested: RequestedExpiry, at: Timestamp) -> CaseResult {
    let since = Timestamp::now();
    let is_kept = |expiry| harness.is_expiry(expiry, requested, at, since);
    let mut request = harness.minimal_request("expiring")?;
    request.expiry = requested;
    let create = harness.capabilities().create.as_ref();
    let is_exact = create.is_some_and(|create| create.lifetime_tolerance.is_none());
    let remedy = if is_exact {
        "if the platform takes a lifetime, declare it by `CreateCapability::with_lifetime`"
    } else {
        "if the platform takes longer, declare that by `CreateCapability::with_lifetime`"
    };
    let issued = create_as_requested(harness, request, remedy).await?;
    let id = &issued.token.id;
    if harness.reports(TokenField::Expiry) {
        ensure(
            is_kept(issued.token.expiry),
            "the returned token has the requested expiry",
            format!(
                "{at} was requested and {:?} is reported; {remedy}",
                issued.token.expiry
            ),
        )?;
        let read = harness.read(id).await?;
        ensure(
            read.is_none_or(|read| is_kept(read.expiry)),
            "the token has the requested expiry",
            format!("reading it returns another; {remedy}"),
        )?;
    }
    let existing = harness.existing_expiry(id).await;
    ensure(
        !existing.is_reported() || is_kept(existing),
        "the token at the platform has the requested expiry",
        format!("{at} was requested and it is {existing:?}; {remedy}"),
    )?;
    let what = "a token before its expiry";
    harness.expect_alive(&issued.secret, what).await?;
    if harness.fixture().advance(41 * DAY).await {
        let what = "a token after its expiry";
        harness.expect_dead(&issued.secret, what).await?;
    }
    Ok(())
}

/// Creates a token, and names what may have to be declared if the response contradicts the request.
async fn create_as_requested(
    harness: &Harness,
    request: CreateToken,
    remedy: &str,
) -> CaseResult<IssuedToken> {
    harness.require_room(1).await?;
    match harness.provider().create(request).await {
        Err(error) if error.kind() == ErrorKind::ProtocolViolation => fail(
            "a token is created as requested",
            format!("{}; {remedy}", describe(&error)),
        ),
        created => expect_ok(created, "a token is created"),
    }
}

async fn required_expiry(harness: &Harness) -> CaseResult {
    let mut request = harness.minimal_request("without expiry")?;
    request.expiry = RequestedExpiry::PlatformDefault;
    let call = harness.provider().create(request);
    let what = "a creation without an expiry";
    expect_refused_as(harness, ErrorKind::InvalidInput, what, call).await
}

async fn other_expiry(harness: &Harness) -> CaseResult {
    let request = harness.minimal_request("expiring")?;
    let request = request.with_expiry(some_lifetime(harness).1);
    expect_contradiction(harness, request, Fault::OtherExpiry).await
}

async fn broader_scopes(harness: &Harness) -> CaseResult {
    let Some(scope) = harness.fixture().scopes().into_iter().next() else {
        return not_applicable("the fixture names no scopes");
    };
    let request = harness.minimal_request("scoped")?.with_scope(scope);
    expect_contradiction(harness, request, Fault::BroaderScopes).await
}

async fn active_at_once(harness: &Harness) -> CaseResult {
    let request = harness.minimal_request("suspended")?.with_suspended();
    expect_contradiction(harness, request, Fault::ReportActive).await
}

async fn never(harness: &Harness) -> CaseResult {
    let request = harness.minimal_request("never expiring")?.without_expiry();
    let issued = harness.create(request).await?;
    if harness.reports(TokenField::Expiry) {
        ensure(
            issued.token.expiry == Fact::Absent,
            "a token that never expires is reported to never expire",
            format!("it is {:?}", issued.token.expiry),
        )?;
    }
    if harness.fixture().advance(3_650 * DAY).await {
        let what = "a token that never expires, ten years later,";
        harness.expect_alive(&issued.secret, what).await?;
    }
    Ok(())
}

async fn description(harness: &Harness) -> CaseResult {
    let text = "used by \"nightly\" builds, 100% of them";
    let request = harness.minimal_request("described")?.with_description(text);
    let issued = harness.create(request).await?;
    let read = harness
        .read(&issued.token.id)
        .await?
        .unwrap_or(issued.token);
    ensure(
        !harness.reports(TokenField::Description)
            || read.description == Fact::Known(text.to_owned()),
        "a description is kept",
        format!("it is {:?}", read.description),
    )
}

/// The remedy where a token has more scopes than were requested.
const WIDENED: &str =
    "if the platform adds scopes, declare it by `CreateCapability::with_widened_scopes`";

async fn scopes(harness: &Harness) -> CaseResult {
    let mut all = harness.fixture().scopes();
    let Some(first) = all.first().cloned() else {
        return not_applicable("the fixture names no scopes");
    };
    let request = harness.minimal_request("scoped")?.with_scope(first.clone());
    let issued = create_as_requested(harness, request, WIDENED).await?;
    expect_scopes(harness, &issued.token.id, vec![first]).await?;
    let mut request = harness.minimal_request("scoped again")?;
    request.scopes = Some(all.clone());
    let issued = create_as_requested(harness, request, WIDENED).await?;
    all.sort();
    expect_scopes(harness, &issued.token.id, all).await
}

async fn expect_scopes(harness: &Harness, id: &TokenId, requested: Vec<String>) -> CaseResult {
    let read = harness.read(id).await?.map(|token| token.scopes);
    let Some(Fact::Known(scopes)) = read else {
        harness.left_out("the scopes of the new token: they are not reported");
        return Ok(());
    };
    let mut scopes = scopes.to_vec();
    scopes.sort();
    let happened = format!("{requested:?} were requested and the token has {scopes:?}");
    let has_all = requested.iter().all(|scope| scopes.contains(scope));
    let create = harness.capabilities().create.as_ref();
    if create.is_some_and(|create| create.widened_scopes) {
        return ensure(
            has_all,
            "the requested scopes are among those kept",
            happened,
        );
    }
    let remedy = if has_all {
        format!("; {WIDENED}")
    } else {
        String::new()
    };
    ensure(
        scopes == requested,
        "scopes are kept",
        format!("{happened}{remedy}"),
    )
}

async fn added_scopes(harness: &Harness) -> CaseResult {
    let Some(scope) = harness.fixture().scopes().into_iter().next() else {
        return not_applicable("the fixture names no scopes");
    };
    let request = harness.minimal_request("scoped")?.with_scope(scope);
    let issued = harness.create(request.clone()).await?;
    let Some(read) = harness.read(&issued.token.id).await? else {
        return not_applicable("it cannot read tokens");
    };
    let (returned, kept) = (
        request.added_scopes(&issued.token),
        request.added_scopes(&read),
    );
    ensure(
        !issued.token.scopes.is_reported() || returned == kept,
        "a creation reports the scopes that the platform added",
        format!("it reports {returned:?} and the token has {kept:?}"),
    )
}

async fn unknown_argument(harness: &Harness) -> CaseResult {
    let request = harness.minimal_request("argued")?;
    let request = request.with_argument("no-such-argument", true);
    let call = harness.provider().create(request);
    expect_refused(harness, "an argument that is not declared", call).await
}

async fn arguments(harness: &Harness) -> CaseResult {
    let declared = harness.capabilities().create.as_ref();
    let declared = declared.map(|create| create.arguments.clone());
    for argument in declared.unwrap_or_default() {
        let name = &argument.name;
        let request = || harness.minimal_request(&format!("with {name}"));
        let wrong = match argument.kind {
            ArgumentKind::Boolean => ArgumentValue::from("neither"),
            _ => ArgumentValue::from(true),
        };
        let call = harness
            .provider()
            .create(request()?.with_argument(name.clone(), wrong));
        let what = format!("another kind of value for {name}");
        expect_refused_as(harness, ErrorKind::InvalidInput, &what, call).await?;
        let Some(value) = harness.argument(&argument) else {
            harness.left_out(format!("{name}: the fixture names no value for it"));
            continue;
        };
        let request = request()?.with_argument(name.clone(), value.clone());
        let issued = harness.create(request).await?;
        let read = harness.read(&issued.token.id).await?;
        let token = read.unwrap_or(issued.token);
        // Not every platform reports it, or under the same name.
        let reported = token.attributes.get(name);
        ensure(
            reported.is_none_or(|reported| *reported == as_attribute(&value)),
            "an argument of the platform is kept",
            format!("{name} was requested as {value:?} and is {reported:?}"),
        )?;
    }
    Ok(())
}

fn as_attribute(value: &ArgumentValue) -> Attribute {
    match value {
        ArgumentValue::Boolean(value) => Attribute::Boolean(*value),
        ArgumentValue::Integer(value) => Attribute::Integer(*value),
        ArgumentValue::Text(text) => Attribute::from(text.as_str()),
        ArgumentValue::List(texts) => {
            Attribute::List(texts.iter().map(|text| text.as_str().into()).collect())
        }
        _ => Attribute::Null,
    }
}

async fn suspended(harness: &Harness) -> CaseResult {
    let request = harness.minimal_request("suspended")?.with_suspended();
    let issued = harness.create(request).await?;
    let what = "a token created suspended";
    harness.expect_dead(&issued.secret, what).await?;
    let id = &issued.token.id;
    let read = harness.read(id).await?.unwrap_or(issued.token.clone());
    ensure(
        read.state == TokenState::Suspended,
        "a token created suspended is reported as suspended",
        format!("it is {}", read.state.as_str()),
    )?;
    let update = harness.capabilities().update.as_ref();
    if update.is_some_and(|update| update.suspension) {
        let resumed = harness.provider().update(id, UpdateToken::resume()).await;
        expect_ok(resumed, "a suspended token is resumed")?;
        let what = "a resumed token";
        harness.expect_alive(&issued.secret, what).await?;
    }
    Ok(())
}
