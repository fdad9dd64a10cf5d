//! The strays of a snapshot: living tokens that were left behind or bear a marker, and that nothing
//! in the ledger needs.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;
use tokenfleet::journal::OperationId;
use tokenfleet::workflow::Marker;
use tokenfleet::{Account, Result, Token, TokenId};
use tokenfleet_ledger::Ledger;
use tokenfleet_rotation::runner::LedgerRotationStore;
use tokenfleet_rotation::strays::{KnownMarkers, Origin, Stray};

use crate::numbers::grouped;
use crate::program_name::{command_line, shell_quoted};
use crate::rotations::{Holder, StampedPlaces};

/// Returns the markers that a ledger knows: those of its rotations, and of the creations that are
/// open.
pub(super) async fn known_markers(ledger: &Arc<dyn Ledger>) -> Result<KnownMarkers> {
    let mut known = KnownMarkers::new(ledger.ledger_id().await?);
    for operation in ledger.open_operations().await? {
        for write in &operation.writes {
            if let Some(marker) = write.intent.marker().and_then(|text| text.parse().ok()) {
                known.add_write(marker);
            }
        }
    }
    let tasks: Arc<dyn Ledger> = Arc::clone(ledger);
    let store = LedgerRotationStore::open(tasks).await?;
    // One that is closed between the two is in both.
    for (stored, is_open) in [
        (store.open_rotations().await?, true),
        (store.closed_rotations().await?, false),
    ] {
        // Its markers are not known, and its tokens would be taken for forgotten ones.
        if let Some(unreadable) = stored.unreadable.into_iter().next() {
            return Err(unreadable.error);
        }
        for stored in &stored.rotations {
            known.add_rotation(&stored.record.account, &stored.record.rotation, is_open);
        }
    }
    Ok(known)
}

/// Finds the strays among the tokens of an account.
pub(super) struct StraySearch {
    pub(super) account: Account,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) known: Arc<KnownMarkers>,
    /// Copies of the strays that were found.
    pub(super) found: Vec<Token>,
}

impl StraySearch {
    /// Looks through some tokens. Those that a recorded write issued are none.
    pub(super) async fn look_through(&mut self, tokens: &[Token]) -> Result<()> {
        let strays = self.known.strays(&self.account, tokens);
        let unknown: Vec<_> = strays.iter().filter(|stray| is_unknown(stray)).collect();
        let ids: Vec<_> = (unknown.iter())
            .map(|stray| stray.token.id.clone())
            .collect();
        let writes = if ids.is_empty() {
            Vec::new()
        } else {
            self.ledger.writes_to(&self.account, &ids).await?
        };
        let issued: HashSet<&TokenId> = writes.iter().filter_map(|write| write.issued()).collect();
        let strays = strays
            .iter()
            .filter(|stray| !(is_unknown(stray) && issued.contains(&stray.token.id)));
        self.found.extend(strays.map(|stray| stray.token.clone()));
        Ok(())
    }

    /// Looks through what was found once more: what was begun meanwhile is known by now.
    /// Those that a place holds are to be kept.
    pub(super) async fn again(
        mut self,
        known: Arc<KnownMarkers>,
        places: &mut StampedPlaces<'_>,
    ) -> Result<Vec<StrayObject>> {
        let found = std::mem::take(&mut self.found);
        self.known = known;
        self.look_through(&found).await?;
        let mut objects = Vec::new();
        for token in &self.found {
            let Some(origin) = self.known.origin(&self.account, token) else {
                continue;
            };
            let object = StrayObject::new(&self.account, token, origin);
            let made_by = object.operation;
            objects.push(match places.holder(&self.account, token, made_by).await {
                Holder::Place(place) => object.held_in(place),
                Holder::Perhaps(place, reason) => object.perhaps_in(&place, &reason),
                Holder::Nobody => object,
            });
        }
        Ok(objects)
    }
}

/// Returns `true` for a token whose marker is not that of a known rotation or of an open write.
fn is_unknown(stray: &Stray<'_>) -> bool {
    matches!(stray.origin, Origin::Forgotten | Origin::Foreign)
}

/// A stray as it is printed.
#[derive(Serialize)]
pub(super) struct StrayObject {
    token: String,
    name: Option<String>,
    markers: Vec<String>,
    origin: &'static str,
    /// The rotation that made it, if it is known.
    operation: Option<OperationId>,
    why: String,
    /// The place that holds it by its stamp.
    place: Option<String>,
    /// The command that revokes it, for a person to run, unless a place holds it or may hold it.
    revoke: Option<String>,
}

impl StrayObject {
    fn new(account: &Account, token: &Token, origin: Origin) -> Self {
        let (origin, operation, why) = match origin {
            Origin::Late(id) => (
                "late",
                Some(id),
                format!(
                    "rotation {id} made it and ended with another token, so nobody has its secret"
                ),
            ),
            Origin::Abandoned(id) => (
                "abandoned",
                Some(id),
                format!("rotation {id} made it and was given up: a sink may hold it"),
            ),
            Origin::Replaced(id) => (
                "replaced",
                Some(id),
                format!(
                    "rotation {id} was given up when every place held the new secret, before this \
                     old one was revoked"
                ),
            ),
            Origin::Survived(id) => (
                "survived",
                Some(id),
                format!(
                    "rotation {id} is done, and the platform had confirmed that this old token was \
                     revoked"
                ),
            ),
            Origin::Forgotten => (
                "forgotten",
                None,
                "its marker is one of this ledger, which does not know it, because a backup was \
                 restored or the creation was carried out late: it may be in use"
                    .to_owned(),
            ),
            _ => (
                "foreign",
                None,
                "its marker is one of another ledger or of none: it may be in use".to_owned(),
            ),
        };
        let words = [token.id.as_str(), account.name()].map(shell_quoted);
        let [id, name] = words;
        Self {
            token: token.id.to_string(),
            name: token.name.known().cloned(),
            markers: Marker::all_of(token)
                .iter()
                .map(Marker::to_string)
                .collect(),
            origin,
            operation,
            why,
            place: None,
            revoke: Some(command_line(&format!("revoke {id} --account {name}"))),
        }
    }

    fn held_in(mut self, place: String) -> Self {
        self.why = format!("{}; {place} holds it: keep it", self.why);
        self.place = Some(place);
        self.revoke = None;
        self
    }

    fn perhaps_in(mut self, place: &str, reason: &str) -> Self {
        let locate = command_line("locate --secret-file FILE");
        self.why = format!(
            "{}; whether {place} holds it is not known: {reason}; do not revoke it before `{locate}` \
             has told whose secret is there",
            self.why
        );
        self.revoke = None;
        self
    }
}

/// Returns the strays of an account as sentences. Those of other ledgers are counted only.
pub(super) fn sentences(account: &str, strays: &[StrayObject]) -> Vec<String> {
    let (foreign, own): (Vec<_>, Vec<_>) =
        strays.iter().partition(|stray| stray.origin == "foreign");
    let own = own.into_iter().map(|stray| {
        let name = stray.name.as_ref();
        let name = name.map(|name| format!(" {name:?}")).unwrap_or_default();
        let revoke = stray.revoke.as_ref();
        let revoke = revoke.map(|revoke| format!("; `{revoke}` revokes it"));
        format!(
            "{account}: token {}{name} is {}: {}{}",
            stray.token,
            stray.origin,
            stray.why,
            revoke.unwrap_or_default()
        )
    });
    let counted = match foreign.len() {
        0 => None,
        1 => Some(format!(
            "{account}: 1 token bears a marker of another ledger or of none (--output json shows it)"
        )),
        count => Some(format!(
            "{account}: {} tokens bear markers of other ledgers or of none (--output json shows \
             them)",
            grouped(count as u64)
        )),
    };
    own.chain(counted).collect()
}
