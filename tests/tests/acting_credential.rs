//! The acting credential at all four platforms: changed elsewhere, and wrong again and again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    Credential, ErrorKind, Liveness, RevocationOutcome, RevokeOptions, Secret, TokenProvider,
};
use tokenfleet_foreman::{Foreman, ForemanConfig};
use tokenfleet_losant::{Losant, LosantConfig};
use tokenfleet_mindbody::{Mindbody, MindbodyConfig};
use tokenfleet_simulators::{NewToken, Simulator};
use tokenfleet_tests::{base_url, build, fixed, retry, transport};

const PLATFORMS: [&str; 4] = ["losant", "foreman", "cloudsmith", "mindbody"];

/// What the simulator of a platform accepts from whoever acts.
fn acting(simulator: &Arc<dyn Simulator>) -> String {
    let name = match simulator.provider() {
        "losant" | "foreman" => "token",
        _ => "api_key",
    };
    simulator.credentials()[name].clone()
}

fn provider(simulator: &Arc<dyn Simulator>, acting: Credential) -> Box<dyn TokenProvider> {
    let credentials = simulator.credentials();
    let over = transport(simulator);
    match simulator.provider() {
        "losant" => {
            let config = LosantConfig::new(acting).with_base_url(base_url());
            Box::new(Losant::new("main", config, over).with_retry(retry()))
        }
        "foreman" => {
            let user_id = credentials["user_id"].parse().unwrap();
            let login = credentials["login"].as_str();
            let config = ForemanConfig::new(base_url(), login, acting, user_id);
            Box::new(Foreman::new("main", config, over).with_retry(retry()))
        }
        "cloudsmith" => {
            let config = CloudsmithConfig::new(acting)
                .with_lockout_accepted()
                .with_base_url(base_url());
            Box::new(Cloudsmith::new("main", config, over).with_retry(retry()))
        }
        _ => {
            let password = fixed(&credentials["password"]);
            let site = credentials["site_id"].as_str();
            let username = credentials["username"].as_str();
            let config =
                MindbodyConfig::new(site, acting, username, password).with_base_url(base_url());
            Box::new(Mindbody::new("main", config, over).with_retry(retry()))
        }
    }
}

/// Something that may be repeated, which every platform offers in one way or another.
async fn act(simulator: &Arc<dyn Simulator>, provider: &dyn TokenProvider) {
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
async fn a_credential_that_changes_while_a_call_is_under_way_costs_one_more_request() {
    for platform in PLATFORMS {
        let simulator = build(platform, &[]);
        if platform == "cloudsmith" {
            // An empty list would be believed only after a second question.
            simulator.insert(NewToken::default());
        }
        let right = acting(&simulator);
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let source = Credential::from_fn(move || {
            let secret = match count.fetch_add(1, Ordering::Relaxed) {
                0 => Secret::new("wrong"),
                _ => Secret::new(right.as_str()),
            };
            async { Ok(secret) }
        });
        let provider = provider(&simulator, source);
        act(&simulator, &*provider).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2, "{platform}");
        assert_eq!(simulator.log().total(), 2, "{platform}");
    }
}

#[tokio::test]
async fn a_file_that_was_changed_is_read_by_the_next_call() {
    for platform in PLATFORMS {
        let simulator = build(platform, &[]);
        let name = format!("tokenfleet-acting-{}-{platform}", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        std::fs::write(&path, "wrong").unwrap();
        let provider = provider(&simulator, Credential::from_file(&path));
        let secret = Secret::new("in question");
        if platform == "mindbody" {
            let options = RevokeOptions::default();
            provider
                .revoke((&secret).into(), options)
                .await
                .unwrap_err();
        } else {
            let error = provider.list_page(PageRequest::first()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        }
        std::fs::write(&path, acting(&simulator)).unwrap();
        act(&simulator, &*provider).await;
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn foreman_never_locks_an_address_out_because_of_us() {
    let simulator = build("foreman", &[]);
    let right = provider(&simulator, fixed(&acting(&simulator)));
    right.list_page(PageRequest::first()).await.unwrap();
    for number in 0..50 {
        let secret = Secret::new(format!("dead{number}"));
        match right.verify(&secret).await {
            Ok(liveness) => assert_eq!(liveness, Liveness::Dead),
            Err(error) => assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}"),
        }
    }
    // Another account begins to count anew.
    let wrong = provider(&simulator, fixed("wrong"));
    for _ in 0..50 {
        let error = wrong.list_page(PageRequest::first()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    }
    right.list_page(PageRequest::first()).await.unwrap();
    let log = simulator.log().entries();
    let failed = log.iter().filter(|entry| entry.status == Some(401));
    assert_eq!(failed.count(), 13 + 10);
}
