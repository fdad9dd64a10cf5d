//! The search for the token of a creation without a marker, which nothing proves.

use std::time::Duration;

use tokenfleet::journal::Resolution;
use tokenfleet::{
    Completeness, Query, Result, Timestamp, Token, TokenId, TokenProvider, TokenProviderExt,
    TokenState,
};
use tokenfleet_ledger::{Ledger, Write};

use super::finding::{Finding, is_masked};
use super::{absence, ids_text};

/// The time by which the clock of a platform may differ from that of this machine.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);

/// The seconds of a day.
const DAY: i64 = 86_400;

/// The longest time for which a request may be under way.
const LONGEST_DELAY: Duration = Duration::from_secs(3_600);

/// The origin of a token, as far as the ledger knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Another write created it.
    Another,
    /// An earlier write created a token with its id, and ids are given again.
    Doubtful,
    /// The ledger knows no other write that created it.
    NotKnown,
}

/// Looks for a token that looks like the one that was to be created: it has its name, was created
/// at that time, and the ledger knows no other write that it came of.
///
/// A token that only has its name is not the one for certain, nor is it certain that it is not.
pub(super) async fn find(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
) -> Result<Finding> {
    let intent = &write.intent;
    if intent.name.as_deref().is_some_and(is_masked) {
        return Ok(Finding::Unknown(format!(
            "a token may exist, and its name is not in the ledger, because it looks like a secret: \
             look for one that was created at about {}, and revoke it",
            intent.at
        )));
    }
    let list = provider.list_all(Query::new()).await?;
    let (mut alike, mut doubtful) = (Vec::new(), Vec::new());
    for token in &list.tokens {
        if token.state == TokenState::Revoked || !may_be_named(token, intent.name.as_ref()) {
            continue;
        }
        let is_of_time = may_be_created(token, intent.at, write.last_heard());
        match origin(ledger, provider, write, token).await? {
            Origin::Another => {}
            Origin::NotKnown if is_of_time => alike.push(token.clone()),
            Origin::NotKnown | Origin::Doubtful => doubtful.push(token.id.clone()),
        }
    }
    if let [only] = &alike[..] {
        return Ok(Finding::Alike(only.clone()));
    }
    if !alike.is_empty() {
        let ids: Vec<TokenId> = alike.into_iter().map(|token| token.id).collect();
        return Ok(Finding::Unknown(format!(
            "tokens {} look like it, and one write made one at most: look who uses them, and \
             revoke the one that nobody uses",
            ids_text(&ids)
        )));
    }
    if !doubtful.is_empty() {
        return Ok(Finding::Unknown(format!(
            "token {} has its name, and seems to have been created at another time or by another \
             write: look who uses it",
            ids_text(&doubtful)
        )));
    }
    if let Completeness::Partial(reason) = list.completeness {
        return Ok(Finding::Unknown(format!(
            "no listed token looks like it, but {reason}"
        )));
    }
    Ok(
        if absence::is_same_owner(ledger, provider, write, &list.tokens).await? {
            Finding::Settled(Resolution::NotApplied, String::new())
        } else {
            Finding::Unknown(absence::UNPROVEN.to_owned())
        },
    )
}

/// Returns `true` if a token may have been created with that name. A platform may store it in
/// another case or with other spaces around it, and may not report it.
fn may_be_named(token: &Token, name: Option<&String>) -> bool {
    let folded = |name: &String| name.trim().to_lowercase();
    let is_unknown = !token.name.is_reported() || token.attributes.is_unreadable("name");
    is_unknown || token.name.known().map(folded) == name.map(folded)
}

/// Returns `true` if a token may have been created by a write that was begun and last heard of at
/// these times.
fn may_be_created(token: &Token, begun: Timestamp, heard: Timestamp) -> bool {
    let Some(created) = token.created_at.known().copied() else {
        return true;
    };
    // A platform may report the day only.
    let is_whole_day = created.unix_seconds() % DAY == 0 && created.millisecond() == 0;
    let earlier = if is_whole_day {
        Duration::from_secs(DAY.cast_unsigned())
    } else {
        CLOCK_TOLERANCE
    };
    let earliest = begun.checked_sub(earlier).unwrap_or(begun);
    let latest = heard.saturating_add(LONGEST_DELAY + CLOCK_TOLERANCE);
    earliest <= created && created <= latest
}

/// Returns what the ledger knows of where a token came from.
async fn origin(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
    token: &Token,
) -> Result<Origin> {
    let (intent, id) = (&write.intent, &token.id);
    let writes = ledger
        .writes_to(&intent.account, std::slice::from_ref(id))
        .await?;
    let mut origin = Origin::NotKnown;
    for other in &writes {
        if other.intent.id == intent.id || other.issued() != Some(id) {
            continue;
        }
        if !provider.capabilities().reused_ids || other.intent.at >= intent.at {
            return Ok(Origin::Another);
        }
        if !other.is_followed_by_revocation_of(id, &writes) {
            origin = Origin::Doubtful;
        }
    }
    Ok(origin)
}
