//! The report as one page that needs nothing else: no other file, no network, no script to read it.

use std::fmt::{self, Display};
use std::io::{self, Write};

use tokenfleet::{Fact, Timestamp, TokenState};

use super::concern::Concern;
use super::escaped::Text;
use super::row::Row;
use super::summary::{Counts, Summary};
use crate::numbers::{counted, grouped};
use crate::output::escape;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The digests of the style and the script, the only ones that a browser may apply here.
const STYLE_DIGEST: &str = "sha256-5eNqbIOdWy2iU6sZDVQfS4X+kJN+p8S2FCtLfHf4MOs=";
const SCRIPT_DIGEST: &str = "sha256-2ofK3PxgYvzXV8rP+rC+cpklzmbQg2pim9mLi7JdPgY=";

/// The columns of the table of tokens, in the order of [`write_row`].
const COLUMNS: [&str; 10] = [
    "account",
    "provider",
    "id",
    "name",
    "attention",
    "state",
    "created",
    "expiry",
    "last used",
    "scopes",
];

/// Writes the page.
pub(crate) fn write(summary: &Summary, rows: &[Row], mut writer: &mut dyn Write) -> io::Result<()> {
    let writer = &mut writer;
    let now = summary.criteria.now;
    write!(
        writer,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src '{STYLE_DIGEST}'; script-src '{SCRIPT_DIGEST}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>API tokens, {date}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>API tokens</h1>\n<p>As of <time datetime=\"{now}\">{date}</time>, {time} UTC: \
         {tokens} in {accounts}.</p>\n</header>\n<main>\n",
        date = Date(now),
        time = now.to_string().get(11..16).unwrap_or_default(),
        tokens = counted(summary.all.tokens, "token"),
        accounts = counted(summary.reports.len() as u64, "account"),
    )?;
    write_problems(summary, writer)?;
    write_figures(summary, writer)?;
    write_timeline(summary, writer)?;
    write_accounts(summary, writer)?;
    if let Some(changes) = &summary.changes {
        changes.write_html(writer)?;
    }
    write_rows(summary, rows, writer)?;
    write!(
        writer,
        "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// Writes the accounts whose tokens are not all known, before any number.
fn write_problems(summary: &Summary, writer: &mut impl Write) -> io::Result<()> {
    let incomplete = summary
        .reports
        .iter()
        .filter(|report| !report.verdict.is_complete());
    let mut incomplete = incomplete.peekable();
    if incomplete.peek().is_none() {
        return writeln!(
            writer,
            "<p class=\"complete\">Every account was read completely.</p>"
        );
    }
    writeln!(
        writer,
        "<section class=\"problems\" aria-labelledby=\"problems\">\n<h2 id=\"problems\">Not complete</h2>\n\
         <p>The numbers below miss tokens of these accounts.</p>\n<ul>"
    )?;
    for report in incomplete {
        let reason = report.verdict.reason().unwrap_or_default();
        writeln!(
            writer,
            "<li><bdi><strong>{}</strong></bdi> ({}), {}: {}</li>",
            Text(&escape(report.account.name())),
            Text(&escape(report.account.provider())),
            verdict_word(report.verdict.as_str()),
            Text(&escape(&reason)),
        )?;
    }
    writeln!(writer, "</ul>\n</section>")
}

/// Writes the numbers that matter most.
fn write_figures(summary: &Summary, writer: &mut impl Write) -> io::Result<()> {
    let all = &summary.all;
    writeln!(
        writer,
        "<section aria-label=\"Key figures\">\n<dl class=\"figures\">"
    )?;
    let mut figure = |class: &str, count: u64, label: &str, note: &str| {
        let class = if count == 0 { "none" } else { class };
        let note = Text(note);
        writeln!(
            writer,
            "<div class=\"{class}\"><dt>{label}</dt><dd>{}</dd><dd class=\"note\">{note}</dd></div>",
            grouped(count)
        )
    };
    figure(
        "plain",
        all.state(TokenState::Active),
        "active",
        "usable now",
    )?;
    let soon = days(summary.criteria.expires_within);
    let note = format!("within {soon}, or past");
    figure(
        "soon",
        all.concern(Concern::ExpiresSoon),
        "expire soon",
        &note,
    )?;
    figure(
        "bad",
        all.concern(Concern::NeverExpires),
        "never expire",
        "until somebody revokes them",
    )?;
    let broad = unknown_note("a scope that allows everything", all.unknown_scopes);
    figure(
        "bad",
        all.concern(Concern::BroadScope),
        "broad scope",
        &broad,
    )?;
    let idle = days(summary.criteria.unused_for);
    let unused = unknown_note(&format!("for {idle}"), all.unknown_use);
    figure("soon", all.concern(Concern::Unused), "unused", &unused)?;
    writeln!(writer, "</dl>\n</section>")
}

pub(super) fn unknown_note(note: &str, unknown: u64) -> String {
    match unknown {
        0 => note.to_owned(),
        unknown => format!("{note}; not known of {}", grouped(unknown)),
    }
}

/// Writes the bars of the coming months, with their numbers as text.
fn write_timeline(summary: &Summary, writer: &mut impl Write) -> io::Result<()> {
    let bars = summary.timeline.bars();
    let most = bars
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    writeln!(
        writer,
        "<section aria-labelledby=\"timeline\">\n<h2 id=\"timeline\">When tokens expire</h2>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Tokens by month of expiry\">\n\
         <ol class=\"timeline\">"
    )?;
    for (label, count) in &bars {
        // Anything above zero is visible.
        let height = (count * 100).div_ceil(most);
        let class = if label == "never" { "bad" } else { "plain" };
        writeln!(
            writer,
            "<li class=\"{class}\"><span class=\"count\">{}</span>\
             <svg viewBox=\"0 0 10 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect x=\"0\" y=\"{}\" width=\"10\" height=\"{height}\"/></svg>\
             <span class=\"label\">{label}</span></li>",
            grouped(*count),
            100 - height,
        )?;
    }
    writeln!(writer, "</ol>\n</div>\n</section>")
}

fn write_accounts(summary: &Summary, writer: &mut impl Write) -> io::Result<()> {
    writeln!(
        writer,
        "<section aria-labelledby=\"accounts\">\n<h2 id=\"accounts\">Accounts</h2>\n\
         <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of accounts\">\n<table>\n\
         <thead><tr><th scope=\"col\">account</th><th scope=\"col\">provider</th>\
         <th scope=\"col\">list</th><th scope=\"col\" class=\"number\">tokens</th>"
    )?;
    for state in TokenState::ALL {
        write!(
            writer,
            "<th scope=\"col\" class=\"number\">{}</th>",
            state.as_str()
        )?;
    }
    for concern in Concern::ALL {
        write!(
            writer,
            "<th scope=\"col\" class=\"number\">{}</th>",
            concern.label()
        )?;
    }
    writeln!(writer, "</tr></thead>\n<tbody>")?;
    for report in &summary.reports {
        let word = verdict_word(report.verdict.as_str());
        let class = if report.verdict.is_complete() {
            "complete"
        } else {
            "incomplete"
        };
        write!(
            writer,
            "<tr><th scope=\"row\"><bdi>{}</bdi></th><td>{}</td><td class=\"{class}\">{word}</td>",
            Text(&escape(report.account.name())),
            Text(&escape(report.account.provider())),
        )?;
        write_counts(summary.counts(report).as_ref(), writer)?;
        writeln!(writer, "</tr>")?;
    }
    write!(
        writer,
        "</tbody>\n<tfoot><tr><th scope=\"row\">all</th><td></td><td></td>"
    )?;
    write_counts(Some(&summary.all), writer)?;
    writeln!(writer, "</tr></tfoot>\n</table>\n</div>\n</section>")
}

/// Writes the numbers of one account. An account of which nothing is known has none, not zero.
fn write_counts(counts: Option<&Counts>, writer: &mut impl Write) -> io::Result<()> {
    let states = |counts: &Counts| TokenState::ALL.map(|state| counts.state(state));
    let concerns = |counts: &Counts| Concern::ALL.map(|concern| counts.concern(concern));
    let numbers = counts.map(|counts| {
        let first = [counts.tokens].into_iter();
        let numbers = first.chain(states(counts)).chain(concerns(counts));
        numbers.collect::<Vec<_>>()
    });
    for column in 0..=TokenState::ALL.len() + Concern::ALL.len() {
        match numbers.as_ref().and_then(|numbers| numbers.get(column)) {
            Some(count) => write!(writer, "<td class=\"number\">{}</td>", grouped(*count))?,
            None => write!(writer, "<td class=\"number unknown\">–</td>")?,
        }
    }
    Ok(())
}

fn write_rows(summary: &Summary, rows: &[Row], writer: &mut impl Write) -> io::Result<()> {
    let shown = rows.len() as u64;
    writeln!(
        writer,
        "<section aria-labelledby=\"tokens\">\n<h2 id=\"tokens\">Tokens</h2>"
    )?;
    if shown < summary.all.tokens {
        writeln!(
            writer,
            "<p>These are the {} most urgent of {} tokens; the numbers above count all of them. \
             The option --csv writes every one.</p>",
            grouped(shown),
            grouped(summary.all.tokens),
        )?;
    }
    writeln!(
        writer,
        "<p class=\"filter\" hidden><label for=\"filter\">Filter</label> \
         <input id=\"filter\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\"> \
         <output for=\"filter\" aria-live=\"polite\"></output></p>\n\
         <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of tokens\">\n\
         <table id=\"rows\">\n<thead><tr>"
    )?;
    for column in COLUMNS {
        write!(writer, "<th scope=\"col\">{column}</th>")?;
    }
    writeln!(writer, "</tr></thead>\n<tbody>")?;
    for row in rows {
        write_row(row, writer)?;
    }
    writeln!(writer, "</tbody>\n</table>\n</div>\n</section>")
}

fn write_row(row: &Row, writer: &mut impl Write) -> io::Result<()> {
    write!(
        writer,
        "<tr><td><bdi>{}</bdi></td><td>{}</td><td class=\"id\"><bdi>{}</bdi></td>",
        Text(&row.account),
        Text(&row.provider),
        Text(&row.id)
    )?;
    match &row.name {
        Some(name) => {
            let name = Text(name);
            write!(
                writer,
                "<td class=\"name\"><bdi title=\"{name}\">{name}</bdi></td>"
            )?;
        }
        None => write!(writer, "<td class=\"unknown\">–</td>")?,
    }
    let concerns: Vec<_> = row.concerns.iter().map(|concern| concern.label()).collect();
    let concerns = concerns.join(", ");
    write!(
        writer,
        "<td class=\"attention\">{concerns}</td><td>{}</td>",
        row.state
    )?;
    let created = row.created.map_or(Fact::NotReported, Fact::Known);
    for time in [&created, &row.expiry, &row.last_used] {
        match time {
            Fact::Known(at) => {
                write!(
                    writer,
                    "<td><time datetime=\"{at}\">{}</time></td>",
                    Date(*at)
                )?;
            }
            Fact::Absent => write!(writer, "<td>never</td>")?,
            Fact::NotReported => write!(writer, "<td class=\"unknown\">–</td>")?,
        }
    }
    match &row.scopes {
        Some(scopes) => {
            let scopes = Text(scopes);
            writeln!(
                writer,
                "<td class=\"scopes\" title=\"{scopes}\">{scopes}</td></tr>"
            )
        }
        None => writeln!(writer, "<td class=\"unknown\">–</td></tr>"),
    }
}

/// Returns a verdict as a reader calls it.
pub(super) fn verdict_word(verdict: &str) -> &'static str {
    match verdict {
        "complete" => "complete",
        "complete_as_shown" => "complete as shown",
        "partial" => "partial",
        "not_listable" => "cannot be listed",
        _ => "failed",
    }
}

pub(super) fn days(period: std::time::Duration) -> String {
    counted(period.as_secs() / 86_400, "day")
}

/// A time shown as its date.
pub(super) struct Date(pub(super) Timestamp);

impl Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.split_once('T').map_or(&*text, |(date, _)| date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_become_markup() {
        let hostile = "<script>alert('x')</script>\" onload=\"&lt;";
        let text = Text(hostile).to_string();
        assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
        assert_eq!(Text("a & b").to_string(), "a &amp; b");
    }
}
