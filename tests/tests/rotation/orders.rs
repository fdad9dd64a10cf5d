//! The orders of steps that others follow, over the same adapters, simulators and sinks: that of
//! Infisical, and that of a rotation function of AWS Secrets Manager.
//!
//! Both keep their secrets in a database, which never fails here, and deliver with
//! compare-and-swap as a rotation does. Neither records anything before a creation is sent.

use std::sync::{Mutex, MutexGuard};

use tokenfleet_core::{Error, Liveness, Result, RevokeOptions, Secret, TokenId, TokenRef};
use tokenfleet_rotation::sink::Stamp;

use crate::{Trial, quiet_provider};

/// An order of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Create, deliver, persist, revoke: Infisical's rotation of two phases.
    CreateDeliverPersistRevoke,
    /// The four steps of AWS Secrets Manager: create, set, test, finish.
    FourSteps,
}

/// A token and its secret, as a database holds them.
struct Credential {
    /// The id, where the platform has one.
    id: TokenId,
    secret: Secret,
}

impl Credential {
    fn duplicate(&self) -> Self {
        Self {
            id: self.id.clone(),
            secret: self.secret.duplicate(),
        }
    }
}

/// The part of a rotation that such a product knows after a crash.
struct Row {
    /// The credential in use: the label `AWSCURRENT`.
    active: Credential,
    /// The credential before it, which works until the next rotation.
    inactive: Option<Credential>,
    /// The label `AWSPENDING`.
    pending: Option<Credential>,
    is_done: bool,
}

/// A rotation that follows such an order.
pub struct OtherRotation<'a> {
    order: Order,
    trial: &'a Trial,
    row: Mutex<Row>,
}

impl<'a> OtherRotation<'a> {
    /// Opens a rotation of the token that the sinks of a trial hold.
    pub async fn open(order: Order, trial: &'a Trial) -> Self {
        let subject = trial.rotation().await.subject;
        let active = Credential {
            id: subject.unwrap_or_else(|| TokenId::new("")),
            secret: trial.boundaries.sinks[0].secret().unwrap(),
        };
        let has_two_phases = order == Order::CreateDeliverPersistRevoke && !trial.is_in_place();
        let inactive = if has_two_phases {
            let quiet = quiet_provider(trial.platform, &trial.simulator);
            let issued = quiet.create(trial.numbered_request()).await.unwrap();
            Some(Credential {
                id: issued.token.id,
                secret: issued.secret,
            })
        } else {
            None
        };
        let row = Row {
            active,
            inactive,
            pending: None,
            is_done: false,
        };
        Self {
            order,
            trial,
            row: Mutex::new(row),
        }
    }

    pub fn is_done(&self) -> bool {
        self.row().is_done
    }

    /// Returns the secrets that the database holds.
    pub fn secrets(&self) -> Vec<Secret> {
        let row = self.row();
        let more = [&row.inactive, &row.pending].into_iter().flatten();
        let all = more.chain([&row.active]);
        all.map(|credential| credential.secret.duplicate())
            .collect()
    }

    /// Does what is left to do, from the beginning of the order as far as the database knows.
    pub async fn advance(&self) -> Result<()> {
        match self.order {
            Order::CreateDeliverPersistRevoke => self.create_deliver_persist_revoke().await,
            Order::FourSteps => self.four_steps().await,
        }
    }

    async fn create_deliver_persist_revoke(&self) -> Result<()> {
        let issued = self.issue().await?;
        self.deliver(&issued).await?;
        let retired = self
            .persist(|row| {
                let replaced = std::mem::replace(&mut row.active, issued);
                row.is_done = true;
                row.inactive.replace(replaced)
            })
            .await;
        match retired {
            Some(retired) => self.revoke(&retired).await,
            None => Ok(()),
        }
    }

    async fn four_steps(&self) -> Result<()> {
        // createSecret: a version that is pending already is used again.
        let pending = self.row().pending.as_ref().map(Credential::duplicate);
        let pending = match pending {
            Some(pending) => pending,
            None => {
                let issued = self.issue().await?;
                let kept = issued.duplicate();
                self.persist(|row| row.pending = Some(kept)).await;
                issued
            }
        };
        // setSecret
        self.deliver(&pending).await?;
        // testSecret
        let provider = &self.trial.provider;
        if provider.capabilities().verify
            && provider.verify(&pending.secret).await? == Liveness::Dead
        {
            return Err(Error::invalid_input("the pending secret does not work"));
        }
        // finishSecret: the old token is revoked before its label moves, so that it can be
        // repeated.
        let old = self.row().active.duplicate();
        if !self.trial.is_in_place() {
            self.revoke(&old).await?;
        }
        self.persist(|row| {
            row.active = pending;
            row.pending = None;
            row.is_done = true;
        })
        .await;
        Ok(())
    }

    async fn issue(&self) -> Result<Credential> {
        let (trial, provider) = (self.trial, &self.trial.provider);
        let issued = if trial.is_in_place() {
            let id = self.row().active.id.clone();
            provider.rotate(&id).await?
        } else {
            provider.create(trial.numbered_request()).await?
        };
        Ok(Credential {
            id: issued.token.id,
            secret: issued.secret,
        })
    }

    /// Writes every sink that does not hold the secret yet.
    async fn deliver(&self, credential: &Credential) -> Result<()> {
        let stamp = Stamp::new(self.trial.job.id.to_string(), 1, credential.id.clone());
        for sink in &self.trial.sinks {
            let state = sink.read().await?;
            let holds_it =
                (state.secret.as_ref()).is_some_and(|held| held.is_same(&credential.secret));
            if !holds_it {
                let secret = &credential.secret;
                sink.write(secret, &state.version, &stamp).await?;
            }
        }
        Ok(())
    }

    async fn revoke(&self, credential: &Credential) -> Result<()> {
        let provider = &self.trial.provider;
        let is_by_id = (provider.capabilities().revoke.as_ref()).is_some_and(|revoke| revoke.by_id);
        let token = if is_by_id {
            TokenRef::Id(&credential.id)
        } else {
            TokenRef::Secret(&credential.secret)
        };
        let options = RevokeOptions::default().with_existed();
        match provider.revoke(token, options).await {
            // It was revoked before a crash.
            Err(error) if error.is_not_found() => Ok(()),
            revoked => revoked.map(|_| ()),
        }
    }

    /// Writes the database.
    async fn persist<T>(&self, change: impl FnOnce(&mut Row) -> T) -> T {
        self.trial.boundaries.pass("before a record").await;
        let changed = change(&mut self.row());
        self.trial.boundaries.pass("after a record").await;
        changed
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        self.row.lock().unwrap()
    }
}
