//! The capabilities of a provider, operation by operation.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Operation;
use crate::model::TokenField;
use crate::provider::{ArgumentDescription, ListCapability, RevocationEffect};

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

/// The support for an optional argument of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ArgumentSupport {
    /// The argument is rejected.
    #[default]
    Unsupported,
    /// The argument is accepted.
    Optional,
    /// The argument is required.
    Required,
}

/// The support for creating tokens: the arguments that are accepted, and the limits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CreateCapability {
    /// The support for a name.
    pub name: ArgumentSupport,
    /// The maximum length of a name, in characters; `None` if no limit is known.
    pub max_name_length: Option<usize>,
    /// `true` if a name can be used only once, even after its token was revoked.
    pub unique_names: bool,
    /// `true` if a description is accepted.
    pub description: bool,
    /// `true` if an expiry is accepted.
    pub expiry: bool,
    /// `true` if every creation needs an expiry, because the platform has no default.
    pub required_expiry: bool,
    /// The tolerance of an expiry, if the platform takes a lifetime instead of a time; `None` if it
    /// takes a time and keeps it to the second.
    pub lifetime_tolerance: Option<Duration>,
    /// `true` if a token can be created that never expires.
    pub never_expiring: bool,
    /// `true` if scopes are accepted.
    pub scopes: bool,
    /// `true` if the platform adds scopes to the requested ones.
    pub widened_scopes: bool,
    /// `true` if a token can be created suspended.
    pub suspended: bool,
    /// The maximum number of tokens of an account; `None` if no limit is known.
    pub max_tokens: Option<u32>,
    /// The maximum lifetime of a token that is not renewed; `None` if no limit is known.
    pub max_lifetime: Option<Duration>,
    /// The arguments that only this platform has.
    pub arguments: Vec<ArgumentDescription>,
}

impl CreateCapability {
    /// Creates a declaration that accepts no argument, to build upon.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires a name.
    #[must_use]
    pub fn with_required_name(mut self) -> Self {
        self.name = ArgumentSupport::Required;
        self
    }

    /// Accepts a name, and tokens without one.
    #[must_use]
    pub fn with_optional_name(mut self) -> Self {
        self.name = ArgumentSupport::Optional;
        self
    }

    /// Sets the maximum length of a name, in characters.
    #[must_use]
    pub fn with_max_name_length(mut self, characters: usize) -> Self {
        self.max_name_length = Some(characters);
        self
    }

    /// Declares that a name can be used only once, even after its token was revoked.
    #[must_use]
    pub fn with_unique_names(mut self) -> Self {
        self.unique_names = true;
        self
    }

    /// Accepts a description.
    #[must_use]
    pub fn with_description(mut self) -> Self {
        self.description = true;
        self
    }

    /// Accepts an expiry, and tokens that never expire.
    ///
    /// [`with_lifetime`] does not accept tokens that never expire: add [`with_never_expiring`]
    /// there. Where only one of the two is possible, declare [`with_optional_expiry`],
    /// [`with_required_expiry`] or [`with_never_expiring`] instead.
    ///
    /// [`with_optional_expiry`]: Self::with_optional_expiry
    /// [`with_required_expiry`]: Self::with_required_expiry
    /// [`with_never_expiring`]: Self::with_never_expiring
    /// [`with_lifetime`]: Self::with_lifetime
    #[must_use]
    pub fn with_expiry(self) -> Self {
        self.with_optional_expiry().with_never_expiring()
    }

    /// Accepts an expiry. Without one, the platform chooses it.
    #[must_use]
    pub fn with_optional_expiry(mut self) -> Self {
        self.expiry = true;
        self
    }

    /// Requires an expiry, because the platform has no default.
    #[must_use]
    pub fn with_required_expiry(mut self) -> Self {
        self.expiry = true;
        self.required_expiry = true;
        self
    }

    /// Accepts tokens that never expire.
    #[must_use]
    pub fn with_never_expiring(mut self) -> Self {
        self.never_expiring = true;
        self
    }

    /// Accepts an expiry as a lifetime that begins when the platform creates the token.
    ///
    /// Unlike [`with_expiry`](Self::with_expiry), this does not accept tokens that never expire:
    /// add [`with_never_expiring`](Self::with_never_expiring) for them.
    ///
    /// The adapter then gets every expiry as [`RequestedExpiry::In`], in whole seconds, and an
    /// expiry in the response that deviates by no more than the tolerance is as requested. A
    /// tolerance of less than a second counts as a second (decision 0023).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokenfleet_core::capability::CreateCapability;
    ///
    /// let create = CreateCapability::new()
    ///     .with_lifetime(Duration::from_secs(5))
    ///     .with_never_expiring();
    /// assert!(create.expiry && create.never_expiring);
    /// ```
    ///
    /// [`RequestedExpiry::In`]: crate::RequestedExpiry::In
    #[must_use]
    pub fn with_lifetime(mut self, tolerance: Duration) -> Self {
        self.expiry = true;
        self.lifetime_tolerance = Some(tolerance);
        self
    }

    /// Accepts scopes.
    #[must_use]
    pub fn with_scopes(mut self) -> Self {
        self.scopes = true;
        self
    }

    /// Accepts scopes, to which the platform adds others of its own.
    ///
    /// Without this, a token with a scope that was not requested is revoked.
    #[must_use]
    pub fn with_widened_scopes(mut self) -> Self {
        self.scopes = true;
        self.widened_scopes = true;
        self
    }

    /// Accepts an argument that only this platform has.
    #[must_use]
    pub fn with_argument(mut self, argument: ArgumentDescription) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Accepts tokens that are created suspended.
    #[must_use]
    pub fn with_suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    /// Sets the maximum lifetime of a token that is not renewed.
    #[must_use]
    pub fn with_max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime);
        self
    }

    /// Sets the maximum number of tokens of an account.
    #[must_use]
    pub fn with_max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }
}

/// The support for updating tokens: the changes that are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UpdateCapability {
    /// `true` if the name can be changed.
    pub name: bool,
    /// The maximum length of a name, in characters; `None` if no limit is known.
    pub max_name_length: Option<usize>,
    /// `true` if the description can be changed.
    pub description: bool,
    /// `true` if a token can be suspended and resumed.
    pub suspension: bool,
    /// `true` if a new name may give the token a new id, which is then in the result.
    pub id_follows_name: bool,
}

impl UpdateCapability {
    /// Creates a declaration that accepts no change, to build upon.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts a new name, with its maximum length in characters if a limit is known.
    #[must_use]
    pub fn with_name(mut self, max_length: Option<usize>) -> Self {
        self.name = true;
        self.max_name_length = max_length;
        self
    }

    /// Accepts a new description.
    #[must_use]
    pub fn with_description(mut self) -> Self {
        self.description = true;
        self
    }

    /// Declares that a new name may give the token a new id.
    #[must_use]
    pub fn with_id_following_name(mut self) -> Self {
        self.id_follows_name = true;
        self
    }

    /// Accepts suspending and resuming.
    #[must_use]
    pub fn with_suspension(mut self) -> Self {
        self.suspension = true;
        self
    }
}

/// The support for renewing secrets: the extension, and the number of renewals.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewCapability {
    /// The time by which one renewal extends the expiry.
    pub extension: Duration,
    /// The maximum number of renewals of a secret; `None` if there is no limit.
    pub max_renewals: Option<u32>,
    /// The effect of a renewal on the secret.
    pub secret: RenewedSecret,
}

/// The effect of a renewal on the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RenewedSecret {
    /// The platform does not document whether the secret changes.
    #[default]
    Unknown,
    /// The secret stays the same.
    Kept,
    /// A new secret takes its place, and every response holds it.
    Replaced,
}

impl RenewCapability {
    /// Creates a declaration of renewals by `extension`, without a limit on their number.
    #[must_use]
    pub fn new(extension: Duration) -> Self {
        Self {
            extension,
            max_renewals: None,
            secret: RenewedSecret::Unknown,
        }
    }

    /// Declares what a renewal does to the secret. Without this, it is unknown.
    #[must_use]
    pub fn with_secret(mut self, secret: RenewedSecret) -> Self {
        self.secret = secret;
        self
    }

    /// Sets the maximum number of renewals of a secret.
    #[must_use]
    pub fn with_max_renewals(mut self, renewals: u32) -> Self {
        self.max_renewals = Some(renewals);
        self
    }
}

/// The support for revoking secrets: by id or by secret, and the effect on the record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeCapability {
    /// `true` if a token can be revoked by its id.
    pub by_id: bool,
    /// `true` if a token can be revoked by its secret.
    pub by_secret: bool,
    /// The effect on the record. [`Replaced`](RevocationEffect::Replaced) needs the caller's
    /// consent: see
    /// [`RevokeOptions::accept_replacement`](crate::RevokeOptions::accept_replacement).
    pub effect: RevocationEffect,
    /// The other tokens that a revocation may revoke too, such as "the other tokens of the same
    /// OAuth client"; `None` if it revokes only one. They need the caller's consent: see
    /// [`RevokeOptions::accept_cascade`](crate::RevokeOptions::accept_cascade).
    pub cascade: Option<String>,
    /// `true` if a token that [`create`](crate::TokenProvider::create) made takes no others along.
    pub created_tokens_alone: bool,
}

impl RevokeCapability {
    /// Creates a declaration of revoking by id.
    #[must_use]
    pub fn by_id(effect: RevocationEffect) -> Self {
        Self {
            by_id: true,
            by_secret: false,
            effect,
            cascade: None,
            created_tokens_alone: false,
        }
    }

    /// Creates a declaration of revoking by secret.
    #[must_use]
    pub fn by_secret(effect: RevocationEffect) -> Self {
        Self {
            by_id: false,
            by_secret: true,
            effect,
            cascade: None,
            created_tokens_alone: false,
        }
    }

    /// Creates a declaration of revoking by id and by secret, whichever the caller has.
    #[must_use]
    pub fn by_id_or_secret(effect: RevocationEffect) -> Self {
        Self {
            by_secret: true,
            ..Self::by_id(effect)
        }
    }

    /// Declares that revoking one token may revoke others too, and which.
    ///
    /// The words complete "revoking it may also revoke …".
    ///
    /// ```
    /// use tokenfleet_core::RevocationEffect;
    /// use tokenfleet_core::capability::RevokeCapability;
    ///
    /// let revoke = RevokeCapability::by_id(RevocationEffect::Deleted)
    ///     .with_cascade("the other tokens of the same OAuth client");
    /// assert!(revoke.cascade.is_some());
    /// ```
    #[must_use]
    pub fn with_cascade(mut self, others: impl Into<String>) -> Self {
        self.cascade = Some(others.into());
        self
    }

    /// Declares that a token that [`create`](crate::TokenProvider::create) made takes no others
    /// along, although a token of another origin may.
    ///
    /// A new token that is not as requested is then revoked, and
    /// [`ExactlyOnce`](crate::ExactlyOnce) may clean up after itself. Without this, both would need
    /// the consent that nobody gave them.
    #[must_use]
    pub fn with_created_tokens_alone(mut self) -> Self {
        self.created_tokens_alone = true;
        self
    }
}
