//! The report as Markdown, for a ticket or a wiki.

use std::io::{self, Write};

use tokenfleet::{Fact, TokenState, Verdict};

use super::concern::Concern;
use super::escaped::Cell;
use super::html::{Date, days, unknown_note, verdict_word};
use super::row::Row;
use super::summary::{Counts, Summary};
use crate::numbers::{counted, grouped};
use crate::output::escape;

/// The maximum number of tokens that are shown one by one.
const MAX_ROWS: usize = 100;

/// Writes the report.
pub(crate) fn write(summary: &Summary, rows: &[Row], mut writer: &mut dyn Write) -> io::Result<()> {
    let writer = &mut writer;
    let all = &summary.all;
    writeln!(
        writer,
        "# API tokens\n\nAs of {}: {} in {}.\n",
        summary.criteria.now,
        counted(all.tokens, "token"),
        counted(summary.reports.len() as u64, "account"),
    )?;
    let incomplete = summary
        .reports
        .iter()
        .filter(|report| !report.verdict.is_complete());
    let incomplete = incomplete.count() as u64;
    if incomplete > 0 {
        writeln!(
            writer,
            "**Not complete:** these numbers miss tokens of {}, see [accounts](#accounts).\n",
            counted(incomplete, "account"),
        )?;
    }
    let soon = days(summary.criteria.expires_within);
    let idle = days(summary.criteria.unused_for);
    for (label, count) in [
        ("active".to_owned(), all.state(TokenState::Active)),
        (
            format!("expire within {soon}, or are past"),
            all.concern(Concern::ExpiresSoon),
        ),
        (
            "never expire".to_owned(),
            all.concern(Concern::NeverExpires),
        ),
        (
            unknown_note("have a broad scope", all.unknown_scopes),
            all.concern(Concern::BroadScope),
        ),
        (
            unknown_note(&format!("unused for {idle}"), all.unknown_use),
            all.concern(Concern::Unused),
        ),
    ] {
        writeln!(writer, "* **{}** {label}", grouped(count))?;
    }
    write_accounts(summary, writer)?;
    if let Some(changes) = &summary.changes {
        changes.write_markdown(writer)?;
    }
    write_timeline(summary, writer)?;
    let urgent: Vec<_> = rows.iter().filter(|row| !row.concerns.is_empty()).collect();
    if urgent.is_empty() {
        return Ok(());
    }
    writeln!(
        writer,
        "\n## Tokens that need attention\n\n\
         | account | id | name | expiry | last used | attention |\n| --- | --- | --- | --- | --- | --- |"
    )?;
    for row in urgent.iter().take(MAX_ROWS) {
        let time = |fact: &Fact<_>| match fact {
            Fact::Known(at) => Date(*at).to_string(),
            Fact::Absent => "never".to_owned(),
            Fact::NotReported => "–".to_owned(),
        };
        let concerns: Vec<_> = row.concerns.iter().map(|concern| concern.label()).collect();
        writeln!(
            writer,
            "| {} | {} | {} | {} | {} | {} |",
            Cell(&row.account),
            Cell(&row.id),
            Cell(row.name.as_deref().unwrap_or("–")),
            time(&row.expiry),
            time(&row.last_used),
            concerns.join(", "),
        )?;
    }
    let more = summary
        .all
        .by_concern
        .iter()
        .any(|count| *count > MAX_ROWS as u64);
    if urgent.len() > MAX_ROWS || more {
        writeln!(
            writer,
            "\nOnly the {MAX_ROWS} most urgent tokens are shown; the numbers above count all of them."
        )?;
    }
    Ok(())
}

fn write_accounts(summary: &Summary, writer: &mut impl Write) -> io::Result<()> {
    writeln!(
        writer,
        "\n## Accounts\n\n| account | provider | list | tokens | active | never expires | \
         expires soon |\n| --- | --- | --- | ---: | ---: | ---: | ---: |"
    )?;
    for report in &summary.reports {
        let counts = summary.counts(report);
        let number = |count: fn(&Counts) -> u64| {
            let counts = counts.as_ref();
            counts.map_or("–".to_owned(), |counts| grouped(count(counts)))
        };
        let is_listable = !matches!(report.verdict, Verdict::NotListable);
        let mut list = verdict_word(report.verdict.as_str()).to_owned();
        if !report.verdict.is_complete()
            && is_listable
            && let Some(reason) = report.verdict.reason()
        {
            list = format!("**{list}**: {}", Cell(&escape(&reason)));
        }
        writeln!(
            writer,
            "| {} | {} | {list} | {} | {} | {} | {} |",
            Cell(&escape(report.account.name())),
            Cell(&escape(report.account.provider())),
            number(|counts| counts.tokens),
            number(|counts| counts.state(TokenState::Active)),
            number(|counts| counts.concern(Concern::NeverExpires)),
            number(|counts| counts.concern(Concern::ExpiresSoon)),
        )?;
    }
    Ok(())
}

fn write_timeline(summary: &Summary, writer: &mut impl Write) -> io::Result<()> {
    writeln!(
        writer,
        "\n## When tokens expire\n\n| month | tokens |\n| --- | ---: |"
    )?;
    for (label, count) in summary.timeline.bars() {
        writeln!(writer, "| {label} | {} |", grouped(count))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_cell_or_becomes_markup() {
        for (text, expected) in [
            ("a|b", "a\\|b"),
            ("`x`", "\\`x\\`"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("[a](b)", "\\[a\\](b)"),
            ("*a* _b_", "\\*a\\* \\_b\\_"),
            ("@team #1", "&#64;team \\#1"),
            ("https://evil.example", "https&#58;//evil.example"),
            ("WWW.evil.example", "WWW&#46;evil.example"),
            ("ci-2030.1", "ci-2030.1"),
        ] {
            assert_eq!(Cell(text).to_string(), expected);
        }
    }
}
