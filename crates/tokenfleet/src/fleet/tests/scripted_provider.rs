//! A provider that plays a script and measures how many pages are in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;

use crate::adapter::{Adapter, Page, PagePosition, PageRequest};
use crate::capability::{ListCapability, OrderCapability, Paging};
use crate::*;

/// The behaviour of an account while it is listed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    /// Lists that many tokens on one page.
    Tokens(u64),
    /// Lists that many pages of ten tokens, which may be fetched concurrently.
    Pages(u64),
    /// Lists that many pages of one token, each after a delay.
    SlowPages(u64, Duration),
    /// Lists one page and then fails.
    FailsOnSecondPage,
    /// Never answers.
    NeverAnswers,
    /// Does not declare that it can list.
    CannotList,
}

impl Script {
    fn list_capability(self) -> Option<ListCapability> {
        match self {
            Self::Tokens(_) | Self::NeverAnswers => Some(ListCapability::new(Paging::Snapshot)),
            Self::SlowPages(..) | Self::FailsOnSecondPage => {
                Some(ListCapability::new(Paging::Sequential))
            }
            Self::Pages(_) => {
                let by_id = OrderCapability::new(SortKey::Id).with_exact_order();
                let list = ListCapability::new(Paging::Numbered).with_default_page_size(10);
                let list = list.with_totals().without_vanishing_tokens();
                Some(list.with_order(by_id.with_stable_keys().with_append_only()))
            }
            Self::CannotList => None,
        }
    }
}

/// The number of pages in flight over several providers, now and at most.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    now: AtomicUsize,
    max: AtomicUsize,
    /// The number over the providers of all hosts, if this is the number of one.
    at_all_hosts: Option<Arc<InFlight>>,
}

/// A page in flight, until it is dropped.
struct PageInFlight<'a>(&'a InFlight);

impl Drop for PageInFlight<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl InFlight {
    /// Returns the measure of one host, whose pages count at all hosts too.
    pub(super) fn at_one_host(all: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self {
            at_all_hosts: Some(Arc::clone(all)),
            ..Self::default()
        })
    }

    fn enter(&self) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.max.fetch_max(now, SeqCst);
        if let Some(all) = &self.at_all_hosts {
            all.enter();
        }
    }

    fn leave(&self) {
        self.now.fetch_sub(1, SeqCst);
        if let Some(all) = &self.at_all_hosts {
            all.leave();
        }
    }

    /// Returns the number of pages in flight.
    pub(super) fn now(&self) -> usize {
        self.now.load(SeqCst)
    }

    /// Returns the greatest number of pages that were in flight at once.
    pub(super) fn max(&self) -> usize {
        self.max.load(SeqCst)
    }
}

/// A provider that lists as its script says.
#[derive(Debug)]
pub(super) struct ScriptedProvider {
    account: Account,
    capabilities: Capabilities,
    script: Script,
    in_flight: Arc<InFlight>,
}

impl ScriptedProvider {
    /// Creates the provider of an account that lists as the script says.
    pub(super) fn new(account: &str, script: Script, in_flight: &Arc<InFlight>) -> Self {
        let mut capabilities = Capabilities::none();
        capabilities.list = script.list_capability();
        Self {
            account: Account::new("scripted", account),
            capabilities,
            script,
            in_flight: Arc::clone(in_flight),
        }
    }

    /// Moves the account to a host.
    pub(super) fn at(mut self, host: &str) -> Self {
        self.account = self.account.with_place(&format!("https://{host}/tokens"));
        self
    }

    async fn delay(&self) {
        match self.script {
            Script::NeverAnswers => std::future::pending().await,
            Script::SlowPages(_, delay) => tokio::time::sleep(delay).await,
            _ => {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

#[async_trait]
impl Adapter for ScriptedProvider {
    fn account(&self) -> &Account {
        &self.account
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.in_flight.enter();
        let in_flight = PageInFlight(&self.in_flight);
        self.delay().await;
        drop(in_flight);
        let number = match request.position {
            PagePosition::Number(number) => number,
            PagePosition::Token(text) => text.parse().unwrap(),
            _ => 0,
        };
        match self.script {
            Script::Tokens(count) => Ok(Page::last(tokens(0, count))),
            Script::Pages(pages) => {
                let mut page = Page::last(tokens(number * 10, 10));
                page.total = Some(pages * 10);
                page.next = (number + 1 < pages).then_some(PagePosition::Number(number + 1));
                Ok(page)
            }
            Script::SlowPages(pages, _) => Ok(single_token_page(number, number + 1 < pages)),
            Script::FailsOnSecondPage if number == 0 => Ok(single_token_page(number, true)),
            _ => Err(Error::new(
                ErrorKind::Unavailable,
                Fate::Rejected,
                "out of order",
            )),
        }
    }
}

/// Returns consecutive tokens from the first id on.
pub(super) fn tokens(first: u64, count: u64) -> Vec<Token> {
    (first..first + count)
        .map(|number| Token::new(TokenId::new(format!("{number:03}")), TokenState::Active))
        .collect()
}

fn single_token_page(number: u64, has_next: bool) -> Page {
    let mut page = Page::last(tokens(number, 1));
    page.next = has_next.then(|| PagePosition::Token((number + 1).to_string()));
    page
}
