//! The adapter: one method per operation.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{CreateCapability, ListCapability, RevokeCapability, TokenField};
use tokenfleet_core::config::Settings;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Filter, IssuedToken, Liveness, Operation, Result,
    Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, Token, TokenId,
};
use tokenfleet_http::adapter::{dead_if_accepted, undecided};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport, async_trait};

use crate::config::Config;
use crate::convert;

/// The provider's name in configurations.
pub const NAME: &str = "jupyterhub";

/// The adapter for the API tokens of one user of a JupyterHub.
#[derive(Debug)]
pub struct JupyterHub {
    client: ApiClient,
    config: Config,
    capabilities: Capabilities,
}

/// Returns what the adapter declares.
#[must_use]
pub fn capabilities() -> Capabilities {
    let create = CreateCapability::new()
        .with_optional_name()
        .with_max_name_length(1023)
        .with_lifetime(Duration::from_secs(5))
        .with_never_expiring()
        .with_widened_scopes();
    let revoke = RevokeCapability::by_id(RevocationEffect::Deleted)
        .with_cascade("the other tokens of the same OAuth client")
        .with_tokens_alone(Filter::attribute("oauth_client", "JupyterHub"))
        .with_created_tokens_alone();
    Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_get()
        .with_create(create)
        .with_revoke(revoke)
        .with_verify()
        .with_reused_ids()
        .with_reported_fields([
            TokenField::Name,
            TokenField::CreatedAt,
            TokenField::Expiry,
            TokenField::LastUsed,
            TokenField::Owner,
            TokenField::Scopes,
        ])
}

impl JupyterHub {
    /// Opens the account named `account` with its settings. This is the function to register.
    pub fn open(
        account: &str,
        settings: &mut Settings,
        transport: Arc<dyn Transport>,
    ) -> Result<Self> {
        let config = Config::from_settings(settings)?;
        let place = config.base_url.address(config.path());
        let account = Account::new(NAME, account).with_place(&place);
        let base_url = config.base_url.clone();
        let client = ApiClient::new(account, base_url, transport, convert::error_body);
        Ok(Self {
            client: client.with_retry(RetryPolicy::from_settings(settings)?),
            config,
            capabilities: capabilities(),
        })
    }

    /// Sends a request with the credential that the account authenticates with.
    async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let authorize = ApiRequest::bearer_auth;
        self.client
            .send_authenticated(&self.config.token, request, authorize)
            .await
    }

    /// Reads the record of a token, as part of an operation.
    async fn read(&self, operation: Operation, id: &TokenId) -> Result<Token> {
        convert::check_id(id).map_err(|error| self.client.in_context(operation, error))?;
        let request = ApiRequest::get(operation, self.config.path()).segment(id.as_str());
        let response = self.send(request).await?;
        convert::token(response.record()?, &response)
    }
}

#[async_trait]
impl Adapter for JupyterHub {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_page(&self, _: PageRequest) -> Result<Page> {
        let request = ApiRequest::get(Operation::List, self.config.path());
        let response = self.send(request).await?;
        let convert = |wire| convert::token(wire, &response);
        let ((), tokens) = response.page("api_tokens", None, convert)?;
        Ok(Page::last(tokens))
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.read(Operation::Get, id).await
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let request = ApiRequest::post(Operation::Create, self.config.path())
            .json(&convert::creation(request));
        convert::issued(&self.send(request).await?)
    }

    /// Deletes the token, which must be one of this user: "not found" says nothing about any other.
    ///
    /// The request is not idempotent, because an id comes again: sent twice, it could delete the
    /// next token.
    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        if !options.existed {
            self.read(Operation::Revoke, id).await?;
        }
        let request = ApiRequest::delete(Operation::Revoke, self.config.path())
            .segment(id.as_str())
            .allow_empty_body();
        let outcome = match self.send(request).await {
            Ok(_) => RevocationOutcome::Revoked,
            Err(error) if convert::is_gone(&error) => RevocationOutcome::AlreadyGone,
            Err(error) => return Err(error),
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }

    /// Asks with the secret whose it is, and with the acting credential if the secret is refused.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let whose = || ApiRequest::get(Operation::Verify, ["hub", "api", "user"]);
        match self.client.send(whose().bearer_auth(secret)).await {
            Ok(response) => response.record().map(|()| Liveness::Alive),
            Err(error) if error.is_unauthenticated() && error.is_in_own_form() => {
                Ok(dead_if_accepted(self.send(whose()).await))
            }
            Err(error) => undecided(error),
        }
    }
}
