//! `history`: what became of a token.

use serde::Serialize;
use tokenfleet::{Error, ErrorKind, Fate, Registry, Timestamp, Token, TokenId};
use tokenfleet_ledger::{Change, Owner, Snapshot, Source, Span, Version, Write};

use crate::arguments::{GlobalArguments, HistoryArguments};
use crate::exit::{Exit, Failure};
use crate::ledger::{Authors, OpenCreations, OpenedLedger};
use crate::output::{
    Author, FieldChange, Format, Output, Results, describe_author, describe_beginning,
    describe_end, displayed_id, had_expired,
};

const COLUMNS: [&str; 6] = ["at", "account", "change", "name", "details", "by"];

/// The columns that a narrow table leaves out.
const LESS_IMPORTANT: [&str; 3] = ["account", "name", "by"];

/// The columns of CSV.
const CSV_COLUMNS: [&str; 8] = [
    "at", "account", "provider", "change", "name", "details", "by", "reason",
];

/// Something that happened to the token, at the time of the snapshot that saw it, or of the write
/// if none did.
#[derive(Debug, Serialize)]
struct Event<'a> {
    at: Timestamp,
    account: &'a str,
    provider: &'a str,
    owner: Option<&'a Owner>,
    /// `found` by the first snapshot, `appeared`, `changed` or `vanished`; `written` for a write
    /// that no snapshot tells.
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldChange>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: Option<Option<bool>>,
    #[serde(flatten)]
    author: Author,
    token: Option<&'a Token>,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    details: String,
}

pub(crate) async fn run(
    global: &GlobalArguments,
    arguments: &HistoryArguments,
    registry: &Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = OpenedLedger::open(global).await?;
    let accounts = opened.accounts(global, registry).await?;
    let open = OpenCreations::read(&*opened.ledger).await?;
    let id = TokenId::new(arguments.id.as_str());
    let columns: &[_] = match output.format() {
        Format::Csv => &CSV_COLUMNS,
        _ => &COLUMNS,
    };
    let mut results = Results::with_columns(columns).leaving_out(&LESS_IMPORTANT);
    let mut is_known = false;
    let ids = std::slice::from_ref(&id);
    for account in &accounts {
        let mut is_seen = false;
        for source in &account.sources {
            let versions = opened.ledger.history(source, &id).await?;
            if versions.is_empty() {
                continue;
            }
            let snapshots = opened.ledger.snapshots(source).await?;
            let history = History {
                source,
                snapshots: &snapshots,
                authors: Authors::read(&*opened.ledger, &source.account, ids, &open).await?,
            };
            let is_first = !is_seen;
            is_seen = true;
            for event in history.events(&versions, &id, is_first)? {
                let row = row(&event, output.format());
                results.add(output, &event, row)?;
            }
        }
        is_known |= is_seen;
        if is_seen {
            continue;
        }
        let authors = Authors::read(&*opened.ledger, &account.account, ids, &open).await?;
        for (write, author) in authors.writes_to(&id) {
            is_known = true;
            let event = written(write, author);
            let row = row(&event, output.format());
            results.add(output, &event, row)?;
        }
    }
    if !is_known {
        let message = format!("the ledger knows no token {}", displayed_id(&id));
        let error = Error::new(ErrorKind::NotFound, Fate::NotSent, message);
        let advice = "a token is known once a snapshot has seen it, or this program changed it";
        return Err(error.with_advice(advice).into());
    }
    results.finish(output)?;
    Ok(Exit::Success)
}

/// Returns the event of a write that no snapshot tells.
fn written(write: &Write, author: Author) -> Event<'_> {
    let account = &write.intent.account;
    let details = if write.is_open() {
        "its outcome is unknown"
    } else {
        ""
    };
    Event {
        at: write.intent.at,
        account: account.name(),
        provider: account.provider(),
        owner: None,
        change: "written",
        fields: None,
        expired: None,
        author,
        token: None,
        name: write.intent.name.clone().unwrap_or_default(),
        details: details.to_owned(),
    }
}

/// The history of a token of one source.
struct History<'a> {
    source: &'a Source,
    snapshots: &'a [Snapshot],
    authors: Authors,
}

impl<'a> History<'a> {
    /// Returns what snapshots saw, and with `with_writes` the writes that none of that tells: all
    /// of those before the first snapshot if any of them does not.
    fn events(
        &'a self,
        versions: &'a [Version],
        id: &'a TokenId,
        with_writes: bool,
    ) -> tokenfleet::Result<Vec<Event<'a>>> {
        let mut events = self.seen(versions)?;
        if !with_writes {
            return Ok(events);
        }
        let told: Vec<_> = (events.iter())
            .filter_map(|event| match &event.author {
                Author::Us { written_at, .. } => Some(*written_at),
                _ => None,
            })
            .collect();
        let first = versions.first().map(|version| version.from);
        let is_told = |write: &Write| told.contains(&write.intent.at);
        let is_before = |write: &Write| first.is_some_and(|first| write.intent.at < first);
        let writes: Vec<_> = self.authors.writes_to(id).collect();
        let begins_earlier = (writes.iter()).any(|(write, _)| is_before(write) && !is_told(write));
        let untold = writes
            .into_iter()
            .filter(|(write, _)| !is_told(write) || (begins_earlier && is_before(write)));
        events.extend(untold.map(|(write, author)| written(write, author)));
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    /// Returns what snapshots saw.
    fn seen(&self, versions: &'a [Version]) -> tokenfleet::Result<Vec<Event<'a>>> {
        let mut events = Vec::new();
        let mut before: Option<&Version> = None;
        for version in versions {
            let earlier = before.filter(|before| before.to == Some(version.from));
            if let Some(ended) = before.filter(|_| earlier.is_none()) {
                events.extend(self.end(ended)?);
            }
            let old = earlier.map(|before| &before.token);
            events.push(self.beginning(old, version)?);
            before = Some(version);
        }
        if let Some(last) = before {
            events.extend(self.end(last)?);
        }
        Ok(events)
    }

    /// Returns the event with which a version began.
    fn beginning(
        &self,
        old: Option<&Token>,
        version: &'a Version,
    ) -> tokenfleet::Result<Event<'a>> {
        let Version { from, token, .. } = version;
        let change = Change::between(old.cloned(), Some(token.clone()));
        let author = self.author(change.as_ref(), *from)?;
        let is_first = self.snapshots.first().is_none_or(|first| first.at >= *from);
        let (change, fields, details) = match change {
            Some(Change::Changed { fields, .. }) => {
                let before = old.unwrap_or(token);
                let fields = FieldChange::all(before, token, &fields);
                let details = FieldChange::describe(&fields);
                ("changed", Some(fields), details)
            }
            _ if is_first => ("found", None, describe_beginning(token)),
            _ => ("appeared", None, describe_beginning(token)),
        };
        Ok(Event {
            at: *from,
            account: self.source.account.name(),
            provider: self.source.account.provider(),
            owner: self.source.owner.as_ref(),
            change,
            fields,
            expired: None,
            author,
            token: Some(token),
            name: name_of(token),
            details,
        })
    }

    /// Returns the event with which a version ended, if no other followed.
    fn end(&self, version: &'a Version) -> tokenfleet::Result<Option<Event<'a>>> {
        let Some(to) = version.to else {
            return Ok(None);
        };
        let token = &version.token;
        let change = Change::between(Some(token.clone()), None);
        Ok(Some(Event {
            at: to,
            account: self.source.account.name(),
            provider: self.source.account.provider(),
            owner: self.source.owner.as_ref(),
            change: "vanished",
            fields: None,
            expired: Some(had_expired(token, to)),
            author: self.author(change.as_ref(), to)?,
            token: Some(token),
            name: name_of(token),
            details: describe_end(token, to),
        }))
    }

    /// Returns the author of a change that a snapshot saw and the one before did not.
    fn author(&self, change: Option<&Change>, at: Timestamp) -> tokenfleet::Result<Author> {
        let listings = self.snapshots.iter().filter(|kept| kept.counts.is_some());
        let earlier = listings.enumerate().filter(|(_, kept)| kept.at < at).last();
        match (change, earlier) {
            (Some(change), Some((index, earlier))) => {
                let span = Span::new(earlier.at, at)?;
                // What was forgotten is older than the second snapshot.
                Ok(self.authors.of(change, span, index > 0))
            }
            _ => Ok(Author::Unknown),
        }
    }
}

fn name_of(token: &Token) -> String {
    token.name.known().cloned().unwrap_or_default()
}

fn row(event: &Event<'_>, format: Format) -> Vec<String> {
    let name = event.name.clone();
    let (at, details) = (event.at.to_string(), event.details.clone());
    let (account, change) = (event.account.to_owned(), event.change.to_owned());
    if format != Format::Csv {
        let by = match event.change {
            // It was there before anything was recorded.
            "found" => String::new(),
            _ => describe_author(&event.author),
        };
        return vec![at, account, change, name, details, by];
    }
    let reason = match &event.author {
        Author::Us { reason, .. } => reason.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let by = event.author.as_str().to_owned();
    let provider = event.provider.to_owned();
    vec![at, account, provider, change, name, details, by, reason]
}
