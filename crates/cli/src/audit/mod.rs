//! The audit log: every write, before it is sent and when its outcome is known.
//!
//! It is a file of JSON lines, to which each event is appended with one write (decision 0034). The
//! file is opened for each event, so it can be renamed at any time to rotate it.

mod event;
mod file;
mod settings;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokenfleet::config::cause_text;
use tokenfleet::journal::{Intent, Journal, Outcome, Resolution};
use tokenfleet::{Configuration, Error, Result};

pub(crate) use self::event::{Event, IntentEvent, OutcomeEvent, ResolutionEvent};

use self::settings::AuditSettings;
use crate::output::print_warning;

/// The advice on a log that cannot be written.
const ADVICE: &str = "choose another `file` in the table [audit] of the configuration, \
                      or turn the log off there with `enabled = false`";

/// The audit log of the program.
#[derive(Debug)]
pub(crate) struct AuditLog {
    /// The path of the file, or the reason why there is none.
    path: Result<PathBuf>,
    requires_reason: bool,
    /// `true` once an outcome could not be recorded.
    is_incomplete: AtomicBool,
}

impl AuditLog {
    /// Reads the table `[audit]`. Returns `None` if it turns the log off. Nothing is opened yet.
    pub(crate) fn new(configuration: &Configuration) -> Result<Option<Self>> {
        let settings = AuditSettings::read(configuration)?;
        Ok(settings.enabled.then(|| Self {
            path: settings.path(),
            requires_reason: settings.require_reason,
            is_incomplete: AtomicBool::new(false),
        }))
    }

    /// Returns the path of the file.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        self.path.clone()
    }

    /// Rejects a missing reason if one is required.
    pub(crate) fn check_reason(&self, reason: Option<&str>) -> Result<()> {
        if self.requires_reason && reason.is_none_or(|reason| reason.trim().is_empty()) {
            return Err(Error::invalid_input("changes need a reason")
                .with_advice("pass --reason; the table [audit] requires it"));
        }
        Ok(())
    }

    /// Returns `true` if an outcome could not be recorded.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.is_incomplete.load(Ordering::SeqCst)
    }

    fn append(&self, event: &Event) -> Result<()> {
        let path = self.path()?;
        let mut line = serde_json::to_vec(event).map_err(io::Error::from);
        if let Ok(line) = &mut line {
            line.push(b'\n');
        }
        let written = line.and_then(|line| file::append(&path, &line));
        written.map_err(|error| {
            let message = format!(
                "cannot write the audit log {}: {}",
                path.display(),
                cause_text(&error)
            );
            Error::configuration(message)
                .with_source(error)
                .with_advice(ADVICE)
        })
    }
}

/// Writes without giving up control: once a response has arrived, nothing can come between it and
/// the caller, to whom it may bring a secret.
#[async_trait]
impl Journal for AuditLog {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        self.check_reason(intent.reason.as_deref())?;
        self.append(&Event::Intent(IntentEvent::new(intent)))
    }

    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
        let event = OutcomeEvent::new(intent, outcome);
        let id = event.id.clone();
        let said = event.result_text();
        if let Err(error) = self.append(&Event::Outcome(event)) {
            self.is_incomplete.store(true, Ordering::SeqCst);
            print_warning(&format!(
                "{error}; the {} of {} {said}, but the log says nothing of it: its entry {id} stays \
                 open",
                intent.operation, intent.account,
            ));
        }
    }

    async fn record_resolution(&self, intent: &str, resolution: &Resolution) {
        let event = Event::Resolution(ResolutionEvent::new(intent, resolution));
        if let Err(error) = self.append(&event) {
            self.is_incomplete.store(true, Ordering::SeqCst);
            print_warning(&format!(
                "{error}; what was found out about the entry {intent} is not in the log"
            ));
        }
    }
}
