//! Tests with an adapter that returns what it is told to.

mod created;
mod differences;
mod ids;
mod renewed;
mod revoked;
mod updated;

use std::sync::Mutex;

use async_trait::async_trait;
use futures_executor::block_on;

use crate::capability::{
    ArgumentDescription, CreateCapability, RevokeCapability, UpdateCapability,
};
use crate::error::{Account, ErrorKind, Fate, Result};
use crate::model::{
    Fact, Identity, IssuedToken, Principal, RenewedToken, Secret, Token, TokenId, TokenState,
};
use crate::provider::{
    Adapter, Capabilities, CreateToken, Liveness, Revocation, RevocationEffect, RevocationOutcome,
    RevokeOptions, TokenProvider, UpdateToken,
};

pub(super) const ID: &str = "000000000000000000000009";
pub(super) const SECRET: &str = "SK-PrjW98OTY1h8QTY9hUA";

/// An adapter that returns this token, whatever was asked for.
#[derive(Debug)]
pub(super) struct Scripted {
    pub(super) account: Account,
    pub(super) capabilities: Capabilities,
    pub(super) token: Token,
    pub(super) secret: &'static str,
    pub(super) renewed: Option<&'static str>,
    pub(super) liveness: Liveness,
    /// The outcome of each revocation.
    pub(super) outcome: RevocationOutcome,
    /// The ids that were revoked, marked if an adapter may read the token first.
    pub(super) revoked: Mutex<Vec<String>>,
}

impl Scripted {
    pub(super) fn new(change: impl FnOnce(&mut Token)) -> Self {
        let mut token = Token::new(TokenId::new(ID), TokenState::Active);
        token.name = Fact::Known("ci".into());
        change(&mut token);
        Self {
            account: Account::new("scripted", "a"),
            capabilities: Capabilities::none()
                .with_get()
                .with_create(
                    CreateCapability::new()
                        .with_required_name()
                        .with_description()
                        .with_expiry()
                        .with_scopes()
                        .with_suspended()
                        .with_argument(ArgumentDescription::text("role"))
                        .with_argument(ArgumentDescription::boolean("readonly"))
                        .with_argument(ArgumentDescription::integer("uses", 1..=9))
                        .with_argument(ArgumentDescription::list("cidr")),
                )
                .with_update(
                    UpdateCapability::new()
                        .with_name(None)
                        .with_description()
                        .with_suspension(),
                )
                .with_rotate()
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted)),
            token,
            secret: SECRET,
            renewed: None,
            liveness: Liveness::Alive,
            outcome: RevocationOutcome::Revoked,
            revoked: Mutex::default(),
        }
    }

    pub(super) fn with_secret(mut self, secret: &'static str) -> Self {
        self.secret = secret;
        self
    }

    pub(super) fn replacing(mut self) -> Self {
        let revoke = RevokeCapability::by_id(RevocationEffect::Replaced);
        self.capabilities = self.capabilities.with_revoke(revoke);
        self
    }

    pub(super) fn issued(&self) -> IssuedToken {
        IssuedToken::new(self.token.clone(), Secret::new(self.secret))
    }

    pub(super) fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        block_on(TokenProvider::create(self, request))
    }

    pub(super) fn update(&self, change: UpdateToken) -> Result<Token> {
        block_on(TokenProvider::update(self, &TokenId::new(ID), change))
    }

    pub(super) fn revoked(&self) -> Vec<String> {
        self.revoked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Adapter for Scripted {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn get(&self, _: &TokenId) -> Result<Token> {
        Ok(self.token.clone())
    }

    async fn create(&self, _: CreateToken) -> Result<IssuedToken> {
        Ok(self.issued())
    }

    async fn update(&self, _: &TokenId, _: UpdateToken) -> Result<Token> {
        Ok(self.token.clone())
    }

    async fn rotate(&self, _: &TokenId) -> Result<IssuedToken> {
        Ok(self.issued())
    }

    async fn renew(&self, _: &Secret) -> Result<RenewedToken> {
        let secret = self.renewed.map(Secret::new);
        Ok(RenewedToken::new(self.token.clone(), secret))
    }

    async fn verify(&self, _: &Secret) -> Result<Liveness> {
        Ok(self.liveness.clone())
    }

    async fn whoami(&self) -> Result<Identity> {
        Ok(Identity::new(Principal::new(self.token.id.as_str())))
    }

    async fn revoke_by_secret(&self, _: &Secret, _: RevokeOptions) -> Result<Revocation> {
        self.revoked.lock().unwrap().push("by secret".to_owned());
        let effect = self.capabilities.revoke.as_ref().unwrap().effect;
        Ok(Revocation::new(self.outcome, effect))
    }

    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        let read_first = if options.existed { "" } else { " (read first)" };
        self.revoked
            .lock()
            .unwrap()
            .push(format!("{id}{read_first}"));
        let effect = self.capabilities.revoke.as_ref().unwrap().effect;
        let revocation = Revocation::new(self.outcome, effect);
        Ok(match effect {
            RevocationEffect::Replaced => revocation
                .with_id(id.clone())
                .with_replacement(self.issued()),
            _ => revocation.with_id(self.token.id.clone()),
        })
    }
}

pub(super) fn expect_violation<T: std::fmt::Debug>(result: Result<T>, fate: Fate) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
    assert_eq!(error.fate(), fate, "{error}");
    assert!(error.account().is_some() && error.operation().is_some());
    error.to_string()
}
