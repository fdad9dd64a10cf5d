//! A provider whose pages lie as an input says.

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

/// Far more than any walk over so few tokens needs, whatever it is told.
const MOST_REQUESTS: usize = 10_000;
/// Where no size is asked for.
const USUAL_SIZE: u32 = 20;

/// What the platform declares.
#[derive(Debug, Clone, Arbitrary)]
pub(crate) struct Kind {
    paging: u8,
    totals: bool,
    vanish: bool,
    order: u8,
    largest: Option<u8>,
    usual: Option<u8>,
    filters: bool,
}

impl Kind {
    /// Declared as the adapters do: 0 is read backwards, 1 and 2 forwards, by id and by name, 3 is a chain of pages, and 4
    /// comes at once.
    pub(crate) fn usual(number: u8) -> Self {
        Self {
            paging: match number {
                3 => 2,
                4 => 1,
                _ => 0,
            },
            totals: true,
            vanish: number == 0,
            order: if number == 2 { 3 } else { 0 },
            largest: None,
            usual: None,
            filters: true,
        }
    }

    pub(crate) fn list(&self) -> ListCapability {
        let mut list = ListCapability::new(match self.paging % 4 {
            1 => Paging::Snapshot,
            2 => Paging::Sequential,
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
        list.tokens_vanish = self.vanish;
        list.max_page_size = self.largest.map(|size| u32::from(size).max(1));
        list.default_page_size = self.usual.map(u32::from);
        if self.filters {
            list = list.with_filters(FilterCapability::for_names().with_combinations());
        }
        list
    }
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum Lie {
    Nothing,
    /// Counts more tokens than there are, or fewer.
    Total(i16),
    HugeTotal,
    NoTotal,
    /// Leaves the token at that place of the page out.
    Drop(u8),
    /// Shows a token of the shelf in that place.
    Repeat(u8, u8),
    Reverse,
    /// Answers another page than was asked for, and perhaps says so.
    OtherPage(u8, bool),
    Number(i8),
    NoNumber,
    /// Gives fewer tokens a page than asked for, and perhaps says so.
    Clamp(u8, bool),
    Size(Option<u32>),
    NoEnd,
    End,
    Next(u8),
    NextToken,
    Create(u16),
    Delete(u8),
    Fail,
    /// Comes later than what was asked for after it.
    Late(u8),
}

impl Lie {
    /// Whether, with all answers like this one, the platform counts each of its tokens.
    pub(crate) fn counts_all(self) -> bool {
        !matches!(
            self,
            Self::Total(_) | Self::HugeTotal | Self::NoTotal | Self::Create(_) | Self::Delete(_)
        )
    }
}

#[derive(Debug)]
pub(crate) struct Shelf {
    account: Account,
    capabilities: Capabilities,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ids: BTreeSet<u16>,
    lies: Vec<Lie>,
    /// Whether they begin anew when all were told.
    again: bool,
    requests: usize,
}

impl Shelf {
    pub(crate) fn new(
        list: ListCapability,
        ids: BTreeSet<u16>,
        lies: Vec<Lie>,
        again: bool,
    ) -> Self {
        Self {
            account: Account::new("shelf", "fuzzed"),
            capabilities: Capabilities::none().with_list(list),
            state: Mutex::new(State {
                ids,
                lies,
                again,
                requests: 0,
            }),
        }
    }
}

pub(crate) fn token(id: u16) -> Token {
    let mut token = Token::new(TokenId::new(id.to_string()), TokenState::Active);
    // In another order than the ids, and some the same.
    token.name = Fact::Known((id % 7).to_string());
    token
}

impl State {
    /// The page, and how long it takes to come.
    fn answer(&mut self, request: &PageRequest) -> Result<(Page, Duration)> {
        let told = match (self.again, self.lies.len()) {
            (true, count @ 1..) => self.requests % count,
            _ => self.requests,
        };
        let lie = self.lies.get(told).copied().unwrap_or(Lie::Nothing);
        self.requests += 1;
        assert!(self.requests < MOST_REQUESTS, "a walk must end");
        match lie {
            Lie::Create(id) => {
                self.ids.insert(id);
            }
            Lie::Delete(at) => {
                let id = self.ids.iter().nth(usize::from(at)).copied();
                id.map(|id| self.ids.remove(&id));
            }
            Lie::Fail => {
                let message = "the platform is out of order";
                return Err(Error::new(ErrorKind::Unavailable, Fate::Rejected, message));
            }
            _ => {}
        }
        let mut query = Query::new().sort_by_keys(request.sort);
        query.filter.clone_from(&request.filter);
        let all = query.evaluate(self.ids.iter().copied().map(token).collect());
        let asked = match &request.position {
            PagePosition::Token(text) => text.parse().unwrap_or(0),
            _ => request.number().unwrap_or(0),
        };
        let number = match lie {
            Lie::OtherPage(other, _) => u64::from(other),
            _ => asked,
        };
        let wanted = request.size.unwrap_or(USUAL_SIZE).max(1);
        let size = match lie {
            Lie::Clamp(size, _) => u32::from(size).clamp(1, wanted),
            _ => wanted,
        };
        let start = number.saturating_mul(u64::from(size));
        let end = start.saturating_add(u64::from(size));
        let mut page = Page::default();
        page.total = Some(all.len() as u64);
        page.number = Some(match lie {
            Lie::OtherPage(other, true) => u64::from(other),
            _ => asked,
        });
        page.size = Some(match lie {
            Lie::Clamp(_, true) => size,
            _ => wanted,
        });
        let chained = matches!(request.position, PagePosition::Token(_));
        let position = |number: u64| match chained {
            true => PagePosition::Token(number.to_string()),
            false => PagePosition::Number(number),
        };
        page.next = (end < all.len() as u64).then(|| position(number.saturating_add(1)));
        let first = usize::try_from(start).unwrap_or(usize::MAX);
        page.tokens = all
            .iter()
            .skip(first)
            .take(size as usize)
            .cloned()
            .collect();
        self.distort(&mut page, lie);
        let late = match lie {
            Lie::Late(milliseconds) => Duration::from_millis(milliseconds.into()),
            _ => Duration::ZERO,
        };
        Ok((page, late))
    }

    fn distort(&self, page: &mut Page, lie: Lie) {
        let total = self.ids.len() as u64;
        match lie {
            Lie::Total(by) => page.total = Some(total.saturating_add_signed(by.into())),
            Lie::HugeTotal => page.total = Some(u64::MAX >> (self.requests % 40)),
            Lie::NoTotal => page.total = None,
            Lie::Drop(at) if usize::from(at) < page.tokens.len() => {
                page.tokens.remove(at.into());
            }
            Lie::Repeat(at, which) => {
                let id = self.ids.iter().nth(usize::from(which));
                if let (Some(place), Some(id)) = (page.tokens.get_mut(usize::from(at)), id) {
                    *place = token(*id);
                }
            }
            Lie::Reverse => page.tokens.reverse(),
            Lie::Number(by) => {
                let number = page.number.unwrap_or(0);
                page.number = Some(number.saturating_add_signed(by.into()));
            }
            Lie::NoNumber => page.number = None,
            Lie::Size(size) => page.size = size,
            Lie::NoEnd => page.next = Some(PagePosition::Number(page.number.unwrap_or(0) + 1)),
            Lie::End => page.next = None,
            Lie::Next(number) => page.next = Some(PagePosition::Number(number.into())),
            Lie::NextToken => {
                page.next = Some(PagePosition::Token(
                    (page.number.unwrap_or(0) + 1).to_string(),
                ));
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Adapter for Shelf {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        let answer = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(&request);
        let (page, late) = answer?;
        if !late.is_zero() {
            tokio::time::sleep(late).await;
        }
        Ok(page)
    }
}
