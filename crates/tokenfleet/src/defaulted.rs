//! A wrapper that adds the defaults of an account to the tokens that it creates.

use std::sync::Arc;

use async_trait::async_trait;

use crate::account_options::CreationDefaults;
use crate::adapter::{Page, PageRequest};
use crate::{
    Account, Capabilities, CreateToken, Identity, IssuedToken, Liveness, Operation, RenewedToken,
    Result, Revocation, RevokeOptions, Secret, SecretShape, Token, TokenId, TokenProvider,
    TokenRef, UpdateToken,
};

/// A provider that creates tokens with the lifetime and the scopes of its account, unless others
/// are requested.
#[derive(Debug)]
pub(crate) struct Defaulted {
    provider: Arc<dyn TokenProvider>,
    defaults: CreationDefaults,
    /// The path of the account in the configuration.
    path: String,
}

impl Defaulted {
    pub(crate) fn new(
        provider: Arc<dyn TokenProvider>,
        defaults: CreationDefaults,
        path: String,
    ) -> Self {
        let provider = provider.checked();
        Self {
            provider,
            defaults,
            path,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TokenProvider for Defaulted {
    fn account(&self) -> &Account {
        self.provider.account()
    }

    fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.provider.list_page(request).await
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.provider.get(id).await
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let capability = self.provider.capabilities().create.as_ref();
        let request = self.defaults.apply(request, capability, &self.path);
        let request = request.map_err(|error| {
            error
                .with_account(self.provider.account())
                .with_operation(Operation::Create)
        })?;
        self.provider.create(request).await
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.provider.update(id, change).await
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.provider.rotate(id).await
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.provider.renew(secret).await
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        self.provider.revoke(token, options).await
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        self.provider.secret_shape(secret)
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        self.provider.token_of(secret).await
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.provider.verify(secret).await
    }

    async fn whoami(&self) -> Result<Identity> {
        self.provider.whoami().await
    }

    /// Returns it as it is: the wrapped provider checks each call.
    fn checked(self: Arc<Self>) -> Arc<dyn TokenProvider> {
        self
    }
}
