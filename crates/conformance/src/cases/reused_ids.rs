//! Laws 5 and 6: ids of deleted tokens that are given to new ones (decision 0021).

use tokenfleet_core::{Capabilities, RevokeOptions, TokenProvider};

use super::preconditions::reads;
use crate::case::case;
use crate::case_result::{CaseResult, ensure, fail, not_applicable};
use crate::harness::{Harness, full_consent};
use crate::{Case, Decision, Fault, InsertedToken};

const GROUP: &str = "ids";

pub(super) const CASES: &[Case] = &[
    case! {
        law 5: "the id of a deleted token is not given to a new one",
        when: has_lasting_ids,
        run: lasting,
        killed_by: [DeclaresNoReusedIds on reusing],
    },
    case! {
        law 6: "a deletion whose response is lost is not repeated where ids are given again",
        when: deletes_reused_ids,
        run: not_repeated,
        killed_by: [RetriesWrites on reusing],
    },
];

fn has_lasting_ids(declared: &Capabilities) -> Decision {
    match reads(declared) {
        Decision::Run => Decision::run_if(
            !declared.reused_ids,
            "it declares that ids of deleted tokens are given again",
        ),
        other => other,
    }
}

fn deletes_reused_ids(declared: &Capabilities) -> Decision {
    let by_id = declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
    Decision::run_if(
        declared.reused_ids && by_id,
        "it does not revoke by ids that are given again",
    )
}

/// Inserts a token with the same name as others, or with another one if names are unique.
async fn insert(harness: &Harness, number: u32) -> CaseResult<InsertedToken> {
    if let Some(inserted) = harness.insert(harness.spec("successor")).await {
        return Ok(inserted);
    }
    let spec = harness.spec(&format!("successor-{number}"));
    match harness.insert(spec).await {
        Some(inserted) => Ok(inserted),
        None => not_applicable("the fixture can insert no token"),
    }
}

async fn lasting(harness: &Harness) -> CaseResult {
    let deleted = insert(harness, 1).await?.id;
    if !harness.fixture().remove(&deleted).await {
        return not_applicable("tokens cannot be deleted here");
    }
    let id = insert(harness, 2).await?.id;
    ensure(
        id != deleted,
        "a new token does not get the id of a deleted one",
        "it gets it: declare this by `Capabilities::with_reused_ids`",
    )
}

async fn not_repeated(harness: &Harness) -> CaseResult {
    let sent_by = |before: u64| harness.fixture().request_count() - before;
    let options: RevokeOptions = full_consent().with_existed();
    let first = harness.live_token("first").await?;
    let before = harness.fixture().request_count();
    let revoked = harness.provider().revoke((&first.id).into(), options).await;
    if revoked.is_err() || sent_by(before) != 1 {
        return not_applicable("its revocation takes several requests, and only the first is lost");
    }
    let second = harness.live_token("second").await?;
    harness.inject(Fault::LoseResponse).await?;
    let before = harness.fixture().request_count();
    let revoked = harness
        .provider()
        .revoke((&second.id).into(), options)
        .await;
    let expected = "a deletion whose response is lost fails as possibly applied, and is not sent \
                    again: by then the id may be another token's";
    match revoked {
        Err(error) if error.may_have_applied() && sent_by(before) == 1 => Ok(()),
        _ => fail(expected, format!("it was sent {} times", sent_by(before))),
    }
}
