//! The emission of pages that are safe (decision 0008 says when they are).

use crate::error::Result;
use crate::listing::PartialReason;
use crate::listing::engine::dedup::Insertion;
use crate::listing::engine::in_flight::{PendingPage, Purpose, Tick};
use crate::listing::engine::strategy::ScanStrategy;
use crate::listing::engine::validate::violation;
use crate::listing::engine::{Batch, PageEngine};
use crate::model::Token;
use crate::provider::{Page, PagePosition};

impl PageEngine {
    /// Returns the new tokens of a page, and moves the scan on.
    pub(super) fn emit(
        &mut self,
        pending: &PendingPage,
        received_at: Tick,
        page: Page,
    ) -> Result<Batch> {
        let is_first = self.frontier.start();
        let tokens = match (pending.purpose(), pending.number()) {
            (Purpose::Reread, Some(number)) => {
                let total = self.totals.current();
                let position = PagePosition::Number(number);
                self.bookmark.turn_to(position, self.template.size(), total);
                self.deduplicate_reversed(page.tokens)
            }
            (Purpose::Anchor, _) => Vec::new(),
            (Purpose::Recount, Some(number)) => {
                self.recount(number, &page);
                Vec::new()
            }
            _ if self.template.is_single_page_range() => {
                self.frontier.continue_at(None);
                page.tokens
            }
            (_, number) => match self.strategy {
                ScanStrategy::ForwardAppending
                | ScanStrategy::ForwardGrowing
                | ScanStrategy::ForwardKeyset
                | ScanStrategy::ForwardUnprotected => {
                    self.emit_forward(pending.position(), page, is_first)?
                }
                ScanStrategy::Backward if is_first => self.start_backward(page)?,
                ScanStrategy::Backward => match number {
                    Some(number) => self.emit_backward(number, pending, received_at, page)?,
                    None => {
                        return Err(violation("the platform sent a page that was not requested"));
                    }
                },
            },
        };
        self.in_flight.on_emitted(received_at);
        self.totals.on_emitted(tokens.len() as u64);
        if self.is_done()
            && !self.request_recount(pending.purpose())
            && !self.look_once_more(pending.position())
        {
            self.check_end();
        }
        let skipped = if is_first { self.totals.skipped() } else { 0 };
        Ok(Batch { tokens, skipped })
    }

    /// Returns the new tokens of a page of a forward scan, and how many tokens it held that may be
    /// new.
    pub(super) fn deduplicate(&mut self, mut tokens: Vec<Token>) -> Result<(Vec<Token>, u64)> {
        let end = tokens.last().map(|token| token.id.clone());
        let meets_last = self.meets_last(&tokens);
        self.drop_before_place(&mut tokens)?;
        let dropped = self.drop_emitted(&mut tokens);
        let mut received = self.drop_before_floor(&mut tokens);
        if self.is_keyset() {
            received += self.count_repeated(&dropped);
        }
        received += tokens.len();
        tokens.retain(|token| self.dedup.insert(&token.id) == Insertion::New);
        let ends_new = end.is_some() && tokens.last().map(|token| &token.id) == end.as_ref();
        self.passes.on_page(meets_last, ends_new);
        if self.passes.is_beyond() {
            self.bookmark.on_emitted(&tokens);
        }
        Ok((tokens, received as u64))
    }

    /// Returns the new tokens of a page of a backward scan, from the last to the first.
    pub(super) fn deduplicate_reversed(&mut self, mut tokens: Vec<Token>) -> Vec<Token> {
        tokens.reverse();
        self.drop_emitted(&mut tokens);
        tokens.retain(|token| match self.dedup.insert(&token.id) {
            Insertion::New => {
                if self.look.contradicts(token) {
                    self.bookmark.mark_partial(PartialReason::UnexpectedOrder);
                }
                true
            }
            Insertion::Repeated => false,
            Insertion::Unexpected => {
                self.bookmark.mark_partial(PartialReason::UnexpectedOrder);
                true
            }
        });
        self.dedup.end_page(self.template.size_or_one() as usize);
        self.bookmark.on_emitted(&tokens);
        tokens
    }

    fn drop_emitted(&self, tokens: &mut Vec<Token>) -> Vec<Token> {
        if self.plan.protected {
            self.bookmark.drop_emitted(tokens)
        } else {
            Vec::new()
        }
    }
}
