//! Preparing the platform for a case.

use std::time::Duration;

use tokenfleet_core::capability::{
    ArgumentDescription, ArgumentKind, ArgumentSupport, ArgumentValue, TokenField,
};
use tokenfleet_core::{CreateToken, RequestedExpiry, TokenId, TokenState};

use super::{Harness, LiveToken};
use crate::case_result::{CaseResult, not_applicable};
use crate::{Fault, Fixture as _, InsertedToken, TokenSpec};

/// The lifetime of a token on a platform that requires one and where the case does not care.
const MINIMAL_LIFETIME: Duration = Duration::from_secs(90 * 86_400);

/// Returns a value that an argument of this kind takes, if the kind alone tells.
fn sample(kind: &ArgumentKind) -> Option<ArgumentValue> {
    match kind {
        ArgumentKind::Boolean => Some(true.into()),
        ArgumentKind::Integer(range) => Some((*range.start()).into()),
        ArgumentKind::Choice(words) => words.first().map(|word| word.as_ref().into()),
        // Only the platform knows which texts it takes: see `Fixture::argument`.
        _ => None,
    }
}

impl Harness {
    /// Returns a value that an argument of the platform takes, if the fixture or the declaration
    /// tells.
    pub(crate) fn argument(&self, argument: &ArgumentDescription) -> Option<ArgumentValue> {
        let named = self.fixture.argument(argument);
        named.or_else(|| sample(&argument.kind))
    }

    /// Returns a lifetime that the platform accepts: the wanted one, or half of its longest, so
    /// that neither the duration of a call nor a difference between clocks exceeds that.
    pub(crate) fn lifetime(&self, wanted: Duration) -> Duration {
        let create = self.capabilities().create.as_ref();
        let max = create.and_then(|create| create.max_lifetime);
        let lifetime = max.map_or(wanted, |max| wanted.min(max / 2));
        Duration::from_secs(lifetime.as_secs())
    }

    /// Returns a creation request with the required arguments and nothing else, or skips the case
    /// if nobody knows a value for one of them.
    pub(crate) fn minimal_request(&self, name: &str) -> CaseResult<CreateToken> {
        let mut request = CreateToken::unnamed();
        let Some(create) = &self.capabilities().create else {
            return Ok(request);
        };
        if create.name == ArgumentSupport::Required {
            request.name = Some(name.to_owned());
        }
        if create.required_expiry {
            request = request.with_lifetime(self.lifetime(MINIMAL_LIFETIME));
        }
        for argument in create.arguments.iter().filter(|argument| argument.required) {
            let Some(value) = self.argument(argument) else {
                return not_applicable(format!(
                    "the fixture names no value for the required argument {}",
                    argument.name
                ));
            };
            request = request.with_argument(argument.name.clone(), value);
        }
        Ok(request)
    }

    /// Returns a creation request with this name and the other required arguments.
    pub(crate) fn named_request(&self, name: &str) -> CaseResult<CreateToken> {
        let mut request = self.minimal_request(name)?;
        request.name = Some(name.to_owned());
        Ok(request)
    }

    /// Returns the specification of an active token, with a name if the provider reports names.
    pub(crate) fn spec(&self, name: &str) -> TokenSpec {
        if self.reports(TokenField::Name) {
            TokenSpec::active().with_name(name)
        } else {
            TokenSpec::active()
        }
    }

    /// Inserts a token directly on the platform.
    pub(crate) async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        let inserted = self.fixture.insert(spec).await?;
        self.fixture.note_new_token();
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
        self.settle().await;
        Ok(seeded)
    }

    /// Inserts exactly this many active tokens and returns their ids, or skips the case if the
    /// account cannot hold them.
    pub(crate) async fn seed_several_pages(
        &self,
        prefix: &str,
        count: usize,
    ) -> CaseResult<Vec<TokenId>> {
        let seeded = self.seed_exactly(prefix, count).await?;
        Ok(seeded.into_iter().map(|token| token.id).collect())
    }

    /// Inserts exactly this many active tokens, or skips the case if the account cannot hold them.
    pub(crate) async fn seed_exactly(
        &self,
        prefix: &str,
        count: usize,
    ) -> CaseResult<Vec<InsertedToken>> {
        let seeded = self.seed_tokens_named(prefix, count).await?;
        if seeded.len() < count {
            return not_applicable("the account cannot hold several pages");
        }
        Ok(seeded)
    }

    /// Lets the platform's clock go on, where that is possible. A listing may read tokens that are
    /// seconds old in one page, which would hide what happens between two.
    async fn settle(&self) {
        // A fixture without a clock leaves nothing out: time passes on a real server too.
        self.fixture.inner().advance(Duration::from_secs(10)).await;
    }

    /// Inserts tokens up to what the account can hold, and returns how many.
    ///
    /// Results are not searched for their secrets: with a thousand that takes long, and other cases
    /// do it.
    pub(crate) async fn fill_account(&self, count: usize) -> usize {
        for number in 0..count {
            let spec = self.spec(&format!("filling-{number:04}"));
            if self.fixture.inner().insert(spec).await.is_none() {
                return number;
            }
            self.fixture.note_new_token();
        }
        self.settle().await;
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
            self.clean_up(&id).await;
        }
        if self.capabilities().create.is_none() {
            return not_applicable("the fixture knows no token's secret");
        }
        // Another name, because a platform with unique names may never free the first one.
        let request = self.minimal_request(&format!("{name} again"))?;
        Ok(LiveToken::from_issued(self.create(request).await?))
    }

    /// Returns a live token that expires in a day, if the fixture can choose the expiry.
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

    /// Returns `true` if the account has room for this many more tokens and the required arguments
    /// are known, and otherwise notes the step that needs them as left out.
    pub(crate) async fn can_create(&self, count: usize, step: &str) -> bool {
        let missing = if self.require_room(count).await.is_err() {
            "the account has no room"
        } else if self.minimal_request(step).is_err() {
            "the fixture names no value for a required argument"
        } else {
            return true;
        };
        self.left_out(format!("{step}: {missing}"));
        false
    }

    /// Deletes a token that is in the way, where that is possible. No step depends on it.
    pub(crate) async fn clean_up(&self, id: &TokenId) {
        self.fixture.inner().remove(id).await;
    }

    /// Deletes tokens if the account is full, and skips the case if that is not possible.
    pub(crate) async fn make_room(&self) -> CaseResult {
        if self.require_room(1).await.is_err() {
            for id in self.existing_ids().await {
                self.clean_up(&id).await;
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
            Fault::GatewayRefusal | Fault::GatewayNotFound | Fault::GatewayJsonNotFound => {
                "the fixture has nothing in front of the platform"
            }
            Fault::LoseRequest | Fault::LoseResponse => {
                "the fixture cannot lose requests or responses"
            }
            Fault::ForgetPosition => "the fixture cannot make the platform forget a position",
            Fault::MissingPage => "the fixture cannot refuse a page",
            _ => "the fixture cannot falsify this response",
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
