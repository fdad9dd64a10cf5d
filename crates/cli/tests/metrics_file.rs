//! `--metrics-file`: a text file for Prometheus.
//!
//! The parser of the official Python client reads it in
//! `crates/simulators/official-clients/metrics_file.py`.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, HashSet};

use support::platforms::Platforms;
use support::temporary_file;

/// An account whose name needs every escape of the format.
const HOSTILE: &str = "a\\b\"c\nd é";

fn fleet() -> Platforms {
    Platforms::start(&["losant", "--tokens=12", "--seed=1"], 1)
        .with_account("\"a\\\\b\\\"c\\nd é\"", "losant", "")
        .with_refused_account("refused")
}

/// Runs a command and returns its metrics file.
fn metrics(fleet: &Platforms, tables: &str, words: &[&str], code: i32) -> String {
    let path = temporary_file("the run before");
    let words = [words, &["--metrics-file", &path]].concat();
    fleet.run(tables, &words).ends_with(code);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
    std::fs::read_to_string(&path).unwrap()
}

/// A sample: its labels and its value.
type Sample = (BTreeMap<String, String>, f64);

/// Parses the exposition format strictly.
fn parse(text: &str) -> BTreeMap<String, Vec<Sample>> {
    let mut families = BTreeMap::<String, Vec<Sample>>::new();
    let mut family = String::new();
    let mut seen = HashSet::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
            let is_new = families.insert(family.clone(), Vec::new()).is_none();
            assert!(is_new, "{family} comes twice");
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{family} gauge"));
            continue;
        }
        assert!(seen.insert(line.to_owned()), "{line} comes twice");
        let rest = line.strip_prefix(&family).unwrap();
        let (labels, value) = match rest.strip_prefix('{') {
            None => (BTreeMap::new(), rest),
            Some(rest) => parse_labels(rest),
        };
        let value = value.strip_prefix(' ').unwrap().parse().unwrap();
        families.get_mut(&family).unwrap().push((labels, value));
    }
    families
}

/// Parses labels up to the closing brace, and returns what follows.
fn parse_labels(mut rest: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    loop {
        let (name, text) = rest.split_once("=\"").unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        let mut value = String::new();
        let mut chars = text.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("\\{c}"),
                }),
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none());
        match text[end..].split_at(1) {
            (",", more) => rest = more,
            ("}", value) => return (labels, value),
            other => panic!("{other:?}"),
        }
    }
}

/// Returns the value of the only sample with these labels.
fn value(samples: &[Sample], labels: &[(&str, &str)]) -> f64 {
    let matches = |sample: &&Sample| {
        let mut labels = labels.iter();
        labels.all(|(name, text)| sample.0.get(*name).is_some_and(|own| own == text))
    };
    let found: Vec<_> = samples.iter().filter(matches).collect();
    assert_eq!(found.len(), 1, "{labels:?}");
    found[0].1
}

#[test]
fn the_inventory_as_numbers_escapes_labels_and_replaces_the_file_before() {
    let fleet = fleet();
    let families = parse(&metrics(&fleet, "", &["inventory"], 6));
    let whole = fleet.run("", &["inventory"]).ends_with(6).json();
    let tokens = whole["tokens"].as_array().unwrap();
    for state in ["active", "suspended", "revoked", "expired", "unknown"] {
        let of_state = tokens.iter().filter(|token| token["state"] == state);
        let labels = [
            ("account", HOSTILE),
            ("provider", "losant"),
            ("state", state),
        ];
        let counted = value(&families["tokenfleet_tokens"], &labels);
        assert_eq!(counted, of_state.count() as f64, "{state}");
    }
    let is_dead = |token: &serde_json::Value| {
        ["revoked", "expired"].contains(&token["state"].as_str().unwrap())
    };
    let live = || tokens.iter().filter(|token| !is_dead(token));
    for kind in ["at", "never", "not_reported"] {
        let of_kind = live().filter(|token| token["expiry"]["kind"] == kind);
        let labels = [("account", HOSTILE), ("expiry", kind)];
        let counted = value(&families["tokenfleet_tokens_by_expiry"], &labels);
        assert_eq!(counted, of_kind.count() as f64, "{kind}");
    }
    let complete = &families["tokenfleet_account_complete"];
    assert_eq!(value(complete, &[("account", HOSTILE)]), 1.0);
    assert_eq!(value(complete, &[("account", "refused")]), 0.0);
    let run = families["tokenfleet_run_timestamp_seconds"][0].1;
    let expiries = &families["tokenfleet_earliest_expiry_timestamp_seconds"];
    let seconds = &families["tokenfleet_seconds_to_earliest_expiry"];
    assert_eq!(expiries.len(), seconds.len());
    for ((_, expiry), (_, seconds)) in expiries.iter().zip(seconds) {
        assert_eq!(expiry - run, *seconds);
    }
    assert!(!families.contains_key("tokenfleet_check_findings"));
}

#[test]
fn checks_have_a_number_for_each_account_even_if_it_is_zero() {
    let fleet = fleet();
    let tables = "[checks.all]\nwhere = 'everything'\n[checks.none]\nwhere = 'nothing'\n\
                  [checks.stale]\nwhere = 'last_used is never'\n";
    let families = parse(&metrics(&fleet, tables, &["check"], 6));
    let findings = &families["tokenfleet_check_findings"];
    assert_eq!(
        value(findings, &[("account", HOSTILE), ("check", "all")]),
        12.0
    );
    assert_eq!(
        value(findings, &[("account", HOSTILE), ("check", "none")]),
        0.0
    );
    assert_eq!(
        value(findings, &[("account", "refused"), ("check", "all")]),
        0.0
    );
    let not_judged = &families["tokenfleet_check_not_judged"];
    assert_eq!(
        value(not_judged, &[("account", HOSTILE), ("check", "stale")]),
        12.0
    );
    let waived = &families["tokenfleet_check_waived"];
    assert_eq!(
        value(waived, &[("account", HOSTILE), ("check", "all")]),
        0.0
    );
}
