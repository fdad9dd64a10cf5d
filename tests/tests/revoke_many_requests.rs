//! What a revocation plan sends, in which order, and what it leaves unsent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_conformance::{Fixture, MemoryFixture, MemoryProfile, TokenSpec};
use tokenfleet_core::adapter::Adapter;
use tokenfleet_core::capability::{RevokeCapability, UpdateCapability};
use tokenfleet_core::workflow::RevokeManyOptions;
use tokenfleet_core::{
    Account, Capabilities, Error, ErrorKind, Fate, Query, Result, Revocation, RevocationEffect,
    RevocationPlan, RevokeOptions, Token, TokenId, TokenProvider, TokenProviderExt, TokenState,
    UpdateToken,
};
use tokenfleet_simulators::{Action, Fault};
use tokenfleet_tests::losant;

async fn carry_out(
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
    options: RevokeManyOptions,
) -> Vec<&'static str> {
    let mut revocations = provider.revoke_many(plan.clone(), options).unwrap();
    let mut verdicts = Vec::new();
    while let Some((_, verdict)) = revocations.next().await {
        verdicts.push(verdict.as_str());
    }
    verdicts
}

async fn plan_of_all(provider: &dyn TokenProvider) -> RevocationPlan {
    let list = provider.list_all(Query::new()).await.unwrap();
    RevocationPlan::from_tokens(provider.account(), &list.tokens)
}

/// Inserts tokens in these states, and returns a plan of them.
async fn planned(fixture: &MemoryFixture, states: &[TokenState]) -> RevocationPlan {
    for (number, state) in states.iter().enumerate() {
        let spec = TokenSpec::active().with_name(format!("ci-{number}"));
        fixture.insert(spec.with_state(*state)).await.unwrap();
    }
    plan_of_all(&*fixture.provider()).await
}

/// Returns a plan whose line about the owner is this one.
fn with_owner_line(plan: &RevocationPlan, line: &str) -> RevocationPlan {
    let text = plan.to_string();
    assert!(text.contains("\nowner "), "{text}");
    let lines = text.lines().map(|old| {
        if old.starts_with("owner ") {
            line.to_owned()
        } else {
            format!("{old}\n")
        }
    });
    lines.collect::<String>().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_acting_token_is_not_revoked_before_all_others_have_their_verdicts() {
    let fixture = losant(&["tokens=4"]);
    let simulator = fixture.simulator();
    let acting = simulator.ids()[0].clone();
    for id in &simulator.ids()[1..] {
        let slow = Fault::new(Action::DelayAnswer(Duration::from_secs(5)));
        simulator
            .faults()
            .add(slow.method("DELETE").path(&format!("*/{id}")).always());
    }
    let provider = fixture.provider();
    let plan = plan_of_all(&*provider).await;
    let plan = plan.with_acting_last(TokenId::new(acting.as_str()));
    let mut revocations = provider
        .revoke_many(plan, RevokeManyOptions::default())
        .unwrap();
    for _ in 0..3 {
        let (_, verdict) = revocations.next().await.unwrap();
        assert_eq!(verdict.as_str(), "revoked");
        assert!(simulator.ids().contains(&acting));
    }
    let (last, verdict) = revocations.next().await.unwrap();
    assert_eq!((last.as_str(), verdict.as_str()), (&*acting, "revoked"));
    assert_eq!(simulator.token_count(), 0);
}

#[tokio::test]
async fn what_is_done_already_costs_the_read_that_shows_it() {
    let fixture = MemoryFixture::new(MemoryProfile::retaining());
    let plan = planned(&fixture, &[TokenState::Revoked]).await;
    let sent = fixture.request_count();
    let verdicts = carry_out(&*fixture.provider(), &plan, RevokeManyOptions::default()).await;
    assert_eq!(verdicts, ["already_gone"]);
    assert_eq!(fixture.request_count() - sent, 1);

    let fixture = MemoryFixture::new(MemoryProfile::full());
    let plan = planned(&fixture, &[TokenState::Suspended]).await;
    let sent = fixture.request_count();
    let suspends = RevokeManyOptions::default().with_suspension_instead();
    let verdicts = carry_out(&*fixture.provider(), &plan, suspends).await;
    assert_eq!(verdicts, ["suspended"]);
    assert_eq!(fixture.request_count() - sent, 1);
}

#[tokio::test]
async fn a_plan_to_suspend_is_refused_where_nothing_can_be_suspended() {
    let fixture = MemoryFixture::new(MemoryProfile::retaining());
    let plan = planned(&fixture, &[TokenState::Active]).await;
    let sent = fixture.request_count();
    let provider = fixture.provider();
    let suspends = RevokeManyOptions::default().with_suspension_instead();
    let error = provider.revoke_many(plan, suspends).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.fate(), Fate::NotSent);
    assert_eq!(fixture.request_count(), sent);
}

#[tokio::test]
async fn the_token_of_another_owner_is_left_alone() {
    let fixture = MemoryFixture::new(MemoryProfile::deleting());
    let plan = planned(&fixture, &[TokenState::Active]).await;
    let plan = with_owner_line(&plan, "owner somebody\n");
    let verdicts = carry_out(&*fixture.provider(), &plan, RevokeManyOptions::default()).await;
    assert_eq!(verdicts, ["not_as_reviewed"]);
    assert_eq!(fixture.tokens().await.len(), 1);
}

/// Nobody said whose the tokens were, and an empty listing does not say it either.
#[tokio::test]
async fn without_an_owner_an_empty_account_proves_nothing_where_tokens_have_owners() {
    let fixture = MemoryFixture::new(MemoryProfile::deleting());
    let plan = planned(&fixture, &[TokenState::Active]).await;
    let id = plan.tokens().next().unwrap().clone();
    assert!(fixture.remove(&id).await);
    let plan = with_owner_line(&plan, "");
    let verdicts = carry_out(&*fixture.provider(), &plan, RevokeManyOptions::default()).await;
    assert_eq!(verdicts, ["not_found_here"]);
}

/// A platform that refuses every revocation, and counts the suspensions.
#[derive(Debug)]
struct Refusing {
    account: Account,
    capabilities: Capabilities,
    refusal: (ErrorKind, Fate),
    suspensions: AtomicUsize,
}

#[async_trait]
impl Adapter for Refusing {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn revoke_by_id(&self, _id: &TokenId, _options: RevokeOptions) -> Result<Revocation> {
        let (kind, fate) = self.refusal;
        Err(Error::new(kind, fate, "no"))
    }

    async fn update(&self, id: &TokenId, _change: UpdateToken) -> Result<Token> {
        self.suspensions.fetch_add(1, Ordering::Relaxed);
        Ok(Token::new(id.clone(), TokenState::Suspended))
    }
}

#[tokio::test]
async fn a_token_is_suspended_instead_only_if_it_certainly_may_not_be_revoked() {
    for (kind, fate, expected) in [
        (
            ErrorKind::PermissionDenied,
            Fate::Rejected,
            "suspended_only",
        ),
        (
            ErrorKind::PermissionDenied,
            Fate::MaybeApplied,
            "unreachable",
        ),
        (ErrorKind::Conflict, Fate::Rejected, "cannot_be_revoked"),
        (
            ErrorKind::Unauthenticated,
            Fate::Rejected,
            "cannot_be_revoked",
        ),
    ] {
        let provider = Refusing {
            account: Account::new("refusing", "mine"),
            capabilities: Capabilities::none()
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
                .with_update(UpdateCapability::new().with_suspension()),
            refusal: (kind, fate),
            suspensions: AtomicUsize::new(0),
        };
        let plan = RevocationPlan::from_ids(&provider.account, [TokenId::new("1")]);
        let options = RevokeManyOptions::default().with_suspend_fallback();
        assert_eq!(carry_out(&provider, &plan, options).await, [expected]);
        let is_suspended = expected == "suspended_only";
        let suspensions = provider.suspensions.load(Ordering::Relaxed);
        assert_eq!(suspensions, usize::from(is_suspended), "{kind:?} {fate:?}");
    }
}
