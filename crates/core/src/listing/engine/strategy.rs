//! The strategies of scans, and why each of them loses no token.

use crate::listing::engine::tail_watch::TailEvidence;
use crate::listing::{Plan, ScanDirection};

/// The number of tokens that may be held before they are wanted, unless the pages in flight hold
/// more (decision 0008: memory stays bounded).
const TOKENS_AHEAD: u64 = 8_192;

/// The way a scan reads its pages.
///
/// A strategy answers three questions: how many pages may be fetched concurrently, when a received
/// page is safe to emit, and which page comes next. Decisions 0002 and 0008 hold the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanStrategy {
    /// First page to last, where nothing vanishes and new tokens come last: it makes no difference
    /// when a page is read, except for the newest tokens.
    ForwardAppending,
    /// First page to last, where nothing vanishes and new tokens come anywhere: a total only grows,
    /// so it serves as a clock.
    ForwardGrowing,
    /// First page to last, one page at a time, each from a place in an order in which no token
    /// moves: whatever is created or deleted, every other token keeps its page (decision 0020).
    ForwardKeyset,
    /// First page to last, one page at a time, without a promise beyond a single page.
    ForwardUnprotected,
    /// Last page to first, where new tokens come last: deletions move tokens only onto pages that
    /// are still to be read, and a probe of the tail detects deletions between concurrent pages.
    Backward,
}

/// The facts that decide whether a received page is safe to emit.
#[derive(Debug)]
pub(super) struct Evidence {
    /// `true` if the page was requested after the page before it had been received.
    pub(super) is_sequential: bool,
    /// `true` if the page counts fewer tokens than the page before it.
    pub(super) counts_fewer: bool,
    /// `true` if a token created out of order may have moved another one past this page.
    pub(super) newest_moved: bool,
    pub(super) tail: TailEvidence,
}

/// The judgement of a received page: does it show every token that the pages before it do not?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does.
    Safe,
    /// Unknown until a probe of the tail is answered.
    Pending,
    /// It may not: it may have been read before a page that precedes it.
    Stale,
    /// It does together with the page above, which must be read again.
    RereadAbove,
}

impl ScanStrategy {
    /// Returns the strategy of a plan.
    pub(super) fn for_plan(plan: &Plan) -> Self {
        match plan.scan {
            ScanDirection::Backward => Self::Backward,
            ScanDirection::Forward if !plan.protected => Self::ForwardUnprotected,
            ScanDirection::Forward if plan.keyset => Self::ForwardKeyset,
            ScanDirection::Forward if plan.append_only => Self::ForwardAppending,
            ScanDirection::Forward => Self::ForwardGrowing,
        }
    }

    pub(super) fn is_backward(self) -> bool {
        self == Self::Backward
    }

    /// Returns how many of at most `max` pages are fetched at a time before anything is known about
    /// changes.
    pub(super) fn initial_width(self, max: u32) -> u32 {
        match self {
            Self::ForwardAppending => max,
            _ => 1,
        }
    }

    /// Returns whether pages may be fetched concurrently now.
    pub(super) fn may_fetch_concurrently(self, tail_is_watched: bool) -> bool {
        !self.is_backward() || tail_is_watched
    }

    /// Returns how many pages may be held: those in flight and those that wait for earlier ones. A
    /// backward scan also holds the pages that wait for a probe, and half as many that wait for the
    /// next: so the probes do not slow it down, and are few (decision 0040).
    pub(super) fn max_held(self, width: usize, page_size: u64) -> usize {
        let ahead = usize::try_from(TOKENS_AHEAD / page_size).unwrap_or(usize::MAX);
        match (width, self) {
            (1, _) => 1,
            (_, Self::Backward) => ahead.clamp(width + width.div_ceil(2) + width, 3 * width),
            _ => ahead.clamp(width, 2 * width),
        }
    }

    /// Judges a received page.
    pub(super) fn verdict(self, evidence: &Evidence) -> Verdict {
        let Evidence {
            is_sequential,
            counts_fewer,
            newest_moved,
            tail,
        } = *evidence;
        match self {
            Self::ForwardAppending | Self::ForwardKeyset => Verdict::Safe,
            // An older page may lack a token that a newer page before it already moved on.
            Self::ForwardGrowing | Self::ForwardUnprotected if counts_fewer && !is_sequential => {
                Verdict::Stale
            }
            Self::ForwardGrowing | Self::ForwardUnprotected => Verdict::Safe,
            Self::Backward if is_sequential && newest_moved => Verdict::RereadAbove,
            Self::Backward if is_sequential => Verdict::Safe,
            Self::Backward => match tail {
                TailEvidence::Unchanged => Verdict::Safe,
                TailEvidence::Shrunk => Verdict::Stale,
                TailEvidence::Unknown => Verdict::Pending,
            },
        }
    }

    /// Returns the number of the page that comes after one, if it is known to hold tokens. Pages at
    /// the end may have become empty meanwhile.
    pub(super) fn following(self, number: u64, last_page: Option<u64>) -> Option<u64> {
        match self {
            Self::Backward => Some(number.checked_sub(1)?.min(last_page?)),
            _ => (number < last_page?).then(|| number + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::fake_pages::{appending, growing, keyset, vanishing};
    use crate::provider::{ListCapability, Paging};
    use crate::query::Query;

    const ALL: [ScanStrategy; 5] = [
        ScanStrategy::ForwardAppending,
        ScanStrategy::ForwardGrowing,
        ScanStrategy::ForwardKeyset,
        ScanStrategy::ForwardUnprotected,
        ScanStrategy::Backward,
    ];

    fn evidence(is_sequential: bool, tail: TailEvidence) -> Evidence {
        Evidence {
            is_sequential,
            counts_fewer: true,
            newest_moved: false,
            tail,
        }
    }

    #[test]
    fn the_strategy_follows_from_what_the_platform_declares() {
        let unprotected = ListCapability::new(Paging::Numbered);
        for (list, strategy) in [
            (appending(), ScanStrategy::ForwardAppending),
            (growing(), ScanStrategy::ForwardGrowing),
            (keyset(), ScanStrategy::ForwardKeyset),
            (unprotected, ScanStrategy::ForwardUnprotected),
            (vanishing(), ScanStrategy::Backward),
        ] {
            let plan = Plan::for_query(&Query::new().page_size(10), &list).unwrap();
            assert_eq!(ScanStrategy::for_plan(&plan), strategy);
        }
    }

    #[test]
    fn about_eight_thousand_tokens_are_held_ahead_and_at_least_the_pages_in_flight() {
        for (size, forward, backward) in [
            (10, 32, 48),
            (256, 32, 40),
            (200, 32, 40),
            (400, 20, 40),
            (1_000, 16, 40),
        ] {
            let held = |strategy: ScanStrategy| strategy.max_held(16, size);
            assert_eq!(held(ScanStrategy::ForwardGrowing), forward, "{size}");
            assert_eq!(held(ScanStrategy::Backward), backward, "{size}");
        }
        for strategy in ALL {
            assert_eq!(strategy.max_held(1, 10), 1);
        }
    }

    #[test]
    fn a_sequential_page_is_safe_whatever_its_total() {
        for strategy in ALL {
            let verdict = strategy.verdict(&evidence(true, TailEvidence::Unknown));
            assert_eq!(verdict, Verdict::Safe, "{strategy:?}");
        }
    }

    #[test]
    fn a_concurrent_page_with_a_smaller_total_is_stale_where_tokens_come_anywhere() {
        let smaller = evidence(false, TailEvidence::Unknown);
        assert_eq!(
            ScanStrategy::ForwardGrowing.verdict(&smaller),
            Verdict::Stale
        );
        assert_eq!(
            ScanStrategy::ForwardAppending.verdict(&smaller),
            Verdict::Safe
        );
        let same = Evidence {
            counts_fewer: false,
            ..smaller
        };
        assert_eq!(ScanStrategy::ForwardGrowing.verdict(&same), Verdict::Safe);
    }

    #[test]
    fn a_concurrent_page_of_a_backward_scan_waits_for_the_probe() {
        for (tail, verdict) in [
            (TailEvidence::Unchanged, Verdict::Safe),
            (TailEvidence::Shrunk, Verdict::Stale),
            (TailEvidence::Unknown, Verdict::Pending),
        ] {
            assert_eq!(
                ScanStrategy::Backward.verdict(&evidence(false, tail)),
                verdict
            );
        }
    }

    #[test]
    fn a_token_created_out_of_order_has_the_page_above_read_again() {
        let moved = Evidence {
            newest_moved: true,
            ..evidence(true, TailEvidence::Unknown)
        };
        assert_eq!(ScanStrategy::Backward.verdict(&moved), Verdict::RereadAbove);
    }

    #[test]
    fn only_appending_starts_wide_and_backward_needs_a_watched_tail() {
        let widths = ALL.map(|strategy| strategy.initial_width(16));
        assert_eq!(widths, [16, 1, 1, 1, 1]);
        let unwatched = ALL.map(|strategy| strategy.may_fetch_concurrently(false));
        assert_eq!(unwatched, [true, true, true, true, false]);
        assert!(ScanStrategy::Backward.may_fetch_concurrently(true));
    }

    #[test]
    fn the_next_page_is_one_that_still_holds_tokens() {
        assert_eq!(
            ScanStrategy::ForwardAppending.following(3, Some(4)),
            Some(4)
        );
        assert_eq!(ScanStrategy::ForwardAppending.following(4, Some(4)), None);
        assert_eq!(ScanStrategy::Backward.following(9, Some(4)), Some(4));
        assert_eq!(ScanStrategy::Backward.following(0, Some(4)), None);
        for strategy in ALL {
            assert_eq!(strategy.following(3, None), None, "{strategy:?}");
        }
    }
}
