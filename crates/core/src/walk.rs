//! Reading the pages of a listing in an order that loses nothing.
//!
//! A walker sends nothing: it says which page to read next and takes the page that was read.

use crate::cursor::invalid;
use crate::seen::{Admission, Seen};
use crate::{
    Completeness, Cursor, Error, ErrorKind, Fate, Page, PagePosition, PageRequest, PartialReason,
    Plan, Result, SortKey, Token, Walk,
};

/// How many pages without anything new are borne where nothing else tells a platform that repeats itself.
const STALE_PAGES: u64 = 3;

/// How many pages more than the first total implies are read of a set that keeps growing.
const GROWTH_PAGES: u64 = 10_000;

#[derive(Debug)]
pub(crate) struct Walker {
    plan: Plan,
    request: PageRequest,
    next: Next,
    seen: Seen,
    /// The total at first and as of the page before.
    first_total: Option<u64>,
    total: Option<u64>,
    /// How many tokens were seen to come into being.
    created: u64,
    handed_out: u64,
    pages_read: u64,
    /// How many tokens came again, and how many pages in a row held nothing new.
    repeated: u64,
    stale_pages: u64,
    /// Whether this page was read again because it contradicted itself.
    asked_again: bool,
    resumed: bool,
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

impl Walker {
    pub(crate) fn new(plan: &Plan) -> Self {
        let by_id = plan
            .pushed_order
            .is_some_and(|order| order.key == SortKey::Id);
        Self {
            request: plan.request(),
            next: Next::Start,
            seen: match (plan.walk, by_id && plan.protected) {
                (_, false) => Seen::Each(Default::default()),
                (Walk::Forward, true) => Seen::UpTo(None),
                (Walk::Backward, true) => Seen::down_to(),
            },
            first_total: None,
            total: None,
            created: 0,
            handed_out: 0,
            pages_read: 0,
            repeated: 0,
            stale_pages: 0,
            asked_again: false,
            resumed: false,
            partial: None,
            consumed: (PagePosition::First, None),
            plan: plan.clone(),
        }
    }

    /// Goes on at the page that the cursor was taken on.
    pub(crate) fn resume(plan: &Plan, cursor: &Cursor) -> Result<Self> {
        let mut walker = Self::new(plan);
        match (&cursor.position, plan.walk) {
            (PagePosition::First, _) => return Ok(walker),
            (PagePosition::Token(_), Walk::Backward) => {
                return Err(invalid("the cursor belongs to another way of reading"));
            }
            (position, _) => walker.next = Next::Read(position.clone()),
        }
        walker.request.size = cursor.size;
        if !cursor.filtered {
            walker.request.filter = None;
        }
        walker.total = cursor.total;
        walker.first_total = cursor.total;
        walker.consumed = (cursor.position.clone(), cursor.total);
        walker.resumed = true;
        // What happened on the pages before while nobody looked is not known.
        let unknown = (!plan.protected).then_some(PartialReason::UnprotectedPaging);
        walker.partial = cursor.partial.clone().or(unknown);
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
        if matches!(self.next, Next::Start) {
            if self.filter_is_in_the_way(&page) {
                self.request.filter = None;
                return Ok(Vec::new());
            }
            self.adopt_size(&page);
            self.first_total = page.total;
            self.total = page.total;
        }
        self.check_growth(&page)?;
        if self.contradicts_itself(&page) {
            if !std::mem::replace(&mut self.asked_again, true) {
                return Ok(Vec::new());
            }
            if page.tokens.is_empty() {
                return Err(violation(
                    "the platform counts tokens on a page that it shows empty",
                ));
            }
            self.partial = Some(PartialReason::ContradictoryTotals);
        }
        self.asked_again = false;
        let tokens = match (
            std::mem::replace(&mut self.next, Next::Done),
            self.plan.walk,
        ) {
            (Next::Start, Walk::Backward) => self.start_backward(page),
            (Next::Start, Walk::Forward) => self.forward(PagePosition::First, page),
            (Next::Read(position), Walk::Forward) => self.forward(position, page),
            (Next::Read(PagePosition::Number(number)), Walk::Backward) => {
                self.backward(number, page)
            }
            (Next::Reread { number, held }, Walk::Backward) => Ok(self.rejoin(number, page, held)),
            _ => Err(violation("a page came that was not asked for")),
        }?;
        self.handed_out += tokens.len() as u64;
        if matches!(self.next, Next::Done) {
            self.check_end();
        }
        Ok(tokens)
    }

    pub(crate) fn completeness(&self) -> Completeness {
        match &self.partial {
            Some(reason) => Completeness::Partial(reason.clone()),
            None => Completeness::Complete,
        }
    }

    /// Where a cursor points.
    pub(crate) fn mark(&self, cursor: &mut Cursor) {
        (cursor.position, cursor.total) = self.consumed.clone();
        cursor.size = self.request.size;
        cursor.filtered = self.request.filter.is_some();
        cursor.partial.clone_from(&self.partial);
    }

    fn forward(&mut self, position: PagePosition, page: Page) -> Result<Vec<Token>> {
        self.grow(page.total);
        self.consumed = (position, page.total);
        if page.next.is_some() && page.tokens.is_empty() {
            return Err(violation(
                "the platform sent an empty page and says that more follow",
            ));
        }
        let received = page.tokens.len() as u64;
        let mut tokens = page.tokens;
        tokens.retain(|token| self.seen.admit(&token.id) == Admission::New);
        self.repeated += received - tokens.len() as u64;
        self.stale_pages = match tokens.is_empty() && received > 0 {
            true => self.stale_pages + 1,
            false => 0,
        };
        // Where nothing vanishes, each token that is created before this page moves one onto it that was seen.
        let explained = if self.plan.appends { 0 } else { self.created };
        if (self.plan.protected && self.repeated > explained && !self.resumed)
            || (!self.plan.protected && self.stale_pages > STALE_PAGES)
        {
            return Err(violation(
                "the platform sent tokens of one page on another page again",
            ));
        }
        if !self.plan.protected && (page.next.is_some() || self.pages_read > 1) {
            self.partial.get_or_insert(PartialReason::UnprotectedPaging);
        }
        self.next = page.next.map_or(Next::Done, Next::Read);
        Ok(tokens)
    }

    fn start_backward(&mut self, page: Page) -> Result<Vec<Token>> {
        match (page.next.is_some(), page.total, self.request.size) {
            (false, _, _) => Ok(self.admit_reversed(page)),
            (true, Some(total), Some(size)) if total > 0 => {
                let last = (total - 1) / u64::from(size.max(1));
                self.consumed = (PagePosition::Number(last), page.total);
                self.next = Next::Read(PagePosition::Number(last));
                Ok(Vec::new())
            }
            _ => Err(violation(
                "the platform says that more follow, but not how many",
            )),
        }
    }

    fn backward(&mut self, number: u64, page: Page) -> Result<Vec<Token>> {
        if page.total.is_none() {
            return Err(violation(
                "the platform stopped saying how many tokens there are",
            ));
        }
        if self.grow(page.total) > 0 {
            self.next = Next::Reread { number, held: page };
            return Ok(Vec::new());
        }
        self.consumed = (PagePosition::Number(number), page.total);
        self.go_below(number);
        let tokens = self.admit_reversed(page);
        Ok(tokens)
    }

    /// Takes the page above, read again, and then the page that was held back for it.
    fn rejoin(&mut self, number: u64, above: Page, held: Page) -> Vec<Token> {
        self.consumed = (PagePosition::Number(number + 1), self.total);
        let mut tokens = self.admit_reversed(above);
        tokens.extend(self.admit_reversed(held));
        self.go_below(number);
        tokens
    }

    /// The next page below that can hold tokens: many may have been deleted.
    fn go_below(&mut self, number: u64) {
        let size = u64::from(self.request.size.unwrap_or(1).max(1));
        let last = match self.total {
            Some(0) => None,
            Some(total) => Some((total - 1) / size),
            None => Some(u64::MAX),
        };
        self.next = match (number.checked_sub(1), last) {
            (Some(below), Some(last)) => Next::Read(PagePosition::Number(below.min(last))),
            _ => Next::Done,
        };
    }

    fn admit_reversed(&mut self, page: Page) -> Vec<Token> {
        let mut tokens = page.tokens;
        let on_page = tokens.iter().map(|token| token.id.clone()).collect();
        tokens.reverse();
        tokens.retain(|token| match self.seen.admit(&token.id) {
            Admission::New => true,
            Admission::Repeated => false,
            Admission::Unexpected => {
                self.partial = Some(PartialReason::UnexpectedOrder);
                true
            }
        });
        self.seen.turn_page(on_page);
        tokens
    }

    /// Notes the total of a page and says by how much it grew since the page before.
    fn grow(&mut self, total: Option<u64>) -> u64 {
        let grown = match (self.total, total) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => 0,
        };
        self.total = total;
        self.created = self.created.saturating_add(grown);
        grown
    }

    /// Whether a filter must be dropped: more than a page matches, and what matches may change, or the platform counts
    /// also what does not match.
    fn filter_is_in_the_way(&self, page: &Page) -> bool {
        let counts_more = page
            .total
            .is_some_and(|total| total > page.tokens.len() as u64);
        self.request.filter.is_some()
            && self.plan.filter_for_one_page
            && (page.next.is_some() || counts_more)
    }

    /// A platform that gives fewer tokens than asked for, and has more, is asked for as many from then on.
    fn adopt_size(&mut self, page: &Page) {
        let received = u32::try_from(page.tokens.len()).unwrap_or(u32::MAX);
        let more =
            page.next.is_some() || page.total.is_some_and(|total| total > u64::from(received));
        if more && received > 0 && self.request.size.is_none_or(|asked| received < asked) {
            self.request.size = Some(received);
        }
    }

    /// Whether a page holds fewer tokens, or more, than its own total says.
    fn contradicts_itself(&self, page: &Page) -> bool {
        let number = self.wants().and_then(|request| request.number());
        let received = page.tokens.len() as u64;
        match (number, self.request.size, page.total) {
            // All at once is more than was asked for, and everything.
            (Some(0), _, Some(total)) if received == total => false,
            (Some(number), Some(size), Some(total)) => {
                let size = u64::from(size);
                let expected = total.saturating_sub(number.saturating_mul(size)).min(size);
                received != expected
            }
            (Some(0), None, Some(total)) => received != total && page.next.is_none(),
            _ => false,
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
        let ascending = page.tokens.windows(2).all(|pair| pair[0].id < pair[1].id);
        if self.seen.follows_ids() && !ascending {
            return Err(violation(
                "the platform was asked to order by id and did not",
            ));
        }
        Ok(())
    }

    /// Gives up on a set that grows faster than it can be read.
    fn check_growth(&self, page: &Page) -> Result<()> {
        let size = u64::from(self.request.size.unwrap_or(1).max(1));
        let implied = self.first_total.unwrap_or_default() / size;
        let bound = implied.saturating_mul(2).saturating_add(GROWTH_PAGES);
        if page.total.is_some() && self.pages_read > bound {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                Fate::Rejected,
                "the listing grows faster than it can be read",
            ));
        }
        Ok(())
    }

    /// At the end, no more tokens may be counted than were handed out or came into being meanwhile.
    fn check_end(&mut self) {
        let accounted_for = self.handed_out.saturating_add(self.created);
        if !self.resumed && self.total.is_some_and(|total| total > accounted_for) {
            self.partial
                .get_or_insert(PartialReason::ContradictoryTotals);
        }
    }
}

fn violation(message: &str) -> Error {
    Error::protocol_violation(Fate::Rejected, message)
        .with_advice("no part of a listing is shown as the whole: report this to the platform")
}

#[cfg(test)]
mod tests;
