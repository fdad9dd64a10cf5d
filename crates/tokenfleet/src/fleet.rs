//! Many accounts, read together.

use std::sync::Arc;

use crate::account_queue::{AccountLimits, AccountQueue, page_shares};
use crate::member::Member;
use crate::transport::Transport;
use crate::{
    Account, AccountConfiguration, Error, FleetProgress, FleetTokens, Inventory, InventoryEvent,
    Listing, Plan, Query, Registry, Result, TokenProvider,
};

/// Many accounts, of one platform or of several, that are read together.
///
/// A failing account never holds up the others, and a slow account delays the others by at most two
/// seconds: see [`Inventory`]. At most 16 accounts of one host are read at a time, with at most 64
/// pages in flight there, and 256 accounts in all, with at most 256 pages. Each account gets an
/// equal share of these pages, at least one and at most the query's
/// [`max_concurrency`](Query::max_concurrency). The host is that of [`Account::place`]; accounts
/// without a place count as those of one host per provider.
///
/// Every call to a provider is checked against its [capabilities](TokenProvider::capabilities)
/// first. Reading needs a tokio runtime with a timer. Cloning a fleet is cheap.
///
/// ```
/// use std::sync::Arc;
///
/// use tokenfleet::{Account, CreateToken, Error, Fleet, Query, TokenProvider};
/// use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> tokenfleet::Result<()> {
/// let provider: Arc<dyn TokenProvider> =
/// Arc::new(MemoryProvider::new(MemoryProfile::retaining()));
/// provider.create(CreateToken::new("ci")).await?;
///
/// let broken = Account::new("memory", "broken");
/// let fleet = Fleet::new([provider]).with_unopened(broken, Error::configuration("no credential"));
///
/// let list = fleet.list_all(Query::new()).await;
/// assert_eq!(list.tokens.len(), 1);
/// assert_eq!(list.accounts[0].to_string(), "retaining (memory): complete, 1 token");
/// assert_eq!(list.accounts[1].verdict.as_str(), "failed");
/// assert!(!list.is_complete());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Fleet {
    members: Vec<Member>,
    limits: AccountLimits,
    /// Shows the progress of inventories, if somebody watches it.
    progress: Option<FleetProgress>,
}

impl Fleet {
    /// Creates a fleet from the providers of its accounts.
    #[must_use]
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn TokenProvider>>) -> Self {
        Self {
            members: providers.into_iter().map(Member::open_checked).collect(),
            limits: AccountLimits::default(),
            progress: None,
        }
    }

    /// Opens configured accounts over one transport. An account that cannot be opened stays part of
    /// the fleet and is reported as failed.
    #[must_use]
    pub fn open<'a>(
        registry: &Registry,
        accounts: impl IntoIterator<Item = &'a AccountConfiguration>,
        transport: Arc<dyn Transport>,
    ) -> Self {
        let open = |account: &AccountConfiguration| match registry.open(account, transport.clone())
        {
            Ok(provider) => Member::Open(provider),
            Err(error) => {
                // The error's own account is masked where the configured one may hold a secret.
                let account = error.account().unwrap_or(account.account()).clone();
                Member::Unopened(account, error)
            }
        };
        Self {
            members: accounts.into_iter().map(open).collect(),
            limits: AccountLimits::default(),
            progress: None,
        }
    }

    /// Adds an account that could not be opened. Every inventory reports it as failed with this
    /// error.
    #[must_use]
    pub fn with_unopened(mut self, account: Account, error: Error) -> Self {
        let error = error.with_account(&account);
        self.members.push(Member::Unopened(account, error));
        self
    }

    /// Sets the maximum number of accounts that are read at a time, whatever their hosts (at least
    /// 1). By default it is 256, of which at most 16 are of one host. Accounts without an event for
    /// two seconds do not count.
    ///
    /// The more accounts are read at a time, the fewer pages of each are in flight: with 64
    /// accounts of one host or more, or 256 in all, one page of each. Each page takes a connection,
    /// unless the transport shares or bounds them.
    #[must_use]
    pub fn with_max_concurrent_accounts(mut self, accounts: usize) -> Self {
        self.limits = AccountLimits {
            in_all: accounts.max(1),
            per_host: accounts.max(1),
        };
        self
    }

    /// Sets the maximum number of accounts of one host that are read at a time (at least 1, by
    /// default 16), and leaves the maximum over all hosts as it is.
    #[must_use]
    pub fn with_max_concurrent_accounts_per_host(mut self, accounts: usize) -> Self {
        self.limits.per_host = accounts.max(1);
        self
    }

    /// Shows the progress of the inventories that this fleet reads, one at a time.
    #[must_use]
    pub fn with_progress(mut self, progress: FleetProgress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Returns all accounts in order, opened or not.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.members.iter().map(Member::account)
    }

    /// Returns the providers of the accounts that could be opened, in order.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<dyn TokenProvider>> {
        self.members.iter().filter_map(|member| match member {
            Member::Open(provider) => Some(provider),
            Member::Unopened(..) => None,
        })
    }

    /// Lists all accounts concurrently and yields tokens and reports as they arrive.
    ///
    /// The query applies to each account on its own, including its order, offset and limit. To
    /// apply it to all accounts together, see [`list_all`](Self::list_all).
    pub fn inventory(&self, query: Query) -> Inventory {
        let queue = AccountQueue::new(&self.members, self.limits);
        Inventory::new(queue, query, self.progress.clone().unwrap_or_default())
    }

    /// Returns the plan by which [`list_all`](Self::list_all) would list each account, in order.
    /// Nothing is sent.
    ///
    /// # Errors
    ///
    /// Each account has its own result: [`Unsupported`](crate::ErrorKind::Unsupported) if it cannot
    /// be listed, [`InvalidInput`](crate::ErrorKind::InvalidInput) if the query is invalid, or the
    /// error with which it could not be opened.
    pub fn explain(&self, query: &Query) -> Vec<(Account, Result<Plan>)> {
        let query = self.query_per_account(query);
        let plan = |member: &Member, pages: u32| match member {
            Member::Open(provider) => {
                let mut query = query.clone();
                query.max_concurrency = query.max_concurrency.min(pages);
                Listing::new(&**provider, query).map(|listing| listing.plan().clone())
            }
            Member::Unopened(_, error) => Err(error.clone()),
        };
        let explain = |(member, pages)| (Member::account(member).clone(), plan(member, pages));
        let shares = page_shares(&self.members, self.limits);
        self.members.iter().zip(shares).map(explain).collect()
    }

    /// Returns the query for each account that yields enough tokens to apply the offset and limit
    /// of `query` to all accounts together. A single account can apply them itself.
    fn query_per_account(&self, query: &Query) -> Query {
        let mut per_account = query.clone();
        if self.members.len() > 1 {
            per_account.offset = 0;
            per_account.limit = query.limit.map(|limit| limit.saturating_add(query.offset));
        }
        per_account
    }

    /// Lists the tokens that match a query, over all accounts together: the order, offset and limit
    /// apply to the merged list. Tokens that the order does not tell apart stay in the order of
    /// their accounts.
    pub async fn list_all(&self, query: Query) -> FleetTokens {
        // Accounts are told apart by index, not by name: two may have the same name.
        let mut inventory = self.inventory(self.query_per_account(&query));
        let mut tokens = Vec::new();
        let mut accounts = Vec::new();
        while let Some((index, event)) = inventory.next_with_index().await {
            match event {
                InventoryEvent::Token(account, token) => tokens.push((index, account, *token)),
                InventoryEvent::Finished(report) => accounts.push((index, report)),
            }
        }
        if query.sort.is_empty() {
            // The sort is stable, so the tokens of one account keep the order of its listing.
            tokens.sort_by_key(|(index, ..)| *index);
        } else {
            // No two tokens are equal, and a stable sort would hold half of them twice.
            tokens.sort_unstable_by(|(index, _, token), (other_index, _, other)| {
                let by_query = query.compare(token, other);
                by_query.then_with(|| index.cmp(other_index))
            });
        }
        accounts.sort_by_key(|(index, _)| *index);
        if self.members.len() > 1 {
            tokens = apply_window(tokens, &query);
        }
        let mut counts = vec![0; self.members.len()];
        for (index, ..) in &tokens {
            counts[*index] += 1;
        }
        for (index, report) in &mut accounts {
            report.cut_off |= report.tokens > counts[*index];
            report.tokens = counts[*index];
        }
        FleetTokens {
            tokens: tokens
                .into_iter()
                .map(|(_, account, token)| (account, token))
                .collect(),
            accounts: accounts.into_iter().map(|(_, report)| report).collect(),
        }
    }
}

/// Applies the offset and limit of a query.
fn apply_window<T>(mut tokens: Vec<T>, query: &Query) -> Vec<T> {
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    tokens.drain(..offset.min(tokens.len()));
    if let Some(limit) = query.limit.and_then(|limit| usize::try_from(limit).ok()) {
        tokens.truncate(limit);
    }
    tokens
}

#[cfg(test)]
mod tests;
