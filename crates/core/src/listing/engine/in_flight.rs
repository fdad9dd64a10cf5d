//! The pages that a walk has asked for and not handed out yet.

use std::collections::VecDeque;

use crate::error::Result;
use crate::provider::{Page, PagePosition};

/// When something was asked or answered: a count of such events, no two of which are at the same moment.
pub(crate) type Moment = u64;

/// A page that was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) position: PagePosition,
    /// When; no other page was asked for then, so this names the request as well.
    pub(crate) at: Moment,
    /// Whether the request was given to the one who reads.
    pub(crate) sent: bool,
    pub(crate) answer: Option<Answered>,
    /// Whether it was asked for again because it contradicted itself.
    pub(crate) again: bool,
    pub(crate) purpose: Purpose,
}

/// What a page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// For its tokens.
    Tokens,
    /// For its tokens, and the page above was read again for those that may have moved up.
    TokensBelow,
    /// For the tokens that may have moved up from the page below.
    Above,
    /// To count how many tokens were created meanwhile.
    Recount,
}

#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) at: Moment,
    pub(crate) page: Result<Page>,
}

impl Asked {
    pub(crate) fn new(position: PagePosition, at: Moment) -> Self {
        Self {
            position,
            at,
            sent: false,
            answer: None,
            again: false,
            purpose: Purpose::Tokens,
        }
    }

    pub(crate) fn number(&self) -> Option<u64> {
        match self.position {
            PagePosition::First => Some(0),
            PagePosition::Number(number) => Some(number),
            PagePosition::Token(_) => None,
        }
    }
}

/// The pages that were asked for, in the order of the walk.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pages: VecDeque<Asked>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.pages.clear();
    }

    pub(crate) fn push(&mut self, page: Asked) {
        self.pages.push_back(page);
    }

    pub(crate) fn push_front(&mut self, page: Asked) {
        self.pages.push_front(page);
    }

    /// Where the first one lies.
    pub(crate) fn first(&self) -> Option<&PagePosition> {
        self.pages.front().map(|page| &page.position)
    }

    /// How many are on their way.
    pub(crate) fn on_their_way(&self) -> usize {
        (self.pages.iter())
            .filter(|page| page.sent && page.answer.is_none())
            .count()
    }

    /// The first that is not yet on its way.
    pub(crate) fn unsent(&mut self) -> Option<&mut Asked> {
        self.pages.iter_mut().find(|page| !page.sent)
    }

    /// How many of the first have come, if the first of them came after that moment.
    pub(crate) fn arrived_since(&self, moment: Moment) -> usize {
        let arrived = |page: &Asked| page.answer.as_ref().map(|answer| answer.at);
        match self.pages.front().and_then(arrived) {
            Some(at) if at > moment => (self.pages.iter())
                .take_while(|page| page.answer.is_some())
                .count(),
            _ => 0,
        }
    }

    /// Whether one has come that is an error, so that more need not be asked for.
    pub(crate) fn has_failed(&self) -> bool {
        (self.pages.iter()).any(|page| matches!(&page.answer, Some(answer) if answer.page.is_err()))
    }

    /// The page that was asked for at that moment.
    pub(crate) fn asked_at(&mut self, at: Moment) -> Option<&mut Asked> {
        self.pages.iter_mut().find(|page| page.at == at)
    }

    /// Takes out the first one, if it has come.
    pub(crate) fn pop_answered(&mut self) -> Option<(Asked, Answered)> {
        let mut first = self.pages.pop_front()?;
        match first.answer.take() {
            Some(answer) => Some((first, answer)),
            None => {
                self.pages.push_front(first);
                None
            }
        }
    }
}
