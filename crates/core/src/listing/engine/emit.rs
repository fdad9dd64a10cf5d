//! Taking the tokens of a page that can be trusted, and knowing which page comes next.

use super::validate::violation;
use super::{Batch, Consumed, Walker};
use crate::error::Result;
use crate::listing::engine::dedup::Admission;
use crate::listing::engine::in_flight::{Asked, Moment, Purpose};
use crate::listing::{FastPath, PartialReason, ScanDirection};
use crate::model::Token;
use crate::provider::{Page, PagePosition};

impl Walker {
    pub(super) fn release(&mut self, asked: &Asked, at: Moment, page: Page) -> Result<Batch> {
        let begins = !self.started;
        let tokens = match (self.plan.walk, asked.number()) {
            (_, Some(number)) if asked.purpose == Purpose::Above => {
                self.consume(PagePosition::Number(number), self.total);
                self.admit_reversed(page)
            }
            (_, Some(number)) if asked.purpose == Purpose::Recount => {
                self.recount(number, &page);
                Vec::new()
            }
            _ if self.is_one_page_window() => {
                self.next = None;
                page.tokens
            }
            (ScanDirection::Forward, _) => self.forward(asked, page)?,
            (ScanDirection::Backward, _) if !self.started => self.start_backward(page)?,
            (ScanDirection::Backward, Some(number)) => self.backward(number, at, page)?,
            (ScanDirection::Backward, None) => {
                return Err(violation("a page came that was not asked for"));
            }
        };
        self.started = true;
        self.released = at;
        self.handed_out += tokens.len() as u64;
        if self.is_done() && !self.counts_again(asked.purpose) {
            self.check_end();
        }
        let passed_over = if begins { self.passed_over } else { 0 };
        Ok(Batch {
            tokens,
            passed_over,
        })
    }

    pub(super) fn is_one_page_window(&self) -> bool {
        matches!(self.shortcut, Some(FastPath::PageRange(window, _)) if window.pages == Some(1))
    }

    fn forward(&mut self, asked: &Asked, page: Page) -> Result<Vec<Token>> {
        if self.started && !self.plan.appends {
            self.pace.judge(page.total == self.total);
        }
        self.started = true;
        self.grow(page.total);
        self.consume(asked.position.clone(), page.total);
        if page.next.is_some() && page.tokens.is_empty() {
            return Err(violation(
                "the platform sent an empty page and says that more follow",
            ));
        }
        let mut tokens = page.tokens;
        self.drop_what_comes_again(&mut tokens);
        let received = tokens.len() as u64;
        tokens.retain(|token| self.seen.admit(&token.id) == Admission::New);
        self.check_repeats(received, tokens.len() as u64)?;
        self.remember_last(&tokens);
        if !self.plan.protected && (page.next.is_some() || self.pages_read > 1) {
            self.partial.get_or_insert(PartialReason::UnprotectedPaging);
        }
        if received == 0 && page.next.is_none() {
            // Nothing is there, whatever an earlier page counted.
            self.give_up_what_is_ahead();
            self.next = None;
        } else if self.queue.is_empty() && self.next.is_none() {
            let known = self.following(&asked.position);
            self.next = known.or(page.next);
        }
        Ok(tokens)
    }

    /// Takes the first page, which tells where the walk begins.
    fn start_backward(&mut self, page: Page) -> Result<Vec<Token>> {
        // A platform that gives fewer than asked for may find the end too early.
        let (total, size) = match (self.holds_not_all(&page), page.total, self.request.size) {
            (false, ..) => return Ok(self.admit_reversed(page)),
            (true, Some(total), Some(size)) if total > 0 => (total, u64::from(size.max(1))),
            _ => {
                return Err(violation(
                    "the platform says that more follow, but not how many",
                ));
            }
        };
        let bounds = &self.plan.bounds;
        let skipped = match bounds.unfiltered && !self.must_be_sorted() {
            true => bounds.offset,
            false => 0,
        };
        let Some(last) = total.checked_sub(1).and_then(|n| n.checked_sub(skipped)) else {
            self.passed_over = total;
            return Ok(Vec::new());
        };
        let number = last / size;
        self.passed_over = total.saturating_sub((number + 1).saturating_mul(size));
        // What is passed over need not be watched.
        self.end = (self.passed_over == 0).then_some(number);
        self.next = Some(PagePosition::Number(number));
        if self.plan.any_order && bounds.offset == 0 && bounds.limit.is_none() {
            let ids = page.tokens.iter().map(|token| token.id.clone());
            self.seen.begin_with(ids.collect());
            return Ok(page.tokens);
        }
        self.consume(PagePosition::Number(number), page.total);
        Ok(Vec::new())
    }

    fn backward(&mut self, number: u64, at: Moment, page: Page) -> Result<Vec<Token>> {
        if page.total.is_none() {
            return Err(violation(
                "the platform stopped saying how many tokens there are",
            ));
        }
        if page.total == self.total {
            self.pace.judge(true);
        }
        // What is created comes last and moves nothing. Where nothing was deleted, a smaller total is an older one.
        if at < self.still.until() {
            self.grow(self.total.max(page.total));
        } else {
            if page.total < self.total {
                self.give_up_what_is_ahead();
                self.pace.judge(false);
            }
            self.grow(page.total);
        }
        if Some(number) == self.last_page() && !self.pace.is_single() {
            self.watch_the_end_of(number, &page);
        }
        self.consume(PagePosition::Number(number), page.total);
        if self.queue.is_empty() {
            self.next = self.below(number);
        }
        // However many tokens move, a page further down begins further down.
        let lowest = page.tokens.first().map(|token| token.id.clone());
        let stuck = lowest.is_some() && self.lowest.is_some() && lowest >= self.lowest;
        self.lowest = lowest;
        let tokens = self.admit_reversed(page);
        self.check_progress(stuck && tokens.is_empty())?;
        Ok(tokens)
    }

    /// Where more tokens are counted than were handed out, those created meanwhile are counted again: a deletion may
    /// have hidden a creation from the totals.
    fn counts_again(&mut self, purpose: Purpose) -> bool {
        let doubtful =
            self.plan.walk == ScanDirection::Backward && self.counts_more_than_it_shows();
        let Some(last) = self.last_page().filter(|_| doubtful) else {
            return false;
        };
        if purpose != Purpose::Recount {
            self.ask_to_recount(last);
        }
        purpose != Purpose::Recount
    }

    fn ask_to_recount(&mut self, number: u64) {
        let mut recount = Asked::new(PagePosition::Number(number), self.tick());
        recount.purpose = Purpose::Recount;
        self.queue.push(recount);
    }

    /// Finds where the new tokens begin.
    fn recount(&mut self, number: u64, page: &Page) {
        let old = (page.tokens.iter())
            .take_while(|token| !self.seen.is_newer(&token.id))
            .count() as u64;
        if let (0, Some(below)) = (old, number.checked_sub(1)) {
            return self.ask_to_recount(below);
        }
        let size = u64::from(self.request.size.unwrap_or(1));
        let created = page
            .total
            .map(|total| total.saturating_sub(number * size + old));
        self.total = page.total;
        self.created = self.created.max(created.unwrap_or_default());
    }

    fn admit_reversed(&mut self, page: Page) -> Vec<Token> {
        let mut tokens = page.tokens;
        tokens.reverse();
        self.drop_what_comes_again(&mut tokens);
        tokens.retain(|token| match self.seen.admit(&token.id) {
            Admission::New => true,
            Admission::Repeated => false,
            Admission::Unexpected => {
                self.partial = Some(PartialReason::UnexpectedOrder);
                true
            }
        });
        let size = self.request.size.unwrap_or_default();
        self.seen.turn_page(size as usize);
        self.remember_last(&tokens);
        tokens
    }

    pub(super) fn consume(&mut self, position: PagePosition, total: Option<u64>) {
        self.consumed = Consumed {
            position,
            total,
            after: self.last.clone(),
        };
    }

    fn remember_last(&mut self, tokens: &[Token]) {
        if let Some(token) = tokens.last() {
            self.last = Some(token.id.clone());
        }
    }

    /// Where a walk goes on after a cut, what stands before the token handed out last was handed out too.
    fn drop_what_comes_again(&self, tokens: &mut Vec<Token>) {
        if self.resumed
            && self.plan.protected
            && let Some(after) = &self.last
            && let Some(at) = tokens.iter().position(|token| token.id == *after)
        {
            tokens.drain(..=at);
        }
    }

    /// Notes the total of a page, and by how much it grew. Where nothing vanishes, a smaller one is an older one.
    fn grow(&mut self, total: Option<u64>) {
        if let (Some(before), Some(now)) = (self.total, total) {
            self.created = self.created.saturating_add(now.saturating_sub(before));
        }
        self.total = match (self.plan.walk, self.plan.protected) {
            (ScanDirection::Forward, true) => self.total.max(total),
            _ => total,
        };
    }
}
