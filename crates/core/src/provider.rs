//! The interface that every platform is adapted to.

mod adapter;
mod argument_check;
mod call;
mod capabilities;
mod check;
mod create_argument;
mod create_capability;
mod journal;
mod journaled;
mod list_capability;
mod operation_id;
mod outcome;
mod page;
mod read_only;
mod renew_capability;
mod request;
mod result_check;
mod revoke_capability;
mod secret_shape;
mod sent_expiry;
mod update_capability;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

pub use adapter::Adapter;
pub use call::OperationCall;
pub use capabilities::Capabilities;
pub use create_argument::{ArgumentDescription, ArgumentKind, ArgumentValue};
pub use create_capability::{ArgumentSupport, CreateCapability};
pub use journal::{Effect, Intent, Journal, Outcome, Resolution, Run};
pub use journaled::Journaled;
pub use list_capability::{FilterCapability, ListCapability, OrderCapability, Paging};
pub use operation_id::OperationId;
pub use outcome::{Liveness, Revocation, RevocationEffect, RevocationOutcome};
pub(crate) use page::LAST_PAGE;
pub use page::{Page, PagePosition, PageRequest};
pub use read_only::ReadOnly;
pub use renew_capability::{RenewCapability, RenewedSecret};
pub use request::{CreateToken, RequestedExpiry, RevokeOptions, Suspension, UpdateToken};
pub use revoke_capability::RevokeCapability;
pub use secret_shape::SecretShape;
pub use update_capability::UpdateCapability;

use adapter::Checked;

use crate::error::{Account, Result};
use crate::model::{Identity, IssuedToken, RenewedToken, Secret, Token, TokenId, TokenRef};

/// Access to the tokens of one account.
///
/// Use it as `Arc<dyn TokenProvider>`, with [`TokenProviderExt`](crate::TokenProviderExt) for whole
/// listings. [`capabilities`](Self::capabilities) declares what works; everything else fails with
/// [`Unsupported`](crate::ErrorKind::Unsupported) before anything is sent.
///
/// To add a platform, implement [`Adapter`], which is a `TokenProvider` by
/// itself. Implement this trait directly only for a wrapper around another provider: no
/// operation has a default, so a wrapper cannot forget one.
///
/// ```
/// use tokenfleet_core::{Query, Result, TokenProvider, TokenProviderExt};
///
/// async fn print_names(provider: &dyn TokenProvider) -> Result<()> {
///     println!("{}:", provider.account());
///     for token in provider.list_all(Query::new()).await?.tokens {
///         println!("  {} {:?}", token.id, token.name.known());
///     }
///     Ok(())
/// }
/// ```
#[async_trait]
pub trait TokenProvider: Debug + Send + Sync + 'static {
    /// Returns the account that this provider acts for.
    fn account(&self) -> &Account;

    /// Returns what the provider supports. It may grow as the provider learns more about its
    /// platform, but never shrinks.
    fn capabilities(&self) -> &Capabilities;

    /// Fetches one page of tokens, with the filter and the order of the request. Sends one request.
    ///
    /// A page beyond the last one is empty. A response that reports more pages without saying where
    /// they are is a [`ProtocolViolation`](crate::ErrorKind::ProtocolViolation). A page token that
    /// the platform no longer knows is
    /// [`Error::cursor_expired`](crate::Error::cursor_expired): the listing then begins anew.
    async fn list_page(&self, request: PageRequest) -> Result<Page>;

    /// Fetches one token by its id. Sends one request.
    ///
    /// Fails with [`NotFound`](crate::ErrorKind::NotFound) if no token has that id.
    async fn get(&self, id: &TokenId) -> Result<Token>;

    /// Creates a token and returns it with its secret, which no platform shows again. Sends one
    /// request, which is never repeated once it may have been applied.
    ///
    /// Fails with [`Conflict`](crate::ErrorKind::Conflict) if the name is taken or the account is
    /// full.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken>;

    /// Updates a token's name, description or suspension. Sends one request.
    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token>;

    /// Rotates a token in place: the record gets a new secret and the old one stops working at
    /// once. Sends one request, which is never repeated once it may have been applied.
    ///
    /// A provider that authenticates with the rotated secret continues with the new one.
    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken>;

    /// Extends the expiry of a secret. Sends one request.
    ///
    /// Some platforms also replace the secret: see [`RenewedToken::secret`].
    async fn renew(&self, secret: &Secret) -> Result<RenewedToken>;

    /// Revokes a token: once this succeeds, its secret no longer authenticates.
    ///
    /// Fails with [`NotFound`](crate::ErrorKind::NotFound) if the platform knows no such token
    /// here: it may be dead, or it may be another's. "Already gone" needs proof, such as a record
    /// that is marked as revoked, or [`RevokeOptions::existed`].
    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation>;

    /// Checks whether a secret still authenticates. The platform may record that as a use of it;
    /// nothing else changes.
    ///
    /// It is [`Dead`](Liveness::Dead) only if the platform itself refuses it, in the form that it
    /// documents, while it accepts the credential that the account authenticates with.
    async fn verify(&self, secret: &Secret) -> Result<Liveness>;

    /// Returns whether a secret looks like one of this platform's. Sends nothing.
    ///
    /// A secret is [`Impossible`](SecretShape::Impossible) only if the platform's own secrets are
    /// known to look different: whoever looks for the place of a found secret skips this account
    /// then.
    fn secret_shape(&self, secret: &Secret) -> SecretShape;

    /// Finds the token of this account that has this secret, and changes nothing.
    ///
    /// `None` means that the platform does not tell: the secret may be another account's, or dead.
    /// A token is returned only if the platform itself shows it in this account, alive, and accepts
    /// the secret: an id inside a secret proves nothing.
    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>>;

    /// Asks the platform whom the account acts as, and changes nothing.
    ///
    /// Fails with [`Unauthenticated`](crate::ErrorKind::Unauthenticated) if the platform takes the
    /// account's credential for nobody's, even if it answers with a success.
    async fn whoami(&self) -> Result<Identity>;

    /// Returns this provider such that each of its calls is checked. Keep the default.
    ///
    /// An [`Adapter`] is checked already and returned as it is. Everything else is wrapped: the
    /// registry and the fleet of `tokenfleet` apply this to what they are given.
    fn checked(self: Arc<Self>) -> Arc<dyn TokenProvider> {
        Arc::new(Checked(self))
    }
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

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        (**self).secret_shape(secret)
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        (**self).token_of(secret).await
    }

    async fn whoami(&self) -> Result<Identity> {
        (**self).whoami().await
    }

    fn checked(self: Arc<Self>) -> Arc<dyn TokenProvider> {
        P::checked(Arc::clone(&self))
    }
}
