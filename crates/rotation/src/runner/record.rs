//! The record of a rotation: what is to be done, and how far it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokenfleet_core::{Account, CreateToken, Error, ErrorKind, Fate, Result};

use super::RotationJob;
use crate::machine::{Rotation, RotationPlan, RotationState, Strategy};
use crate::policy::normalised;

/// All that is durable of a rotation: what is to be done, and how far it is.
///
/// Serialised, it is an object that people can read, whose first key is the `version` of the
/// format. A record of another version, or with a key or a value that this one does not know, is
/// refused when it is deserialised: whoever does not understand all of a rotation may not carry it
/// on. None of its parts can hold a [`Secret`](tokenfleet_core::Secret), which has no `Serialize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RotationRecord {
    version: Version,
    /// The account of the token.
    #[serde(deserialize_with = "account")]
    pub account: Account,
    /// The name of the policy that opened the rotation; `None` if a person did.
    pub policy: Option<String>,
    /// The reason that was given for it.
    pub reason: Option<String>,
    /// The places of the sinks, as [`SinkPlace`](crate::policy::SinkPlace) has them, in the order
    /// of the plan. Whoever can write the store can name a place here, so open only those that your
    /// own configuration allows.
    pub sinks: Vec<String>,
    /// The location of each of these places when the rotation was opened: a text that is another
    /// one once the place of the same name leads elsewhere, and no secret. Empty if nobody has said
    /// it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// The name of the token, to be shown.
    pub token_name: Option<String>,
    /// The parameters.
    pub plan: RotationPlan,
    /// The request for a successor, without a marker.
    pub request: CreateToken,
    /// The rotation, as far as it is.
    pub rotation: Rotation,
}

impl RotationRecord {
    /// Creates the record of a rotation. The sinks are in the order of the plan.
    #[must_use]
    pub fn new(
        account: Account,
        sinks: impl IntoIterator<Item = impl Into<String>>,
        plan: RotationPlan,
        request: CreateToken,
        rotation: Rotation,
    ) -> Self {
        Self {
            version: Version,
            account,
            policy: None,
            reason: None,
            sinks: sinks.into_iter().map(Into::into).collect(),
            locations: Vec::new(),
            token_name: None,
            plan,
            request,
            rotation,
        }
    }

    /// Sets the name of the policy that opens the rotation.
    #[must_use]
    pub fn with_policy(mut self, policy: impl Into<String>) -> Self {
        self.policy = Some(policy.into());
        self
    }

    /// Sets the locations of the places, in the order of the plan.
    #[must_use]
    pub fn with_locations(
        mut self,
        locations: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.locations = locations.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets the name of the token, to be shown.
    #[must_use]
    pub fn with_token_name(mut self, name: impl Into<String>) -> Self {
        self.token_name = Some(name.into());
        self
    }

    /// Returns the job of a runner.
    #[must_use]
    pub fn job(&self) -> RotationJob {
        RotationJob::new(self.rotation.id, self.plan.clone(), self.request.clone())
    }

    /// Returns the text that all rotations of one token share: its account and its id, or the sinks
    /// where tokens have no ids.
    #[must_use]
    pub fn subject(&self) -> String {
        let account = &self.account;
        let mut parts = vec![account.provider(), account.name()];
        parts.push(account.place().unwrap_or_default());
        let sinks = self.places();
        match &self.rotation.subject {
            Some(token) => parts.extend(["token", token.as_str()]),
            None => parts.extend(
                ["sinks"]
                    .into_iter()
                    .chain(sinks.iter().map(String::as_str)),
            ),
        }
        // As a list, so that no name passes for two.
        serde_json::Value::from(parts).to_string()
    }

    /// Returns what is done next, to be shown. A rotation that waits for a person tells what the
    /// person can do.
    #[must_use]
    pub fn next(&self) -> &'static str {
        if let Some(parked) = &self.rotation.parked {
            return parked.advice();
        }
        match (self.rotation.state, &self.plan.strategy) {
            (RotationState::Issuing, Strategy::InPlace(_))
                if self.rotation.unaccounted().next().is_some() =>
            {
                "give the token a new secret and deliver it to every sink; until then nobody may \
                 have the secret that works"
            }
            (RotationState::Issuing, Strategy::InPlace(_)) => {
                "give the token a new secret and deliver it to every sink"
            }
            (RotationState::Issuing, _) => "create a successor and deliver it to every sink",
            (RotationState::Retiring, Strategy::Overlap(overlap)) => {
                let suspends = overlap.suspension && !self.plan.soak.is_zero();
                if suspends && self.rotation.suspended_at.is_none() {
                    "read every sink again, and suspend the old token"
                } else {
                    "read every sink again, and revoke the old token"
                }
            }
            (RotationState::Retiring, Strategy::InPlace(_)) => "verify what the sinks hold",
            (RotationState::Retiring, Strategy::Unlisted(_)) => {
                "read every sink again, and revoke the old secret if it is still known"
            }
            (RotationState::Done, _) => "nothing is left to do",
        }
    }

    /// Returns a place that another rotation writes, too. Two open rotations may not have one.
    #[must_use]
    pub fn shared_place(&self, other: &Self) -> Option<&str> {
        let others = other.places();
        let is_shared = |place: &&String| others.contains(&normalised(place));
        self.sinks.iter().find(is_shared).map(String::as_str)
    }

    /// Returns the places of the sinks without what makes no difference, in a fixed order.
    fn places(&self) -> Vec<String> {
        let mut places: Vec<_> = self.sinks.iter().map(|place| normalised(place)).collect();
        places.sort_unstable();
        places
    }

    /// Returns the record as JSON, for a store.
    ///
    /// # Errors
    ///
    /// Never, as far as is known: every part of a record can be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| {
            let message = "a rotation cannot be written as JSON";
            Error::new(ErrorKind::Other, Fate::NotSent, message).with_source(error)
        })
    }

    /// Reads a record from the JSON in a store.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a record, or one of another version or with anything that this
    /// version does not know. Do nothing with the rotation then.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            let message = format!("the record of a rotation is not understood: {error}");
            Error::new(ErrorKind::Other, Fate::NotSent, message)
                .with_source(error)
                .with_advice(
                    "nothing was done; let the version of tokenfleet that wrote it carry it on, or \
                     check the ledger",
                )
        })
    }
}

/// Reads an account, and refuses a key that this version does not know.
fn account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Account, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parts {
        name: String,
        provider: String,
        place: Option<String>,
    }
    let parts = Parts::deserialize(deserializer)?;
    let account = Account::new(&parts.provider, &parts.name);
    Ok(match parts.place {
        Some(place) => account.with_place(&place),
        None => account,
    })
}

/// The version of the format, which is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version;

const VERSION: u32 = 1;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(serde::de::Error::custom(format!(
                "it has the version {other}, and this program knows {VERSION}"
            ))),
        }
    }
}
