//! The lines of the audit log.

use serde::{Deserialize, Serialize};
use tokenfleet::journal::{Intent, Outcome, Resolution};
use tokenfleet::{RequestedExpiry, Suspension, Timestamp, TokenId};

use crate::output::displayed_id;
use crate::program_name;

/// A line of the audit log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A write that is about to be sent.
    Intent(IntentEvent),
    /// The outcome of the write.
    Outcome(OutcomeEvent),
    /// The later finding about a write whose outcome was unknown.
    Resolution(ResolutionEvent),
}

/// A write that is about to be sent, and who asked for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IntentEvent {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) run: String,
    pub(crate) account: String,
    pub(crate) provider: String,
    pub(crate) place: Option<String>,
    pub(crate) operation: String,
    pub(crate) token: Option<String>,
    pub(crate) by_secret: bool,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// The requested expiry of a new token.
    pub(crate) requested_expiry: Option<String>,
    /// The requested suspension: `suspend` or `resume`.
    pub(crate) suspension: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) uid: Option<u32>,
    pub(crate) host: Option<String>,
    pub(crate) program: String,
    /// The id that the steps of one operation share.
    pub(crate) operation_id: Option<String>,
    /// The latest time at which a secret that this write may issue expires.
    pub(crate) dead_by: Option<Timestamp>,
}

/// The outcome of a write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OutcomeEvent {
    /// The id of the intent.
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) account: String,
    pub(crate) operation: String,
    /// `succeeded` or `failed`.
    pub(crate) result: String,
    pub(crate) fate: String,
    pub(crate) token: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    /// The outcome of a revocation, in the words of `revoke`.
    pub(crate) outcome: Option<String>,
    pub(crate) effect: Option<String>,
    pub(crate) replacement: Option<String>,
    pub(crate) also_revoked: Vec<String>,
    pub(crate) error_kind: Option<String>,
    pub(crate) error: Option<String>,
    /// The ids of the tokens that a failed write left behind.
    #[serde(default)]
    pub(crate) left_behind: Vec<String>,
}

/// The later finding about a write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResolutionEvent {
    /// The id of the intent.
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    /// `not_applied`, `applied`, `taken_back` or `expired`.
    pub(crate) resolution: String,
    /// The tokens that are revoked, or that are active and nobody has their secrets.
    pub(crate) tokens: Vec<String>,
}

impl ResolutionEvent {
    pub(super) fn new(intent: &str, resolution: &Resolution) -> Self {
        let (word, tokens) = match resolution {
            Resolution::NotApplied => ("not_applied", &[][..]),
            Resolution::Applied(tokens) => ("applied", &tokens[..]),
            Resolution::TakenBack(tokens) => ("taken_back", &tokens[..]),
            Resolution::Expired => ("expired", &[][..]),
            _ => ("unknown", &[][..]),
        };
        Self {
            id: intent.to_owned(),
            at: Timestamp::now(),
            resolution: word.to_owned(),
            tokens: tokens.iter().map(displayed_id).collect(),
        }
    }

    /// Returns `true` if nothing is left to do.
    pub(crate) fn is_settled(&self) -> bool {
        match &*self.resolution {
            "applied" => self.tokens.is_empty(),
            "unknown" => false,
            _ => true,
        }
    }
}

impl IntentEvent {
    pub(super) fn new(intent: &Intent) -> Self {
        let account = &intent.account;
        let expiry = intent.expiry.map(|expiry| match expiry {
            RequestedExpiry::At(at) => at.to_string(),
            RequestedExpiry::In(period) => format!("{} s after the creation", period.as_secs()),
            RequestedExpiry::Never => "never".to_owned(),
            _ => "platform_default".to_owned(),
        });
        Self {
            id: intent.id.clone(),
            at: intent.at,
            run: intent.run.clone(),
            account: account.name().to_owned(),
            provider: account.provider().to_owned(),
            place: account.place().map(without_query),
            operation: intent.operation.to_string(),
            token: shown(intent.token.as_ref()),
            by_secret: intent.by_secret,
            name: intent.name.clone(),
            description: intent.description.clone(),
            requested_expiry: expiry,
            suspension: intent.suspension.map(|suspension| match suspension {
                Suspension::Suspend => "suspend".to_owned(),
                Suspension::Resume => "resume".to_owned(),
            }),
            reason: intent.reason.clone(),
            user: whoami::username().ok(),
            uid: user_id(),
            host: whoami::hostname().ok(),
            program: format!("{} {}", program_name::get(), env!("CARGO_PKG_VERSION")),
            operation_id: Some(intent.operation_id.to_string()),
            dead_by: intent.dead_by,
        }
    }
}

impl OutcomeEvent {
    pub(super) fn new(intent: &Intent, outcome: &Outcome) -> Self {
        let effect = outcome.result.as_ref().ok();
        let error = outcome.result.as_ref().err();
        let revocation = effect.and_then(|effect| effect.revocation);
        let also_revoked = effect.map(|effect| effect.also_revoked.as_slice());
        Self {
            id: intent.id.clone(),
            at: outcome.at,
            account: intent.account.name().to_owned(),
            operation: intent.operation.to_string(),
            result: (if error.is_none() {
                "succeeded"
            } else {
                "failed"
            })
            .to_owned(),
            fate: outcome.fate().as_str().to_owned(),
            token: shown(effect.and_then(|effect| effect.token.as_ref())),
            expires_at: effect.and_then(|effect| effect.expiry().known().copied()),
            outcome: revocation.map(|(outcome, _)| outcome.as_str().to_owned()),
            effect: revocation.map(|(_, effect)| effect.as_str().to_owned()),
            replacement: shown(effect.and_then(|effect| effect.replacement.as_ref())),
            also_revoked: also_revoked
                .unwrap_or_default()
                .iter()
                .map(displayed_id)
                .collect(),
            error_kind: error.map(|error| error.kind().as_str().to_owned()),
            error: error.map(ToString::to_string),
            left_behind: outcome.left_behind.iter().map(displayed_id).collect(),
        }
    }

    /// Describes the result in a few words, such as `failed (maybe_applied)`.
    pub(crate) fn result_text(&self) -> String {
        match &self.error {
            None => self.result.clone(),
            Some(_) => format!("{} ({})", self.result, self.fate),
        }
    }
}

/// Returns an id as it is shown elsewhere: what may be a secret in its place is masked.
fn shown(id: Option<&TokenId>) -> Option<String> {
    id.map(displayed_id)
}

fn without_query(place: &str) -> String {
    place
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn user_id() -> Option<u32> {
    #[cfg(unix)]
    {
        Some(rustix::process::getuid().as_raw())
    }
    #[cfg(not(unix))]
    {
        None
    }
}
