//! The acting credential at all four platforms: changed elsewhere, and wrong again and again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    Credential, ErrorKind, Liveness, RevocationOutcome, RevokeOptions, Secret, TokenProvider,
};
use tokenfleet_simulators::{NewToken, Simulator};
use tokenfleet_tests::{adapter, build, fixed_credential, transport};

const PLATFORMS: [&str; 4] = ["losant", "foreman", "cloudsmith", "mindbody"];

/// Returns the acting credential that the simulator of a platform accepts.
fn accepted_credential(simulator: &Arc<dyn Simulator>) -> String {
    let name = match simulator.provider() {
        "losant" | "foreman" => "token",
        _ => "api_key",
    };
    simulator.credentials()[name].clone()
}

fn provider(simulator: &Arc<dyn Simulator>, acting: Credential) -> Arc<dyn TokenProvider> {
    adapter(simulator, acting, transport(simulator))
}

/// Performs an idempotent operation: a revocation at Mindbody, a list elsewhere.
async fn perform_idempotent(simulator: &Arc<dyn Simulator>, provider: &dyn TokenProvider) {
    if simulator.provider() == "mindbody" {
        let token = Secret::new(simulator.insert(NewToken::default()).secret);
        let options = RevokeOptions::default();
        let revoked = provider.revoke((&token).into(), options).await.unwrap();
        assert_eq!(revoked.outcome, RevocationOutcome::Revoked);
    } else {
        provider.list_page(PageRequest::first()).await.unwrap();
    }
}

#[tokio::test]
async fn a_credential_that_changes_during_an_operation_costs_one_more_request() {
    for platform in PLATFORMS {
        let simulator = build(platform, &[]);
        if platform == "cloudsmith" {
            // The adapter believes an empty list only after a second request.
            simulator.insert(NewToken::default());
        }
        let accepted = accepted_credential(&simulator);
        let reads = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&reads);
        let source = Credential::from_fn(move || {
            let secret = match counter.fetch_add(1, Ordering::Relaxed) {
                0 => Secret::new("wrong"),
                _ => Secret::new(accepted.as_str()),
            };
            async { Ok(secret) }
        });
        let provider = provider(&simulator, source);
        perform_idempotent(&simulator, &*provider).await;
        assert_eq!(reads.load(Ordering::Relaxed), 2, "{platform}");
        assert_eq!(simulator.log().total(), 2, "{platform}");
    }
}

#[tokio::test]
async fn a_changed_credential_file_is_read_by_the_next_operation() {
    for platform in PLATFORMS {
        let simulator = build(platform, &[]);
        let name = format!("tokenfleet-acting-{}-{platform}", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        std::fs::write(&path, "wrong").unwrap();
        let provider = provider(&simulator, Credential::from_file(&path));
        let secret = Secret::new("in question");
        if platform == "mindbody" {
            let options = RevokeOptions::default();
            let revoked = provider.revoke((&secret).into(), options).await;
            revoked.unwrap_err();
        } else {
            let error = provider.list_page(PageRequest::first()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        }
        std::fs::write(&path, accepted_credential(&simulator)).unwrap();
        perform_idempotent(&simulator, &*provider).await;
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn failed_logins_never_lock_our_address_out_of_foreman() {
    let simulator = build("foreman", &[]);
    let accepted = accepted_credential(&simulator);
    let accepted = provider(&simulator, fixed_credential(&accepted));
    accepted.list_page(PageRequest::first()).await.unwrap();
    for number in 0..50 {
        let secret = Secret::new(format!("dead{number}"));
        match accepted.verify(&secret).await {
            Ok(liveness) => assert_eq!(liveness, Liveness::Dead),
            Err(error) => assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}"),
        }
    }
    // Another account starts its own count.
    let wrong = provider(&simulator, fixed_credential("wrong"));
    for _ in 0..50 {
        let error = wrong.list_page(PageRequest::first()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    }
    accepted.list_page(PageRequest::first()).await.unwrap();
    let log = simulator.log().entries();
    let failed = log.iter().filter(|entry| entry.status == Some(401));
    assert_eq!(failed.count(), 13 + 10);
}
