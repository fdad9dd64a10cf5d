//! Acting credentials at Cloudsmith: each scheme, both base URLs, and their rotation.

use std::sync::{Arc, Mutex};

use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::model::Principal;
use tokenfleet_core::{
    Credential, ErrorKind, Fact, Liveness, Query, RevokeOptions, Secret, TokenProvider,
    TokenProviderExt,
};
use tokenfleet_http::BaseUrl;
use tokenfleet_simulators::Simulator;
use tokenfleet_tests::{base_url, build, fixed_credential, immediate_retries, transport};

fn provider(simulator: &Arc<dyn Simulator>, config: CloudsmithConfig) -> Cloudsmith {
    Cloudsmith::new("packages", config, transport(simulator)).with_retry(immediate_retries())
}

fn key(simulator: &Arc<dyn Simulator>) -> String {
    simulator.credentials()["api_key"].clone()
}

#[tokio::test]
async fn whoami_returns_the_acting_user_in_every_scheme() {
    let simulator = build("cloudsmith", &[]);
    let key = key(&simulator);
    for (config, header, value) in [
        (
            CloudsmithConfig::new(fixed_credential(&key)).with_lockout_accepted(),
            "x-api-key",
            key.clone(),
        ),
        (
            CloudsmithConfig::new(fixed_credential(&key))
                .with_lockout_accepted()
                .with_authorization_header(),
            "authorization",
            format!("token {key}"),
        ),
        (
            CloudsmithConfig::for_user("me@example.com", fixed_credential("pw")),
            "authorization",
            "Basic bWVAZXhhbXBsZS5jb206cHc=".to_owned(),
        ),
    ] {
        let provider = provider(&simulator, config.with_base_url(base_url()));
        let identity = provider.whoami().await.unwrap();
        let expected = Principal::new("example-user").with_name("Example User".to_owned());
        assert_eq!(identity.principal, expected);
        assert_eq!(identity.email, Fact::Known("me@example.com".to_owned()));
        let sent = simulator.log().last().unwrap();
        assert_eq!(sent.header(header), value);
        // Only one credential is sent: which of two would count is not documented.
        let headers = ["x-api-key", "authorization"];
        let sent = headers.iter().filter(|name| !sent.header(name).is_empty());
        assert_eq!(sent.count(), 1);
    }
}

#[tokio::test]
async fn an_anonymous_user_is_unauthenticated_although_cloudsmith_responds_with_200() {
    let simulator = build("cloudsmith", &["bad_key=anonymous"]);
    for config in [
        CloudsmithConfig::new(fixed_credential("never-issued")),
        CloudsmithConfig::new(fixed_credential("never-issued")).with_authorization_header(),
    ] {
        let provider = provider(&simulator, config.with_base_url(base_url()));
        let error = provider.whoami().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert_eq!(simulator.log().last().unwrap().status, Some(200));
    }
}

#[tokio::test]
async fn the_token_scheme_keeps_working_after_the_acting_key_is_replaced() {
    let simulator = build("cloudsmith", &["tokens=1", "credential=own"]);
    let old = key(&simulator);
    let config = CloudsmithConfig::new(fixed_credential(&old))
        .with_lockout_accepted()
        .with_authorization_header()
        .with_base_url(base_url());
    let provider = provider(&simulator, config);
    let listed = provider.list_all(Query::new()).await.unwrap().tokens;
    let id = listed[0].id.clone();
    let consent = RevokeOptions::accept_replacement();
    let revoked = provider.revoke((&id).into(), consent).await.unwrap();
    let new = revoked.replacement.unwrap().secret;
    assert!(!simulator.accepts(&old) && simulator.accepts(new.expose()));
    // The provider continues with the key that replaced its own.
    assert_eq!(
        provider.list_all(Query::new()).await.unwrap().tokens.len(),
        1
    );
    let sent = simulator.log().last().unwrap();
    assert_eq!(
        sent.header("authorization"),
        format!("token {}", new.expose())
    );
    let verified = provider.verify(&Secret::new(old)).await.unwrap();
    assert_eq!(verified, Liveness::Dead);
}

#[tokio::test]
async fn a_replacement_that_was_rotated_elsewhere_gives_way_to_the_configured_key() {
    let simulator = build("cloudsmith", &["tokens=1", "credential=own"]);
    let stored = Arc::new(Mutex::new(key(&simulator)));
    let source = Arc::clone(&stored);
    let stored_key = Credential::from_fn(move || {
        let secret = Secret::new(source.lock().unwrap().as_str());
        async { Ok(secret) }
    });
    let config = |key| {
        CloudsmithConfig::new(key)
            .with_lockout_accepted()
            .with_base_url(base_url())
    };
    let ours = provider(&simulator, config(stored_key));
    let id = &ours.list_all(Query::new()).await.unwrap().tokens[0].id;
    let first = ours.rotate(id).await.unwrap().secret;
    let theirs = provider(&simulator, config(fixed_credential(first.expose())));
    let second = theirs.rotate(id).await.unwrap().secret;
    second.expose().clone_into(&mut stored.lock().unwrap());
    let before = simulator.log().entries().len();
    assert_eq!(ours.list_all(Query::new()).await.unwrap().tokens.len(), 1);
    let log = simulator.log().entries();
    let sent: Vec<_> = log[before..]
        .iter()
        .map(|entry| entry.header("x-api-key"))
        .collect();
    assert_eq!(sent, [first.expose(), second.expose()]);
}

#[tokio::test]
async fn a_base_url_works_with_and_without_the_version() {
    for (base, path) in [
        ("http://127.0.0.1:9", "/user/tokens/"),
        ("http://127.0.0.1:9/", "/user/tokens/"),
        ("http://127.0.0.1:9/v1", "/v1/user/tokens/"),
        ("http://127.0.0.1:9/v1/", "/v1/user/tokens/"),
    ] {
        // A path without its trailing slash may be redirected, and no redirect is followed.
        let simulator = build("cloudsmith", &["tokens=1", "missing_slash=404"]);
        let config = CloudsmithConfig::new(fixed_credential(&key(&simulator)))
            .with_lockout_accepted()
            .with_base_url(BaseUrl::parse(base).unwrap());
        let provider = provider(&simulator, config);
        let listed = provider.list_all(Query::new()).await.unwrap().tokens;
        assert_eq!(listed.len(), 1);
        provider.rotate(&listed[0].id).await.unwrap();
        let entries = simulator.log().entries();
        let list = entries[0].target.split('?').next().unwrap();
        assert!(list.ends_with(path) && !list.contains("//user"), "{list}");
        let refresh = format!("{path}{}/refresh/", listed[0].id);
        assert!(
            entries[1].target.ends_with(&refresh),
            "{}",
            entries[1].target
        );
    }
}

#[tokio::test]
async fn the_acting_key_is_not_replaced_unless_accept_lockout_is_set() {
    let simulator = build("cloudsmith", &["tokens=1", "credential=own"]);
    let config = CloudsmithConfig::new(fixed_credential(&simulator.credentials()["api_key"]))
        .with_base_url(base_url());
    let provider = Cloudsmith::new("packages", config, transport(&simulator));
    let id = tokenfleet_core::TokenId::new(simulator.ids()[0].as_str());
    let options = RevokeOptions::accept_replacement();
    let results = [
        provider.rotate(&id).await.map(drop),
        provider.revoke((&id).into(), options).await.map(drop),
    ];
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("accept_lockout"), "{error}");
    }
    assert!(simulator.log().entries().is_empty());
}
