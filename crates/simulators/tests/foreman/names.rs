//! A test of the order of names against a list sorted by the C library that the database uses
//! (glibc 2.36, `en_US.UTF-8`, equal names by bytes).

use serde_json::Value;
use tokenfleet_simulators::{NewToken, Simulator};

use crate::client::{TOKENS, foreman, get};

const SORTED: &str = include_str!("../data/foreman/names-en_US.json");

#[test]
fn five_hundred_names_sort_as_the_c_library_sorts_them() {
    let expected: Vec<String> = serde_json::from_str(SORTED).unwrap();
    let foreman = foreman(&[]);
    let mut shuffled = expected.clone();
    shuffled.sort_by_key(|name| name.bytes().rev().collect::<Vec<_>>());
    for name in &shuffled {
        foreman.insert(NewToken::named(name));
    }
    let page = get(&foreman, &format!("{TOKENS}?order=name&per_page=all")).json();
    let found: Vec<&str> = page["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect();
    let agree = expected
        .iter()
        .zip(&found)
        .filter(|(expected, found)| *expected == *found)
        .count();
    println!(
        "{agree} of {} names are in the right position",
        expected.len()
    );
    let first_difference = expected
        .iter()
        .zip(&found)
        .find(|(expected, found)| *expected != *found);
    assert_eq!(first_difference, None);
    assert_eq!(
        page["sort"],
        serde_json::from_str::<Value>(r#"{"by":"name","order":"ASC"}"#).unwrap()
    );
}
