//! The operations, one short method each.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokenfleet_core::{
    Account, Call, Capabilities, CreateCapability, CreateToken, Error, ErrorKind, Field,
    IssuedToken, Liveness, Operation, Page, PageRequest, RenewedToken, Result, Revocation,
    RevocationEffect, RevocationOutcome, RevokeCapability, RevokeOptions, Secret, Token, TokenId,
    TokenProvider, TokenRef, UpdateToken,
};
use tokenfleet_http::{
    Answer, ApiCall, ApiClient, RetryPolicy, Transport, expires_as_asked, revoke_unwanted,
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
        .with_create(CreateCapability::named().with_unique_names().with_expiry())
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Marked))
        .with_verify()
        .reporting([
            Field::Name,
            Field::CreatedAt,
            Field::UpdatedAt,
            Field::Expiry,
            Field::LastUsed,
            Field::Owner,
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
            ),
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

    /// Adds what every call carries.
    fn dress(&self, call: ApiCall, secret: &Secret) -> ApiCall {
        let pair = Zeroizing::new(format!("{}:{}", self.config.login, secret.expose()));
        let basic = Secret::new(STANDARD.encode(pair.as_bytes()));
        call.credential("authorization", "Basic ", &basic)
            .masking(secret)
            .query_if("organization_id", self.config.organization_id.as_deref())
            .query_if("location_id", self.config.location_id.as_deref())
    }

    async fn send(&self, call: ApiCall) -> Result<Answer> {
        let secret = self.config.token.secret().await?;
        let answer = self.client.send(self.dress(call, &secret)).await?;
        self.learn(&answer);
        Ok(answer)
    }

    /// Learns the release from an answer, unless it was configured.
    fn learn(&self, answer: &Answer) {
        let named = answer.header("foreman_version").map(str::parse::<Release>);
        if let (None, Some(Ok(release))) = (self.config.release, named) {
            self.learned
                .get_or_init(|| (release, capabilities(release)));
        }
    }

    fn release(&self) -> Release {
        self.learned.get().unwrap_or(&self.assumed).0
    }
}

#[async_trait]
impl TokenProvider for Foreman {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.learned.get().unwrap_or(&self.assumed).1
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.client
            .check(self.capabilities(), Call::List(&request))?;
        let call = ApiCall::get(Operation::List, self.path(None))
            .query(
                "page",
                request.number().unwrap_or_default().saturating_add(1),
            )
            .query_if("per_page", request.size);
        let call = query::order(call, request.sort, self.release());
        let call = query::filter(call, request.filter.as_ref());
        convert::page(&request, &self.send(call).await?)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.client
            .check(self.capabilities(), Call::Get(id.into()))?;
        convert::check_id(id).map_err(|error| self.client.in_context(Operation::Get, error))?;
        let call = ApiCall::get(Operation::Get, self.path(Some(id)));
        let answer = self.send(call).await?;
        Ok(convert::token(answer.json()?, &answer))
    }

    /// Before 3.9 Foreman dropped an expiry that it could not read: the answer is compared with what was asked.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        self.client
            .check(self.capabilities(), Call::Create(&request))?;
        let expiry = request.expiry;
        let body = convert::creation(request)
            .map_err(|error| self.client.in_context(Operation::Create, error))?;
        let call = ApiCall::post(Operation::Create, self.path(None)).json(&body);
        let answer = self.send(call).await?;
        let issued = convert::issued(answer.json()?, &answer)?;
        if !expires_as_asked(expiry, &issued.token) {
            return Err(revoke_unwanted(self, &issued.token.id, &answer).await);
        }
        Ok(issued)
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        Err(self
            .client
            .refuse(self.capabilities(), Call::Update(id.into(), &change)))
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        Err(self
            .client
            .refuse(self.capabilities(), Call::Rotate(id.into())))
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        Err(self
            .client
            .refuse(self.capabilities(), Call::Renew(secret.into())))
    }

    /// Marks the record, which stays. Foreman answers a second time as it did the first, and does not say which it is.
    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        self.client
            .check(self.capabilities(), Call::Revoke(token, &options))?;
        let TokenRef::Id(id) = token else {
            return Err(Error::unsupported("Foreman revokes by id"));
        };
        convert::check_id(id).map_err(|error| self.client.in_context(Operation::Revoke, error))?;
        let call = ApiCall::delete(Operation::Revoke, self.path(Some(id))).repeatable();
        let answer = self.send(call).await?;
        let body: wire::Revoked = answer.json()?;
        if !body.revoked || body.id.to_string() != id.as_str() {
            return Err(answer.violation("the platform did not revoke what it was asked to"));
        }
        Ok(Revocation::new(RevocationOutcome::Revoked, RevocationEffect::Marked).of(id.clone()))
    }

    /// Lists one token with the secret in question as this account's user. A dead secret counts as a failed login, of
    /// which Foreman allows 30 in five minutes from one address.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.client
            .check(self.capabilities(), Call::Verify(secret))?;
        let call = ApiCall::get(Operation::Verify, self.path(None)).query("per_page", 1);
        let unknown = |reason: &str| Liveness::Unknown {
            reason: reason.to_owned(),
        };
        match self.client.send(self.dress(call, secret)).await {
            Ok(_) => Ok(Liveness::Alive),
            Err(error) if error.platform_message().is_none() => Err(error),
            Err(error) => match (error.status(), error.kind()) {
                (Some(401), ErrorKind::Unauthenticated) => Ok(Liveness::Dead),
                (Some(401), ErrorKind::RateLimited) => Ok(unknown(
                    "Foreman locks out this address after failed logins",
                )),
                (Some(401), _) => Ok(unknown("the user account is disabled")),
                (Some(403), _) => Ok(Liveness::Alive),
                _ => Err(error),
            },
        }
    }
}
