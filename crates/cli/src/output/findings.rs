//! Output of what checks found.

use std::fmt;
use std::io;

use serde::{Serialize, Serializer};
use tokenfleet::check::{Finding, RuleKind, Waiver};
use tokenfleet::model::Principal;
use tokenfleet::{Account, AccountReport, Fact, Timestamp};

use super::format::Format;
use super::json::Typed;
use super::messages::print_note;
use super::results::Results;
use super::standard_output::Output;
use crate::numbers::{counted, grouped};

/// Everything that checks found, and what they could not judge.
#[derive(Debug, Serialize)]
pub(crate) struct FindingsReport<'a> {
    pub(crate) findings: &'a [Finding],
    /// The waived findings, if they are requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waived: Option<&'a [WaivedFinding<'a>]>,
    pub(crate) not_judged: &'a [NotJudged],
    pub(crate) checks: Vec<CheckSummary>,
    /// Notes about waivers.
    pub(crate) notes: Vec<String>,
    pub(crate) accounts: &'a [AccountReport],
    pub(crate) total: Total,
}

/// A finding together with the waiver that covers it.
#[derive(Debug, Serialize)]
pub(crate) struct WaivedFinding<'a> {
    #[serde(flatten)]
    pub(crate) finding: &'a Finding,
    pub(crate) waiver: WaiverObject<'a>,
}

/// The part of a waiver that people ask for.
#[derive(Debug, Serialize)]
pub(crate) struct WaiverObject<'a> {
    pub(crate) name: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) until: &'a str,
}

impl<'a> WaivedFinding<'a> {
    pub(crate) fn new(finding: &'a Finding, waiver: &'a Waiver) -> Self {
        let waiver = WaiverObject {
            name: waiver.name(),
            reason: waiver.reason(),
            owner: waiver.owner(),
            until: waiver.until(),
        };
        Self { finding, waiver }
    }
}

/// Tokens that a rule could not judge, or an account whose tokens are not all known.
#[derive(Debug, Clone)]
pub(crate) struct NotJudged {
    pub(crate) account: Account,
    pub(crate) check: Option<String>,
    pub(crate) rule: Option<&'static str>,
    pub(crate) missing: Option<String>,
    pub(crate) tokens: Option<u64>,
    pub(crate) reason: String,
}

impl Serialize for NotJudged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Object<'a> {
            account: &'a str,
            provider: &'a str,
            check: &'a Option<String>,
            rule: Option<&'static str>,
            missing: &'a Option<String>,
            tokens: Option<u64>,
            reason: &'a str,
        }
        Object {
            account: self.account.name(),
            provider: self.account.provider(),
            check: &self.check,
            rule: self.rule,
            missing: &self.missing,
            tokens: self.tokens,
            reason: &self.reason,
        }
        .serialize(serializer)
    }
}

impl fmt::Display for NotJudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not judged: {}: ", self.account)?;
        if let (Some(check), Some(rule)) = (&self.check, self.rule) {
            write!(f, "{check} ({rule})")?;
            if let Some(tokens) = self.tokens {
                let plural = if tokens == 1 { "" } else { "s" };
                write!(f, ", {tokens} token{plural}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.reason)
    }
}

/// The numbers of one check.
#[derive(Debug, Serialize)]
pub(crate) struct CheckSummary {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) findings: usize,
    pub(crate) waived: usize,
    pub(crate) not_judged: u64,
}

/// The numbers of all checks.
#[derive(Debug, Serialize)]
pub(crate) struct Total {
    pub(crate) accounts: usize,
    /// The accounts of which nothing could be read.
    pub(crate) unread_accounts: usize,
    pub(crate) tokens: u64,
    pub(crate) never_expiring: u64,
    pub(crate) findings: usize,
    pub(crate) waived: usize,
    pub(crate) not_judged: usize,
}

const COLUMNS: [&str; 12] = [
    "account", "provider", "check", "rule", "id", "name", "state", "owner", "since", "until",
    "scopes", "waiver",
];

/// The columns of a table, which a terminal has less place for.
const TABLE_COLUMNS: [&str; 8] = [
    "account", "check", "rule", "id", "name", "owner", "created", "expires",
];

/// The columns that a narrow terminal leaves out.
const LESS_IMPORTANT: [&str; 5] = ["created", "owner", "check", "rule", "account"];

/// The indentation of a sentence that does not fit into a line.
const INDENT: usize = 2;

impl FindingsReport<'_> {
    /// Prints the report. CSV has a place for the findings only.
    pub(crate) fn print(&self, output: &mut Output) -> io::Result<()> {
        match output.format() {
            Format::Json => output.object(self),
            Format::Ndjson => self.print_lines(output),
            Format::Csv => self.print_rows(output),
            Format::Table => self.print_table(output),
        }
    }

    /// Prints on standard error what CSV has no place for. Accounts are reported with their errors.
    pub(crate) fn print_notes(&self, output: &Output) {
        if output.format() != Format::Csv {
            return;
        }
        let fields = self.not_judged.iter().filter(|entry| entry.rule.is_some());
        fields.for_each(|entry| print_note(&entry.to_string()));
        if !output.is_quiet() {
            self.notes.iter().for_each(|note| print_note(note));
        }
    }

    fn waived(&self) -> impl Iterator<Item = &WaivedFinding<'_>> {
        self.waived.into_iter().flatten()
    }

    fn print_lines(&self, output: &mut Output) -> io::Result<()> {
        for finding in self.findings {
            output.object(&Typed::new("finding", finding))?;
        }
        for waived in self.waived() {
            output.object(&Typed::new("waived", waived))?;
        }
        for entry in self.not_judged {
            output.object(&Typed::new("not_judged", entry))?;
        }
        for check in &self.checks {
            output.object(&Typed::new("check", check))?;
        }
        for report in self.accounts {
            output.object(&Typed::account(report))?;
        }
        output.object(&Typed::new("total", &self.total))
    }

    fn print_rows(&self, output: &mut Output) -> io::Result<()> {
        let mut rows = Results::with_columns(&COLUMNS);
        for finding in self.findings {
            rows.add(output, finding, row(finding, ""))?;
        }
        for waived in self.waived() {
            rows.add(output, waived, row(waived.finding, waived.waiver.name))?;
        }
        rows.finish(output)
    }

    fn print_table(&self, output: &mut Output) -> io::Result<()> {
        let waived: Vec<_> = self.waived().collect();
        let mut columns = TABLE_COLUMNS.to_vec();
        if !waived.is_empty() {
            columns.push("waiver");
        }
        let mut rows = Results::with_columns(&columns).leaving_out(&LESS_IMPORTANT);
        for finding in self.findings {
            rows.add(output, finding, table_row(finding, ""))?;
        }
        for waived in &waived {
            let row = table_row(waived.finding, waived.waiver.name);
            rows.add(output, waived, row)?;
        }
        rows.finish(output)?;
        let mut lines = Vec::new();
        let described = self.checks.iter().filter(|check| check.findings > 0);
        for check in described.filter(|_| !output.is_quiet()) {
            if let Some(text) = &check.description {
                lines.push(format!("{}: {text}", check.name));
            }
        }
        lines.extend(self.not_judged.iter().map(ToString::to_string));
        if !output.is_quiet() {
            lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
            lines.push(self.total.to_string());
        }
        let has_rows = !self.findings.is_empty() || !waived.is_empty();
        if has_rows && !lines.is_empty() {
            lines.insert(0, String::new());
        }
        output.sentences(INDENT, lines)
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(self.findings as u64, "finding"))?;
        if self.waived > 0 {
            write!(f, ", {} waived", self.waived)?;
        }
        if self.not_judged > 0 {
            write!(f, ", not everything judged")?;
        }
        // Nobody counted the tokens of the others.
        let read = self.accounts.saturating_sub(self.unread_accounts);
        if read > 0 || self.accounts == 0 {
            let tokens = counted(self.tokens, "token");
            let accounts = counted(read as u64, "account");
            let never = grouped(self.never_expiring);
            let expire = match self.never_expiring {
                1 => "expires",
                _ => "expire",
            };
            write!(f, "; {tokens} in {accounts}, {never} never {expire}")?;
        }
        if self.unread_accounts > 0 {
            let accounts = counted(self.unread_accounts as u64, "account");
            write!(f, "; the tokens of {accounts} are not known")?;
        }
        Ok(())
    }
}

/// Returns a row for a program.
fn row(finding: &Finding, waiver: &str) -> Vec<String> {
    let known = |fact: &Fact<String>| fact.known().cloned().unwrap_or_default();
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let owner = finding.owner().as_ref().map(|owner| {
        let kind = owner.kind().unwrap_or_default();
        format!("{kind}:{}", owner.id())
    });
    vec![
        finding.account().name().to_owned(),
        finding.account().provider().to_owned(),
        finding.check().to_owned(),
        finding.rule().to_string(),
        finding.id().to_string(),
        known(finding.name()),
        finding.state().as_str().to_owned(),
        known(&owner),
        time(finding.since()),
        time(finding.until()),
        finding.scopes().unwrap_or_default().to_owned(),
        waiver.to_owned(),
    ]
}

/// Returns a row for a person.
fn table_row(finding: &Finding, waiver: &str) -> Vec<String> {
    let text = |fact: Fact<String>| match fact {
        Fact::Known(text) => text,
        Fact::Absent => "none".to_owned(),
        Fact::NotReported => "not reported".to_owned(),
    };
    let owner = |owner: &Principal| owner.name().unwrap_or(owner.id()).to_owned();
    let day = |at: Option<Timestamp>| match at.map(|at| at.to_string()) {
        Some(at) => at.split('T').next().unwrap_or_default().to_owned(),
        None => String::new(),
    };
    // The day since when a token is unused, or by which it appeared or vanished, is not that of its
    // creation.
    let word = match finding.rule() {
        RuleKind::UnusedFor => Some("since"),
        RuleKind::AppearedWithin | RuleKind::VanishedWithin => Some("by"),
        _ => None,
    };
    let since = word.zip(finding.since());
    let mut row = vec![
        finding.account().name().to_owned(),
        finding.check().to_owned(),
        match (finding.scopes(), since) {
            (Some(scopes), _) => format!("{}: {scopes}", finding.rule()),
            (None, Some((word, at))) => format!("{}: {word} {}", finding.rule(), day(Some(at))),
            (None, None) => finding.rule().to_string(),
        },
        finding.id().to_string(),
        text(finding.name().clone()),
        text(finding.owner().as_ref().map(owner)),
        day(finding.since().filter(|_| word.is_none())),
        day(finding.until()),
    ];
    if !waiver.is_empty() {
        row.push(waiver.to_owned());
    }
    row
}
