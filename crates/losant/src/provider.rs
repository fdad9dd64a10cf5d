//! The operations, one short method each.

use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{
    CreateCapability, RevokeCapability, TokenField, UpdateCapability,
};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, ErrorKind, IssuedToken, Liveness, Operation, Result,
    Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, Token, TokenId,
    UpdateToken,
};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, RetryPolicy, Transport, expiry_matches, revoke_unwanted,
};

use crate::config::{LosantConfig, Resource};
use crate::{convert, query, wire};

/// The provider's name in configurations.
pub const NAME: &str = "losant";

/// The longest name that Losant's schema allows.
const LONGEST_NAME: usize = 255;

/// Losant API tokens of one user, application or instance.
#[derive(Debug)]
pub struct Losant {
    client: ApiClient,
    config: LosantConfig,
    capabilities: Capabilities,
}

/// What the adapter declares: everything but rotation in place and renewal.
#[must_use]
pub fn capabilities() -> Capabilities {
    Capabilities::none()
        .with_list(query::list())
        .with_get()
        .with_create(
            CreateCapability::new()
                .with_required_name()
                .with_max_name_length(LONGEST_NAME)
                .with_description()
                .with_expiry()
                .with_scopes()
                .with_suspended(),
        )
        .with_update(
            UpdateCapability::new()
                .with_name(Some(LONGEST_NAME))
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

impl Losant {
    /// A provider for the account of that name.
    #[must_use]
    pub fn new(account: &str, config: LosantConfig, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, account);
        Self {
            client: ApiClient::new(
                account,
                config.base_url.clone(),
                transport,
                convert::refusal,
            ),
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

    /// The path of the tokens, or of one of them.
    fn path(&self, id: Option<&TokenId>) -> Vec<String> {
        let collection = match &self.config.resource {
            Resource::User => vec!["me", "tokens"],
            Resource::Application(id) => vec!["applications", id, "tokens"],
            Resource::Instance(id) => vec!["instances", id, "tokens"],
        };
        let id = id.map(TokenId::as_str);
        collection
            .into_iter()
            .chain(id)
            .map(str::to_owned)
            .collect()
    }

    /// Adds what every call carries. The answer is asked to hold no links, actions or embedded resources.
    fn dress(&self, call: ApiRequest, secret: &Secret) -> ApiRequest {
        call.credential("authorization", "Bearer ", secret)
            .header("accept-version", &self.config.accept_version)
            .header_if("losantdomain", self.config.domain.as_deref())
            .query("_actions", false)
            .query("_links", false)
            .query("_embedded", false)
    }

    async fn send(&self, call: ApiRequest) -> Result<ApiResponse> {
        let dress = |call, secret: &Secret| self.dress(call, secret);
        self.client
            .send_authenticated(&self.config.token, call, dress)
            .await
    }

    /// Whether what holds the tokens exists: else "not found" would say nothing of a token.
    async fn make_sure_of_the_collection(&self) -> Result<()> {
        if self.config.resource != Resource::User {
            let call = ApiRequest::get(Operation::List, self.path(None)).query("perPage", 1);
            let sent = self.send(call).await;
            sent.map_err(|error| error.for_operation(Operation::Revoke))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Adapter for Losant {
    fn account(&self) -> &Account {
        self.client.account()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let number = request.number().unwrap_or_default();
        let call = ApiRequest::get(Operation::List, self.path(None))
            .page(number)
            .query("page", number)
            .query_if("perPage", request.size);
        let call = query::sort(call, request.sort);
        let call = query::filter(call, request.filter.as_ref());
        convert::page(&request, &self.send(call).await?)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        let call = ApiRequest::get(Operation::Get, self.path(Some(id)));
        let answer = self.send(call).await?;
        convert::record(&answer)
    }

    /// Losant's names are not unique: a second creation makes a second token.
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let expiry = request.expiry;
        let call =
            ApiRequest::post(Operation::Create, self.path(None)).json(&convert::creation(request));
        let answer = self.send(call).await?;
        let issued = convert::issued(&answer)?;
        if !expiry_matches(expiry, &issued.token) {
            return Err(revoke_unwanted(self, &issued.token.id, &answer).await);
        }
        Ok(issued)
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        let call = ApiRequest::patch(Operation::Update, self.path(Some(id)))
            .idempotent()
            .json(&convert::change(&change));
        let answer = self.send(call).await?;
        convert::record(&answer)
    }

    /// Deletes the record. When it is gone already, a second request makes sure that what holds the tokens is not.
    async fn revoke_by_id(&self, id: &TokenId, _: RevokeOptions) -> Result<Revocation> {
        let call = ApiRequest::delete(Operation::Revoke, self.path(Some(id)))
            .idempotent()
            .allow_empty_body();
        let outcome = match self.send(call).await {
            Ok(answer) if answer.json::<wire::Success>()?.success => RevocationOutcome::Revoked,
            Ok(answer) => return Err(answer.violation("the platform says that it did not delete")),
            Err(error) if convert::is_gone(&error) => {
                // It only reads: what became of the revocation is what the refusal says.
                let found = self.make_sure_of_the_collection().await;
                found.map_err(|failed| failed.with_fate(error.fate()))?;
                if error.may_have_applied() {
                    // An earlier attempt, whose answer was lost, may have been the one that deleted it.
                    RevocationOutcome::Revoked
                } else {
                    RevocationOutcome::AlreadyGone
                }
            }
            Err(error) => return Err(error),
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }

    /// Lists one token with the secret in question: a refusal for lack of scope is a sign of life too.
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        let call = ApiRequest::get(Operation::Verify, self.path(None)).query("perPage", 1);
        match self.client.send(self.dress(call, secret)).await {
            Ok(answer) => convert::page(&PageRequest::first(), &answer).map(|_| Liveness::Alive),
            Err(error) if error.code().is_none() => Err(error),
            Err(error) => match error.kind() {
                ErrorKind::Unauthenticated => Ok(Liveness::Dead),
                ErrorKind::PermissionDenied => Ok(Liveness::Alive),
                ErrorKind::NotFound => Ok(Liveness::Unknown {
                    reason: "the application or instance is hidden from this token".to_owned(),
                }),
                _ => Err(error),
            },
        }
    }
}
