//! Requests to Foreman within an organization and a location.

use std::sync::Arc;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{CreateToken, ErrorKind, Fate, Operation, RevokeOptions, TokenProvider};
use tokenfleet_foreman::{Foreman, ForemanConfig};
use tokenfleet_simulators::Simulator;
use tokenfleet_tests::{
    build, fixed_credential, foreman_config, immediate_retries, perform_all, transport,
};

fn config(simulator: &Arc<dyn Simulator>) -> ForemanConfig {
    let token = fixed_credential(&simulator.credentials()["token"]);
    foreman_config(simulator, token)
}

fn provider(simulator: &Arc<dyn Simulator>, config: ForemanConfig) -> Foreman {
    Foreman::new("infra", config, transport(simulator)).with_retry(immediate_retries())
}

#[tokio::test]
async fn organization_and_location_are_sent_with_every_request() {
    let simulator = build("foreman", &[]);
    let config = config(&simulator).with_organization("1").with_location("2");
    let provider = provider(&simulator, config);
    perform_all(&provider).await.unwrap();
    assert!(simulator.log().total() >= 5);
    for entry in simulator.log().entries() {
        let query = entry.target.split_once('?').unwrap_or_default().1;
        let count = |pair: &str| query.split('&').filter(|sent| *sent == pair).count();
        assert_eq!(count("organization_id=1"), 1, "{}", entry.target);
        assert_eq!(count("location_id=2"), 1, "{}", entry.target);
    }
}

#[tokio::test]
async fn without_a_context_none_is_sent() {
    let simulator = build("foreman", &[]);
    let provider = provider(&simulator, config(&simulator));
    provider.list_page(PageRequest::first()).await.unwrap();
    let sent = simulator.log().last().unwrap().target;
    assert!(!sent.contains("organization") && !sent.contains("location"));
}

#[tokio::test]
async fn an_unknown_organization_or_location_is_named_and_is_not_a_missing_token() {
    let simulator = build("foreman", &[]);
    let token = simulator.insert(tokenfleet_simulators::NewToken::named("ci"));
    for (config, named) in [
        (
            config(&simulator).with_organization("99"),
            "Organization with id 99",
        ),
        (
            config(&simulator).with_location("98"),
            "Location with id 98",
        ),
    ] {
        let provider = provider(&simulator, config);
        let id = tokenfleet_core::TokenId::new(token.id.as_str());
        let listed = provider.list_page(PageRequest::first()).await.unwrap_err();
        let created = provider.create(CreateToken::new("new")).await;
        let options = RevokeOptions::default();
        let revoked = provider.revoke((&id).into(), options).await.unwrap_err();
        for (operation, error) in [
            (Operation::List, listed),
            (Operation::Create, created.unwrap_err()),
            (Operation::Revoke, revoked),
        ] {
            let text = error.to_string();
            assert!(text.contains(named), "{operation}: {text}");
            assert_eq!(error.fate(), Fate::Rejected, "{operation}: {text}");
            // Without a token only the configuration can be wrong.
            let kind = match operation {
                Operation::List | Operation::Create => ErrorKind::Configuration,
                _ => ErrorKind::NotFound,
            };
            assert_eq!(error.kind(), kind, "{operation}: {text}");
        }
        assert!(simulator.accepts(&token.secret));
    }
    assert_eq!(simulator.token_count(), 1);
}
