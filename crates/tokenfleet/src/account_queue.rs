//! The accounts that wait to be read, and how many are read at a time: per host and in all.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::Account;
use crate::member::Member;

/// The time without an event after which an account no longer delays the accounts that wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The maximum number of pages in flight at one host, over all of its accounts.
const MAX_PAGES_PER_HOST: usize = 64;

/// The maximum number of pages in flight, over all accounts that are being read.
const MAX_PAGES: usize = 256;

/// The maximum numbers of accounts that are read at a time (decision 0040).
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountLimits {
    pub(crate) in_all: usize,
    pub(crate) per_host: usize,
}

impl Default for AccountLimits {
    fn default() -> Self {
        Self {
            in_all: 256,
            per_host: 16,
        }
    }
}

/// An account that waits to be read.
#[derive(Debug)]
pub(crate) struct WaitingAccount {
    /// The index of the account in the fleet.
    pub(crate) index: usize,
    pub(crate) member: Member,
    /// The account's share of the pages in flight.
    pub(crate) pages: u32,
}

/// The accounts of one host.
#[derive(Debug, Default)]
struct Host {
    waiting: VecDeque<WaitingAccount>,
    active: usize,
}

/// An account that is being read.
#[derive(Debug)]
struct ActiveAccount {
    host: usize,
    /// The time of its last event. It is kept up to date only while other accounts wait.
    last_event: Instant,
}

/// The accounts of an inventory that wait, and those that are active.
#[derive(Debug)]
pub(crate) struct AccountQueue {
    limits: AccountLimits,
    hosts: Vec<Host>,
    /// The host of each account, by the account's index.
    host_of: Vec<usize>,
    /// The hosts at which an account may start, by the index of that account.
    ready: BTreeMap<usize, usize>,
    waiting: usize,
    active: HashMap<usize, ActiveAccount>,
}

impl AccountQueue {
    /// Creates the queue of all members, none of which has started.
    pub(crate) fn new(members: &[Member], limits: AccountLimits) -> Self {
        let shares = page_shares(members, limits);
        let mut numbers = HashMap::new();
        let mut queue = Self {
            limits,
            hosts: Vec::new(),
            host_of: Vec::with_capacity(members.len()),
            ready: BTreeMap::new(),
            waiting: members.len(),
            active: HashMap::new(),
        };
        for (index, (member, pages)) in members.iter().zip(shares).enumerate() {
            let host = *numbers.entry(host(member.account())).or_insert_with(|| {
                queue.hosts.push(Host::default());
                queue.hosts.len() - 1
            });
            queue.host_of.push(host);
            if queue.hosts[host].waiting.is_empty() {
                queue.ready.insert(index, host);
            }
            queue.hosts[host].waiting.push_back(WaitingAccount {
                index,
                member: member.clone(),
                pages,
            });
        }
        queue
    }

    /// Returns how many accounts wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns how many accounts are active.
    pub(crate) fn active(&self) -> usize {
        self.active.len()
    }

    /// Returns whether an account may start now.
    pub(crate) fn has_free_slot(&self) -> bool {
        self.active.len() < self.limits.in_all && !self.ready.is_empty()
    }

    /// Starts the first account, in the order of the fleet, that the limits allow.
    pub(crate) fn start_next(&mut self) -> Option<WaitingAccount> {
        if !self.has_free_slot() {
            return None;
        }
        let (_, host) = self.ready.pop_first()?;
        let account = self.hosts.get_mut(host)?.waiting.pop_front()?;
        self.waiting -= 1;
        self.activate(account.index);
        self.offer(host);
        Some(account)
    }

    /// Records an event of an account. A slow account becomes active again.
    pub(crate) fn on_event(&mut self, index: usize) {
        if self.waiting > 0 {
            self.activate(index);
        }
    }

    /// Records that an account has ended.
    pub(crate) fn on_finished(&mut self, index: usize) {
        if let Some(account) = self.active.remove(&index) {
            self.release(account.host);
        }
    }

    /// Lets go of the active accounts that are out of patience, and returns when the next one is,
    /// if there is any.
    pub(crate) fn release_slow(&mut self) -> Option<Instant> {
        let is_slow = |account: &ActiveAccount| account.last_event.elapsed() >= PATIENCE;
        let slow = self.active.extract_if(|_, account| is_slow(account));
        let hosts: Vec<_> = slow.map(|(_, account)| account.host).collect();
        hosts.into_iter().for_each(|host| self.release(host));
        let oldest = self.active.values().map(|account| account.last_event).min();
        oldest.map(|oldest| oldest + PATIENCE)
    }

    fn activate(&mut self, index: usize) {
        let host = self.host_of[index];
        let last_event = Instant::now();
        let account = ActiveAccount { host, last_event };
        if self.active.insert(index, account).is_none() {
            self.hosts[host].active += 1;
            if self.hosts[host].active >= self.limits.per_host
                && let Some(first) = self.hosts[host].waiting.front()
            {
                self.ready.remove(&first.index);
            }
        }
    }

    fn release(&mut self, host: usize) {
        self.hosts[host].active -= 1;
        self.offer(host);
    }

    /// Has the first waiting account of a host start when it is its turn, if the host allows it.
    fn offer(&mut self, host: usize) {
        let Host { waiting, active } = &self.hosts[host];
        if let Some(first) = waiting.front().filter(|_| *active < self.limits.per_host) {
            self.ready.insert(first.index, host);
        }
    }
}

/// Returns the host of an account's place, with its scheme and port. Accounts that name no place
/// are taken for those of one host per provider.
pub(crate) fn host(account: &Account) -> &str {
    let place = account.place().unwrap_or_else(|| account.provider());
    let authority = place.find("://").map_or(0, |scheme| scheme + 3);
    let end = place[authority..].find(['/', '?', '#', ' ']);
    &place[..end.map_or(place.len(), |end| authority + end)]
}

/// Returns each account's share of the pages in flight, at least one: an equal part of what its
/// host may be asked for, and of what may be in flight in all.
pub(crate) fn page_shares(members: &[Member], limits: AccountLimits) -> Vec<u32> {
    let mut listable = HashMap::<_, usize>::new();
    for member in members {
        if let Member::Open(provider) = member
            && provider.capabilities().list.is_some()
        {
            *listable.entry(host(member.account())).or_default() += 1;
        }
    }
    let in_all = listable.values().sum::<usize>().clamp(1, limits.in_all);
    let share = |member: &Member| {
        let at_host = listable.get(host(member.account())).copied();
        let at_host = at_host.unwrap_or(1).min(limits.per_host).min(in_all);
        let share = (MAX_PAGES_PER_HOST / at_host).min(MAX_PAGES / in_all);
        u32::try_from(share.max(1)).unwrap_or(1)
    };
    members.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_place_is_its_scheme_name_and_port() {
        for (place, expected) in [
            ("https://api.losant.com/me/tokens", "https://api.losant.com"),
            (
                "https://a.example:8443/api/users/4 of x",
                "https://a.example:8443",
            ),
            ("http://[::1]:80", "http://[::1]:80"),
            ("https://a.example of somebody", "https://a.example"),
            ("somewhere", "somewhere"),
            ("", ""),
        ] {
            let account = Account::new("losant", "iot").with_place(place);
            assert_eq!(host(&account), expected);
        }
        let account = Account::new("ours", "iot");
        assert_eq!(host(&account), "ours");
    }
}
