//! The emitted spans, events and metrics are exactly the documented ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::adapter::{PagePosition, PageRequest};
use tokenfleet_core::{
    CreateToken, Credential, ErrorKind, Query, TokenId, TokenProvider, TokenProviderExt,
};
use tokenfleet_http::RetryPolicy;
use tokenfleet_losant::Losant;
use tokenfleet_simulators::{Action, Canned, Fault, Simulator};
use tokenfleet_tests::{
    Recorded, TelemetryRecorder, build, fixed_credential, foreman, immediate_retries,
    losant_config, transport,
};

fn losant(simulator: &Arc<dyn Simulator>, token: Credential, retry: RetryPolicy) -> Losant {
    Losant::new("iot", losant_config(token), transport(simulator)).with_retry(retry)
}

fn accepted(simulator: &Arc<dyn Simulator>) -> Credential {
    fixed_credential(&simulator.credentials()["token"])
}

fn unavailable(times: u64) -> Fault {
    Fault::new(Action::Answer(Canned::status(503))).times(times)
}

/// Sends requests that succeed, fail, wait, are retried, suppressed and cancelled.
async fn emit_everything() {
    let simulator = build("losant", &["tokens=3"]);
    let provider = losant(&simulator, accepted(&simulator), immediate_retries());
    simulator.faults().add(unavailable(1));
    provider.list_all(Query::new().page_size(2)).await.unwrap();
    let wait = Canned::status(429).header("retry-after", "3");
    simulator.faults().add(Fault::new(Action::Answer(wait)));
    provider
        .get(&TokenId::new("ffffffffffffffffffffffff"))
        .await
        .unwrap_err();
    simulator.faults().add(Fault::new(Action::CloseAfter));
    provider.create(CreateToken::new("ci")).await.unwrap_err();

    // This one is dropped while it waits for a response.
    let slow = Action::DelayAnswer(Duration::from_secs(20));
    simulator.faults().add(Fault::new(slow));
    let create = provider.create(CreateToken::new("cd"));
    let dropped = tokio::time::timeout(Duration::from_secs(1), create).await;
    assert!(dropped.is_err());

    let without_budget = losant(
        &simulator,
        accepted(&simulator),
        immediate_retries().with_budget(0),
    );
    simulator.faults().add(unavailable(1));
    without_budget
        .list_page(PageRequest::first())
        .await
        .unwrap_err();

    let wrong = losant(&simulator, fixed_credential("wrong"), immediate_retries());
    for _ in 0..11 {
        wrong.list_page(PageRequest::first()).await.unwrap_err();
    }

    // After thirteen failed logins the adapter sends no more.
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

/// A documented span, event or metric.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Documented {
    kind: String,
    name: String,
    level: String,
    fields: BTreeSet<String>,
}

fn quoted(cell: &str) -> Vec<String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

/// Returns the rows of the tables whose second column is a kind.
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
            name: quoted(cells[1]).remove(0),
            level: level.to_owned(),
            fields: quoted(fields).into_iter().collect(),
        }
    };
    rows.map(read).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_emitted_is_documented_and_everything_documented_is_emitted() {
    let telemetry = TelemetryRecorder::default();
    {
        let _recording = telemetry.start();
        emit_everything().await;
    }
    let mut emitted: Vec<Documented> = Vec::new();
    for record in telemetry.records() {
        assert!(
            record.kind == "metric" || record.target == "tokenfleet",
            "{record:?}"
        );
        let fields = record.fields.iter().map(|(name, _)| name.clone());
        let fields = fields.filter(|name| name != "message");
        let same = |known: &&mut Documented| {
            (&*known.kind, &known.name, &known.level) == (record.kind, &record.name, &record.level)
        };
        match emitted.iter_mut().find(same) {
            Some(known) => known.fields.extend(fields),
            None => emitted.push(Documented {
                fields: fields.collect(),
                kind: record.kind.to_owned(),
                name: record.name,
                level: record.level,
            }),
        }
    }
    emitted.sort();
    let mut expected = documented();
    expected.sort();
    assert_eq!(emitted, expected);
}

#[tokio::test(start_paused = true)]
async fn a_span_holds_its_page_its_attempts_and_its_outcome() {
    let simulator = build("losant", &["tokens=3"]);
    let provider = losant(&simulator, accepted(&simulator), immediate_retries());
    let telemetry = TelemetryRecorder::default();
    {
        let _recording = telemetry.start();
        simulator.faults().add(unavailable(2));
        let request = PageRequest::first().position(PagePosition::Number(1));
        provider.list_page(request.size(2)).await.unwrap();
        let slow = Action::DelayAnswer(Duration::from_secs(20));
        simulator.faults().add(Fault::new(slow));
        let create = provider.create(CreateToken::new("ci"));
        drop(tokio::time::timeout(Duration::from_secs(1), create).await);
    }
    let all = telemetry.records();
    let named = |kind: &str, name: &str| -> Vec<Recorded> {
        let mut found = all.clone();
        found.retain(|record| record.kind == kind && record.name == name);
        found
    };
    let spans = named("span", "tokenfleet.call");
    let fields = |record: &Recorded, names: &[&str]| -> Vec<String> {
        let value = |name: &&str| record.field(name).unwrap_or("-").to_owned();
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
    assert_eq!(spans.len(), 2);
    assert_eq!(fields(&spans[0], &names), list);
    assert_eq!(fields(&spans[1], &names), create);
    assert_eq!(spans[1].field("elapsed_ms"), Some("1000"));
    let attempts = named("event", "tokenfleet.attempt");
    let attempts: Vec<_> = attempts
        .iter()
        .map(|record| fields(record, &["attempt", "status", "outcome"]))
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
