//! Which pages hold a window of a listing.

/// Pages of one size that hold a window: the tokens from an offset on, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRange {
    /// The first of the pages, counted from 0.
    pub(crate) first_page: u64,
    /// How many pages there are; `None`: all from there on.
    pub(crate) pages: Option<u64>,
    /// How many tokens each of them holds.
    pub(crate) page_size: u32,
}

impl PageRange {
    /// The fewest pages of `smallest` to `largest` tokens, and among as few those with the fewest tokens.
    pub(crate) fn over(offset: u64, limit: Option<u64>, smallest: u32, largest: u32) -> Self {
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
        let sizes = match limit {
            Some(_) => smallest..=largest.max(smallest),
            None => largest.max(smallest)..=largest.max(smallest),
        };
        sizes
            .map(of_size)
            .min_by_key(|window| (window.pages, window.page_size))
            .unwrap_or_else(|| of_size(smallest))
    }

    /// How many tokens lie on the pages before it.
    pub(crate) fn passed_over(&self) -> u64 {
        self.first_page.saturating_mul(u64::from(self.page_size))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_lies_on_its_pages_and_on_no_fewer_of_any_size(
            offset in 0u64..500, limit in 1u64..120, largest in 1u32..60,
        ) {
            let window = PageRange::over(offset, Some(limit), 1, largest);
            let size = u64::from(window.page_size);
            let pages = window.pages.unwrap();
            prop_assert!(window.passed_over() <= offset);
            prop_assert!((window.first_page + pages) * size >= offset + limit);
            for size in 1..=u64::from(largest) {
                prop_assert!(pages <= (offset + limit - 1) / size - offset / size + 1);
            }
        }
    }

    #[test]
    fn a_window_across_the_usual_pages_is_found_on_one_of_another_size() {
        let window = PageRange::over(950, Some(100), 1, 1000);
        assert_eq!((window.first_page, window.pages), (9, Some(1)));
        assert_eq!(window.page_size, 105);
        assert_eq!(PageRange::over(0, Some(10), 1, 1000).page_size, 10);
    }
}
