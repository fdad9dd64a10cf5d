//! The mutant: the reference provider with one defect.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, Fate, Identity, IssuedToken, Liveness,
    Operation, RenewedToken, Result, Revocation, RevokeOptions, Secret, SecretShape, Token,
    TokenId, TokenProvider, TokenRef, TokenState, UpdateToken,
};

use super::defect::Defect;
use crate::cases::SURROUNDINGS;
use crate::{Fixture, MemoryFixture};

/// The secrets of all tokens, by id.
pub(crate) type Secrets = Arc<Mutex<HashMap<TokenId, String>>>;

/// A wrapper around the reference provider that adds one defect.
///
/// It implements [`TokenProvider`] and not `Adapter`, because some defects break what an adapter is
/// checked for.
pub(crate) struct MutantProvider {
    pub(crate) inner: Arc<dyn TokenProvider>,
    /// The platform, for defects that a provider could not cause alone.
    pub(crate) platform: MemoryFixture,
    pub(crate) defect: Defect,
    pub(crate) secrets: Secrets,
    pub(crate) position: Mutex<Option<PagePosition>>,
    account: Account,
    declared: Capabilities,
    changed: Capabilities,
    called: AtomicBool,
    busy: AtomicBool,
}

impl MutantProvider {
    pub(crate) fn new(
        inner: Arc<dyn TokenProvider>,
        platform: MemoryFixture,
        secrets: Secrets,
        defect: Defect,
    ) -> Self {
        let declared = defect.declared(inner.capabilities());
        let mut changed = declared.clone();
        if defect == Defect::ChangingCapabilities {
            changed.verify = !declared.verify;
        }
        let mut account = inner.account().clone();
        if defect == Defect::NamesNoPlace {
            account = Account::new(account.provider(), account.name());
        }
        if defect == Defect::NamesPlaceOnAnotherPort {
            let place = format!("{}:8080", account.place().unwrap_or_default());
            account = account.with_place(&place);
        }
        Self {
            account,
            inner,
            platform,
            defect,
            secrets,
            position: Mutex::default(),
            declared,
            changed,
            called: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        }
    }

    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// Checks a call if the mutant declares other capabilities than the wrapped provider, which
    /// checks its own.
    pub(crate) fn check(&self, call: OperationCall<'_>) -> Result<()> {
        if self.declared == *self.inner.capabilities() {
            return Ok(());
        }
        self.declared.check(call)
    }

    /// Refuses an id that no token ever had without sending a request, as a provider can whose ids
    /// contain a check digit.
    pub(crate) fn refuse_impossible(&self, operation: Operation, id: &TokenId) -> Result<()> {
        let capabilities = self.inner.capabilities();
        let is_supported = match &capabilities.revoke {
            Some(revoke) if operation == Operation::Revoke => revoke.by_id,
            _ => capabilities.supports(operation),
        };
        if !self.has(Defect::RefusesImpossibleIds) || !is_supported {
            return Ok(());
        }
        if self.secrets.lock().unwrap().contains_key(id) {
            return Ok(());
        }
        Err(Error::invalid_input("no token id looks like this")
            .with_account(self.inner.account())
            .with_operation(operation))
    }

    /// Refuses an undeclared operation, but only after sending a request.
    async fn send_before_refusing(&self, operation: Operation) -> Result<()> {
        if self.has(Defect::SendsBeforeRefusing) && !self.declared.supports(operation) {
            self.inner.list_page(PageRequest::first()).await?;
            return Err(Error::unsupported("the platform has no such operation"));
        }
        Ok(())
    }

    /// Returns `true` if something surrounds the last response that does not belong there.
    fn is_untidy(&self) -> bool {
        let fault = self.platform.last_fault();
        fault.is_some_and(|fault| SURROUNDINGS.contains(&fault))
    }

    /// Takes a lock that is not released if the caller drops the future.
    fn begin(&self) -> Result<()> {
        self.called.store(true, Ordering::SeqCst);
        if self.has(Defect::StaysBusy) && self.busy.swap(true, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Other, Fate::NotSent, "busy"));
        }
        Ok(())
    }

    fn finish<T>(&self, operation: Operation, mut result: Result<T>) -> Result<T> {
        self.busy.store(false, Ordering::SeqCst);
        if self.has(Defect::ReadsOnlyTidyResponses) && self.is_untidy() {
            result = Err(Error::protocol_violation(
                operation.fate_if_unanswered(),
                "the response is not JSON",
            ));
        }
        result.map_err(|error| match self.defect {
            Defect::RevealsSecretsInErrors => {
                let credential = self.platform.credentials().remove(0);
                error.with_advice(format!("check {}", credential.expose()))
            }
            Defect::ReturnsAnonymousErrors if error.fate() != Fate::NotSent => {
                Error::new(error.kind(), error.fate(), "it failed")
            }
            Defect::ReportsLostResponseAsRejected if operation.is_write() => {
                error.with_fate(Fate::Rejected)
            }
            Defect::ReportsUnauthenticatedAsNotFound
                if error.kind() == ErrorKind::Unauthenticated =>
            {
                error.with_kind(ErrorKind::NotFound)
            }
            _ => error,
        })
    }
}

#[async_trait]
impl TokenProvider for MutantProvider {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        if self.called.load(Ordering::SeqCst) {
            &self.changed
        } else {
            &self.declared
        }
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.begin()?;
        let result = self.mutated_list_page(request).await;
        self.finish(Operation::List, result)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.begin()?;
        self.send_before_refusing(Operation::Get).await?;
        let result = self.mutated_get(id).await;
        self.finish(Operation::Get, result)
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        self.begin()?;
        self.send_before_refusing(Operation::Create).await?;
        let result = self.mutated_create(request).await;
        self.finish(Operation::Create, result)
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.begin()?;
        self.send_before_refusing(Operation::Update).await?;
        let result = self.mutated_update(id, change).await;
        self.finish(Operation::Update, result)
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.begin()?;
        self.send_before_refusing(Operation::Rotate).await?;
        let result = self.mutated_rotate(id).await;
        self.finish(Operation::Rotate, result)
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.begin()?;
        self.send_before_refusing(Operation::Renew).await?;
        let result = self.mutated_renew(secret).await;
        self.finish(Operation::Renew, result)
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        self.begin()?;
        self.send_before_refusing(Operation::Revoke).await?;
        let result = self.mutated_revoke(token, options).await;
        self.finish(Operation::Revoke, result)
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.begin()?;
        self.send_before_refusing(Operation::Verify).await?;
        let result = self.mutated_verify(secret).await;
        self.finish(Operation::Verify, result)
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        match self.defect {
            Defect::DisownsItsSecrets => SecretShape::Impossible,
            Defect::DecodesAnotherId => SecretShape::Recognized {
                id: Some(TokenId::new("another")),
            },
            _ => self.inner.secret_shape(secret),
        }
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        let token = self.inner.token_of(secret).await?;
        if self.has(Defect::FindsAnotherToken) {
            return Ok(Some(Token::new(
                TokenId::new("another"),
                TokenState::Active,
            )));
        }
        Ok(token)
    }

    async fn whoami(&self) -> Result<Identity> {
        self.begin()?;
        self.send_before_refusing(Operation::Whoami).await?;
        let result = self.mutated_whoami().await;
        self.finish(Operation::Whoami, result)
    }
}

impl fmt::Debug for MutantProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has(Defect::RevealsItsCredential) {
            let credential = self.platform.credentials().remove(0);
            return write!(f, "MutantProvider({})", credential.expose());
        }
        write!(f, "MutantProvider({:?})", self.defect)
    }
}
