//! Reading the pages of a listing in an order that loses nothing.
//!
//! A walker sends nothing: it says which pages to read next, several at a time where that is safe, takes the pages that
//! were read in whatever order they come, and hands out their tokens in its own.

mod concurrency;
mod dedup;
mod emit;
mod in_flight;
mod probe;
mod schedule;
mod tail_watch;
mod validate;

use crate::error::{Error, ErrorKind, Result};
use crate::listing::cursor::{fingerprint_of_filter, invalid};
use crate::listing::engine::concurrency::Pace;
use crate::listing::engine::dedup::Seen;
use crate::listing::engine::tail_watch::Still;
use crate::listing::{Completeness, Cursor, FastPath, PartialReason, Plan, ScanDirection};
use crate::model::{Token, TokenId};
use crate::provider::{Page, PagePosition, PageRequest};
use crate::query::{Direction, SortBy, SortKey};
pub(super) use in_flight::Moment;
use in_flight::{Answered, Asked, Purpose, Queue};
use validate::violation;

#[derive(Debug)]
pub(crate) struct Walker {
    plan: Plan,
    /// What is tried instead of the walk, until it is given up.
    shortcut: Option<FastPath>,
    /// What all requests have in common.
    request: PageRequest,
    /// The id order that the platform is known to keep exactly.
    ordered: Option<Direction>,
    /// Whether the first answer was taken, which tells how many pages there are.
    started: bool,
    /// The page to ask for next, as far as it is known.
    next: Option<PagePosition>,
    queue: Queue,
    clock: Moment,
    /// When the page that was handed out last had come.
    released: Moment,
    pace: Pace,
    still: Still,
    /// Whether looks at the end are pages like all others.
    looks_at_pages: bool,
    /// The error of a request that no token was expected from.
    failure: Option<Error>,
    /// How often pages on their way were given up.
    given_up: u64,
    seen: Seen,
    /// The last page of all, if a backward walk began with it.
    end: Option<u64>,
    /// The first token of the page that a backward walk handed out last.
    lowest: Option<TokenId>,
    /// The total at first and as of the page handed out last.
    first_total: Option<u64>,
    total: Option<u64>,
    /// How many tokens were seen to come into being.
    created: u64,
    handed_out: u64,
    /// How many tokens of the beginning were not read because the query leaves them out.
    passed_over: u64,
    pages_read: u64,
    /// How many tokens came again, and how many pages in a row held nothing new.
    repeated: u64,
    stale_pages: u64,
    resumed: bool,
    partial: Option<PartialReason>,
    /// The token handed out last, in the order of the walk.
    last: Option<TokenId>,
    /// What a cursor says of the page whose tokens are being consumed.
    consumed: Consumed,
}

/// A page, the total when it was read and the token handed out last before it.
#[derive(Debug)]
struct Consumed {
    position: PagePosition,
    total: Option<u64>,
    after: Option<TokenId>,
}

/// The tokens of one page, without those handed out before.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) tokens: Vec<Token>,
    /// How many tokens before them were not read because the query leaves them out.
    pub(crate) passed_over: u64,
}

/// Whether a page can be trusted to show every token that the pages handed out before do not.
enum Judgement {
    Safe,
    /// Not yet: what shows it is still to be read.
    Waiting,
    /// No: it may have been read before one that it comes after.
    InVain,
    /// Only together with the page above, read again.
    LookAbove,
}

impl Walker {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut walker = Self::without_shortcut(plan);
        walker.shortcut = plan.shortcut;
        match plan.shortcut {
            Some(FastPath::PageRange(window, order)) => {
                walker.passed_over = window.passed_over();
                walker.request.size = Some(window.page_size);
                walker.order_by(order, plan.exact || order != plan.pushed_order);
                if window.first_page > 0 {
                    walker.next = Some(PagePosition::Number(window.first_page));
                }
            }
            Some(FastPath::FilteredPage) => walker.request.filter.clone_from(&plan.pushed_filter),
            None => {}
        }
        walker
    }

    fn without_shortcut(plan: &Plan) -> Self {
        let mut walker = Self {
            shortcut: None,
            request: plan.request(),
            ordered: None,
            started: false,
            next: Some(PagePosition::First),
            queue: Queue::default(),
            clock: 0,
            released: 0,
            // Where new tokens come last and nothing vanishes, no page depends on when it is read.
            pace: match plan.walk == ScanDirection::Forward && plan.appends {
                true => Pace::new(plan.max_concurrency, plan.max_concurrency),
                false => Pace::new(1, plan.max_concurrency),
            },
            still: Still::default(),
            looks_at_pages: false,
            failure: None,
            given_up: 0,
            seen: Seen::each(),
            end: None,
            lowest: None,
            first_total: None,
            total: None,
            created: 0,
            handed_out: 0,
            passed_over: 0,
            pages_read: 0,
            repeated: 0,
            stale_pages: 0,
            resumed: false,
            partial: None,
            last: None,
            consumed: Consumed {
                position: PagePosition::First,
                total: None,
                after: None,
            },
            plan: plan.clone(),
        };
        if plan.shortcut == Some(FastPath::FilteredPage) {
            walker.request.filter = None;
        }
        walker.order_by(plan.pushed_order, plan.exact);
        if walker.ordered.is_some() && plan.walk == ScanDirection::Backward {
            walker.seen = Seen::down_to();
        }
        walker
    }

    fn order_by(&mut self, order: Option<SortBy>, exact: bool) {
        self.request.sort = order;
        self.ordered = match order {
            Some(by) if by.key == SortKey::Id && exact => Some(by.direction),
            _ => None,
        };
        self.seen = match self.ordered {
            Some(direction) if self.plan.protected => Seen::past(direction),
            _ => Seen::each(),
        };
    }

    /// Goes on at the page that the cursor was taken on.
    pub(crate) fn resume(plan: &Plan, cursor: &Cursor) -> Result<Self> {
        let pushed = plan.pushed_filter.as_ref().map(fingerprint_of_filter);
        match (&cursor.position, plan.walk) {
            (PagePosition::First, _) => return Ok(Self::new(plan)),
            (PagePosition::Token(_), ScanDirection::Backward) => {
                return Err(invalid("the cursor belongs to another way of reading"));
            }
            _ if cursor.filter.is_some() && cursor.filter != pushed => {
                return Err(invalid("the platform no longer filters as for the cursor"));
            }
            _ => {}
        }
        let mut walker = Self::without_shortcut(plan);
        walker.started = true;
        walker.next = Some(cursor.position.clone());
        walker.request.size = cursor.size;
        if cursor.filter.is_some() {
            walker.request.filter.clone_from(&plan.pushed_filter);
        } else {
            walker.request.filter = None;
        }
        walker.total = cursor.total;
        walker.first_total = cursor.total;
        if let PagePosition::Number(number) = cursor.position {
            let read_from_the_end = |last: &u64| *last == number || cursor.after.is_some();
            walker.end = walker.last_page().filter(read_from_the_end);
        }
        if let Some(after) = &cursor.after {
            walker.seen.go_on_after(after);
            walker.last = Some(after.clone());
        }
        walker.consume(cursor.position.clone(), cursor.total);
        walker.resumed = true;
        // What happened on the pages before while nobody looked is not known.
        let unknown = (!plan.protected).then_some(PartialReason::UnprotectedPaging);
        walker.partial = cursor.partial.clone().or(unknown);
        Ok(walker)
    }

    /// Whether every page was handed out.
    pub(crate) fn is_done(&self) -> bool {
        self.started && self.queue.is_empty() && self.next.is_none()
    }

    /// How often pages on their way were given up: their requests need not be waited for.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Whether the tokens come in another order than the query asks for.
    pub(crate) fn must_be_sorted(&self) -> bool {
        self.plan.sorts_here && !matches!(self.shortcut, Some(FastPath::PageRange(..)))
    }

    pub(crate) fn completeness(&self) -> Completeness {
        match &self.partial {
            Some(reason) => Completeness::Partial(reason.clone()),
            None => Completeness::Complete,
        }
    }

    /// Where a cursor points.
    pub(crate) fn mark(&self, cursor: &mut Cursor) {
        cursor.position = self.consumed.position.clone();
        cursor.total = self.consumed.total;
        cursor.after.clone_from(&self.consumed.after);
        cursor.size = self.request.size;
        cursor.filter = self.request.filter.as_ref().map(fingerprint_of_filter);
        cursor.partial.clone_from(&self.partial);
    }

    /// Takes the answer to a request of that name.
    pub(crate) fn answer(&mut self, name: Moment, page: Result<Page>) {
        let at = self.tick();
        if let Some(look) = self.still.answered(name) {
            self.take_look(name, look, page);
        } else if let Some(asked) = self.queue.asked_at(name) {
            asked.answer = Some(Answered { at, page });
            self.pages_read += 1;
        }
    }

    /// The tokens of the next page that can be trusted, perhaps none; `None` until it has come, and in the end.
    pub(crate) fn hand_out(&mut self) -> Result<Option<Batch>> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        while let Some((mut asked, answer)) = self.queue.pop_answered() {
            let page = match answer.page {
                Err(error) if !self.may_give_up_shortcut(&error) => return Err(error),
                Ok(page) if self.started || self.begins_well(&asked, &page) => page,
                _ => {
                    self.give_up_shortcut();
                    continue;
                }
            };
            self.check(&asked, &page)?;
            if self.contradicts_itself(&asked, &page) {
                if !asked.again {
                    self.ask_again(asked);
                    continue;
                }
                if page.tokens.is_empty() {
                    return Err(violation(
                        "the platform counts tokens on a page that it shows empty",
                    ));
                }
                self.partial = Some(PartialReason::ContradictoryTotals);
            }
            match self.judge(&asked, answer.at, &page) {
                Judgement::Safe => return self.release(&asked, answer.at, page).map(Some),
                Judgement::InVain => self.read_again_from(asked.position),
                judgement => {
                    let look = matches!(judgement, Judgement::LookAbove);
                    let number = asked.number().unwrap_or_default();
                    let (at, page) = (answer.at, Ok(page));
                    asked.answer = Some(Answered { at, page });
                    if !look {
                        self.queue.push_front(asked);
                        return Ok(None);
                    }
                    asked.purpose = Purpose::TokensBelow;
                    self.look_above(number, asked);
                }
            }
        }
        Ok(None)
    }

    fn tick(&mut self) -> Moment {
        self.clock += 1;
        self.clock
    }

    fn judge(&self, asked: &Asked, answered: Moment, page: &Page) -> Judgement {
        if !self.started || asked.purpose != Purpose::Tokens {
            return Judgement::Safe;
        }
        // Asked for when the page before had come, so read after it.
        let alone = asked.at > self.released;
        match self.plan.walk {
            // Nothing vanishes. What is created moves tokens only onto pages that are read later.
            ScanDirection::Forward if alone || self.plan.appends || page.total >= self.total => {
                Judgement::Safe
            }
            ScanDirection::Forward => Judgement::InVain,
            ScanDirection::Backward if alone && self.may_have_slipped(asked, page) => {
                Judgement::LookAbove
            }
            ScanDirection::Backward if alone || answered < self.still.until() => Judgement::Safe,
            ScanDirection::Backward if self.still.is_less(page.total) => Judgement::InVain,
            ScanDirection::Backward => Judgement::Waiting,
        }
    }

    /// Whether a token of this page may have moved up past it: what is created within the same second as the newest
    /// tokens may come before some of them, but not before a whole page of them.
    fn may_have_slipped(&self, asked: &Asked, page: &Page) -> bool {
        let full = self
            .request
            .size
            .is_some_and(|size| page.tokens.len() >= size as usize);
        let near_the_end = match (asked.number(), self.end) {
            (Some(number), Some(end)) => number + 1 == end || (number == end && full),
            _ => false,
        };
        near_the_end && self.total.is_some() && page.total > self.total
    }

    /// Gives up what is on its way and goes on at that page, slower.
    fn read_again_from(&mut self, position: PagePosition) {
        self.give_up_what_is_ahead();
        self.pace.in_vain();
        self.next = Some(position);
    }

    fn give_up_what_is_ahead(&mut self) {
        self.queue.clear();
        self.still.forget();
        self.given_up += 1;
    }

    fn ask_again(&mut self, asked: Asked) {
        // It will be read after the pages below, onto which something may have moved by then.
        if self.plan.walk == ScanDirection::Backward && asked.purpose == Purpose::Tokens {
            self.give_up_what_is_ahead();
            self.pace.judge(false);
        }
        let mut again = Asked::new(asked.position, self.tick());
        (again.again, again.purpose) = (true, asked.purpose);
        self.queue.push_front(again);
    }

    /// Reads the page above again before that one is handed out: a token that was created out of order may have moved
    /// another up onto it.
    fn look_above(&mut self, number: u64, asked: Asked) {
        self.give_up_what_is_ahead();
        self.pace.judge(false);
        let mut above = Asked::new(PagePosition::Number(number + 1), self.tick());
        above.purpose = Purpose::Above;
        self.queue.push(above);
        self.queue.push(asked);
    }

    /// Whether the walk itself may still succeed where the shortcut was refused.
    fn may_give_up_shortcut(&self, error: &Error) -> bool {
        !self.started && self.shortcut.is_some() && error.kind() == ErrorKind::InvalidInput
    }

    fn give_up_shortcut(&mut self) {
        let (clock, pages_read) = (self.clock, self.pages_read);
        *self = Self {
            clock,
            pages_read,
            given_up: self.given_up,
            ..Self::without_shortcut(&self.plan)
        };
    }

    /// Whether the first answer serves; from then on it is known how many tokens there are.
    fn begins_well(&mut self, asked: &Asked, page: &Page) -> bool {
        match self.shortcut {
            Some(FastPath::FilteredPage) if self.holds_not_all(page) => return false,
            Some(FastPath::PageRange(window, _)) => {
                // On smaller pages the number means other tokens, perhaps just as many.
                let as_asked = page.size.is_none_or(|size| size == window.page_size);
                if !as_asked || page.total.is_none() || self.contradicts_itself(asked, page) {
                    return false;
                }
            }
            _ => self.adopt_size(page),
        }
        self.first_total = page.total;
        self.total = page.total;
        true
    }
}

#[cfg(test)]
mod tests;
