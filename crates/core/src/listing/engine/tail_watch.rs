//! Detection of deletions while pages are fetched concurrently.

use std::ops::RangeInclusive;

use crate::error::Error;
use crate::listing::engine::in_flight::Tick;
use crate::model::{Token, TokenId};
use crate::provider::Page;

/// The page sizes of probes of a large last page. For every total, the last page of one of these
/// sizes holds a hundred tokens or more.
const PROBE_SIZES: RangeInclusive<u32> = 100..=200;

/// Watches the tail of a set to which new tokens are appended.
///
/// Pages that were in flight together may have been read in any order, so a token that a deletion
/// moves from one page to the next may be on neither. An unchanged total does not rule that out,
/// because a creation can make up for a deletion. But new tokens come last: while the tokens of the
/// tail stay in their places, no token before them was deleted, and all pages read in between show
/// one set (decision 0008).
#[derive(Debug, Default)]
pub(super) struct TailWatch {
    tail: Option<Tail>,
    /// The probe that awaits its response.
    pending: Option<(Tick, TailProbe)>,
    confirmed_until: Tick,
    /// `true` if the platform does not serve pages of the sizes of probes.
    probes_whole_pages: bool,
    /// The error from a probe that should have been answered like any other page.
    failure: Option<Error>,
}

/// The last tokens as they were when the watch began.
#[derive(Debug)]
struct Tail {
    probe: TailProbe,
    total: Option<u64>,
    ids: Vec<TokenId>,
}

/// A page that holds the last tokens. It may be smaller than the pages of the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TailProbe {
    number: u64,
    size: u32,
}

/// The answer to the question whether a page shows the same set as the pages before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TailEvidence {
    /// Nothing was deleted between the beginning of the watch and the response.
    Unchanged,
    /// The page counts fewer tokens than the watch began with: something was deleted.
    Shrunk,
    /// A later probe will tell.
    Unknown,
}

impl TailProbe {
    pub(super) fn number(self) -> u64 {
        self.number
    }

    pub(super) fn size(self) -> u32 {
        self.size
    }

    /// Returns how many tokens come before the probed ones.
    pub(super) fn offset(self) -> u64 {
        self.number.saturating_mul(self.size.into())
    }

    /// Returns whether a response is the probed page, as far as it says.
    pub(super) fn matches(self, page: &Page) -> bool {
        let expected = |total: u64| total.saturating_sub(self.offset()).min(self.size.into());
        page.number.is_none_or(|number| number == self.number)
            && page.total.map(expected) == Some(page.tokens.len() as u64)
    }
}

impl TailWatch {
    /// Returns the probe of a tail that ends with the token at index `last`, in a listing of pages
    /// of `page_size` tokens: the last page, or the end of it if the page is large.
    pub(super) fn probe_for(&self, last: u64, page_size: u32) -> Option<TailProbe> {
        let index_on_page = |size: u32| last % u64::from(size);
        let whole =
            self.probes_whole_pages || index_on_page(page_size) < u64::from(*PROBE_SIZES.end());
        let size = if whole {
            page_size
        } else {
            PROBE_SIZES.max_by_key(|size| index_on_page(*size))?
        };
        let number = last / u64::from(size);
        Some(TailProbe { number, size })
    }

    /// Probes whole pages from now on.
    pub(super) fn probe_whole_pages(&mut self) {
        self.probes_whole_pages = true;
    }

    /// Begins to watch these tokens and returns `true`, or returns `false` if there are none: an
    /// empty tail would always be in its place.
    pub(super) fn begin(&mut self, probe: TailProbe, total: Option<u64>, last: &[Token]) -> bool {
        let ids: Vec<_> = last.iter().map(|token| token.id.clone()).collect();
        self.confirmed_until = Tick::default();
        self.tail = (!ids.is_empty()).then_some(Tail { probe, total, ids });
        self.tail.is_some()
    }

    /// Returns the probe of the tail that is watched.
    pub(super) fn probe(&self) -> Option<TailProbe> {
        self.tail.as_ref().map(|tail| tail.probe)
    }

    pub(super) fn is_watching(&self) -> bool {
        self.tail.is_some()
    }

    /// Records that a probe was sent.
    pub(super) fn on_sent(&mut self, id: Tick, probe: TailProbe) {
        self.pending = Some((id, probe));
    }

    /// Returns whether a probe awaits its response.
    pub(super) fn is_probing(&self) -> bool {
        self.pending.is_some()
    }

    /// Takes the pending probe if that request is the one.
    pub(super) fn take_pending(&mut self, id: Tick) -> Option<TailProbe> {
        let (_, probe) = self.pending.take_if(|(sent_at, _)| *sent_at == id)?;
        Some(probe)
    }

    /// Compares a probe with the tail and returns whether all tokens are still in their places.
    pub(super) fn confirm(&mut self, sent_at: Tick, page: &Page) -> bool {
        let mut now = page.tokens.iter().map(|token| &token.id);
        let same = |tail: &Tail| tail.ids.iter().all(|id| now.next() == Some(id));
        let unchanged = self.tail.as_ref().is_some_and(same);
        if unchanged {
            self.confirmed_until = sent_at;
        }
        unchanged
    }

    /// Returns the tick up to which responses are known to show one set: they were received before
    /// a probe was sent that found the tail unchanged.
    pub(super) fn confirmed_until(&self) -> Tick {
        self.confirmed_until
    }

    /// Judges a response by the tick at which it was received and by its total.
    pub(super) fn evidence(&self, received_at: Tick, total: Option<u64>) -> TailEvidence {
        match &self.tail {
            _ if received_at < self.confirmed_until => TailEvidence::Unchanged,
            Some(tail) if total < tail.total => TailEvidence::Shrunk,
            _ => TailEvidence::Unknown,
        }
    }

    /// Ends the watch because something was deleted.
    pub(super) fn forget(&mut self) {
        self.tail = None;
        self.pending = None;
        self.confirmed_until = Tick::default();
    }

    /// Records the error from a probe.
    pub(super) fn fail(&mut self, error: Error) {
        self.failure = Some(error);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::engine::in_flight::InFlight;
    use crate::listing::fake_pages::token;

    fn page(ids: &[u32]) -> Page {
        Page {
            tokens: ids.iter().map(|id| token(*id)).collect(),
            ..Page::default()
        }
    }

    fn watch(ids: &[u32]) -> TailWatch {
        let mut watch = TailWatch::default();
        let probe = watch.probe_for(29, 10).unwrap();
        watch.begin(probe, Some(30), &page(ids).tokens);
        watch
    }

    #[test]
    fn the_last_page_of_one_probe_size_holds_a_hundred_tokens_whatever_the_total() {
        for last in u64::from(*PROBE_SIZES.end())..1_000_000 {
            let shown = PROBE_SIZES.map(|size| last % u64::from(size) + 1).max();
            assert!(shown >= Some(100), "{last}: {shown:?}");
        }
    }

    #[test]
    fn a_probe_takes_a_small_last_page_whole_and_of_a_large_one_the_end() {
        let mut watch = TailWatch::default();
        let whole = |last| {
            (
                TailProbe {
                    number: last / 1000,
                    size: 1000,
                },
                last,
            )
        };
        for (expected, last) in [whole(199), whole(1_199)] {
            assert_eq!(watch.probe_for(last, 1000), Some(expected));
        }
        let probe = watch.probe_for(1_899, 1000).unwrap();
        assert!(PROBE_SIZES.contains(&probe.size()));
        assert!((100..=200).contains(&(1_900 - probe.offset())));
        watch.probe_whole_pages();
        assert_eq!(watch.probe_for(1_899, 1000), Some(whole(1_899).0));
    }

    #[test]
    fn a_tail_that_stays_in_place_confirms_what_was_received_before_the_probe() {
        let mut clock = InFlight::default();
        let mut watch = watch(&[29, 30]);
        let (before, sent_at, after) = (clock.tick(), clock.tick(), clock.tick());
        assert_eq!(watch.evidence(before, Some(30)), TailEvidence::Unknown);
        assert!(watch.confirm(sent_at, &page(&[29, 30, 31])));
        assert_eq!(watch.evidence(before, Some(29)), TailEvidence::Unchanged);
        assert_eq!(watch.evidence(sent_at, Some(29)), TailEvidence::Shrunk);
        assert_eq!(watch.evidence(after, Some(30)), TailEvidence::Unknown);
        assert_eq!(watch.evidence(after, Some(29)), TailEvidence::Shrunk);
    }

    #[test]
    fn a_tail_that_moved_or_is_cut_confirms_nothing() {
        for moved in [&[30, 31][..], &[29], &[]] {
            let mut clock = InFlight::default();
            let mut watch = watch(&[29, 30]);
            let (before, sent_at) = (clock.tick(), clock.tick());
            assert!(!watch.confirm(sent_at, &page(moved)), "{moved:?}");
            assert_eq!(watch.evidence(before, Some(30)), TailEvidence::Unknown);
        }
    }

    #[test]
    fn an_empty_tail_is_not_watched() {
        assert!(watch(&[30]).is_watching());
        assert!(!watch(&[]).is_watching());
    }

    #[test]
    fn a_response_belongs_to_the_pending_probe_alone_and_once() {
        let mut clock = InFlight::default();
        let mut watch = watch(&[30]);
        let probe = watch.probe().unwrap();
        let (id, other) = (clock.tick(), clock.tick());
        watch.on_sent(id, probe);
        assert_eq!(watch.take_pending(other), None);
        assert_eq!(watch.take_pending(id), Some(probe));
        assert_eq!(watch.take_pending(id), None);
        watch.on_sent(other, probe);
        watch.forget();
        assert!(!watch.is_probing() && !watch.is_watching());
    }

    #[test]
    fn a_probe_matches_a_page_of_its_number_with_as_many_tokens_as_its_total_implies() {
        let probe = TailProbe {
            number: 2,
            size: 10,
        };
        let mut response = page(&[21, 22]);
        assert!(!probe.matches(&response), "a page without a total");
        response.total = Some(22);
        assert!(probe.matches(&response));
        response.number = Some(1);
        assert!(!probe.matches(&response));
    }
}
