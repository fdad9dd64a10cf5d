//! A fresh fixture and what the cases do with it again and again.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::capability::{ArgumentSupport, TokenField};
use tokenfleet_core::{
    Capabilities, CreateToken, Fact, IssuedToken, Query, Secret, Timestamp, Token, TokenId,
    TokenList, TokenProvider, TokenProviderExt, TokenState,
};

use crate::verdict::{Verdict, fail, not_applicable, succeeded};
use crate::watch::{Known, Watched};
use crate::{Existing, Fault, Fixture, Inserted, TokenSpec};

/// The stage of one case.
pub(crate) struct Scene {
    fixture: Box<dyn Fixture>,
    provider: Watched,
    known: Arc<Known>,
}

/// A token that works, with the secret that proves it.
#[derive(Debug)]
pub(crate) struct Living {
    pub(crate) id: TokenId,
    pub(crate) secret: Secret,
}

impl Scene {
    pub(crate) fn new(fixture: Box<dyn Fixture>) -> Self {
        let known = Arc::new(Known::default());
        for credential in fixture.credentials() {
            known.remember(&credential);
        }
        let provider = Watched::new(fixture.provider(), Arc::clone(&known));
        Self {
            fixture,
            provider,
            known,
        }
    }

    pub(crate) fn fixture(&self) -> &dyn Fixture {
        &*self.fixture
    }

    /// The provider under test, watched.
    pub(crate) fn provider(&self) -> &Watched {
        &self.provider
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// The provider with the wrong credential, watched.
    pub(crate) fn intruder(&self) -> Verdict<Watched> {
        match self.fixture.intruder() {
            Some(provider) => Ok(Watched::new(provider, Arc::clone(&self.known))),
            None => not_applicable("the fixture has no provider with a wrong credential"),
        }
    }

    /// A secret that no platform ever issued.
    pub(crate) fn made_up_secret(&self) -> Secret {
        let secret = Secret::new("never0issued0by0anybody0a1b2c3d4");
        self.known.remember(&secret);
        secret
    }

    /// An id that looks like that one and belongs to no token.
    pub(crate) async fn unknown_id(&self, like: &TokenId) -> Verdict<TokenId> {
        let taken = self.fixture.tokens().await;
        let start: String = {
            let mut characters = like.as_str().chars();
            characters.next_back();
            characters.collect()
        };
        "9876543210fedcba"
            .chars()
            .map(|last| TokenId::new(format!("{start}{last}")))
            .find(|id| id != like && taken.iter().all(|token| token.id != *id))
            .map_or_else(|| not_applicable("every similar id is taken"), Ok)
    }

    pub(crate) fn in_days(&self, days: u64) -> Timestamp {
        let now = self.fixture.now().truncated_to_seconds();
        now.saturating_add(Duration::from_secs(days * 86_400))
    }

    pub(crate) fn reports(&self, field: TokenField) -> bool {
        self.capabilities().reported_fields.contains(&field)
    }

    /// A request for a token with what must be given and nothing else.
    pub(crate) fn request(&self, name: &str) -> CreateToken {
        match &self.capabilities().create {
            Some(create) if create.name == ArgumentSupport::Required => CreateToken::new(name),
            _ => CreateToken::unnamed(),
        }
    }

    /// A token to be inserted, with a name where the provider tells names.
    pub(crate) fn spec(&self, name: &str) -> TokenSpec {
        if self.reports(TokenField::Name) {
            TokenSpec::active().named(name)
        } else {
            TokenSpec::active()
        }
    }

    pub(crate) async fn insert(&self, spec: TokenSpec) -> Option<Inserted> {
        let inserted = self.fixture.insert(spec).await?;
        if let Some(secret) = &inserted.secret {
            self.known.remember(secret);
        }
        Some(inserted)
    }

    /// Inserts that many working tokens, or as many as the account can hold.
    pub(crate) async fn plant(&self, count: usize) -> Verdict<Vec<Inserted>> {
        self.plant_as("planted", count).await
    }

    /// The same, with names that begin like that.
    pub(crate) async fn plant_as(&self, name: &str, count: usize) -> Verdict<Vec<Inserted>> {
        let mut planted = Vec::new();
        for number in 0..count {
            match self.insert(self.spec(&format!("{name}-{number:03}"))).await {
                Some(inserted) => planted.push(inserted),
                None => break,
            }
        }
        if planted.is_empty() {
            return not_applicable("the fixture can insert no token");
        }
        Ok(planted)
    }

    /// Inserts that many tokens, or as many as the account can hold, and says how many. Their secrets are not looked for
    /// in every answer: with a thousand that takes long, and the other cases do.
    pub(crate) async fn fill(&self, count: usize) -> usize {
        for number in 0..count {
            let spec = self.spec(&format!("filling-{number:04}"));
            if self.fixture.insert(spec).await.is_none() {
                return number;
            }
        }
        count
    }

    /// A token that works and its secret: inserted, or created where the platform tells nobody else the secret.
    pub(crate) async fn living(&self, name: &str) -> Verdict<Living> {
        match self.insert(self.spec(name)).await {
            Some(Inserted {
                id,
                secret: Some(secret),
            }) => return Ok(Living { id, secret }),
            // It must not stand in the way of the one to be created, as far as that can be helped.
            Some(useless) => drop(self.fixture.remove(&useless.id).await),
            None => {}
        }
        if self.capabilities().create.is_none() {
            return not_applicable("the fixture knows no secret of a token");
        }
        // Another name: where names are unique the first may be taken for ever.
        let issued = self.create(self.request(&format!("{name} again"))).await?;
        Ok(Living {
            id: issued.token.id,
            secret: issued.secret,
        })
    }

    /// Creates through the provider, where the account has room.
    pub(crate) async fn create(&self, request: CreateToken) -> Verdict<IssuedToken> {
        self.room_for(1).await?;
        succeeded(self.provider.create(request).await, "a token is created")
    }

    /// Leaves the case out where the account cannot hold that many more.
    pub(crate) async fn room_for(&self, more: usize) -> Verdict {
        let most = self
            .capabilities()
            .create
            .as_ref()
            .and_then(|c| c.max_tokens);
        let Some(most) = most else { return Ok(()) };
        let free = (most as usize).saturating_sub(self.fixture.tokens().await.len());
        if free < more {
            return not_applicable(format!(
                "the account has room for {free} tokens, not {more}"
            ));
        }
        Ok(())
    }

    /// The same, after deleting what is in the way.
    pub(crate) async fn make_room(&self) -> Verdict {
        if self.room_for(1).await.is_err() {
            for token in self.fixture.tokens().await {
                self.fixture.remove(&token.id).await;
            }
        }
        self.room_for(1).await
    }

    pub(crate) async fn inject(&self, fault: Fault) -> Verdict {
        if self.fixture.inject(fault).await {
            return Ok(());
        }
        not_applicable(match fault {
            Fault::Redirect => "the fixture cannot redirect",
            _ => "the fixture cannot lose requests or answers",
        })
    }

    pub(crate) async fn advance(&self, by: Duration) -> Verdict {
        if self.fixture.advance(by).await {
            return Ok(());
        }
        not_applicable("the fixture cannot move the clock")
    }

    pub(crate) async fn list(&self, query: Query, expected: &str) -> Verdict<TokenList> {
        succeeded(self.provider.list_all(query).await, expected)
    }

    /// One token as the provider reads it, alone or in a listing; `None` where it can do neither.
    pub(crate) async fn read(&self, id: &TokenId) -> Verdict<Option<Token>> {
        if self.capabilities().get {
            let token = self.provider.get(id).await;
            return succeeded(token, "a token that exists is read").map(Some);
        }
        if self.capabilities().list.is_none() {
            return Ok(None);
        }
        let list = self.list(Query::new(), "the tokens are listed").await?;
        match list.tokens.into_iter().find(|token| token.id == *id) {
            Some(token) => Ok(Some(token)),
            None => fail(
                "a token that exists is listed",
                format!("{id} is not in the listing"),
            ),
        }
    }

    /// A token as it really is.
    pub(crate) async fn truth(&self, id: &TokenId) -> Option<Existing> {
        let tokens = self.fixture.tokens().await;
        tokens.into_iter().find(|token| token.id == *id)
    }

    /// Demands that a secret lives or is dead at the platform.
    pub(crate) async fn demand_life(&self, secret: &Secret, alive: bool, what: &str) -> Verdict {
        if self.fixture.accepts(secret).await == alive {
            return Ok(());
        }
        if alive {
            fail(format!("{what} works"), "the platform does not accept it")
        } else {
            fail(format!("{what} is dead"), "the platform still accepts it")
        }
    }
}

/// Ids as a text, for a failure.
pub(crate) fn ids<'a>(ids: impl IntoIterator<Item = &'a TokenId>) -> String {
    let mut text = String::new();
    for id in ids {
        let separator = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{separator}{id}");
    }
    format!("[{text}]")
}

/// The states that a fixture is asked for.
pub(crate) const STATES: [TokenState; 4] = [
    TokenState::Active,
    TokenState::Suspended,
    TokenState::Revoked,
    TokenState::Expired,
];

/// Whether a fact tells that moment, to the second: platforms cut fractions.
pub(crate) fn tells(fact: Fact<Timestamp>, at: Timestamp) -> bool {
    fact.known().map(|known| known.truncated_to_seconds()) == Some(at.truncated_to_seconds())
}
