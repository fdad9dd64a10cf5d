//! What a provider declares that it does.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Operation;
use crate::model::TokenField;
use crate::provider::{ListCapability, RevocationEffect};

/// What a provider does for one account: an operation that is `None` fails with
/// [`Unsupported`](crate::ErrorKind::Unsupported) before anything is sent.
///
/// A provider declares it once, in code, and calls [`check`](Self::check) first in every method; the conformance
/// suite holds it to every word.
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
/// let refusal = capabilities.check(OperationCall::Get((&id).into())).unwrap_err();
/// assert_eq!(refusal.kind(), ErrorKind::Unsupported);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Listing, page by page.
    pub list: Option<ListCapability>,
    /// Reading one token by its id.
    pub get: bool,
    /// Making tokens.
    pub create: Option<CreateCapability>,
    /// Changing tokens.
    pub update: Option<UpdateCapability>,
    /// Giving a record, by its id, a new secret; the old one dies at once.
    pub rotate: bool,
    /// Prolonging the life of a secret.
    pub renew: Option<RenewCapability>,
    /// Killing secrets.
    pub revoke: Option<RevokeCapability>,
    /// Telling whether a secret is alive, without changing anything.
    pub verify: bool,
    /// Which facts its tokens may carry. A fact that is not declared is always
    /// [`NotReported`](crate::Fact::NotReported).
    pub reported_fields: Vec<TokenField>,
    /// Operations that the platform has and this account is not offered, with what to do about it.
    pub unavailable: BTreeMap<Operation, String>,
}

impl Capabilities {
    /// Nothing at all, to build upon.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// And lists.
    #[must_use]
    pub fn with_list(mut self, list: ListCapability) -> Self {
        self.list = Some(list);
        self
    }

    /// And reads one token by its id.
    #[must_use]
    pub fn with_get(mut self) -> Self {
        self.get = true;
        self
    }

    /// And makes tokens.
    #[must_use]
    pub fn with_create(mut self, create: CreateCapability) -> Self {
        self.create = Some(create);
        self
    }

    /// And changes tokens.
    #[must_use]
    pub fn with_update(mut self, update: UpdateCapability) -> Self {
        self.update = Some(update);
        self
    }

    /// And gives a record a new secret.
    #[must_use]
    pub fn with_rotate(mut self) -> Self {
        self.rotate = true;
        self
    }

    /// And prolongs lives.
    #[must_use]
    pub fn with_renew(mut self, renew: RenewCapability) -> Self {
        self.renew = Some(renew);
        self
    }

    /// And kills secrets.
    #[must_use]
    pub fn with_revoke(mut self, revoke: RevokeCapability) -> Self {
        self.revoke = Some(revoke);
        self
    }

    /// And tells whether a secret is alive.
    #[must_use]
    pub fn with_verify(mut self) -> Self {
        self.verify = true;
        self
    }

    /// And not that operation, which the platform has; the advice says what to do to be offered it.
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
        }
        self.unavailable.insert(operation, advice.into());
        self
    }

    /// And reports these facts.
    #[must_use]
    pub fn with_reported_fields(mut self, fields: impl IntoIterator<Item = TokenField>) -> Self {
        self.reported_fields.extend(fields);
        self
    }
}

/// Whether an argument must, may or must not be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ArgumentSupport {
    /// Giving it is refused.
    #[default]
    Unsupported,
    /// It may be left out.
    Optional,
    /// Leaving it out is refused.
    Required,
}

/// How a platform makes tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CreateCapability {
    /// Whether a name is given.
    pub name: ArgumentSupport,
    /// The longest name, in characters; `None`: no bound is known.
    pub max_name_length: Option<usize>,
    /// Whether a name can be used only once, even after its token is dead.
    pub unique_names: bool,
    /// Whether a description may be given.
    pub description: bool,
    /// Whether an expiry may be chosen.
    pub expiry: bool,
    /// Whether tokens may be made that never expire.
    pub never_expiring: bool,
    /// Whether scopes may be given.
    pub scopes: bool,
    /// Whether it may be made suspended.
    pub suspended: bool,
    /// How many tokens an account can hold; `None`: no bound is known.
    pub max_tokens: Option<u32>,
    /// How long a token lives at the most when it is not renewed; `None`: no bound is known.
    pub max_lifetime: Option<Duration>,
}

impl CreateCapability {
    /// Tokens without any argument.
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

    /// Of at most that many characters.
    #[must_use]
    pub fn with_max_name_length(mut self, characters: usize) -> Self {
        self.max_name_length = Some(characters);
        self
    }

    /// Each name only once, even after its token is dead.
    #[must_use]
    pub fn with_unique_names(mut self) -> Self {
        self.unique_names = true;
        self
    }

    /// With a description.
    #[must_use]
    pub fn with_description(mut self) -> Self {
        self.description = true;
        self
    }

    /// With an expiry of the caller's choice, or none at all.
    #[must_use]
    pub fn with_expiry(mut self) -> Self {
        self.expiry = true;
        self.never_expiring = true;
        self
    }

    /// With scopes.
    #[must_use]
    pub fn with_scopes(mut self) -> Self {
        self.scopes = true;
        self
    }

    /// Suspended from the start, if asked.
    #[must_use]
    pub fn with_suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    /// Living no longer than that, unless it is renewed.
    #[must_use]
    pub fn with_max_lifetime(mut self, life: Duration) -> Self {
        self.max_lifetime = Some(life);
        self
    }

    /// At most that many at a time.
    #[must_use]
    pub fn with_max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }
}

/// How a platform changes tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UpdateCapability {
    /// The name.
    pub name: bool,
    /// The longest name, in characters; `None`: no bound is known.
    pub max_name_length: Option<usize>,
    /// The description.
    pub description: bool,
    /// Switching off and on again.
    pub suspension: bool,
}

impl UpdateCapability {
    /// Nothing yet, to build upon.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The name, of at most that many characters if a bound is known.
    #[must_use]
    pub fn with_name(mut self, longest: Option<usize>) -> Self {
        self.name = true;
        self.max_name_length = longest;
        self
    }

    /// The description.
    #[must_use]
    pub fn with_description(mut self) -> Self {
        self.description = true;
        self
    }

    /// Switching off and on again.
    #[must_use]
    pub fn with_suspension(mut self) -> Self {
        self.suspension = true;
        self
    }
}

/// How a platform prolongs a secret's life.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewCapability {
    /// By how much.
    pub extension: Duration,
    /// How often, at most.
    pub max_renewals: Option<u32>,
}

impl RenewCapability {
    /// By that much, any number of times.
    #[must_use]
    pub fn new(extension: Duration) -> Self {
        Self {
            extension,
            max_renewals: None,
        }
    }

    /// At most that often.
    #[must_use]
    pub fn with_max_renewals(mut self, times: u32) -> Self {
        self.max_renewals = Some(times);
        self
    }
}

/// How a platform kills secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeCapability {
    /// Given the token's id.
    pub by_id: bool,
    /// Given the secret itself.
    pub by_secret: bool,
    /// What remains. [`Replaced`](RevocationEffect::Replaced) asks for the caller's consent.
    pub effect: RevocationEffect,
}

impl RevokeCapability {
    /// By the token's id.
    #[must_use]
    pub fn by_id(effect: RevocationEffect) -> Self {
        Self {
            by_id: true,
            by_secret: false,
            effect,
        }
    }

    /// By the secret itself.
    #[must_use]
    pub fn by_secret(effect: RevocationEffect) -> Self {
        Self {
            by_id: false,
            by_secret: true,
            effect,
        }
    }
}
