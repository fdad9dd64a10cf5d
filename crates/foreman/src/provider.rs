//! The adapter: one method per operation.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{CreateCapability, RevokeCapability, TokenField};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, ErrorKind, Identity, IssuedToken, Liveness, Operation,
    Result, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, SecretShape,
    Token, TokenId, TokenState,
};
use tokenfleet_http::adapter::{dead_if_accepted, undecided};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport};

use crate::secret_shape::secret_shape;
use crate::{ForemanConfig, Release, convert, query, wire};

/// The provider's name in configurations.
pub const NAME: &str = "foreman";

/// The survivors of a token: every login opens a session, and Foreman asks a session for no token.
const SESSIONS: &str = "the sessions that it opened, each until it was idle for an hour, if a client \
                        kept its cookie";

/// The adapter for the personal access tokens of one Foreman user.
#[derive(Debug)]
pub struct Foreman {
    client: ApiClient,
    config: ForemanConfig,
    /// The configured release, or the oldest.
    assumed: (Release, Capabilities),
    /// The release that Foreman reported.
    learned: OnceLock<(Release, Capabilities)>,
}

/// Returns what the adapter declares for a release: list, get, create, revoke (which marks the
/// token), verify and whoami.
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
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Marked).with_survivors(SESSIONS))
        .with_verify()
        .with_whoami()
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
    /// Creates an adapter for the account named `account`.
    #[must_use]
    pub fn new(account: &str, mut config: ForemanConfig, transport: Arc<dyn Transport>) -> Self {
        config.base_url = config.base_url.without_api_path(&["/api/v2", "/api"]);
        let place = config.base_url.address(config.path());
        let account = Account::new(NAME, account).with_place(&place);
        let release = config.release.unwrap_or_default();
        Self {
            client: ApiClient::new(
                account,
                config.base_url.clone(),
                transport,
                convert::error_body,
            )
            .with_lockout(convert::MAX_FAILED_LOGINS, convert::LOCKOUT),
            config,
            assumed: (release, capabilities(release)),
            learned: OnceLock::new(),
        }
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.client = self.client.with_retry(retry);
        self
    }

    /// Returns the path of the collection of tokens.
    fn path(&self) -> [String; 4] {
        self.config.path()
    }

    /// Adds login, secret and the common parameters.
    fn authorize(&self, request: ApiRequest, login: &str, secret: &Secret) -> ApiRequest {
        request
            .basic_auth(login, secret)
            .query_if("organization_id", self.config.organization_id.as_deref())
            .query_if("location_id", self.config.location_id.as_deref())
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let authorize = |request, secret: &Secret| {
            let login = &self.config.login;
            self.authorize(request, login, secret)
        };
        let response = self
            .client
            .send_authenticated(&self.config.token, request, authorize)
            .await?;
        self.learn_release(&response);
        Ok(response)
    }

    /// Learns the release from a response, unless it was configured.
    fn learn_release(&self, response: &ApiResponse) {
        let reported = response
            .header("foreman_version")
            .map(str::parse::<Release>);
        if let (None, Some(Ok(release))) = (self.config.release, reported) {
            self.learned
                .get_or_init(|| (release, capabilities(release)));
        }
    }

    /// Returns `true` if the token is known to be revoked. A credential that may revoke but not
    /// read cannot tell, so then it is `false`.
    async fn is_revoked(&self, id: &TokenId) -> Result<bool> {
        let request = ApiRequest::get(Operation::Get, self.path()).segment(id.as_str());
        let record = self.send(request).await.and_then(|response| {
            let record = convert::record(&response)?;
            if record.id == *id {
                return Ok(record);
            }
            Err(response.violation("the platform returned another token than the requested one"))
        });
        match record {
            Ok(record) => Ok(record.state == TokenState::Revoked),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error.for_operation(Operation::Revoke)),
        }
    }

    /// Returns the login that the tokens are used with.
    fn token_login(&self) -> &str {
        let login = self.config.token_login.as_ref();
        login.unwrap_or(&self.config.login)
    }

    /// Decides what the refusal of a login means. It is dead only if the acting login is accepted
    /// and the refused one is known to own the tokens: Foreman refuses an unknown login, and that
    /// of another user, in the same words.
    async fn judge_refusal(&self) -> Liveness {
        let login = self.token_login();
        match self.owns_the_tokens(login).await {
            Ok(false) => unknown(&format!(
                "the tokens are not known to belong to the login `{login}`: check token_login and \
                 user_id"
            )),
            Err(error) if convert::lacks_permission(&error) => unknown(&format!(
                "the acting login may not view users, so nobody knows whether the tokens belong \
                 to the login `{login}`: grant it view_users"
            )),
            control => dead_if_accepted(control),
        }
    }

    /// Returns `true` if the tokens are known to belong to a login.
    async fn owns_the_tokens(&self, login: &str) -> Result<bool> {
        let request = users_request(Operation::Verify, login);
        let users: wire::Users = self.send(request).await?.json()?;
        Ok(users.results.iter().any(|user| {
            user.id == u64::from(self.config.user_id) && user.login.as_deref() == Some(login)
        }))
    }
}

/// Returns a request for the users with a login.
fn users_request(operation: Operation, login: &str) -> ApiRequest {
    let quoted = login.replace('\\', "\\\\").replace('"', "\\\"");
    let search = format!("login = \"{quoted}\"");
    ApiRequest::get(operation, ["api", "users"]).query("search", search)
}

fn unknown(reason: &str) -> Liveness {
    Liveness::Unknown {
        reason: reason.to_owned(),
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
        let api_request = ApiRequest::get(Operation::List, self.path())
            .page_number(number)
            .query("page", number.saturating_add(1))
            .query_if("per_page", request.size);
        // Learning the release must not change the order between two pages.
        let api_request = query::sort(api_request, request.sort, self.assumed.0);
        let api_request = query::filter(api_request, request.filter.as_ref());
        convert::page(&request, &self.send(api_request).await?)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        convert::check_id(id).map_err(|error| self.client.in_context(Operation::Get, error))?;
        let request = ApiRequest::get(Operation::Get, self.path()).segment(id.as_str());
        convert::record(&self.send(request).await?)
    }

    /// Creates a token. Before 3.9 Foreman drops an expiry that it cannot parse, which the check of
    /// the result finds (decision 0003).
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let body = convert::creation(request)
            .map_err(|error| self.client.in_context(Operation::Create, error))?;
        let api_request = ApiRequest::post(Operation::Create, self.path()).json(&body);
        convert::issued(&self.send(api_request).await?)
    }

    /// Marks the record as revoked. Foreman answers a second revocation like the first, so the
    /// record is read before.
    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        convert::check_id(id).map_err(|error| self.client.in_context(Operation::Revoke, error))?;
        let outcome = if !options.existed && self.is_revoked(id).await? {
            RevocationOutcome::AlreadyRevoked
        } else {
            let request = ApiRequest::delete(Operation::Revoke, self.path())
                .segment(id.as_str())
                .idempotent();
            let response = self.send(request).await?;
            let body: wire::Revoked = response.json()?;
            if !body.revoked || body.id.to_string() != id.as_str() {
                return Err(response.violation("the platform did not revoke the requested token"));
            }
            RevocationOutcome::Revoked
        };
        Ok(Revocation::new(outcome, RevocationEffect::Marked).with_id(id.clone()))
    }

    /// Lists one token with the secret in question. A dead secret counts as a failed login, of
    /// which Foreman allows 30 in five minutes from one address. The result is `Dead` only for the
    /// login that owns the tokens, while the acting login is accepted.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let login = self.token_login();
        let request = ApiRequest::get(Operation::Verify, self.path()).query("per_page", 1);
        match self
            .client
            .send(self.authorize(request, login, secret))
            .await
        {
            Ok(response) => {
                convert::page(&PageRequest::first(), &response).map(|_| Liveness::Alive)
            }
            Err(error) if convert::refuses_login(&error) => Ok(self.judge_refusal().await),
            Err(error) if convert::lacks_permission(&error) => Ok(Liveness::Alive),
            Err(error) => match (error.status(), error.kind()) {
                (Some(401), ErrorKind::RateLimited) => Ok(unknown(
                    "Foreman locks out this address after failed logins",
                )),
                (Some(401), ErrorKind::PermissionDenied) => {
                    Ok(unknown("the user account is disabled"))
                }
                _ => undecided(error),
            },
        }
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        secret_shape(secret)
    }

    /// Asks who the current user is. A release that has no answer yet responds as to any unknown
    /// path: then the acting login is looked up among the users, which takes the permission to view
    /// them.
    async fn whoami(&self) -> Result<Identity> {
        let request = ApiRequest::get(Operation::Whoami, ["api", "current_user"]);
        match self.send(request).await {
            Ok(response) => convert::identity(response.record()?, &response),
            Err(error) if error.status() == Some(404) && error.is_in_own_form() => {
                let login = &self.config.login;
                let request = users_request(Operation::Whoami, login);
                let response = self.send(request).await?;
                convert::user_with_login(login, &response)
            }
            Err(error) => Err(error),
        }
    }
}
