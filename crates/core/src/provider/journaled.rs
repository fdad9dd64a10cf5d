//! A wrapper that records the writes of a provider in a journal.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::{Account, Error, Fate, Operation, Result};
use crate::model::{Identity, IssuedToken, RenewedToken, Secret, Token, TokenId, TokenRef};
use crate::provider::{
    Capabilities, CreateToken, Effect, Intent, Journal, Liveness, OperationCall, Outcome, Page,
    PageRequest, Revocation, RevocationOutcome, RevokeOptions, Run, SecretShape, TokenProvider,
    UpdateToken,
};

/// A provider whose writes are recorded in a [`Journal`], whoever makes them.
///
/// The intent is recorded before anything is sent, and the outcome before the result is returned. A
/// call that the [check](Capabilities::check) refuses is no write and is not recorded. If the
/// intent cannot be recorded, the call fails with [`Fate::NotSent`].
///
/// A creation that the library itself takes back, because the platform issued more than was
/// requested (decision 0015), is one write, and its outcome is the error. If it could not be taken
/// back, the outcome names the token as [left behind](Outcome::left_behind).
#[derive(Debug)]
pub struct Journaled {
    provider: Arc<dyn TokenProvider>,
    journal: Arc<dyn Journal>,
    run: Run,
}

impl Journaled {
    /// Wraps a provider, whose calls are checked then. The writes belong to this run.
    #[must_use]
    pub fn new(provider: Arc<dyn TokenProvider>, journal: Arc<dyn Journal>, run: Run) -> Self {
        let provider = provider.checked();
        Self {
            provider,
            journal,
            run,
        }
    }

    /// Records the intent of a call, unless the call is refused.
    async fn begin(&self, call: OperationCall<'_>) -> Result<Intent> {
        let account = self.provider.account();
        let in_context = |error: Error| {
            error
                .with_account(account)
                .with_operation(call.operation())
                .with_fate(Fate::NotSent)
        };
        let capabilities = self.provider.capabilities();
        capabilities.check(call).map_err(in_context)?;
        let intent = Intent::for_call(&self.run, account, capabilities, call);
        let recorded = self.journal.record_intent(&intent).await;
        recorded.map_err(in_context)?;
        Ok(intent)
    }

    /// Records the outcome of an intent, and returns the result.
    ///
    /// There is no await point before the journal, so that a dropped call cannot lose a result that
    /// has arrived.
    async fn end<T>(&self, intent: Intent, result: Result<T>) -> Result<T>
    where
        for<'a> Effect: From<&'a T>,
        T: Send + Sync,
    {
        let mut recorded = result.as_ref().map(Effect::from).map_err(Error::clone);
        if let (Ok(effect), Operation::Revoke, Some(id)) =
            (&mut recorded, intent.operation, &intent.token)
        {
            // An id that the platform revoked is one. Any other is only what the caller passed, and
            // may be masked in the intent.
            let is_revoked = matches!(effect.revocation, Some((RevocationOutcome::Revoked, _)));
            if !is_revoked || effect.token.is_none() {
                effect.token = Some(id.clone());
            }
        }
        let outcome = Outcome::new(&intent, recorded);
        self.journal.record_outcome(&intent, &outcome).await;
        result.map_err(|error| error.with_intent(&intent.id))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TokenProvider for Journaled {
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
        let intent = self.begin(OperationCall::Create(&request)).await?;
        let result = self.provider.create(request).await;
        self.end(intent, result).await
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        let intent = self.begin(OperationCall::Update(id, &change)).await?;
        let result = self.provider.update(id, change).await;
        self.end(intent, result).await
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        let intent = self.begin(OperationCall::Rotate(id)).await?;
        let result = self.provider.rotate(id).await;
        self.end(intent, result).await
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        let intent = self.begin(OperationCall::Renew(secret)).await?;
        let result = self.provider.renew(secret).await;
        self.end(intent, result).await
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        let intent = self.begin(OperationCall::Revoke(token, &options)).await?;
        let result = self.provider.revoke(token, options).await;
        self.end(intent, result).await
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

    /// Returns it as it is: the wrapped provider checks each call, and a write is checked before it
    /// is recorded.
    fn checked(self: Arc<Self>) -> Arc<dyn TokenProvider> {
        self
    }
}
