//! What is sent to Losant with every request: whose tokens, which version, which domain, and how little of an answer.

use std::sync::Arc;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::query::SortBy;
use tokenfleet_core::{
    CreateToken, Direction, Filter, Query, RevokeOptions, SortKey, TokenProvider, TokenProviderExt,
    UpdateToken,
};
use tokenfleet_losant::{Losant, LosantConfig, Resource};
use tokenfleet_simulators::Simulator;
use tokenfleet_simulators::losant::Options;
use tokenfleet_tests::{base_url, build, fixed, retry, transport};

fn provider(simulator: &Arc<dyn Simulator>, config: LosantConfig) -> Losant {
    let config = config.with_base_url(base_url());
    Losant::new("iot", config, transport(simulator)).with_retry(retry())
}

fn config(simulator: &Arc<dyn Simulator>) -> LosantConfig {
    LosantConfig::new(fixed(&simulator.credentials()["token"]))
}

/// Every operation there is, so that every request there is has been sent.
async fn live(provider: &Losant) {
    let issued = provider.create(CreateToken::new("ci")).await.unwrap();
    let id = issued.token.id;
    provider.get(&id).await.unwrap();
    provider.update(&id, UpdateToken::suspend()).await.unwrap();
    provider.list_all(Query::new()).await.unwrap();
    let mut page = PageRequest::first().size(10);
    page.sort = Some(SortBy::new(SortKey::Created, Direction::Descending));
    page.filter = Some(Filter::name("ci"));
    provider.list_page(page).await.unwrap();
    provider.verify(&issued.secret).await.unwrap();
    for _ in 0..2 {
        let options = RevokeOptions::default();
        provider.revoke((&id).into(), options).await.unwrap();
    }
}

/// The path of a request and its query, which came in absolute form.
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
    live(&provider(&simulator, configured)).await;
    assert!(simulator.log().total() >= 8);
    for entry in simulator.log().entries() {
        assert_eq!(entry.header("accept-version"), "^1.20.1");
        assert_eq!(entry.header("losantdomain"), "example.com");
    }
}

#[tokio::test]
async fn without_a_domain_none_is_sent_and_the_version_is_a_range_that_is_served() {
    // A simulator that refuses what it cannot serve: the default must be served.
    for api in ["api=1.20", "api=1.31"] {
        let simulator = build("losant", &[api, "accept_version=enforce"]);
        let mut configured = config(&simulator);
        if api == "api=1.20" {
            configured = configured.with_accept_version("^1.20.0");
        }
        live(&provider(&simulator, configured)).await;
        for entry in simulator.log().entries() {
            assert!(!entry.headers.contains_key("losantdomain"));
            assert!(entry.header("accept-version").starts_with("^1."));
        }
    }
}

#[tokio::test]
async fn links_actions_and_embedded_resources_are_declined_once_in_every_request() {
    let simulator = build("losant", &[]);
    live(&provider(&simulator, config(&simulator))).await;
    for entry in simulator.log().entries() {
        let (path, pairs) = target(&entry);
        for declined in ["_actions", "_links", "_embedded"] {
            let given: Vec<_> = pairs
                .iter()
                .filter(|pair| pair.split('=').next() == Some(declined))
                .collect();
            assert_eq!(given, [&format!("{declined}=false")], "{path}");
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
async fn each_resource_has_its_own_path_and_reaches_no_other() {
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
        live(&provider).await;
        assert_eq!(simulator.token_count(), 2);
        for entry in simulator.log().entries() {
            let (sent, _) = target(&entry);
            assert!(sent.starts_with(&path), "{sent}");
        }
    }
}

#[tokio::test]
async fn an_application_that_is_not_there_holds_no_tokens_that_are_already_gone() {
    let simulator = build("losant", &["collection=application"]);
    let token = simulator.insert(tokenfleet_simulators::NewToken::named("ci"));
    let elsewhere = Resource::Application("000000000000000000000000".to_owned());
    let provider = provider(&simulator, config(&simulator).with_resource(elsewhere));
    let id = tokenfleet_core::TokenId::new(token.id);
    let options = RevokeOptions::default();
    let refusal = provider.revoke((&id).into(), options).await;
    assert!(refusal.is_err(), "{refusal:?}");
    assert!(simulator.accepts(&token.secret));
}
