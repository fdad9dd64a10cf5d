//! A wrapper that refuses every write.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use crate::error::{Account, Result};
use crate::model::{Identity, IssuedToken, RenewedToken, Secret, Token, TokenId, TokenRef};
use crate::provider::check::read_only_error;
use crate::provider::{
    Capabilities, CreateToken, Liveness, OperationCall, Page, PageRequest, Revocation,
    RevokeOptions, SecretShape, TokenProvider, UpdateToken,
};

/// A provider that reads only: create, update, rotate, renew and revoke are refused before anything
/// is sent.
///
/// It declares what the platform supports, and the setting that forbids writes as
/// [`Capabilities::read_only`].
#[derive(Debug)]
pub struct ReadOnly {
    provider: Arc<dyn TokenProvider>,
    setting: String,
    /// The capabilities that the wrapped provider has declared so far, as they are declared here.
    declared: OnceLock<Box<Declared>>,
}

/// A declaration of the wrapped provider, and the next one if it has learned more since.
#[derive(Debug)]
struct Declared {
    /// The address of the original.
    original: usize,
    read_only: Capabilities,
    next: OnceLock<Box<Self>>,
}

impl ReadOnly {
    /// Wraps a provider. The setting completes "to allow changes, remove …".
    #[must_use]
    pub fn new(provider: Arc<dyn TokenProvider>, setting: impl Into<String>) -> Self {
        Self {
            provider: provider.checked(),
            setting: setting.into(),
            declared: OnceLock::new(),
        }
    }

    /// Refuses a write, whatever the provider declares.
    fn refuse<T>(&self, call: OperationCall<'_>) -> Result<T> {
        let checked = self.capabilities().check(call);
        let error = checked
            .err()
            .unwrap_or_else(|| read_only_error(&self.setting).with_operation(call.operation()));
        Err(error.with_account(self.account()))
    }
}

// Every method is written out: one that was left to a default would not reach the provider.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TokenProvider for ReadOnly {
    fn account(&self) -> &Account {
        self.provider.account()
    }

    fn capabilities(&self) -> &Capabilities {
        let current = self.provider.capabilities();
        let original = std::ptr::from_ref(current) as usize;
        let mut next = &self.declared;
        loop {
            let declared = next.get_or_init(|| {
                let read_only = current.clone().with_read_only(self.setting.as_str());
                let next = OnceLock::new();
                Box::new(Declared {
                    original,
                    read_only,
                    next,
                })
            });
            if declared.original == original {
                return &declared.read_only;
            }
            next = &declared.next;
        }
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.provider.list_page(request).await
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.provider.get(id).await
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        self.refuse(OperationCall::Create(&request))
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.refuse(OperationCall::Update(id, &change))
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.refuse(OperationCall::Rotate(id))
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.refuse(OperationCall::Renew(secret))
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        self.refuse(OperationCall::Revoke(token, &options))
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.provider.verify(secret).await
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        self.provider.secret_shape(secret)
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        self.provider.token_of(secret).await
    }

    async fn whoami(&self) -> Result<Identity> {
        self.provider.whoami().await
    }

    /// Returns it as it is: the wrapped provider checks each call, and every write is refused here.
    fn checked(self: Arc<Self>) -> Arc<dyn TokenProvider> {
        self
    }
}
