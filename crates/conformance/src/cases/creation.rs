//! Laws 1, 6 and 7: creating tokens.

use tokenfleet_core::capability::{ArgumentSupport, TokenField};
use tokenfleet_core::{
    Capabilities, CreateToken, ErrorKind, Fact, Operation, RevocationEffect, Timestamp,
    TokenProvider, TokenState,
};

use super::preconditions::creates;
use super::reading::ODD_NAMES;
use crate::case::case;
use crate::case_result::{
    CaseResult, describe, ensure, expect_err, expect_ok, expect_rejection, fail, not_applicable,
    require_tried,
};
use crate::harness::{Harness, LiveToken};
use crate::refusal::Refusal;
use crate::{Case, Decision, Fault};

const GROUP: &str = "creation";

pub(super) const CASES: &[Case] = &[
    case! {
        law 7: "a created token works and comes with its secret",
        when: |declared| Decision::for_operation(declared, Operation::Create),
        run: works,
        killed_by: [
            SendsBeforeRefusing on full,
            ReturnsNoSecret on retaining,
            ReturnsMaskedSecret on retaining,
            CreatesTwo on deleting,
        ],
    },
    case! {
        law 7: "an id does not contain the secret",
        when: creates,
        run: id_without_secret,
        killed_by: [ReturnsSecretAsId on secret_only],
    },
    case! {
        law 1: "every created token has its own id and secret",
        when: creates,
        run: distinct,
        killed_by: [ReturnsFirstSecretAgain on secret_only],
    },
    case! {
        law 1: "a created token is read back as it was returned",
        when: creates,
        run: read_back,
        killed_by: [InventsExpiry on deleting],
    },
    case! {
        law 1: "a token is created with exactly the requested name",
        when: takes_names,
        run: odd_names,
        killed_by: [DropsUndeclaredArguments on full, ManglesNames on deleting],
    },
    case! {
        law 1: "a name that is taken is a conflict",
        when: has_unique_names,
        run: name_taken,
        killed_by: [ReportsConflictAsSuccess on retaining],
    },
    case! {
        law 1: "two tokens may share a name",
        when: has_shared_names,
        run: shared_name,
        killed_by: [RefusesSharedNames on deleting],
    },
    case! {
        law 1: "creating in a full account is a conflict",
        when: has_max_tokens,
        run: full_account,
        killed_by: [ReportsConflictAsSuccess on single_key, OverwritesInFullAccount on single_key],
    },
    case! {
        law 6: "a creation whose response is lost may have been applied, at most once",
        when: creates,
        run: lost_response,
        killed_by: [
            RetriesWrites on single_key,
            RetriesWrites on deleting,
            RetriesWritesAndFails on deleting,
            ReportsLostResponseAsRejected on full,
        ],
    },
    case! {
        law 6: "a creation whose request is lost creates at most one token",
        when: creates,
        run: lost_request,
        killed_by: [RetriesWritesAndFails on deleting],
    },
    case! {
        law 6: "the credential of a creation is not the secret of its token",
        when: creates,
        run: echoed_credential,
        killed_by: [
            BelievesResponses on deleting,
            BelievesEchoes on deleting,
            BelievesEchoes on secret_only,
        ],
    },
    case! {
        law 6: "a creation whose secret does not arrive is an error",
        when: creates,
        run: masked_secret,
        killed_by: [
            BelievesResponses on deleting,
            BelievesResponses on secret_only,
            LeavesWrongTokens on deleting,
        ],
    },
    case! {
        law 6: "a name that the platform changed is not hidden",
        when: takes_names_and_reports_them,
        run: changed_name,
        killed_by: [ReportsRequestedNames on deleting],
    },
    case! {
        law 6: "the secret of a creation is read whatever surrounds it",
        when: creates,
        run: surrounded,
        killed_by: [
            ReadsOnlyTidyResponses on deleting,
            ReadsOnlyTidyResponses on single_key,
            ReadsOnlyTidyResponses on secret_only,
        ],
    },
];

/// The faults that surround a secret with what does not belong there.
pub(crate) const SURROUNDINGS: [Fault; 4] = [
    Fault::ByteOrderMark,
    Fault::Compress,
    Fault::WrongContentType,
    Fault::OddValue,
];

fn takes_names(declared: &Capabilities) -> Decision {
    let name = declared.create.as_ref().map(|create| create.name);
    match name {
        None => Decision::NotApplicable("it cannot create"),
        Some(ArgumentSupport::Unsupported) => Decision::Refuse(Refusal::Name),
        Some(_) => Decision::Run,
    }
}

fn takes_names_and_reports_them(declared: &Capabilities) -> Decision {
    let create = declared.create.as_ref();
    let takes_names = create.is_some_and(|create| create.name != ArgumentSupport::Unsupported);
    let reports_names = declared.reported_fields.contains(&TokenField::Name);
    Decision::run_if(takes_names && reports_names, "its tokens have no names")
}

fn has_unique_names(declared: &Capabilities) -> Decision {
    let create = declared.create.as_ref();
    let unique = create.is_some_and(|create| create.unique_names);
    Decision::run_if(unique, "its names are not unique")
}

fn has_shared_names(declared: &Capabilities) -> Decision {
    let shared = declared.create.as_ref().is_some_and(|create| {
        create.name != ArgumentSupport::Unsupported
            && !create.unique_names
            && create.max_tokens.is_none()
    });
    Decision::run_if(shared, "it has no names that could be shared")
}

fn has_max_tokens(declared: &Capabilities) -> Decision {
    let create = declared.create.as_ref();
    let max_tokens = create.and_then(|create| create.max_tokens);
    Decision::run_if(
        max_tokens.is_some_and(|max| max <= 250),
        "it declares no small maximum number of tokens",
    )
}

async fn works(harness: &Harness) -> CaseResult {
    let before = harness.token_count().await;
    let issued = harness.create(harness.minimal_request("new")?).await?;
    let secret = issued.secret.expose();
    ensure(
        !secret.is_empty(),
        "a created token comes with its secret",
        "the secret is empty",
    )?;
    ensure(
        !secret.contains(['*', '•', '…']),
        "a created token comes with its whole secret",
        "the secret is masked",
    )?;
    let what = "the secret of a created token";
    harness.expect_alive(&issued.secret, what).await?;
    let after = harness.token_count().await;
    ensure(
        after == before + 1,
        "one creation creates one token",
        format!("there were {before} tokens before and {after} after"),
    )?;
    ensure(
        issued.token.state == TokenState::Active,
        "a token that works is active",
        format!("it is {}", issued.token.state.as_str()),
    )
}

async fn id_without_secret(harness: &Harness) -> CaseResult {
    let issued = harness.create(harness.minimal_request("new")?).await?;
    let id = issued.token.id.as_str();
    ensure(!id.is_empty(), "a token has an id", "it is empty")?;
    ensure(
        !id.contains(issued.secret.expose()),
        "an id does not contain the secret",
        "the id contains the secret",
    )
}

async fn distinct(harness: &Harness) -> CaseResult {
    harness.require_room(2).await?;
    let one = harness.create(harness.minimal_request("one")?).await?;
    let two = harness.create(harness.minimal_request("two")?).await?;
    ensure(
        one.token.id != two.token.id && one.secret.expose() != two.secret.expose(),
        "two tokens have different ids and different secrets",
        "they share one",
    )?;
    let what = "the secret of the first token";
    harness.expect_alive(&one.secret, what).await?;
    let what = "the secret of the second token";
    harness.expect_alive(&two.secret, what).await
}

async fn read_back(harness: &Harness) -> CaseResult {
    let issued = harness.create(harness.minimal_request("new")?).await?;
    let Some(read) = harness.read(&issued.token.id).await? else {
        return not_applicable("it cannot read tokens");
    };
    let returned = &issued.token;
    let to_seconds = |fact: Fact<Timestamp>| fact.map(|at| at.truncated_to_seconds());
    // A field that only one of the two responses reports does not differ.
    let differs = returned.state != read.state
        || differ(&returned.name, &read.name)
        || differ(&returned.description, &read.description)
        || differ(
            &to_seconds(returned.created_at),
            &to_seconds(read.created_at),
        )
        || differ(&to_seconds(returned.expiry), &to_seconds(read.expiry))
        || differ(&returned.scopes, &read.scopes);
    ensure(
        !differs,
        "a created token is read back as it was returned",
        format!("{returned:?} was returned and {read:?} was read"),
    )
}

fn differ<T: PartialEq>(returned: &Fact<T>, read: &Fact<T>) -> bool {
    returned.is_reported() && read.is_reported() && returned != read
}

async fn odd_names(harness: &Harness) -> CaseResult {
    harness.require_room(ODD_NAMES.len()).await?;
    for name in ODD_NAMES {
        let stored = Fact::Known(harness.fixture().stored_name(name));
        let created = harness
            .provider()
            .create(harness.named_request(name)?)
            .await;
        let issued = expect_ok(created, &format!("a token named {name:?} is created"))?;
        let read = harness.read(&issued.token.id).await?;
        for token in [Some(issued.token), read].into_iter().flatten() {
            ensure(
                !harness.reports(TokenField::Name) || token.name == stored,
                "a token is created with exactly the requested name",
                format!("{name:?} was requested and the name is {:?}", token.name),
            )?;
        }
    }
    Ok(())
}

async fn name_taken(harness: &Harness) -> CaseResult {
    let first = harness.create(harness.named_request("taken")?).await?;
    expect_conflict(harness, harness.named_request("taken")?).await?;
    if !harness.revokes_by_id() {
        harness.left_out("the name of a revoked token: it does not revoke by id");
        return Ok(());
    }
    harness.revoke(&LiveToken::from_issued(first)).await?;
    expect_conflict(harness, harness.named_request("taken")?).await
}

async fn expect_conflict(harness: &Harness, request: CreateToken) -> CaseResult {
    let before = harness.token_count().await;
    let expected = "a creation that is impossible is a conflict and creates nothing";
    let created = harness.provider().create(request).await;
    expect_rejection(created, ErrorKind::Conflict, expected)?;
    ensure(
        harness.token_count().await == before,
        expected,
        "the number of tokens changed",
    )
}

async fn shared_name(harness: &Harness) -> CaseResult {
    let one = harness.create(harness.named_request("shared")?).await?;
    let two = harness.create(harness.named_request("shared")?).await?;
    ensure(
        one.token.id != two.token.id,
        "two tokens with one name are two tokens",
        "they have the same id",
    )?;
    let what = "the first token with the name";
    harness.expect_alive(&one.secret, what).await
}

async fn full_account(harness: &Harness) -> CaseResult {
    let create = harness.capabilities().create.as_ref();
    let max_tokens = create.and_then(|create| create.max_tokens).unwrap_or(0);
    let free = (max_tokens as usize).saturating_sub(harness.token_count().await);
    let mut secrets = Vec::new();
    for number in 0..free {
        let spec = harness.spec(&format!("filling-{number}"));
        let Some(inserted) = harness.insert(spec).await else {
            return not_applicable("the fixture cannot fill the account");
        };
        secrets.extend(inserted.secret);
    }
    expect_conflict(harness, harness.minimal_request("one too many")?).await?;
    for secret in secrets {
        let what = "a token that was in the full account";
        harness.expect_alive(&secret, what).await?;
    }
    Ok(())
}

async fn lost_response(harness: &Harness) -> CaseResult {
    harness.require_room(1).await?;
    let before = harness.token_count().await;
    harness.inject(Fault::LoseResponse).await?;
    let expected = "a creation whose response is lost fails as possibly applied";
    let request = harness.minimal_request("possibly")?;
    let result = harness.provider().create(request).await;
    let created = harness.token_count().await - before;
    let Err(error) = result else {
        return fail(
            expected,
            format!("it succeeded, and {created} tokens were created"),
        );
    };
    ensure(error.may_have_applied(), expected, describe(&error))?;
    ensure(
        !error.is_retryable(),
        "the error is not retryable",
        describe(&error),
    )?;
    ensure(
        created == 1,
        "one call creates at most one token",
        format!("{created} tokens were created"),
    )
}

async fn lost_request(harness: &Harness) -> CaseResult {
    harness.require_room(1).await?;
    let before = harness.token_count().await;
    harness.inject(Fault::LoseRequest).await?;
    let request = harness.minimal_request("possibly")?;
    let result = harness.provider().create(request).await;
    let created = harness.token_count().await - before;
    match result {
        // The provider knew that nothing had been sent, and retried.
        Ok(_) => ensure(
            created == 1,
            "one creation creates one token",
            format!("{created} tokens were created"),
        ),
        Err(_) => ensure(
            created == 0,
            "a creation that failed because its request was lost creates nothing",
            format!("{created} tokens were created"),
        ),
    }
}

async fn masked_secret(harness: &Harness) -> CaseResult {
    let request = harness.minimal_request("masked")?;
    expect_refused(harness, request, Fault::MaskSecret).await
}

async fn echoed_credential(harness: &Harness) -> CaseResult {
    let request = harness.minimal_request("echoed")?;
    expect_refused(harness, request, Fault::EchoCredential).await
}

/// Expects a creation whose response contradicts the request to fail and to leave no token behind,
/// or to say that it may have left one where the provider cannot revoke just that one.
pub(super) async fn expect_refused(
    harness: &Harness,
    request: CreateToken,
    fault: Fault,
) -> CaseResult {
    harness.require_room(1).await?;
    let before = count_usable(harness).await;
    harness.inject(fault).await?;
    let created = harness.provider().create(request).await;
    let expected = "a token that is not as requested is an error that says whether it is left";
    let error = expect_err(created, expected)?;
    let is_left = count_usable(harness).await != before;
    if can_take_back(harness, fault) {
        let expected = "a token that is not as requested is revoked";
        ensure(
            !is_left && !error.may_have_applied(),
            expected,
            describe(&error),
        )?;
    }
    ensure(
        error.may_have_applied() || !is_left,
        expected,
        describe(&error),
    )
}

/// Returns `true` if a new token can be revoked, and no other with it, in spite of this fault.
fn can_take_back(harness: &Harness, fault: Fault) -> bool {
    let revoke = harness.capabilities().revoke.as_ref();
    revoke.is_some_and(|revoke| {
        let is_known = revoke.by_id || !matches!(fault, Fault::MaskSecret | Fault::EchoCredential);
        is_known && revoke.effect != RevocationEffect::Replaced && revoke.cascade.is_none()
    })
}

/// Returns how many tokens work or can be resumed.
async fn count_usable(harness: &Harness) -> usize {
    let is_dead = |state| matches!(state, TokenState::Revoked | TokenState::Expired);
    let tokens = harness.fixture().tokens().await.into_iter();
    tokens.filter(|token| !is_dead(token.state)).count()
}

async fn changed_name(harness: &Harness) -> CaseResult {
    harness.require_room(1).await?;
    harness.inject(Fault::OtherName).await?;
    let request = harness.named_request("requested")?;
    let created = harness.provider().create(request.clone()).await;
    let issued = expect_ok(created, "a token with a changed name keeps its secret")?;
    ensure(
        request.differences(&issued.token).contains(&"name"),
        "a name is reported as the platform returned it",
        format!("it is reported as {:?}", issued.token.name),
    )?;
    let what = "the secret of a token whose name was changed";
    harness.expect_alive(&issued.secret, what).await
}

async fn surrounded(harness: &Harness) -> CaseResult {
    let mut tried = false;
    for fault in SURROUNDINGS {
        harness.make_room().await?;
        if !harness.fixture().inject(fault).await {
            continue;
        }
        tried = true;
        let request = harness.minimal_request(&format!("{fault:?}"))?;
        let created = harness.provider().create(request).await;
        let expected = format!("a secret that arrived is returned in spite of {fault:?}");
        let issued = expect_ok(created, &expected)?;
        harness.expect_alive(&issued.secret, "a new secret").await?;
    }
    require_tried(tried, "the fixture cannot falsify responses")
}
