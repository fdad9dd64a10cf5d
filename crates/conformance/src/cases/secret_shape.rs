//! Laws 1 and 9: what a found secret tells, and whose token it is (decision 0031).

use tokenfleet_core::capability::RenewedSecret;
use tokenfleet_core::{Capabilities, Secret, SecretShape, TokenProvider};

use crate::case::case;
use crate::case_result::{CaseResult, ensure, expect_ok, fail, not_applicable};
use crate::harness::{Harness, full_consent};
use crate::{Case, Decision};

const GROUP: &str = "found secrets";

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "a secret of the platform is never called impossible",
        when: |_| Decision::Run,
        run: never_impossible,
        killed_by: [DisownsItsSecrets on full],
    },
    case! {
        law 9: "an id that a secret contains is that of its token",
        when: |_| Decision::Run,
        run: contained_id,
        killed_by: [DecodesAnotherId on full],
    },
    case! {
        law 9: "the token that is found for a secret is its own",
        when: verifies,
        run: found,
        killed_by: [FindsAnotherToken on full],
    },
    case! {
        law 9: "no token is found for a secret that was never issued",
        when: verifies,
        run: not_found,
        killed_by: [FindsAnotherToken on full],
    },
];

fn verifies(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.verify, "it cannot verify")
}

fn expect_possible(harness: &Harness, secret: &Secret, origin: &str) -> CaseResult {
    let shape = harness.provider().secret_shape(secret);
    ensure(
        shape != SecretShape::Impossible,
        &format!("the secret {origin} looks like one of the platform's"),
        "it is called impossible",
    )
}

async fn never_impossible(harness: &Harness) -> CaseResult {
    let declared = harness.capabilities().clone();
    let token = harness.live_token("found").await?;
    expect_possible(harness, &token.secret, "of a token that works")?;
    if declared.create.is_some() && harness.can_create(1, "a created secret").await {
        let created = harness.create(harness.minimal_request("created")?).await?;
        expect_possible(harness, &created.secret, "that a creation returns")?;
    }
    let renews = declared.renew.as_ref();
    if renews.is_some_and(|renew| renew.secret != RenewedSecret::Kept)
        && let Ok(renewed) = harness.provider().renew(&token.secret).await
        && let Some(secret) = &renewed.secret
    {
        return expect_possible(harness, secret, "that a renewal returns");
    }
    if declared.rotate {
        let rotated = harness.provider().rotate(&token.id).await;
        let rotated = expect_ok(rotated, "a token is rotated")?;
        expect_possible(harness, &rotated.secret, "that a rotation returns")?;
    }
    let by_id = declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
    if by_id
        && let Ok(revocation) = harness
            .provider()
            .revoke((&token.id).into(), full_consent())
            .await
        && let Some(replacement) = &revocation.replacement
    {
        expect_possible(harness, &replacement.secret, "that a revocation returns")?;
    }
    Ok(())
}

async fn contained_id(harness: &Harness) -> CaseResult {
    let token = harness.live_token("found").await?;
    match harness.provider().secret_shape(&token.secret) {
        SecretShape::Recognized { id: Some(id) } => ensure(
            id == token.id,
            "a secret contains the id of its own token",
            "it contains another one",
        ),
        _ => not_applicable("its secrets contain no id"),
    }
}

async fn found(harness: &Harness) -> CaseResult {
    let token = harness.live_token("found").await?;
    // Another token, where there is room, so that there is one to be mistaken for it.
    let _ = harness.live_token("other").await;
    let found = harness.provider().token_of(&token.secret).await;
    match expect_ok(found, "the token of a secret that works is looked for")? {
        Some(found) => ensure(
            found.id == token.id,
            "the token that is found is the secret's own",
            "another token is found",
        ),
        None => not_applicable("the platform does not tell whose secret it is"),
    }
}

async fn not_found(harness: &Harness) -> CaseResult {
    // A token exists, so that there is one to be mistaken for it.
    let other = harness.live_token("other").await;
    let mut secrets = vec![harness.never_issued_secret()];
    if let Ok(other) = other {
        secrets.extend(forge(harness, &other.secret).await);
    }
    for secret in secrets {
        if let Ok(Some(_)) = harness.provider().token_of(&secret).await {
            return fail(
                "no token has a secret that was never issued",
                "a token was found for it",
            );
        }
    }
    Ok(())
}

/// Returns a secret that looks like this one, with the same id if it contains one, and that the
/// platform does not accept: the last letter that can be another one is.
async fn forge(harness: &Harness, real: &Secret) -> Option<Secret> {
    let text = real.expose();
    let shape = harness.provider().secret_shape(real);
    for (index, letter) in text.char_indices().rev() {
        let other = if letter == 'A' { "B" } else { "A" };
        let end = &text[index + letter.len_utf8()..];
        let forged = Secret::new([&text[..index], other, end].concat());
        if harness.provider().secret_shape(&forged) == shape
            && !harness.fixture().accepts(&forged).await
        {
            harness.inspector().remember(&forged);
            return Some(forged);
        }
    }
    None
}
