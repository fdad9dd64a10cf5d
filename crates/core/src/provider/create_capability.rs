//! The support for creating tokens: the arguments that are accepted, and the limits.

use std::time::Duration;

use crate::model::Token;
use crate::provider::ArgumentDescription;
use crate::query::Filter;

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
    /// The scopes that the platform publishes; empty if it publishes none. It may have others, so
    /// none is refused for its absence here.
    pub published_scopes: &'static [&'static str],
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
    /// The tokens that may create tokens themselves, as their records show; `None` if no record
    /// tells.
    pub makers: Option<Filter>,
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

    /// Declares the scopes that the platform publishes, to be shown to whoever chooses some.
    #[must_use]
    pub fn with_published_scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.published_scopes = scopes;
        self
    }

    /// Accepts an argument that only this platform has.
    #[must_use]
    pub fn with_argument(mut self, argument: ArgumentDescription) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Declares which tokens may create tokens themselves, as their records show.
    ///
    /// A plan revokes them [first](crate::RevocationPlan::with_first). The filter must match every
    /// token whose record does not tell.
    #[must_use]
    pub fn with_makers(mut self, tokens: Filter) -> Self {
        self.makers = Some(tokens);
        self
    }

    /// Returns `true` unless the record of this token shows that it cannot create tokens.
    #[must_use]
    pub fn may_be_maker(&self, token: &Token) -> bool {
        self.makers
            .as_ref()
            .is_none_or(|makers| makers.matches(token))
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
