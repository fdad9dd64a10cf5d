//! Laws 1, 5 and 6: verifying whether a secret is alive.

use std::time::Duration;

use tokenfleet_core::{
    Capabilities, Liveness, Operation, RequestedExpiry, Secret, TokenProvider, UpdateToken,
};

use crate::case::case;
use crate::case_result::{CaseResult, ensure, expect_ok, fail, require_tried};
use crate::harness::{DEAD_STATES, Harness};
use crate::{Case, Decision, Fault};

const GROUP: &str = "verification";

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "a live secret is distinguished from one that was never issued",
        when: |declared| Decision::for_operation(declared, Operation::Verify),
        run: distinguished,
        killed_by: [SendsBeforeRefusing on full, ReportsEverySecretAlive on retaining],
    },
    case! {
        law 5: "a dead secret is not reported as alive",
        when: verifies,
        run: dead,
        killed_by: [ReportsKnownSecretsAlive on full],
    },
    case! {
        law 5: "a suspended or expired secret is not reported as alive",
        when: verifies,
        run: suspended_or_expired,
        killed_by: [ReportsKnownSecretsAlive on full],
    },
    case! {
        law 1: "verifying changes nothing",
        when: verifies,
        run: changes_nothing,
        killed_by: [VerifiesByCreating on full],
    },
    case! {
        law 6: "a verification without a response does not decide whether a secret is alive",
        when: verifies,
        run: lost_response,
        killed_by: [ReportsDeadOnError on single_key],
    },
    case! {
        law 5: "a refusal by a gateway does not decide whether a secret is dead",
        when: verifies,
        run: gateway,
        killed_by: [ReportsDeadOnError on single_key],
    },
];

fn verifies(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.verify, "it cannot verify")
}

async fn verify(harness: &Harness, secret: &Secret) -> CaseResult<Liveness> {
    let liveness = harness.provider().verify(secret).await;
    expect_ok(liveness, "verifying a secret succeeds, alive or dead")
}

async fn expect_not_alive(harness: &Harness, secret: &Secret, what: &str) -> CaseResult<Liveness> {
    let liveness = verify(harness, secret).await?;
    ensure(
        liveness != Liveness::Alive,
        &format!("{what} is not reported as alive"),
        "it is reported as alive",
    )?;
    Ok(liveness)
}

async fn distinguished(harness: &Harness) -> CaseResult {
    let never_issued = harness.never_issued_secret();
    expect_not_alive(harness, &never_issued, "a secret that was never issued").await?;
    let token = harness.live_token("alive").await?;
    let expected = "a live secret is reported as alive";
    match verify(harness, &token.secret).await? {
        Liveness::Alive => {}
        Liveness::Dead => return fail(expected, "it is reported as dead"),
        _ => return fail(expected, "the result is unknown"),
    }
    let longer = Secret::new(format!("{}x", token.secret.expose()));
    // A platform that reads secrets leniently accepts it, and then it is alive.
    if harness.fixture().accepts(&longer).await {
        harness.left_out("a secret with one additional character: the platform accepts it");
        return Ok(());
    }
    expect_not_alive(harness, &longer, "a secret with one additional character").await?;
    Ok(())
}

async fn dead(harness: &Harness) -> CaseResult {
    let mut reported = Vec::new();
    if harness.capabilities().revoke.is_some() {
        let token = harness.live_token("revoked").await?;
        harness.revoke(&token).await?;
        reported.push(expect_not_alive(harness, &token.secret, "a revoked secret").await?);
    }
    if let Some(inserted) = harness.insert(harness.spec("deleted")).await
        && let Some(secret) = &inserted.secret
        && harness.fixture().remove(&inserted.id).await
    {
        let what = "the secret of a deleted token";
        reported.push(expect_not_alive(harness, secret, what).await?);
    }
    // A platform may really not tell, so this breaks no law.
    let is_dead = |liveness: &Liveness| matches!(liveness, Liveness::Dead);
    if let Some(Liveness::Unknown { reason }) = reported.first()
        && !reported.iter().any(is_dead)
    {
        harness.left_out(format!(
            "a dead secret that is reported as dead: each is reported as unknown, {reason}"
        ));
    }
    require_tried(
        !reported.is_empty(),
        "no token can be revoked or deleted here",
    )
}

async fn suspended_or_expired(harness: &Harness) -> CaseResult {
    let mut tried = false;
    for state in DEAD_STATES {
        let inserted = harness.insert_in_state(state).await;
        if let Some(secret) = inserted.and_then(|inserted| inserted.secret) {
            tried = true;
            let what = format!("a secret that is {}", state.as_str());
            expect_not_alive(harness, &secret, &what).await?;
        }
    }
    let update = harness.capabilities().update.as_ref();
    if update.is_some_and(|update| update.suspension) {
        tried = true;
        let token = harness.live_token("to suspend").await?;
        let change = UpdateToken::suspend();
        let suspended = harness.provider().update(&token.id, change).await;
        expect_ok(suspended, "a token is suspended")?;
        expect_not_alive(harness, &token.secret, "a suspended secret").await?;
    }
    let expiry = RequestedExpiry::At(harness.in_days(2));
    let spec = harness.spec("expiring").with_expiry(expiry);
    let expiring = harness.insert(spec).await;
    let three_days = Duration::from_secs(3 * 86_400);
    if let Some(secret) = expiring.and_then(|inserted| inserted.secret)
        && harness.fixture().advance(three_days).await
    {
        tried = true;
        expect_not_alive(harness, &secret, "a secret after its expiry").await?;
    }
    require_tried(tried, "tokens here work until they are deleted")
}

async fn changes_nothing(harness: &Harness) -> CaseResult {
    let token = harness.live_token("verified").await?;
    let before = harness.fixture().tokens().await;
    let never_issued = harness.never_issued_secret();
    for secret in [&token.secret, &never_issued, &token.secret] {
        verify(harness, secret).await?;
    }
    ensure(
        harness.fixture().tokens().await == before,
        "verifying changes nothing",
        "the tokens at the platform changed",
    )?;
    harness
        .expect_alive(&token.secret, "a verified secret")
        .await
}

async fn lost_response(harness: &Harness) -> CaseResult {
    let token = harness.live_token("verified").await?;
    let never_issued = harness.never_issued_secret();
    for fault in [Fault::LoseRequest, Fault::LoseResponse] {
        harness.inject(fault).await?;
        if let Ok(Liveness::Dead) = harness.provider().verify(&token.secret).await {
            return fail(
                "a broken connection does not mean that a secret is dead",
                "a live secret is reported as dead",
            );
        }
        harness.inject(fault).await?;
        if let Ok(Liveness::Alive) = harness.provider().verify(&never_issued).await {
            return fail(
                "a broken connection does not mean that a secret is alive",
                "a secret that was never issued is reported as alive",
            );
        }
    }
    Ok(())
}

async fn gateway(harness: &Harness) -> CaseResult {
    let token = harness.live_token("verified").await?;
    harness.inject(Fault::GatewayRefusal).await?;
    match harness.provider().verify(&token.secret).await {
        Ok(Liveness::Dead) => fail(
            "a refusal by something in front of the platform says nothing about a secret",
            "a live secret is reported as dead",
        ),
        _ => Ok(()),
    }
}
