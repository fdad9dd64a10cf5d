//! A provider that does as the reference does, but for one defect.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokenfleet_conformance::{Fixture, MemoryFixture};
use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, Fate, IssuedToken, Liveness, Operation,
    RenewedToken, Result, Revocation, RevokeOptions, Secret, Token, TokenId, TokenProvider,
    TokenRef, UpdateToken,
};

use crate::defect::Defect;

pub(crate) type Secrets = Arc<Mutex<HashMap<TokenId, String>>>;

/// The reference provider with one defect.
pub(crate) struct Saboteur {
    pub(crate) inner: Arc<dyn TokenProvider>,
    /// What it could not know, but an unlucky platform would do to it.
    pub(crate) behind: MemoryFixture,
    pub(crate) defect: Defect,
    pub(crate) secrets: Secrets,
    pub(crate) place: Mutex<Option<PagePosition>>,
    declared: Capabilities,
    declared_later: Capabilities,
    called: AtomicBool,
    busy: AtomicBool,
}

impl Saboteur {
    pub(crate) fn new(
        inner: Arc<dyn TokenProvider>,
        behind: MemoryFixture,
        secrets: Secrets,
        defect: Defect,
    ) -> Self {
        let declared = defect.declared(inner.capabilities());
        let mut declared_later = declared.clone();
        if defect == Defect::ChangesItsMind {
            declared_later.verify = !declared.verify;
        }
        Self {
            inner,
            behind,
            defect,
            secrets,
            place: Mutex::default(),
            declared,
            declared_later,
            called: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        }
    }

    pub(crate) fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// What it declares, where the defect does not lie in not checking.
    pub(crate) fn check(&self, call: OperationCall<'_>) -> Result<()> {
        if self.declared == *self.inner.capabilities() {
            return Ok(());
        }
        self.declared.check(call)
    }

    /// Refuses too late: something was sent before.
    async fn ask_first(&self, operation: Operation) -> Result<()> {
        if self.is(Defect::SendsBeforeRefusing) && !self.declared.supports(operation) {
            self.inner.list_page(PageRequest::first()).await?;
            return Err(Error::unsupported("the platform has no such operation"));
        }
        Ok(())
    }

    /// A lock that is not given back when the caller walks away.
    fn enter(&self) -> Result<()> {
        self.called.store(true, Ordering::SeqCst);
        if self.is(Defect::StaysBusy) && self.busy.swap(true, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Other, Fate::NotSent, "busy"));
        }
        Ok(())
    }

    fn leave<T>(&self, operation: Operation, result: Result<T>) -> Result<T> {
        self.busy.store(false, Ordering::SeqCst);
        result.map_err(|error| match self.defect {
            Defect::SecretInErrors => {
                let credential = self.behind.credentials().remove(0);
                error.with_advice(format!("check {}", credential.expose()))
            }
            Defect::AnonymousErrors if error.fate() != Fate::NotSent => {
                Error::new(error.kind(), error.fate(), "it failed")
            }
            Defect::CallsLostAnswersRejected if operation.is_write() => {
                error.with_fate(Fate::Rejected)
            }
            Defect::NotFoundWhenRefused if error.kind() == ErrorKind::Unauthenticated => {
                error.with_kind(ErrorKind::NotFound)
            }
            _ => error,
        })
    }
}

#[async_trait]
impl TokenProvider for Saboteur {
    fn account(&self) -> &Account {
        self.inner.account()
    }

    fn capabilities(&self) -> &Capabilities {
        if self.called.load(Ordering::SeqCst) {
            &self.declared_later
        } else {
            &self.declared
        }
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.enter()?;
        let result = self.sabotaged_page(request).await;
        self.leave(Operation::List, result)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.enter()?;
        self.ask_first(Operation::Get).await?;
        let result = self.sabotaged_get(id).await;
        self.leave(Operation::Get, result)
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        self.enter()?;
        self.ask_first(Operation::Create).await?;
        let result = self.sabotaged_create(request).await;
        self.leave(Operation::Create, result)
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.enter()?;
        self.ask_first(Operation::Update).await?;
        let result = self.sabotaged_update(id, change).await;
        self.leave(Operation::Update, result)
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.enter()?;
        self.ask_first(Operation::Rotate).await?;
        let result = self.sabotaged_rotate(id).await;
        self.leave(Operation::Rotate, result)
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.enter()?;
        self.ask_first(Operation::Renew).await?;
        let result = self.sabotaged_renew(secret).await;
        self.leave(Operation::Renew, result)
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        self.enter()?;
        self.ask_first(Operation::Revoke).await?;
        let result = self.sabotaged_revoke(token, options).await;
        self.leave(Operation::Revoke, result)
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.enter()?;
        self.ask_first(Operation::Verify).await?;
        let result = self.sabotaged_verify(secret).await;
        self.leave(Operation::Verify, result)
    }
}

impl fmt::Debug for Saboteur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is(Defect::ShowsItsCredential) {
            let credential = self.behind.credentials().remove(0);
            return write!(f, "Saboteur({})", credential.expose());
        }
        write!(f, "Saboteur({:?})", self.defect)
    }
}
