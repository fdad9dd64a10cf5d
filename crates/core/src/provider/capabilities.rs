//! The capabilities of a provider, operation by operation.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Operation;
use crate::model::TokenField;
use crate::provider::{
    CreateCapability, ListCapability, RenewCapability, RevokeCapability, UpdateCapability,
};

/// The operations and arguments that a provider supports for one account.
///
/// An operation that is not declared fails with [`Unsupported`](crate::ErrorKind::Unsupported)
/// before anything is sent. An adapter declares its capabilities once, in code; every call is
/// [checked](Self::check) against them, and the conformance suite tests each one.
///
/// ```
/// use tokenfleet_core::capability::{OperationCall, RevokeCapability};
/// use tokenfleet_core::{Capabilities, ErrorKind, RevocationEffect, RevokeOptions, TokenId};
///
/// let capabilities =
///     Capabilities::none().with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted));
/// let id = TokenId::new("1");
/// let options = RevokeOptions::default();
/// assert!(capabilities.check(OperationCall::Revoke((&id).into(), &options)).is_ok());
/// let error = capabilities.check(OperationCall::Get(&id)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unsupported);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// The list capability, or `None` if tokens cannot be listed.
    pub list: Option<ListCapability>,
    /// `true` if one token can be fetched by its id.
    pub get: bool,
    /// The create capability, or `None` if tokens cannot be created.
    pub create: Option<CreateCapability>,
    /// The update capability, or `None` if tokens cannot be updated.
    pub update: Option<UpdateCapability>,
    /// `true` if a token can be rotated by its id: the record gets a new secret, and the old one
    /// stops working at once.
    pub rotate: bool,
    /// The renew capability, or `None` if secrets cannot be renewed.
    pub renew: Option<RenewCapability>,
    /// The revoke capability, or `None` if secrets cannot be revoked.
    pub revoke: Option<RevokeCapability>,
    /// `true` if a secret can be verified without changing anything.
    pub verify: bool,
    /// `true` if the platform gives the id of a deleted token to another one later. Then an id
    /// alone does not tell which token is meant, and an adapter must not repeat a deletion by id
    /// whose response was lost (decision 0021).
    pub reused_ids: bool,
    /// The time for which the platform may not show a new token; `None` if it shows it at once.
    /// Until then, a token that is not found may be alive.
    pub read_delay: Option<Duration>,
    /// `true` if the platform says whom the account acts as.
    pub whoami: bool,
    /// The fields that the platform reports. A field that is not declared is always
    /// [`NotReported`](crate::Fact::NotReported).
    pub reported_fields: Vec<TokenField>,
    /// The operations that the platform has but this account may not use, with advice on how to get
    /// access.
    pub unavailable: BTreeMap<Operation, String>,
    /// The setting that makes the account read-only, or `None` if writes are allowed. Every write
    /// is then refused before anything is sent; the other fields still say what the platform
    /// supports.
    pub read_only: Option<String>,
}

impl Capabilities {
    /// Creates a declaration that supports nothing, to build upon.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds the list capability.
    #[must_use]
    pub fn with_list(mut self, list: ListCapability) -> Self {
        self.list = Some(list);
        self
    }

    /// Adds fetching one token by its id.
    #[must_use]
    pub fn with_get(mut self) -> Self {
        self.get = true;
        self
    }

    /// Adds the create capability.
    #[must_use]
    pub fn with_create(mut self, create: CreateCapability) -> Self {
        self.create = Some(create);
        self
    }

    /// Adds the update capability.
    #[must_use]
    pub fn with_update(mut self, update: UpdateCapability) -> Self {
        self.update = Some(update);
        self
    }

    /// Adds rotating a token in place.
    #[must_use]
    pub fn with_rotate(mut self) -> Self {
        self.rotate = true;
        self
    }

    /// Adds the renew capability.
    #[must_use]
    pub fn with_renew(mut self, renew: RenewCapability) -> Self {
        self.renew = Some(renew);
        self
    }

    /// Adds the revoke capability.
    #[must_use]
    pub fn with_revoke(mut self, revoke: RevokeCapability) -> Self {
        self.revoke = Some(revoke);
        self
    }

    /// Adds verifying a secret.
    #[must_use]
    pub fn with_verify(mut self) -> Self {
        self.verify = true;
        self
    }

    /// Adds asking whom the account acts as.
    #[must_use]
    pub fn with_whoami(mut self) -> Self {
        self.whoami = true;
        self
    }

    /// Removes an operation that the platform has but this account may not use.
    ///
    /// The advice says how to get access to it.
    #[must_use]
    pub fn with_unavailable(mut self, operation: Operation, advice: impl Into<String>) -> Self {
        match operation {
            Operation::List => self.list = None,
            Operation::Get => self.get = false,
            Operation::Create => self.create = None,
            Operation::Update => self.update = None,
            Operation::Rotate => self.rotate = false,
            Operation::Renew => self.renew = None,
            Operation::Revoke => self.revoke = None,
            Operation::Verify => self.verify = false,
            Operation::Whoami => self.whoami = false,
        }
        self.unavailable.insert(operation, advice.into());
        self
    }

    /// Declares that every write is refused, because of this setting.
    #[must_use]
    pub fn with_read_only(mut self, setting: impl Into<String>) -> Self {
        self.read_only = Some(setting.into());
        self
    }

    /// Declares that the id of a deleted token is given to another one later, as a database does
    /// that continues at the largest id.
    ///
    /// A revocation plan is then carried out only on tokens that the platform still shows as they
    /// were reviewed: by their time of creation, or by their name where
    /// [names are unique](CreateCapability::unique_names) (decision 0021).
    #[must_use]
    pub fn with_reused_ids(mut self) -> Self {
        self.reused_ids = true;
        self
    }

    /// Declares that the platform may not show a new token for this long.
    ///
    /// A revocation plan then takes a token that is not found for gone only if it is older, and
    /// [`ExactlyOnce`](crate::ExactlyOnce) looks for a lost token for at least this long.
    #[must_use]
    pub fn with_read_delay(mut self, delay: Duration) -> Self {
        self.read_delay = Some(delay);
        self
    }

    /// Adds fields that the platform reports.
    #[must_use]
    pub fn with_reported_fields(mut self, fields: impl IntoIterator<Item = TokenField>) -> Self {
        self.reported_fields.extend(fields);
        self
    }
}
