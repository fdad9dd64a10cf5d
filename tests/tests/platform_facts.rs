//! Facts that some platforms have: ids that come again, revocations that take other tokens along,
//! and tokens that are never listed (decisions 0021 and 0022).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::{Fleet, Verdict};
use tokenfleet_conformance::{Fault, Fixture, MemoryFixture, MemoryProfile, TokenSpec};
use tokenfleet_core::capability::TokenField;
use tokenfleet_core::workflow::{
    ExactlyOnce, Reconciliation, RevocationVerdict, RevokeManyOptions, UnknownWrite,
};
use tokenfleet_core::{
    Completeness, CreateToken, ErrorKind, Plan, Query, RevocationPlan, RevokeOptions, Secret,
    Timestamp, TokenId, TokenProvider, TokenProviderExt,
};
use tokenfleet_http::TokioTimer;

/// A platform that gives ids again, with and without reading a token by its id.
fn reusing() -> [MemoryProfile; 2] {
    let mut listing_only = MemoryProfile::reusing();
    listing_only.capabilities.get = false;
    [MemoryProfile::reusing(), listing_only]
}

async fn insert(fixture: &MemoryFixture, name: &str) -> (TokenId, Secret) {
    let spec = TokenSpec::active().with_name(name);
    let inserted = fixture.insert(spec).await.unwrap();
    (inserted.id, inserted.secret.unwrap())
}

async fn carry_out(
    provider: &dyn TokenProvider,
    plan: RevocationPlan,
    options: RevokeManyOptions,
) -> Vec<RevocationVerdict> {
    let mut revocations = provider.revoke_many(plan, options).unwrap();
    let mut verdicts = Vec::new();
    while let Some((_, verdict)) = revocations.next().await {
        verdicts.push(verdict);
    }
    verdicts
}

fn words(verdicts: &[RevocationVerdict]) -> Vec<&'static str> {
    verdicts.iter().map(RevocationVerdict::as_str).collect()
}

#[tokio::test]
async fn a_plan_that_is_carried_out_again_spares_the_token_that_got_the_id_of_a_dead_one() {
    for profile in reusing() {
        let fixture = MemoryFixture::new(profile);
        let provider = fixture.provider();
        let (old, old_secret) = insert(&fixture, "ci").await;
        let found = provider.list_all(Query::new()).await.unwrap();
        let plan = RevocationPlan::from_tokens(provider.account(), &found.tokens);
        let plan: RevocationPlan = plan.to_string().parse().unwrap();
        let verdicts = carry_out(&*provider, plan.clone(), RevokeManyOptions::default()).await;
        assert_eq!(words(&verdicts), ["revoked"]);
        assert!(!fixture.accepts(&old_secret).await);

        fixture.advance(Duration::from_secs(5)).await;
        let (new, new_secret) = insert(&fixture, "ci").await;
        assert_eq!(new, old, "the id comes again");
        let verdicts = carry_out(&*provider, plan, RevokeManyOptions::default()).await;
        assert_eq!(words(&verdicts), ["not_as_reviewed"]);
        assert!(fixture.accepts(&new_secret).await);
    }
}

#[tokio::test]
async fn a_lost_revocation_is_not_made_up_for_by_revoking_the_next_token() {
    for profile in reusing() {
        let fixture = MemoryFixture::new(profile);
        let provider = fixture.provider();
        let (old, _) = insert(&fixture, "ci").await;
        let plan = provider.plan_revocation(vec![old.clone()]).await.unwrap();
        let mut revocations = provider
            .revoke_many(plan.clone(), RevokeManyOptions::default())
            .unwrap();
        // The read is over when the revocation is lost.
        let verdict = {
            let mut next = pin!(revocations.next());
            let mut is_injected = false;
            loop {
                tokio::select! {
                    biased;
                    verdict = &mut next => break verdict,
                    () = std::future::ready(()) => {
                        if fixture.request_count() == 2 && !is_injected {
                            is_injected = fixture.inject(Fault::LoseResponse).await;
                        }
                    }
                }
            }
        };
        let (_, verdict) = verdict.unwrap();
        assert_eq!(verdict.as_str(), "unreachable", "{verdict:?}");
        fixture.advance(Duration::from_secs(5)).await;
        let (new, new_secret) = insert(&fixture, "ci").await;
        assert_eq!(new, old);
        let verdicts = carry_out(&*provider, plan, RevokeManyOptions::default()).await;
        assert_eq!(words(&verdicts), ["not_as_reviewed"]);
        assert!(fixture.accepts(&new_secret).await);
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_told_from_another_with_its_id_is_left_alone() {
    for mut profile in reusing() {
        // The names of this platform are not unique.
        for fields in [
            vec![TokenField::Name, TokenField::CreatedAt],
            vec![TokenField::Name],
            vec![],
        ] {
            let reports = fields.contains(&TokenField::CreatedAt);
            profile.capabilities.reported_fields = fields;
            let fixture = MemoryFixture::new(profile.clone());
            let provider = fixture.provider();
            let (id, secret) = insert(&fixture, "ci").await;
            let plan = if reports {
                // Nobody said what the tokens of these ids were.
                let ids = [id, TokenId::new("77")];
                RevocationPlan::from_ids(provider.account(), ids)
            } else {
                provider
                    .plan_revocation(vec![id, TokenId::new("77")])
                    .await
                    .unwrap()
            };
            let options = RevokeManyOptions::default().with_max_concurrency(1);
            let verdicts = carry_out(&*provider, plan, options).await;
            assert_eq!(words(&verdicts), ["not_identified", "not_found_here"]);
            assert!(fixture.accepts(&secret).await);
        }
    }
}

#[tokio::test]
async fn tokens_that_are_planned_by_their_ids_are_revoked_if_they_are_the_same() {
    for profile in reusing() {
        let fixture = MemoryFixture::new(profile);
        let provider = fixture.provider();
        let (id, secret) = insert(&fixture, "ci").await;
        let plan = provider.plan_revocation(vec![id]).await.unwrap();
        let verdicts = carry_out(&*provider, plan, RevokeManyOptions::default()).await;
        assert_eq!(words(&verdicts), ["revoked"]);
        assert!(!fixture.accepts(&secret).await);
    }
}

#[tokio::test]
async fn other_tokens_are_revoked_too_only_with_consent() {
    let fixture = MemoryFixture::new(MemoryProfile::cascading());
    let provider = fixture.provider();
    let (id, secret) = insert(&fixture, "one").await;
    let (other, other_secret) = insert(&fixture, "other").await;
    let sent = fixture.request_count();
    let refused = provider
        .revoke((&id).into(), RevokeOptions::default())
        .await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("other tokens"), "{error}");
    assert_eq!(fixture.request_count(), sent);

    let consent = RevokeOptions::default().with_cascade_accepted();
    let revocation = provider.revoke((&secret).into(), consent).await.unwrap();
    assert_eq!(revocation.also_revoked, [other]);
    assert!(!fixture.accepts(&other_secret).await);
}

async fn insert_of_login(fixture: &MemoryFixture, name: &str) -> (TokenId, Secret) {
    let spec = TokenSpec::active().with_name(name).with_cascade();
    let inserted = fixture.insert(spec).await.unwrap();
    (inserted.id, inserted.secret.unwrap())
}

#[tokio::test]
async fn in_a_plan_the_consent_to_a_cascade_is_asked_for_token_by_token() {
    for listed in [true, false] {
        let fixture = MemoryFixture::new(MemoryProfile::cascading_logins());
        let provider = fixture.provider();
        let (alone, alone_secret) = insert(&fixture, "alone").await;
        let (login, login_secret) = insert_of_login(&fixture, "login").await;
        let (other, other_secret) = insert_of_login(&fixture, "other").await;
        let plan = if listed {
            let found = provider.list_all(Query::new()).await.unwrap();
            RevocationPlan::from_tokens(provider.account(), &found.tokens).without(&other)
        } else {
            RevocationPlan::from_ids(provider.account(), [alone.clone(), login.clone()])
        };
        let one_by_one = RevokeManyOptions::default().with_max_concurrency(1);
        let sent = fixture.request_count();
        let verdicts = carry_out(&*provider, plan.clone(), one_by_one).await;
        assert_eq!(words(&verdicts), ["revoked", "cannot_be_revoked"]);
        assert!(!fixture.accepts(&alone_secret).await);
        assert!(fixture.accepts(&login_secret).await && fixture.accepts(&other_secret).await);
        // A token that takes none along is read once.
        let reads = if listed { 3 } else { 2 };
        assert_eq!(fixture.request_count() - sent, reads + 1);

        let consent = RevokeOptions::default().with_cascade_accepted();
        let options = one_by_one.with_revoke_options(consent);
        let verdicts = carry_out(&*provider, plan.without(&alone), options).await;
        let [RevocationVerdict::Revoked(revocation)] = verdicts.as_slice() else {
            panic!("{verdicts:?}");
        };
        assert_eq!(revocation.also_revoked, [other]);
        assert!(!fixture.accepts(&other_secret).await);
    }
}

/// No record says what the token of a secret takes along.
#[tokio::test]
async fn a_revocation_by_secret_needs_the_consent_to_a_cascade_whatever_records_tell() {
    let fixture = MemoryFixture::new(MemoryProfile::cascading_logins());
    let provider = fixture.provider();
    let (_, secret) = insert(&fixture, "alone").await;
    let sent = fixture.request_count();
    let refused = provider.revoke((&secret).into(), RevokeOptions::default());
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(fixture.request_count(), sent);
    assert!(fixture.accepts(&secret).await);
}

/// Cleaning up after a creation must not revoke the tokens of others.
#[tokio::test]
async fn a_creation_never_takes_other_tokens_along() {
    let fixture = MemoryFixture::new(MemoryProfile::cascading());
    let provider = fixture.provider();
    let (_, secret) = insert(&fixture, "other").await;
    fixture.inject(Fault::MaskSecret).await;
    let error = provider.create(CreateToken::new("ci")).await.unwrap_err();
    assert!(error.may_have_applied(), "{error}");
    assert!(fixture.accepts(&secret).await);

    let once = ExactlyOnce::new(&*provider, &TokioTimer);
    let error = once.create(CreateToken::new("ci")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(fixture.accepts(&secret).await);
}

#[tokio::test]
async fn a_listing_without_the_tokens_that_are_never_listed_does_not_claim_every_token() {
    let fixture = MemoryFixture::new(MemoryProfile::hiding());
    let provider = fixture.provider();
    insert(&fixture, "ci").await;
    let found = provider.list_all(Query::new()).await.unwrap();
    assert_eq!(found.tokens.len(), 1);
    assert_eq!(fixture.tokens().await.len(), 2);
    let as_shown = Completeness::CompleteAsShown("login tokens".to_owned());
    assert_eq!(found.completeness, as_shown);
    assert!(!found.completeness.is_complete() && found.completeness.is_complete_as_shown());

    let list = provider.capabilities().list.clone().unwrap();
    let plan = Plan::for_query(&Query::new(), &list).unwrap().to_string();
    assert!(
        plan.ends_with("the platform never lists login tokens"),
        "{plan}"
    );

    let error = provider.find_by_name("login").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(
        error.to_string().contains("never lists login tokens"),
        "{error}"
    );

    let fleet = Fleet::new([Arc::clone(&provider)]);
    let found = fleet.list_all(Query::new()).await;
    let report = &found.accounts[0];
    assert!(matches!(report.verdict, Verdict::CompleteAsShown(_)));
    assert!(!found.is_complete());
    assert_eq!(
        report.to_string(),
        "hiding (memory): complete as far as the platform shows, 1 token: it never lists login \
         tokens"
    );
    assert_eq!(report.verdict.as_str(), "complete_as_shown");
}

/// A created token is listed, whatever else is not.
#[tokio::test]
async fn a_creation_that_was_not_applied_is_known_although_some_tokens_are_never_listed() {
    let fixture = MemoryFixture::new(MemoryProfile::hiding());
    let at = Timestamp::now();
    let unmarked = UnknownWrite::Unmarked { at };
    let reconciled = fixture.provider().reconcile(unmarked).await.unwrap();
    assert_eq!(reconciled, Reconciliation::NotApplied);
}
