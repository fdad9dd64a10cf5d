//! The command line as a whole.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory};

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn global_options_are_accepted_before_and_after_the_command() {
    for words in [
        ["tokenfleet", "-v", "--account", "a", "inventory"],
        ["tokenfleet", "inventory", "-v", "--account", "a"],
    ] {
        let arguments = Arguments::try_parse_from(words).unwrap();
        assert_eq!(arguments.global.verbose, 1);
        assert_eq!(arguments.global.accounts, ["a"]);
    }
}

#[cfg(feature = "simulate")]
#[test]
fn simulated_platforms_are_accepted_before_and_after_the_command() {
    for words in [
        ["tokenfleet", "--simulate", "inventory"],
        ["tokenfleet", "inventory", "--simulate"],
    ] {
        assert!(Arguments::try_parse_from(words).unwrap().global.simulate);
    }
}

/// An argument does not ask for the one that it requires where a third one excludes that: what it
/// was to do would be ignored.
#[test]
fn an_argument_is_refused_without_the_one_that_it_requires() {
    let mut requiring = 0;
    for path in leaves(&Arguments::command(), &["tokenfleet".to_owned()]) {
        let parse = |words: &[Vec<String>]| {
            let words = path.1.iter().chain(words.iter().flatten());
            Arguments::try_parse_from(words)
        };
        let arguments: Vec<_> = path.0.get_arguments().collect();
        let given = arguments.iter().map(|argument| {
            let values = candidates(argument).into_iter();
            let mut values = values.map(|value| words_of(argument, value));
            let is_value = |words: &Vec<String>| match parse(&[words.clone()]) {
                Ok(_) => true,
                Err(error) => error.kind() == ErrorKind::MissingRequiredArgument,
            };
            values.find(is_value)
        });
        let given: Vec<Vec<String>> = given.map(Option::unwrap_or_default).collect();
        let always_missing = missing(parse(&[]));
        for words in given.iter().filter(|words| !words.is_empty()) {
            let missing = missing(parse(&[words.clone()]));
            if missing
                .iter()
                .all(|missing| always_missing.contains(missing))
            {
                continue;
            }
            requiring += 1;
            for (other, more) in arguments.iter().zip(&given) {
                let is_complete = !more.is_empty() && parse(&[words.clone(), more.clone()]).is_ok();
                let name = match other.get_long() {
                    Some(long) => format!("--{long}"),
                    None => other.get_value_names().unwrap_or_default().join(" "),
                };
                let is_required = missing.iter().any(|missing| missing.contains(&name));
                assert!(
                    !is_complete || is_required,
                    "{:?} {words:?} {more:?} without {missing:?}",
                    path.1
                );
            }
        }
    }
    assert!(requiring > 10, "{requiring}");
}

/// Returns the arguments that were not given although they are required.
fn missing(parsed: Result<Arguments, clap::Error>) -> Vec<String> {
    let Err(error) = parsed else {
        return Vec::new();
    };
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.clone(),
        _ => panic!("{error}"),
    }
}

/// Returns the commands without subcommands, each with the words that call it.
fn leaves(command: &clap::Command, words: &[String]) -> Vec<(clap::Command, Vec<String>)> {
    if !command.has_subcommands() {
        return vec![(command.clone(), words.to_vec())];
    }
    let subcommands = command.get_subcommands();
    subcommands
        .flat_map(|subcommand| {
            let name = subcommand.get_name().to_owned();
            leaves(subcommand, &[words, &[name]].concat())
        })
        .collect()
}

/// Returns values, of which an argument takes one.
fn candidates(argument: &Arg) -> Vec<Option<String>> {
    if !argument.get_action().takes_values() {
        return vec![None];
    }
    let possible = argument.get_possible_values().into_iter();
    let possible = possible.map(|value| value.get_name().to_owned());
    let texts = [
        "1h",
        "a",
        "1",
        "a=b",
        "file:a",
        "2030-01-01",
        "http://127.0.0.1:1",
    ];
    possible.chain(texts.map(str::to_owned)).map(Some).collect()
}

fn words_of(argument: &Arg, value: Option<String>) -> Vec<String> {
    let option = match (argument.get_long(), argument.get_short()) {
        (Some(long), _) => Some(format!("--{long}")),
        (None, short) => short.map(|short| format!("-{short}")),
    };
    option.into_iter().chain(value).collect()
}
