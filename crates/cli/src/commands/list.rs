//! `list`: the tokens of the selected accounts that match.

use tokenfleet::query::NamePattern;
use tokenfleet::{Error, Filter, Operation, Query, Result, Timestamp, Verdict};

use super::inventory;
use crate::accounts::Accounts;
use crate::arguments::{ListArguments, ListCommandArguments};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error};
use crate::time;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &ListCommandArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    arguments.columns.apply(output)?;
    let query = build_query(accounts, &arguments.list)?;
    let (reports, printed) = inventory::print(accounts, &accounts.fleet(), query, output).await?;
    let is_unlistable = |verdict: &Verdict| matches!(verdict, Verdict::NotListable);
    if reports.iter().all(|report| is_unlistable(&report.verdict)) {
        for report in &reports {
            let error = Error::unsupported("the platform cannot list tokens")
                .with_account(&report.account)
                .with_operation(Operation::List);
            if !output.is_table_beside_errors() {
                print_error(requested_format, &error);
            }
        }
        return Exit::Unsupported.after_writing(printed);
    }
    inventory::exit_code(&reports, requested_format, output).after_writing(printed)
}

/// Builds the query that the options describe.
pub(super) fn build_query(accounts: &Accounts, arguments: &ListArguments) -> Result<Query> {
    let named = match &arguments.query {
        Some(name) => accounts.query(name)?,
        None => Query::new(),
    };
    query(named, arguments, Timestamp::now())
}

/// Narrows a query of the configuration, or all tokens, by every option.
fn query(named: Query, arguments: &ListArguments, now: Timestamp) -> Result<Query> {
    let ListArguments {
        name, glob, prefix, ..
    } = arguments;
    let expression = match &arguments.expression {
        None => None,
        Some(text) => Some(
            Filter::parse_at(text, now).map_err(|error| error.with_message_prefix("--where"))?,
        ),
    };
    let name = (name.clone().map(NamePattern::Exact))
        .or(glob.clone().map(NamePattern::Glob))
        .or(prefix.clone().map(NamePattern::Prefix))
        .map(Filter::Name);
    let state = match arguments.states.as_slice() {
        [] => None,
        [state] => Some(Filter::State(*state)),
        states => Some(Filter::any_of(states.iter().copied().map(Filter::State))),
    };
    let never = arguments.never_expires.then(Filter::never_expires);
    let before = arguments.expires_before.map(Filter::expires_before);
    let within = match arguments.expires_within {
        None => None,
        Some(period) => {
            let end = time::after(now, period)?;
            Some(Filter::expires_from(now).and(Filter::expires_before(end)))
        }
    };
    let filters = [expression, name, state, never, before, within];
    let mut query = filters.into_iter().flatten().fold(named, Query::filter);
    if !arguments.sort.is_empty() {
        query.sort = arguments.sort.concat();
    }
    query.offset = arguments.offset.unwrap_or(query.offset);
    query.limit = arguments.limit.or(query.limit);
    Ok(arguments.pages.apply(query))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tokenfleet::query::SortBy;
    use tokenfleet::{Fact, Token, TokenId, TokenState};

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn parse(words: &[&str]) -> Query {
        narrowed(Query::new(), words)
    }

    fn narrowed(named: Query, words: &[&str]) -> Query {
        let words = ["tokenfleet", "list"].iter().chain(words);
        match Arguments::try_parse_from(words).unwrap().command {
            Command::List(arguments) => {
                let now = "2030-01-01T00:00:00Z".parse().unwrap();
                query(named, &arguments.list, now).unwrap()
            }
            _ => unreachable!(),
        }
    }

    #[test]
    fn all_conditions_must_hold_but_one_of_several_states_is_enough() {
        let query = parse(&[
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
        token.expiry = Fact::Absent;
        assert!(!filter.matches(&token));
    }

    #[test]
    fn without_options_the_query_selects_every_token() {
        assert_eq!(parse(&[]), Query::new());
    }

    #[test]
    fn options_narrow_a_configured_query_and_replace_its_order_and_limits() {
        let [created, name] = ["created", "name:desc"].map(|sort| SortBy::parse_all(sort).unwrap());
        let named = Query::new()
            .filter(Filter::name("ci"))
            .sort_by_keys(created)
            .offset(1)
            .limit(10);
        assert_eq!(narrowed(named.clone(), &[]), named);
        let words = [
            "--where=expiry < now+30d or expiry is never",
            "--state=active",
            "--sort=name:desc",
            "--limit=5",
            "--offset=0",
        ];
        let soon = Filter::expires_before("2030-01-31T00:00:00Z".parse().unwrap());
        let expected = Query::new()
            .filter(Filter::name("ci"))
            .filter(soon.or(Filter::never_expires()))
            .filter(Filter::State(TokenState::Active))
            .sort_by_keys(name)
            .limit(5);
        assert_eq!(narrowed(named, &words), expected);
    }
}
