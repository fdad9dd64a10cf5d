//! A transport and a provider that the tests of several modules share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::adapter::{Page, PageRequest};
use crate::transport::{Body, Transport, TransportError};
use crate::*;

/// Returns a transport that must not be used.
pub(crate) fn unused_transport() -> Arc<dyn Transport> {
    #[derive(Debug)]
    struct UnusedTransport;

    #[async_trait]
    impl Transport for UnusedTransport {
        async fn send(
            &self,
            _: ::http::Request<Bytes>,
        ) -> Result<::http::Response<Body>, TransportError> {
            panic!("opening an account sends nothing")
        }
    }
    Arc::new(UnusedTransport)
}

/// A provider written without [`Adapter`](crate::adapter::Adapter): it declares nothing, checks
/// nothing and carries out every call that reaches it.
#[derive(Debug)]
pub(crate) struct UncheckedProvider {
    account: Account,
    capabilities: Capabilities,
    calls: Arc<AtomicUsize>,
}

impl UncheckedProvider {
    /// Creates the provider and the counter of the calls that reach it.
    pub(crate) fn new(name: &str) -> (Self, Arc<AtomicUsize>) {
        let calls = Arc::<AtomicUsize>::default();
        let provider = Self {
            account: Account::new("unchecked", name),
            capabilities: Capabilities::none(),
            calls: Arc::clone(&calls),
        };
        (provider, calls)
    }

    fn record_call(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

fn token() -> Token {
    Token::new(TokenId::new("1"), TokenState::Active)
}

#[async_trait]
impl TokenProvider for UncheckedProvider {
    fn account(&self) -> &Account {
        &self.account
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    async fn list_page(&self, _: PageRequest) -> Result<Page> {
        self.record_call();
        Ok(Page::last(vec![token()]))
    }
    async fn get(&self, _: &TokenId) -> Result<Token> {
        self.record_call();
        Ok(token())
    }
    async fn create(&self, _: CreateToken) -> Result<IssuedToken> {
        self.record_call();
        Ok(IssuedToken::new(token(), Secret::new("secret")))
    }
    async fn update(&self, _: &TokenId, _: UpdateToken) -> Result<Token> {
        self.record_call();
        Ok(token())
    }
    async fn rotate(&self, _: &TokenId) -> Result<IssuedToken> {
        self.record_call();
        Ok(IssuedToken::new(token(), Secret::new("secret")))
    }
    async fn renew(&self, _: &Secret) -> Result<RenewedToken> {
        self.record_call();
        Err(Error::unsupported("the call reached the provider"))
    }
    async fn revoke(&self, _: TokenRef<'_>, _: RevokeOptions) -> Result<Revocation> {
        self.record_call();
        Ok(Revocation::new(
            RevocationOutcome::Revoked,
            RevocationEffect::Deleted,
        ))
    }
    async fn verify(&self, _: &Secret) -> Result<Liveness> {
        self.record_call();
        Err(Error::unsupported("the call reached the provider"))
    }
    fn secret_shape(&self, _: &Secret) -> SecretShape {
        SecretShape::Possible
    }
    async fn token_of(&self, _: &Secret) -> Result<Option<Token>> {
        self.record_call();
        Err(Error::unsupported("the call reached the provider"))
    }
    async fn whoami(&self) -> Result<Identity> {
        self.record_call();
        Err(Error::unsupported("the call reached the provider"))
    }
}

/// Asserts that every operation of a provider that declares nothing is refused unsent.
pub(crate) async fn assert_every_call_is_refused(provider: &dyn TokenProvider) {
    let (id, secret) = (TokenId::new("1"), Secret::new("secret"));
    let options = RevokeOptions::default;
    let refusals = [
        provider.list_page(PageRequest::first()).await.err(),
        provider.get(&id).await.err(),
        provider.create(CreateToken::new("ci")).await.err(),
        (provider.update(&id, UpdateToken::rename("ci")).await).err(),
        provider.rotate(&id).await.err(),
        provider.renew(&secret).await.err(),
        provider.revoke(TokenRef::Id(&id), options()).await.err(),
        (provider.revoke(TokenRef::Secret(&secret), options()).await).err(),
        provider.verify(&secret).await.err(),
        provider.token_of(&secret).await.err(),
        provider.whoami().await.err(),
    ];
    for refusal in refusals {
        let error = refusal.expect("an undeclared call was carried out");
        assert_eq!(
            (error.kind(), error.fate(), error.account()),
            (
                ErrorKind::Unsupported,
                Fate::NotSent,
                Some(provider.account())
            ),
        );
    }
}
