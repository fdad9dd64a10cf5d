//! The rate limit of a real Verdaccio is kept: `bash tests/real-servers/run verdaccio`.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::env;
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokenfleet::config::Setting;
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{AccountConfiguration, Credential, Query, Registry, Secret, TokenProviderExt};
use tokenfleet_conformance::http::FixtureTransport;
use tokenfleet_verdaccio::{NAME, Verdaccio};

const PASSWORD: &str = "correct-horse-battery";

/// The limit that `tests/real-servers/run` configures: requests, and the time that they are for.
const LIMIT: (u32, Duration) = (10, Duration::from_secs(2));

#[tokio::test]
#[ignore = "not run: needs a real Verdaccio, see tests/real-servers"]
async fn more_requests_than_allowed_take_longer_and_none_is_refused() {
    let url = env::var("TOKENFLEET_VERDACCIO_LIMITED").expect("the URL of a registry with a limit");
    let transport = FixtureTransport::new(Arc::new(ReqwestTransport::new().unwrap()));
    let user = format!("limited-{}", process::id());
    let new = json!({ "name": user, "password": PASSWORD });
    let path = format!("/-/user/org.couchdb.user:{user}");
    let signed_up = transport.admin_client(&url).put(&path, &new).await;
    assert_eq!(signed_up.expect("an answer").status(), 201);

    let mut registry = Registry::empty();
    registry.register(NAME, Verdaccio::open);
    let credential = Credential::from_secret(Secret::new(PASSWORD));
    let account = AccountConfiguration::new("packages", NAME)
        .with_setting("base_url", Setting::Text(url))
        .with_setting("user", Setting::Text(user))
        .with_setting("password", Setting::Credential(credential));
    let provider = registry
        .open(&account, Arc::new(transport.clone()))
        .unwrap();

    let started = Instant::now();
    let (limit, period) = LIMIT;
    for _ in 0..2 * limit + 1 {
        let listed = provider.list_all(Query::new()).await;
        assert_eq!(listed.expect("a list").tokens.len(), 0);
    }
    assert_eq!(
        transport.request_count(),
        u64::from(2 * limit + 1),
        "none was repeated"
    );
    assert!(started.elapsed() >= period, "{:?}", started.elapsed());
}
