//! Reading the pages of a listing in an order that loses nothing.
//!
//! A walker sends nothing: it says which page to read next and takes the page that was read.

use std::collections::HashSet;

use crate::cursor::invalid;
use crate::{
    Completeness, Cursor, Error, Fate, Page, PagePosition, PageRequest, PartialReason, Plan,
    Result, SortKey, Token, TokenId, Walk,
};

/// How many pages without anything new are borne where totals cannot explain them.
const STALE_PAGES: u32 = 3;

#[derive(Debug)]
pub(crate) struct Walker {
    walk: Walk,
    protected: bool,
    request: PageRequest,
    next: Next,
    pages_read: u64,
    /// How many pages in a row held nothing new and no growth explained it.
    stale_pages: u32,
    total: Option<u64>,
    seen: Seen,
    partial: Option<PartialReason>,
    /// The page whose tokens are being consumed and the total when it was read, for the cursor.
    consumed: (PagePosition, Option<u64>),
}

#[derive(Debug)]
enum Next {
    /// The first page; a backward walk learns from it how many there are.
    Start,
    Read(PagePosition),
    /// Tokens were created between this page and the one above it, which is read again in case one slipped onto it.
    Reread {
        number: u64,
        held: Page,
    },
    Done,
}

/// Which tokens were handed out, so that each is handed out once.
#[derive(Debug)]
enum Seen {
    /// In ascending order of ids all up to this one were seen.
    UpTo(Option<TokenId>),
    /// In descending order of ids all down to this one were seen.
    DownTo(Option<TokenId>),
    Each(HashSet<TokenId>),
}

impl Seen {
    /// Whether the token is new, and from now on it is not.
    fn admit(&mut self, id: &TokenId) -> bool {
        match self {
            Self::UpTo(last) if last.as_ref().is_none_or(|last| id > last) => {
                *last = Some(id.clone());
                true
            }
            Self::DownTo(last) if last.as_ref().is_none_or(|last| id < last) => {
                *last = Some(id.clone());
                true
            }
            Self::UpTo(_) | Self::DownTo(_) => false,
            Self::Each(ids) => ids.insert(id.clone()),
        }
    }
}

impl Walker {
    pub(crate) fn new(plan: &Plan) -> Self {
        let by_id = plan
            .pushed_order
            .is_some_and(|order| order.key == SortKey::Id);
        Self {
            walk: plan.walk,
            protected: plan.protected,
            request: plan.request(),
            next: Next::Start,
            pages_read: 0,
            stale_pages: 0,
            total: None,
            seen: match (plan.walk, by_id && plan.protected) {
                (_, false) => Seen::Each(HashSet::new()),
                (Walk::Forward, true) => Seen::UpTo(None),
                (Walk::Backward, true) => Seen::DownTo(None),
            },
            partial: None,
            consumed: (PagePosition::First, None),
        }
    }

    /// Goes on at the page that the cursor was taken on.
    pub(crate) fn resume(plan: &Plan, cursor: &Cursor) -> Result<Self> {
        let mut walker = Self::new(plan);
        match (&cursor.position, plan.walk) {
            (PagePosition::First, _) => {}
            (PagePosition::Token(_), Walk::Backward) => {
                return Err(invalid("the cursor belongs to another way of reading"));
            }
            (position, _) => {
                walker.next = Next::Read(position.clone());
                walker.request.size = cursor.size;
                walker.total = cursor.total;
                walker.consumed = (position.clone(), cursor.total);
            }
        }
        Ok(walker)
    }

    /// The page to read next; `None` when all are read.
    pub(crate) fn wants(&self) -> Option<PageRequest> {
        let position = match &self.next {
            Next::Start => PagePosition::First,
            Next::Read(position) => position.clone(),
            Next::Reread { number, .. } => PagePosition::Number(number + 1),
            Next::Done => return None,
        };
        Some(self.request.clone().at(position))
    }

    /// Takes the page that was wanted and returns its tokens, without those handed out before.
    pub(crate) fn accept(&mut self, page: Page) -> Result<Vec<Token>> {
        self.check(&page)?;
        self.pages_read += 1;
        match (std::mem::replace(&mut self.next, Next::Done), self.walk) {
            (Next::Start, Walk::Backward) => self.start_backward(page),
            (Next::Start, Walk::Forward) => self.forward(PagePosition::First, page),
            (Next::Read(position), Walk::Forward) => self.forward(position, page),
            (Next::Read(PagePosition::Number(number)), Walk::Backward) => {
                self.backward(number, page)
            }
            (Next::Reread { number, held }, _) => {
                self.consumed = (PagePosition::Number(number + 1), self.total);
                let mut tokens = self.admit_reversed(page);
                tokens.extend(self.admit_reversed(held));
                self.go_below(number);
                Ok(tokens)
            }
            (Next::Read(_) | Next::Done, _) => Ok(Vec::new()),
        }
    }

    pub(crate) fn completeness(&self) -> Completeness {
        match self.partial {
            Some(reason) => Completeness::Partial(reason),
            None => Completeness::Complete,
        }
    }

    /// The page being consumed, the size it counts in, and the total when it was read.
    pub(crate) fn place(&self) -> (PagePosition, Option<u32>, Option<u64>) {
        let (position, total) = self.consumed.clone();
        (position, self.request.size, total)
    }

    fn forward(&mut self, position: PagePosition, page: Page) -> Result<Vec<Token>> {
        if matches!(position, PagePosition::First) {
            self.adopt_size(&page);
        }
        let grew = page.total > self.total;
        self.total = page.total;
        self.consumed = (position, page.total);
        if page.next.is_some() && page.tokens.is_empty() {
            return Err(violation(
                "the platform sent an empty page and says that more follow",
            ));
        }
        let received = page.tokens.len();
        let mut tokens = page.tokens;
        tokens.retain(|token| self.seen.admit(&token.id));
        // Tokens that were created before this page move others onto it that were seen on the page before.
        self.stale_pages = match tokens.is_empty() && received > 0 && !grew {
            true => self.stale_pages + 1,
            false => 0,
        };
        if self.stale_pages > 0
            && page.next.is_some()
            && (self.protected || self.stale_pages > STALE_PAGES)
        {
            return Err(violation("the platform sent the same page twice"));
        }
        if self.pages_read > 1 && !self.protected {
            self.partial.get_or_insert(PartialReason::UnprotectedPaging);
        }
        self.next = page.next.map_or(Next::Done, Next::Read);
        Ok(tokens)
    }

    fn start_backward(&mut self, page: Page) -> Result<Vec<Token>> {
        self.adopt_size(&page);
        self.total = page.total;
        let size = self
            .request
            .size
            .map_or(page.tokens.len() as u64, u64::from);
        match (page.next.is_some(), page.total) {
            (false, _) => Ok(self.admit_reversed(page)),
            (true, Some(total)) if size > 0 && total > 0 => {
                let last = (total - 1) / size;
                self.consumed = (PagePosition::Number(last), page.total);
                self.next = Next::Read(PagePosition::Number(last));
                Ok(Vec::new())
            }
            (true, _) => Err(violation(
                "the platform says that more follow, but not how many",
            )),
        }
    }

    fn backward(&mut self, number: u64, page: Page) -> Result<Vec<Token>> {
        let created = match (self.total, page.total) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => {
                return Err(violation(
                    "the platform stopped saying how many tokens there are",
                ));
            }
        };
        self.total = page.total;
        if created > u64::from(self.request.size.unwrap_or(u32::MAX)) {
            self.partial = Some(PartialReason::TooManyCreated);
        }
        if created > 0 {
            self.next = Next::Reread { number, held: page };
            return Ok(Vec::new());
        }
        self.consumed = (PagePosition::Number(number), page.total);
        let tokens = self.admit_reversed(page);
        self.go_below(number);
        Ok(tokens)
    }

    fn go_below(&mut self, number: u64) {
        self.next = match number.checked_sub(1) {
            Some(below) => Next::Read(PagePosition::Number(below)),
            None => Next::Done,
        };
    }

    fn admit_reversed(&mut self, page: Page) -> Vec<Token> {
        let mut tokens = page.tokens;
        tokens.reverse();
        tokens.retain(|token| self.seen.admit(&token.id));
        tokens
    }

    /// A platform that gives smaller first pages than asked for counts in its own size from then on.
    fn adopt_size(&mut self, page: &Page) {
        let received = u32::try_from(page.tokens.len()).unwrap_or(u32::MAX);
        match (page.size, self.request.size) {
            (Some(applied), _) if applied > 0 => self.request.size = Some(applied),
            (_, Some(asked)) if page.next.is_some() && (1..asked).contains(&received) => {
                self.request.size = Some(received);
            }
            _ => {}
        }
    }

    /// Refuses an answer that would make the walk skip tokens.
    fn check(&self, page: &Page) -> Result<()> {
        let wanted = self.wants().and_then(|request| request.number());
        match (wanted, page.number) {
            (Some(wanted), Some(got)) if wanted != got => {
                return Err(violation(&format!(
                    "the platform was asked for page {wanted} and sent page {got}"
                )));
            }
            _ => {}
        }
        if !matches!(self.next, Next::Start)
            && page.size.is_some()
            && page.size != self.request.size
        {
            return Err(violation(
                "the platform changed the page size between two pages",
            ));
        }
        let ascending = page.tokens.windows(2).all(|pair| pair[0].id < pair[1].id);
        if !matches!(self.seen, Seen::Each(_)) && !ascending {
            return Err(violation(
                "the platform was asked to order by id and did not",
            ));
        }
        Ok(())
    }
}

fn violation(message: &str) -> Error {
    Error::protocol_violation(Fate::Rejected, message)
        .with_advice("no part of a listing is shown as the whole: report this to the platform")
}
