//! The places that hold a token, as far as the ledger knows.

use std::collections::BTreeMap;

use tokenfleet::{Account, Result, Timestamp, TokenId};
use tokenfleet_rotation::machine::{RotationState, Successor};
use tokenfleet_rotation::runner::StoredRotation;

use super::opened::Rotations;
use super::places::identity;
use crate::accounts::Accounts;
use crate::output::displayed_id;
use crate::program_name::{command_line, shell_quoted};
use crate::sinks::Sinks;

/// Returns the successor that is in the places of a rotation, open or closed.
pub(super) fn delivered(stored: &StoredRotation) -> Option<&Successor> {
    let rotation = &stored.record.rotation;
    let is_delivered = rotation.state != RotationState::Issuing;
    rotation.successor.as_ref().filter(|_| is_delivered)
}

/// The last delivery to each place, by the identity of the place.
pub(super) type LastDeliveries<'a> = BTreeMap<String, Delivery<'a>>;

/// A delivery of a rotation to one of its places.
#[derive(Clone, Copy)]
pub(super) struct Delivery<'a> {
    pub(super) place: &'a str,
    pub(super) stored: &'a StoredRotation,
    pub(super) successor: &'a Successor,
}

/// Returns the last delivery to each place.
pub(super) fn last_deliveries<'a>(
    sinks: &Sinks,
    rotations: impl IntoIterator<Item = &'a StoredRotation>,
) -> LastDeliveries<'a> {
    let mut last = LastDeliveries::new();
    for stored in rotations {
        let Some(successor) = delivered(stored) else {
            continue;
        };
        for place in &stored.record.sinks {
            let delivery = Delivery {
                place,
                stored,
                successor,
            };
            let known = last.entry(identity(sinks, place)).or_insert(delivery);
            if at(known) < at(&delivery) {
                *known = delivery;
            }
        }
    }
    last
}

fn at(delivery: &Delivery<'_>) -> Timestamp {
    delivery.successor.delivered_at
}

/// Returns sentences about tokens of an account that a rotation has delivered to places which hold
/// them by now, so that revoking them would leave a dead secret there. Nothing is read but the
/// ledger; of one that cannot be read there are none.
pub(crate) async fn warnings_about_holders(
    accounts: &Accounts,
    account: &Account,
    tokens: &[&TokenId],
) -> Vec<String> {
    find(accounts, account, tokens).await.unwrap_or_default()
}

async fn find(accounts: &Accounts, account: &Account, tokens: &[&TokenId]) -> Result<Vec<String>> {
    let rotations = Rotations::open_existing(accounts).await?;
    let mut all = rotations.store.closed_rotations().await?.rotations;
    all.extend(rotations.store.open_rotations().await?.rotations);
    let last = last_deliveries(&rotations.sinks, &all);
    let mut places = BTreeMap::<&TokenId, Vec<&str>>::new();
    for delivery in last.values() {
        let token = &delivery.successor.token;
        if delivery.stored.record.account == *account && tokens.contains(&token) {
            places.entry(token).or_default().push(delivery.place);
        }
    }
    let sentences = places.into_iter().map(|(token, places)| {
        format!(
            "token {} is in {}, which would hold a dead secret: `{}` replaces it there before it \
             is revoked",
            displayed_id(token),
            places.join(", "),
            rotation_command(&rotations.sinks, account, token, places)
        )
    });
    Ok(sentences.collect())
}

/// Returns the command that rotates a token into places of the ledger.
pub(super) fn rotation_command<'a>(
    sinks: &Sinks,
    account: &Account,
    token: &TokenId,
    places: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut words = vec![
        "rotate".to_owned(),
        shell_quoted(token.as_str()),
        "--account".to_owned(),
        shell_quoted(account.name()),
    ];
    for place in places {
        let written = sinks.written(place);
        let written = written.map_or_else(|| place.to_owned(), |place| place.to_string());
        words.extend(["--to".to_owned(), shell_quoted(&written)]);
    }
    command_line(&words.join(" "))
}
