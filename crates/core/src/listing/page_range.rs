//! The pages that hold the offset and limit of a query (law 2 in `docs/SEMANTICS.md`).

/// Consecutive pages of one size that hold all tokens from an offset up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRange {
    /// The number of the first page, counted from 0.
    pub(crate) first_page: u64,
    /// The number of pages; `None` for all from the first one on.
    pub(crate) pages: Option<u64>,
    /// The number of tokens per page.
    pub(crate) page_size: u32,
}

impl PageRange {
    /// Returns the range with the fewest pages of `smallest` to `largest` tokens and, among those,
    /// the smallest pages.
    pub(crate) fn covering(offset: u64, limit: Option<u64>, smallest: u32, largest: u32) -> Self {
        let of_size = |size: u32| {
            let first_page = offset / u64::from(size);
            let pages = limit.map(|limit| {
                let last = offset.saturating_add(limit.max(1) - 1);
                last / u64::from(size) - first_page + 1
            });
            Self {
                first_page,
                pages,
                page_size: size,
            }
        };
        let smallest = smallest.max(1);
        let largest = largest.max(smallest);
        if limit.is_none() {
            return of_size(largest);
        }
        // The number of pages neither grows nor falls steadily with their size, so all sizes are
        // tried: at most a thousand, at two divisions each.
        (smallest..=largest)
            .map(of_size)
            .min_by_key(|range| (range.pages, range.page_size))
            .unwrap_or_else(|| of_size(smallest))
    }

    /// Returns how many tokens lie on the pages before the range.
    pub(crate) fn skipped(&self) -> u64 {
        self.first_page.saturating_mul(u64::from(self.page_size))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_range_covers_the_tokens_with_no_more_pages_than_any_other_size_needs(
            offset in 0u64..500, limit in 1u64..120, largest in 1u32..60,
        ) {
            let range = PageRange::covering(offset, Some(limit), 1, largest);
            let size = u64::from(range.page_size);
            let pages = range.pages.unwrap();
            prop_assert!(range.skipped() <= offset);
            prop_assert!((range.first_page + pages) * size >= offset + limit);
            for size in 1..=u64::from(largest) {
                prop_assert!(pages <= (offset + limit - 1) / size - offset / size + 1);
            }
        }
    }

    #[test]
    fn tokens_on_two_usual_pages_are_found_on_one_page_of_another_size() {
        let range = PageRange::covering(950, Some(100), 1, 1000);
        assert_eq!((range.first_page, range.pages), (9, Some(1)));
        assert_eq!(range.page_size, 105);
        assert_eq!(PageRange::covering(0, Some(10), 1, 1000).page_size, 10);
    }
}
