//! `list`: the tokens of the chosen accounts that match.

use tokenfleet::{Error, Filter, NamePattern, Operation, Query, Result, Timestamp, Verdict, When};

use super::inventory;
use crate::accounts::Accounts;
use crate::arguments::ListArguments;
use crate::duration;
use crate::output::{Format, Output, complain};
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &ListArguments,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Code, Stop> {
    let query = query(arguments, Timestamp::now())?;
    let reports = inventory::print(&accounts.chosen()?, query, output).await?;
    let unlistable = |verdict: &Verdict| matches!(verdict, Verdict::NotListable);
    if reports.iter().all(|report| unlistable(&report.verdict)) {
        for report in &reports {
            let error = Error::unsupported("the platform cannot list tokens")
                .with_account(&report.account)
                .with_operation(Operation::List);
            if !output.is_read_by_people() {
                complain(asked_for, &error);
            }
        }
        return Ok(Code::Unsupported);
    }
    Ok(inventory::judge(&reports, asked_for, output))
}

fn query(arguments: &ListArguments, now: Timestamp) -> Result<Query> {
    let ListArguments {
        name, glob, prefix, ..
    } = arguments;
    let name = (name.clone().map(NamePattern::Exact))
        .or(glob.clone().map(NamePattern::Glob))
        .or(prefix.clone().map(NamePattern::Prefix))
        .map(Filter::Name);
    let state = match arguments.states.as_slice() {
        [] => None,
        [state] => Some(Filter::State(*state)),
        states => Some(Filter::Any(
            states.iter().copied().map(Filter::State).collect(),
        )),
    };
    let never = arguments
        .never_expires
        .then_some(Filter::Expiry(When::Never));
    let before = arguments
        .expires_before
        .map(|at| Filter::Expiry(When::Before(at)));
    let within = match arguments.expires_within {
        None => None,
        Some(span) => {
            let end = duration::after(now, span)?;
            Some(Filter::Expiry(When::From(now)).and(Filter::Expiry(When::Before(end))))
        }
    };
    let filters = [name, state, never, before, within];
    let mut query = filters
        .into_iter()
        .flatten()
        .fold(Query::new(), Query::matching)
        .skipping(arguments.offset);
    query.sort.clone_from(&arguments.sort);
    query.limit = arguments.limit;
    query.page_size = arguments.page_size;
    Ok(query)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tokenfleet::{Fact, Token, TokenId, TokenState};

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn read(words: &[&str]) -> Query {
        let words = ["tokenfleet", "list"].iter().chain(words);
        match Arguments::try_parse_from(words).unwrap().command {
            Command::List(arguments) => {
                query(&arguments, "2030-01-01T00:00:00Z".parse().unwrap()).unwrap()
            }
            _ => unreachable!(),
        }
    }

    #[test]
    fn all_conditions_must_hold_but_one_of_several_states_is_enough() {
        let query = read(&[
            "--glob=ci-*",
            "--state=active",
            "--state=suspended",
            "--expires-within=30d",
        ]);
        let filter = query.filter.unwrap();
        let mut token = Token::new(TokenId::new("1"), TokenState::Suspended);
        token.name = Fact::Known("ci-1".into());
        for (expiry, matches) in [
            ("2030-01-15T00:00:00Z", true),
            ("2029-12-31T23:59:59Z", false),
            ("2030-01-31T00:00:00Z", false),
        ] {
            token.expiry = Fact::Known(expiry.parse().unwrap());
            assert_eq!(filter.matches(&token), matches, "{expiry}");
        }
        token.expiry = Fact::None;
        assert!(!filter.matches(&token));
    }

    #[test]
    fn without_options_every_token_is_asked_for() {
        assert_eq!(read(&[]), Query::new());
    }
}
