//! The operations, one short method each.

use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{CreateCapability, RevokeCapability, TokenField};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, ErrorKind, IssuedToken, Liveness, Operation, Result,
    Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, TokenId,
};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport};
use tokio::sync::Mutex;

use crate::acting::Acting;
use crate::config::CloudsmithConfig;
use crate::{convert, query, wire};

/// The provider's name in configurations.
pub const NAME: &str = "cloudsmith";

/// The Cloudsmith API key of one user.
#[derive(Debug)]
pub struct Cloudsmith {
    client: ApiClient,
    acting: Acting,
    refreshing: Mutex<()>,
    capabilities: Capabilities,
}

/// Why a key is not replaced.
const LOCKOUT: &str = "a lost answer would leave nobody with a working key: act by e-mail address and password, which \
                       can log in again, or accept it with accept_lockout = true";

/// Whom a credential belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The user's name in URLs.
    pub slug: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

/// What the adapter declares: listing, creating at most one, rotating, revoking by replacement, verifying.
///
/// With an API key it rotates and revokes only if a [lockout is accepted](CloudsmithConfig::accepting_lockout).
#[must_use]
pub fn capabilities() -> Capabilities {
    Capabilities::none()
        .with_list(query::list())
        .with_create(CreateCapability::new().with_max_tokens(1))
        .with_rotate()
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Replaced))
        .with_verify()
        .with_reported_fields([TokenField::CreatedAt])
}

impl Cloudsmith {
    /// A provider for the account of that name.
    #[must_use]
    pub fn new(account: &str, config: CloudsmithConfig, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, account);
        let mut capabilities = capabilities();
        if !config.may_replace() {
            capabilities = capabilities
                .with_unavailable(Operation::Rotate, LOCKOUT)
                .with_unavailable(Operation::Revoke, LOCKOUT);
        }
        Self {
            client: ApiClient::new(account, config.base_url, transport, convert::refusal),
            acting: Acting::new(config.scheme, config.credential),
            refreshing: Mutex::new(()),
            capabilities,
        }
    }

    /// With that policy of trying again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.client = self.client.with_retry(retry);
        self
    }

    /// Whom the acting credential belongs to.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) also when Cloudsmith answers 200 to nobody, as it does when it
    /// does not recognise a credential as one.
    pub async fn who_am_i(&self) -> Result<User> {
        self.identify(Operation::Verify).await
    }

    async fn identify(&self, operation: Operation) -> Result<User> {
        let answer = self.send(Self::user_self(operation)).await?;
        let user: wire::UserBrief = answer.json()?;
        if !user.authenticated {
            return Err(answer
                .violation("Cloudsmith does not recognise the credential and answers to nobody")
                .with_kind(ErrorKind::Unauthenticated)
                .with_advice("check that the credential is right and still alive"));
        }
        Ok(User {
            slug: user.slug,
            name: user.name,
            email: user.email,
        })
    }

    fn user_self(operation: Operation) -> ApiRequest {
        ApiRequest::get(operation, ["user", "self", ""])
    }

    async fn send(&self, call: ApiRequest) -> Result<ApiResponse> {
        let dress = |call, secret: &Secret| self.acting.dress(call, secret);
        self.client
            .send_authenticated(&self.acting, call, dress)
            .await
    }

    /// One at a time: the last key to be issued is the one that works.
    async fn refresh(&self, operation: Operation, id: &TokenId) -> Result<IssuedToken> {
        let _turn = self.refreshing.lock().await;
        let call = ApiRequest::put(operation, ["user", "tokens", id.as_str(), "refresh", ""]);
        let answer = self.send(call).await?;
        let issued = convert::issued(Some(id), &answer)?;
        self.acting.replace(&issued.secret);
        Ok(issued)
    }
}

#[async_trait]
impl Adapter for Cloudsmith {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Cloudsmith answers 404 beyond the last page. An empty first page is believed only after asking who we are.
    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let number = request.number().unwrap_or_default();
        let call = ApiRequest::get(Operation::List, ["user", "tokens", ""])
            .page(number)
            .query("page", number.saturating_add(1))
            .query_if("page_size", request.size);
        let page = match self.send(call).await {
            Ok(answer) => convert::page(&request, &answer)?,
            Err(error) if number > 0 && error.kind() == ErrorKind::NotFound => Page::default(),
            Err(error) => return Err(error),
        };
        if number == 0 && page.tokens.is_empty() {
            self.identify(Operation::List).await?;
        }
        Ok(page)
    }

    async fn create(&self, _: CreateToken) -> Result<IssuedToken> {
        let call = ApiRequest::post(Operation::Create, ["user", "tokens", ""]);
        convert::issued(None, &self.send(call).await?)
    }

    /// Refreshes the key: the old one dies with the answer, and a provider that acts with it goes on with the new one.
    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.refresh(Operation::Rotate, id).await
    }

    /// Refreshes the key and returns its replacement. A second time it replaces the replacement.
    async fn revoke_by_id(&self, id: &TokenId, _: RevokeOptions) -> Result<Revocation> {
        let replacement = self.refresh(Operation::Revoke, id).await?;
        Ok(
            Revocation::new(RevocationOutcome::Revoked, RevocationEffect::Replaced)
                .with_id(id.clone())
                .with_replacement(replacement),
        )
    }

    /// Asks who the secret in question belongs to: nobody means dead, whatever the status.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let call = Self::user_self(Operation::Verify).credential("x-api-key", "", secret);
        match self.client.send(call).await {
            Ok(answer) if answer.json::<wire::UserBrief>()?.authenticated => Ok(Liveness::Alive),
            Ok(_) => Ok(Liveness::Dead),
            Err(error) if error.platform_message().is_none() => Err(error),
            Err(error) => match error.kind() {
                ErrorKind::Unauthenticated => Ok(Liveness::Dead),
                ErrorKind::PermissionDenied => Ok(Liveness::Unknown {
                    reason: "Cloudsmith knows the key and a policy forbids its use".to_owned(),
                }),
                _ => Err(error),
            },
        }
    }
}
