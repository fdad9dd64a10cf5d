//! The parts of every request to Losant: the resource, the version, the domain, and the members of
//! the response that are declined.

use std::sync::Arc;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::model::Attribute;
use tokenfleet_core::query::SortBy;
use tokenfleet_core::{
    CreateToken, Direction, ErrorKind, Fate, Filter, Query, RevokeOptions, SortKey, TokenProvider,
    TokenProviderExt,
};
use tokenfleet_losant::{DefaultRole, Losant, LosantArguments, LosantConfig, Resource};
use tokenfleet_simulators::Simulator;
use tokenfleet_simulators::losant::Options;
use tokenfleet_tests::{
    build, fixed_credential, immediate_retries, losant_config, perform_all, transport,
};

fn provider(simulator: &Arc<dyn Simulator>, config: LosantConfig) -> Losant {
    Losant::new("iot", config, transport(simulator)).with_retry(immediate_retries())
}

fn config(simulator: &Arc<dyn Simulator>) -> LosantConfig {
    losant_config(fixed_credential(&simulator.credentials()["token"]))
}

/// Performs every operation, so that every kind of request is sent.
async fn send_every_request(provider: &Losant) {
    let token = perform_all(provider).await.unwrap();
    provider.list_all(Query::new()).await.unwrap();
    let mut page = PageRequest::first().size(10);
    page.sort = Some(SortBy::new(SortKey::Created, Direction::Descending));
    page.filter = Some(Filter::name("ci"));
    provider.list_page(page).await.unwrap();
    let options = RevokeOptions::default().with_existed();
    provider.revoke((&token.id).into(), options).await.unwrap();
}

/// Returns the path and the query of a request, whose target is in absolute form.
fn target(entry: &tokenfleet_simulators::Entry) -> (String, Vec<String>) {
    let rest = entry.target.split("//").last().unwrap_or_default();
    let path = &rest[rest.find('/').unwrap_or_default()..];
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = query.split('&').map(str::to_owned).collect();
    (path.to_owned(), pairs)
}

#[tokio::test]
async fn version_and_domain_are_sent_with_every_request_as_configured() {
    let simulator = build("losant", &[]);
    let configured = config(&simulator)
        .with_accept_version("^1.20.1")
        .with_domain("example.com");
    send_every_request(&provider(&simulator, configured)).await;
    assert!(simulator.log().total() >= 8);
    for entry in simulator.log().entries() {
        assert_eq!(entry.header("accept-version"), "^1.20.1");
        assert_eq!(entry.header("losantdomain"), "example.com");
    }
}

#[tokio::test]
async fn a_default_role_is_sent_where_the_accepted_api_has_roles_and_refused_elsewhere() {
    let simulator = build("losant", &[]);
    let request = || CreateToken::new("ci").with_default_role(DefaultRole::View);
    let current = config(&simulator).with_accept_version("^1.30.0");
    let current = provider(&simulator, current);
    let issued = current.create(request()).await.unwrap();
    let token = current.get(&issued.token.id).await.unwrap();
    let role = token.attributes.get("defaultRole");
    assert_eq!(role, Some(&Attribute::from("view")));
    let sent = simulator.log().total();
    let error = provider(&simulator, config(&simulator))
        .create(request())
        .await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind(), error.fate()),
        (ErrorKind::Unsupported, Fate::NotSent)
    );
    assert_eq!(simulator.log().total(), sent);
}

#[tokio::test]
async fn without_a_domain_none_is_sent_and_the_default_version_is_served() {
    // This simulator refuses versions that it does not serve, so it must serve the default.
    for api in ["api=1.20", "api=1.31"] {
        let simulator = build("losant", &[api, "accept_version=enforce"]);
        let mut configured = config(&simulator);
        if api == "api=1.20" {
            configured = configured.with_accept_version("^1.20.0");
        }
        send_every_request(&provider(&simulator, configured)).await;
        for entry in simulator.log().entries() {
            assert!(!entry.headers.contains_key("losantdomain"));
            assert!(entry.header("accept-version").starts_with("^1."));
        }
    }
}

#[tokio::test]
async fn links_actions_and_embedded_resources_are_declined_once_in_every_request() {
    let simulator = build("losant", &[]);
    send_every_request(&provider(&simulator, config(&simulator))).await;
    for entry in simulator.log().entries() {
        let (path, pairs) = target(&entry);
        for declined in ["_actions", "_links", "_embedded"] {
            let sent: Vec<_> = pairs
                .iter()
                .filter(|pair| pair.split('=').next() == Some(declined))
                .collect();
            assert_eq!(sent, [&format!("{declined}=false")], "{path}");
        }
    }
    let sorted = simulator.log().entries();
    let sorted = sorted.iter().map(target).find(|(_, pairs)| {
        pairs.contains(&"filterField=name".to_owned())
            && pairs.contains(&"sortField=creationDate".to_owned())
    });
    assert!(sorted.is_some(), "no request was sorted and filtered");
}

#[tokio::test]
async fn each_resource_has_its_own_path_and_reaches_no_other_resource() {
    let defaults = Options::default();
    for (collection, resource, path) in [
        ("collection=user", Resource::User, "/me/tokens".to_owned()),
        (
            "collection=application",
            Resource::Application(defaults.application_id.clone()),
            format!("/applications/{}/tokens", defaults.application_id),
        ),
        (
            "collection=instance",
            Resource::Instance(defaults.instance_id.clone()),
            format!("/instances/{}/tokens", defaults.instance_id),
        ),
    ] {
        let simulator = build("losant", &[collection, "tokens=2"]);
        let configured = config(&simulator).with_resource(resource);
        let provider = provider(&simulator, configured);
        let listed = provider.list_all(Query::new()).await.unwrap().tokens;
        assert_eq!(listed.len(), 2, "{collection}");
        send_every_request(&provider).await;
        assert_eq!(simulator.token_count(), 2);
        for entry in simulator.log().entries() {
            let (sent, _) = target(&entry);
            assert!(sent.starts_with(&path), "{sent}");
        }
    }
}

#[tokio::test]
async fn a_missing_application_is_not_mistaken_for_a_token_that_is_already_gone() {
    let simulator = build("losant", &["collection=application"]);
    let token = simulator.insert(tokenfleet_simulators::NewToken::named("ci"));
    let missing = Resource::Application("000000000000000000000000".to_owned());
    let provider = provider(&simulator, config(&simulator).with_resource(missing));
    let id = tokenfleet_core::TokenId::new(token.id);
    let options = RevokeOptions::default();
    let revoked = provider.revoke((&id).into(), options).await;
    assert!(revoked.is_err(), "{revoked:?}");
    assert!(simulator.accepts(&token.secret));
}
