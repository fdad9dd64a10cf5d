//! The output and the exit codes of `explain`.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Run, temporary_file, tokenfleet, tokenfleet_with_env};

fn explain(words: &str) -> Run {
    let words: Vec<_> = words.split(' ').collect();
    tokenfleet(&[&["explain", "--simulate"], &words[..]].concat())
}

/// Returns the whole numbers in a string.
fn numbers(text: &str) -> Vec<u64> {
    let words = text.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

fn steps(account: &Value) -> Vec<&str> {
    let steps = account["steps"].as_array().unwrap().iter();
    steps.map(|step| step.as_str().unwrap()).collect()
}

#[test]
fn the_table_says_each_step_in_plain_words() {
    let accounts = "--account=losant --account=foreman --account=mindbody --account=cloudsmith";
    let query = "--prefix=ci- --sort=created --limit=10 --tokens=5000 --output=table";
    let run = explain(&format!("{accounts} {query}")).ends_with(0);
    let expected = "\
losant (losant)
  fetch one page of tokens, filtered by the platform: name ^= \"ci-\"
  if more tokens match: fetch pages from last to first, 1000 tokens per page, or as many as the platform serves, up to 8 pages at a time, ordered by id
  apply the whole filter to every fetched token
  sort the matching tokens in memory, at most 100000
  return at most 10
  the result is complete, even if tokens are created or deleted meanwhile
  for 5000 tokens: about 7 requests

foreman (foreman)
  fetch pages from first to last, 1000 tokens per page, up to 8 pages at a time, ordered by name
  the platform filters by name ^= \"ci-\"
  apply the whole filter to every fetched token
  sort the matching tokens in memory, at most 100000
  return at most 10
  the result is complete, even if tokens are created or deleted meanwhile
  for 5000 tokens: about 5 requests

mindbody (mindbody)
  cannot be listed

cloudsmith (cloudsmith)
  fetch pages from first to last, 500 tokens per page, one page at a time
  apply the whole filter to every fetched token
  sort the matching tokens in memory, at most 100000
  return at most 10
  the result is complete if it fits on one page, otherwise partial: tokens may move between pages meanwhile
  for 5000 tokens: about 10 requests
";
    assert_eq!(run.stdout, expected);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_table_is_a_block_of_steps_for_each_account() {
    let accounts = "--account=losant --account=foreman --account=mindbody --account=cloudsmith";
    let query = "--prefix=ci- --sort=created --limit=10 --tokens=5000";
    let table = explain(&format!("{accounts} {query} --output=table")).ends_with(0);
    assert_eq!(table.stderr, "");
    let json = explain(&format!("{accounts} {query}")).ends_with(0).json();
    let mut expected = String::new();
    for (name, requests) in [
        ("losant", Some(7)),
        ("foreman", Some(5)),
        ("mindbody", None),
        ("cloudsmith", Some(10)),
    ] {
        let mut accounts = json["accounts"].as_array().unwrap().iter();
        let account = accounts.find(|account| account["account"] == name).unwrap();
        assert_eq!(account["requests"].as_u64(), requests, "{name}");
        if !expected.is_empty() {
            expected += "\n";
        }
        expected += &format!("{name} ({name})\n");
        match requests {
            None => expected += "  cannot be listed\n",
            Some(requests) => {
                for step in steps(account) {
                    expected += &format!("  {step}\n");
                }
                expected += &format!("  for 5000 tokens: about {requests} requests\n");
            }
        }
    }
    assert_eq!(table.stdout, expected);
}

#[test]
fn the_steps_name_the_filter_the_page_size_the_concurrency_and_the_limit() {
    let words = "--prefix=ci- --sort=created --limit=10";
    for (account, filter_is_sent, page_size, concurrency, steps_count) in [
        ("losant", true, 1000, Some(8), 6),
        ("foreman", true, 1000, Some(8), 6),
        ("cloudsmith", false, 500, None, 5),
    ] {
        let run = explain(&format!("--account={account} {words}")).ends_with(0);
        let json = run.json();
        let steps = steps(&json["accounts"][0]);
        assert_eq!(steps.len(), steps_count, "{steps:#?}");
        let names_filter = |step: &&str| step.contains("name ^= \"ci-\"");
        assert_eq!(steps.iter().any(names_filter), filter_is_sent, "{steps:#?}");
        let reading = steps.iter().map(|step| numbers(step));
        let reading = reading.filter(|numbers| numbers.first() == Some(&page_size));
        let expected: Vec<_> = [page_size].into_iter().chain(concurrency).collect();
        assert_eq!(reading.collect::<Vec<_>>(), [expected], "{steps:#?}");
        let has_limit = |step: &&str| numbers(step) == [10];
        assert_eq!(steps.iter().filter(|step| has_limit(step)).count(), 1);
    }
}

#[test]
fn json_is_one_object_with_the_steps_of_each_account() {
    let query = "--sort=id:desc --offset=950 --limit=100 --tokens=5000";
    let run = explain(&format!("--account=losant {query}")).ends_with(0);
    let json = run.json();
    let losant = &json["accounts"][0];
    // Page 10 of 105 tokens, else pages of 1000 of which 8 are read concurrently, then the offset
    // and the limit. The last step is about completeness.
    let found: Vec<_> = steps(losant).into_iter().map(numbers).collect();
    assert_eq!(
        found,
        [vec![10, 105], vec![1000, 8], vec![950], vec![100], vec![]]
    );
    let expected = json!({
        "account": "losant", "provider": "losant", "steps": losant["steps"], "reason": null,
        "requests": 1,
    });
    assert_eq!(json, json!({ "accounts": [expected] }));
    let run = explain("--account=losant").ends_with(0);
    assert_eq!(run.json()["accounts"][0]["requests"], Value::Null);
    let both = "--account=losant --account=mindbody";
    let run = explain(&format!("{both} --output=ndjson")).ends_with(0);
    let second: Value = serde_json::from_str(run.stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["reason"], "cannot be listed");
    let run = explain(&format!("{both} --output=csv")).ends_with(0);
    assert_eq!(
        run.stdout.lines().last(),
        Some("mindbody,mindbody,1,cannot be listed")
    );
}

#[test]
fn explain_exits_like_list_and_prints_why() {
    let error = |run: &Run| -> Value {
        let object: Value = serde_json::from_str(run.error_line()).unwrap();
        object["error"].clone()
    };
    let unlistable = explain("--account=mindbody --output=json").ends_with(5);
    assert_eq!(error(&unlistable)["kind"], "unsupported");
    assert_eq!(error(&unlistable)["account"], "mindbody");
    let too_large = "--page-size=2000 --output=json";
    let all = explain(&format!("--account=losant {too_large}")).ends_with(2);
    let some = explain(&format!("--account=losant --account=foreman {too_large}")).ends_with(6);
    for run in [all, some] {
        assert_eq!(error(&run)["kind"], "invalid_input");
        assert_eq!(error(&run)["account"], "losant");
        let message = error(&run)["message"].as_str().unwrap().to_owned();
        let numbers = numbers(&message);
        assert!(numbers.ends_with(&[2000, 1000]), "{message}");
    }
    explain("--account=losant --where=stat=active").ends_with(2);
    let every = explain("--limit=1 --output=json").ends_with(0);
    assert_eq!(every.json()["accounts"].as_array().unwrap().len(), 4);
}

#[test]
fn explain_sends_nothing() {
    // Nothing listens on this port.
    let path = temporary_file(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:9'\ntoken = { env = 'IOT_TOKEN' }\n",
    );
    let ask = |command: &str| {
        tokenfleet_with_env(&[("IOT_TOKEN", "x.y.z")], &[command, "--config", &path])
    };
    ask("list").ends_with(1);
    ask("explain").ends_with(0);
}

#[test]
fn max_concurrency_limits_the_pages_that_are_read_concurrently() {
    let reading = |words: &str| {
        let run = explain(&format!("--account=foreman {words}")).ends_with(0);
        numbers(run.json()["accounts"][0]["steps"][0].as_str().unwrap())
    };
    assert_eq!(reading("--max-concurrency=5"), [1000, 5]);
    assert_eq!(reading("--max-concurrency=1"), [1000]);
    explain("--account=foreman --max-concurrency=0").ends_with(2);
    let words = [
        "inventory",
        "--simulate",
        "--max-concurrency=2",
        "--page-size=1",
    ];
    let run = tokenfleet(&words).ends_with(0);
    assert_eq!(run.json()["tokens"].as_array().unwrap().len(), 21);
}
