//! A wrapper that inspects every result of a provider.

use std::error::Error as _;
use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet_core::adapter::{Page, PageRequest};
use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, Identity, IssuedToken, Liveness, RenewedToken,
    Result, Revocation, RevokeOptions, Secret, SecretShape, Token, TokenId, TokenProvider,
    TokenRef, UpdateToken,
};

use crate::inspector::Inspector;
use crate::recording_fixture::RecordingFixture;

/// A provider that records the secrets of each call and searches each result for secrets and for
/// undeclared fields.
///
/// It waits until the platform must show the newest token before it looks for one.
#[derive(Debug)]
pub(crate) struct RecordingProvider {
    provider: Arc<dyn TokenProvider>,
    account: Account,
    fixture: Arc<RecordingFixture>,
    inspector: Arc<Inspector>,
}

impl RecordingProvider {
    /// Wraps a provider.
    pub(crate) fn new(
        provider: Arc<dyn TokenProvider>,
        fixture: Arc<RecordingFixture>,
        inspector: Arc<Inspector>,
    ) -> Self {
        Self {
            account: provider.account().clone(),
            provider,
            fixture,
            inspector,
        }
    }

    /// Returns the same provider under the name of another account.
    pub(crate) fn for_other_account(&self) -> Self {
        let name = format!("{} elsewhere", self.account.name());
        Self {
            provider: Arc::clone(&self.provider),
            account: Account::new(self.account.provider(), &name),
            fixture: Arc::clone(&self.fixture),
            inspector: Arc::clone(&self.inspector),
        }
    }

    /// Returns the wrapped provider.
    pub(crate) fn inner(&self) -> &Arc<dyn TokenProvider> {
        &self.provider
    }

    fn inspect_token(&self, token: &Token) {
        let inspector = &self.inspector;
        inspector.search("the Debug output of a token", &format!("{token:?}"));
        if let Ok(serialised) = serde_json::to_string(token) {
            inspector.search("a serialised token", &serialised);
        }
        let declared = &self.provider.capabilities().reported_fields;
        for field in TokenField::ALL {
            if token.is_reported(field) && !declared.contains(&field) {
                inspector.report(format!(
                    "a token reports the field {field:?}, which is not declared"
                ));
            }
        }
    }

    fn inspect_issued(&self, issued: &IssuedToken) {
        self.inspector.remember(&issued.secret);
        self.inspect_token(&issued.token);
    }

    fn inspect_error(&self, error: &Error) {
        let inspector = &self.inspector;
        let text = error.to_string();
        inspector.search("the text of an error", &text);
        let debug = format!("{error:?}{error:#?}");
        inspector.search("the Debug output of an error", &debug);
        if text.contains(['\n', '\r']) {
            inspector.report("the text of an error has more than one line".to_owned());
        }
        let mut source = error.source();
        while let Some(cause) = source {
            inspector.search("the source of an error", &format!("{cause}{cause:?}"));
            source = cause.source();
        }
    }

    fn inspect<T>(&self, result: Result<T>, inspect_value: impl FnOnce(&T)) -> Result<T> {
        match &result {
            Ok(value) => inspect_value(value),
            Err(error) => self.inspect_error(error),
        }
        result
    }
}

// Not an `Adapter`: its check would hide from the suite what the provider does with an undeclared
// call.
#[async_trait]
impl TokenProvider for RecordingProvider {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.fixture.await_new_token().await;
        let result = self.provider.list_page(request).await;
        self.inspect(result, |page| {
            for token in &page.tokens {
                self.inspect_token(token);
            }
            let rest = (&page.next, page.total, page.number, page.size);
            let debug = format!("{rest:?}");
            self.inspector.search("the Debug output of a page", &debug);
        })
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.fixture.await_new_token().await;
        let result = self.provider.get(id).await;
        self.inspect(result, |token| self.inspect_token(token))
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let result = self.provider.create(request).await;
        self.fixture.note_new_token();
        self.inspect(result, |issued| self.inspect_issued(issued))
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.fixture.await_new_token().await;
        let result = self.provider.update(id, change).await;
        self.inspect(result, |token| self.inspect_token(token))
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.fixture.await_new_token().await;
        let result = self.provider.rotate(id).await;
        self.inspect(result, |issued| self.inspect_issued(issued))
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.inspector.remember(secret);
        let result = self.provider.renew(secret).await;
        self.inspect(result, |renewed| {
            if let Some(secret) = &renewed.secret {
                self.inspector.remember(secret);
            }
            self.inspect_token(&renewed.token);
        })
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        if let TokenRef::Secret(secret) = token {
            self.inspector.remember(secret);
        }
        self.fixture.await_new_token().await;
        let result = self.provider.revoke(token, options).await;
        self.inspect(result, |revocation| {
            if let Some(replacement) = &revocation.replacement {
                self.inspect_issued(replacement);
            }
            let debug = format!("{revocation:?}");
            (self.inspector).search("the Debug output of a revocation", &debug);
        })
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.inspector.remember(secret);
        let result = self.provider.verify(secret).await;
        self.inspect(result, |liveness| {
            let debug = format!("{liveness:?}");
            self.inspector.search("the result of verify", &debug);
        })
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        self.inspector.remember(secret);
        let shape = self.provider.secret_shape(secret);
        let debug = format!("{shape:?}");
        self.inspector.search("the shape of a secret", &debug);
        shape
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        self.inspector.remember(secret);
        self.fixture.await_new_token().await;
        let result = self.provider.token_of(secret).await;
        self.inspect(result, |token| {
            if let Some(token) = token {
                self.inspect_token(token);
            }
        })
    }

    async fn whoami(&self) -> Result<Identity> {
        let result = self.provider.whoami().await;
        self.inspect(result, |identity| {
            let serialised = serde_json::to_string(identity).unwrap_or_default();
            let text = format!("{identity:?}{serialised}");
            self.inspector.search("an identity", &text);
        })
    }
}
