//! The anchor of a backward scan: the last token of its first page (decision 0077).
//!
//! Where the tokens of the first page were emitted at once, that page is only read again to find
//! what moved onto it meanwhile. If its last token is settled (decision 0019), no token is created
//! before it any more. From then on its place changes with each deletion before it, always towards
//! the beginning. So if it is in its place after the page above was read, none was deleted before
//! it until then, nothing has moved onto the first page, and what comes after the anchor was on the
//! pages above.

use crate::listing::engine::PageEngine;
use crate::listing::engine::in_flight::{PendingPage, Purpose, Response, number};
use crate::listing::engine::strategy::{Evidence, Verdict};
use crate::model::{Token, TokenId};
use crate::provider::{Page, PagePosition, PageRequest};

/// The last token of the first page, which is settled and was emitted.
#[derive(Debug)]
pub(super) struct Anchor {
    page_size: u32,
    id: TokenId,
}

impl Anchor {
    /// Returns how many tokens come before it while it is in its place.
    fn place(&self) -> u64 {
        u64::from(self.page_size) - 1
    }

    /// Returns whether a page of one token shows it in its place.
    fn is_shown_by(&self, page: &Page) -> bool {
        let is_there = page.number.is_none_or(|number| number == self.place());
        is_there && matches!(&page.tokens[..], [token] if token.id == self.id)
    }
}

impl PageEngine {
    /// Takes the last of these tokens, which is settled, as the anchor, if they fill the first page
    /// and ids say where they are.
    ///
    /// If a page that begins with the anchor shows everything above, the first look is taken of
    /// that page, and nothing is left to read (decision 0040).
    pub(super) fn anchor_first_page(&mut self, tokens: &[Token], total: u64) {
        let (Some(page_size @ 2..), Some(last)) = (self.template.size(), tokens.last()) else {
            return;
        };
        if !self.look.is_wanted() || tokens.len() as u64 != u64::from(page_size) {
            return;
        }
        let id = last.id.clone();
        let anchor = self.anchor.insert(Anchor { page_size, id });
        if total <= 2 * anchor.place() {
            self.look.return_to(page_size);
            self.template.set_size(page_size - 1);
            self.frontier.set_newest_page(Some(1));
            (self.frontier).continue_at(Some(PagePosition::Number(1)));
        }
    }

    /// Returns whether the lowest token of a look is the anchor in its place. Forgets the anchor if
    /// another token is there.
    pub(super) fn look_begins_with_anchor(
        &mut self,
        number: u64,
        size: u32,
        lowest: &TokenId,
    ) -> bool {
        let first = number.saturating_mul(size.into());
        let anchor = self.anchor.take_if(|anchor| anchor.place() == first);
        anchor.is_some_and(|anchor| anchor.id == *lowest)
    }

    /// Returns the purpose of the request that is sent for a page of the scan: instead of the first
    /// page, the anchor is read.
    pub(super) fn purpose_at(&self, position: &PagePosition) -> Purpose {
        let has_size = |anchor: &Anchor| self.template.size() == Some(anchor.page_size);
        let stands_for_page = self.anchor.as_ref().is_some_and(has_size);
        if stands_for_page && number(position) == Some(0) && !self.look.is_wanted() {
            Purpose::Anchor
        } else {
            Purpose::Tokens
        }
    }

    /// Returns the request that is sent for a page of the scan.
    pub(super) fn request_for(&self, position: PagePosition, purpose: Purpose) -> PageRequest {
        match &self.anchor {
            Some(anchor) if purpose == Purpose::Anchor => {
                let place = PagePosition::Number(anchor.place());
                self.template.at(place).size(1)
            }
            _ => self.template.at(position),
        }
    }

    /// Judges the response to a request for the anchor: it is safe if the anchor was in its place
    /// after all pages above the first one were read, or while they show one set.
    pub(super) fn judge_anchor(&self, pending: &PendingPage, response: &Response) -> Verdict {
        let page = response.page.as_ref().ok();
        let shows = |anchor: &Anchor| page.is_some_and(|page| anchor.is_shown_by(page));
        if !self.anchor.as_ref().is_some_and(shows) {
            return Verdict::Stale;
        }
        let total = page.and_then(|page| page.total);
        self.strategy.verdict(&Evidence {
            is_sequential: self.in_flight.is_sequential(pending),
            counts_fewer: total < self.totals.current(),
            newest_moved: false,
            tail: self.tail.evidence(response.received_at, total),
        })
    }

    /// Reads the first page again, because the anchor was not found in its place.
    pub(super) fn leave_anchor(&mut self) {
        self.anchor = None;
        (self.frontier).continue_at(Some(PagePosition::Number(0)));
    }
}
