//! Law 7: a secret is returned once and revealed nowhere else.

use tokenfleet_core::{Query, Secret, TokenId, TokenProvider, TokenProviderExt};

use crate::case::case;
use crate::case_result::{CaseResult, require_tried};
use crate::harness::{Harness, full_consent};
use crate::{Case, Decision, Fault};

const GROUP: &str = "secrecy";

// These cases only provoke output. The inspector searches it, and a finding fails the case.
pub(super) const CASES: &[Case] = &[
    case! {
        law 7: "a provider does not reveal its acting credential",
        when: |_| Decision::Run,
        run: provider,
        killed_by: [RevealsItsCredential on retaining],
    },
    case! {
        law 7: "tokens, results and listings do not reveal a secret",
        when: |_| Decision::Run,
        run: results,
        killed_by: [RevealsSecretsInNames on retaining],
    },
    case! {
        law 7: "errors do not reveal a secret",
        when: |_| Decision::Run,
        run: errors,
        killed_by: [RevealsSecretsInErrors on retaining],
    },
];

fn inspect_provider(harness: &Harness) {
    let provider = harness.provider().inner();
    let inspector = harness.inspector();
    let debug = format!("{provider:?}{provider:#?}");
    inspector.search("the Debug output of the provider", &debug);
    let account = provider.account();
    inspector.search("the account", &format!("{account}{account:?}"));
    let capabilities = format!("{:?}", provider.capabilities());
    inspector.search("the Debug output of the capabilities", &capabilities);
}

async fn provider(harness: &Harness) -> CaseResult {
    inspect_provider(harness);
    // Again after some calls, because a provider may keep what it learns.
    if let Ok(token) = harness.live_token("kept").await {
        if harness.capabilities().verify {
            let _ = harness.provider().verify(&token.secret).await;
        }
        if harness.capabilities().rotate {
            let _ = harness.provider().rotate(&token.id).await;
        }
    }
    inspect_provider(harness);
    Ok(())
}

async fn results(harness: &Harness) -> CaseResult {
    let inspector = harness.inspector();
    let declared = harness.capabilities().clone();
    let mut secret_known = false;
    if declared.create.is_some()
        && let Ok(request) = harness.minimal_request("issued")
        && let Ok(issued) = harness.create(request).await
    {
        let debug = format!("{issued:?}{issued:#?}");
        inspector.search("the Debug output of an issued token", &debug);
        secret_known = true;
    }
    if let Ok(token) = harness.live_token("kept").await {
        secret_known = true;
        let _ = harness.read(&token.id).await;
        if declared.renew.is_some() {
            let renewed = harness.provider().renew(&token.secret).await;
            inspector.search("the result of renew", &format!("{renewed:?}"));
        }
    }
    if declared.list.is_some()
        && let Ok(mut listing) = harness.provider().list(Query::new().page_size(1))
    {
        let _ = listing.next().await;
        let cursor = listing.cursor();
        inspector.search("the Debug output of a listing", &format!("{listing:?}"));
        inspector.search("a cursor", &format!("{cursor}{cursor:?}"));
    }
    require_tried(secret_known, "the fixture knows no token's secret")
}

async fn errors(harness: &Harness) -> CaseResult {
    let declared = harness.capabilities().clone();
    let consent = full_consent();
    let never_issued = harness.never_issued_secret();
    let live = harness.live_token("kept").await.ok();
    if live.is_none() {
        harness.left_out("the secret of a token that works: the fixture knows none");
    }
    let secrets: Vec<&Secret> = live
        .iter()
        .map(|token| &token.secret)
        .chain([&never_issued])
        .collect();
    let revoke = declared.revoke.as_ref();
    let by_secret = revoke.is_some_and(|revoke| revoke.by_secret);
    for fault in [None, Some(Fault::LoseRequest), Some(Fault::LoseResponse)] {
        for secret in &secrets {
            // A caller may pass a secret as an id by mistake.
            let mistaken_id = TokenId::new(secret.expose());
            for step in 0..6 {
                if let Some(fault) = fault {
                    harness.fixture().inject(fault).await;
                }
                let provider = harness.provider();
                match step {
                    0 if declared.verify => drop(provider.verify(secret).await),
                    1 if declared.renew.is_some() => drop(provider.renew(secret).await),
                    2 if by_secret => drop(provider.revoke((*secret).into(), consent).await),
                    3 if declared.get => drop(provider.get(&mistaken_id).await),
                    4 if declared.rotate => drop(provider.rotate(&mistaken_id).await),
                    5 if declared.list.is_some() => drop(provider.list_all(Query::new()).await),
                    _ => {}
                }
            }
        }
    }
    if let Ok(intruder) = harness.intruder() {
        let _ = intruder.list_all(Query::new()).await;
        if declared.create.is_some()
            && let Ok(request) = harness.minimal_request("unauthenticated")
        {
            let _ = intruder.create(request).await;
        }
        if declared.verify {
            let _ = intruder.verify(&never_issued).await;
        }
    }
    Ok(())
}
