//! The harness of one case: a fresh fixture, and the steps that many cases share.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::adapter::{Page, PageRequest};
use tokenfleet_core::capability::{ArgumentSupport, TokenField};
use tokenfleet_core::{
    Capabilities, CreateToken, Direction, Fact, IssuedToken, Listing, Query, RequestedExpiry,
    Result, Revocation, RevokeOptions, Secret, Timestamp, Token, TokenId, TokenList, TokenProvider,
    TokenProviderExt, TokenRef, TokenState, query::SortBy,
};

use crate::case_result::{CaseResult, expect_ok, fail, not_applicable};
use crate::inspector::Inspector;
use crate::recording_provider::RecordingProvider;
use crate::{ExistingToken, Fault, Fixture, InsertedToken, TokenSpec};

const SECONDS_PER_DAY: u64 = 86_400;

/// Everything that one case works with.
pub(crate) struct Harness {
    fixture: Box<dyn Fixture>,
    provider: RecordingProvider,
    inspector: Arc<Inspector>,
}

/// A token that works, with its secret.
#[derive(Debug)]
pub(crate) struct LiveToken {
    pub(crate) id: TokenId,
    pub(crate) secret: Secret,
}

impl LiveToken {
    /// Returns the id and the secret of an inserted token, if the fixture knows the secret.
    pub(crate) fn from_inserted(inserted: InsertedToken) -> Option<Self> {
        let secret = inserted.secret?;
        Some(Self {
            id: inserted.id,
            secret,
        })
    }

    /// Returns the id and the secret of an issued token.
    pub(crate) fn from_issued(issued: IssuedToken) -> Self {
        Self {
            id: issued.token.id,
            secret: issued.secret,
        }
    }
}

impl Harness {
    pub(crate) fn new(fixture: Box<dyn Fixture>) -> Self {
        let inspector = Arc::new(Inspector::default());
        for credential in fixture.credentials() {
            inspector.remember(&credential);
        }
        let provider = RecordingProvider::new(fixture.provider(), Arc::clone(&inspector));
        Self {
            fixture,
            provider,
            inspector,
        }
    }

    pub(crate) fn fixture(&self) -> &dyn Fixture {
        &*self.fixture
    }

    /// Returns the provider under test, whose results are inspected.
    pub(crate) fn provider(&self) -> &RecordingProvider {
        &self.provider
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    pub(crate) fn inspector(&self) -> &Inspector {
        &self.inspector
    }

    /// Returns the provider with a wrong credential, whose results are inspected.
    pub(crate) fn intruder(&self) -> CaseResult<RecordingProvider> {
        match self.fixture.intruder() {
            Some(provider) => Ok(RecordingProvider::new(
                provider,
                Arc::clone(&self.inspector),
            )),
            None => not_applicable("the fixture has no provider with a wrong credential"),
        }
    }

    /// Returns `true` if the provider declares that it reports this field.
    pub(crate) fn reports(&self, field: TokenField) -> bool {
        self.capabilities().reported_fields.contains(&field)
    }

    /// Returns `true` if the provider revokes by id.
    pub(crate) fn revokes_by_id(&self) -> bool {
        let revoke = self.capabilities().revoke.as_ref();
        revoke.is_some_and(|revoke| revoke.by_id)
    }

    /// Returns the time this many days from now, on the platform's clock.
    pub(crate) fn in_days(&self, days: u64) -> Timestamp {
        let now = self.fixture.now().truncated_to_seconds();
        now.saturating_add(Duration::from_secs(days * SECONDS_PER_DAY))
    }

    /// Returns a secret that no platform ever issued.
    pub(crate) fn never_issued_secret(&self) -> Secret {
        let secret = Secret::new("never0issued0by0anybody0a1b2c3d4");
        self.inspector.remember(&secret);
        secret
    }

    /// Returns an id that resembles this one and belongs to no token.
    pub(crate) async fn unknown_id(&self, like: &TokenId) -> CaseResult<TokenId> {
        let taken = self.existing_ids().await;
        let mut prefix = like.as_str().chars();
        prefix.next_back();
        let prefix = prefix.as_str();
        "9876543210fedcba"
            .chars()
            .map(|last| TokenId::new(format!("{prefix}{last}")))
            .find(|id| id != like && !taken.contains(id))
            .map_or_else(|| not_applicable("every similar id is taken"), Ok)
    }
}

/// Preparing the platform.
impl Harness {
    /// Returns a creation request with the required arguments and nothing else.
    pub(crate) fn minimal_request(&self, name: &str) -> CreateToken {
        match &self.capabilities().create {
            Some(create) if create.name == ArgumentSupport::Required => CreateToken::new(name),
            _ => CreateToken::unnamed(),
        }
    }

    /// Returns the specification of an active token, with a name if the provider reports names.
    pub(crate) fn spec(&self, name: &str) -> TokenSpec {
        if self.reports(TokenField::Name) {
            TokenSpec::active().with_name(name)
        } else {
            TokenSpec::active()
        }
    }

    /// Inserts a token directly at the platform.
    pub(crate) async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        let inserted = self.fixture.insert(spec).await?;
        if let Some(secret) = &inserted.secret {
            self.inspector.remember(secret);
        }
        Some(inserted)
    }

    /// Inserts a token in this state, named after it.
    pub(crate) async fn insert_in_state(&self, state: TokenState) -> Option<InsertedToken> {
        let spec = self.spec(state.as_str()).with_state(state);
        self.insert(spec).await
    }

    /// Inserts active tokens, up to what the account can hold.
    pub(crate) async fn seed_tokens(&self, count: usize) -> CaseResult<Vec<InsertedToken>> {
        self.seed_tokens_named("seeded", count).await
    }

    /// Inserts active tokens whose names begin with a prefix, up to what the account can hold.
    pub(crate) async fn seed_tokens_named(
        &self,
        prefix: &str,
        count: usize,
    ) -> CaseResult<Vec<InsertedToken>> {
        let mut seeded = Vec::new();
        for number in 0..count {
            let spec = self.spec(&format!("{prefix}-{number:03}"));
            match self.insert(spec).await {
                Some(inserted) => seeded.push(inserted),
                None => break,
            }
        }
        if seeded.is_empty() {
            return not_applicable("the fixture can insert no token");
        }
        Ok(seeded)
    }

    /// Inserts exactly this many active tokens and returns their ids, or skips the case if the
    /// account cannot hold them.
    pub(crate) async fn seed_several_pages(
        &self,
        prefix: &str,
        count: usize,
    ) -> CaseResult<Vec<TokenId>> {
        let seeded = self.seed_tokens_named(prefix, count).await?;
        if seeded.len() < count {
            return not_applicable("the account cannot hold several pages");
        }
        Ok(seeded.into_iter().map(|token| token.id).collect())
    }

    /// Inserts tokens up to what the account can hold, and returns how many.
    ///
    /// Results are not searched for their secrets: with a thousand that takes long, and other cases
    /// do it.
    pub(crate) async fn fill_account(&self, count: usize) -> usize {
        for number in 0..count {
            let spec = self.spec(&format!("filling-{number:04}"));
            if self.fixture.insert(spec).await.is_none() {
                return number;
            }
        }
        count
    }

    /// Returns a token that works and its secret: inserted, or created through the provider if the
    /// fixture does not know the secrets of inserted tokens.
    pub(crate) async fn live_token(&self, name: &str) -> CaseResult<LiveToken> {
        if let Some(inserted) = self.insert(self.spec(name)).await {
            let id = inserted.id.clone();
            if let Some(token) = LiveToken::from_inserted(inserted) {
                return Ok(token);
            }
            // Without its secret the token is useless, and may take the only place in the account.
            self.fixture.remove(&id).await;
        }
        if self.capabilities().create.is_none() {
            return not_applicable("the fixture knows no token's secret");
        }
        // Another name, because a platform with unique names may never free the first one.
        let request = self.minimal_request(&format!("{name} again"));
        Ok(LiveToken::from_issued(self.create(request).await?))
    }

    /// Returns a live token that expires in a day, where the platform allows to choose that.
    pub(crate) async fn expiring_token(&self, name: &str) -> CaseResult<LiveToken> {
        let expiry = RequestedExpiry::At(self.in_days(1));
        if let Some(inserted) = self.insert(self.spec(name).with_expiry(expiry)).await
            && let Some(token) = LiveToken::from_inserted(inserted)
        {
            return Ok(token);
        }
        self.live_token(name).await
    }

    /// Skips the case if the account has no room for this many more tokens.
    pub(crate) async fn require_room(&self, count: usize) -> CaseResult {
        let create = self.capabilities().create.as_ref();
        let Some(max_tokens) = create.and_then(|create| create.max_tokens) else {
            return Ok(());
        };
        let free = (max_tokens as usize).saturating_sub(self.token_count().await);
        if free < count {
            return not_applicable(format!(
                "the account has room for {free} tokens, not {count}"
            ));
        }
        Ok(())
    }

    /// Deletes tokens if the account is full, and skips the case if that is not possible.
    pub(crate) async fn make_room(&self) -> CaseResult {
        if self.require_room(1).await.is_err() {
            for id in self.existing_ids().await {
                self.fixture.remove(&id).await;
            }
        }
        self.require_room(1).await
    }

    /// Arranges a fault for the next request, or skips the case.
    pub(crate) async fn inject(&self, fault: Fault) -> CaseResult {
        if self.fixture.inject(fault).await {
            return Ok(());
        }
        not_applicable(match fault {
            Fault::Redirect => "the fixture cannot redirect",
            _ => "the fixture cannot lose requests or responses",
        })
    }

    /// Moves the platform's clock, or skips the case.
    pub(crate) async fn advance(&self, by: Duration) -> CaseResult {
        if self.fixture.advance(by).await {
            return Ok(());
        }
        not_applicable("the fixture cannot move the clock")
    }
}

/// Calling the provider.
impl Harness {
    /// Creates a token through the provider, if the account has room.
    pub(crate) async fn create(&self, request: CreateToken) -> CaseResult<IssuedToken> {
        self.require_room(1).await?;
        expect_ok(self.provider.create(request).await, "a token is created")
    }

    /// Returns how the provider refers to a token when it revokes: by id if it supports that.
    pub(crate) fn token_ref<'a>(&self, token: &'a LiveToken) -> TokenRef<'a> {
        if self.revokes_by_id() {
            (&token.id).into()
        } else {
            (&token.secret).into()
        }
    }

    /// Revokes a token and accepts a replacement.
    pub(crate) async fn try_revoke(&self, token: &LiveToken) -> Result<Revocation> {
        let options = RevokeOptions::accept_replacement();
        self.provider.revoke(self.token_ref(token), options).await
    }

    /// Revokes a token, which must succeed.
    pub(crate) async fn revoke(&self, token: &LiveToken) -> CaseResult<Revocation> {
        expect_ok(self.try_revoke(token).await, "a token is revoked")
    }

    /// Lists all tokens that match a query.
    pub(crate) async fn list(&self, query: Query, expected: &str) -> CaseResult<TokenList> {
        expect_ok(self.provider.list_all(query).await, expected)
    }

    /// Returns the ids of all tokens that match a query.
    pub(crate) async fn list_ids(&self, query: Query, expected: &str) -> CaseResult<Vec<TokenId>> {
        Ok(ids_of(&self.list(query, expected).await?.tokens))
    }

    /// Starts a listing.
    pub(crate) fn start_listing(&self, query: Query) -> CaseResult<Listing<'_>> {
        expect_ok(self.provider.list(query), "a listing starts")
    }

    /// Reads one token, alone or in a listing; `None` if the provider can do neither.
    pub(crate) async fn read(&self, id: &TokenId) -> CaseResult<Option<Token>> {
        if self.capabilities().get {
            let token = self.provider.get(id).await;
            return expect_ok(token, "an existing token is read").map(Some);
        }
        if self.capabilities().list.is_none() {
            return Ok(None);
        }
        let list = self.list(Query::new(), "the tokens are listed").await?;
        match list.tokens.into_iter().find(|token| token.id == *id) {
            Some(token) => Ok(Some(token)),
            None => fail(
                "an existing token is listed",
                format!("{id} is not in the listing"),
            ),
        }
    }

    /// Returns the request for a first page, in a stable order if the platform declares one.
    pub(crate) fn first_page(&self) -> PageRequest {
        let list = self.capabilities().list.as_ref();
        let stable = list.and_then(|list| list.orders.iter().find(|order| order.stable));
        let mut request = PageRequest::first();
        request.sort = stable.map(|order| SortBy::new(order.key, Direction::Ascending));
        request
    }

    /// Reads one page.
    pub(crate) async fn page(&self, request: PageRequest, expected: &str) -> CaseResult<Page> {
        expect_ok(self.provider.list_page(request).await, expected)
    }

    /// Reads this page and all following ones as the platform returns them.
    pub(crate) async fn all_pages(&self, mut request: PageRequest) -> CaseResult<Vec<Page>> {
        let max_pages = self.token_count().await + 3;
        let mut pages = Vec::new();
        loop {
            let page = self.page(request.clone(), "a page is read").await?;
            let next = page.next.clone();
            pages.push(page);
            match next {
                None => return Ok(pages),
                Some(_) if pages.len() > max_pages => {
                    return fail(
                        "the pages come to an end",
                        format!("after {} pages there are still more", pages.len()),
                    );
                }
                Some(position) => request = request.position(position),
            }
        }
    }

    /// Returns the tokens of this page and all following ones.
    pub(crate) async fn tokens_on_pages(&self, request: PageRequest) -> CaseResult<Vec<Token>> {
        let pages = self.all_pages(request).await?;
        Ok(pages.into_iter().flat_map(|page| page.tokens).collect())
    }
}

/// Looking at the platform.
impl Harness {
    /// Returns a token as it exists at the platform.
    pub(crate) async fn existing(&self, id: &TokenId) -> Option<ExistingToken> {
        let tokens = self.fixture.tokens().await;
        tokens.into_iter().find(|token| token.id == *id)
    }

    /// Returns the expiry of a token as it exists at the platform.
    pub(crate) async fn existing_expiry(&self, id: &TokenId) -> Fact<Timestamp> {
        let existing = self.existing(id).await;
        existing.map_or(Fact::NotReported, |existing| existing.expiry)
    }

    /// Returns the ids of all tokens that exist at the platform.
    pub(crate) async fn existing_ids(&self) -> BTreeSet<TokenId> {
        let tokens = self.fixture.tokens().await;
        tokens.into_iter().map(|token| token.id).collect()
    }

    /// Returns how many tokens exist at the platform.
    pub(crate) async fn token_count(&self) -> usize {
        self.fixture.tokens().await.len()
    }

    /// Expects the platform to accept a secret.
    pub(crate) async fn expect_alive(&self, secret: &Secret, what: &str) -> CaseResult {
        if self.fixture.accepts(secret).await {
            return Ok(());
        }
        fail(format!("{what} works"), "the platform does not accept it")
    }

    /// Expects the platform not to accept a secret.
    pub(crate) async fn expect_dead(&self, secret: &Secret, what: &str) -> CaseResult {
        if self.fixture.accepts(secret).await {
            return fail(format!("{what} is dead"), "the platform still accepts it");
        }
        Ok(())
    }
}

/// Returns the next id of a listing, or `None` at its end.
pub(crate) async fn next_id(
    listing: &mut Listing<'_>,
    expected: &str,
) -> CaseResult<Option<TokenId>> {
    match listing.next().await {
        Some(token) => Ok(Some(expect_ok(token, expected)?.id)),
        None => Ok(None),
    }
}

/// Returns up to `max` further ids of a listing.
pub(crate) async fn collect_ids(
    listing: &mut Listing<'_>,
    max: usize,
    expected: &str,
) -> CaseResult<Vec<TokenId>> {
    let mut ids = Vec::new();
    while ids.len() < max
        && let Some(id) = next_id(listing, expected).await?
    {
        ids.push(id);
    }
    Ok(ids)
}

/// Returns the ids of tokens, in their order.
pub(crate) fn ids_of<'a>(tokens: impl IntoIterator<Item = &'a Token>) -> Vec<TokenId> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// Formats ids for a failure.
pub(crate) fn format_ids<'a>(ids: impl IntoIterator<Item = &'a TokenId>) -> String {
    let mut text = String::new();
    for id in ids {
        let separator = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{separator}{id}");
    }
    format!("[{text}]")
}

/// The states that a fixture is asked to insert.
pub(crate) const STATES: [TokenState; 4] = [
    TokenState::Active,
    TokenState::Suspended,
    TokenState::Revoked,
    TokenState::Expired,
];

/// The states in which a token does not work.
pub(crate) const DEAD_STATES: [TokenState; 3] = [
    TokenState::Suspended,
    TokenState::Revoked,
    TokenState::Expired,
];

/// Returns `true` if a fact is this time, to the second: platforms cut off fractions.
pub(crate) fn is_at(fact: Fact<Timestamp>, at: Timestamp) -> bool {
    fact.known().map(|known| known.truncated_to_seconds()) == Some(at.truncated_to_seconds())
}
