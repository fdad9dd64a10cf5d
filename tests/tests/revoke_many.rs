//! Revocation plans applied at the platforms.

use std::collections::{BTreeMap, BTreeSet};

use tokenfleet_conformance::Fixture;
use tokenfleet_core::workflow::{RevocationVerdict, RevokeManyOptions};
use tokenfleet_core::{
    Account, ErrorKind, Query, RevocationPlan, TokenId, TokenProvider, TokenProviderExt, TokenState,
};
use tokenfleet_foreman::Release;
use tokenfleet_simulators::{Action, Canned, Fault, NewToken, State};
use tokenfleet_tests::{SimulatedFixture, foreman, losant};

/// Adds twenty tokens to the acting one, and returns the acting id and a plan that revokes all.
async fn account(fixture: &SimulatedFixture) -> (TokenId, RevocationPlan) {
    let simulator = fixture.simulator();
    for number in 0..20 {
        simulator.insert(NewToken::named(format!("ci-{number}")));
    }
    let provider = fixture.provider();
    let list = provider.list_all(Query::new()).await.unwrap();
    assert!(list.completeness.is_complete());
    let acting = TokenId::new(simulator.ids()[0].as_str());
    let plan = RevocationPlan::from_tokens(provider.account(), &list.tokens)
        .with_acting_last(acting.clone());
    assert_eq!(plan.tokens().count(), simulator.token_count());
    (acting, plan)
}

async fn revoke_all(
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
    options: RevokeManyOptions,
) -> Vec<(TokenId, RevocationVerdict)> {
    let mut revocations = provider.revoke_many(plan.clone(), options).unwrap();
    let mut verdicts = Vec::new();
    while let Some(verdict) = revocations.next().await {
        verdicts.push(verdict);
    }
    verdicts
}

fn count(verdicts: &[(TokenId, RevocationVerdict)]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for (_, verdict) in verdicts {
        *counts.entry(verdict.as_str()).or_default() += 1;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn no_other_token_is_tried_before_the_first_ones_have_their_verdicts() {
    let fixture = losant(&["tokens=1"]);
    let (acting, plan) = account(&fixture).await;
    let simulator = fixture.simulator();
    let first: Vec<_> = simulator.ids()[9..12].to_vec();
    let plan = plan.with_first(|id| first.iter().any(|first| first == id.as_str()));
    let plan: RevocationPlan = plan.to_string().parse().unwrap();
    let planned_first: BTreeSet<_> = plan.tokens().take(3).map(TokenId::as_str).collect();
    assert_eq!(planned_first, first.iter().map(String::as_str).collect());
    // The slowest of them holds all others up.
    let delay = Action::DelayAnswer(std::time::Duration::from_secs(5));
    let slow = Fault::new(delay).path(&format!("*/{}", first[1])).always();
    simulator.faults().add(slow);
    let provider = fixture.provider();
    let verdicts = revoke_all(&*provider, &plan, RevokeManyOptions::default()).await;
    assert_eq!(
        count(&verdicts).get("revoked"),
        Some(&plan.tokens().count())
    );
    let log = simulator.log().entries();
    let last_of_first = log
        .iter()
        .rposition(|entry| first.iter().any(|id| entry.target.contains(id)));
    let first_of_others = log.iter().position(|entry| {
        entry.target.contains("/tokens/") && !first.iter().any(|id| entry.target.contains(id))
    });
    assert!(
        last_of_first < first_of_others,
        "{last_of_first:?} {first_of_others:?}"
    );
    assert_eq!(verdicts.last().unwrap().0, acting);
}

#[tokio::test(start_paused = true)]
async fn every_token_gets_a_verdict_whatever_happens_to_others_and_the_acting_token_is_last() {
    for fixture in [
        losant(&["tokens=1"]),
        foreman(&["tokens=1"], Some(Release::new(3, 9))),
    ] {
        let (acting, plan) = account(&fixture).await;
        let simulator = fixture.simulator();
        let unreachable: Vec<_> = simulator.ids()[5..8].to_vec();
        for id in &unreachable {
            let unavailable = Action::Answer(Canned::status(503));
            simulator.faults().add(
                Fault::new(unavailable)
                    .method("DELETE")
                    .path(&format!("*/{id}"))
                    .always(),
            );
        }
        let provider = fixture.provider();
        let verdicts = revoke_all(&*provider, &plan, RevokeManyOptions::default()).await;
        assert_eq!(verdicts.len(), plan.tokens().count());
        assert_eq!(
            verdicts.last().unwrap().0,
            acting,
            "the acting token is the last"
        );
        assert_eq!(count(&verdicts).get("unreachable"), Some(&3));
        for token in simulator.tokens() {
            let spared = unreachable.contains(&token.id);
            assert_eq!(token.state == State::Active, spared, "{}", token.id);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_partly_applied_plan_can_be_applied_again() {
    let fixture = losant(&["tokens=1"]);
    let (acting, plan) = account(&fixture).await;
    let plan = plan.without(&acting);
    let provider = fixture.provider();
    let mut revocations = provider
        .revoke_many(
            plan.clone(),
            RevokeManyOptions::default().with_max_concurrency(3),
        )
        .unwrap();
    for _ in 0..7 {
        revocations.next().await.unwrap();
    }
    drop(revocations);
    let alive = fixture.simulator().token_count();
    assert!((11..=14).contains(&alive), "{alive} are alive");
    let text = plan.to_string();
    let verdicts = revoke_all(
        &*provider,
        &text.parse().unwrap(),
        RevokeManyOptions::default(),
    )
    .await;
    assert!(
        verdicts.iter().all(|(_, verdict)| verdict.is_dead()),
        "{verdicts:?}"
    );
    assert!(count(&verdicts)["already_gone"] >= 7);
    assert_eq!(fixture.simulator().token_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_emptied_a_collection_can_be_applied_again() {
    let fixture = losant(&["tokens=3", "collection=application"]);
    let provider = fixture.provider();
    let list = provider.list_all(Query::new()).await.unwrap();
    let plan = RevocationPlan::from_tokens(provider.account(), &list.tokens);
    for expected in ["revoked", "already_gone"] {
        let verdicts = revoke_all(&*provider, &plan, RevokeManyOptions::default()).await;
        assert_eq!(count(&verdicts).get(expected), Some(&3), "{verdicts:?}");
    }
}

/// At `/me/tokens` the place does not name the owner, and an empty list does not either.
#[tokio::test(start_paused = true)]
async fn a_token_is_gone_if_another_of_its_owner_was_just_read_although_none_is_left() {
    let fixture = losant(&["tokens=4"]);
    let simulator = fixture.simulator();
    let plan = plan_of_all(&fixture).await;
    let acting = TokenId::new(simulator.ids()[0].as_str());
    let plan = plan.without(&acting);
    let ids: Vec<_> = plan.tokens().cloned().collect();
    assert!(simulator.remove(ids[2].as_str()));
    let empty_list_after = |reads| {
        let none = r#"{"items":[],"count":0,"totalCount":0,"page":0,"perPage":1}"#;
        let none = Action::Answer(Canned::json(200, none));
        let fault = Fault::new(none).method("GET").after(reads);
        simulator.faults().clear();
        simulator.faults().add(fault);
    };
    empty_list_after(3);
    let provider = fixture.provider();
    let one_by_one = RevokeManyOptions::default().with_max_concurrency(1);
    let verdicts = revoke_all(&*provider, &plan, one_by_one).await;
    let found: Vec<_> = verdicts
        .iter()
        .map(|(_, verdict)| verdict.as_str())
        .collect();
    assert_eq!(found, ["revoked", "revoked", "already_gone"]);
    // Carried out again, nothing says any more whose tokens these were.
    empty_list_after(1);
    let verdicts = revoke_all(&*provider, &plan, one_by_one).await;
    assert_eq!(count(&verdicts).get("not_found_here"), Some(&3));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_revoked_is_suspended_if_the_fallback_is_set() {
    let fixture = losant(&["tokens=1"]);
    let (acting, plan) = account(&fixture).await;
    let plan = plan.without(&acting);
    let response = Canned::json(403, r#"{"type":"Forbidden","message":"no"}"#);
    let forbidden = Fault::new(Action::Answer(response))
        .method("DELETE")
        .always();
    fixture.simulator().faults().add(forbidden);
    let provider = fixture.provider();
    let verdicts = revoke_all(&*provider, &plan, RevokeManyOptions::default()).await;
    assert_eq!(count(&verdicts).get("cannot_be_revoked"), Some(&20));
    let verdicts = revoke_all(
        &*provider,
        &plan,
        RevokeManyOptions::default().with_suspend_fallback(),
    )
    .await;
    assert_eq!(count(&verdicts).get("suspended_only"), Some(&20));
    for token in provider.list_all(Query::new()).await.unwrap().tokens {
        assert_eq!(token.state == TokenState::Suspended, token.id != acting);
    }
}

#[tokio::test]
async fn a_plan_of_another_account_is_refused() {
    let fixture = losant(&["tokens=1"]);
    let provider = fixture.provider();
    let place = provider.account().place().unwrap();
    for (platform, name) in [("losant", "other"), ("foreman", provider.account().name())] {
        let account = Account::new(platform, name).with_place(place);
        let plan = RevocationPlan::from_tokens(&account, &[]);
        let error = provider
            .revoke_many(plan, RevokeManyOptions::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("another account"), "{error}");
    }
}

#[tokio::test]
async fn a_plan_is_refused_in_another_place_before_anything_is_sent() {
    for (made, elsewhere) in [
        (
            losant(&["tokens=3"]),
            losant(&["tokens=3", "collection=application"]),
        ),
        (
            foreman(&["tokens=3"], None),
            foreman(&["tokens=3", "user_id=5"], None),
        ),
    ] {
        let (made_by, carried_out_by) = (made.provider(), elsewhere.provider());
        let list = made_by.list_all(Query::new()).await.unwrap();
        let plan = RevocationPlan::from_tokens(made_by.account(), &list.tokens);
        let plan: RevocationPlan = plan.to_string().parse().unwrap();
        let sent = elsewhere.simulator().log().entries().len();
        let error = carried_out_by
            .revoke_many(plan, RevokeManyOptions::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("in another place"), "{error}");
        assert_eq!(elsewhere.simulator().log().entries().len(), sent);
    }
}

/// Two simulators have the same address in a test, as two platforms behind one name do.
#[tokio::test]
async fn a_token_that_is_not_the_reviewed_one_is_left_alone() {
    for (made, elsewhere) in [
        (losant(&["tokens=5"]), losant(&["tokens=5", "seed=9"])),
        (
            foreman(&["tokens=5"], None),
            foreman(&["tokens=5", "seed=9"], None),
        ),
    ] {
        let (made_by, carried_out_by) = (made.provider(), elsewhere.provider());
        let list = made_by.list_all(Query::new()).await.unwrap();
        let plan = RevocationPlan::from_tokens(made_by.account(), &list.tokens);
        let states = |fixture: &SimulatedFixture| {
            let tokens = fixture.simulator().tokens();
            tokens
                .into_iter()
                .map(|token| token.state)
                .collect::<Vec<_>>()
        };
        let before = states(&elsewhere);
        let verdicts = revoke_all(&*carried_out_by, &plan, RevokeManyOptions::default()).await;
        for (_, verdict) in &verdicts {
            let expected = ["not_as_reviewed", "not_found_here"];
            assert!(expected.contains(&verdict.as_str()), "{verdict:?}");
        }
        assert_eq!(states(&elsewhere), before);
    }
}

/// Answers each read whose path matches with this status and body.
fn answer_reads(fixture: &SimulatedFixture, path: &str, status: u16, body: &str) {
    let answer = Action::Answer(Canned::json(status, body));
    let fault = Fault::new(answer).method("GET").path(path).always();
    fixture.simulator().faults().add(fault);
}

/// Executes a plan of all tokens, expects this verdict on each, and that all are still there.
async fn assert_all_left_alone(fixture: &SimulatedFixture, plan: &RevocationPlan, expected: &str) {
    let provider = fixture.provider();
    let before = fixture.simulator().token_count();
    let verdicts = revoke_all(&*provider, plan, RevokeManyOptions::default()).await;
    let left_alone = count(&verdicts).get(expected).copied();
    assert_eq!(left_alone, Some(plan.tokens().count()), "{verdicts:?}");
    assert_eq!(fixture.simulator().token_count(), before);
}

async fn plan_of_all(fixture: &SimulatedFixture) -> RevocationPlan {
    let provider = fixture.provider();
    let list = provider.list_all(Query::new()).await.unwrap();
    RevocationPlan::from_tokens(provider.account(), &list.tokens)
}

#[tokio::test(start_paused = true)]
async fn a_token_that_only_a_gateway_does_not_know_is_not_called_gone() {
    for body in [
        r#"{"message":"no Route matched with those values"}"#,
        r#"{"statusCode":404,"message":"Resource not found"}"#,
        r#"{"type":"about:blank","title":"Not Found","status":404}"#,
    ] {
        for options in [&["tokens=3"][..], &["tokens=3", "collection=application"]] {
            let fixture = losant(options);
            let plan = plan_of_all(&fixture).await;
            for id in fixture.simulator().ids() {
                answer_reads(&fixture, &format!("*/{id}"), 404, body);
            }
            assert_all_left_alone(&fixture, &plan, "not_found_here").await;
        }
    }
}

/// The words of a deletion that is not allowed, or not known in this version of the API, may be
/// those about a token that is gone.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_found_to_delete_and_still_shown_is_not_called_gone() {
    let fixture = losant(&["tokens=3"]);
    let plan = plan_of_all(&fixture).await;
    let unknown = r#"{"type":"NotFound","message":"Token was not found"}"#;
    let answer = Action::Answer(Canned::json(404, unknown));
    let fault = Fault::new(answer).method("DELETE").always();
    fixture.simulator().faults().add(fault);
    assert_all_left_alone(&fixture, &plan, "cannot_be_revoked").await;
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_collection_that_cannot_be_listed_is_not_called_gone() {
    let fixture = losant(&["tokens=3", "collection=application"]);
    let plan = plan_of_all(&fixture).await;
    let unknown = r#"{"type":"NotFound","message":"Application was not found"}"#;
    answer_reads(&fixture, "*", 404, unknown);
    assert_all_left_alone(&fixture, &plan, "not_found_here").await;
}

/// Two simulators have the same address in a test, as two users of one platform do.
#[tokio::test]
async fn a_plan_without_an_owner_calls_no_token_gone_where_tokens_have_owners() {
    let (made, elsewhere) = (losant(&["tokens=3"]), losant(&["tokens=3", "seed=9"]));
    let text = plan_of_all(&made).await.to_string();
    assert!(text.contains("\nowner "), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with("owner "));
    let plan = lines.map(|line| format!("{line}\n")).collect::<String>();
    assert_all_left_alone(&elsewhere, &plan.parse().unwrap(), "not_found_here").await;
}

#[tokio::test]
async fn a_token_that_may_not_be_read_is_left_alone() {
    let fixture = losant(&["tokens=3"]);
    let plan = plan_of_all(&fixture).await;
    let forbidden = r#"{"type":"Forbidden","message":"no"}"#;
    for id in fixture.simulator().ids() {
        answer_reads(&fixture, &format!("*/{id}"), 403, forbidden);
    }
    assert_all_left_alone(&fixture, &plan, "cannot_be_revoked").await;
    let provider = fixture.provider();
    let options = RevokeManyOptions::default().with_suspend_fallback();
    for (_, verdict) in revoke_all(&*provider, &plan, options).await {
        let RevocationVerdict::CannotBeRevoked(error) = verdict else {
            panic!("{verdict:?}");
        };
        assert!(error.advice().unwrap().contains("right to read"), "{error}");
    }
}

#[tokio::test]
async fn a_renamed_token_is_left_alone() {
    let fixture = losant(&["tokens=3"]);
    let provider = fixture.provider();
    let (acting, plan) = account(&fixture).await;
    let plan = plan.without(&acting);
    let renamed = plan.tokens().next().unwrap().clone();
    let change = tokenfleet_core::UpdateToken::rename("in use after all");
    provider.update(&renamed, change).await.unwrap();
    let verdicts = revoke_all(&*provider, &plan, RevokeManyOptions::default()).await;
    for (id, verdict) in &verdicts {
        assert_eq!(verdict.is_dead(), *id != renamed, "{verdict:?}");
    }
    assert_eq!(count(&verdicts).get("not_as_reviewed"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn stopping_early_returns_the_untried_tokens_and_the_verdicts_of_the_others() {
    let fixture = losant(&["tokens=1"]);
    let (acting, plan) = account(&fixture).await;
    let provider = fixture.provider();
    let options = RevokeManyOptions::default().with_max_concurrency(3);
    let mut revocations = provider.revoke_many(plan.clone(), options).unwrap();
    let mut tried = vec![revocations.next().await.unwrap().0];
    let untried = revocations.stop();
    assert_eq!(untried.last(), Some(&acting));
    while let Some((id, verdict)) = revocations.next().await {
        assert!(verdict.is_dead(), "{verdict:?}");
        tried.push(id);
    }
    assert_eq!(tried.len(), 3);
    tried.extend(untried);
    tried.sort();
    let mut planned: Vec<_> = plan.tokens().cloned().collect();
    planned.sort();
    assert_eq!(tried, planned);
    assert_eq!(fixture.simulator().token_count(), planned.len() - 3);
}
