//! Defects in listing, reading and verifying.

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::model::Principal;
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fact, Fate, Filter, Identity, Liveness, Operation, Result,
    Secret, Timestamp, Token, TokenId, TokenState,
};

use super::defect::Defect;
use super::provider::MutantProvider;
use crate::Fixture;

impl MutantProvider {
    pub(crate) async fn mutated_list_page(&self, mut request: PageRequest) -> Result<Page> {
        self.corrupt_page_request(&mut request);
        if !self.has(Defect::DropsUndeclaredFilters) {
            self.check(OperationCall::List(&request))?;
        }
        let requested = request.clone();
        let is_repaged = match self.defect {
            Defect::PagesByOffset | Defect::PagesByUpdate | Defect::PagesByUse => true,
            Defect::PagesByOffsetIfFiltered => requested.filter.is_some(),
            _ => false,
        };
        if is_repaged {
            return self.repaged(&requested).await;
        }
        let mut page = match self.inner.list_page(request).await {
            Ok(page) => page,
            Err(error)
                if self.has(Defect::FollowsRedirects)
                    && error.kind() == ErrorKind::ProtocolViolation =>
            {
                self.inner.list_page(requested.clone()).await?
            }
            Err(error)
                if self.has(Defect::ReportsForgottenPositionAsInvalid)
                    && error.kind() == ErrorKind::InvalidCursor =>
            {
                return Err(error.with_kind(ErrorKind::InvalidInput));
            }
            Err(error) => {
                let hidden = match self.defect {
                    Defect::ReportsForgottenPositionAsEnd => {
                        error.kind() == ErrorKind::InvalidCursor
                    }
                    Defect::ReturnsNoTokensIfListingIsUnsupported => {
                        error.kind() == ErrorKind::Unsupported
                    }
                    Defect::ReturnsNoTokensIfUnauthenticated => {
                        error.kind() == ErrorKind::Unauthenticated
                    }
                    Defect::EndsAtMissingPage => error.is_not_found(),
                    Defect::ReturnsNoTokensIfDisconnected => error.kind() == ErrorKind::Connection,
                    _ => false,
                };
                return if hidden {
                    Ok(Page::default())
                } else {
                    Err(error)
                };
            }
        };
        let is_odd = |token: &Token| token.attributes.unreadable().next().is_some();
        if self.has(Defect::HidesOddTokens) && page.tokens.iter().any(is_odd) {
            return Err(Error::protocol_violation(
                Fate::Rejected,
                "the response is odd",
            ));
        }
        self.corrupt_page(&requested, &mut page)?;
        page.tokens
            .iter_mut()
            .for_each(|token| self.corrupt_token(token));
        Ok(page)
    }

    /// Returns a page of all tokens that begins at an offset, or at a place in the order of their
    /// updates or uses.
    async fn repaged(&self, request: &PageRequest) -> Result<Page> {
        let mut all = request.clone().position(PagePosition::First).size(100);
        let mut tokens = Vec::new();
        loop {
            let page = self.inner.list_page(all.clone()).await?;
            tokens.extend(page.tokens);
            match page.next {
                Some(next) => all = all.position(next),
                None => break,
            }
        }
        let place = |token: &Token| {
            let changed = match self.defect {
                // A token that was never used comes first.
                Defect::PagesByUse => token.last_used,
                _ => token.updated_at,
            };
            let changed = changed.known().map(Timestamp::to_string);
            let changed = changed.unwrap_or_default();
            format!("{changed:>30} {:>6}", token.id.as_str())
        };
        let by_place = matches!(self.defect, Defect::PagesByUpdate | Defect::PagesByUse);
        let after = match &request.position {
            PagePosition::Token(position) => Some(position.as_str()),
            _ => None,
        };
        let mut passed = 0;
        if by_place {
            tokens.sort_by_key(place);
            tokens.retain(|token| after.is_none_or(|after| place(token).as_str() > after));
        } else {
            passed = after
                .map_or(0, |after| after.parse().unwrap())
                .min(tokens.len());
            tokens.drain(..passed);
        }
        let size = request.size.unwrap_or(30) as usize;
        let more = tokens.len() > size;
        tokens.truncate(size);
        let next = match tokens.last().filter(|_| more) {
            Some(last) if by_place => Some(place(last)),
            Some(_) => Some((passed + size).to_string()),
            None => None,
        };
        let mut page = Page::last(tokens);
        page.next = next.map(PagePosition::Token);
        Ok(page)
    }

    fn corrupt_page_request(&self, request: &mut PageRequest) {
        let number = request.number();
        match (self.defect, number) {
            (Defect::CountsPagesFromOne, Some(number)) => {
                request.position = PagePosition::Number(number + 1);
            }
            (Defect::RepeatsFirstPage, Some(number)) => {
                request.position = PagePosition::Number(number.saturating_sub(1));
            }
            (Defect::ClampsPageSize, _) => {
                request.size = request.size.map(|size| size.clamp(1, 1000));
            }
            // The platform serves smaller pages than requested.
            (Defect::DeclaresLargerPages, _) => {
                let list = self.inner.capabilities().list.as_ref();
                let max = list.and_then(|list| list.max_page_size);
                request.size = request.size.map(|size| size.min(max.unwrap_or(size)));
            }
            (Defect::DropsUndeclaredFilters, _) => {
                request.filter = None;
                request.sort = None;
            }
            (Defect::RemembersItsPosition, None) => {
                if let Some(position) = self.position.lock().unwrap().clone() {
                    request.position = position;
                }
            }
            _ => {}
        }
    }

    fn corrupt_page(&self, requested: &PageRequest, page: &mut Page) -> Result<()> {
        let first = requested.number() == Some(0);
        match self.defect {
            Defect::SinglePage => page.next = None,
            Defect::CountsPagesFromOne | Defect::RepeatsFirstPage => {
                page.number = None;
                if let Some(PagePosition::Number(next)) = &mut page.next {
                    match self.defect {
                        Defect::CountsPagesFromOne => *next -= 1,
                        _ => *next += u64::from(!first),
                    }
                }
            }
            Defect::StopsAfterThirtyTokens if requested.size.unwrap_or(30) >= 20 => {
                page.next = None;
                page.tokens.truncate(if first { 30 } else { 0 });
            }
            Defect::ReportsPageSizeAsTotal => page.total = Some(page.tokens.len() as u64),
            Defect::FailsOnEmptyAccount if first && page.tokens.is_empty() => {
                return Err(nothing_found());
            }
            Defect::FailsAfterLastPage if !first && page.tokens.is_empty() => {
                return Err(nothing_found());
            }
            Defect::IgnoresOrder => page.tokens.reverse(),
            Defect::PositionStandsStill if !first && page.next.is_some() => {
                page.next = Some(requested.position.clone());
            }
            Defect::PositionsCycle if first => *self.position.lock().unwrap() = page.next.clone(),
            // From the third page on it goes back to the second one.
            Defect::PositionsCycle => {
                let second = self.position.lock().unwrap().clone();
                if second.as_ref() != Some(&requested.position) {
                    page.next = second;
                }
            }
            Defect::RemembersItsPosition => *self.position.lock().unwrap() = page.next.clone(),
            Defect::LosesMatches => {
                if let Some(filter) = &requested.filter {
                    let before = page.tokens.len();
                    page.tokens.retain(|token| !is_lost_by(filter, token));
                    let lost = (before - page.tokens.len()) as u64;
                    // The total does not count the lost tokens either.
                    page.total = page.total.map(|total| total.saturating_sub(lost));
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) async fn mutated_get(&self, id: &TokenId) -> Result<Token> {
        if self.has(Defect::Panics) {
            panic!("the mutant panics");
        }
        self.check(OperationCall::Get(id))?;
        self.refuse_impossible(Operation::Get, id)?;
        let id = &self.parse_id(id);
        let token = match self.inner.get(id).await {
            Err(error) if self.has(Defect::AcceptsUnknownIds) => {
                if error.kind() != ErrorKind::NotFound {
                    return Err(error);
                }
                Ok(Token::new(id.clone(), TokenState::Revoked))
            }
            Err(error) if self.believes(&error) => {
                Ok(Token::new(TokenId::new("another"), TokenState::Active))
            }
            other => other,
        };
        token.map(|mut token| {
            self.corrupt_token(&mut token);
            token
        })
    }

    /// Returns the secret that this mutant sends.
    pub(crate) fn clean(&self, secret: &Secret) -> Secret {
        if !self.has(Defect::CleansSecrets) {
            return secret.duplicate();
        }
        let text = secret.expose().trim_start_matches("Bearer ");
        let is_part = |c: char| c.is_ascii_alphanumeric();
        Secret::new(text.trim_matches(|c: char| !is_part(c)))
    }

    pub(crate) async fn mutated_verify(&self, secret: &Secret) -> Result<Liveness> {
        let secret = &self.clean(secret);
        self.check(OperationCall::Verify(secret))?;
        match self.defect {
            Defect::ReportsEverySecretAlive => Ok(Liveness::Alive),
            Defect::ReportsKnownSecretsAlive => {
                let known = self.secrets.lock().unwrap();
                let known = known.values().any(|known| known == secret.expose());
                Ok(if known {
                    Liveness::Alive
                } else {
                    Liveness::Dead
                })
            }
            Defect::VerifiesByCreating => {
                self.inner.create(CreateToken::unnamed()).await?;
                self.inner.verify(secret).await
            }
            Defect::ReportsDeadOnError => {
                Ok(self.inner.verify(secret).await.unwrap_or(Liveness::Dead))
            }
            Defect::NeverReportsDead => Ok(match self.inner.verify(secret).await? {
                Liveness::Dead => Liveness::Unknown {
                    reason: "the platform does not say".to_owned(),
                },
                liveness => liveness,
            }),
            _ => self.inner.verify(secret).await,
        }
    }

    pub(crate) async fn mutated_whoami(&self) -> Result<Identity> {
        self.check(OperationCall::Whoami)?;
        let named = |id: &str| Identity::new(Principal::new(id));
        match self.defect {
            Defect::NamesNobody => Ok(named("")),
            Defect::NamesAnotherEachTime => {
                let identity = self.inner.whoami().await?;
                let requests = self.platform.request_count();
                Ok(named(&format!("{}-{requests}", identity.principal.id())))
            }
            Defect::NamesItsCredential => {
                let credential = self.platform.credentials().remove(0);
                Ok(named(credential.expose()))
            }
            Defect::NamesAnybody => match self.inner.whoami().await {
                Err(error) if error.kind() == ErrorKind::Unauthenticated => Ok(named("guest")),
                outcome => outcome,
            },
            Defect::NamesNobodyOnError => {
                Ok(self.inner.whoami().await.unwrap_or_else(|_| named("guest")))
            }
            Defect::AsksByCreating => {
                self.inner.create(CreateToken::unnamed()).await?;
                self.inner.whoami().await
            }
            _ => self.inner.whoami().await,
        }
    }

    /// Returns the id that this mutant understands.
    pub(crate) fn parse_id(&self, id: &TokenId) -> TokenId {
        if !self.has(Defect::ParsesIdsLeniently) {
            return self.placeholder_if_empty(id);
        }
        let digits: String = id
            .as_str()
            .trim()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        TokenId::new(digits.trim_start_matches('0'))
    }

    /// Returns a placeholder for an empty id, so that it is sent.
    fn placeholder_if_empty(&self, id: &TokenId) -> TokenId {
        if self.has(Defect::SendsInvalidArguments) && id.as_str().is_empty() {
            return TokenId::new("placeholder");
        }
        id.clone()
    }

    /// Corrupts a token before it is returned.
    pub(crate) fn corrupt_token(&self, token: &mut Token) {
        match self.defect {
            Defect::ReportsEveryTokenActive => token.state = TokenState::Active,
            Defect::ReportsUnknownStateAsActive if token.state == TokenState::Unknown => {
                token.state = TokenState::Active;
            }
            Defect::ReportsUndeclaredField => token.last_used = Fact::Absent,
            Defect::ReportsUnreportedExpiryAsNever => token.expiry = Fact::Absent,
            Defect::ReportsNeverAsUnreportedExpiry if token.never_expires() => {
                token.expiry = Fact::NotReported;
            }
            Defect::ManglesNames => {
                token.name = token.name.clone().map(|name| name.replace(['"', '%'], ""));
            }
            Defect::RevealsSecretsInNames => {
                let secrets = self.secrets.lock().unwrap();
                if let Some(secret) = secrets.get(&token.id) {
                    token.name = Fact::Known(format!("created as {secret}"));
                }
            }
            _ => {}
        }
    }

    /// Returns the state of a token as it exists on the platform.
    pub(crate) async fn existing_state(&self, id: &TokenId) -> Option<TokenState> {
        let tokens = self.platform.tokens().await;
        tokens
            .into_iter()
            .find(|token| token.id == *id)
            .map(|token| token.state)
    }
}

/// Returns `true` if the platform's filter loses this token.
///
/// Its query language gives some characters a special meaning and does not know suspended tokens.
fn is_lost_by(filter: &Filter, token: &Token) -> bool {
    match filter {
        Filter::State(_) => token.state == TokenState::Suspended,
        _ => token
            .name
            .known()
            .is_some_and(|name| name == "not" || name.contains(['%', '"', '\\', 'P'])),
    }
}

fn nothing_found() -> Error {
    Error::new(ErrorKind::NotFound, Fate::Rejected, "nothing was found")
}
