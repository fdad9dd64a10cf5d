//! What is told is what the documentation names, and all of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    CreateToken, Credential, ErrorKind, Query, TokenId, TokenProvider, TokenProviderExt,
};
use tokenfleet_http::RetryPolicy;
use tokenfleet_losant::{Losant, LosantConfig};
use tokenfleet_simulators::{Action, Canned, Fault, Simulator};
use tokenfleet_tests::{Heard, Said, base_url, build, fixed, foreman, retry, transport};

fn losant(simulator: &Arc<dyn Simulator>, token: Credential, retry: RetryPolicy) -> Losant {
    let config = LosantConfig::new(token).with_base_url(base_url());
    Losant::new("iot", config, transport(simulator)).with_retry(retry)
}

fn right(simulator: &Arc<dyn Simulator>) -> Credential {
    fixed(&simulator.credentials()["token"])
}

fn out_of_order(times: u64) -> Fault {
    Fault::new(Action::Answer(Canned::status(503))).times(times)
}

/// Calls that go well, that fail, wait, are repeated, withheld and dropped.
async fn everything() {
    let simulator = build("losant", &["tokens=3"]);
    let provider = losant(&simulator, right(&simulator), retry());
    simulator.faults().add(out_of_order(1));
    provider.list_all(Query::new().page_size(2)).await.unwrap();
    let wait = Canned::status(429).header("retry-after", "3");
    simulator.faults().add(Fault::new(Action::Answer(wait)));
    provider.get(&TokenId::new("none")).await.unwrap_err();
    simulator.faults().add(Fault::new(Action::CloseAfter));
    provider.create(CreateToken::new("ci")).await.unwrap_err();

    // Dropped while it waits for an answer.
    let slow = Action::DelayAnswer(Duration::from_secs(20));
    simulator.faults().add(Fault::new(slow));
    let create = provider.create(CreateToken::new("cd"));
    let dropped = tokio::time::timeout(Duration::from_secs(1), create).await;
    assert!(dropped.is_err());

    let never = losant(&simulator, right(&simulator), retry().with_budget(0));
    simulator.faults().add(out_of_order(1));
    never.list_page(PageRequest::first()).await.unwrap_err();

    let wrong = losant(&simulator, fixed("wrong"), retry());
    for _ in 0..11 {
        wrong.list_page(PageRequest::first()).await.unwrap_err();
    }

    // Thirteen failed logins are the last that are risked.
    let foreman = foreman(&[], None);
    let intruder = tokenfleet_conformance::Fixture::intruder(&foreman).unwrap();
    let mut kinds = Vec::new();
    for number in 0..14 {
        let secret = tokenfleet_core::Secret::new(format!("dead{number}"));
        kinds.extend(
            intruder
                .verify(&secret)
                .await
                .err()
                .map(|error| error.kind()),
        );
    }
    assert!(kinds.contains(&ErrorKind::RateLimited), "{kinds:?}");
}

/// A name of the documentation, with what belongs to it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Documented {
    kind: String,
    name: String,
    level: String,
    fields: BTreeSet<String>,
}

fn words(cell: &str) -> Vec<String> {
    let words = cell.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

/// The tables whose second column is a kind.
fn documented() -> Vec<Documented> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OBSERVABILITY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `tokenfleet"));
    let read = |row: &str| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (level, fields) = match cells[..] {
            [_, _, _, level, fields, _] => (level, fields),
            [_, _, _, labels, _] => ("", labels),
            _ => panic!("{row}"),
        };
        Documented {
            kind: match cells[2] {
                "counter" | "histogram" => "metric".to_owned(),
                kind => kind.to_owned(),
            },
            name: words(cells[1]).remove(0),
            level: level.to_owned(),
            fields: words(fields).into_iter().collect(),
        }
    };
    rows.map(read).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_what_is_documented() {
    let heard = Heard::default();
    {
        let _listening = heard.listen();
        everything().await;
    }
    let mut told: Vec<Documented> = Vec::new();
    for said in heard.all() {
        assert!(
            said.kind == "metric" || said.target == "tokenfleet",
            "{said:?}"
        );
        let fields = said.fields.iter().map(|(name, _)| name.clone());
        let fields = fields.filter(|name| name != "message");
        let same = |known: &&mut Documented| {
            (&*known.kind, &known.name, &known.level) == (said.kind, &said.name, &said.level)
        };
        match told.iter_mut().find(same) {
            Some(known) => known.fields.extend(fields),
            None => told.push(Documented {
                fields: fields.collect(),
                kind: said.kind.to_owned(),
                name: said.name,
                level: said.level,
            }),
        }
    }
    told.sort();
    let mut expected = documented();
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_call_tells_its_page_its_attempts_and_its_outcome() {
    let simulator = build("losant", &["tokens=3"]);
    let provider = losant(&simulator, right(&simulator), retry());
    let heard = Heard::default();
    {
        let _listening = heard.listen();
        simulator.faults().add(out_of_order(2));
        let request =
            PageRequest::first().position(tokenfleet_core::adapter::PagePosition::Number(1));
        provider.list_page(request.size(2)).await.unwrap();
        let slow = Action::DelayAnswer(Duration::from_secs(20));
        simulator.faults().add(Fault::new(slow));
        let create = provider.create(CreateToken::new("ci"));
        drop(tokio::time::timeout(Duration::from_secs(1), create).await);
    }
    let all = heard.all();
    let named = |kind: &str, name: &str| -> Vec<Said> {
        let mut found = all.clone();
        found.retain(|said| said.kind == kind && said.name == name);
        found
    };
    let calls = named("span", "tokenfleet.call");
    let fields = |said: &Said, names: &[&str]| -> Vec<String> {
        let value = |name: &&str| said.field(name).unwrap_or("-").to_owned();
        names.iter().map(value).collect()
    };
    let names = [
        "provider",
        "account",
        "operation",
        "page",
        "attempts",
        "status",
        "outcome",
    ];
    let list = ["losant", "iot", "list", "1", "3", "200", "ok"];
    let create = ["losant", "iot", "create", "-", "1", "-", "cancelled"];
    assert_eq!(calls.len(), 2);
    assert_eq!(fields(&calls[0], &names), list);
    assert_eq!(fields(&calls[1], &names), create);
    assert_eq!(calls[1].field("elapsed_ms"), Some("1000"));
    let attempts = named("event", "tokenfleet.attempt");
    let attempts: Vec<_> = attempts
        .iter()
        .map(|said| fields(said, &["attempt", "status", "outcome"]))
        .collect();
    let expected = [
        ["1", "503", "unavailable"],
        ["2", "503", "unavailable"],
        ["3", "200", "ok"],
    ];
    assert_eq!(attempts, expected);
    let counted = named("metric", "tokenfleet_attempts_total");
    assert_eq!(counted.len(), 3);
    assert_eq!(counted[2].field("status"), Some("200"));
}
