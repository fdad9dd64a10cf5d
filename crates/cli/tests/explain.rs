//! The command `explain`: what it prints, and how it ends.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Run, configuration, tokenfleet, tokenfleet_knowing};

fn explain(words: &str) -> Run {
    let words: Vec<_> = words.split(' ').collect();
    tokenfleet(&[&["explain", "--simulate"], &words[..]].concat())
}

#[test]
fn people_read_a_block_for_each_account() {
    let accounts = "--account=losant --account=foreman --account=mindbody --account=cloudsmith";
    let query = "--prefix=ci- --sort=created --limit=10 --tokens=5000 --output=table";
    let run = explain(&format!("{accounts} {query}")).ends_with(0);
    let expected = "\
losant (losant)
  fetch one page of tokens, filtered by the platform: name ^= \"ci-\"
  if more tokens match: fetch pages from last to first, 100 tokens per page, up to 16 pages at a time, ordered by id
  apply the whole filter to every fetched token
  sort the matching tokens in memory, at most 100000
  return at most 10
  the result is complete, even if tokens are created or deleted meanwhile
  for 5000 tokens: about 52 requests

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
fn a_pipe_gets_one_object_with_the_steps_of_each_account() {
    let query = "--sort=id:desc --offset=950 --limit=100 --tokens=5000";
    let run = explain(&format!("--account=losant {query}")).ends_with(0);
    let steps = [
        "fetch only page 10, 105 tokens per page, ordered by id descending",
        "if the platform does not serve pages of that size: fetch pages from last to first, \
         100 tokens per page, up to 16 pages at a time, ordered by id",
        "skip the first 950",
        "return at most 100",
        "the result is complete, even if tokens are created or deleted meanwhile",
    ];
    let losant = json!({
        "account": "losant", "provider": "losant", "steps": steps, "reason": null, "requests": 1,
    });
    assert_eq!(run.json(), json!({ "accounts": [losant] }));
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
fn it_ends_as_list_would_and_says_why() {
    let unlistable = explain("--account=mindbody").ends_with(5);
    assert!(unlistable.complaint().contains("cannot list tokens"));
    let all = explain("--account=losant --page-size=2000").ends_with(2);
    assert!(all.complaint().contains("1000 allowed here"));
    let some = explain("--account=losant --account=foreman --page-size=2000").ends_with(6);
    assert!(some.complaint().contains("1000 allowed here"));
    explain("--account=losant --where=stat=active").ends_with(2);
    explain("--limit=1").ends_with(2);
}

#[test]
fn it_sends_nothing() {
    // Nobody listens there.
    let path = configuration(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:9'\ntoken = { env = 'IOT_TOKEN' }\n",
    );
    let ask = |command: &str| {
        tokenfleet_knowing(&[("IOT_TOKEN", "x.y.z")], &[command, "--config", &path])
    };
    ask("list").ends_with(1);
    ask("explain").ends_with(0);
}

#[test]
fn how_many_pages_are_read_at_a_time_can_be_said() {
    let reads = |words: &str| {
        let run = explain(&format!("--account=foreman {words}")).ends_with(0);
        run.json()["accounts"][0]["steps"][0]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(reads("--pages-at-a-time=5").contains("up to 5 pages at a time"));
    assert!(reads("--pages-at-a-time=1").contains("one page at a time"));
    explain("--account=foreman --pages-at-a-time=0").ends_with(2);
    let words = [
        "inventory",
        "--simulate",
        "--pages-at-a-time=2",
        "--page-size=1",
    ];
    let run = tokenfleet(&words).ends_with(0);
    assert_eq!(run.json()["tokens"].as_array().unwrap().len(), 21);
}
