//! Taking the tokens of a page that can be trusted, and knowing which page comes next.

use super::guard::violation;
use super::{Batch, Walker};
use crate::asked::{Asked, Moment, Slips};
use crate::seen::Admission;
use crate::{Page, PagePosition, PartialReason, Result, Shortcut, Token, Walk};

impl Walker {
    pub(super) fn release(&mut self, asked: &Asked, at: Moment, page: Page) -> Result<Batch> {
        let tokens = match (self.plan.walk, asked.number()) {
            (_, Some(number)) if asked.slips == Slips::Look => {
                self.consumed = (PagePosition::Number(number), self.total);
                self.admit_reversed(page)
            }
            _ if self.is_one_page_window() => {
                self.next = None;
                page.tokens
            }
            (Walk::Forward, _) => self.forward(asked, page)?,
            (Walk::Backward, _) if !self.started => self.start_backward(page)?,
            (Walk::Backward, Some(number)) => self.backward(number, page)?,
            (Walk::Backward, None) => return Err(violation("a page came that was not asked for")),
        };
        self.started = true;
        self.released = at;
        self.handed_out += tokens.len() as u64;
        if self.is_done() {
            self.check_end();
        }
        let passed_over = match self.handed_out == tokens.len() as u64 {
            true => self.passed_over,
            false => 0,
        };
        Ok(Batch {
            tokens,
            passed_over,
        })
    }

    pub(super) fn is_one_page_window(&self) -> bool {
        matches!(self.shortcut, Some(Shortcut::Window(window, _)) if window.pages == Some(1))
    }

    fn forward(&mut self, asked: &Asked, page: Page) -> Result<Vec<Token>> {
        self.started = true;
        self.grow(page.total);
        self.pace.calm();
        self.consumed = (asked.position.clone(), page.total);
        if page.next.is_some() && page.tokens.is_empty() {
            return Err(violation(
                "the platform sent an empty page and says that more follow",
            ));
        }
        let received = page.tokens.len() as u64;
        let mut tokens = page.tokens;
        tokens.retain(|token| self.seen.admit(&token.id) == Admission::New);
        self.check_repeats(received, tokens.len() as u64)?;
        if !self.plan.protected && (page.next.is_some() || self.pages_read > 1) {
            self.partial.get_or_insert(PartialReason::UnprotectedPaging);
        }
        if self.queue.is_empty() && self.next.is_none() {
            let known = self.following(&asked.position);
            self.next = known.or(page.next);
        }
        Ok(tokens)
    }

    /// Takes the first page, which tells where the walk begins.
    fn start_backward(&mut self, page: Page) -> Result<Vec<Token>> {
        let (total, size) = match (page.next.is_some(), page.total, self.request.size) {
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
            return Ok(Vec::new());
        };
        let number = last / size;
        self.passed_over = total.saturating_sub((number + 1).saturating_mul(size));
        self.end = Some(number);
        self.next = Some(PagePosition::Number(number));
        if self.plan.any_order && bounds.offset == 0 {
            let ids = page.tokens.iter().map(|token| token.id.clone());
            self.seen.begin_with(ids.collect());
            return Ok(page.tokens);
        }
        self.consumed = (PagePosition::Number(number), page.total);
        Ok(Vec::new())
    }

    fn backward(&mut self, number: u64, page: Page) -> Result<Vec<Token>> {
        if page.total.is_none() {
            return Err(violation(
                "the platform stopped saying how many tokens there are",
            ));
        }
        if page.total == self.total {
            self.pace.calm();
        } else {
            self.grow(page.total);
            self.give_up_what_is_ahead();
            self.pace.stirred();
        }
        if Some(number) == self.last_page() && !self.pace.is_single() {
            self.still.begin(&page);
        }
        self.consumed = (PagePosition::Number(number), page.total);
        if self.queue.is_empty() {
            self.next = self.below(number);
        }
        Ok(self.admit_reversed(page))
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

    /// Notes the total of a page, and by how much it grew. Where nothing vanishes, a smaller one is an older one.
    fn grow(&mut self, total: Option<u64>) {
        if let (Some(before), Some(now)) = (self.total, total) {
            self.created = self.created.saturating_add(now.saturating_sub(before));
        }
        self.total = match (self.plan.walk, self.plan.protected) {
            (Walk::Forward, true) => self.total.max(total),
            _ => total,
        };
    }
}
