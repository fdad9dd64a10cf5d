//! Watching every answer of a provider for what it must never hold.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokenfleet_core::adapter::{Page, PageRequest};
use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, IssuedToken, Liveness, RenewedToken, Result,
    Revocation, RevokeOptions, Secret, Token, TokenId, TokenProvider, TokenRef, UpdateToken,
};

/// Secrets shorter than this occur in ordinary text by chance.
const SHORTEST: usize = 6;

/// The secrets of a case and where they were seen against the law.
#[derive(Default)]
pub(crate) struct Known {
    secrets: Mutex<Vec<Secret>>,
    findings: Mutex<Vec<String>>,
}

impl Known {
    pub(crate) fn remember(&self, secret: &Secret) {
        if secret.expose().len() >= SHORTEST {
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            secrets.push(secret.duplicate());
        }
    }

    /// Notes a finding when a text holds a secret.
    pub(crate) fn inspect(&self, what: &str, text: &str) {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.iter().any(|secret| text.contains(secret.expose())) {
            self.note(format!("a secret is shown in {what}"));
        }
    }

    /// The first finding.
    pub(crate) fn finding(&self) -> Option<String> {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.first().cloned()
    }

    /// A text without the secrets: what the suite reports must not leak what it found leaking.
    pub(crate) fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), "[secret]")
        })
    }

    fn note(&self, finding: String) {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.push(finding);
    }
}

/// A provider whose every answer is searched for secrets and for facts that it does not declare.
#[derive(Debug)]
pub(crate) struct Watched {
    provider: Arc<dyn TokenProvider>,
    account: Account,
    known: Watcher,
}

struct Watcher(Arc<Known>);

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}

impl Watched {
    pub(crate) fn new(provider: Arc<dyn TokenProvider>, known: Arc<Known>) -> Self {
        Self {
            account: provider.account().clone(),
            provider,
            known: Watcher(known),
        }
    }

    /// The same provider, as it would be for another account.
    pub(crate) fn elsewhere(&self) -> Self {
        let account = format!("{} elsewhere", self.account.name());
        Self {
            provider: Arc::clone(&self.provider),
            account: Account::new(self.account.provider(), &account),
            known: Watcher(Arc::clone(&self.known.0)),
        }
    }

    /// The provider itself.
    pub(crate) fn unwatched(&self) -> &Arc<dyn TokenProvider> {
        &self.provider
    }

    fn token(&self, token: &Token) {
        let known = &self.known.0;
        known.inspect("the Debug output of a token", &format!("{token:?}"));
        if let Ok(serialised) = serde_json::to_string(token) {
            known.inspect("a serialised token", &serialised);
        }
        let declared = &self.provider.capabilities().reported_fields;
        for field in TokenField::ALL {
            if token.is_reported(field) && !declared.contains(&field) {
                known.note(format!(
                    "a token carries {field:?}, which is not declared to be reported"
                ));
            }
        }
    }

    fn issued(&self, issued: &IssuedToken) {
        self.known.0.remember(&issued.secret);
        self.token(&issued.token);
    }

    fn error(&self, error: &Error) {
        let known = &self.known.0;
        let text = error.to_string();
        known.inspect("the text of an error", &text);
        known.inspect(
            "the Debug output of an error",
            &format!("{error:?}{error:#?}"),
        );
        if text.contains(['\n', '\r']) {
            known.note("the text of an error has more than one line".to_owned());
        }
        let mut source = error.source();
        while let Some(cause) = source {
            known.inspect("the source of an error", &format!("{cause}{cause:?}"));
            source = cause.source();
        }
    }

    fn watch<T>(&self, result: Result<T>, look: impl FnOnce(&T)) -> Result<T> {
        match &result {
            Ok(value) => look(value),
            Err(error) => self.error(error),
        }
        result
    }
}

#[async_trait]
impl TokenProvider for Watched {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let result = self.provider.list_page(request).await;
        self.watch(result, |page| {
            page.tokens.iter().for_each(|token| self.token(token));
            let rest = (&page.next, page.total, page.number, page.size);
            self.known
                .0
                .inspect("the Debug output of a page", &format!("{rest:?}"));
        })
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        let result = self.provider.get(id).await;
        self.watch(result, |token| self.token(token))
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let result = self.provider.create(request).await;
        self.watch(result, |issued| self.issued(issued))
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        let result = self.provider.update(id, change).await;
        self.watch(result, |token| self.token(token))
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        let result = self.provider.rotate(id).await;
        self.watch(result, |issued| self.issued(issued))
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.known.0.remember(secret);
        let result = self.provider.renew(secret).await;
        self.watch(result, |renewed| {
            if let Some(secret) = &renewed.secret {
                self.known.0.remember(secret);
            }
            self.token(&renewed.token);
        })
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        if let TokenRef::Secret(secret) = token {
            self.known.0.remember(secret);
        }
        let result = self.provider.revoke(token, options).await;
        self.watch(result, |revocation| {
            if let Some(replacement) = &revocation.replacement {
                self.issued(replacement);
            }
            let known = &self.known.0;
            known.inspect(
                "the Debug output of a revocation",
                &format!("{revocation:?}"),
            );
        })
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.known.0.remember(secret);
        let result = self.provider.verify(secret).await;
        self.watch(result, |liveness| {
            let known = &self.known.0;
            known.inspect("the answer to verify", &format!("{liveness:?}"));
        })
    }
}
