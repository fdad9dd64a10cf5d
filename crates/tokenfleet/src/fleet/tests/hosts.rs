//! Laws of how many accounts and pages are read at a time, per host and in all.

use super::*;

/// Returns a fleet with so many accounts of each host, in this order, the measure of each host's
/// pages in flight, and that of all.
fn fleet_of_hosts(
    hosts: impl IntoIterator<Item = usize>,
    script: Script,
) -> (Fleet, Vec<Arc<InFlight>>, Arc<InFlight>) {
    let all = Arc::<InFlight>::default();
    let (mut providers, mut measures) = (Vec::new(), Vec::new());
    for (host, accounts) in hosts.into_iter().enumerate() {
        let in_flight = InFlight::at_one_host(&all);
        for account in 0..accounts {
            let name = format!("h{host}-{account}");
            let provider = ScriptedProvider::new(&name, script, &in_flight);
            let provider = provider.at(&format!("h{host}.example:8443"));
            providers.push(Arc::new(provider) as Arc<dyn TokenProvider>);
        }
        measures.push(in_flight);
    }
    (Fleet::new(providers), measures, all)
}

fn maxima(measures: &[Arc<InFlight>]) -> Vec<usize> {
    measures.iter().map(|in_flight| in_flight.max()).collect()
}

const SECOND: Script = Script::SlowPages(1, Duration::from_secs(1));

#[tokio::test(start_paused = true)]
async fn the_accounts_of_one_host_wait_for_each_other_and_not_those_of_other_hosts() {
    let (fleet, measures, all) = fleet_of_hosts([100, 5, 1], SECOND);
    let reports = timed_reports(fleet.inventory(Query::new())).await;
    assert_eq!(reports.len(), 106);
    for (account, tokens, seconds) in reports {
        assert_eq!(tokens, 1);
        let (host, number) = account.split_once('-').unwrap();
        let waits = if host == "h0" {
            number.parse::<u8>().unwrap() / 16
        } else {
            0
        };
        assert_eq!(seconds, f32::from(waits) + 1.0, "{account}");
    }
    assert_eq!(maxima(&measures), [16, 5, 1]);
    assert_eq!(all.max(), 22);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_hosts_are_read_256_at_a_time() {
    let (fleet, measures, all) = fleet_of_hosts((0..1_000).map(|_| 1), SECOND);
    let start = Instant::now();
    let found = fleet.list_all(Query::new()).await;
    assert_eq!(start.elapsed().as_secs_f32().round(), 4.0);
    assert!(found.is_complete());
    let accounts = found.accounts.iter().map(|report| report.account.name());
    assert!(accounts.eq(fleet.accounts().map(Account::name)), "in order");
    assert_eq!(all.max(), 256);
    assert!(maxima(&measures).iter().all(|max| *max == 1));
}

#[tokio::test(start_paused = true)]
async fn the_limits_in_all_and_per_host_are_configurable_and_both_hold() {
    for (in_all, per_host, expected) in [
        (None, None, (16, 48)),
        (Some(10), None, (10, 10)),
        (None, Some(3), (3, 9)),
        (Some(7), Some(3), (3, 7)),
        (Some(40), None, (30, 40)),
        (Some(0), Some(0), (1, 1)),
    ] {
        let (mut fleet, measures, all) = fleet_of_hosts([30, 30, 30], SECOND);
        if let Some(in_all) = in_all {
            fleet = fleet.with_max_concurrent_accounts(in_all);
        }
        if let Some(per_host) = per_host {
            fleet = fleet.with_max_concurrent_accounts_per_host(per_host);
        }
        assert_eq!(fleet.list_all(Query::new()).await.tokens.len(), 90);
        let at_one_host = maxima(&measures).into_iter().max().unwrap();
        assert_eq!(
            (at_one_host, all.max()),
            expected,
            "{in_all:?} {per_host:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_host_gets_more_pages_at_a_time_than_if_it_were_the_only_one() {
    let wide = || Query::new().max_concurrency(100);
    for hosts in [
        vec![1],
        vec![1, 1, 1],
        vec![4, 1],
        vec![40, 40],
        vec![1; 20],
        vec![1; 300],
    ] {
        let (fleet, measures, all) = fleet_of_hosts(hosts.clone(), Script::Pages(80));
        let found = fleet.list_all(wide()).await;
        assert_eq!(found.tokens.len(), hosts.iter().sum::<usize>() * 800);
        let most = maxima(&measures).into_iter().max().unwrap();
        assert!(most <= 64 && all.max() <= 256, "{hosts:?}");
        // Hosts do not share the pages of one.
        assert!(hosts.len() == 1 || all.max() > 64, "{hosts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_account_gives_its_place_at_its_host_to_the_next() {
    let slow = Script::SlowPages(1, Duration::from_secs(10));
    let (fleet, measures, _) = fleet_of_hosts([3, 1], slow);
    let fleet = fleet.with_max_concurrent_accounts_per_host(1);
    let ends = timed_reports(fleet.inventory(Query::new())).await;
    let ends: Vec<_> = (ends.iter())
        .map(|(name, _, end)| (name.as_str(), *end))
        .collect();
    let expected = [
        ("h0-0", 10.0),
        ("h1-0", 10.0),
        ("h0-1", 12.0),
        ("h0-2", 14.0),
    ];
    assert_eq!(ends, expected);
    assert_eq!(maxima(&measures), [3, 1]);
}

#[tokio::test(start_paused = true)]
async fn dropping_an_inventory_ends_every_request() {
    let (fleet, _, all) = fleet_of_hosts((0..300).map(|_| 2), Script::NeverAnswers);
    let mut inventory = fleet.inventory(Query::new());
    let next = tokio::time::timeout(Duration::from_secs(1), inventory.next()).await;
    assert!(next.is_err());
    assert_eq!(all.now(), 256);
    drop(inventory);
    assert_eq!(all.now(), 0);
}
