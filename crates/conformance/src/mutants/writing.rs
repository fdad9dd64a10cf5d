//! Defects in creating, updating, rotating, renewing and revoking.

use std::time::Duration;

use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fact, Fate, IssuedToken, Operation, RenewedToken,
    RequestedExpiry, Result, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions,
    Secret, Suspension, Timestamp, Token, TokenId, TokenRef, TokenState, UpdateToken,
};

use super::defect::Defect;
use super::provider::MutantProvider;
use crate::{Fault, Fixture};

const DAY: Duration = Duration::from_secs(86_400);

impl MutantProvider {
    pub(crate) async fn mutated_create(&self, mut request: CreateToken) -> Result<IssuedToken> {
        self.corrupt_create_request(&mut request);
        self.check(OperationCall::Create(&request))?;
        if self.has(Defect::RefusesSharedNames) && self.has_tokens().await {
            return Err(Error::new(
                ErrorKind::Conflict,
                Fate::Rejected,
                "the name is taken",
            ));
        }
        let mut result = self.inner.create(request.clone()).await;
        match (self.defect, &result) {
            (Defect::RetriesWrites, Err(error)) if error.may_have_applied() => {
                result = self.inner.create(request.clone()).await;
            }
            (Defect::RetriesWritesAndFails, Err(error)) if error.may_have_applied() => {
                let _ = self.inner.create(request.clone()).await;
            }
            (Defect::LeavesWrongTokens, Err(error))
                if error.kind() == ErrorKind::ProtocolViolation =>
            {
                self.inner.create(request.clone()).await?;
                return Err(error.clone().with_fate(Fate::MaybeApplied));
            }
            (Defect::CreatesTwo, Ok(_)) => result = self.inner.create(request.clone()).await,
            (Defect::BelievesResponses, Err(error)) if self.believes(error) => {
                result = Ok(masked(&TokenId::new("1")));
            }
            (Defect::BelievesEchoes, Err(error))
                if error.kind() == ErrorKind::ProtocolViolation =>
            {
                result = Ok(self.echoed(&TokenId::new("1")));
            }
            (Defect::ReportsConflictAsSuccess, Err(error))
                if error.kind() == ErrorKind::Conflict =>
            {
                let token = Token::new(TokenId::new("1"), TokenState::Active);
                result = Ok(IssuedToken::new(token, Secret::new("unknown")));
            }
            (Defect::OverwritesInFullAccount, Err(error))
                if error.kind() == ErrorKind::Conflict =>
            {
                let id = self.platform.tokens().await.remove(0).id;
                result = self.inner.rotate(&id).await;
            }
            _ => {}
        }
        let mut issued = result?;
        if let (Defect::ReportsRequestedScopes, Some(scopes)) = (self.defect, &request.scopes) {
            issued.token.scopes = Fact::Known(scopes.clone().into());
        }
        if self.has(Defect::ReportsRequestedNames) {
            issued.token.name = Fact::from_optional(request.name).map(Into::into);
        }
        self.corrupt_issued(&mut issued);
        Ok(issued)
    }

    fn corrupt_create_request(&self, request: &mut CreateToken) {
        match self.defect {
            Defect::DropsUndeclaredArguments => *request = CreateToken::unnamed(),
            Defect::SendsInvalidArguments
                if request
                    .name
                    .as_ref()
                    .is_some_and(|name| name.trim().is_empty()) =>
            {
                request.name = Some("placeholder".to_owned());
            }
            Defect::SendsInvalidArguments => {
                let create = self.inner.capabilities().create.as_ref();
                if create.is_some_and(|create| create.required_expiry)
                    && request.expiry == RequestedExpiry::PlatformDefault
                {
                    request.expiry = RequestedExpiry::In(30 * DAY);
                }
                let declared = self.inner.capabilities();
                if declared.check(OperationCall::Create(request)).is_err() {
                    request.arguments.retain(|name, _| name == "role");
                }
            }
            Defect::DropsArguments => request.arguments.retain(|name, _| name == "role"),
            Defect::WidensScopes => {
                if let Some(scopes) = &mut request.scopes {
                    scopes.push("everything".to_owned());
                }
            }
            Defect::DropsExpiry => request.expiry = RequestedExpiry::PlatformDefault,
            Defect::ShiftsExpiry => {
                request.expiry = match request.expiry {
                    RequestedExpiry::At(at) => RequestedExpiry::At(at.saturating_add(DAY / 24)),
                    RequestedExpiry::In(lifetime) => RequestedExpiry::In(lifetime + DAY / 24),
                    other => other,
                };
            }
            Defect::ReplacesNeverWithAYear if request.expiry == RequestedExpiry::Never => {
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

    fn corrupt_issued(&self, issued: &mut IssuedToken) {
        let secret = issued.secret.expose().to_owned();
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(issued.token.id.clone(), secret.clone());
        let first = secrets.values().min().cloned();
        drop(secrets);
        match self.defect {
            Defect::ReturnsSecretAsId => issued.token.id = TokenId::new(secret),
            Defect::ReturnsNoSecret => issued.secret = Secret::new(""),
            Defect::ReturnsMaskedSecret => {
                issued.secret = Secret::new(format!("{}****************", &secret[..4]));
            }
            Defect::ReturnsFirstSecretAgain => {
                issued.secret = Secret::new(first.unwrap_or_default());
            }
            Defect::InventsExpiry => {
                issued.token.expiry = Fact::Known(Timestamp::now().saturating_add(DAY));
            }
            _ => {}
        }
        self.corrupt_token(&mut issued.token);
    }

    pub(crate) async fn mutated_update(
        &self,
        id: &TokenId,
        mut change: UpdateToken,
    ) -> Result<Token> {
        if self.has(Defect::DropsUndeclaredUpdates) {
            change = UpdateToken::rename("changed");
        }
        self.check(OperationCall::Update(id, &change))?;
        self.refuse_impossible(Operation::Update, id)?;
        match self.defect {
            Defect::UpdatesNothing => {
                let mut token = Token::new(id.clone(), TokenState::Active);
                if change.suspension == Some(Suspension::Suspend) {
                    token.state = TokenState::Suspended;
                }
                return Ok(token);
            }
            Defect::UpdatesOtherFields => change.description = Some("forgotten".to_owned()),
            Defect::DropsDescription => {
                change.description = None;
                change.name = Some("changed".to_owned());
            }
            _ => {}
        }
        match self.inner.update(id, change).await {
            Err(error)
                if self.has(Defect::AcceptsUnknownIds) && error.kind() == ErrorKind::NotFound =>
            {
                Ok(Token::new(id.clone(), TokenState::Active))
            }
            Err(error) if self.believes(&error) => Ok(Token::new(id.clone(), TokenState::Active)),
            Err(error)
                if self.has(Defect::TakesUnreadableForSuspended)
                    && error.kind() == ErrorKind::ProtocolViolation
                    && self.platform.last_fault() == Some(Fault::UnreadableState) =>
            {
                Ok(Token::new(id.clone(), TokenState::Suspended))
            }
            other => other.map(|mut token| {
                self.corrupt_token(&mut token);
                token
            }),
        }
    }

    /// Returns `true` if this mutant takes a response that contradicts the request for a success.
    pub(crate) fn believes(&self, error: &Error) -> bool {
        self.has(Defect::BelievesResponses) && error.kind() == ErrorKind::ProtocolViolation
    }

    /// Returns a token with the credential of the request as its secret.
    fn echoed(&self, id: &TokenId) -> IssuedToken {
        let token = Token::new(id.clone(), TokenState::Active);
        IssuedToken::new(token, self.platform.credentials().remove(0))
    }

    pub(crate) async fn mutated_rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.check(OperationCall::Rotate(id))?;
        self.refuse_impossible(Operation::Rotate, id)?;
        if matches!(
            self.defect,
            Defect::LeavesOldSecretAlive | Defect::RotatesByCreating
        ) {
            let issued = self.inner.create(CreateToken::unnamed()).await?;
            if self.has(Defect::RotatesByCreating) {
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
            (Defect::BelievesResponses, Err(error)) if self.believes(error) => {
                result = Ok(masked(id));
            }
            (Defect::BelievesEchoes, Err(error))
                if error.kind() == ErrorKind::ProtocolViolation =>
            {
                result = Ok(self.echoed(id));
            }
            (Defect::AcceptsUnknownIds, Err(error)) if error.kind() == ErrorKind::NotFound => {
                let token = Token::new(id.clone(), TokenState::Active);
                result = Ok(IssuedToken::new(token, Secret::new("unknown")));
            }
            _ => {}
        }
        let mut issued = result?;
        if let (Defect::ReturnsOldSecret, Some(old)) = (self.defect, old) {
            issued.secret = Secret::new(old);
        }
        self.corrupt_token(&mut issued.token);
        Ok(issued)
    }

    pub(crate) async fn mutated_renew(&self, secret: &Secret) -> Result<RenewedToken> {
        let secret = &self.clean(secret);
        self.check(OperationCall::Renew(secret))?;
        let made_up = || {
            let token = Token::new(TokenId::new("renewed"), TokenState::Active);
            RenewedToken::new(token, None)
        };
        match self.defect {
            Defect::RenewsNothing => Ok(made_up()),
            Defect::RenewsDeadSecrets => {
                Ok(self.inner.renew(secret).await.unwrap_or_else(|_| made_up()))
            }
            Defect::BelievesResponses => {
                let mut renewed = self.inner.renew(secret).await.unwrap_or_else(|_| made_up());
                renewed.secret = match self.platform.last_fault() {
                    Some(Fault::MaskSecret) => Some(Secret::new("****************")),
                    Some(Fault::RepeatSecret) => Some(secret.duplicate()),
                    _ => renewed.secret,
                };
                Ok(renewed)
            }
            Defect::TakesMasksAsUnchanged => match self.inner.renew(secret).await {
                Err(error) if error.kind() == ErrorKind::ProtocolViolation => Ok(made_up()),
                other => other,
            },
            _ => self.inner.renew(secret).await,
        }
    }

    pub(crate) async fn mutated_revoke(
        &self,
        token: TokenRef<'_>,
        mut options: RevokeOptions,
    ) -> Result<Revocation> {
        if self.has(Defect::ReplacesWithoutConsent) {
            options.accept_replacement = true;
        }
        if matches!(
            self.defect,
            Defect::RevokesOthersWithoutConsent | Defect::DeclaresNoCascade
        ) {
            options.accept_cascade = true;
        }
        self.check(OperationCall::Revoke(token, &options))?;
        if let TokenRef::Id(id) = token {
            self.refuse_impossible(Operation::Revoke, id)?;
        }
        let id = match token {
            TokenRef::Id(id) => Some(self.parse_id(id)),
            _ => None,
        };
        let secret = match token {
            TokenRef::Secret(secret) => Some(self.clean(secret)),
            _ => None,
        };
        let token = match (&id, &secret) {
            (Some(id), _) => id.into(),
            (_, Some(secret)) => secret.into(),
            _ => token,
        };
        if self.has(Defect::RevokesNothing) {
            let outcome = RevocationOutcome::Revoked;
            return Ok(Revocation::new(outcome, RevocationEffect::Deleted));
        }
        if let (Defect::InventsAlsoRevoked, Some(id)) = (self.defect, &id) {
            self.platform.remove(id).await;
            let others = self.platform.tokens().await.into_iter();
            let outcome = RevocationOutcome::Revoked;
            return Ok(Revocation::new(outcome, RevocationEffect::Deleted)
                .with_also_revoked(others.map(|token| token.id)));
        }
        if let (Defect::RevokesOnlyActiveTokens, Some(id)) = (self.defect, &id)
            && self.existing_state(id).await != Some(TokenState::Active)
        {
            return Err(Error::new(
                ErrorKind::Conflict,
                Fate::Rejected,
                "the token does not work",
            ));
        }
        let by_id = id.as_ref();
        if let (Defect::TakesUnshownForGone, Some(id)) = (self.defect, by_id)
            && (self.inner.get(id).await).is_err_and(|error| error.is_not_found())
        {
            let effect = self.inner.capabilities().revoke.as_ref();
            let effect = effect.map_or(RevocationEffect::Deleted, |revoke| revoke.effect);
            return Ok(Revocation::new(RevocationOutcome::AlreadyGone, effect));
        }
        let has_read = match (self.defect, by_id) {
            (Defect::TakesAnyNotFoundForGoneAfterReading, Some(id)) if !options.existed => {
                self.read_again(id).await?;
                true
            }
            _ => false,
        };
        let mut result = self.inner.revoke(token, options).await;
        match (self.defect, &mut result) {
            (Defect::TakesAnyNotFoundForGone, Err(error))
                if options.existed && error.is_not_found() =>
            {
                let effect = self.inner.capabilities().revoke.as_ref();
                let effect = effect.map_or(RevocationEffect::Deleted, |revoke| revoke.effect);
                return Ok(Revocation::new(RevocationOutcome::AlreadyGone, effect));
            }
            (Defect::TakesJsonNotFoundForGone, Err(_))
                if self.platform.last_fault() == Some(Fault::GatewayJsonNotFound) =>
            {
                let outcome = RevocationOutcome::AlreadyGone;
                return Ok(Revocation::new(outcome, RevocationEffect::Deleted));
            }
            (Defect::TakesAnyNotFoundForGoneAfterReading, Err(error))
                if has_read && error.is_not_found() =>
            {
                let outcome = RevocationOutcome::AlreadyGone;
                return Ok(Revocation::new(outcome, RevocationEffect::Deleted));
            }
            (Defect::RetriesWrites, Err(error)) if error.may_have_applied() => {
                result = self.inner.revoke(token, options).await;
            }
            (Defect::FailsToRevokeTwice, Ok(revocation))
                if revocation.outcome != RevocationOutcome::Revoked =>
            {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    Fate::Rejected,
                    "the token is already deleted",
                ));
            }
            (Defect::ReportsEveryRevocationAsFirst, Ok(revocation)) => {
                revocation.outcome = RevocationOutcome::Revoked;
            }
            (Defect::ReportsUnknownTokensAsGone, Err(error))
                if error.kind() == ErrorKind::NotFound =>
            {
                let outcome = RevocationOutcome::AlreadyGone;
                return Ok(Revocation::new(outcome, RevocationEffect::Deleted));
            }
            (Defect::BelievesResponses, Err(error)) if self.believes(error) => {
                let outcome = RevocationOutcome::Revoked;
                let revocation = Revocation::new(outcome, RevocationEffect::Deleted);
                return Ok(revocation.with_id(TokenId::new("another")));
            }
            (Defect::RevokesEveryToken, Ok(_)) => {
                for token in self.platform.tokens().await {
                    self.platform.remove(&token.id).await;
                }
            }
            (Defect::LosesReplacement, Ok(revocation)) => revocation.replacement = None,
            (Defect::ReturnsAnotherId, Ok(revocation)) => {
                revocation.id = Some(TokenId::new("another"))
            }
            _ => {}
        }
        result
    }

    /// Reads a token, once more if the connection breaks.
    async fn read_again(&self, id: &TokenId) -> Result<Token> {
        let read = match self.inner.get(id).await {
            Err(error) if error.kind() == ErrorKind::Connection => self.inner.get(id).await,
            read => read,
        };
        read.map_err(|error| error.for_operation(Operation::Revoke))
    }

    async fn has_tokens(&self) -> bool {
        !self.platform.tokens().await.is_empty()
    }
}

/// Returns a token whose secret did not arrive.
fn masked(id: &TokenId) -> IssuedToken {
    let token = Token::new(id.clone(), TokenState::Active);
    IssuedToken::new(token, Secret::new("****************"))
}
