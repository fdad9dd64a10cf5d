//! Falsified pages and other faults, and the documentation of the options.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use bytes::Bytes;
use http::Request;
use support::{TestResponse, read};
use tokenfleet_simulators::{
    Action, Canned, Churn, Fault, Hook, NewToken, Simulator, build, dispatch,
};

async fn get(simulator: &dyn Simulator, target: &str) -> TestResponse {
    let credentials = simulator.credentials();
    let (name, value) = match credentials.get("token") {
        Some(token) => ("authorization", format!("Bearer {token}")),
        None => ("x-api-key", credentials["api_key"].clone()),
    };
    let request = Request::get(target).header(name, value);
    let request = request.body(Bytes::new()).unwrap();
    read(dispatch(simulator, request).await.unwrap())
}

fn ids(page: &TestResponse) -> Vec<&str> {
    let items = page.json.get("items").or(page.json.get("results")).unwrap();
    items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            item.get("id")
                .or(item.get("slug_perm"))
                .and_then(|id| id.as_str())
                .unwrap()
        })
        .collect()
}

#[tokio::test]
async fn a_page_can_repeat_or_reorder_its_items() {
    let losant = build("losant", &["tokens=5"]).unwrap();
    let honest = get(&*losant, "/me/tokens").await;
    losant.faults().add(Fault::new(Action::RepeatItems(2)));
    let repeated = get(&*losant, "/me/tokens").await;
    assert_eq!(ids(&repeated)[..5], ids(&honest)[..]);
    assert_eq!(ids(&repeated)[5..], ids(&honest)[..2]);
    losant.faults().add(Fault::new(Action::ReorderItems));
    let mut reordered = get(&*losant, "/me/tokens").await;
    reordered.json["items"].as_array_mut().unwrap().reverse();
    assert_eq!(ids(&reordered), ids(&honest));
}

#[tokio::test]
async fn a_member_is_added_beside_what_the_platform_says() {
    let losant = build("losant", &["tokens=5"]).unwrap();
    let honest = get(&*losant, "/me/tokens").await;
    let member = Action::Member("error".to_owned(), r#"{"code":7}"#.to_owned());
    losant.faults().add(Fault::new(member));
    let page = get(&*losant, "/me/tokens").await;
    assert_eq!(ids(&page), ids(&honest));
    assert_eq!(page.json["error"]["code"], 7);
}

#[tokio::test]
async fn totals_can_be_wrong_in_the_body_and_in_headers() {
    let losant = build("losant", &["tokens=5"]).unwrap();
    losant.faults().add(Fault::new(Action::LieAboutTotals(-2)));
    let page = get(&*losant, "/me/tokens").await;
    assert_eq!(
        (&page.json["totalCount"], &page.json["count"]),
        (&3.into(), &5.into())
    );
    let cloudsmith = build("cloudsmith", &["tokens=5"]).unwrap();
    cloudsmith
        .faults()
        .add(Fault::new(Action::LieAboutTotals(100)));
    let page = get(&*cloudsmith, "/user/tokens/").await;
    assert_eq!(page.header("x-pagination-count"), "105");
}

#[tokio::test]
async fn a_server_can_ignore_the_page_or_never_end() {
    let losant = build("losant", &["tokens=5"]).unwrap();
    let first = get(&*losant, "/me/tokens?perPage=2").await;
    losant.faults().add(Fault::new(Action::IgnorePage));
    let ignored = get(&*losant, "/me/tokens?perPage=2&page=1").await;
    assert_eq!(
        (ids(&ignored), &ignored.json["page"]),
        (ids(&first), &0.into())
    );
    losant.faults().add(Fault::new(Action::EndlessPages));
    let endless = get(&*losant, "/me/tokens?perPage=2&page=77").await;
    assert_eq!(
        (ids(&endless), &endless.json["page"]),
        (ids(&first), &77.into())
    );
    assert!(endless.json["totalCount"].as_u64().unwrap() > 1_000_000);

    let cloudsmith = build("cloudsmith", &["tokens=5"]).unwrap();
    cloudsmith
        .faults()
        .add(Fault::new(Action::EndlessPages).always());
    let endless = get(&*cloudsmith, "/user/tokens/?page=9").await;
    assert_eq!((endless.status, ids(&endless).len()), (200, 5));
    assert_eq!(endless.header("x-pagination-page"), "9");
    assert!(
        endless
            .header("x-pagination-pagetotal")
            .parse::<u64>()
            .unwrap()
            > 1_000_000
    );
}

#[tokio::test]
async fn bodies_can_be_huge_deep_or_of_another_type_and_stay_json() {
    let losant = build("losant", &["tokens=1"]).unwrap();
    losant.faults().add(Fault::new(Action::HugeBody(100_000)));
    let huge = get(&*losant, "/me/tokens").await;
    assert!(huge.text.len() > 100_000 && huge.json["count"] == 1);
    losant
        .faults()
        .add(Fault::new(Action::DeepBody(50)).and(Action::ContentType("text/html".to_owned())));
    let deep = get(&*losant, "/me/tokens").await;
    assert!(deep.json["nested"].is_array() && deep.header("content-type") == "text/html");
}

#[tokio::test]
async fn the_collection_can_change_after_the_nth_request() {
    let losant = build("losant", &["tokens=6"]).unwrap();
    let churn = Fault::new(Action::Churn(Churn::RemoveOldest(2)))
        .and(Action::Churn(Churn::Create("new".to_owned())))
        .after(1);
    losant.faults().add(churn);
    let hook = Hook::new(|simulator| {
        simulator.insert(NewToken::named("from a hook"));
    });
    losant.faults().add(Fault::new(Action::Run(hook)).after(2));
    let mut counts = Vec::new();
    for _ in 0..4 {
        let page = get(&*losant, "/me/tokens").await;
        counts.push(page.json["totalCount"].as_u64().unwrap());
    }
    assert_eq!(counts, [6, 6, 5, 6]);
}

#[tokio::test]
async fn a_write_can_take_effect_and_return_an_error() {
    let cloudsmith = build("cloudsmith", &[]).unwrap();
    let key = cloudsmith.credentials()["api_key"].clone();
    let fault = Fault::new(Action::AnswerAfterwards(Canned::status(502))).method("POST");
    cloudsmith.faults().add(fault);
    let request = Request::post("/user/tokens/").header("x-api-key", key);
    let response = dispatch(&*cloudsmith, request.body(Bytes::new()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), cloudsmith.token_count()),
        (502, 1)
    );
    assert!(cloudsmith.log().last().unwrap().processed);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_can_give_up_on_a_write_that_takes_effect_later() {
    let cloudsmith = build("cloudsmith", &[]).unwrap();
    let key = cloudsmith.credentials()["api_key"].clone();
    let late = Action::ApplyLate(std::time::Duration::from_secs(5));
    cloudsmith
        .faults()
        .add(Fault::new(Action::Answer(Canned::status(504))).and(late));
    let request = Request::post("/user/tokens/").header("x-api-key", key);
    let response = dispatch(&*cloudsmith, request.body(Bytes::new()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), cloudsmith.token_count()),
        (504, 0)
    );
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(cloudsmith.token_count(), 1);
    assert!(cloudsmith.log().last().unwrap().processed);
}

#[tokio::test]
async fn a_redirect_has_its_location_and_is_not_processed() {
    let losant = build("losant", &["tokens=1"]).unwrap();
    losant.faults().add(Fault::new(Action::Redirect(
        "http://127.0.0.2:1/x".to_owned(),
    )));
    let response = get(&*losant, "/me/tokens").await;
    assert_eq!(
        (response.status, response.header("location")),
        (307, "http://127.0.0.2:1/x")
    );
    assert!(!losant.log().last().unwrap().processed);
}

#[tokio::test]
async fn every_response_has_the_date_of_the_clock() {
    for provider in tokenfleet_simulators::providers() {
        let simulator = build(provider, &["clock=2031-02-03T04:05:06Z"]).unwrap();
        let response = dispatch(&*simulator, Request::new(Bytes::new()))
            .await
            .unwrap();
        assert_eq!(response.headers()["date"], "Mon, 03 Feb 2031 04:05:06 GMT");
    }
}

#[test]
fn every_switch_has_at_least_two_settings_and_accepts_each() {
    for provider in tokenfleet_simulators::providers() {
        let switches = tokenfleet_simulators::switches(provider).unwrap();
        assert!(!switches.is_empty());
        for (key, settings) in switches {
            assert!(settings.len() > 1, "{provider} {key}");
            for setting in settings {
                build(provider, &[&format!("{key}={setting}")]).unwrap();
            }
        }
    }
}

/// The documentation of the simulators.
const DOCUMENTATION: &str = include_str!("../../../docs/SIMULATORS.md");

/// Returns the chapter with this title.
fn chapter(title: &str) -> &'static str {
    let mut chapters = DOCUMENTATION.split("\n## ");
    chapters
        .find(|chapter| chapter.lines().next() == Some(title))
        .unwrap_or_else(|| panic!("no chapter {title}"))
}

#[test]
fn the_documentation_lists_every_option_and_its_settings_default_first() {
    for provider in tokenfleet_simulators::providers() {
        let (first, rest) = provider.split_at(1);
        let chapter = chapter(&format!("{}{rest}", first.to_uppercase()));
        let rows: Vec<&str> = chapter.lines().collect();
        let switches = tokenfleet_simulators::switches(provider).unwrap();
        for key in tokenfleet_simulators::option_keys(provider).unwrap() {
            let row = rows
                .iter()
                .find(|row| row.starts_with(&format!("| `{key}` |")));
            let row = row.unwrap_or_else(|| panic!("{provider} {key} is missing"));
            let Some((_, settings)) = switches.iter().find(|(switch, _)| switch == key) else {
                continue;
            };
            let positions: Vec<_> = settings
                .iter()
                .map(|setting| row.find(&format!("`{setting}`: ")))
                .collect();
            assert!(positions.iter().all(Option::is_some), "{provider} {row}");
            assert!(positions.is_sorted(), "{provider} {row}");
        }
        for kind in ["Faithful: ", "Left out: "] {
            assert!(chapter.contains(kind), "{provider}: {kind}");
        }
    }
}

#[test]
fn the_documentation_spells_every_action() {
    let chapter = chapter("Faults, time and ground truth");
    let table = chapter.split("| Action | Effect |").nth(1).unwrap();
    let spelled: Vec<&str> = table
        .lines()
        .filter_map(|row| row.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    for action in &spelled {
        let read: Result<Action, _> = serde_json::from_str(action);
        assert!(read.is_ok(), "{action}: {read:?}");
    }
    // The error about an unknown action lists the known ones.
    let error = serde_json::from_str::<Action>("\"explode\"").unwrap_err();
    let error = error.to_string();
    let (_, known) = error.split_once("expected one of").unwrap();
    for name in known.split('`').skip(1).step_by(2) {
        let spelling = format!("\"{name}\"");
        assert!(spelled.iter().any(|one| one.contains(&spelling)), "{name}");
    }
}

#[tokio::test]
async fn a_platforms_own_error_can_come_as_a_success_and_in_other_words_each_time() {
    for (platform, path, member) in [
        ("losant", "/me/tokens", "message"),
        ("cloudsmith", "/user/tokens/", "detail"),
    ] {
        let simulator = build(platform, &["tokens=1"]).unwrap();
        let refusal = Fault::new(Action::SpoilCredentials).and(Action::VaryWords);
        simulator.faults().add(refusal.clone().times(2));
        let first = get(&*simulator, path).await;
        let second = get(&*simulator, path).await;
        assert_eq!((first.status, second.status), (401, 401), "{platform}");
        let words = |refusal: &TestResponse| {
            let text = refusal.json[member].as_str().unwrap();
            text.split(" (reference").next().unwrap().to_owned()
        };
        assert_ne!(first.json, second.json, "{platform}");
        assert_eq!(words(&first), words(&second), "{platform}");
        simulator.faults().add(refusal.and(Action::Status(200)));
        let success = get(&*simulator, path).await;
        assert_eq!(success.status, 200, "{platform}");
        assert_eq!(words(&success), words(&first), "{platform}");
    }
}
