//! Laws of fleets and inventories, on scripted accounts and under a paused clock.

mod hosts;
mod scripted_provider;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
use tokio::time::Instant;

use self::scripted_provider::{InFlight, Script, ScriptedProvider, tokens};
use crate::test_doubles::{UncheckedProvider, assert_every_call_is_refused};
use crate::*;

/// Returns a fleet of accounts `a0`, `a1` and so on, and the measure of its pages in flight.
fn fleet(scripts: impl IntoIterator<Item = Script>) -> (Fleet, Arc<InFlight>) {
    let in_flight = Arc::<InFlight>::default();
    let provider = |(number, script)| {
        let provider = ScriptedProvider::new(&format!("a{number}"), script, &in_flight);
        Arc::new(provider) as Arc<dyn TokenProvider>
    };
    let fleet = Fleet::new(scripts.into_iter().enumerate().map(provider));
    (fleet, in_flight)
}

/// Returns the verdict and the number of tokens of each account.
fn verdicts(found: &FleetTokens) -> Vec<(&str, u64)> {
    let reports = found.accounts.iter();
    reports
        .map(|report| (report.verdict.as_str(), report.tokens))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_account_gets_one_verdict_and_a_failure_ends_only_its_own_account() {
    let (fleet, _) = fleet([
        Script::FailsOnSecondPage,
        Script::Tokens(3),
        Script::CannotList,
        Script::Tokens(0),
    ]);
    let fleet = fleet.with_unopened(
        Account::new("scripted", "broken"),
        Error::configuration("no key"),
    );
    let found = fleet.list_all(Query::new()).await;
    let expected = [
        ("failed", 1),
        ("complete", 3),
        ("not_listable", 0),
        ("complete", 0),
        ("failed", 0),
    ];
    assert_eq!(verdicts(&found), expected);
    assert!(!found.is_complete());
    let text = found.accounts[4].verdict.reason().unwrap();
    assert_eq!(text, "no key");
    assert_eq!(
        found.accounts[4].to_string(),
        "broken (scripted): failed: no key"
    );
    assert_eq!(
        found.accounts[2].to_string(),
        "a2 (scripted): cannot be listed"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_tokens_are_ready_leaves_the_others_their_turns() {
    let (fleet, _) = fleet([Script::Tokens(1_000), Script::Tokens(1_000)]);
    let mut inventory = fleet.inventory(Query::new());
    let mut turns = Vec::<(Account, u32)>::new();
    while let Some(InventoryEvent::Token(account, _)) = inventory.next().await {
        match turns.last_mut() {
            Some((last, tokens)) if *last == account => *tokens += 1,
            _ => turns.push((account, 1)),
        }
    }
    assert!(turns.len() > 50);
    assert!(turns.iter().all(|(_, tokens)| *tokens <= 32));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_never_answers_does_not_hold_up_the_others() {
    let (fleet, _) = fleet([Script::NeverAnswers, Script::Tokens(2), Script::Tokens(1)]);
    let mut inventory = fleet
        .with_max_concurrent_accounts(2)
        .inventory(Query::new());
    let mut finished = 0;
    while finished < 2 {
        match inventory.next().await {
            Some(InventoryEvent::Finished(report)) => {
                assert!(report.verdict.is_complete());
                finished += 1;
            }
            Some(InventoryEvent::Token(account, _)) => assert_ne!(account.name(), "a0"),
            None => panic!("a0 has not finished"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_that_never_answer_free_their_slots_after_two_seconds() {
    let hanging = (0..4).map(|_| Script::NeverAnswers);
    let (fleet, _) = fleet(hanging.chain((0..6).map(|_| Script::Tokens(1))));
    let mut inventory = fleet
        .with_max_concurrent_accounts(2)
        .inventory(Query::new());
    let start = Instant::now();
    let mut finished = 0;
    while finished < 6 {
        match inventory.next().await {
            Some(InventoryEvent::Finished(_)) => finished += 1,
            Some(InventoryEvent::Token(..)) => {}
            None => panic!("four have not finished"),
        }
    }
    // Two pairs of accounts have to run out of patience, one after the other.
    assert_eq!(start.elapsed().as_secs_f32().round(), 4.0);
}

/// Returns the account and the number of tokens of each report, in the order of the reports, with
/// the time in seconds after which it came.
async fn timed_reports(mut inventory: Inventory) -> Vec<(String, u64, f32)> {
    let start = Instant::now();
    let mut reports = Vec::new();
    while let Some(event) = inventory.next().await {
        if let InventoryEvent::Finished(report) = event {
            let tenths = (start.elapsed().as_secs_f32() * 10.0).round();
            let account = report.account.name().to_owned();
            reports.push((account, report.tokens, tenths / 10.0));
        }
    }
    reports
}

#[tokio::test(start_paused = true)]
async fn a_slow_account_delays_the_others_by_two_seconds_and_is_read_to_its_end() {
    let slow = Script::SlowPages(3, Duration::from_secs(5));
    let (fleet, _) = fleet([slow, Script::Tokens(1), Script::Tokens(1)]);
    let fleet = fleet.with_max_concurrent_accounts(1);
    let expected = [
        ("a1".to_owned(), 1, 2.0),
        ("a2".to_owned(), 1, 2.0),
        ("a0".to_owned(), 3, 15.0),
    ];
    assert_eq!(timed_reports(fleet.inventory(Query::new())).await, expected);
}

#[tokio::test(start_paused = true)]
async fn an_account_with_an_event_every_two_seconds_keeps_its_slot() {
    let steady = Script::SlowPages(3, Duration::from_millis(1500));
    let (fleet, _) = fleet([steady, Script::Tokens(1)]);
    let fleet = fleet.with_max_concurrent_accounts(1);
    let expected = [("a0".to_owned(), 3, 4.5), ("a1".to_owned(), 1, 4.5)];
    assert_eq!(timed_reports(fleet.inventory(Query::new())).await, expected);
}

#[tokio::test]
async fn accounts_of_the_same_name_keep_their_own_counts() {
    let provider = |count| {
        let provider =
            MemoryProvider::new(MemoryProfile::retaining()).with_tokens(tokens(0, count));
        Arc::new(provider) as Arc<dyn TokenProvider>
    };
    let found = Fleet::new([provider(3), provider(2)])
        .list_all(Query::new())
        .await;
    assert_eq!(verdicts(&found), [("complete", 3), ("complete", 2)]);
}

#[tokio::test]
async fn a_filter_by_account_or_provider_selects_the_tokens_of_some_accounts() {
    let (fleet, _) = fleet([Script::Tokens(1), Script::Tokens(2), Script::Tokens(3)]);
    for (filter, expected) in [
        ("account = a1", [0, 2, 0]),
        ("account in (a0, a2)", [1, 0, 3]),
        ("provider = scripted and account != a0", [0, 2, 3]),
        ("provider = other", [0, 0, 0]),
        ("not provider = other or name = x", [1, 2, 3]),
    ] {
        let query = Query::new().filter(filter.parse().unwrap());
        let found = fleet.list_all(query).await;
        let counts: Vec<_> = verdicts(&found);
        assert_eq!(
            counts,
            expected.map(|count| ("complete", count)),
            "{filter}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_accounts_are_read_at_a_time_than_allowed_and_all_are_read() {
    for max_accounts in [1, 7, 500] {
        let (fleet, in_flight) = fleet((0..300).map(|_| Script::Tokens(2)));
        let found = fleet
            .with_max_concurrent_accounts(max_accounts)
            .list_all(Query::new())
            .await;
        assert_eq!(found.tokens.len(), 600);
        assert!(found.is_complete());
        assert_eq!(in_flight.max(), max_accounts.min(300));
    }
}

#[tokio::test(start_paused = true)]
async fn pages_in_flight_are_bounded_over_all_accounts_and_by_the_query() {
    let wide = Query::new().max_concurrency(40);
    for (accounts, max_accounts, query, expected) in [
        (1, 16, Query::new(), 16),
        (1, 16, wide.clone(), 40),
        (4, 16, Query::new(), 64),
        (100, 16, Query::new(), 64),
        (100, 5, wide.clone(), 5 * 12),
        (100, 16, Query::new().max_concurrency(2), 32),
        (100, 100, wide, 100),
    ] {
        let listing = (0..accounts).map(|_| Script::Pages(50));
        // Accounts that cannot be listed take no share.
        let (fleet, in_flight) = fleet(listing.chain((0..20).map(|_| Script::CannotList)));
        let found = fleet
            .with_max_concurrent_accounts(max_accounts)
            .list_all(query)
            .await;
        assert_eq!(found.tokens.len(), accounts * 500);
        assert_eq!(in_flight.max(), expected, "{accounts}, {max_accounts}");
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_accounts_each_get_their_verdict_although_some_fail_or_hang() {
    const KINDS: [Script; 10] = [
        Script::Tokens(3),
        Script::FailsOnSecondPage,
        Script::CannotList,
        Script::SlowPages(1, Duration::from_secs(1)),
        Script::Pages(3),
        Script::Tokens(1),
        Script::Tokens(0),
        Script::Tokens(5),
        Script::Tokens(1),
        Script::Tokens(2),
    ];
    // Ten of the sixteen slots are taken by accounts that never answer.
    let hanging = (0..10).map(|_| Script::NeverAnswers);
    let others = KINDS.into_iter().cycle().take(10_000);
    let (fleet, _) = fleet(hanging.chain(others));
    let mut inventory = fleet.inventory(Query::new());
    let (mut tokens, mut verdicts) = (0, BTreeMap::new());
    while verdicts.values().sum::<u32>() < 10_000 {
        match inventory.next().await {
            Some(InventoryEvent::Token(..)) => tokens += 1,
            Some(InventoryEvent::Finished(report)) => {
                *verdicts.entry(report.verdict.as_str()).or_default() += 1;
            }
            None => panic!("ten have not finished"),
        }
    }
    let expected = [("complete", 8000), ("failed", 1000), ("not_listable", 1000)];
    assert_eq!(Vec::from_iter(verdicts), expected);
    assert_eq!(tokens, 1000 * (3 + 1 + 1 + 30 + 1 + 5 + 1 + 2));
}

#[tokio::test(start_paused = true)]
async fn accounts_that_end_without_a_request_do_not_end_the_stream() {
    let (fleet, _) = fleet((0..100).map(|_| Script::CannotList));
    let found = fleet
        .with_max_concurrent_accounts(3)
        .list_all(Query::new())
        .await;
    assert_eq!(found.accounts.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn order_offset_and_limit_apply_to_all_accounts_together() {
    let (fleet, _) = fleet([Script::Tokens(3), Script::Tokens(2)]);
    let query = Query::new()
        .sort_by(SortKey::Id, Direction::Descending)
        .offset(1)
        .limit(3);
    let found = fleet.list_all(query).await;
    let order: Vec<_> = found
        .tokens
        .iter()
        .map(|(account, token)| (account.name(), token.id.as_str()))
        .collect();
    assert_eq!(order, [("a0", "001"), ("a1", "001"), ("a0", "000")]);
    assert_eq!(verdicts(&found), [("complete", 2), ("complete", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_of_one_account_reads_only_the_pages_of_the_window() {
    let query = Query::new().offset(400).limit(10);
    for (accounts, expected) in [(1, 1), (2, 2 * 41)] {
        let (fleet, _) = fleet((0..accounts).map(|_| Script::Pages(50)));
        let found = fleet.list_all(query.clone()).await;
        let first = found.tokens[0].1.id.as_str().to_owned();
        assert_eq!((found.tokens.len(), first.as_str()), (10, "400"));
        let plans = fleet.explain(&query);
        let requests = plans
            .iter()
            .map(|(_, plan)| plan.as_ref().unwrap().requests(500));
        assert_eq!(requests.map(Option::unwrap).sum::<u64>(), expected);
    }
}

/// Returns the part of a plan that says how many pages are fetched at a time.
fn concurrency(plan: &Plan) -> Option<&'static str> {
    let text = plan.to_string();
    ["up to 32 pages at a time", "one page at a time"]
        .into_iter()
        .find(|part| text.contains(part))
}

#[tokio::test(start_paused = true)]
async fn explain_returns_the_plan_by_which_each_account_is_listed() {
    let (fleet, in_flight) = fleet([Script::Pages(50), Script::CannotList, Script::Tokens(1)]);
    let fleet = fleet.with_unopened(
        Account::new("scripted", "broken"),
        Error::configuration("no key"),
    );
    let plans = fleet.explain(&Query::new().max_concurrency(100));
    let explained: Vec<_> = (plans.iter())
        .map(|(account, plan)| (account.name(), plan.as_ref().map_err(Error::kind)))
        .map(|(name, plan)| (name, plan.map(concurrency)))
        .collect();
    let expected = [
        ("a0", Ok(Some("up to 32 pages at a time"))),
        ("a1", Err(ErrorKind::Unsupported)),
        ("a2", Ok(Some("one page at a time"))),
        ("broken", Err(ErrorKind::Configuration)),
    ];
    assert_eq!(explained, expected);
    assert_eq!(in_flight.max(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_tokens_of_one_account_come_before_its_report() {
    let (fleet, _) = fleet((0..20).map(|_| Script::Tokens(5)));
    let mut inventory = fleet.inventory(Query::new());
    let mut finished = HashSet::new();
    while let Some(event) = inventory.next().await {
        match event {
            InventoryEvent::Token(account, _) => assert!(!finished.contains(&account)),
            InventoryEvent::Finished(report) => assert!(finished.insert(report.account)),
        }
    }
    assert_eq!(finished.len(), 20);
}

#[tokio::test]
async fn undeclared_calls_never_reach_a_provider_of_a_fleet_that_checks_nothing() {
    let (provider, calls) = UncheckedProvider::new("mine");
    let fleet = Fleet::new([Arc::new(provider) as Arc<dyn TokenProvider>]);
    for provider in fleet.providers() {
        assert_every_call_is_refused(&**provider).await;
    }
    let found = fleet.list_all(Query::new()).await;
    assert_eq!(verdicts(&found), [("not_listable", 0)]);
    assert_eq!(calls.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_complete_account_that_is_not_cut_off_has_no_other_tokens() {
    let sizes = [3, 20, 0, 10];
    let scripts = [
        Script::Tokens(3),
        Script::Pages(2),
        Script::Tokens(0),
        Script::Pages(1),
    ];
    let queries = [
        Query::new(),
        Query::new().sort_by(SortKey::Id, Direction::Ascending),
    ];
    for accounts in [1, 4] {
        for (query, limit, offset) in queries.iter().flat_map(|query| {
            let limits = [None, Some(0), Some(2), Some(3), Some(20), Some(100)];
            let windows = limits.map(|limit| [0, 2, 3, 30].map(|offset| (limit, offset)));
            windows
                .into_iter()
                .flatten()
                .map(move |(limit, offset)| (query, limit, offset))
        }) {
            for first in 0..scripts.len() {
                let order = |index: usize| (first + index) % scripts.len();
                let (fleet, _) = fleet((0..accounts).map(|index| scripts[order(index)]));
                let mut query = query.clone().offset(offset);
                query.limit = limit;
                let mut inventory = fleet.inventory(query.clone());
                let mut reports = fleet.list_all(query.clone()).await.accounts;
                while let Some(event) = inventory.next().await {
                    if let InventoryEvent::Finished(report) = event {
                        reports.push(report);
                    }
                }
                assert_eq!(reports.len(), 2 * accounts);
                for report in reports {
                    let number: usize = report.account.name()[1..].parse().unwrap();
                    let size = sizes[order(number)];
                    assert!(report.verdict.is_complete(), "{report}");
                    assert!(
                        report.cut_off || report.tokens == size,
                        "{report} {query:?}"
                    );
                    let is_whole = limit.is_none() && offset == 0;
                    assert!(!is_whole || !report.cut_off, "{report}");
                    let text = report.to_string();
                    assert_eq!(text.contains("complete"), !report.cut_off, "{text}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_progress_counts_while_a_sorted_list_yields_nothing_and_ends_at_the_total() {
    let delay = Duration::from_secs(1);
    for query in [
        Query::new(),
        Query::new().sort_by(SortKey::Name, Direction::Ascending),
    ] {
        let (fleet, _) = fleet([
            Script::SlowPages(8, delay),
            Script::Pages(2),
            Script::CannotList,
        ]);
        let progress = FleetProgress::default();
        let fleet = fleet.with_progress(progress.clone());
        let mut seen = Vec::new();
        let list = fleet.list_all(query);
        tokio::pin!(list);
        loop {
            tokio::select! {
                found = &mut list => {
                    assert_eq!(found.tokens.len(), 28);
                    break;
                }
                () = tokio::time::sleep(delay) => seen.push(progress.tokens_read()),
            }
        }
        assert!(seen.len() > 5 && seen.is_sorted(), "{seen:?}");
        assert!((21..28).contains(&seen[3]), "{seen:?}");
        assert_eq!(
            (progress.tokens_read(), progress.tokens_to_read()),
            (28, Some(28))
        );
        assert_eq!(progress.accounts_finished(), 3);
    }
}

#[tokio::test]
async fn a_platform_that_counts_its_tokens_tells_how_many_there_are_to_read() {
    let (fleet, _) = fleet([Script::Pages(4), Script::Pages(2)]);
    let progress = FleetProgress::default();
    let mut inventory = fleet
        .with_progress(progress.clone())
        .inventory(Query::new());
    assert_eq!(progress.tokens_to_read(), None);
    while let Some(event) = inventory.next().await {
        if let (InventoryEvent::Finished(_), 1) = (event, progress.accounts_finished()) {
            assert_eq!(progress.tokens_to_read(), Some(60));
            assert!(progress.tokens_read() < 60);
        }
    }
    assert_eq!(
        (progress.tokens_read(), progress.tokens_to_read()),
        (60, Some(60))
    );
}
