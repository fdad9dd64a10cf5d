//! Output of the changes between two states of a ledger.

use std::io;

use serde::Serialize;
use serde_json::Value;
use tokenfleet::{Account, Fact, Timestamp, Token, TokenId, TokenState};
use tokenfleet_ledger::{Change, Owner, UnknownToken};

use super::author::Author;
use super::columns::{Cell, Column, NOT_REPORTED};
use super::compared::Compared;
use super::escaped_json;
use super::format::Format;
use super::json::Typed;
use super::messages::{print_note, print_warning};
use super::results::Results;
use super::standard_output::Output;
use crate::numbers::{counted, grouped};

/// The columns of a table.
const COLUMNS: [&str; 6] = ["change", "account", "id", "name", "details", "by"];

/// The columns that a narrow table leaves out.
const LESS_IMPORTANT: [&str; 3] = ["by", "account", "name"];

/// The columns of CSV, which has a row for each field that changed.
const CSV_COLUMNS: [&str; 12] = [
    "account",
    "provider",
    "change",
    "id",
    "name",
    "field",
    "before",
    "after",
    "expired",
    "by",
    "operation",
    "reason",
];

/// A field that changed.
#[derive(Debug, Serialize)]
pub(crate) struct FieldChange {
    pub(crate) field: String,
    before: Value,
    after: Value,
    /// The values as CSV has them.
    #[serde(skip)]
    cells: [String; 2],
    /// The values for people.
    #[serde(skip)]
    texts: [String; 2],
}

impl FieldChange {
    /// Returns the fields of a token that differ, with the values that they had and have.
    pub(crate) fn all(before: &Token, after: &Token, fields: &[String]) -> Vec<Self> {
        let [old, new] = [before, after].map(|token| serde_json::to_value(token).ok());
        let change = |field: &String| Self {
            field: field.clone(),
            before: value(old.as_ref(), field),
            after: value(new.as_ref(), field),
            cells: [before, after].map(|token| cell(token, field)),
            texts: [before, after].map(|token| text(token, field)),
        };
        fields.iter().map(change).collect()
    }

    /// Describes changes on one line, such as `name: a → b`. The time of the change itself is left
    /// out where there is anything else.
    pub(crate) fn describe(changes: &[Self]) -> String {
        let is_time = |change: &Self| change.field == "updated_at";
        let is_only_time = changes.iter().all(is_time);
        let shown = changes.iter();
        let shown = shown.filter(|change| is_only_time || !is_time(change));
        let shown = shown.map(|change| {
            let [before, after] = &change.texts;
            format!("{}: {before} → {after}", change.field)
        });
        shown.collect::<Vec<_>>().join("; ")
    }
}

/// Returns the value of a field, or of an attribute, in the JSON of a token.
fn value(token: Option<&Value>, field: &str) -> Value {
    let found = token.and_then(|token| match field.strip_prefix("attributes.") {
        Some(name) => token.get("attributes")?.get(name),
        None => token.get(field),
    });
    found.cloned().unwrap_or_default()
}

/// Returns the value of a field as CSV has it.
fn cell(token: &Token, field: &str) -> String {
    let account = Account::new("", "");
    let column = Column::parse(field).ok();
    column.map_or(String::new(), |column| {
        column.field(&account, token).into_owned()
    })
}

/// Returns the value of a field for people.
fn text(token: &Token, field: &str) -> String {
    let Ok(column) = Column::parse(field) else {
        return String::new();
    };
    // No account is shown here.
    match column.cell(&Account::new("", ""), token) {
        Cell::Text(text) => text.into_owned(),
        Cell::Time(Fact::Known(at)) => at.truncated_to_seconds().to_string(),
        Cell::Time(Fact::Absent) => column.absent().to_owned(),
        Cell::Time(Fact::NotReported) => NOT_REPORTED.to_owned(),
    }
}

/// Returns `true` if a token that has vanished had expired by then, or `None` if nobody knows.
pub(crate) fn had_expired(token: &Token, by: Timestamp) -> Option<bool> {
    match token.expiry {
        _ if token.state == TokenState::Expired => Some(true),
        Fact::Known(at) => Some(at <= by),
        Fact::Absent => Some(false),
        Fact::NotReported => None,
    }
}

/// Describes the end of a token that has vanished.
pub(crate) fn describe_end(token: &Token, by: Timestamp) -> String {
    match token.expiry.map(Timestamp::truncated_to_seconds) {
        _ if token.state == TokenState::Revoked => "was revoked".to_owned(),
        Fact::Known(at) if at <= by => format!("expired {at}"),
        Fact::Known(at) => format!("before its expiry {at}"),
        _ if token.state == TokenState::Expired => "expired".to_owned(),
        Fact::Absent => "without an expiry".to_owned(),
        Fact::NotReported => "its expiry is not reported".to_owned(),
    }
}

/// Describes a token that has appeared.
pub(crate) fn describe_beginning(token: &Token) -> String {
    let expiry = match token.expiry.map(Timestamp::truncated_to_seconds) {
        Fact::Known(at) if token.state == TokenState::Expired => return format!("expired {at}"),
        Fact::Known(at) => format!("expires {at}"),
        Fact::Absent => "never expires".to_owned(),
        Fact::NotReported => "its expiry is not reported".to_owned(),
    };
    format!("{}, {expiry}", token.state.as_str())
}

/// Describes a change that a snapshot at a time has seen.
pub(crate) fn describe_change(change: &Change, at: Timestamp) -> String {
    match change {
        Change::Appeared { token } => describe_beginning(token),
        Change::Vanished { token } => describe_end(token, at),
        Change::Changed {
            before,
            after,
            fields,
        } => FieldChange::describe(&FieldChange::all(before, after, fields)),
        _ => String::new(),
    }
}

/// Returns the word for a change, which scripts rely on.
pub(crate) fn change_word(change: &Change) -> &'static str {
    match change {
        Change::Appeared { .. } => "appeared",
        Change::Vanished { .. } => "vanished",
        _ => "changed",
    }
}

/// A change as an object.
#[derive(Serialize)]
struct ChangeObject<'a> {
    account: &'a str,
    provider: &'a str,
    change: &'static str,
    id: &'a TokenId,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldChange>>,
    /// `true` if a token that has vanished had expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: Option<Option<bool>>,
    #[serde(flatten)]
    author: Author,
    token: &'a Token,
}

/// The comparison of two states of an account.
#[derive(Debug, Serialize)]
pub(crate) struct ComparedAccount {
    #[serde(skip)]
    pub(crate) key: Account,
    pub(crate) account: String,
    pub(crate) provider: String,
    pub(crate) owner: Option<Owner>,
    /// `true` if the account has several histories, which their owners tell apart.
    #[serde(skip)]
    pub(crate) names_owner: bool,
    /// The owners whose tokens the account listed in between.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_owners: Vec<Owner>,
    /// The time of the earlier snapshot.
    pub(crate) from: Option<Timestamp>,
    /// The time of the later snapshot.
    pub(crate) to: Option<Timestamp>,
    /// `complete`, `complete_as_shown`, `partial`, `not_listable`, or `unknown` without snapshots.
    pub(crate) completeness: &'static str,
    pub(crate) reason: Option<String>,
    /// The numbers of changes, or `None` if nothing could be compared.
    #[serde(flatten)]
    pub(crate) counts: Option<ChangeCounts>,
    /// The tokens that no listing shows or rules out, if there may be any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unknown_tokens: Option<UnknownTokens>,
}

/// The tokens of an account that may be alive although no listing shows or rules them out.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct UnknownTokens {
    at_most: usize,
    /// The time at which all of them are dead, if that is known.
    dead_by: Option<Timestamp>,
}

impl UnknownTokens {
    /// Counts tokens, of which there may be none.
    pub(crate) fn count<'a>(tokens: impl Iterator<Item = &'a UnknownToken>) -> Option<Self> {
        let times: Vec<_> = tokens.map(|token| token.dead_by).collect();
        let dead_by = times.iter().copied().collect::<Option<Vec<_>>>();
        (!times.is_empty()).then(|| Self {
            at_most: times.len(),
            dead_by: dead_by.and_then(|times| times.into_iter().max()),
        })
    }

    fn describe(&self) -> String {
        let tokens = counted(self.at_most as u64, "token");
        let dead_by = match self.dead_by {
            Some(at) => format!("dead by {}", at.truncated_to_seconds()),
            None => "and nobody knows when they end".to_owned(),
        };
        format!("; at most {tokens} that no list shows, {dead_by}")
    }
}

/// The numbers of changes of one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ChangeCounts {
    pub(crate) appeared: u64,
    pub(crate) vanished: u64,
    pub(crate) changed: u64,
    /// The number of tokens that were used and are the same otherwise.
    pub(crate) used: u64,
}

impl ComparedAccount {
    /// Returns `true` if changes may be missing.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self.completeness, "partial" | "unknown")
    }

    /// Returns `true` if the platform cannot list the tokens.
    pub(crate) fn is_unlistable(&self) -> bool {
        self.completeness == "not_listable"
    }

    /// Returns `true` if there is more to say than numbers.
    fn has_remark(&self) -> bool {
        self.reason.is_some() || !self.other_owners.is_empty()
    }

    /// Describes the comparison on one line.
    pub(crate) fn line(&self) -> String {
        let unknown = self.unknown_tokens.as_ref();
        let unknown = unknown.map(UnknownTokens::describe).unwrap_or_default();
        self.comparison() + &unknown
    }

    fn comparison(&self) -> String {
        let Self {
            account, provider, ..
        } = self;
        let owner = self.owner.as_ref().filter(|_| self.names_owner);
        let owner = owner.map_or(String::new(), |owner| format!(", owner {}", owner.id));
        let mut line = format!("{account} ({provider}){owner}: ");
        match self.counts {
            Some(counts) => {
                let [appeared, vanished, changed] =
                    [counts.appeared, counts.vanished, counts.changed].map(grouped);
                if self.is_incomplete() {
                    line += "partial, ";
                }
                line += &format!("+{appeared} -{vanished} ~{changed}");
                if counts.used > 0 {
                    line += &format!(", {} only used", grouped(counts.used));
                }
            }
            None if self.is_unlistable() => return line + "cannot be listed",
            None => line += "unknown",
        }
        if let (Some(from), Some(to)) = (self.from, self.to) {
            line += &format!(", from {from} to {to}");
        }
        if let Some(reason) = &self.reason {
            line += &format!(": {reason}");
        }
        for owner in &self.other_owners {
            line += &format!("; in between it listed the tokens of owner {}", owner.id);
        }
        line
    }
}

/// A series of changes. Each is printed at once, except in a table, which needs all rows.
pub(crate) struct Changes {
    results: Results,
    has_changes: bool,
}

impl Changes {
    pub(crate) fn new(format: Format) -> Self {
        let results = match format {
            Format::Csv => Results::with_columns(&CSV_COLUMNS),
            _ => Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT),
        };
        Self {
            results,
            has_changes: false,
        }
    }

    /// Adds a change.
    pub(crate) fn add(&mut self, output: &mut Output, compared: &Compared<'_>) -> io::Result<()> {
        let Compared {
            account,
            change,
            author,
            at,
        } = compared;
        let token = change.token();
        let word = change_word(change);
        let fields = match change {
            Change::Changed {
                before,
                after,
                fields,
            } => Some(FieldChange::all(before, after, fields)),
            _ => None,
        };
        let expired = match change {
            Change::Vanished { token } => Some(had_expired(token, *at)),
            _ => None,
        };
        let object = ChangeObject {
            account: account.name(),
            provider: account.provider(),
            change: word,
            id: &token.id,
            fields,
            expired,
            author: author.clone(),
            token,
        };
        let is_first = !std::mem::replace(&mut self.has_changes, true);
        match output.format {
            Format::Json => {
                let separator: &[u8] = if is_first {
                    b"{\"changes\": [\n"
                } else {
                    b",\n"
                };
                output.text(separator)?;
                escaped_json::object(&mut output.writer, &object)
            }
            Format::Ndjson => output.object(&Typed::new("change", &object)),
            Format::Csv => {
                for row in csv_rows(&object) {
                    self.results.add(output, &object, row)?;
                }
                Ok(())
            }
            Format::Table => {
                let details = describe_change(change, *at);
                let row = vec![
                    word.to_owned(),
                    account.name().to_owned(),
                    token.id.as_str().to_owned(),
                    super::columns::name(token).into_owned(),
                    details,
                    describe_author(&object.author),
                ];
                self.results.add(output, &object, row)
            }
        }
    }

    /// Ends the series with the accounts that were compared.
    pub(crate) fn finish(
        self,
        output: &mut Output,
        accounts: &[ComparedAccount],
    ) -> io::Result<()> {
        match output.format {
            Format::Json => {
                output.text(if self.has_changes {
                    b"\n], \"accounts\": ["
                } else {
                    b"{\"changes\": [], \"accounts\": ["
                })?;
                for (index, account) in accounts.iter().enumerate() {
                    output.text(if index == 0 { b"\n" } else { b",\n" })?;
                    escaped_json::object(&mut output.writer, account)?;
                }
                output.text(b"\n]}\n")
            }
            Format::Ndjson => {
                let mut accounts = accounts.iter();
                accounts.try_for_each(|account| output.object(&Typed::new("account", account)))
            }
            Format::Csv => {
                for account in accounts {
                    if account.is_incomplete() {
                        print_warning(&account.line());
                    } else if account.has_remark() && !output.is_quiet {
                        print_note(&account.line());
                    }
                }
                self.results.finish(output)
            }
            Format::Table => {
                self.results.finish(output)?;
                let is_quiet = output.is_quiet;
                let shown = accounts.iter();
                let shown = shown.filter(|account| !is_quiet || account.is_incomplete());
                let lines: Vec<_> = shown.map(ComparedAccount::line).collect();
                if self.has_changes && !lines.is_empty() {
                    output.text(b"\n")?;
                }
                output.sentences(2, lines)
            }
        }
    }
}

/// Describes an author on one line, such as `us: revoke (INC-42)`.
pub(crate) fn describe_author(author: &Author) -> String {
    match author {
        Author::Us {
            operation, reason, ..
        } => match reason {
            Some(reason) => format!("us: {operation} ({reason})"),
            None => format!("us: {operation}"),
        },
        other => other.as_str().to_owned(),
    }
}

/// Returns the rows of a change: one for each field that changed.
fn csv_rows(object: &ChangeObject<'_>) -> Vec<Vec<String>> {
    let account = Account::new("", "");
    let name = Column::Name.field(&account, object.token).into_owned();
    let expired = object.expired.flatten();
    let expired = expired.map_or(String::new(), |expired| expired.to_string());
    let (operation, reason) = match &object.author {
        Author::Us {
            operation, reason, ..
        } => (operation.clone(), reason.clone().unwrap_or_default()),
        _ => Default::default(),
    };
    let row = |field: &str, [before, after]: [&str; 2]| {
        [
            object.account,
            object.provider,
            object.change,
            object.id.as_str(),
            &name,
            field,
            before,
            after,
            &expired,
            object.author.as_str(),
            &operation,
            &reason,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    match &object.fields {
        None => vec![row("", ["", ""])],
        Some(fields) => fields
            .iter()
            .map(|change| row(&change.field, [&change.cells[0], &change.cells[1]]))
            .collect(),
    }
}
