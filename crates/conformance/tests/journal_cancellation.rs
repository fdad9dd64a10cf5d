//! The journal of writes whose futures are dropped, at every await point.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::adapter::Adapter;
use tokenfleet_core::capability::{
    CreateCapability, RenewCapability, RenewedSecret, RevokeCapability, UpdateCapability,
};
use tokenfleet_core::journal::{Intent, Journal, Journaled, Outcome, Run};
use tokenfleet_core::*;

const SECRET: &str = "a-secret-of-mine";

/// Gives up control once.
async fn pause() {
    let mut has_paused = false;
    poll_fn(|_| {
        if std::mem::replace(&mut has_paused, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// A platform whose every write waits, is sent, and is answered.
#[derive(Debug)]
struct Stepwise {
    account: Account,
    capabilities: Capabilities,
    journal: Arc<Pausing>,
    is_sent: AtomicBool,
    is_answered: AtomicBool,
}

impl Stepwise {
    fn new(journal: Arc<Pausing>, revoke: RevokeCapability) -> Self {
        let renew = RenewCapability::new(Duration::from_secs(60)).with_secret(RenewedSecret::Kept);
        Self {
            account: Account::new("stepwise", "mine"),
            capabilities: Capabilities::none()
                .with_create(CreateCapability::new())
                .with_update(UpdateCapability::new().with_suspension())
                .with_rotate()
                .with_renew(renew)
                .with_revoke(revoke),
            journal,
            is_sent: AtomicBool::new(false),
            is_answered: AtomicBool::new(false),
        }
    }

    /// Performs a write: it waits for the rate limit, and then for the response.
    async fn write(&self) {
        pause().await;
        let intents = self.journal.intents.lock().unwrap().len();
        assert_eq!(intents, 1, "a write is sent before its intent is recorded");
        self.is_sent.store(true, Ordering::SeqCst);
        pause().await;
        self.is_answered.store(true, Ordering::SeqCst);
    }
}

fn token() -> Token {
    Token::new(TokenId::new("1"), TokenState::Suspended)
}

fn revocation() -> Revocation {
    Revocation::new(RevocationOutcome::Revoked, RevocationEffect::Deleted)
}

#[async_trait]
impl Adapter for Stepwise {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn create(&self, _: CreateToken) -> Result<IssuedToken> {
        self.write().await;
        Ok(IssuedToken::new(token(), Secret::new(SECRET)))
    }

    async fn update(&self, _: &TokenId, _: UpdateToken) -> Result<Token> {
        self.write().await;
        Ok(token())
    }

    async fn rotate(&self, _: &TokenId) -> Result<IssuedToken> {
        self.write().await;
        Ok(IssuedToken::new(token(), Secret::new(SECRET)))
    }

    async fn renew(&self, _: &Secret) -> Result<RenewedToken> {
        self.write().await;
        Ok(RenewedToken::new(token(), None))
    }

    async fn revoke_by_id(&self, _: &TokenId, _: RevokeOptions) -> Result<Revocation> {
        self.write().await;
        Ok(revocation())
    }

    async fn revoke_by_secret(&self, _: &Secret, _: RevokeOptions) -> Result<Revocation> {
        self.write().await;
        Err(Error::new(
            ErrorKind::Unavailable,
            Fate::MaybeApplied,
            "no answer",
        ))
    }
}

/// A journal that waits before and after it records, as one in a database does.
#[derive(Debug, Default)]
struct Pausing {
    /// `true` if an outcome is handed over before the first await point.
    is_eager: bool,
    intents: Mutex<Vec<String>>,
    outcomes: Mutex<Vec<String>>,
}

#[async_trait]
impl Journal for Pausing {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        pause().await;
        self.intents.lock().unwrap().push(intent.id.clone());
        pause().await;
        Ok(())
    }

    async fn record_outcome(&self, intent: &Intent, _: &Outcome) {
        if !self.is_eager {
            pause().await;
        }
        self.outcomes.lock().unwrap().push(intent.id.clone());
        pause().await;
    }
}

type Write = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The number of writes that [`start`] knows.
const WRITES: usize = 6;

/// Returns a write as a future.
fn start(number: usize, provider: Arc<Journaled>) -> Write {
    let (id, secret) = (TokenId::new("1"), Secret::new(SECRET));
    let options = RevokeOptions::default();
    Box::pin(async move {
        match number {
            0 => drop(provider.create(CreateToken::unnamed()).await.unwrap()),
            1 => drop(provider.update(&id, UpdateToken::suspend()).await.unwrap()),
            2 => drop(provider.rotate(&id).await.unwrap()),
            3 => drop(provider.renew(&secret).await.unwrap()),
            4 => drop(provider.revoke((&id).into(), options).await.unwrap()),
            _ => drop(
                provider
                    .revoke((&secret).into(), options)
                    .await
                    .unwrap_err(),
            ),
        }
    })
}

#[test]
fn a_write_that_is_dropped_anywhere_has_an_intent_with_its_outcome_or_an_open_one() {
    for is_eager in [true, false] {
        for number in 0..WRITES {
            let mut states = BTreeSet::new();
            for polls in 0.. {
                let journal = Arc::new(Pausing {
                    is_eager,
                    ..Pausing::default()
                });
                let revoke = if number == 5 {
                    RevokeCapability::by_secret(RevocationEffect::Deleted)
                } else {
                    RevokeCapability::by_id(RevocationEffect::Deleted)
                };
                let platform = Arc::new(Stepwise::new(journal.clone(), revoke));
                let provider = Journaled::new(platform.clone(), journal.clone(), Run::new());
                let mut write = start(number, Arc::new(provider));
                let mut context = Context::from_waker(Waker::noop());
                let is_over = (0..polls).any(|_| write.as_mut().poll(&mut context).is_ready());
                drop(write);

                let is_sent = platform.is_sent.load(Ordering::SeqCst);
                let is_answered = platform.is_answered.load(Ordering::SeqCst);
                let intents = journal.intents.lock().unwrap().clone();
                let outcomes = journal.outcomes.lock().unwrap().clone();
                let at = format!("write {number} dropped after {polls} polls");
                assert!(!is_sent || intents.len() == 1, "{at}");
                assert!(outcomes.is_empty() || outcomes == intents, "{at}");
                assert!(outcomes.is_empty() || is_answered, "{at}");
                if is_eager || is_over {
                    assert_eq!(is_answered, !outcomes.is_empty(), "{at}: a result was lost");
                }
                states.insert((intents.len(), is_sent, is_answered, outcomes.len()));
                if is_over {
                    break;
                }
            }
            // It was dropped before the intent, before and after it was sent, and at the end.
            let expected = [
                (0, false, false, 0),
                (1, false, false, 0),
                (1, true, false, 0),
                (1, true, true, 1),
            ];
            assert!(states.is_superset(&expected.into()), "{states:?}");
        }
    }
}
