//! The interface that every platform is translated into.

mod call;
mod capabilities;
mod check;
mod list_capability;
mod outcome;
mod page;
mod request;

pub use call::Call;
pub use capabilities::{
    Argument, Capabilities, CreateCapability, RenewCapability, RevokeCapability, UpdateCapability,
};
pub use list_capability::{FilterCapability, ListCapability, OrderCapability, Paging};
pub use outcome::{Liveness, Revocation, RevocationEffect, RevocationOutcome};
pub(crate) use page::LAST_PAGE;
pub use page::{Page, PagePosition, PageRequest};
pub use request::{CreateToken, RequestedExpiry, RevokeOptions, Suspension, UpdateToken};

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::{Account, Result};
use crate::model::{IssuedToken, RenewedToken, Secret, Token, TokenId, TokenRef};

/// The tokens of one account at one platform.
///
/// # For callers
///
/// Use it as `Arc<dyn TokenProvider>`, and [`TokenProviderExt`](crate::TokenProviderExt) for whole listings. Look at
/// [`capabilities`](Self::capabilities) to know what will work; what they do not declare fails with
/// [`Unsupported`](crate::ErrorKind::Unsupported), and nothing is sent.
///
/// # For implementers
///
/// * Start every method with [`Capabilities::check`], so that nothing undeclared or malformed is ever sent.
/// * Each method is one request, or the few that its documentation names. Do not page, sort or filter beyond what was
///   asked: that is done above.
/// * Keep no state between calls but the acting credential, so that every call can be repeated, dropped and run beside
///   others. Dropping a future must leave the provider usable.
/// * Report what happened: every error carries its [`Fate`](crate::Fate). Never repeat a creation or rotation that may
///   have been carried out.
/// * Map what the platform does not say to [`Fact::NotReported`](crate::Fact::NotReported), never to `None`.
/// * Never let a secret into `Debug`, an error or an attribute.
/// * Implement every method: there are no defaults, so that a wrapper cannot forget one. A method for an operation that
///   the platform lacks is one line, the check.
/// * Run the conformance suite (crate `tokenfleet-conformance`) against it.
///
/// ```
/// use async_trait::async_trait;
/// use tokenfleet_core::*;
///
/// /// A platform with one token that can be read and nothing else.
/// #[derive(Debug)]
/// struct Single {
///     account: Account,
///     capabilities: Capabilities,
/// }
///
/// #[async_trait]
/// impl TokenProvider for Single {
///     fn account(&self) -> &Account {
///         &self.account
///     }
///     fn capabilities(&self) -> &Capabilities {
///         &self.capabilities
///     }
///     async fn list_page(&self, request: PageRequest) -> Result<Page> {
///         self.capabilities.check(Call::List(&request))?;
///         Ok(Page::last(vec![Token::new(TokenId::new("1"), TokenState::Active)]))
///     }
///     async fn get(&self, id: &TokenId) -> Result<Token> {
///         self.capabilities.check(Call::Get(id.into()))?;
///         Err(Error::unsupported("never reached"))
///     }
///     # async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
///     #     self.capabilities.check(Call::Create(&request))?;
///     #     Err(Error::unsupported("never reached"))
///     # }
///     # async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
///     #     self.capabilities.check(Call::Update(id.into(), &change))?;
///     #     Err(Error::unsupported("never reached"))
///     # }
///     # async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
///     #     self.capabilities.check(Call::Rotate(id.into()))?;
///     #     Err(Error::unsupported("never reached"))
///     # }
///     # async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
///     #     self.capabilities.check(Call::Renew(secret.into()))?;
///     #     Err(Error::unsupported("never reached"))
///     # }
///     # async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
///     #     self.capabilities.check(Call::Revoke(token, &options))?;
///     #     Err(Error::unsupported("never reached"))
///     # }
///     # async fn verify(&self, secret: &Secret) -> Result<Liveness> {
///     #     self.capabilities.check(Call::Verify(secret))?;
///     #     Err(Error::unsupported("never reached"))
///     # }
///     // … and so on for create, update, rotate, renew, revoke and verify.
/// }
///
/// # futures_executor::block_on(async {
/// let single = Single {
///     account: Account::new("single", "mine"),
///     capabilities: Capabilities::none().with_list(ListCapability::new(Paging::Snapshot)),
/// };
/// assert_eq!(single.collect(Query::new()).await?.tokens.len(), 1);
/// assert!(single.get(&TokenId::new("1")).await.is_err());
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait TokenProvider: Debug + Send + Sync + 'static {
    /// The account that this provider acts for.
    fn account(&self) -> &Account;

    /// What it does. It may grow when the provider learns more of its platform, never shrink.
    fn capabilities(&self) -> &Capabilities;

    /// Reads one page of the tokens, in the order and with the filter of the request. One request.
    ///
    /// A page beyond the last is empty. An answer that says "more" without saying where is a
    /// [`ProtocolViolation`](crate::ErrorKind::ProtocolViolation).
    async fn list_page(&self, request: PageRequest) -> Result<Page>;

    /// Reads one token by its id. One request.
    ///
    /// Fails with [`NotFound`](crate::ErrorKind::NotFound) when there is none.
    async fn get(&self, id: &TokenId) -> Result<Token>;

    /// Makes a token and returns it with its secret, which no platform shows again. One request, never repeated once it
    /// may have been carried out.
    ///
    /// Fails with [`Conflict`](crate::ErrorKind::Conflict) when the name is taken or the account is full.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken>;

    /// Changes a token's name, description or suspension. One request.
    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token>;

    /// Gives a record a new secret; the old one dies at once. One request, never repeated once it may have been carried
    /// out. A provider that authenticates with the very secret goes on with the new one.
    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken>;

    /// Prolongs the life of a secret. One request.
    async fn renew(&self, secret: &Secret) -> Result<RenewedToken>;

    /// Kills a secret: when this succeeds it no longer authenticates. Revoking twice succeeds.
    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation>;

    /// Tells whether a secret is alive, and changes nothing.
    async fn verify(&self, secret: &Secret) -> Result<Liveness>;
}

#[async_trait]
impl<P: TokenProvider + ?Sized> TokenProvider for Arc<P> {
    fn account(&self) -> &Account {
        (**self).account()
    }

    fn capabilities(&self) -> &Capabilities {
        (**self).capabilities()
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        (**self).list_page(request).await
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        (**self).get(id).await
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        (**self).create(request).await
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        (**self).update(id, change).await
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        (**self).rotate(id).await
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        (**self).renew(secret).await
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        (**self).revoke(token, options).await
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        (**self).verify(secret).await
    }
}
