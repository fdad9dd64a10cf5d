//! The adapter: one method per operation.

use std::sync::Arc;

use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{
    ArgumentDescription, ArgumentValue, CreateCapability, ListCapability, RevokeCapability,
    TokenField,
};
use tokenfleet_core::config::Settings;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Credential, Error, ErrorKind, Fate, IssuedToken, Liveness,
    Operation, Result, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret,
    TokenId,
};
use tokenfleet_http::adapter::{dead_if_accepted, undecided};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, BaseUrl, RetryPolicy, Transport, async_trait,
};

use crate::{convert, wire};

/// The provider's name in configurations.
pub const NAME: &str = "verdaccio";

/// The path of the collection of tokens.
const TOKENS: [&str; 4] = ["-", "npm", "v1", "tokens"];

/// The adapter for the tokens of one user of a Verdaccio registry.
#[derive(Debug)]
pub struct Verdaccio {
    client: ApiClient,
    user: String,
    password: Credential,
    capabilities: Capabilities,
}

/// Returns what the adapter declares. Verdaccio can neither get a token nor name it.
#[must_use]
pub fn capabilities() -> Capabilities {
    let create = CreateCapability::new()
        .with_argument(ArgumentDescription::boolean("readonly"))
        .with_argument(ArgumentDescription::list("cidr_whitelist"));
    Capabilities::none()
        .with_list(ListCapability::unpaged().with_unlisted_tokens("tokens of logins"))
        .with_create(create)
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
        .with_verify()
        .with_reported_fields([TokenField::CreatedAt, TokenField::Owner])
}

impl Verdaccio {
    /// Opens the account named `account` with its settings `base_url`, `user` and `password`.
    pub fn open(
        account: &str,
        settings: &mut Settings,
        transport: Arc<dyn Transport>,
    ) -> Result<Self> {
        let base_url = BaseUrl::from_settings(settings, None)?;
        let user = settings.required_identifier("user")?;
        let place = format!("{} of {user}", base_url.address(TOKENS));
        let account = Account::new(NAME, account).with_place(&place);
        let client = ApiClient::new(account, base_url, transport, convert::error_body);
        Ok(Self {
            client: client.with_retry(RetryPolicy::from_settings(settings)?),
            user,
            password: settings.required_credential("password")?,
            capabilities: capabilities(),
        })
    }

    /// Sends a request with the user's password.
    async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let authorize =
            |request: ApiRequest, password: &Secret| request.basic_auth(&self.user, password);
        self.client
            .send_authenticated(&self.password, request, authorize)
            .await
    }

    /// Lists the tokens, as part of an operation, and returns whether one of them is meant.
    async fn is_listed(
        &self,
        operation: Operation,
        is_meant: impl Fn(&wire::NpmToken<'_>) -> bool,
    ) -> Result<bool> {
        let response = self.send(ApiRequest::get(operation, TOKENS)).await?;
        let ((), found) = response.page("objects", None, |wire| Ok(is_meant(&wire)))?;
        Ok(found.contains(&true))
    }
}

#[async_trait]
impl Adapter for Verdaccio {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_page(&self, _: PageRequest) -> Result<Page> {
        let response = self.send(ApiRequest::get(Operation::List, TOKENS)).await?;
        let convert = |wire| convert::token(wire, &response);
        let ((), tokens) = response.page("objects", None, convert)?;
        Ok(Page::last(tokens))
    }

    /// Creates a token. Verdaccio wants the password in the body too, so both get the same one.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let readonly = request.argument("readonly");
        let cidr_whitelist = request.argument("cidr_whitelist");
        let authorize = |http: ApiRequest, password: &Secret| {
            let body = wire::NewToken {
                password: password.expose(),
                readonly: readonly.and_then(ArgumentValue::as_bool),
                cidr_whitelist: cidr_whitelist.and_then(ArgumentValue::as_list),
            };
            http.basic_auth(&self.user, password).json(&body)
        };
        let http = ApiRequest::post(Operation::Create, TOKENS);
        let response = self
            .client
            .send_authenticated(&self.password, http, authorize)
            .await?;
        convert::issued(&response)
    }

    /// Deletes the token. Verdaccio answers 200 for any key, so the list is read first: a key that
    /// is mistyped must not count as revoked.
    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        let is_meant =
            |wire: &wire::NpmToken<'_>| wire.key.known().is_some_and(|key| **key == *id.as_str());
        let outcome = if self.is_listed(Operation::Revoke, is_meant).await? {
            let request = ApiRequest::delete(Operation::Revoke, TOKENS)
                .segment("token")
                .segment(id.as_str())
                .idempotent();
            self.send(request).await?;
            RevocationOutcome::Revoked
        } else if options.existed {
            RevocationOutcome::AlreadyGone
        } else {
            let error = Error::new(ErrorKind::NotFound, Fate::Rejected, "no token has this key");
            return Err(self.client.in_context(Operation::Revoke, error));
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }

    /// Asks with the secret whose it is: nobody's if it was never issued, and 403 if it was deleted
    /// or may not be used from this address. Only a listed token can be the latter.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let request = ApiRequest::get(Operation::Verify, ["-", "whoami"]).bearer_auth(secret);
        let is_refused = match self.client.send(request).await {
            Ok(response) => {
                let user: wire::WhoAmI = response.record()?;
                if user.username.is_reported() {
                    return Ok(Liveness::Alive);
                }
                false
            }
            Err(error) if error.status() == Some(403) && error.is_in_own_form() => true,
            Err(error) => return undecided(error),
        };
        let is_meant = |wire: &wire::NpmToken<'_>| is_refused && convert::may_be(wire, secret);
        match self.is_listed(Operation::Verify, is_meant).await {
            Ok(true) => Ok(Liveness::Unknown {
                reason: "it may be valid, but not from this address".to_owned(),
            }),
            control => Ok(dead_if_accepted(control)),
        }
    }
}
