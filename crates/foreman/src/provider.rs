//! The operations, one short method each.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{CreateCapability, RevokeCapability, TokenField};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, ErrorKind, IssuedToken, Liveness, Operation, Result,
    Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, Token, TokenId,
    TokenState,
};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport, expiry_matches, revoke_unwanted,
};
use zeroize::Zeroizing;

use crate::{ForemanConfig, Release, convert, query, wire};

/// The provider's name in configurations.
pub const NAME: &str = "foreman";

/// Foreman personal access tokens of one user.
#[derive(Debug)]
pub struct Foreman {
    client: ApiClient,
    config: ForemanConfig,
    /// The release that was configured, or the oldest.
    assumed: (Release, Capabilities),
    /// The release that Foreman named.
    learned: OnceLock<(Release, Capabilities)>,
}

/// What the adapter declares for a release: listing, reading, creating, revoking by mark, verifying.
#[must_use]
pub fn capabilities(release: Release) -> Capabilities {
    Capabilities::none()
        .with_list(query::list(release))
        .with_get()
        .with_create(
            CreateCapability::new()
                .with_required_name()
                .with_unique_names()
                .with_expiry(),
        )
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Marked))
        .with_verify()
        .with_reported_fields([
            TokenField::Name,
            TokenField::CreatedAt,
            TokenField::UpdatedAt,
            TokenField::Expiry,
            TokenField::LastUsed,
            TokenField::Owner,
        ])
}

impl Foreman {
    /// A provider for the account of that name.
    #[must_use]
    pub fn new(account: &str, config: ForemanConfig, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, account);
        let release = config.release.unwrap_or_default();
        Self {
            client: ApiClient::new(
                account,
                config.base_url.clone(),
                transport,
                convert::refusal,
            )
            .with_lockout(convert::FAILED_LOGINS, convert::LOCK),
            config,
            assumed: (release, capabilities(release)),
            learned: OnceLock::new(),
        }
    }

    /// With that policy of trying again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.client = self.client.with_retry(retry);
        self
    }

    /// The path of the tokens, or of one of them.
    fn path(&self, id: Option<&TokenId>) -> Vec<String> {
        let user_id = self.config.user_id.to_string();
        let collection = ["api", "users", &user_id, "personal_access_tokens"];
        let id = id.map(TokenId::as_str);
        collection
            .into_iter()
            .chain(id)
            .map(str::to_owned)
            .collect()
    }

    /// Adds what every call carries, as that login.
    fn dress(&self, call: ApiRequest, login: &str, secret: &Secret) -> ApiRequest {
        let pair = Zeroizing::new(format!("{login}:{}", secret.expose()));
        let basic = Secret::new(STANDARD.encode(pair.as_bytes()));
        call.credential("authorization", "Basic ", &basic)
            .redact(secret)
            .query_if("organization_id", self.config.organization_id.as_deref())
            .query_if("location_id", self.config.location_id.as_deref())
    }

    async fn send(&self, call: ApiRequest) -> Result<ApiResponse> {
        let dress = |call, secret: &Secret| self.dress(call, &self.config.login, secret);
        let answer = self
            .client
            .send_authenticated(&self.config.token, call, dress)
            .await?;
        self.learn(&answer);
        Ok(answer)
    }

    /// Learns the release from an answer, unless it was configured.
    fn learn(&self, answer: &ApiResponse) {
        let named = answer.header("foreman_version").map(str::parse::<Release>);
        if let (None, Some(Ok(release))) = (self.config.release, named) {
            self.learned
                .get_or_init(|| (release, capabilities(release)));
        }
    }

    /// Whether the record says that it is revoked. A credential that may revoke but not read does not know.
    async fn is_revoked(&self, id: &TokenId) -> Result<bool> {
        let call = ApiRequest::get(Operation::Get, self.path(Some(id)));
        match self.send(call).await {
            Ok(answer) => Ok(convert::record(&answer)?.state == TokenState::Revoked),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error.for_operation(Operation::Revoke)),
        }
    }

    /// Whether the tokens are known to be those of the login that a secret was tried with.
    async fn owns_the_tokens(&self) -> bool {
        if self.config.token_login.is_some() {
            return true;
        }
        let login = &self.config.login;
        let search = format!(
            "login = \"{}\"",
            login.replace('\\', "\\\\").replace('"', "\\\"")
        );
        let call = ApiRequest::get(Operation::Verify, ["api", "users"]).query("search", search);
        let found = match self.send(call).await {
            Ok(answer) => answer.json::<wire::Users>(),
            Err(error) => Err(error),
        };
        found.is_ok_and(|users| {
            users.results.iter().any(|user| {
                user.id == u64::from(self.config.user_id) && user.login.as_ref() == Some(login)
            })
        })
    }
}

#[async_trait]
impl Adapter for Foreman {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.learned.get().unwrap_or(&self.assumed).1
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let number = request.number().unwrap_or_default();
        let call = ApiRequest::get(Operation::List, self.path(None))
            .page(number)
            .query("page", number.saturating_add(1))
            .query_if("per_page", request.size);
        // Learning the release must not change the order between two pages.
        let call = query::sort(call, request.sort, self.assumed.0);
        let call = query::filter(call, request.filter.as_ref());
        convert::page(&request, &self.send(call).await?)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        convert::check_id(id).map_err(|error| self.client.in_context(Operation::Get, error))?;
        let call = ApiRequest::get(Operation::Get, self.path(Some(id)));
        let answer = self.send(call).await?;
        convert::record(&answer)
    }

    /// Before 3.9 Foreman dropped an expiry that it could not read: the answer is compared with what was asked.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let expiry = request.expiry;
        let body = convert::creation(request)
            .map_err(|error| self.client.in_context(Operation::Create, error))?;
        let call = ApiRequest::post(Operation::Create, self.path(None)).json(&body);
        let answer = self.send(call).await?;
        let issued = convert::issued(&answer)?;
        if !expiry_matches(expiry, &issued.token) {
            return Err(revoke_unwanted(self, &issued.token.id, &answer).await);
        }
        Ok(issued)
    }

    /// Marks the record, which stays. Foreman answers a second time as it did the first, so the record is read before.
    async fn revoke_by_id(&self, id: &TokenId, _: RevokeOptions) -> Result<Revocation> {
        convert::check_id(id).map_err(|error| self.client.in_context(Operation::Revoke, error))?;
        let outcome = if self.is_revoked(id).await? {
            RevocationOutcome::AlreadyRevoked
        } else {
            let call = ApiRequest::delete(Operation::Revoke, self.path(Some(id))).idempotent();
            let answer = self.send(call).await?;
            let body: wire::Revoked = answer.json()?;
            if !body.revoked || body.id.to_string() != id.as_str() {
                return Err(answer.violation("the platform did not revoke what it was asked to"));
            }
            RevocationOutcome::Revoked
        };
        Ok(Revocation::new(outcome, RevocationEffect::Marked).with_id(id.clone()))
    }

    /// Lists one token with the secret in question. A dead secret counts as a failed login, of which Foreman allows 30 in
    /// five minutes from one address. Dead is said only of the login that owns the tokens.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let login = self
            .config
            .token_login
            .as_ref()
            .unwrap_or(&self.config.login);
        let call = ApiRequest::get(Operation::Verify, self.path(None)).query("per_page", 1);
        let unknown = |reason: &str| {
            Ok(Liveness::Unknown {
                reason: reason.to_owned(),
            })
        };
        match self.client.send(self.dress(call, login, secret)).await {
            Ok(answer) => convert::page(&PageRequest::first(), &answer).map(|_| Liveness::Alive),
            Err(error) if error.platform_message().is_none() => Err(error),
            Err(error) => match (error.status(), error.kind()) {
                (Some(401), ErrorKind::Unauthenticated) if self.owns_the_tokens().await => {
                    Ok(Liveness::Dead)
                }
                (Some(401), ErrorKind::Unauthenticated) => {
                    unknown("it may belong to another login than the acting one: set token_login")
                }
                (Some(401), ErrorKind::RateLimited) => {
                    unknown("Foreman locks out this address after failed logins")
                }
                (Some(401), _) => unknown("the user account is disabled"),
                (Some(403), _) => Ok(Liveness::Alive),
                _ => Err(error),
            },
        }
    }
}
