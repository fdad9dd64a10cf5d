//! A wrapper that adds annotations to the tokens of a provider.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapter::{Page, PageRequest};
use crate::{
    Account, Annotations, Capabilities, CreateToken, Identity, IssuedToken, Liveness, RenewedToken,
    Result, Revocation, RevokeOptions, Secret, SecretShape, Token, TokenId, TokenProvider,
    TokenRef, UpdateToken,
};

/// A provider whose tokens carry annotations.
///
/// Conditions on them are never sent: no platform filters by attributes.
#[derive(Debug)]
pub(crate) struct Annotated {
    provider: Arc<dyn TokenProvider>,
    annotations: Arc<Annotations>,
}

impl Annotated {
    pub(crate) fn new(provider: Arc<dyn TokenProvider>, annotations: Arc<Annotations>) -> Self {
        let provider = provider.checked();
        Self {
            provider,
            annotations,
        }
    }

    fn annotate(&self, token: &mut Token) {
        self.annotations.apply(self.provider.account(), token);
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TokenProvider for Annotated {
    fn account(&self) -> &Account {
        self.provider.account()
    }

    fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let mut page = self.provider.list_page(request).await?;
        page.tokens
            .iter_mut()
            .for_each(|token| self.annotate(token));
        Ok(page)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        let mut token = self.provider.get(id).await?;
        self.annotate(&mut token);
        Ok(token)
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let mut issued = self.provider.create(request).await?;
        self.annotate(&mut issued.token);
        Ok(issued)
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        let mut token = self.provider.update(id, change).await?;
        self.annotate(&mut token);
        Ok(token)
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        let mut issued = self.provider.rotate(id).await?;
        self.annotate(&mut issued.token);
        Ok(issued)
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        let mut renewed = self.provider.renew(secret).await?;
        self.annotate(&mut renewed.token);
        Ok(renewed)
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        let mut revocation = self.provider.revoke(token, options).await?;
        if let Some(replacement) = &mut revocation.replacement {
            self.annotate(&mut replacement.token);
        }
        Ok(revocation)
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        self.provider.secret_shape(secret)
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        let mut token = self.provider.token_of(secret).await?;
        if let Some(token) = &mut token {
            self.annotate(token);
        }
        Ok(token)
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
