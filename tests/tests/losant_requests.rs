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

/// Lists all tokens, and returns the page size that each request asked for.
async fn requested_page_sizes(simulator: &Arc<dyn Simulator>, losant: &Losant) -> Vec<String> {
    let before = simulator.log().entries().len();
    let list = losant.list_all(Query::new()).await.unwrap();
    assert_eq!(list.tokens.len(), simulator.token_count());
    assert!(list.completeness.is_complete());
    let entries = simulator.log().entries();
    let size = |entry| {
        let (_, pairs) = target(entry);
        let size = pairs.iter().find_map(|pair| pair.strip_prefix("perPage="));
        size.unwrap_or_default().to_owned()
    };
    entries[before..].iter().map(size).collect()
}

#[tokio::test]
async fn a_long_list_takes_few_requests() {
    for (tokens, most) in [(100, 1), (101, 1), (1_500, 2), (2_000, 3), (10_000, 12)] {
        let simulator = build("losant", &[&format!("tokens={tokens}")]);
        let losant = provider(&simulator, config(&simulator));
        let sizes = requested_page_sizes(&simulator, &losant).await;
        assert!(sizes.len() <= most, "{tokens}: {sizes:?}");
        if tokens == 2_000 {
            // The last token of the first page is still in its place.
            assert_eq!(sizes, ["1000", "1000", "1"]);
        }
        // The same again: nothing was remembered that makes it worse.
        let sizes = requested_page_sizes(&simulator, &losant).await;
        assert!(sizes.len() <= most, "{tokens}: {sizes:?}");
    }
}

#[tokio::test]
async fn a_smaller_largest_page_costs_at_most_one_request_and_is_remembered() {
    for (option, refused) in [("above_max=clamp", 0), ("above_max=refuse", 1)] {
        for largest in [100, 400] {
            let largest_page = format!("max_per_page={largest}");
            let simulator = build("losant", &["tokens=1450", &largest_page, option]);
            let losant = provider(&simulator, config(&simulator));
            let served = if refused == 1 { 100 } else { largest };
            // The pages, the first one again, and a probe.
            let pages = 1_450_usize.div_ceil(served) + 2;
            let too_large = |sizes: &[String]| {
                let sizes = sizes.iter().filter_map(|size| size.parse::<usize>().ok());
                sizes.filter(|size| *size > largest).count()
            };
            let first = requested_page_sizes(&simulator, &losant).await;
            assert_eq!(first[0], "1000");
            assert_eq!(too_large(&first), 1, "{option} {largest}: {first:?}");
            assert!(
                first.len() <= pages + refused,
                "{option} {largest}: {first:?}"
            );
            let later = requested_page_sizes(&simulator, &losant).await;
            assert_eq!(later[0], served.to_string());
            assert_eq!(too_large(&later), 0, "{option} {largest}: {later:?}");
            assert!(later.len() <= pages, "{option} {largest}: {later:?}");
        }
    }
}

#[tokio::test]
async fn a_list_of_one_page_says_nothing_about_the_page_size() {
    let simulator = build("losant", &["tokens=20"]);
    let losant = provider(&simulator, config(&simulator));
    for query in [Query::new(), Query::new().page_size(7)] {
        losant.list_all(query).await.unwrap();
        let list = losant.capabilities().list.as_ref().unwrap();
        assert_eq!(list.default_page_size, Some(1_000));
    }
}
