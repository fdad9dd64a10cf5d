//! Defects in listing, reading and verifying.

use tokenfleet_conformance::Fixture;
use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::{
    CreateToken, ErrorKind, Fact, Filter, Liveness, Result, Secret, Token, TokenId, TokenState,
};

use crate::defect::Defect;
use crate::provider::Saboteur;

impl Saboteur {
    pub(crate) async fn sabotaged_page(&self, mut request: PageRequest) -> Result<Page> {
        self.spoil_request(&mut request);
        if !self.is(Defect::DropsUndeclaredFilters) {
            self.check(OperationCall::List(&request))?;
        }
        let asked = request.clone();
        let mut page = match self.inner.list_page(request).await {
            Ok(page) => page,
            Err(error)
                if self.is(Defect::FollowsRedirects)
                    && error.kind() == ErrorKind::ProtocolViolation =>
            {
                self.inner.list_page(asked.clone()).await?
            }
            Err(error) => {
                let forgiven = match self.defect {
                    Defect::EmptyWhereItCannotList => error.kind() == ErrorKind::Unsupported,
                    Defect::EmptyWhenRefused => error.kind() == ErrorKind::Unauthenticated,
                    Defect::EmptyWhenBroken => error.kind() == ErrorKind::Connection,
                    _ => false,
                };
                return if forgiven {
                    Ok(Page::default())
                } else {
                    Err(error)
                };
            }
        };
        self.spoil_page(&asked, &mut page)?;
        page.tokens.iter_mut().for_each(|token| self.spoil(token));
        Ok(page)
    }

    fn spoil_request(&self, request: &mut PageRequest) {
        let number = request.number();
        match (self.defect, number) {
            (Defect::CountsPagesFromOne, Some(number)) => {
                request.position = PagePosition::Number(number + 1);
            }
            (Defect::RepeatsTheFirstPage, Some(number)) => {
                request.position = PagePosition::Number(number.saturating_sub(1));
            }
            (Defect::ClampsThePageSize, _) => {
                request.size = request.size.map(|size| size.clamp(1, 1000));
            }
            (Defect::DropsUndeclaredFilters, _) => {
                request.filter = None;
                request.sort = None;
            }
            (Defect::KeepsItsPlace, None) => {
                if let Some(place) = self.place.lock().unwrap().clone() {
                    request.position = place;
                }
            }
            _ => {}
        }
    }

    fn spoil_page(&self, asked: &PageRequest, page: &mut Page) -> Result<()> {
        let first = asked.number() == Some(0);
        match self.defect {
            Defect::OnePageForAll => page.next = None,
            Defect::CountsPagesFromOne | Defect::RepeatsTheFirstPage => {
                page.number = None;
                if let Some(PagePosition::Number(next)) = &mut page.next {
                    match self.defect {
                        Defect::CountsPagesFromOne => *next -= 1,
                        _ => *next += u64::from(!first),
                    }
                }
            }
            Defect::StopsAfterThirty if asked.size.unwrap_or(30) >= 20 => {
                page.next = None;
                page.tokens.truncate(if first { 30 } else { 0 });
            }
            Defect::TotalOfThePage => page.total = Some(page.tokens.len() as u64),
            Defect::FailsWhenEmpty if first && page.tokens.is_empty() => return Err(nothing()),
            Defect::FailsBeyondTheLast if !first && page.tokens.is_empty() => {
                return Err(nothing());
            }
            Defect::IgnoresTheOrder => page.tokens.reverse(),
            Defect::KeepsItsPlace => *self.place.lock().unwrap() = page.next.clone(),
            Defect::LosesMatches => {
                if let Some(filter) = &asked.filter {
                    let given = page.tokens.len();
                    page.tokens.retain(|token| !misunderstood(filter, token));
                    let lost = (given - page.tokens.len()) as u64;
                    // What it does not find it does not count either.
                    page.total = page.total.map(|total| total.saturating_sub(lost));
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) async fn sabotaged_get(&self, id: &TokenId) -> Result<Token> {
        if self.is(Defect::Panics) {
            panic!("out of order");
        }
        self.check(OperationCall::Get(id.into()))?;
        let id = &self.understood(id);
        let token = match self.inner.get(id).await {
            Err(error) if self.is(Defect::UnknownIdIsSuccess) => {
                if error.kind() != ErrorKind::NotFound {
                    return Err(error);
                }
                Ok(Token::new(id.clone(), TokenState::Revoked))
            }
            other => other,
        };
        token.map(|mut token| {
            self.spoil(&mut token);
            token
        })
    }

    pub(crate) async fn sabotaged_verify(&self, secret: &Secret) -> Result<Liveness> {
        self.check(OperationCall::Verify(secret))?;
        match self.defect {
            Defect::EverythingIsAlive => Ok(Liveness::Alive),
            Defect::KnownIsAlive => {
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
            Defect::DeadWhenBroken => Ok(self.inner.verify(secret).await.unwrap_or(Liveness::Dead)),
            _ => self.inner.verify(secret).await,
        }
    }

    /// A reader that makes the best of what it is given.
    pub(crate) fn understood(&self, id: &TokenId) -> TokenId {
        if !self.is(Defect::TakesIdsLeniently) {
            return self.malformed_or(id);
        }
        let digits: String = id
            .as_str()
            .trim()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        TokenId::new(digits.trim_start_matches('0'))
    }

    /// A placeholder for what is malformed, so that it is sent.
    fn malformed_or(&self, id: &TokenId) -> TokenId {
        if self.is(Defect::SendsTheMalformed) && id.as_str().is_empty() {
            return TokenId::new("nothing");
        }
        id.clone()
    }

    /// What is wrong with every token that it shows.
    pub(crate) fn spoil(&self, token: &mut Token) {
        match self.defect {
            Defect::EverythingIsActive => token.state = TokenState::Active,
            Defect::TakesUnknownForActive if token.state == TokenState::Unknown => {
                token.state = TokenState::Active;
            }
            Defect::TellsWhatItDoesNotDeclare => token.last_used = Fact::Absent,
            Defect::NeverForNotReported => token.expiry = Fact::Absent,
            Defect::NotReportedForNever if token.never_expires() => {
                token.expiry = Fact::NotReported;
            }
            Defect::ManglesNames => {
                token.name = token.name.clone().map(|name| name.replace(['"', '%'], ""));
            }
            Defect::SecretInNames => {
                let secrets = self.secrets.lock().unwrap();
                if let Some(secret) = secrets.get(&token.id) {
                    token.name = Fact::Known(format!("made as {secret}"));
                }
            }
            _ => {}
        }
    }

    /// Whether the platform still has the token; asked behind the scenes.
    pub(crate) async fn state(&self, id: &TokenId) -> Option<TokenState> {
        let tokens = self.behind.tokens().await;
        tokens
            .into_iter()
            .find(|token| token.id == *id)
            .map(|token| token.state)
    }
}

/// Signs that mean something else in the platform's query language, and states it has no word for.
fn misunderstood(filter: &Filter, token: &Token) -> bool {
    match filter {
        Filter::State(_) => token.state == TokenState::Suspended,
        _ => token
            .name
            .known()
            .is_some_and(|name| name == "not" || name.contains(['%', '"', '\\', 'P'])),
    }
}

fn nothing() -> tokenfleet_core::Error {
    let fate = tokenfleet_core::Fate::Rejected;
    tokenfleet_core::Error::new(ErrorKind::NotFound, fate, "there is nothing")
}
