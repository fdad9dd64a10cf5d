//! The operations, one short method each.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::adapter::Adapter;
use tokenfleet_core::capability::{
    CreateCapability, RenewCapability, RevokeCapability, TokenField,
};
use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, IssuedToken, Operation, RenewedToken,
    Result, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret,
};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport};

use crate::{MindbodyConfig, convert, wire};

/// The provider's name in configurations.
pub const NAME: &str = "mindbody";

/// "Current lifetime: 24hrs", says Mindbody's reference of the issue.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a renewal adds to the current expiry.
const EXTENSION: Duration = Duration::from_secs(24 * 3600);

/// What Mindbody asks its clients to keep below.
const REQUESTS_A_MINUTE: u32 = 2000;

/// How often a token can be renewed.
const RENEWALS: u32 = 7;

/// Mindbody staff user tokens of one user at one site.
#[derive(Debug)]
pub struct Mindbody {
    client: ApiClient,
    config: MindbodyConfig,
    capabilities: Capabilities,
}

/// What the adapter declares: issuing, renewing, and revoking by secret. Nothing can be listed or looked up.
#[must_use]
pub fn capabilities() -> Capabilities {
    Capabilities::none()
        .with_create(CreateCapability::new().with_max_lifetime(LONGEST_LIFE))
        .with_renew(RenewCapability::new(EXTENSION).with_max_renewals(RENEWALS))
        .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted))
        .with_reported_fields([TokenField::Expiry, TokenField::Owner])
}

impl Mindbody {
    /// A provider for the account of that name.
    #[must_use]
    pub fn new(account: &str, config: MindbodyConfig, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, account);
        Self {
            client: ApiClient::new(
                account,
                config.base_url.clone(),
                transport,
                convert::refusal,
            )
            .with_rate_limit(REQUESTS_A_MINUTE, Duration::from_secs(60)),
            config,
            capabilities: capabilities(),
        }
    }

    /// With that policy of trying again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.client = self.client.with_retry(retry);
        self
    }

    /// The path of an action on user tokens.
    fn path(&self, action: &str) -> [String; 4] {
        let version = format!("v{}", self.config.api_version);
        [
            "public".to_owned(),
            version,
            "usertoken".to_owned(),
            action.to_owned(),
        ]
    }

    /// Adds what every call carries.
    async fn send(&self, call: ApiRequest) -> Result<ApiResponse> {
        let dress = |call: ApiRequest, api_key: &Secret| {
            call.credential("api-key", "", api_key)
                .header("siteid", &self.config.site_id)
        };
        self.client
            .send_authenticated(&self.config.api_key, call, dress)
            .await
    }

    /// Adds the token that a call is about.
    fn about(&self, call: ApiRequest, secret: &Secret) -> ApiRequest {
        let prefix = if self.config.bare_authorization {
            ""
        } else {
            "Bearer "
        };
        call.credential("authorization", prefix, secret)
            .redact(secret)
    }

    /// Whether a refusal is about the token: a request without one is then refused in another way, if at all. It asks to
    /// issue a token for nobody, which cannot succeed.
    async fn refused_for_the_token(&self, refusal: &Error) -> Result<bool> {
        let call = ApiRequest::post(Operation::Revoke, self.path("issue"))
            .json(&wire::IssueRequest::default());
        match self.send(call).await {
            Ok(answer) => Err(answer.violation("the platform issued a token for nobody")),
            Err(control) if matches!(control.status(), Some(400..=403)) => {
                Ok(!convert::same_refusal(&control, refusal))
            }
            // It cannot have done anything: what became of the revocation is what the refusal says.
            Err(control) => Err(control.with_fate(refusal.fate())),
        }
    }
}

#[async_trait]
impl Adapter for Mindbody {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn create(&self, _request: CreateToken) -> Result<IssuedToken> {
        let password = self
            .client
            .secret(Operation::Create, &self.config.password)
            .await?;
        let body = wire::IssueRequest {
            username: Some(&self.config.username),
            password: Some(password.expose()),
        };
        let call = ApiRequest::post(Operation::Create, self.path("issue"))
            .json(&body)
            .redact(&password);
        let sent = self.send(call).await.inspect_err(|error| {
            if error.kind() == ErrorKind::Unauthenticated {
                self.config.password.refused(&password);
            }
        });
        convert::issued(&sent?)
    }

    /// Adds 24 hours to the token's expiry. It is not known whether the secret changes: if it does, the new one is
    /// returned.
    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        let call = ApiRequest::post(Operation::Renew, self.path("renew")).allow_empty_body();
        let answer = self.send(self.about(call, secret)).await?;
        Ok(convert::renewed(secret, &answer))
    }

    /// Kills the token that is shown. A refusal is taken for "already gone" only if a second request, without the token,
    /// is refused in another way: so a wrong API key or site never passes for a revocation.
    async fn revoke_by_secret(&self, secret: &Secret, _: RevokeOptions) -> Result<Revocation> {
        let call = ApiRequest::delete(Operation::Revoke, self.path("revoke"))
            .idempotent()
            .allow_empty_body();
        let outcome = match self.send(self.about(call, secret)).await {
            Ok(_) => RevocationOutcome::Revoked,
            Err(error)
                if convert::may_be_gone(&error) && self.refused_for_the_token(&error).await? =>
            {
                if error.may_have_applied() {
                    // An earlier attempt, whose answer was lost, may have been the one that killed it.
                    RevocationOutcome::Revoked
                } else {
                    RevocationOutcome::AlreadyGone
                }
            }
            Err(error) => return Err(error),
        };
        let id = convert::fingerprint(secret);
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id))
    }
}
