//! The trait that adapts one platform, and the checks before and after each call.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::{Account, Error, Operation, Result};
use crate::model::{
    Identity, IssuedToken, RenewedToken, Secret, Timestamp, Token, TokenId, TokenRef, TokenState,
};
use crate::provider::check::needs_cascade_consent;
use crate::provider::sent_expiry::SentExpiry;
use crate::provider::{
    Capabilities, CreateToken, Liveness, OperationCall, Page, PageRequest, Revocation,
    RevokeOptions, SecretShape, TokenProvider, UpdateToken, result_check,
};

/// Translates one platform into tokenfleet's model. Implement this to add a platform.
///
/// Every adapter is a [`TokenProvider`]. That implementation checks each call against
/// [`capabilities`](Self::capabilities) first, so an adapter only ever sees calls that it declared,
/// with valid arguments, and cannot forget the check (law 1, decision 0012). It also holds each
/// result against the request: an adapter returns what the platform reports, and the record of
/// another token, a change that was not made or a masked secret becomes an error (law 6, decision
/// 0015). An operation that the platform lacks is left out.
///
/// Implement these methods and never call them: a call through `TokenProvider` is checked, one
/// through `Adapter` is not.
///
/// # Rules
///
/// * Send one request per method. `revoke` and `verify` may send the few that they need for proof,
///   such as a read before a deletion. Do not page, sort or filter beyond what was requested: the
///   layers above do.
/// * Keep no state between calls but the credential that the account authenticates with, so that
///   every call can be retried, dropped and run concurrently. Dropping a future must leave the
///   adapter usable.
/// * Report what happened: every error carries its [`Fate`](crate::Fate). Never repeat a creation
///   or a rotation that may have been applied.
/// * Map a field that the platform does not report to
///   [`Fact::NotReported`](crate::Fact::NotReported), never to
///   [`Fact::Absent`](crate::Fact::Absent).
/// * Never let a secret into `Debug`, an error or an attribute.
/// * Run the conformance suite (crate `tokenfleet-conformance`) against it.
///
/// ```
/// use async_trait::async_trait;
/// use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
/// use tokenfleet_core::capability::{Capabilities, ListCapability};
/// use tokenfleet_core::{
///     Account, Error, Query, Result, Token, TokenId, TokenProvider, TokenProviderExt, TokenState,
/// };
///
/// /// A platform that lists one token and does nothing else.
/// #[derive(Debug)]
/// struct Single {
///     account: Account,
///     capabilities: Capabilities,
/// }
///
/// #[async_trait]
/// impl Adapter for Single {
///     fn account(&self) -> &Account {
///         &self.account
///     }
///     fn capabilities(&self) -> &Capabilities {
///         &self.capabilities
///     }
///     async fn list_page(&self, _request: PageRequest) -> Result<Page> {
///         Ok(Page::last(vec![Token::new(TokenId::new("1"), TokenState::Active)]))
///     }
/// }
///
/// # futures_executor::block_on(async {
/// let single = Single {
///     account: Account::new("single", "mine"),
///     capabilities: Capabilities::none().with_list(ListCapability::unpaged()),
/// };
/// let provider: &dyn TokenProvider = &single;
/// assert_eq!(provider.list_all(Query::new()).await?.tokens.len(), 1);
/// assert!(provider.get(&TokenId::new("1")).await.is_err(), "not declared, so nothing is sent");
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait Adapter: Debug + Send + Sync + 'static {
    /// Returns the account that this adapter acts for.
    fn account(&self) -> &Account;

    /// Returns what the adapter supports. It may grow as the adapter learns more about its
    /// platform, but never shrinks.
    fn capabilities(&self) -> &Capabilities;

    /// Fetches one page, as [`TokenProvider::list_page`] documents.
    async fn list_page(&self, _request: PageRequest) -> Result<Page> {
        Err(missing(self.account(), Operation::List))
    }

    /// Fetches one token, as [`TokenProvider::get`] documents.
    async fn get(&self, _id: &TokenId) -> Result<Token> {
        Err(missing(self.account(), Operation::Get))
    }

    /// Creates a token, as [`TokenProvider::create`] documents.
    async fn create(&self, _request: CreateToken) -> Result<IssuedToken> {
        Err(missing(self.account(), Operation::Create))
    }

    /// Updates a token, as [`TokenProvider::update`] documents.
    async fn update(&self, _id: &TokenId, _change: UpdateToken) -> Result<Token> {
        Err(missing(self.account(), Operation::Update))
    }

    /// Rotates a token in place, as [`TokenProvider::rotate`] documents.
    async fn rotate(&self, _id: &TokenId) -> Result<IssuedToken> {
        Err(missing(self.account(), Operation::Rotate))
    }

    /// Renews a secret, as [`TokenProvider::renew`] documents.
    async fn renew(&self, _secret: &Secret) -> Result<RenewedToken> {
        Err(missing(self.account(), Operation::Renew))
    }

    /// Revokes a token by its id, as [`TokenProvider::revoke`] documents.
    async fn revoke_by_id(&self, _id: &TokenId, _options: RevokeOptions) -> Result<Revocation> {
        Err(missing(self.account(), Operation::Revoke))
    }

    /// Revokes a token by its secret, as [`TokenProvider::revoke`] documents.
    async fn revoke_by_secret(
        &self,
        _secret: &Secret,
        _options: RevokeOptions,
    ) -> Result<Revocation> {
        Err(missing(self.account(), Operation::Revoke))
    }

    /// Verifies a secret, as [`TokenProvider::verify`] documents.
    async fn verify(&self, _secret: &Secret) -> Result<Liveness> {
        Err(missing(self.account(), Operation::Verify))
    }

    /// Returns whether a secret looks like one of this platform's, as
    /// [`TokenProvider::secret_shape`] documents.
    ///
    /// The secret may come from a stranger: survive everything, in bounded time. Where the
    /// platform's documentation leaves the form open, keep the default,
    /// [`Possible`](SecretShape::Possible).
    fn secret_shape(&self, _secret: &Secret) -> SecretShape {
        SecretShape::Possible
    }

    /// Finds the token of this account that has this secret, as [`TokenProvider::token_of`]
    /// documents.
    ///
    /// The default reads the token whose id the secret [contains](Self::secret_shape), if it
    /// contains one. Whatever is returned, the caller gets it only if [`verify`](Self::verify) then
    /// says that the secret is alive.
    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        match self.secret_shape(secret) {
            SecretShape::Recognized { id: Some(id) } if self.capabilities().get => {
                match self.get(&id).await {
                    Ok(token) => Ok((token.id == id).then_some(token)),
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(error),
                }
            }
            _ => Ok(None),
        }
    }

    /// Asks whom the account acts as, as [`TokenProvider::whoami`] documents.
    async fn whoami(&self) -> Result<Identity> {
        Err(missing(self.account(), Operation::Whoami))
    }
}

/// Creates an error for an operation that an adapter declares and does not implement.
fn missing(account: &Account, operation: Operation) -> Error {
    Error::unsupported("the provider does not implement this operation")
        .with_account(account)
        .with_operation(operation)
}

/// Checks each call before the adapter sees it, and each result before the caller does: the one
/// place where laws 1 and 6 are enforced.
#[async_trait]
impl<A: Adapter> TokenProvider for A {
    fn account(&self) -> &Account {
        Adapter::account(self)
    }

    fn capabilities(&self) -> &Capabilities {
        Adapter::capabilities(self)
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        check(self, OperationCall::List(&request))?;
        (Adapter::list_page(self, request).await).map_err(in_context(self, Operation::List))
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        check(self, OperationCall::Get(id))?;
        let token = Adapter::get(self, id).await;
        let token = token.map_err(in_context(self, Operation::Get))?;
        result_check::check_id(self, Operation::Get, id, &token.id)?;
        Ok(token)
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        check(self, OperationCall::Create(&request))?;
        let create = Adapter::capabilities(self).create.as_ref();
        let sent = SentExpiry::new(request.expiry, create, Timestamp::now())
            .map_err(in_context(self, Operation::Create))?;
        let request = CreateToken {
            expiry: sent.expiry,
            ..request
        };
        let issued = Adapter::create(self, request.clone()).await;
        let issued = issued.map_err(in_context(self, Operation::Create))?;
        result_check::check_created(self, &request, sent, issued).await
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        check(self, OperationCall::Update(id, &change))?;
        let token = Adapter::update(self, id, change.clone()).await;
        let token = token.map_err(in_context(self, Operation::Update))?;
        result_check::check_updated(self, id, &change, &token)?;
        Ok(token)
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        check(self, OperationCall::Rotate(id))?;
        // The id may be another one: Cloudsmith documents only that it is in the response.
        let issued = Adapter::rotate(self, id).await;
        let issued = issued.map_err(in_context(self, Operation::Rotate))?;
        result_check::check_rotated(self, &issued)?;
        Ok(issued)
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        check(self, OperationCall::Renew(secret))?;
        let renewed = Adapter::renew(self, secret).await;
        let renewed = renewed.map_err(in_context(self, Operation::Renew))?;
        result_check::check_renewed(self, secret, renewed).await
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        check(self, OperationCall::Revoke(token, &options))?;
        let options = with_consent(self, token, options).await?;
        let revocation = match token {
            TokenRef::Id(id) => self.revoke_by_id(id, options).await,
            TokenRef::Secret(secret) => self.revoke_by_secret(secret, options).await,
        };
        let revocation = revocation.map_err(in_context(self, Operation::Revoke))?;
        result_check::check_revoked(self, token, &revocation)?;
        result_check::check_gone(self, token, &revocation).await?;
        Ok(revocation)
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        check(self, OperationCall::Verify(secret))?;
        (Adapter::verify(self, secret).await).map_err(in_context(self, Operation::Verify))
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        Adapter::secret_shape(self, secret)
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        check(self, OperationCall::Verify(secret))?;
        let found = Adapter::token_of(self, secret).await;
        let found = found.map_err(in_context(self, Operation::Verify))?;
        // A secret that works is not that of a token that does not.
        let Some(token) = found.filter(|token| token.state == TokenState::Active) else {
            return Ok(None);
        };
        // Anybody can write a secret that contains any id. It is asked about last, so that nothing
        // is sent, and no failed login is counted, where the platform does not tell anyway.
        let liveness = Adapter::verify(self, secret).await;
        let liveness = liveness.map_err(in_context(self, Operation::Verify))?;
        Ok((liveness == Liveness::Alive).then_some(token))
    }

    async fn whoami(&self) -> Result<Identity> {
        check(self, OperationCall::Whoami)?;
        let identity = Adapter::whoami(self).await;
        let identity = identity.map_err(in_context(self, Operation::Whoami))?;
        result_check::check_identity(self, &identity)?;
        Ok(identity)
    }

    fn checked(self: Arc<Self>) -> Arc<dyn TokenProvider> {
        self
    }
}

/// Returns the options of a revocation that passed the check. Where only the record of the token
/// tells whether its revocation needs consent to revoke others, it is read (decision 0053).
async fn with_consent<A: Adapter>(
    adapter: &A,
    token: TokenRef<'_>,
    options: RevokeOptions,
) -> Result<RevokeOptions> {
    let revoke = adapter.capabilities().revoke.as_ref();
    let (TokenRef::Id(id), false, Some(revoke)) = (token, options.accept_cascade, revoke) else {
        return Ok(options);
    };
    let Some(others) = &revoke.cascade else {
        return Ok(options);
    };
    let read = TokenProvider::get(adapter, id).await;
    let read = read.map_err(|error| error.for_operation(Operation::Revoke))?;
    if !revoke.is_alone(&read) {
        let error = needs_cascade_consent(others);
        return Err(in_context(adapter, Operation::Revoke)(error));
    }
    Ok(options.with_existed().with_cascade_accepted())
}

/// Returns a function that names the account and the operation in an error that does not name them
/// itself.
fn in_context<A: Adapter>(adapter: &A, operation: Operation) -> impl FnOnce(Error) -> Error {
    move |error| {
        error
            .with_account(adapter.account())
            .with_operation(operation)
    }
}

/// Checks a call against the declaration of an adapter.
fn check<A: Adapter>(adapter: &A, call: OperationCall<'_>) -> Result<()> {
    (adapter.capabilities().check(call)).map_err(|error| error.with_account(adapter.account()))
}

/// A provider that is not an [`Adapter`], such as a cache around another provider, as one: so each
/// of its calls is checked.
#[derive(Debug)]
pub(super) struct Checked<P: ?Sized>(pub(super) Arc<P>);

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<P: TokenProvider + ?Sized> Adapter for Checked<P> {
    fn account(&self) -> &Account {
        self.0.account()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.0.list_page(request).await
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.0.get(id).await
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        self.0.create(request).await
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.0.update(id, change).await
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.0.rotate(id).await
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.0.renew(secret).await
    }

    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        self.0.revoke(TokenRef::Id(id), options).await
    }

    async fn revoke_by_secret(
        &self,
        secret: &Secret,
        options: RevokeOptions,
    ) -> Result<Revocation> {
        self.0.revoke(TokenRef::Secret(secret), options).await
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.0.verify(secret).await
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        self.0.secret_shape(secret)
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        self.0.token_of(secret).await
    }

    async fn whoami(&self) -> Result<Identity> {
        self.0.whoami().await
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;

    /// An adapter whose errors name neither the account nor the operation.
    #[derive(Debug)]
    struct Terse(Account, Capabilities);

    #[async_trait]
    impl Adapter for Terse {
        fn account(&self) -> &Account {
            &self.0
        }

        fn capabilities(&self) -> &Capabilities {
            &self.1
        }

        async fn get(&self, _id: &TokenId) -> Result<Token> {
            Err(Error::invalid_input("an id is a whole number"))
        }
    }

    /// An adapter whose secrets are `ID.SIGNATURE`, and whose platform accepts one signature.
    #[derive(Debug)]
    struct Signing(Account, Capabilities);

    #[async_trait]
    impl Adapter for Signing {
        fn account(&self) -> &Account {
            &self.0
        }

        fn capabilities(&self) -> &Capabilities {
            &self.1
        }

        async fn get(&self, id: &TokenId) -> Result<Token> {
            Ok(Token::new(id.clone(), TokenState::Active))
        }

        async fn verify(&self, secret: &Secret) -> Result<Liveness> {
            Ok(match secret.expose() {
                "victim.signed" => Liveness::Alive,
                "victim.undecided" => Liveness::Unknown {
                    reason: "a gateway answered".to_owned(),
                },
                "victim.unreachable" => return Err(Error::unsupported("no answer")),
                _ => Liveness::Dead,
            })
        }

        fn secret_shape(&self, secret: &Secret) -> SecretShape {
            let id = secret.expose().split_once('.').map(|(id, _)| id);
            SecretShape::Recognized {
                id: id.map(TokenId::new),
            }
        }
    }

    #[test]
    fn the_id_in_a_secret_names_a_token_only_if_the_platform_accepts_the_secret() {
        let account = Account::new("example", "main");
        let signing = Signing(account, Capabilities::none().with_get().with_verify());
        let find = |text| block_on(TokenProvider::token_of(&signing, &Secret::new(text)));
        let found = find("victim.signed").unwrap();
        assert_eq!(found.map(|token| token.id), Some(TokenId::new("victim")));
        for forged in ["victim.forged", "victim.undecided", "victim."] {
            assert_eq!(find(forged).unwrap(), None, "{forged}");
        }
        let error = find("victim.unreachable").unwrap_err();
        assert_eq!(error.operation(), Some(Operation::Verify));
    }

    #[test]
    fn an_error_of_an_adapter_names_the_account_and_the_operation() {
        let terse = Terse(
            Account::new("example", "main"),
            Capabilities::none().with_get(),
        );
        let error = block_on(TokenProvider::get(&terse, &TokenId::new("x"))).unwrap_err();
        assert_eq!(error.account(), Some(&terse.0));
        assert_eq!(error.operation(), Some(Operation::Get));
    }
}
