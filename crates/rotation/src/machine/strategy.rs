//! The way in which a platform's tokens are rotated, derived from its declared capabilities.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokenfleet_core::capability::ArgumentSupport;
use tokenfleet_core::model::TokenField;
use tokenfleet_core::{Capabilities, Error, Operation, Result, RevocationEffect};

use crate::machine::duration;

/// The way in which a platform's tokens are rotated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// A second token is created beside the old one, which is revoked when every sink holds the
    /// new one: no outage and no orphan.
    Overlap(Overlap),
    /// The token gets a new secret and the old one stops working at once: no orphan, and an outage
    /// from the answer until the secret is in the sinks.
    InPlace(InPlace),
    /// A second secret is issued on a platform that cannot list its own: no outage, and at most a
    /// counted number of secrets that nobody knows, each with a time by which it is dead.
    Unlisted(Unlisted),
}

/// The strategy in which the old and the new token live side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Overlap {
    /// `true` if the old token can be suspended before it is revoked.
    pub suspension: bool,
    /// `true` if the platform reports when a token was last used.
    pub last_used: bool,
    /// `true` if the platform says whether a secret still authenticates.
    pub verify: bool,
    /// `true` if the id of a revoked token may be given to another one, so that a token is looked
    /// at before each revocation.
    pub reused_ids: bool,
    /// The time for which a new token may not be listed.
    #[serde(with = "duration")]
    pub read_delay: Duration,
    /// The maximum number of tokens of the account, if there is one.
    pub max_tokens: Option<u32>,
}

impl Overlap {
    /// Returns `true` if a new secret is verified before a sink gets it. Where a new token may not
    /// be listed yet, its secret may not authenticate yet either.
    #[must_use]
    pub fn verifies_before_delivery(&self) -> bool {
        self.verify && self.read_delay.is_zero()
    }
}

/// The strategy in which the token keeps its id and gets a new secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InPlace {
    /// `true` if the platform says whether a secret still authenticates.
    ///
    /// If it does, a rotation with a lost answer is repeated at once and what the sinks hold is
    /// verified later; otherwise the repetition waits until the first one must have arrived.
    pub verify: bool,
    /// `true` if the id of a token may be given to another one later, so that it is looked at
    /// before each rotation.
    pub reused_ids: bool,
}

/// The strategy for a platform that cannot list its tokens, and revokes them by their secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Unlisted {
    /// The time after which a secret is dead unless it is renewed.
    #[serde(with = "duration")]
    pub max_lifetime: Duration,
}

/// The strategy to prefer where a platform allows several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Preference {
    /// A second token beside the old one, where possible.
    #[default]
    Overlap,
    /// The same token with a new secret, where possible.
    InPlace,
}

impl Strategy {
    /// Derives the strategy from what a provider declares.
    ///
    /// ```
    /// use tokenfleet_core::capability::{CreateCapability, ListCapability, RevokeCapability};
    /// use tokenfleet_core::{Capabilities, RevocationEffect};
    /// use tokenfleet_rotation::machine::{Preference, Strategy};
    ///
    /// // Any platform with a listing and names can do it, whatever its paging.
    /// let capabilities = Capabilities::none()
    ///     .with_list(ListCapability::unpaged())
    ///     .with_create(CreateCapability::new().with_required_name())
    ///     .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted));
    /// let strategy = Strategy::for_capabilities(&capabilities, Preference::Overlap)?;
    /// assert!(matches!(strategy, Strategy::Overlap(_)));
    /// # Ok::<(), tokenfleet_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](tokenfleet_core::ErrorKind::Unsupported) if none of the strategies could
    /// keep its promise, with the reason of each.
    pub fn for_capabilities(capabilities: &Capabilities, preference: Preference) -> Result<Self> {
        if let Some(setting) = &capabilities.read_only {
            return Err(Error::unsupported(format!(
                "nothing can be rotated because the account is read-only ({setting})"
            )));
        }
        let overlap = overlap(capabilities).map(Self::Overlap);
        let in_place = in_place(capabilities).map(Self::InPlace);
        let unlisted = unlisted(capabilities).map(Self::Unlisted);
        let ways = match preference {
            Preference::Overlap => [overlap, unlisted, in_place],
            Preference::InPlace => [in_place, overlap, unlisted],
        };
        let mut reasons = Vec::new();
        for way in ways {
            match way {
                Ok(strategy) => return Ok(strategy),
                Err(reason) => reasons.push(reason),
            }
        }
        let mut advice = reasons.join("; ");
        for operation in [Operation::Create, Operation::Rotate, Operation::Revoke] {
            // Several may be withheld for one reason.
            if let Some(text) = capabilities.unavailable.get(&operation)
                && !advice.contains(&**text)
            {
                advice = format!("{text}; {advice}");
            }
        }
        Err(Error::unsupported("the platform's tokens cannot be rotated").with_advice(advice))
    }

    /// Returns `true` if the platform says whether a secret still authenticates.
    #[must_use]
    pub fn verifies(&self) -> bool {
        match self {
            Self::Overlap(overlap) => overlap.verify,
            Self::InPlace(in_place) => in_place.verify,
            Self::Unlisted(_) => false,
        }
    }
}

fn overlap(capabilities: &Capabilities) -> Result<Overlap, String> {
    let refused = |reason: &str| Err(format!("two tokens side by side: {reason}"));
    let Some(create) = &capabilities.create else {
        return refused("tokens cannot be created");
    };
    let Some(list) = &capabilities.list else {
        return refused("tokens cannot be listed");
    };
    if !create.description && create.name == ArgumentSupport::Unsupported {
        return refused("a new token can carry no marker by which it is found again");
    }
    if create.max_tokens.is_some_and(|max| max < 2) {
        return refused("the account can have one token only");
    }
    if list.unlisted_tokens.is_some() && !capabilities.get {
        // What is never listed may be the old token; the new ones are created through the API.
        return refused("some tokens are not listed and cannot be fetched either");
    }
    match &capabilities.revoke {
        None => return refused("tokens cannot be revoked"),
        Some(revoke) if !revoke.by_id => return refused("tokens cannot be revoked by id"),
        Some(revoke) if revoke.effect == RevocationEffect::Replaced => {
            return refused("revoking a token replaces its secret");
        }
        // That created tokens take no others along does not help: the old one may be of any origin.
        Some(revoke) if revoke.cascade.is_some() => {
            return refused("revoking a token may revoke others too");
        }
        Some(_) => {}
    }
    if let Some(reason) = unknown_identity(capabilities) {
        return refused(reason);
    }
    let suspends = (capabilities.update.as_ref()).is_some_and(|update| update.suspension);
    let reports_use = capabilities.reported_fields.contains(&TokenField::LastUsed);
    Ok(Overlap {
        suspension: suspends,
        last_used: reports_use,
        verify: capabilities.verify,
        reused_ids: capabilities.reused_ids,
        read_delay: capabilities.read_delay.unwrap_or_default(),
        max_tokens: create.max_tokens,
    })
}

/// Returns the reason why a token cannot be told from a later one of the same id.
fn unknown_identity(capabilities: &Capabilities) -> Option<&'static str> {
    let is_told = (capabilities.reported_fields).contains(&TokenField::CreatedAt);
    (capabilities.reused_ids && !is_told)
        .then_some("an id may be given to another token, and nothing tells the two apart")
}

fn in_place(capabilities: &Capabilities) -> Result<InPlace, String> {
    if capabilities.rotate {
        if let Some(reason) = unknown_identity(capabilities) {
            return Err(format!("in place: {reason}"));
        }
        return Ok(InPlace {
            verify: capabilities.verify,
            reused_ids: capabilities.reused_ids,
        });
    }
    Err("in place: tokens cannot be rotated".to_owned())
}

fn unlisted(capabilities: &Capabilities) -> Result<Unlisted, String> {
    let refused = |reason: &str| Err(format!("secrets that are counted: {reason}"));
    let Some(create) = &capabilities.create else {
        return refused("secrets cannot be issued");
    };
    if !(capabilities.revoke.as_ref()).is_some_and(|revoke| revoke.by_secret) {
        return refused("secrets cannot be revoked by themselves");
    }
    match create.max_lifetime {
        Some(max_lifetime) => Ok(Unlisted { max_lifetime }),
        None => refused("a secret whose answer is lost would live without a known end"),
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::capability::{
        CreateCapability, ListCapability, Paging, RevokeCapability, UpdateCapability,
    };

    use super::*;

    fn listed(create: CreateCapability, revoke: RevokeCapability) -> Capabilities {
        Capabilities::none()
            .with_list(ListCapability::new(Paging::Numbered))
            .with_create(create)
            .with_revoke(revoke)
    }

    fn strategy(capabilities: &Capabilities) -> Result<Strategy> {
        Strategy::for_capabilities(capabilities, Preference::Overlap)
    }

    fn deleted() -> RevokeCapability {
        RevokeCapability::by_id(RevocationEffect::Deleted)
    }

    #[test]
    fn a_strategy_follows_from_what_is_declared() {
        let named = CreateCapability::new().with_required_name();
        let losant = listed(named.clone().with_description(), deleted())
            .with_update(UpdateCapability::new().with_suspension())
            .with_verify();
        let expected = Overlap {
            suspension: true,
            verify: true,
            ..Overlap::default()
        };
        assert_eq!(strategy(&losant).unwrap(), Strategy::Overlap(expected));

        let one_key = CreateCapability::new().with_max_tokens(1);
        let replaced = RevokeCapability::by_id(RevocationEffect::Replaced);
        let cloudsmith = listed(one_key, replaced).with_rotate().with_verify();
        let expected = Strategy::InPlace(InPlace {
            verify: true,
            reused_ids: false,
        });
        assert_eq!(strategy(&cloudsmith).unwrap(), expected);

        let max_lifetime = Duration::from_secs(86_400);
        let mindbody = Capabilities::none()
            .with_create(CreateCapability::new().with_max_lifetime(max_lifetime))
            .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted));
        let expected = Strategy::Unlisted(Unlisted { max_lifetime });
        assert_eq!(strategy(&mindbody).unwrap(), expected);

        // Both ways are open to an account of services.
        let services = listed(named, deleted()).with_rotate();
        assert!(matches!(strategy(&services), Ok(Strategy::Overlap(_))));
        let chosen = Strategy::for_capabilities(&services, Preference::InPlace);
        assert!(matches!(chosen, Ok(Strategy::InPlace(_))));
    }

    #[test]
    fn a_platform_on_which_a_promise_would_be_broken_is_refused_with_the_reasons() {
        let named = || CreateCapability::new().with_required_name();
        let cascading = deleted().with_cascade("the other tokens of the same client");
        let by_secret = RevokeCapability::by_secret(RevocationEffect::Deleted);
        for (capabilities, reason) in [
            (Capabilities::none(), "tokens cannot be created"),
            (listed(CreateCapability::new(), deleted()), "no marker"),
            (listed(named(), cascading), "may revoke others"),
            (listed(named(), by_secret), "without a known end"),
            (
                listed(named(), deleted()).with_read_only("read_only"),
                "read-only",
            ),
            (
                listed(named(), deleted()).with_unavailable(Operation::Create, "ask an owner"),
                "ask an owner",
            ),
        ] {
            let error = strategy(&capabilities).unwrap_err();
            let text = format!("{error} {:?}", error.advice());
            assert!(text.contains(reason), "{reason}: {text}");
        }
        let alone = deleted()
            .with_cascade("the others")
            .with_created_tokens_alone();
        assert!(strategy(&listed(named(), alone)).is_err());
    }
}
