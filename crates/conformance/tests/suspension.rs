//! Plans that are suspended first.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use async_trait::async_trait;
use futures_executor::block_on;
use tokenfleet_conformance::{Fixture, MemoryFixture, MemoryProfile};
use tokenfleet_core::adapter::Adapter;
use tokenfleet_core::capability::UpdateCapability;
use tokenfleet_core::workflow::{RevocationVerdict, RevokeManyOptions};
use tokenfleet_core::*;

/// Returns three new tokens and a plan of them, of which the first is the acting one.
async fn planned(provider: &dyn TokenProvider) -> (TokenId, RevocationPlan) {
    for name in ["acting", "one", "two"] {
        provider.create(CreateToken::new(name)).await.unwrap();
    }
    let list = provider.list_all(Query::new()).await.unwrap();
    let acting = list.tokens[0].id.clone();
    let plan = RevocationPlan::from_tokens(provider.account(), &list.tokens);
    (acting.clone(), plan.with_acting_last(acting))
}

async fn suspend(
    provider: &dyn TokenProvider,
    plan: RevocationPlan,
) -> Vec<(TokenId, RevocationVerdict)> {
    let options = RevokeManyOptions::default().with_suspension_instead();
    let mut suspensions = provider.revoke_many(plan, options).unwrap();
    let mut verdicts = Vec::new();
    while let Some(verdict) = suspensions.next().await {
        verdicts.push(verdict);
    }
    verdicts
}

#[test]
fn the_acting_token_is_left_out_of_a_suspension_so_that_the_others_can_be_resumed() {
    let fixture = MemoryFixture::new(MemoryProfile::full());
    let provider = fixture.provider();
    block_on(async {
        let (acting, plan) = planned(&*provider).await;
        let verdicts = suspend(&*provider, plan).await;
        assert_eq!(verdicts.len(), 3);
        for (id, verdict) in verdicts {
            let (expected, state) = if id == acting {
                ("acting_token", TokenState::Active)
            } else {
                ("suspended", TokenState::Suspended)
            };
            assert_eq!(verdict.as_str(), expected);
            assert!(!verdict.is_dead());
            assert_eq!(provider.get(&id).await.unwrap().state, state);
        }
    });
}

/// An account that may suspend no token.
#[derive(Debug)]
struct Forbidden(Account, Capabilities);

#[async_trait]
impl Adapter for Forbidden {
    fn account(&self) -> &Account {
        &self.0
    }

    fn capabilities(&self) -> &Capabilities {
        &self.1
    }

    async fn update(&self, _id: &TokenId, _change: UpdateToken) -> Result<Token> {
        let message = "this user may not change tokens";
        Err(Error::new(
            ErrorKind::PermissionDenied,
            Fate::Rejected,
            message,
        ))
    }
}

#[test]
fn a_failed_suspension_is_not_called_a_failed_revocation() {
    let update = UpdateCapability::new().with_suspension();
    let account = Account::new("forbidden", "mine");
    let provider = Forbidden(account, Capabilities::none().with_update(update));
    let plan = RevocationPlan::from_ids(TokenProvider::account(&provider), [TokenId::new("1")]);
    let verdicts = block_on(suspend(&provider, plan));
    let words: Vec<_> = verdicts
        .iter()
        .map(|(_, verdict)| verdict.as_str())
        .collect();
    assert_eq!(words, ["cannot_be_suspended"]);
}
