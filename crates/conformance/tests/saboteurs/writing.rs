//! Defects in creating, changing, rotating, renewing and revoking.

use std::time::Duration;

use tokenfleet_conformance::Fixture;
use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fact, Fate, IssuedToken, RenewedToken, RequestedExpiry, Result,
    Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret, Suspension, Timestamp,
    Token, TokenId, TokenRef, TokenState, UpdateToken,
};

use crate::defect::Defect;
use crate::provider::Saboteur;

const DAY: Duration = Duration::from_secs(86_400);

impl Saboteur {
    pub(crate) async fn sabotaged_create(&self, mut request: CreateToken) -> Result<IssuedToken> {
        self.spoil_request_to_create(&mut request);
        self.check(OperationCall::Create(&request))?;
        if self.is(Defect::RefusesSharedNames) && self.has_tokens().await {
            return Err(Error::new(
                ErrorKind::Conflict,
                Fate::Rejected,
                "the name is taken",
            ));
        }
        let mut result = self.inner.create(request.clone()).await;
        match (self.defect, &result) {
            (Defect::RetriesWrites, Err(error)) if error.may_have_applied() => {
                result = self.inner.create(request).await;
            }
            (Defect::RetriesAndFails, Err(error)) if error.may_have_applied() => {
                let _ = self.inner.create(request).await;
            }
            (Defect::MakesTwo, Ok(_)) => result = self.inner.create(request).await,
            (Defect::ConflictIsSuccess, Err(error)) if error.kind() == ErrorKind::Conflict => {
                let token = Token::new(TokenId::new("1"), TokenState::Active);
                result = Ok(IssuedToken::new(token, Secret::new("unknown")));
            }
            (Defect::OverwritesAFullAccount, Err(error)) if error.kind() == ErrorKind::Conflict => {
                let id = self.behind.tokens().await.remove(0).id;
                result = self.inner.rotate(&id).await;
            }
            _ => {}
        }
        let mut issued = result?;
        self.spoil_issued(&mut issued);
        Ok(issued)
    }

    fn spoil_request_to_create(&self, request: &mut CreateToken) {
        match self.defect {
            Defect::DropsUndeclaredArguments => *request = CreateToken::unnamed(),
            Defect::SendsTheMalformed
                if request
                    .name
                    .as_ref()
                    .is_some_and(|name| name.trim().is_empty()) =>
            {
                request.name = Some("nothing".to_owned());
            }
            Defect::DropsExpiry => request.expiry = RequestedExpiry::PlatformDefault,
            Defect::ShiftsExpiry => {
                if let RequestedExpiry::At(at) = request.expiry {
                    request.expiry = RequestedExpiry::At(at.saturating_add(DAY / 24));
                }
            }
            Defect::AYearForNever if request.expiry == RequestedExpiry::Never => {
                let at = Timestamp::now().saturating_add(365 * DAY);
                request.expiry = RequestedExpiry::At(at);
            }
            Defect::DropsDescription => request.description = None,
            Defect::DropsScopes => {
                if let Some(scopes) = &mut request.scopes {
                    scopes.truncate(1);
                }
            }
            Defect::IgnoresSuspended => request.suspended = false,
            _ => {}
        }
    }

    fn spoil_issued(&self, issued: &mut IssuedToken) {
        let secret = issued.secret.expose().to_owned();
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(issued.token.id.clone(), secret.clone());
        let first = secrets.values().min().cloned();
        drop(secrets);
        match self.defect {
            Defect::SecretAsId => issued.token.id = TokenId::new(secret),
            Defect::NoSecret => issued.secret = Secret::new(""),
            Defect::MaskedSecret => {
                issued.secret = Secret::new(format!("{}****************", &secret[..4]));
            }
            Defect::HandsOutTheFirstAgain => {
                issued.secret = Secret::new(first.unwrap_or_default());
            }
            Defect::InventsAnExpiry => {
                issued.token.expiry = Fact::Known(Timestamp::now().saturating_add(DAY));
            }
            _ => {}
        }
        self.spoil(&mut issued.token);
    }

    pub(crate) async fn sabotaged_update(
        &self,
        id: &TokenId,
        mut change: UpdateToken,
    ) -> Result<Token> {
        if self.is(Defect::DropsUndeclaredChanges) {
            change = UpdateToken::rename("changed");
        }
        self.check(OperationCall::Update(id.into(), &change))?;
        match self.defect {
            Defect::ChangesNothing => {
                let mut token = Token::new(id.clone(), TokenState::Active);
                if change.suspension == Some(Suspension::Suspend) {
                    token.state = TokenState::Suspended;
                }
                return Ok(token);
            }
            Defect::ForgetsTheRest => change.description = Some("forgotten".to_owned()),
            Defect::DropsDescription => {
                change.description = None;
                change.name = Some("changed".to_owned());
            }
            _ => {}
        }
        match self.inner.update(id, change).await {
            Err(error)
                if self.is(Defect::UnknownIdIsSuccess) && error.kind() == ErrorKind::NotFound =>
            {
                Ok(Token::new(id.clone(), TokenState::Active))
            }
            other => other.map(|mut token| {
                self.spoil(&mut token);
                token
            }),
        }
    }

    pub(crate) async fn sabotaged_rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.check(OperationCall::Rotate(id.into()))?;
        if matches!(
            self.defect,
            Defect::LeavesTheOldSecretAlive | Defect::RotatesByCreating
        ) {
            let issued = self.inner.create(CreateToken::unnamed()).await?;
            if self.is(Defect::RotatesByCreating) {
                self.inner
                    .revoke(id.into(), RevokeOptions::default())
                    .await?;
                self.inner.create(CreateToken::unnamed()).await?;
            }
            return Ok(issued);
        }
        let old = self.secrets.lock().unwrap().get(id).cloned();
        let mut result = self.inner.rotate(id).await;
        match (self.defect, &result) {
            (Defect::RetriesWrites, Err(error)) if error.may_have_applied() => {
                result = self.inner.rotate(id).await;
            }
            (Defect::UnknownIdIsSuccess, Err(error)) if error.kind() == ErrorKind::NotFound => {
                let token = Token::new(id.clone(), TokenState::Active);
                result = Ok(IssuedToken::new(token, Secret::new("unknown")));
            }
            _ => {}
        }
        let mut issued = result?;
        if let (Defect::ReturnsTheOldSecret, Some(old)) = (self.defect, old) {
            issued.secret = Secret::new(old);
        }
        self.spoil(&mut issued.token);
        Ok(issued)
    }

    pub(crate) async fn sabotaged_renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.check(OperationCall::Renew(secret.into()))?;
        let invented = || {
            let token = Token::new(TokenId::new("renewed"), TokenState::Active);
            RenewedToken::new(token, None)
        };
        match self.defect {
            Defect::RenewsNothing => Ok(invented()),
            Defect::RenewsTheDead => Ok(self
                .inner
                .renew(secret)
                .await
                .unwrap_or_else(|_| invented())),
            _ => self.inner.renew(secret).await,
        }
    }

    pub(crate) async fn sabotaged_revoke(
        &self,
        token: TokenRef<'_>,
        mut options: RevokeOptions,
    ) -> Result<Revocation> {
        if self.is(Defect::ReplacesUnasked) {
            options.accept_replacement = true;
        }
        self.check(OperationCall::Revoke(token, &options))?;
        let id = match token {
            TokenRef::Id(id) => Some(self.understood(id)),
            _ => None,
        };
        let token = id.as_ref().map_or(token, TokenRef::Id);
        if self.is(Defect::RevokesNothing) {
            let outcome = RevocationOutcome::Revoked;
            return Ok(Revocation::new(outcome, RevocationEffect::Deleted));
        }
        if let (Defect::RefusesWhatDoesNotWork, Some(id)) = (self.defect, &id)
            && self.state(id).await != Some(TokenState::Active)
        {
            return Err(Error::new(
                ErrorKind::Conflict,
                Fate::Rejected,
                "it does not work",
            ));
        }
        let mut result = self.inner.revoke(token, options).await;
        match (self.defect, &mut result) {
            (Defect::RetriesWrites, Err(error)) if error.may_have_applied() => {
                result = self.inner.revoke(token, options).await;
            }
            (Defect::SecondRevocationFails, Ok(revocation))
                if revocation.outcome != RevocationOutcome::Revoked =>
            {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    Fate::Rejected,
                    "it is gone",
                ));
            }
            (Defect::SecondRevocationSaysRevoked, Ok(revocation)) => {
                revocation.outcome = RevocationOutcome::Revoked;
            }
            (Defect::RevokesAll, Ok(_)) => {
                for token in self.behind.tokens().await {
                    self.behind.remove(&token.id).await;
                }
            }
            (Defect::LosesTheReplacement, Ok(revocation)) => revocation.replacement = None,
            (Defect::NamesAnother, Ok(revocation)) => revocation.id = Some(TokenId::new("another")),
            _ => {}
        }
        result
    }

    async fn has_tokens(&self) -> bool {
        !self.behind.tokens().await.is_empty()
    }
}
