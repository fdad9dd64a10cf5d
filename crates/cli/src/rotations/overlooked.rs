//! What goes wrong in silence: tokens that no rotation is for, and places whose token is gone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::transport::Transport;
use tokenfleet::{Account, Error, Timestamp, Token, TokenId, TokenState};
use tokenfleet_rotation::policy::Policy;
use tokenfleet_rotation::runner::StoredRotation;

use super::held::{Held, held};
use super::holders::{Delivery, delivered, last_deliveries, rotation_command};
use crate::output::displayed_id;
use crate::program_name::{command_line, shell_quoted};
use crate::sinks::Sinks;

/// The number of tokens that a sentence names.
const NAMED: usize = 3;

/// The time for which an account is listed, with some difference between clocks.
const LISTING: Duration = Duration::from_secs(120);

/// Tokens that a policy looks as if it rotated, and does not.
#[derive(Debug)]
pub(crate) struct Oversight {
    pub(crate) message: String,
    pub(crate) advice: &'static str,
}

impl fmt::Display for Oversight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.advice)
    }
}

/// Returns the tokens that a policy should cover or rotate and does not, from a complete listing of
/// its account and the closed rotations of that account.
pub(crate) fn oversights(
    policy: &Policy,
    closed: &[StoredRotation],
    tokens: &[Token],
) -> Vec<Oversight> {
    const NARROW: &str = "correct `where`, or remove the policy";

    let name = &policy.config().name;
    let active = || {
        let tokens = tokens.iter();
        tokens.filter(|token| token.state == TokenState::Active)
    };
    let mut oversights = Vec::new();
    if !active().any(|token| policy.covers(token)) {
        oversights.push(Oversight {
            message: format!(
                "policies.{name} covers no token of {}: `where` matches none",
                policy.config().account
            ),
            advice: NARROW,
        });
    }
    let never_due: Vec<_> = active().filter(|token| policy.overlooks(token)).collect();
    if !never_due.is_empty() {
        let named = never_due.iter().take(NAMED);
        let named: Vec<_> = named.map(|token| displayed_id(&token.id)).collect();
        let more = match never_due.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        oversights.push(Oversight {
            message: format!(
                "policies.{name} never rotates what it covers without an expiry: token {}{more}",
                named.join(", ")
            ),
            advice: "add `max_age` to the policy, which rotates them by their age",
        });
    }
    let own = closed
        .iter()
        .filter(|stored| stored.record.policy.as_deref() == Some(name));
    let kept = own.filter_map(|stored| Some((stored, delivered(stored)?)));
    for (stored, successor) in kept {
        let uncovered = active().find(|token| token.id == successor.token && !policy.covers(token));
        if let Some(token) = uncovered {
            oversights.push(Oversight {
                message: format!(
                    "policies.{name} does not cover token {} any more, which it delivered to {}: \
                     it will not be rotated again",
                    displayed_id(&token.id),
                    stored.record.sinks.join(", ")
                ),
                advice: NARROW,
            });
        }
    }
    oversights
}

/// Warns of a token that is due and was used while the account was listed, where the platform does
/// not tell which token that was done with. `None` if there is none.
pub(crate) fn perhaps_acting(
    policy: &Policy,
    tokens: &[Token],
    is_due: impl Fn(&Token) -> bool,
    now: Timestamp,
) -> Option<Oversight> {
    let is_used_now = |token: &&Token| {
        let used_at = token.last_used.known();
        used_at.is_some_and(|at| at.saturating_add(LISTING) >= now)
    };
    let used_now = tokens.iter().filter(is_used_now);
    let last = (used_now.filter(|token| is_due(token))).max_by_key(|token| token.last_used.known());
    let token = displayed_id(&last?.id);
    let name = &policy.config().name;
    Some(Oversight {
        message: format!(
            "policies.{name} rotates token {token}, which was used just now, perhaps by this program"
        ),
        advice: "if the account authenticates with it, exclude it (`and id != …`), and let another \
                 account rotate it: this one is locked out otherwise",
    })
}

/// A place that holds, by its stamp, a token which its account lists no more.
#[derive(Debug)]
pub(crate) struct DeadPlace {
    place: String,
    token: TokenId,
    /// The name of the token, without its marker.
    name: Option<String>,
    account: Account,
    /// The policy of the rotation that wrote it.
    pub(crate) policy: Option<String>,
}

impl DeadPlace {
    /// Returns the error about the place. A new token gets there as the successor of one that was
    /// created elsewhere: what `create` writes has no stamp, so no rotation would replace it.
    pub(crate) fn error(&self, sinks: &Sinks) -> Error {
        let (place, token) = (&self.place, displayed_id(&self.token));
        let account = self.account.name();
        let mut create = format!("create --account {}", shell_quoted(account));
        if let Some(name) = &self.name {
            create += &format!(" --name {}", shell_quoted(name));
        }
        let create = command_line(&format!("{create} --to file:FILE"));
        let new = TokenId::new("NEW-ID");
        let rotate = rotation_command(sinks, &self.account, Some(&new), [place.as_str()]);
        Error::configuration(format!(
            "{place} holds the secret of token {token}, which {account} lists no more"
        ))
        .with_advice(format!(
            "whoever uses it is locked out: create a token with `{create}`, and put its successor \
             there with `{rotate}`; or empty the place if nobody uses it"
        ))
    }
}

/// Finds the places that hold a token which its account lists no more, from the id of the ledger,
/// its closed rotations of one account, and a complete listing of that. Those that could not be
/// looked at are an oversight.
///
/// Only the places of which the ledger expects this are read.
pub(crate) async fn dead_places(
    ledger: &str,
    closed: &[StoredRotation],
    tokens: &[Token],
    (sinks, transport): (&Sinks, &Arc<dyn Transport>),
) -> (Vec<DeadPlace>, Option<Oversight>) {
    let is_alive = |id: &TokenId| {
        let mut tokens = tokens.iter();
        tokens.any(|token| {
            let is_over = matches!(token.state, TokenState::Revoked | TokenState::Expired);
            token.id == *id && !is_over
        })
    };
    let (mut dead, mut unread) = (Vec::new(), Vec::new());
    for delivery in last_deliveries(sinks, closed).into_values() {
        let Delivery {
            place,
            stored,
            successor,
        } = delivery;
        if is_alive(&successor.token) {
            continue;
        }
        match held(place, ledger, (sinks, transport)).await {
            Ok(Held::Token(token)) if token == successor.token => dead.push(DeadPlace {
                place: place.to_owned(),
                token,
                name: stored.record.token_name.clone(),
                account: stored.record.account.clone(),
                policy: stored.record.policy.clone(),
            }),
            Ok(Held::Unknown) => unread.push(format!(
                "{place} (it has no stamp, or one that others may write)"
            )),
            Ok(_) => {}
            Err(error) => unread.push(format!("{place} ({error})")),
        }
    }
    let not_looked_at = (!unread.is_empty()).then(|| Oversight {
        message: format!(
            "whether a place holds a token that its account lists no more was not looked at: {}",
            unread.join("; ")
        ),
        advice: "run this as the user who runs the rotations, or see to the place",
    });
    (dead, not_looked_at)
}
