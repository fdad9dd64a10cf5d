//! `expiring`: the tokens that expire soon.

use tokenfleet::check::{Check, Rule};
use tokenfleet::{Filter, Query, Timestamp};

use super::check::waivers_of_expiring;
use super::inventory;
use super::judging::{EXPIRING, Judging};
use crate::accounts::Accounts;
use crate::arguments::ExpiringArguments;
use crate::exit::{Exit, Failure};
use crate::output::{FindingsReport, Format, Output};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &ExpiringArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    let within = Rule::expires_within(arguments.within, now)
        .map_err(|error| error.with_message_prefix("--within"))?;
    let mut check = Check::new(EXPIRING).with_rule(within);
    if let Some(since) = arguments.since {
        let expired = Rule::expired_within(since.duration_until(now), now);
        check = check.with_rule(expired.map_err(|error| error.with_message_prefix("--since"))?);
    }
    if arguments.include_expired {
        check = check.with_rule(Rule::expired(now));
    }
    if let Some(text) = &arguments.expression {
        let filter = Filter::parse_at(text, now);
        check = check.with_tokens(filter.map_err(|error| error.with_message_prefix("--where"))?);
    }
    let query = arguments.pages.apply(Query::new());
    let waivers = waivers_of_expiring(accounts.configuration(), now)?;
    let checks = [check];
    let mut judging = Judging::read(accounts, &checks, waivers, query).await?;
    judging.findings.sort_by_key(|finding| {
        let until = finding.until();
        (until.is_none(), until)
    });
    // Several rules find a token that is past its expiry while its platform calls it active.
    judging
        .findings
        .dedup_by(|second, first| second.account() == first.account() && second.id() == first.id());
    let not_judged = judging.not_judged();
    let report = FindingsReport {
        findings: &judging.findings,
        waived: None,
        not_judged: &not_judged,
        checks: judging.summaries(),
        notes: Vec::new(),
        accounts: &judging.reports,
        total: judging.total(&not_judged),
    };
    let printed = report.print(output);
    report.print_notes(output);
    let accounts_exit = inventory::exit_code(&judging.reports, requested_format, output);
    Exit::combine([accounts_exit, judging.exit(&not_judged)]).after_writing(printed)
}
