//! The adapter: one method per operation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{
    CreateCapability, RevokeCapability, TokenField, UpdateCapability,
};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, IssuedToken, Liveness, Operation, Result,
    Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, SecretShape, Token,
    TokenId, UpdateToken,
};
use tokenfleet_http::adapter::{dead_if_accepted, undecided};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport};

use crate::config::{LosantConfig, Resource};
use crate::scopes;
use crate::secret_shape::secret_shape;
use crate::{arguments, convert, query, wire};

/// The provider's name in configurations.
pub const NAME: &str = "losant";

/// The maximum length of a name in Losant's schema.
const MAX_NAME_LENGTH: usize = 255;

/// The adapter for the API tokens of one Losant user, application or instance.
#[derive(Debug)]
pub struct Losant {
    client: ApiClient,
    config: LosantConfig,
    capabilities: Capabilities,
    /// The capabilities with the page size that the platform serves, once it served fewer tokens
    /// than it was asked for.
    with_served_page_size: OnceLock<Capabilities>,
    /// `true` after a page of the guessed size was refused, until one is served or fails otherwise.
    refused_page_size: AtomicBool,
}

/// Returns what the adapter declares: everything but rotation in place and renewal.
#[must_use]
pub fn capabilities() -> Capabilities {
    Capabilities::none()
        .with_list(query::list())
        .with_get()
        .with_create(
            CreateCapability::new()
                .with_required_name()
                .with_max_name_length(MAX_NAME_LENGTH)
                .with_description()
                .with_expiry()
                .with_scopes()
                .with_published_scopes(scopes::published())
                .with_suspended()
                .with_makers(scopes::makers()),
        )
        .with_update(
            UpdateCapability::new()
                .with_name(Some(MAX_NAME_LENGTH))
                .with_description()
                .with_suspension(),
        )
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
        .with_verify()
        .with_reported_fields([
            TokenField::Name,
            TokenField::Description,
            TokenField::CreatedAt,
            TokenField::UpdatedAt,
            TokenField::Expiry,
            TokenField::Owner,
            TokenField::Creator,
            TokenField::Scopes,
        ])
}

/// Returns what the adapter declares for an account: since API 1.30, tokens have a default role.
fn capabilities_for(config: &LosantConfig) -> Capabilities {
    let mut capabilities = capabilities();
    if config.accepts_roles() {
        capabilities.create = capabilities.create.map(arguments::declare);
    }
    capabilities
}

impl Losant {
    /// Creates an adapter for the account named `account`.
    #[must_use]
    pub fn new(account: &str, config: LosantConfig, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, account).with_place(&config.place());
        Self {
            client: ApiClient::new(
                account,
                config.base_url.clone(),
                transport,
                convert::error_body,
            ),
            capabilities: capabilities_for(&config),
            with_served_page_size: OnceLock::new(),
            refused_page_size: AtomicBool::new(false),
            config,
        }
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.client = self.client.with_retry(retry);
        self
    }

    /// Returns the path of the collection of tokens.
    fn path(&self) -> Vec<String> {
        let segments = self.config.path();
        segments.into_iter().map(str::to_owned).collect()
    }

    /// Adds the secret and the common headers, and opts out of links, actions and embedded
    /// resources.
    fn authorize(&self, request: ApiRequest, secret: &Secret) -> ApiRequest {
        request
            .bearer_auth(secret)
            .header("accept-version", &self.config.accept_version)
            .header_if("losantdomain", self.config.domain.as_deref())
            .query("_actions", false)
            .query("_links", false)
            .query("_embedded", false)
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        let authorize = |request, secret: &Secret| self.authorize(request, secret);
        self.client
            .send_authenticated(&self.config.token, request, authorize)
            .await
    }

    /// Returns `true` if the token is in this collection. A credential that may revoke but not read
    /// cannot tell, so then it is `false`.
    async fn is_here(&self, id: &TokenId) -> Result<bool> {
        let request = ApiRequest::get(Operation::Get, self.path()).segment(id.as_str());
        let found = self.send(request).await.and_then(|response| {
            if convert::record(&response)?.id == *id {
                return Ok(());
            }
            Err(response.violation("the platform returned another token than the requested one"))
        });
        match found {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(not_here(error.for_operation(Operation::Revoke))),
        }
    }

    /// Has later listings ask for no more tokens per page than the platform serves: it may send
    /// fewer and say so, or refuse the request (decision 0040).
    fn remember_page_size(&self, request: &PageRequest, page: &Result<Page>) {
        let is_guessed = request.size == Some(query::PAGE_SIZE);
        let served = match page {
            Ok(page) if is_guessed => page.size.filter(|size| {
                let has_more = page.total > Some(u64::from(*size));
                has_more && page.tokens.len() as u64 == u64::from(*size)
            }),
            // What was refused before without a filter is served without a size.
            Ok(_) if request.size.is_none() => (self.refused_page_size.load(Ordering::Relaxed))
                .then_some(convert::DEFAULT_PAGE_SIZE),
            Ok(_) => None,
            Err(error) => {
                let is_refusal = error.kind() == ErrorKind::InvalidInput;
                let is_refused = is_guessed && is_refusal && request.filter.is_none();
                self.refused_page_size.store(is_refused, Ordering::Relaxed);
                None
            }
        };
        if let Some(served) = served.filter(|size| (1..query::PAGE_SIZE).contains(size)) {
            self.with_served_page_size.get_or_init(|| {
                let mut capabilities = self.capabilities.clone();
                let list = capabilities
                    .list
                    .map(|list| list.with_default_page_size(served));
                capabilities.list = list;
                capabilities
            });
        }
    }

    /// Lists one token with the credential that the account authenticates with.
    async fn probe(&self) -> Result<Page> {
        let request = ApiRequest::get(Operation::Verify, self.path()).query("perPage", 1);
        convert::page(&PageRequest::first(), &self.send(request).await?)
    }

    /// Rejects an id that Losant cannot have issued, before it is sent.
    fn check_id(&self, operation: Operation, id: &TokenId) -> Result<()> {
        convert::check_id(id).map_err(|error| self.client.in_context(operation, error))
    }

    /// Returns an error unless the application or instance exists: without it a 404 would say
    /// nothing about a token.
    async fn check_collection(&self) -> Result<()> {
        if self.config.resource != Resource::User {
            let request = ApiRequest::get(Operation::List, self.path()).query("perPage", 1);
            let sent = self.send(request).await;
            sent.map_err(|error| error.for_operation(Operation::Revoke))?;
        }
        Ok(())
    }
}

/// Adds to an error that the id may belong to another collection: ids look alike everywhere.
fn not_here(error: Error) -> Error {
    if !error.is_not_found() {
        return error;
    }
    error.with_advice(
        "if it is the id of another user's, application's or instance's token, use an account with \
         that credential or resource",
    )
}

#[async_trait]
impl Adapter for Losant {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        let served = self.with_served_page_size.get();
        served.unwrap_or(&self.capabilities)
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let number = request.number().unwrap_or_default();
        let api_request = ApiRequest::get(Operation::List, self.path())
            .page_number(number)
            .query("page", number)
            .query_if("perPage", request.size);
        let api_request = query::sort(api_request, request.sort);
        let api_request = query::filter(api_request, request.filter.as_ref());
        let sent = self.send(api_request).await;
        let page = sent.and_then(|response| convert::page(&request, &response));
        self.remember_page_size(&request, &page);
        page
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.check_id(Operation::Get, id)?;
        let request = ApiRequest::get(Operation::Get, self.path()).segment(id.as_str());
        convert::record(&self.send(request).await?)
    }

    /// Creates a token. Losant's names are not unique, so a second creation creates a second token.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let scopes = request.scopes.clone().unwrap_or_default();
        let api_request =
            ApiRequest::post(Operation::Create, self.path()).json(&convert::creation(request));
        let sent = self.send(api_request).await;
        convert::issued(&sent.map_err(|error| scopes::explain(error, &scopes))?)
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.check_id(Operation::Update, id)?;
        let request = ApiRequest::patch(Operation::Update, self.path())
            .segment(id.as_str())
            .idempotent()
            .json(&convert::update(&change));
        convert::record(&self.send(request).await?)
    }

    /// Deletes the token, which must be in this collection: a 404 for any other id says nothing
    /// about its token. After a 404 a second request checks that the application or instance
    /// exists.
    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        self.check_id(Operation::Revoke, id)?;
        let existed = options.existed || self.is_here(id).await?;
        let request = ApiRequest::delete(Operation::Revoke, self.path())
            .segment(id.as_str())
            .idempotent()
            .allow_empty_body();
        let outcome = match self.send(request).await {
            Ok(response) if response.json::<wire::Success>()?.success => RevocationOutcome::Revoked,
            Ok(response) => {
                return Err(
                    response.violation("the platform reports that it did not delete the token")
                );
            }
            Err(error) if existed && convert::is_gone(&error) => {
                // The check only reads, so its failure has the fate of the revocation.
                let checked = self.check_collection().await;
                checked.map_err(|failed| failed.with_fate(error.fate()))?;
                if error.may_have_applied() {
                    // An earlier attempt, whose response was lost, may have deleted it.
                    RevocationOutcome::Revoked
                } else {
                    RevocationOutcome::AlreadyGone
                }
            }
            Err(error) => return Err(not_here(error)),
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }

    /// Lists one token with the secret in question, and again with the acting credential if the
    /// secret is refused. A 403 for lack of scope proves that the secret is alive too.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let request = ApiRequest::get(Operation::Verify, self.path()).query("perPage", 1);
        match self.client.send(self.authorize(request, secret)).await {
            Ok(response) => {
                convert::page(&PageRequest::first(), &response).map(|_| Liveness::Alive)
            }
            Err(error) if !error.is_in_own_form() => undecided(error),
            Err(error) => match error.kind() {
                ErrorKind::Unauthenticated => Ok(dead_if_accepted(self.probe().await)),
                ErrorKind::PermissionDenied => Ok(Liveness::Alive),
                ErrorKind::NotFound => Ok(Liveness::Unknown {
                    reason: "the application or instance is hidden from this token".to_owned(),
                }),
                _ => Err(error),
            },
        }
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        secret_shape(secret)
    }
}
