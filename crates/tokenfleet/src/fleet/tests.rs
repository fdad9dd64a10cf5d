//! Fleets of accounts in memory.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use futures_executor::block_on;

use crate::adapter::{Adapter, Page, PagePosition, PageRequest};
use crate::capability::{ListCapability, OrderCapability, Paging};
use crate::config::Settings;
use crate::transport::{Body, Transport, TransportError};
use crate::*;

/// A transport that must not be used.
pub(crate) fn transport() -> Arc<dyn Transport> {
    #[derive(Debug)]
    struct Unused;

    #[async_trait]
    impl Transport for Unused {
        async fn send(
            &self,
            _: ::http::Request<Bytes>,
        ) -> Result<::http::Response<Body>, TransportError> {
            panic!("opening an account sends nothing")
        }
    }
    Arc::new(Unused)
}

/// What an account does when it is read.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    Lists(u64),
    /// Lists that many pages of ten, side by side.
    ListsPages(u64),
    /// Takes its time.
    Dawdles,
    /// Yields one page and then fails.
    Breaks,
    /// Never answers.
    Hangs,
    CannotList,
}

#[derive(Debug)]
struct Memory {
    account: Account,
    capabilities: Capabilities,
    behaviour: Behaviour,
    reading: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[async_trait]
impl Adapter for Memory {
    fn account(&self) -> &Account {
        &self.account
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let reading = self.reading.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(reading, SeqCst);
        let pauses = match self.behaviour {
            Behaviour::Dawdles => 100,
            _ => 3,
        };
        for _ in 0..pauses {
            yield_once().await;
        }
        if matches!(self.behaviour, Behaviour::Hangs) {
            std::future::pending::<()>().await;
        }
        self.reading.fetch_sub(1, SeqCst);
        let token =
            |number: u64| Token::new(TokenId::new(format!("{:03}", number)), TokenState::Active);
        match (self.behaviour, request.position) {
            (Behaviour::Lists(count), _) => Ok(Page::last((0..count).map(token).collect())),
            (Behaviour::Dawdles, _) => Ok(Page::last(vec![token(1)])),
            (Behaviour::ListsPages(pages), position) => {
                let number = match position {
                    PagePosition::Number(number) => number,
                    _ => 0,
                };
                let mut page = Page::last((number * 10..number * 10 + 10).map(token).collect());
                page.total = Some(pages * 10);
                page.next = (number + 1 < pages).then_some(PagePosition::Number(number + 1));
                Ok(page)
            }
            (_, PagePosition::First) => {
                let mut page = Page::last(vec![token(1)]);
                page.next = Some(PagePosition::Token("more".into()));
                Ok(page)
            }
            _ => Err(Error::new(
                ErrorKind::Unavailable,
                Fate::Rejected,
                "out of order",
            )),
        }
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A fleet of accounts that do as told, and the greatest number of pages that were read at once.
fn fleet(behaviours: impl IntoIterator<Item = Behaviour>) -> (Fleet, Arc<AtomicUsize>) {
    let reading = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let provider = |(number, behaviour)| {
        let list = match behaviour {
            Behaviour::Breaks => Some(ListCapability::new(Paging::Sequential)),
            Behaviour::CannotList => None,
            Behaviour::ListsPages(_) => {
                let by_id = OrderCapability::new(SortKey::Id).with_exact_order();
                let list = ListCapability::new(Paging::Numbered).with_default_page_size(10);
                let list = list.with_totals().without_vanishing_tokens();
                Some(list.with_order(by_id.with_stable_keys().with_append_only()))
            }
            _ => Some(ListCapability::new(Paging::Snapshot)),
        };
        let mut capabilities = Capabilities::none();
        capabilities.list = list;
        Arc::new(Memory {
            account: Account::new("memory", &format!("a{number}")),
            capabilities,
            behaviour,
            reading: Arc::clone(&reading),
            most: Arc::clone(&most),
        }) as Arc<dyn TokenProvider>
    };
    let fleet = Fleet::new(behaviours.into_iter().enumerate().map(provider));
    (fleet, most)
}

fn verdicts(found: &FleetTokens) -> Vec<(&str, u64)> {
    let reports = found.accounts.iter();
    reports
        .map(|report| (report.verdict.as_str(), report.tokens))
        .collect()
}

#[test]
fn every_account_gets_one_verdict_and_a_failing_one_ends_only_itself() {
    let (fleet, _) = fleet([
        Behaviour::Breaks,
        Behaviour::Lists(3),
        Behaviour::CannotList,
        Behaviour::Lists(0),
    ]);
    let fleet = fleet.with_unopened(
        Account::new("memory", "broken"),
        Error::configuration("no key"),
    );
    let found = block_on(fleet.list_all(Query::new()));
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
        "broken (memory): failed: no key"
    );
    assert_eq!(
        found.accounts[2].to_string(),
        "a2 (memory): cannot be listed"
    );
}

#[test]
fn an_account_that_never_answers_holds_up_nobody() {
    let (fleet, _) = fleet([Behaviour::Hangs, Behaviour::Lists(2), Behaviour::Lists(1)]);
    let mut inventory = fleet
        .with_max_concurrent_accounts(2)
        .inventory(Query::new());
    let mut finished = 0;
    block_on(async {
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
    });
}

#[test]
fn accounts_that_never_answer_give_their_turn_to_those_that_wait() {
    let hanging = (0..4).map(|_| Behaviour::Hangs);
    let (fleet, _) = fleet(hanging.chain((0..6).map(|_| Behaviour::Lists(1))));
    let mut inventory = fleet
        .with_max_concurrent_accounts(2)
        .inventory(Query::new());
    let mut finished = 0;
    block_on(async {
        while finished < 6 {
            match inventory.next().await {
                Some(InventoryEvent::Finished(_)) => finished += 1,
                Some(InventoryEvent::Token(..)) => {}
                None => panic!("four have not finished"),
            }
        }
    });
}

#[test]
fn accounts_of_the_same_name_keep_their_own_counts() {
    let (one, _) = fleet([Behaviour::Lists(3)]);
    let (other, _) = fleet([Behaviour::Lists(2)]);
    let both = one.providers().chain(other.providers()).cloned();
    let found = block_on(Fleet::new(both).list_all(Query::new()));
    assert_eq!(verdicts(&found), [("complete", 3), ("complete", 2)]);
}

#[test]
fn no_more_accounts_are_read_at_a_time_than_allowed_and_all_are_read() {
    for at_a_time in [1, 7, 500] {
        let (fleet, most) = fleet((0..300).map(|_| Behaviour::Lists(2)));
        let found = block_on(
            fleet
                .with_max_concurrent_accounts(at_a_time)
                .list_all(Query::new()),
        );
        assert_eq!(found.tokens.len(), 600);
        assert!(found.is_complete());
        assert_eq!(most.load(SeqCst), at_a_time.min(300));
    }
}

#[test]
fn the_pages_under_way_are_bounded_over_all_accounts_and_never_more_than_the_query_allows() {
    let wide = Query::new().max_concurrency(40);
    for (accounts, at_a_time, query, expected) in [
        (1, 16, Query::new(), 16),
        (1, 16, wide.clone(), 40),
        (4, 16, Query::new(), 64),
        (100, 16, Query::new(), 64),
        (100, 5, wide.clone(), 5 * 12),
        (100, 16, Query::new().max_concurrency(2), 32),
        (100, 100, wide, 100),
    ] {
        let listing = (0..accounts).map(|_| Behaviour::ListsPages(50));
        // What cannot be listed takes no share.
        let (fleet, most) = fleet(listing.chain((0..20).map(|_| Behaviour::CannotList)));
        let found = block_on(
            fleet
                .with_max_concurrent_accounts(at_a_time)
                .list_all(query),
        );
        assert_eq!(found.tokens.len(), accounts * 500);
        assert_eq!(most.load(SeqCst), expected, "{accounts}, {at_a_time}");
    }
}

#[test]
fn thousands_of_accounts_each_get_their_verdict_whatever_becomes_of_some() {
    const KINDS: [Behaviour; 10] = [
        Behaviour::Lists(3),
        Behaviour::Breaks,
        Behaviour::CannotList,
        Behaviour::Dawdles,
        Behaviour::ListsPages(3),
        Behaviour::Lists(1),
        Behaviour::Lists(0),
        Behaviour::Lists(5),
        Behaviour::Lists(1),
        Behaviour::Lists(2),
    ];
    // Those that never answer stand in everybody's way.
    let hanging = (0..10).map(|_| Behaviour::Hangs);
    let others = KINDS.into_iter().cycle().take(10_000);
    let (fleet, _) = fleet(hanging.chain(others));
    let mut inventory = fleet.inventory(Query::new());
    let (mut tokens, mut verdicts) = (0, std::collections::BTreeMap::new());
    block_on(async {
        while verdicts.values().sum::<u32>() < 10_000 {
            match inventory.next().await {
                Some(InventoryEvent::Token(..)) => tokens += 1,
                Some(InventoryEvent::Finished(report)) => {
                    *verdicts.entry(report.verdict.as_str()).or_default() += 1;
                }
                None => panic!("ten have not finished"),
            }
        }
    });
    let expected = [("complete", 8000), ("failed", 1000), ("not_listable", 1000)];
    assert_eq!(Vec::from_iter(verdicts), expected);
    assert_eq!(tokens, 1000 * (3 + 1 + 1 + 30 + 1 + 5 + 1 + 2));
}

#[test]
fn accounts_whose_verdict_is_known_at_once_do_not_end_the_stream() {
    let (fleet, _) = fleet((0..100).map(|_| Behaviour::CannotList));
    let found = block_on(fleet.with_max_concurrent_accounts(3).list_all(Query::new()));
    assert_eq!(found.accounts.len(), 100);
}

#[test]
fn an_order_an_offset_and_a_limit_hold_over_all_accounts_together() {
    let (fleet, _) = fleet([Behaviour::Lists(3), Behaviour::Lists(2)]);
    let query = Query::new()
        .sort_by(SortKey::Id, Direction::Descending)
        .offset(1)
        .limit(3);
    let found = block_on(fleet.list_all(query));
    let order: Vec<_> = found
        .tokens
        .iter()
        .map(|(account, token)| (account.name(), token.id.as_str()))
        .collect();
    assert_eq!(order, [("a0", "001"), ("a1", "001"), ("a0", "000")]);
    assert_eq!(verdicts(&found), [("complete", 2), ("complete", 1)]);
}

#[test]
fn a_fleet_of_one_account_reads_the_pages_of_the_window_and_no_others() {
    let query = Query::new().offset(400).limit(10);
    for (accounts, expected) in [(1, 1), (2, 2 * 41)] {
        let (fleet, _) = fleet((0..accounts).map(|_| Behaviour::ListsPages(50)));
        let found = block_on(fleet.list_all(query.clone()));
        let first = found.tokens[0].1.id.as_str().to_owned();
        assert_eq!((found.tokens.len(), first.as_str()), (10, "400"));
        let plans = fleet.explain(&query);
        let requests = plans
            .iter()
            .map(|(_, plan)| plan.as_ref().unwrap().requests(500));
        assert_eq!(requests.map(Option::unwrap).sum::<u64>(), expected);
    }
}

#[test]
fn a_fleet_explains_each_account_as_it_would_be_read() {
    let (fleet, most) = fleet([
        Behaviour::ListsPages(50),
        Behaviour::CannotList,
        Behaviour::Lists(1),
    ]);
    let fleet = fleet.with_unopened(
        Account::new("memory", "broken"),
        Error::configuration("no key"),
    );
    let plans = fleet.explain(&Query::new().max_concurrency(100));
    let width = |plan: &Plan| {
        let text = plan.to_string();
        ["up to 32 pages at a time", "one page at a time"]
            .into_iter()
            .find(|width| text.contains(width))
    };
    let told: Vec<_> = (plans.iter())
        .map(|(account, plan)| (account.name(), plan.as_ref().map_err(Error::kind)))
        .map(|(name, plan)| (name, plan.map(|plan| width(plan))))
        .collect();
    let expected = [
        ("a0", Ok(Some("up to 32 pages at a time"))),
        ("a1", Err(ErrorKind::Unsupported)),
        ("a2", Ok(Some("one page at a time"))),
        ("broken", Err(ErrorKind::Configuration)),
    ];
    assert_eq!(told, expected);
    assert_eq!(most.load(SeqCst), 0);
}

#[test]
fn the_tokens_of_one_account_come_before_its_report() {
    let (fleet, _) = fleet((0..20).map(|_| Behaviour::Lists(5)));
    let mut inventory = fleet.inventory(Query::new());
    let finished = Mutex::new(std::collections::HashSet::new());
    block_on(async {
        while let Some(event) = inventory.next().await {
            let mut finished = finished.lock().unwrap();
            match event {
                InventoryEvent::Token(account, _) => assert!(!finished.contains(&account)),
                InventoryEvent::Finished(report) => assert!(finished.insert(report.account)),
            }
        }
    });
    assert_eq!(finished.into_inner().unwrap().len(), 20);
}

#[test]
fn an_unknown_provider_is_refused_with_the_nearest_name() {
    let mut registry = Registry::empty();
    let open = |registry: &Registry, provider: &str| {
        let account = AccountConfiguration::new("mine", provider);
        registry
            .open(&account, transport())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        open(&registry, "vault"),
        "mine (vault): there is no provider \"vault\"; no provider is registered",
    );
    registry.register("vault", |_: &str, _: &mut Settings, _| {
        Err::<Arc<dyn TokenProvider>, _>(Error::unsupported("left out"))
    });
    assert_eq!(
        open(&registry, "valut"),
        "mine (valut): there is no provider \"valut\"; did you mean `vault`?",
    );
}

#[cfg(not(feature = "foreman"))]
#[test]
fn a_provider_that_is_not_compiled_in_is_named_with_its_feature() {
    let account = AccountConfiguration::new("infra", "foreman");
    let error = Registry::with_builtin().open(&account, transport());
    assert_eq!(
        error.unwrap_err().to_string(),
        "infra (foreman): the provider \"foreman\" is not compiled into this program; \
         build tokenfleet with the cargo feature \"foreman\"",
    );
}
