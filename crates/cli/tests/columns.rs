//! Tables of tokens and their columns.
#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

#[cfg(unix)]
use support::run_unread;
use support::{Simulate, account, measured, temporary_file, tokenfleet, tokenfleet_with_env};

fn words(words: &str) -> Vec<&str> {
    words.split(' ').collect()
}

#[test]
fn columns_are_chosen_for_tables_and_csv() {
    for command in ["list --account losant", "inventory"] {
        let table = format!("{command} --simulate --output table --columns id,last-used,name");
        let run = tokenfleet(&words(&table)).ends_with(0);
        let header: Vec<_> = run.stdout.lines().next().unwrap().split("  ").collect();
        let header: Vec<_> = header.iter().filter(|word| !word.is_empty()).collect();
        let header: Vec<_> = header.iter().map(|word| word.trim()).collect();
        assert_eq!(header, ["id", "last used", "name"]);
        let csv = format!("{command} --simulate --output csv --columns name,attributes.x,id");
        let run = tokenfleet(&words(&csv)).ends_with(0);
        let header = run.stdout.lines().next();
        assert_eq!(header, Some("name,attributes.x,id"));
        let repeated = format!("{command} --simulate --output csv --columns id --columns name");
        let run = tokenfleet(&words(&repeated)).ends_with(0);
        assert_eq!(run.stdout.lines().next(), Some("id,name"));
    }
}

#[test]
fn a_wrong_column_is_an_error_before_anything_is_sent() {
    let run = tokenfleet(&words("list --columns id,nmae --account losant")).ends_with(2);
    assert!(
        run.stderr.contains("unknown column; did you mean `name`?"),
        "{run:?}"
    );
    // JSON always has every field.
    for format in ["json", "ndjson"] {
        let line = format!("list --simulate --account losant --columns id --output {format}");
        let run = tokenfleet(&words(&line)).ends_with(2);
        assert!(
            run.stderr.contains("choose --output table or --output csv"),
            "{run:?}"
        );
        assert_eq!(run.stdout, "");
    }
    // Neither a plan nor an explanation has columns.
    for command in ["plan", "explain"] {
        tokenfleet(&words(&format!("{command} --simulate --columns id"))).ends_with(2);
    }
}

#[test]
fn without_a_terminal_nothing_is_cut_unless_columns_are_set() {
    let inventory = words("inventory --simulate --output table");
    let widest = |run: support::Run| {
        let widths = run.stdout.lines().map(|line| line.chars().count());
        widths.max().unwrap()
    };
    let unlimited = widest(tokenfleet(&inventory).ends_with(0));
    let fitted = widest(tokenfleet_with_env(&[("COLUMNS", "70")], &inventory).ends_with(0));
    assert!(unlimited > 100 && fitted <= 70, "{unlimited} {fitted}");
    let wide = [&inventory[..], &["--wide"]].concat();
    let wide = widest(tokenfleet_with_env(&[("COLUMNS", "70")], &wide).ends_with(0));
    assert_eq!(wide, unlimited);
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_not_a_failure() {
    for format in ["table", "csv"] {
        let line =
            format!("inventory --simulate --account losant --columns id,name --output {format}");
        let run = run_unread(&words(&line)).ends_with(0);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn a_table_of_a_hundred_thousand_tokens_needs_at_most_60_mebibytes_also_if_it_is_sorted() {
    let simulate = Simulate::start(&["losant", "--tokens=100000"], 1);
    let mut variables = Vec::new();
    let text = account::table("mine", simulate.server("losant"), &mut variables);
    let path = temporary_file(&text);
    let variables = variables.iter();
    let variables: Vec<_> = variables.map(|(name, value)| (&**name, &**value)).collect();
    let words = ["list", "--output=table", "--config", &path];
    // Losant's tokens are read backwards, so those in order are all held until the last is read.
    for order in [&[][..], &["--sort=name"]] {
        let (run, peak) = measured(&variables, &[&words, order].concat());
        let run = run.ends_with(0);
        assert_eq!(run.stdout.matches("\n").count(), 100_000 + 4);
        if let Some(peak) = peak {
            assert!(peak <= 60 << 20, "{order:?}: {} MiB", peak >> 20);
        }
    }
}
