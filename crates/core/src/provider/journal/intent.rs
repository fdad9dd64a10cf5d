//! The intent: what a write is about to change, without a secret.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Run;
use crate::error::{Account, Operation, is_marker, mask_credentials, mask_name};
use crate::model::{Timestamp, TokenId, TokenRef};
use crate::provider::OperationId;
use crate::provider::{
    ArgumentValue, Capabilities, OperationCall, RequestedExpiry, RevokeOptions, Suspension,
};

/// The longest time between the record of an intent and the moment at which the platform applies
/// the write: it may wait for the rate limit, and be delayed on its way.
const MAX_DELAY: Duration = Duration::from_secs(3_600);

/// A write that is about to be sent.
///
/// It holds what was requested, and no [`Secret`](crate::Secret). Serialised, it is an object with
/// a key for each field; deserialised, it is equal to the intent that was serialised (decision
/// 0026). A key that a later version adds is ignored, and one that is missing is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Intent {
    /// The id that links the outcome to the intent. It begins with the id of the run.
    pub id: String,
    /// The id of the run.
    pub run: String,
    /// The id of the operation that the write is a step of. A write that belongs to no other has
    /// one of its own.
    pub operation_id: OperationId,
    /// The reason for the run. Words that look like a secret are masked, here and in the texts
    /// below.
    pub reason: Option<String>,
    /// The time, by the clock of this machine.
    pub at: Timestamp,
    /// The account, with its place.
    pub account: Account,
    /// The operation, which is always a write.
    pub operation: Operation,
    /// The id of the token to be changed, or `None` if the token is new or named by its secret.
    pub token: Option<TokenId>,
    /// `true` if the token is named by its secret.
    #[serde(default)]
    pub by_secret: bool,
    /// The requested name.
    pub name: Option<String>,
    /// The requested description, which may end with a [`Marker`](crate::workflow::Marker).
    pub description: Option<String>,
    /// The requested expiry of a new token.
    pub expiry: Option<RequestedExpiry>,
    /// The requested scopes of a new token.
    pub scopes: Option<Vec<String>>,
    /// `true` if the new token is requested suspended.
    #[serde(default)]
    pub suspended: bool,
    /// The requested arguments of a new token that only this platform has.
    #[serde(default)]
    pub arguments: BTreeMap<String, ArgumentValue>,
    /// The requested change of the suspension.
    pub suspension: Option<Suspension>,
    /// The options of a revocation.
    pub revoke_options: Option<RevokeOptions>,
    /// The latest time at which a secret that this write may issue expires, unless somebody renews
    /// it; `None` if the write issues none, or if no expiry is known.
    ///
    /// It holds if the platform keeps the requested expiry, or its declared maximum, and applies
    /// the write within an hour.
    pub dead_by: Option<Timestamp>,
}

impl Intent {
    /// Creates the intent of a call, with the next number of the run and the present time.
    #[must_use]
    pub fn for_call(
        run: &Run,
        account: &Account,
        capabilities: &Capabilities,
        call: OperationCall<'_>,
    ) -> Self {
        let number = run.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let at = Timestamp::now();
        let mut intent = Self {
            id: format!("{}-{number}", run.prefix),
            run: run.id.as_ref().to_owned(),
            operation_id: operation_id(call).unwrap_or_else(OperationId::random),
            reason: run.reason.as_deref().map(mask_credentials),
            at,
            account: account.clone(),
            operation: call.operation(),
            token: None,
            by_secret: false,
            name: None,
            description: None,
            expiry: None,
            scopes: None,
            suspended: false,
            arguments: BTreeMap::new(),
            suspension: None,
            revoke_options: None,
            dead_by: None,
        };
        match call {
            OperationCall::Create(request) => {
                intent.name = request.name.as_deref().map(mask_name);
                intent.description = request.description.as_deref().map(mask_credentials);
                intent.expiry = Some(request.expiry);
                intent.scopes = request.scopes.as_deref().map(masked);
                intent.suspended = request.suspended;
                let arguments = request.arguments.iter();
                let arguments = arguments.map(|(name, value)| (name.clone(), argument(value)));
                intent.arguments = arguments.collect();
                intent.dead_by = new_token_dead_by(at, request.expiry, capabilities);
            }
            OperationCall::Update(id, change) => {
                intent.token = Some(recorded_id(id));
                intent.name = change.name.as_deref().map(mask_name);
                intent.description = change.description.as_deref().map(mask_credentials);
                intent.suspension = change.suspension;
            }
            OperationCall::Get(id) | OperationCall::Rotate(id) => {
                intent.token = Some(recorded_id(id));
            }
            OperationCall::Renew(_) => {
                intent.by_secret = true;
                intent.dead_by = renewed_dead_by(at, capabilities);
            }
            OperationCall::Revoke(token, options) => {
                match token {
                    TokenRef::Id(id) => intent.token = Some(recorded_id(id)),
                    TokenRef::Secret(_) => intent.by_secret = true,
                }
                intent.revoke_options = Some(RevokeOptions {
                    operation_id: None,
                    ..*options
                });
            }
            OperationCall::Verify(_) => intent.by_secret = true,
            OperationCall::List(_) | OperationCall::Whoami => {}
        }
        intent
    }

    /// Returns the [`Marker`](crate::workflow::Marker) of a creation, by which its token is found
    /// if the response is lost.
    #[must_use]
    pub fn marker(&self) -> Option<&str> {
        let texts = [&self.description, &self.name].into_iter().flatten();
        let mut last_words = texts.filter_map(|text| text.rsplit(' ').next());
        last_words.find(|word| self.operation == Operation::Create && is_marker(word))
    }
}

fn operation_id(call: OperationCall<'_>) -> Option<OperationId> {
    match call {
        OperationCall::Create(request) => request.operation_id,
        OperationCall::Update(_, change) => change.operation_id,
        OperationCall::Revoke(_, options) => options.operation_id,
        _ => None,
    }
}

impl Intent {
    /// Returns an id of the outcome as it is recorded: masked if it is in the intent, because a
    /// secret was passed as the id of a token.
    pub(super) fn recorded(&self, id: TokenId) -> TokenId {
        let recorded = recorded_id(&id);
        if self.token.as_ref() == Some(&recorded) {
            recorded
        } else {
            id
        }
    }
}

fn masked(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| mask_credentials(text)).collect()
}

fn argument(value: &ArgumentValue) -> ArgumentValue {
    match value {
        ArgumentValue::Text(text) => ArgumentValue::Text(mask_credentials(text)),
        ArgumentValue::List(texts) => ArgumentValue::List(masked(texts)),
        other => other.clone(),
    }
}

/// Returns an id as it is recorded: a long one that may be a secret is masked.
fn recorded_id(id: &TokenId) -> TokenId {
    /// Ids of this length may look random, secrets are longer.
    const SHORT: usize = 16;
    if id.as_str().len() <= SHORT {
        id.clone()
    } else {
        TokenId::new(mask_credentials(id.as_str()))
    }
}

/// Returns the latest time at which a token that is requested now expires.
fn new_token_dead_by(
    now: Timestamp,
    requested: RequestedExpiry,
    capabilities: &Capabilities,
) -> Option<Timestamp> {
    let create = capabilities.create.as_ref();
    // A platform that takes lifetimes counts them from the moment at which it applies the write.
    let tolerance = create.and_then(|create| create.lifetime_tolerance);
    let late = tolerance.map_or(Duration::ZERO, |tolerance| {
        tolerance.saturating_add(MAX_DELAY)
    });
    let requested = match requested {
        RequestedExpiry::At(at) => at.checked_add(late),
        RequestedExpiry::In(lifetime) => now.checked_add(lifetime.saturating_add(late)),
        RequestedExpiry::PlatformDefault | RequestedExpiry::Never => None,
    };
    let longest = create.and_then(|create| create.max_lifetime);
    let longest = longest.and_then(|longest| now.checked_add(longest.saturating_add(MAX_DELAY)));
    requested.into_iter().chain(longest).min()
}

/// Returns the latest time at which a secret that is renewed now expires: as if it were new, and
/// were renewed as often as possible.
fn renewed_dead_by(now: Timestamp, capabilities: &Capabilities) -> Option<Timestamp> {
    let longest = capabilities.create.as_ref()?.max_lifetime?;
    let renew = capabilities.renew.as_ref()?;
    let extensions = renew.extension.saturating_mul(renew.max_renewals?);
    now.checked_add(longest.saturating_add(extensions).saturating_add(MAX_DELAY))
}
