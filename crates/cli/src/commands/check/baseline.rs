//! The text of a baseline: a waiver for each finding.

use std::collections::HashSet;
use std::time::Duration;

use tokenfleet::check::Finding;
use tokenfleet::{Fact, Result, Timestamp};

use crate::arguments::CheckArguments;
use crate::output::needs_escape;
use crate::time;

/// The time for which the waivers hold unless told otherwise.
const DEFAULT_PERIOD: Duration = Duration::from_secs(90 * 86_400);

/// Returns the last day of the waivers, as it is written.
pub(super) fn last_day(arguments: &CheckArguments, now: Timestamp) -> Result<String> {
    let until = match arguments.waiver_until {
        Some(until) => until,
        None => time::after(now, DEFAULT_PERIOD)?,
    };
    let text = until.to_string();
    Ok(match text.split_once('T') {
        Some((day, _)) => day.to_owned(),
        None => text,
    })
}

/// Returns the findings as waivers, one for each check of a token.
pub(super) fn text(findings: &[Finding], arguments: &CheckArguments, until: String) -> String {
    let mut text =
        "# Findings that are accepted for now. Edit freely: each table is one waiver.\n".to_owned();
    let mut written = HashSet::new();
    for finding in findings {
        let (account, id) = (finding.account().name(), finding.id().as_str());
        let name = format!("{} {account} {id}", finding.check());
        // Several rules of a check may find the same token.
        if !written.insert(name.clone()) {
            continue;
        }
        let comment = match finding.name() {
            Fact::Known(name) => format!("  # {}", escaped(name)),
            _ => String::new(),
        };
        // An id that comes again is another token.
        let created = match finding.created_at() {
            Some(created) => format!("created = {}\n", quoted(&created.to_string())),
            None => String::new(),
        };
        text += &format!(
            "\n[waivers.{}]\naccount = {}\nid = {}{comment}\n{created}check = {}\nreason = {}\n\
             owner = {}\nuntil = {}\n",
            quoted(&name),
            quoted(account),
            quoted(id),
            quoted(finding.check()),
            quoted(arguments.waiver_reason.as_deref().unwrap_or_default()),
            quoted(arguments.waiver_owner.as_deref().unwrap_or_default()),
            quoted(&until),
        );
    }
    text
}

/// Returns a text as a string of TOML.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Escapes a text as TOML does within quotes, with everything that nobody would see.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if needs_escape(c) => escaped += &format!("\\U{:08X}", u32::from(c)),
            c => escaped.push(c),
        }
    }
    escaped
}
