//! Laws 1, 5 and 6: updating tokens.

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{Capabilities, Fact, Operation, TokenProvider, TokenState, UpdateToken};

use crate::case::case;
use crate::case_result::{
    CaseResult, describe, ensure, expect_err, expect_ok, expect_unknown_id, not_applicable,
};
use crate::harness::Harness;
use crate::refusal::Refusal;
use crate::{Case, Decision, Fault};

const GROUP: &str = "update";

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "a token is updated",
        when: |declared| Decision::for_operation(declared, Operation::Update),
        run: updated,
        killed_by: [SendsBeforeRefusing on full, UpdatesNothing on deleting],
    },
    case! {
        law 1: "a token is renamed",
        when: |declared| takes(declared, Refusal::NewName),
        run: renamed,
        killed_by: [ManglesNames on deleting, UpdatesNothing on deleting],
    },
    case! {
        law 1: "a description is updated",
        when: |declared| takes(declared, Refusal::NewDescription),
        run: new_description,
        killed_by: [
            DropsUndeclaredUpdates on full,
            DropsDescription on deleting,
            UpdatesNothing on deleting,
        ],
    },
    case! {
        law 5: "a suspended token does not work until it is resumed",
        when: |declared| takes(declared, Refusal::Suspension),
        run: suspended,
        killed_by: [DropsUndeclaredUpdates on full, UpdatesNothing on deleting],
    },
    case! {
        law 1: "an update leaves other fields unchanged",
        when: updates,
        run: other_fields,
        killed_by: [UpdatesOtherFields on deleting],
    },
    case! {
        law 1: "updating an unknown token is not found",
        when: updates,
        run: unknown,
        killed_by: [AcceptsUnknownIds on full],
    },
    case! {
        law 6: "an update whose response is lost is not assumed to have been applied",
        when: updates,
        run: lost_response,
        killed_by: [ReportsLostResponseAsRejected on full, UpdatesNothing on deleting],
    },
    case! {
        law 6: "an update that the response contradicts is an error",
        when: updates,
        run: ignored,
        killed_by: [BelievesResponses on deleting],
    },
    case! {
        law 6: "an update of another token is an error",
        when: updates,
        run: other_record,
        killed_by: [BelievesResponses on deleting],
    },
    case! {
        law 6: "a suspension that the response contradicts is an error",
        when: |declared| Decision::run_if(
            declared.update.as_ref().is_some_and(|update| update.suspension),
            "it cannot suspend",
        ),
        run: still_active,
        killed_by: [BelievesResponses on deleting],
    },
    case! {
        law 6: "a suspension whose response shows no state that can be read is an error",
        when: |declared| Decision::run_if(
            declared.update.as_ref().is_some_and(|update| update.suspension),
            "it cannot suspend",
        ),
        run: unreadable_state,
        killed_by: [
            BelievesResponses on deleting,
            TakesUnreadableForSuspended on deleting,
            TakesUnreadableForSuspended on full,
        ],
    },
];

fn updates(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.update.is_some(), "it cannot update tokens")
}

fn takes(declared: &Capabilities, refusal: Refusal) -> Decision {
    let Some(update) = &declared.update else {
        return Decision::NotApplicable("it cannot update tokens");
    };
    let declared = match refusal {
        Refusal::NewName => update.name,
        Refusal::NewDescription => update.description,
        _ => update.suspension,
    };
    Decision::run_or_refuse(declared, refusal)
}

/// Returns a declared update, preferably one that reading makes visible and that keeps the id.
pub(super) fn some_update(harness: &Harness) -> UpdateToken {
    match &harness.capabilities().update {
        Some(update) if update.name && !update.id_follows_name => UpdateToken::rename("changed"),
        Some(update) if update.description => UpdateToken::default().with_description("changed"),
        Some(update) if update.name => UpdateToken::rename("changed"),
        _ => UpdateToken::suspend(),
    }
}

async fn updated(harness: &Harness) -> CaseResult {
    let token = harness.live_token("unchanged").await?;
    let before = harness.read(&token.id).await?;
    let updated = harness
        .provider()
        .update(&token.id, some_update(harness))
        .await;
    let updated = expect_ok(updated, "a token is updated")?;
    ensure(
        updated.id == token.id,
        "an update returns the updated token",
        format!("{} was updated and {} was returned", token.id, updated.id),
    )?;
    let after = harness.read(&token.id).await?;
    ensure(
        after.is_none() || after != before,
        "an update is applied and not only reported",
        "the token is unchanged",
    )
}

async fn renamed(harness: &Harness) -> CaseResult {
    let mut token = harness.live_token("before").await?;
    for name in ["after", "quote\"d, 100% naïve \\ 鍵", "not"] {
        let change = UpdateToken::rename(name);
        let updated = harness.provider().update(&token.id, change).await;
        let updated = expect_ok(updated, &format!("a token is renamed to {name:?}"))?;
        if harness
            .capabilities()
            .update
            .as_ref()
            .is_some_and(|update| update.id_follows_name)
        {
            token.id.clone_from(&updated.id);
        }
        let read = harness.read(&token.id).await?.unwrap_or(updated);
        ensure(
            !harness.reports(TokenField::Name)
                || read.name == Fact::Known(harness.fixture().stored_name(name)),
            "a new name is kept exactly",
            format!("{name:?} was requested and the name is {:?}", read.name),
        )?;
    }
    harness.expect_alive(&token.secret, "a renamed token").await
}

async fn new_description(harness: &Harness) -> CaseResult {
    let token = harness.live_token("described").await?;
    let text = "changed: \"now\"";
    let change = UpdateToken::default().with_description(text);
    let updated = harness.provider().update(&token.id, change).await;
    let updated = expect_ok(updated, "a description is updated")?;
    let read = harness.read(&token.id).await?.unwrap_or(updated);
    ensure(
        !harness.reports(TokenField::Description)
            || read.description == Fact::Known(text.to_owned()),
        "a new description is kept",
        format!("it is {:?}", read.description),
    )
}

async fn suspended(harness: &Harness) -> CaseResult {
    let token = harness.live_token("suspended").await?;
    harness.expect_alive(&token.secret, "a new token").await?;
    // Each twice, because an update may request the current state.
    for (change, state) in [
        (UpdateToken::suspend(), TokenState::Suspended),
        (UpdateToken::suspend(), TokenState::Suspended),
        (UpdateToken::resume(), TokenState::Active),
        (UpdateToken::resume(), TokenState::Active),
    ] {
        let updated = harness.provider().update(&token.id, change).await;
        let updated = expect_ok(updated, "a token is suspended and resumed")?;
        ensure(
            updated.state == state,
            "an update returns the new state",
            format!(
                "it is {} and not {}",
                updated.state.as_str(),
                state.as_str()
            ),
        )?;
        if state == TokenState::Active {
            harness
                .expect_alive(&token.secret, "a resumed token")
                .await?;
        } else {
            harness
                .expect_dead(&token.secret, "a suspended token")
                .await?;
        }
    }
    Ok(())
}

async fn other_fields(harness: &Harness) -> CaseResult {
    let token = harness.live_token("kept").await?;
    let Some(before) = harness.read(&token.id).await? else {
        return not_applicable("it cannot read tokens");
    };
    let change = some_update(harness);
    let updated = harness.provider().update(&token.id, change.clone()).await;
    expect_ok(updated, "a token is updated")?;
    let Some(mut after) = harness.read(&token.id).await? else {
        return Ok(());
    };
    if change.name.is_some() {
        after.name.clone_from(&before.name);
    }
    if change.description.is_some() {
        after.description.clone_from(&before.description);
    }
    if change.suspension.is_some() {
        after.state = before.state;
    }
    after.updated_at = before.updated_at;
    after.attributes = before.attributes.clone();
    ensure(
        after == before,
        "an update leaves other fields unchanged",
        format!("{before:?} became {after:?}"),
    )
}

async fn unknown(harness: &Harness) -> CaseResult {
    let token = harness.live_token("known").await?;
    let id = harness.unknown_id(&token.id).await?;
    let updated = harness.provider().update(&id, some_update(harness)).await;
    let expected = "updating an unknown token is not found";
    expect_unknown_id(updated, expected)
}

async fn lost_response(harness: &Harness) -> CaseResult {
    let token = harness.live_token("possibly").await?;
    let before = harness.read(&token.id).await?;
    harness.inject(Fault::LoseResponse).await?;
    match harness
        .provider()
        .update(&token.id, some_update(harness))
        .await
    {
        Ok(_) => {
            let after = harness.read(&token.id).await?;
            ensure(
                after.is_none() || after != before,
                "an update that succeeds is applied",
                "the token is unchanged",
            )
        }
        Err(error) => ensure(
            error.may_have_applied(),
            "an update whose response is lost may have been applied",
            describe(&error),
        ),
    }
}

async fn ignored(harness: &Harness) -> CaseResult {
    expect_contradiction(harness, Fault::IgnoreChange, some_update(harness)).await
}

async fn other_record(harness: &Harness) -> CaseResult {
    expect_contradiction(harness, Fault::OtherRecord, some_update(harness)).await
}

async fn still_active(harness: &Harness) -> CaseResult {
    expect_contradiction(harness, Fault::ReportActive, UpdateToken::suspend()).await
}

async fn unreadable_state(harness: &Harness) -> CaseResult {
    expect_contradiction(harness, Fault::UnreadableState, UpdateToken::suspend()).await
}

async fn expect_contradiction(harness: &Harness, fault: Fault, change: UpdateToken) -> CaseResult {
    let token = harness.live_token("unchanged").await?;
    harness.inject(fault).await?;
    let updated = harness.provider().update(&token.id, change).await;
    let expected = "an update that the response does not show may or may not have been applied";
    let error = expect_err(updated, expected)?;
    ensure(error.may_have_applied(), expected, describe(&error))
}
