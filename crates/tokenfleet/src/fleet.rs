//! Many accounts at once.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::adapter::Checked;
use crate::transport::Transport;
use crate::{
    Account, AccountConfiguration, AccountReport, Error, Inventory, InventoryEvent, Listing, Plan,
    Query, Registry, Result, Token, TokenProvider,
};

const ACCOUNTS_AT_A_TIME: usize = 16;

/// How many pages are under way at a time, over all accounts that are read.
const PAGES_AT_A_TIME: usize = 64;

/// Many accounts, of one platform or of several, that are asked together.
///
/// One that fails never holds up the others, and one that dawdles does so for two seconds at most: see [`Inventory`].
/// Sixteen accounts are read at a time, and 64 pages over all of them together: of a query's
/// [`max_concurrency`](Query::max_concurrency) each account gets its equal share, at least one. Needs no particular async
/// runtime beyond what the providers need. Cheap to clone.
///
/// ```
/// # use async_trait::async_trait;
/// # use tokenfleet::adapter::{Adapter, Page, PageRequest};
/// # use tokenfleet::capability::{ListCapability, Paging};
/// # use tokenfleet::*;
/// # #[derive(Debug)]
/// # struct Memory { account: Account, capabilities: Capabilities }
/// # impl Memory {
/// #     fn new(name: &str) -> std::sync::Arc<dyn TokenProvider> {
/// #         let list = ListCapability::new(Paging::Snapshot);
/// #         std::sync::Arc::new(Self {
/// #             account: Account::new("memory", name),
/// #             capabilities: Capabilities::none().with_list(list),
/// #         })
/// #     }
/// # }
/// # #[async_trait]
/// # impl Adapter for Memory {
/// #     fn account(&self) -> &Account { &self.account }
/// #     fn capabilities(&self) -> &Capabilities { &self.capabilities }
/// #     async fn list_page(&self, _: PageRequest) -> Result<Page> {
/// #         Ok(Page::last(vec![Token::new(TokenId::new("1"), TokenState::Active)]))
/// #     }
/// # }
/// # futures_executor::block_on(async {
/// let broken = Account::new("memory", "broken");
/// let fleet = Fleet::new([Memory::new("first"), Memory::new("second")])
///     .with_unopened(broken, Error::configuration("the disk is full"));
///
/// let found = fleet.list_all(Query::new()).await;
/// assert_eq!(found.tokens.len(), 2);
/// assert_eq!(found.accounts[0].to_string(), "first (memory): complete, 1 token");
/// assert_eq!(found.accounts[2].verdict.as_str(), "failed");
/// assert!(!found.is_complete());
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct Fleet {
    members: Vec<Member>,
    at_a_time: usize,
}

/// One account of a fleet.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    Open(Arc<dyn TokenProvider>),
    Unopened(Account, Error),
}

impl Member {
    pub(crate) fn account(&self) -> &Account {
        match self {
            Self::Open(provider) => provider.account(),
            Self::Unopened(account, _) => account,
        }
    }
}

/// The tokens of many accounts, collected, and a report for each account.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FleetTokens {
    /// The tokens, each with its account, in the order of the query; without one, account by account.
    pub tokens: Vec<(Account, Token)>,
    /// What became of each account, in the order of the fleet; the number is that of its tokens above.
    pub accounts: Vec<AccountReport>,
}

impl FleetTokens {
    /// Whether every account was listed completely.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.accounts
            .iter()
            .all(|report| report.verdict.is_complete())
    }
}

/// Checks every call of a provider that need not come from an adapter (law 1).
fn checked(provider: Arc<dyn TokenProvider>) -> Member {
    Member::Open(Arc::new(Checked::new(provider)))
}

impl Fleet {
    /// A fleet of these accounts, of which 16 are read at a time.
    #[must_use]
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn TokenProvider>>) -> Self {
        Self {
            members: providers.into_iter().map(checked).collect(),
            at_a_time: ACCOUNTS_AT_A_TIME,
        }
    }

    /// A fleet of configured accounts, over one transport. An account that cannot be opened is part of it as failed.
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
                // The error's own account, where the configured one holds what must not be shown.
                let shown = error.account().unwrap_or(account.account()).clone();
                Member::Unopened(shown, error)
            }
        };
        Self {
            members: accounts.into_iter().map(open).collect(),
            at_a_time: ACCOUNTS_AT_A_TIME,
        }
    }

    /// And an account that could not be opened: every inventory reports it as failed for this reason.
    #[must_use]
    pub fn with_unopened(mut self, account: Account, error: Error) -> Self {
        let error = error.with_account(&account);
        self.members.push(Member::Unopened(account, error));
        self
    }

    /// Reading that many accounts at a time, at least one. Those that have been silent for two seconds do not count.
    ///
    /// The more accounts, the fewer pages of each: beyond 64 accounts one page of each is read at a time.
    #[must_use]
    pub fn with_max_concurrent_accounts(mut self, accounts: usize) -> Self {
        self.at_a_time = accounts.max(1);
        self
    }

    /// The accounts, in order, whether they could be opened or not.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.members.iter().map(Member::account)
    }

    /// The providers of the accounts that could be opened, in order.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<dyn TokenProvider>> {
        self.members.iter().filter_map(|member| match member {
            Member::Open(provider) => Some(provider),
            Member::Unopened(..) => None,
        })
    }

    /// Walks over all accounts and yields tokens and reports as they come.
    ///
    /// Every account is asked the whole query: an order, an offset and a limit hold within each account. For a query
    /// over all accounts together see [`collect`](Self::collect).
    pub fn inventory(&self, query: Query) -> Inventory {
        let members = (0..).zip(self.members.iter().cloned()).collect();
        Inventory::new(members, self.at_a_time, self.bounded(query))
    }

    /// How [`collect`](Self::collect) would carry out a query at each account, in order, without sending anything.
    ///
    /// # Errors
    ///
    /// For an account: [`Unsupported`](crate::ErrorKind::Unsupported) where it cannot be listed,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where the query makes no sense, and why it could not be opened.
    pub fn explain(&self, query: &Query) -> Vec<(Account, Result<Plan>)> {
        let each = self.bounded(self.of_each_account(query));
        let plan = |member: &Member| match member {
            Member::Open(provider) => {
                Listing::new(&**provider, each.clone()).map(|listing| listing.plan().clone())
            }
            Member::Unopened(_, error) => Err(error.clone()),
        };
        let explain = |member| (Member::account(member).clone(), plan(member));
        self.members.iter().map(explain).collect()
    }

    /// What each account must be asked so that the window over all of them can be cut out.
    fn of_each_account(&self, query: &Query) -> Query {
        let mut each = query.clone();
        if self.members.len() > 1 {
            each.offset = 0;
            each.limit = query.limit.map(|limit| limit.saturating_add(query.offset));
        }
        each
    }

    /// The query with as many pages at a time that those of all accounts stay within their bound.
    fn bounded(&self, mut query: Query) -> Query {
        query.max_concurrency = query.max_concurrency.min(self.pages_of_each());
        query
    }

    /// An account's share of the pages under way.
    fn pages_of_each(&self) -> u32 {
        let listable = (self.providers())
            .filter(|provider| provider.capabilities().list.is_some())
            .count();
        let share = PAGES_AT_A_TIME / listable.clamp(1, self.at_a_time);
        u32::try_from(share.max(1)).unwrap_or(1)
    }

    /// Collects what a query asks for, over all accounts together: they are ordered among each other, and offset and
    /// limit count them all. Equal tokens stay in the order of the accounts.
    pub async fn list_all(&self, query: Query) -> FleetTokens {
        // By place, not by name: two accounts may bear the same.
        let mut inventory = self.inventory(self.of_each_account(&query));
        let mut tokens = Vec::new();
        let mut accounts = Vec::new();
        while let Some((place, event)) = inventory.next_with_place().await {
            match event {
                InventoryEvent::Token(account, token) => tokens.push((place, account, *token)),
                InventoryEvent::Finished(report) => accounts.push((place, report)),
            }
        }
        // Sorting is stable: within an account the order of its own walk stays.
        tokens.sort_by(|(place, _, token), (other_place, _, other)| {
            let by_query = match query.sort.is_empty() {
                true => Ordering::Equal,
                false => query.compare(token, other),
            };
            by_query.then_with(|| place.cmp(other_place))
        });
        accounts.sort_by_key(|(place, _)| *place);
        if self.members.len() > 1 {
            tokens = window(tokens, &query);
        }
        let mut counts = vec![0; self.members.len()];
        for (place, ..) in &tokens {
            counts[*place] += 1;
        }
        for (place, report) in &mut accounts {
            report.tokens = counts[*place];
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

fn window<T>(mut tokens: Vec<T>, query: &Query) -> Vec<T> {
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    tokens.drain(..offset.min(tokens.len()));
    if let Some(limit) = query.limit.and_then(|limit| usize::try_from(limit).ok()) {
        tokens.truncate(limit);
    }
    tokens
}

#[cfg(test)]
pub(crate) mod tests;
