//! The adapter: one method per operation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{
    CreateCapability, RevokeCapability, TokenField, UpdateCapability,
};
use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, Identity, IssuedToken, Liveness,
    Operation, Result, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret,
    SecretShape, Token, TokenId, UpdateToken,
};
use tokenfleet_http::adapter::{Jwt, dead_if_accepted, undecided};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport};
use tokio::sync::Mutex;

use crate::config::{CloudsmithConfig, Resource};
use crate::rotating_credential::RotatingCredential;
use crate::{arguments, convert, query, wire};

/// The provider's name in configurations.
pub const NAME: &str = "cloudsmith";

/// The maximum length of a name in Cloudsmith's schema.
const MAX_NAME_LENGTH: usize = 120;

/// The adapter for the API key of one Cloudsmith user, or for the service accounts of one
/// organization.
#[derive(Debug)]
pub struct Cloudsmith {
    client: ApiClient,
    resource: Resource,
    credential: RotatingCredential,
    refresh_lock: Mutex<()>,
    capabilities: Capabilities,
}

/// The time for which a new service account may not be found. Nobody knows it: the vendor's
/// Terraform provider gives up after a minute.
const READ_DELAY: Duration = Duration::from_secs(60);

/// The reason why rotating and revoking are unavailable by default (decision 0010).
const LOCKOUT_RISK: &str = "if the response is lost, nobody has a working key: use an e-mail \
                            address and a password, which can log in again, or accept the risk \
                            with accept_lockout = true";

/// Returns what the adapter declares for a resource.
///
/// For the key of a user: list, create (at most one key), rotate, revoke (by replacement), verify
/// and whoami. With an API key, rotate and revoke need
/// [`with_lockout_accepted`](CloudsmithConfig::with_lockout_accepted).
///
/// For service accounts: everything but renewal.
#[must_use]
pub fn capabilities(resource: &Resource) -> Capabilities {
    let capabilities = Capabilities::none()
        .with_list(query::list())
        .with_rotate()
        .with_verify()
        .with_whoami()
        .with_reported_fields([TokenField::CreatedAt]);
    match resource {
        Resource::User => capabilities
            .with_create(CreateCapability::new().with_max_tokens(1))
            .with_revoke(RevokeCapability::by_id(RevocationEffect::Replaced)),
        Resource::Organization(_) => capabilities
            .with_get()
            .with_create(arguments::declare(
                CreateCapability::new()
                    .with_required_name()
                    .with_max_name_length(MAX_NAME_LENGTH)
                    .with_description(),
            ))
            .with_update(
                UpdateCapability::new()
                    .with_name(Some(MAX_NAME_LENGTH))
                    .with_id_following_name()
                    .with_description(),
            )
            .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
            // A slug is made from the name.
            .with_reused_ids()
            .with_read_delay(READ_DELAY)
            .with_reported_fields([
                TokenField::Name,
                TokenField::Description,
                TokenField::Expiry,
            ]),
    }
}

impl Cloudsmith {
    /// Creates an adapter for the account named `account`.
    #[must_use]
    pub fn new(account: &str, config: CloudsmithConfig, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, account).with_place(&config.place());
        let mut capabilities = capabilities(&config.resource);
        if !config.may_rotate() {
            capabilities = capabilities
                .with_unavailable(Operation::Rotate, LOCKOUT_RISK)
                .with_unavailable(Operation::Revoke, LOCKOUT_RISK);
        }
        Self {
            client: ApiClient::new(account, config.base_url, transport, convert::error_body),
            resource: config.resource,
            credential: RotatingCredential::new(config.scheme, config.credential),
            refresh_lock: Mutex::new(()),
            capabilities,
        }
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.client = self.client.with_retry(retry);
        self
    }

    /// Returns what Cloudsmith says about the caller, whom it must recognise: it responds with 200
    /// to anybody.
    async fn identify(&self, operation: Operation) -> Result<wire::UserBrief> {
        let response = self.send(Self::self_request(operation)).await?;
        let Some(user) = convert::user(&response)? else {
            return Err(response
                .violation("Cloudsmith does not recognise the credential")
                .with_kind(ErrorKind::Unauthenticated)
                .with_advice("check that the credential is correct and still valid"));
        };
        Ok(user)
    }

    /// Sends what must be accepted if only `refused` is to blame for a refusal: the acting
    /// credential, or nothing at all if that is the refused one, since anybody may ask who they
    /// are.
    async fn control(&self, refused: &Secret) -> Result<()> {
        let acting = self.credential.secret().await;
        if acting.is_ok_and(|acting| acting.is_same(refused)) {
            let response = self.client.send(Self::self_request(Operation::Verify));
            return convert::user(&response.await?).map(|_| ());
        }
        self.identify(Operation::Verify).await.map(|_| ())
    }

    /// Returns the path of the collection of keys, or of what is below it.
    pub(crate) fn path(&self, below: &[&str]) -> Vec<String> {
        let mut path = self.resource.path();
        path.extend(below.iter().map(|segment| (*segment).to_owned()));
        // Every path ends in a slash.
        path.push(String::new());
        path
    }

    /// Fetches a page of keys. Cloudsmith itself responds with 404 beyond the last page; an
    /// organization must then prove that it is not the one that is not found.
    async fn fetch_page(&self, request: &PageRequest) -> Result<Page> {
        let number = request.number().unwrap_or_default();
        let api_request = ApiRequest::get(Operation::List, self.path(&[]))
            .page_number(number)
            .query("page", number.saturating_add(1))
            .query_if("page_size", request.size);
        match self.send(api_request).await {
            Ok(response) => convert::page(&self.resource, request, &response),
            Err(error) if number > 0 && convert::is_gone(&error) => {
                if self.resource != Resource::User {
                    self.check_organization(Operation::List).await?;
                }
                Ok(Page::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a service account.
    pub(crate) async fn read(&self, operation: Operation, id: &TokenId) -> Result<Token> {
        let request = ApiRequest::get(operation, self.path(&[id.as_str()]));
        convert::service_record(&self.send(request).await?)
    }

    /// Returns an error unless the organization exists and shows its service accounts: without them
    /// a 404 would say nothing about one.
    pub(crate) async fn check_organization(&self, operation: Operation) -> Result<()> {
        let request = ApiRequest::get(Operation::List, self.path(&[])).query("page_size", 1);
        let sent = self.send(request).await;
        sent.map(|_| ())
            .map_err(|error| error.for_operation(operation))
    }

    /// Turns a rejection into "not found" if there is no such service account. Which status
    /// Cloudsmith has for that is not documented.
    pub(crate) async fn explain_rejection(&self, error: Error, id: &TokenId) -> Error {
        let is_unclear = self.resource != Resource::User && error.status() == Some(400);
        if is_unclear && convert::may_be_gone(&error) {
            let read = self.read(Operation::Get, id).await;
            if read.is_err_and(|error| convert::is_gone(&error)) {
                return error.with_kind(ErrorKind::NotFound);
            }
        }
        error
    }

    pub(crate) fn in_context(&self, operation: Operation, error: Error) -> Error {
        self.client.in_context(operation, error)
    }

    fn self_request(operation: Operation) -> ApiRequest {
        ApiRequest::get(operation, ["user", "self", ""])
    }

    pub(crate) async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let authorize = |request, secret: &Secret| self.credential.authorize(request, secret);
        self.client
            .send_authenticated(&self.credential, request, authorize)
            .await
    }

    /// Refreshes a key. One refresh at a time, since only the last issued key works. A response
    /// that repeats the old key, or masks the new one, proves nothing.
    async fn refresh(&self, operation: Operation, id: &TokenId) -> Result<IssuedToken> {
        let _guard = self.refresh_lock.lock().await;
        let path = self.path(&[id.as_str(), "refresh"]);
        let request = match self.resource {
            Resource::User => ApiRequest::put(operation, path),
            Resource::Organization(_) => ApiRequest::post(operation, path),
        };
        let response = match self.send(request).await {
            Ok(response) => response,
            Err(error) => return Err(self.explain_rejection(error, id).await),
        };
        let issued = convert::issued(&self.resource, Some(id), &response)?;
        if self.resource == Resource::User && !issued.secret.is_masked() {
            self.credential.rotate(&issued.secret);
        }
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

    /// Lists the keys. An empty first page is accepted only if the credential is recognised. The
    /// list of an organization says nothing else that tells it from any other empty list, so it
    /// must come twice.
    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let page = self.fetch_page(&request).await?;
        if request.number().unwrap_or_default() > 0 || !page.tokens.is_empty() {
            return Ok(page);
        }
        self.identify(Operation::List).await?;
        match self.resource {
            Resource::User => Ok(page),
            Resource::Organization(_) => self.fetch_page(&request).await,
        }
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.read(Operation::Get, id).await
    }

    /// Creates the key of the user, which takes no arguments, or a service account.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let api_request = ApiRequest::post(Operation::Create, self.path(&[]));
        let api_request = match self.resource {
            Resource::User => api_request,
            Resource::Organization(_) => api_request.json(&convert::creation(request)),
        };
        convert::issued(&self.resource, None, &self.send(api_request).await?)
    }

    /// Updates a service account. Its slug, which is the id, may follow its new name.
    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        let request = ApiRequest::patch(Operation::Update, self.path(&[id.as_str()]))
            .json(&convert::update(&change));
        match self.send(request).await {
            Ok(response) => convert::service_record(&response),
            Err(error) => Err(self.explain_rejection(error, id).await),
        }
    }

    /// Refreshes the key: the old one stops working at once. An adapter for the key of a user that
    /// acts with it continues with the new one.
    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.refresh(Operation::Rotate, id).await
    }

    /// Refreshes the key of a user and returns its replacement, which a second revocation would
    /// replace; deletes a service account.
    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        if self.resource != Resource::User {
            return self.delete(id, options).await;
        }
        let replacement = self.refresh(Operation::Revoke, id).await?;
        Ok(
            Revocation::new(RevocationOutcome::Revoked, RevocationEffect::Replaced)
                .with_id(id.clone())
                .with_replacement(replacement),
        )
    }

    /// Asks whom the secret in question belongs to. A key that is refused is dead if the acting
    /// credential is accepted at the same place. So is the key of a user that is not recognised as
    /// one, but nobody knows whether that of a service account is.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let request = Self::self_request(Operation::Verify).credential("x-api-key", "", secret);
        match self.client.send(request).await {
            Ok(response) if convert::user(&response)?.is_some() => Ok(Liveness::Alive),
            Ok(_) if self.resource != Resource::User => Ok(Liveness::Unknown {
                reason:
                    "Cloudsmith does not say whose key it is, and may not say so of the key of \
                         a service account"
                        .to_owned(),
            }),
            Ok(_) if self.credential.is_in_api_key_header() => {
                Ok(dead_if_accepted(self.identify(Operation::Verify).await))
            }
            Ok(_) => Ok(Liveness::Unknown {
                reason:
                    "Cloudsmith answered as if no key was sent, which something in between may \
                         have removed"
                        .to_owned(),
            }),
            Err(error) if convert::refuses_key(&error) => {
                Ok(dead_if_accepted(self.control(secret).await))
            }
            Err(error) if convert::forbids_key(&error) => Ok(Liveness::Unknown {
                reason: "Cloudsmith recognises the key, but a policy forbids its use".to_owned(),
            }),
            Err(error) => undecided(error),
        }
    }

    /// Returns the shape of a secret: neither the length nor the form of a key is documented, and
    /// credentials of OpenID Connect are sent like keys.
    fn secret_shape(&self, _secret: &Secret) -> SecretShape {
        SecretShape::Possible
    }

    /// Asks whose key it is. A user has at most one, so it is the listed one if the key and the
    /// acting credential belong to the same user. What the list shows of a key is masked in a form
    /// that nobody documented, and a service account may not be named at all.
    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        // A short-lived credential of OpenID Connect is not the key of its user.
        if self.resource != Resource::User || Jwt::parse(secret).is_some() {
            return Ok(None);
        }
        let request = Self::self_request(Operation::Verify).credential("x-api-key", "", secret);
        let response = match self.client.send(request).await {
            Ok(response) => response,
            Err(error) if convert::refuses_key(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(holder) = convert::user(&response)? else {
            return Ok(None);
        };
        if !convert::is_same_user(&holder, &self.identify(Operation::Verify).await?) {
            return Ok(None);
        }
        let Page {
            mut tokens, next, ..
        } = self.fetch_page(&PageRequest::first()).await?;
        Ok(tokens.pop().filter(|_| tokens.is_empty() && next.is_none()))
    }

    /// Asks who the caller is. Cloudsmith answers anybody, so the answer must recognise somebody.
    async fn whoami(&self) -> Result<Identity> {
        Ok(convert::identity(self.identify(Operation::Whoami).await?))
    }
}
