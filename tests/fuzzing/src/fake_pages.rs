//! A provider in memory whose pages are wrong in the ways that an input chooses.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arbitrary::Arbitrary;
use async_trait::async_trait;
use tokenfleet::adapter::{Adapter, Page, PagePosition, PageRequest};
use tokenfleet::capability::{FilterCapability, ListCapability, OrderCapability, Paging};
use tokenfleet::{
    Account, Capabilities, Error, ErrorKind, Fact, Fate, Query, Result, SortKey, Token, TokenId,
    TokenState,
};

/// Far more requests than any listing of so few tokens needs, whatever the pages say.
const MAX_REQUESTS: usize = 10_000;
/// The page size if none is requested.
const DEFAULT_SIZE: u32 = 20;

/// The list capability that a platform declares.
#[derive(Debug, Clone, Arbitrary)]
pub(crate) struct Declaration {
    paging: u8,
    totals: bool,
    tokens_vanish: bool,
    order: u8,
    max_size: Option<u8>,
    default_size: Option<u8>,
    filters: bool,
}

impl Declaration {
    /// Returns a declaration as the adapters make them.
    ///
    /// 0 is read backward by id, 1 and 2 are read forward by id and by name, 3 is a chain of pages,
    /// 4 is a snapshot, and 5 a keyset.
    pub(crate) fn typical(number: u8) -> Self {
        Self {
            paging: match number {
                3 => 2,
                4 => 1,
                5 => 3,
                _ => 0,
            },
            totals: true,
            tokens_vanish: number == 0,
            order: if number == 2 { 3 } else { 0 },
            max_size: None,
            default_size: None,
            filters: true,
        }
    }

    pub(crate) fn list(&self) -> ListCapability {
        let mut list = ListCapability::new(match self.paging % 4 {
            1 => Paging::Snapshot,
            2 => Paging::Sequential,
            3 => Paging::Keyset,
            _ => Paging::Numbered,
        });
        let by_id = OrderCapability::new(SortKey::Id)
            .with_exact_order()
            .with_stable_keys();
        let by_name = OrderCapability::new(SortKey::Name).with_stable_keys();
        list = match self.order % 6 {
            0 => list.with_order(by_id.with_append_only()),
            1 => list.with_order(by_id),
            2 => list
                .with_order(by_id.with_append_only())
                .with_order(by_name),
            3 => list.with_order(by_name),
            4 => list.with_order(OrderCapability::new(SortKey::Name).with_exact_order()),
            _ => list,
        };
        list.totals = self.totals;
        list.tokens_vanish = self.tokens_vanish;
        list.max_page_size = self.max_size.map(|size| u32::from(size).max(1));
        list.default_page_size = self.default_size.map(u32::from);
        if self.filters {
            list = list.with_filters(FilterCapability::for_names().with_combinations());
        }
        list
    }
}

/// A fault of one response.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum PageFault {
    None,
    /// Adds this number to the total.
    Total(i16),
    HugeTotal,
    NoTotal,
    /// Omits the token at that index of the page.
    Omit(u8),
    /// Replaces the token at the first index of the page by the platform's token at the second.
    Repeat(u8, u8),
    Reverse,
    /// Returns another page than requested, and may say so.
    OtherPage(u8, bool),
    Number(i8),
    NoNumber,
    /// Returns fewer tokens than requested, and may say so.
    Clamp(u8, bool),
    Size(Option<u32>),
    NoEnd,
    End,
    Next(u8),
    NextToken,
    Create(u16),
    Delete(u8),
    Fail,
    /// Delays the response by this many milliseconds, so that later requests overtake it.
    Delay(u8),
}

impl PageFault {
    /// Returns `true` if a platform with only such responses counts each of its tokens.
    pub(crate) fn keeps_totals(self) -> bool {
        !matches!(
            self,
            Self::Total(_) | Self::HugeTotal | Self::NoTotal | Self::Create(_) | Self::Delete(_)
        )
    }
}

/// A provider whose n-th response has the n-th fault.
#[derive(Debug)]
pub(crate) struct FakePages {
    account: Account,
    capabilities: Capabilities,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    paging: Paging,
    ids: BTreeSet<u16>,
    faults: Vec<PageFault>,
    /// `true` if the faults start over after the last one.
    repeat_faults: bool,
    requests: usize,
}

impl FakePages {
    pub(crate) fn new(
        list: ListCapability,
        ids: BTreeSet<u16>,
        faults: Vec<PageFault>,
        repeat_faults: bool,
    ) -> Self {
        let paging = list.paging;
        Self {
            account: Account::new("fake", "fuzzed"),
            capabilities: Capabilities::none().with_list(list),
            state: Mutex::new(State {
                paging,
                ids,
                faults,
                repeat_faults,
                requests: 0,
            }),
        }
    }
}

pub(crate) fn token(id: u16) -> Token {
    let mut token = Token::new(TokenId::new(id.to_string()), TokenState::Active);
    // The order by name differs from that by id, and some names are equal.
    token.name = Fact::Known((id % 7).to_string());
    token
}

impl State {
    /// Returns the requested page and the delay after which it arrives.
    fn respond(&mut self, request: &PageRequest) -> Result<(Page, Duration)> {
        let index = match (self.repeat_faults, self.faults.len()) {
            (true, count @ 1..) => self.requests % count,
            _ => self.requests,
        };
        let fault = self.faults.get(index).copied().unwrap_or(PageFault::None);
        self.requests += 1;
        assert!(self.requests < MAX_REQUESTS, "a listing must end");
        match fault {
            PageFault::Create(id) => {
                self.ids.insert(id);
            }
            PageFault::Delete(index) => {
                let id = self.ids.iter().nth(usize::from(index)).copied();
                id.map(|id| self.ids.remove(&id));
            }
            PageFault::Fail => {
                let message = "the platform is out of order";
                return Err(Error::new(ErrorKind::Unavailable, Fate::Rejected, message));
            }
            _ => {}
        }
        let mut page = self.page(request, fault);
        self.distort(&mut page, fault);
        let delay = match fault {
            PageFault::Delay(milliseconds) => Duration::from_millis(milliseconds.into()),
            _ => Duration::ZERO,
        };
        Ok((page, delay))
    }

    fn page(&self, request: &PageRequest, fault: PageFault) -> Page {
        let mut query = Query::new().sort_by_keys(request.sort);
        query.filter.clone_from(&request.filter);
        let all = query.evaluate(self.ids.iter().copied().map(token).collect());
        let requested = match &request.position {
            PagePosition::Token(text) => text.parse().unwrap_or(0),
            _ => request.number().unwrap_or(0),
        };
        let number = match fault {
            PageFault::OtherPage(other, _) => u64::from(other),
            _ => requested,
        };
        let requested_size = request.size.unwrap_or(DEFAULT_SIZE).max(1);
        let size = match fault {
            PageFault::Clamp(size, _) => u32::from(size).clamp(1, requested_size),
            _ => requested_size,
        };
        let start = match &request.position {
            PagePosition::Token(last) if self.paging == Paging::Keyset => {
                self.count_up_to(&query, last)
            }
            _ => number.saturating_mul(u64::from(size)),
        };
        let end = start.saturating_add(u64::from(size));
        let mut page = Page::default();
        page.total = Some(all.len() as u64);
        page.number = Some(match fault {
            PageFault::OtherPage(other, true) => u64::from(other),
            _ => requested,
        });
        page.size = Some(match fault {
            PageFault::Clamp(_, true) => size,
            _ => requested_size,
        });
        if end < all.len() as u64 {
            let next = number.saturating_add(1);
            page.next = Some(match self.paging {
                Paging::Numbered => PagePosition::Number(next),
                Paging::Keyset => {
                    let last = usize::try_from(end.saturating_sub(1)).ok();
                    let last = last.and_then(|last| all.get(last));
                    PagePosition::Token(last.map_or_else(String::new, |last| last.id.to_string()))
                }
                _ => PagePosition::Token(next.to_string()),
            });
        }
        let first = usize::try_from(start).unwrap_or(usize::MAX);
        page.tokens = all
            .iter()
            .skip(first)
            .take(size as usize)
            .cloned()
            .collect();
        page
    }

    /// Returns the number of tokens up to and including the last one of a page, which may be gone.
    fn count_up_to(&self, query: &Query, last: &str) -> u64 {
        let Ok(last) = last.parse::<u16>() else {
            return 0;
        };
        let mut ids = self.ids.clone();
        let is_gone = ids.insert(last);
        let all = query.evaluate(ids.into_iter().map(token).collect());
        let place = all.iter().position(|other| *other == token(last));
        place.map_or(0, |place| place as u64 + u64::from(!is_gone))
    }

    fn distort(&self, page: &mut Page, fault: PageFault) {
        let total = self.ids.len() as u64;
        match fault {
            PageFault::Total(by) => page.total = Some(total.saturating_add_signed(by.into())),
            PageFault::HugeTotal => page.total = Some(u64::MAX >> (self.requests % 40)),
            PageFault::NoTotal => page.total = None,
            PageFault::Omit(index) if usize::from(index) < page.tokens.len() => {
                page.tokens.remove(index.into());
            }
            PageFault::Repeat(index, other) => {
                let id = self.ids.iter().nth(usize::from(other));
                if let (Some(place), Some(id)) = (page.tokens.get_mut(usize::from(index)), id) {
                    *place = token(*id);
                }
            }
            PageFault::Reverse => page.tokens.reverse(),
            PageFault::Number(by) => {
                let number = page.number.unwrap_or(0);
                page.number = Some(number.saturating_add_signed(by.into()));
            }
            PageFault::NoNumber => page.number = None,
            PageFault::Size(size) => page.size = size,
            PageFault::NoEnd => {
                page.next = Some(PagePosition::Number(page.number.unwrap_or(0) + 1));
            }
            PageFault::End => page.next = None,
            PageFault::Next(number) => page.next = Some(PagePosition::Number(number.into())),
            PageFault::NextToken => {
                page.next = Some(PagePosition::Token(
                    (page.number.unwrap_or(0) + 1).to_string(),
                ));
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Adapter for FakePages {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let response = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .respond(&request);
        let (page, delay) = response?;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok(page)
    }
}
