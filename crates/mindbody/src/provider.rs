//! The adapter: one method per operation.

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
    Result, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, SecretShape,
};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport};

use crate::{MindbodyConfig, convert, wire};

/// The provider's name in configurations.
pub const NAME: &str = "mindbody";

/// The lifetime of a new token. Mindbody's reference says "Current lifetime: 24hrs".
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The time that a renewal adds to the current expiry.
const EXTENSION: Duration = Duration::from_secs(24 * 60 * 60);

/// The rate that Mindbody asks its clients to stay below.
const MAX_REQUESTS_PER_MINUTE: u32 = 2000;

/// The number of times a token can be renewed.
const MAX_RENEWALS: u32 = 7;

/// The adapter for the staff user tokens of one Mindbody user at one site.
#[derive(Debug)]
pub struct Mindbody {
    client: ApiClient,
    config: MindbodyConfig,
    capabilities: Capabilities,
}

/// Returns what the adapter declares: create, renew, and revoke by secret. Mindbody can neither
/// list nor get tokens.
#[must_use]
pub fn capabilities() -> Capabilities {
    Capabilities::none()
        .with_create(CreateCapability::new().with_max_lifetime(MAX_LIFETIME))
        .with_renew(RenewCapability::new(EXTENSION).with_max_renewals(MAX_RENEWALS))
        .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted))
        .with_reported_fields([TokenField::Expiry, TokenField::Owner])
}

impl Mindbody {
    /// Creates an adapter for the account named `account`.
    #[must_use]
    pub fn new(account: &str, mut config: MindbodyConfig, transport: Arc<dyn Transport>) -> Self {
        let api_path = format!("/public/v{}", config.api_version);
        config.base_url = config.base_url.without_api_path(&[&api_path, "/public"]);
        let place = config.base_url.address(["public"]);
        let place = format!("{place} site {}", config.site_id);
        let account = Account::new(NAME, account).with_place(&place);
        Self {
            client: ApiClient::new(
                account,
                config.base_url.clone(),
                transport,
                convert::error_body,
            )
            .with_rate_limit(MAX_REQUESTS_PER_MINUTE, Duration::from_secs(60)),
            config,
            capabilities: capabilities(),
        }
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.client = self.client.with_retry(retry);
        self
    }

    /// Returns the path of an action on user tokens.
    fn path(&self, action: &str) -> [String; 4] {
        let version = format!("v{}", self.config.api_version);
        [
            "public".to_owned(),
            version,
            "usertoken".to_owned(),
            action.to_owned(),
        ]
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let authorize = |request: ApiRequest, api_key: &Secret| {
            request
                .credential("api-key", "", api_key)
                .header("siteid", &self.config.site_id)
        };
        self.client
            .send_authenticated(&self.config.api_key, request, authorize)
            .await
    }

    /// Adds the token that a request is about.
    fn with_token(&self, request: ApiRequest, token: &Secret) -> ApiRequest {
        if self.config.no_bearer_prefix {
            request.credential("authorization", "", token)
        } else {
            request.bearer_auth(token)
        }
    }

    /// Creates an error for a token that Mindbody does not accept.
    fn unknown_token(&self, rejection: Error) -> Error {
        let message =
            "Mindbody accepts no such token: it is dead, or it never was one of this site";
        let error = Error::new(ErrorKind::NotFound, rejection.fate(), message)
            .with_attempts(rejection.attempts())
            .with_source(rejection)
            .with_advice("compare the secret with the one that was issued, character by character");
        self.client.in_context(Operation::Revoke, error)
    }

    /// Returns `true` if the token was the reason of a rejection: a control request without it is
    /// then rejected in another way. The control request asks for a token without naming a user,
    /// which cannot succeed (decision 0004).
    async fn is_about_the_token(&self, rejection: &Error) -> Result<bool> {
        let request = ApiRequest::post(Operation::Revoke, self.path("issue"))
            .json(&wire::IssueRequest::default());
        match self.send(request).await {
            Ok(response) => {
                Err(response
                    .violation("the platform issued a token without a user name and password"))
            }
            // Mindbody's own refusals have a code; a gateway's says nothing about the token.
            Err(control)
                if matches!(control.status(), Some(400..=403)) && control.code().is_some() =>
            {
                Ok(!convert::is_same_response(&control, rejection))
            }
            // The control request changes nothing, so its failure has the fate of the revocation.
            Err(control) => Err(control.with_fate(rejection.fate())),
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
        let request = ApiRequest::post(Operation::Create, self.path("issue"))
            .json(&body)
            .redact(&password);
        let sent = self.send(request).await.inspect_err(|error| {
            if error.kind() == ErrorKind::Unauthenticated {
                self.config.password.refused(&password);
            }
        });
        convert::issued(&sent?)
    }

    /// Adds 24 hours to the token's expiry. Mindbody does not document whether the secret changes:
    /// if it does, the new one is returned, and if it is masked, nobody can tell.
    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        let request = ApiRequest::post(Operation::Renew, self.path("renew")).allow_empty_body();
        let response = self.send(self.with_token(request, secret)).await?;
        convert::check_success(&response)?;
        convert::renewed(secret, &response)
    }

    /// Revokes the token. Mindbody rejects a dead token like one that never existed, so a rejection
    /// is never "already gone" (decision 0004). A control request without the token tells it from a
    /// wrong API key or site.
    async fn revoke_by_secret(&self, secret: &Secret, _: RevokeOptions) -> Result<Revocation> {
        let request = ApiRequest::delete(Operation::Revoke, self.path("revoke"))
            .idempotent()
            .allow_empty_body();
        match self.send(self.with_token(request, secret)).await {
            Ok(response) => {
                convert::check_success(&response)?;
                let id = convert::fingerprint(secret);
                let revocation =
                    Revocation::new(RevocationOutcome::Revoked, RevocationEffect::Deleted);
                Ok(revocation.with_id(id))
            }
            Err(error)
                if convert::may_be_rejected(&error) && self.is_about_the_token(&error).await? =>
            {
                Err(self.unknown_token(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the shape of a secret. Mindbody documents neither the length nor the characters of a
    /// token, only that it is sent in a header, so it has no character that a header cannot carry.
    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        let text = secret.expose();
        let fits_header = |byte: u8| byte == b'\t' || !byte.is_ascii_control();
        if !text.is_empty() && text.bytes().all(fits_header) {
            SecretShape::Possible
        } else {
            SecretShape::Impossible
        }
    }
}
