//! Laws 1 and 6: asking whom the account acts as.

use tokenfleet_core::{Capabilities, ErrorKind, Operation, TokenProvider};

use crate::case::case;
use crate::case_result::{CaseResult, describe, ensure, expect_err, expect_ok};
use crate::harness::Harness;
use crate::{Case, Decision, Fault};

const GROUP: &str = "identity";

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "the account acts as somebody, and stays the same",
        when: |declared| Decision::for_operation(declared, Operation::Whoami),
        run: same,
        killed_by: [
            SendsBeforeRefusing on full,
            NamesNobody on full,
            NamesAnotherEachTime on full,
            NamesItsCredential on full,
        ],
    },
    case! {
        law 1: "asking whom the account acts as changes nothing",
        when: tells,
        run: changes_nothing,
        killed_by: [AsksByCreating on full],
    },
    case! {
        law 1: "a wrong credential acts as nobody",
        when: tells,
        run: unauthenticated,
        killed_by: [NamesAnybody on full],
    },
    case! {
        law 6: "a lost answer to whom the account acts as changed nothing",
        when: tells,
        run: lost_response,
        killed_by: [NamesNobodyOnError on full],
    },
];

fn tells(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.whoami, "it cannot say whom it acts as")
}

async fn same(harness: &Harness) -> CaseResult {
    let expected = "the platform says whom the account acts as";
    let first = expect_ok(harness.provider().whoami().await, expected)?;
    ensure(
        !first.principal.id().is_empty(),
        "whoever the account acts as has an id",
        "the id is empty",
    )?;
    let second = expect_ok(harness.provider().whoami().await, expected)?;
    ensure(
        first == second,
        "the account acts as the same one when it is asked again",
        format!("{first:?} became {second:?}"),
    )
}

async fn changes_nothing(harness: &Harness) -> CaseResult {
    harness.seed_tokens(1).await?;
    let before = harness.fixture().tokens().await;
    let found = harness.provider().whoami().await;
    expect_ok(found, "the platform says whom the account acts as")?;
    ensure(
        harness.fixture().tokens().await == before,
        "asking whom the account acts as changes nothing",
        "the tokens at the platform changed",
    )
}

async fn unauthenticated(harness: &Harness) -> CaseResult {
    let expected = "a wrong credential is reported as unauthenticated";
    let error = expect_err(harness.intruder()?.whoami().await, expected)?;
    ensure(
        error.kind() == ErrorKind::Unauthenticated && !error.may_have_applied(),
        expected,
        describe(&error),
    )
}

async fn lost_response(harness: &Harness) -> CaseResult {
    let expected = "the platform says whom the account acts as";
    let known = expect_ok(harness.provider().whoami().await, expected)?;
    for fault in [Fault::LoseRequest, Fault::LoseResponse] {
        harness.inject(fault).await?;
        match harness.provider().whoami().await {
            Ok(found) => ensure(
                found == known,
                "a lost answer is asked for again or fails",
                format!("{known:?} became {found:?}"),
            )?,
            Err(error) => ensure(
                !error.may_have_applied(),
                "a question changes nothing, whatever becomes of its answer",
                describe(&error),
            )?,
        }
    }
    Ok(())
}
