//! The report of an inventory, as a page and as Markdown.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use support::fleet::Fleet;
use support::{temporary_file, tokenfleet};

fn path(name: &str) -> String {
    format!(
        "{}/{name}-{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    )
}

#[test]
fn the_page_allows_its_own_style_and_script_only_and_names_no_other_place() {
    let page = tokenfleet(&["--simulate", "report", "--html", "-"])
        .ends_with(0)
        .stdout;
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    for (start, end, rule) in [
        ("<style>", "</style>", "style-src"),
        ("<script>", "</script>", "script-src"),
    ] {
        let digest = BASE64_STANDARD.encode(Sha256::digest(between(start, end)));
        let rule = format!("{rule} 'sha256-{digest}'");
        assert!(page.contains(&rule), "the page must say {rule}");
    }
    assert!(page.contains("default-src 'none'"));
    for word in ["http://", "https://", "src=", "href=", "url("] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn every_cell_of_a_token_is_below_its_heading() {
    // The same servers twice: the ids of new ones hold the time.
    let fleet = Fleet::new()
        .with("losant", &["--tokens=5"], &[("iot", "")])
        .with("foreman", &["--tokens=5"], &[("infra", "")])
        .with("cloudsmith", &[], &[("packages", "")]);
    let page = fleet.run(&["report", "--html", "-"]).ends_with(0).stdout;
    let (_, table) = page.split_once("<table id=\"rows\">").unwrap();
    let texts = |row: &str, tag: &str| -> Vec<String> {
        let start = format!("<{tag}");
        let cells = row.split(&start).skip(1);
        let text = |cell: &str| {
            let parts = cell
                .split('>')
                .skip(1)
                .map(|part| part.split('<').next().unwrap());
            parts.collect::<String>()
        };
        cells.map(text).map(|cell| cell.trim().to_owned()).collect()
    };
    let (head, body) = table.split_once("<tbody>").unwrap();
    let headings = texts(head.split_once("<tr>").unwrap().1, "th");
    let position = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    let listed = fleet.run(&["inventory"]).ends_with(0).json();
    let rows: Vec<_> = body
        .split("<tr>")
        .skip(1)
        .map(|row| texts(row, "td"))
        .collect();
    for token in listed["tokens"].as_array().unwrap() {
        let is_its = |row: &&Vec<String>| {
            token["id"] == *row[position("id")] && token["account"] == *row[position("account")]
        };
        let row = rows.iter().find(is_its).unwrap();
        assert_eq!(row[position("state")], token["state"].as_str().unwrap());
        assert_eq!(row[position("name")], token["name"].as_str().unwrap_or("–"));
        for (heading, key) in [("expiry", "expiry"), ("last used", "last_used")] {
            let expected = match token[key]["at"].as_str() {
                Some(at) => &at[..10],
                None if token[key]["kind"] == "never" => "never",
                None => "–",
            };
            assert_eq!(row[position(heading)], expected, "{heading}");
        }
        assert_eq!(
            row[position("created")],
            token["created_at"].as_str().map_or("–", |at| &at[..10])
        );
    }
}

#[test]
fn an_account_without_known_tokens_has_no_numbers_and_is_named_before_them() {
    let configuration = temporary_file(
        "[accounts.away]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:1'\nattempts = 1\n\
         token = { env = 'HOME' }\n",
    );
    let run = tokenfleet(&["--config", &configuration, "report", "--markdown", "-"]).ends_with(1);
    let row = run
        .stdout
        .lines()
        .find(|line| line.starts_with("| away"))
        .unwrap();
    assert!(
        row.contains("**failed**") && row.ends_with("| – | – | – | – |"),
        "{row}"
    );
    let run = tokenfleet(&["--config", &configuration, "report", "--html", "-"]).ends_with(1);
    let (before, _) = run.stdout.split_once("<dl class=\"figures\">").unwrap();
    assert!(before.contains("<strong>away</strong>"), "{before}");
}

#[test]
fn the_files_are_complete_or_not_there_and_a_bad_place_is_told_before_anything_is_read() {
    let [html, csv] = [path("report.html"), path("report.csv")];
    let options = ["--simulate", "report", "--html", &html, "--csv", &csv];
    let run = tokenfleet(&options).ends_with(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.ends_with("</html>\n") && page.contains("21 tokens in 4 accounts"));
    // A header and a row for each token.
    assert_eq!(std::fs::read_to_string(&csv).unwrap().lines().count(), 22);

    let missing = path("missing") + "/report.html";
    for (options, expected) in [
        (["--html", &missing].as_slice(), "cannot write"),
        (&["--html", env!("CARGO_TARGET_TMPDIR")], "cannot write"),
        (
            &["--html", "-", "--markdown", "-"],
            "cannot both be standard output",
        ),
        (&["--csv", &csv], "--html"),
    ] {
        // Nothing listens there: what was read would have failed.
        let arguments = [&["--simulate", "report"], options].concat();
        let run = tokenfleet(&arguments).ends_with(2);
        assert!(run.stderr.contains(expected), "{run:?}");
        assert_eq!(run.stdout, "");
    }
}
