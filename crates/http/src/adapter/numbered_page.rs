//! The page of a platform that numbers its pages and repeats the total.

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::{Fact, Result, Token};

use crate::ApiResponse;

/// The fields of a page that say where it lies in the listing.
#[derive(Debug)]
pub struct NumberedPage {
    /// The number of all matching tokens.
    pub total: Fact<u64>,
    /// The number of the page, counted from 0, if the platform repeats it.
    pub number: Option<u64>,
    /// The page size that the platform applied, if it repeats it.
    pub size: Option<u32>,
}

impl NumberedPage {
    /// Builds the page: the next one follows as long as the pages so far hold less than the total.
    ///
    /// # Errors
    ///
    /// [`ProtocolViolation`](tokenfleet_core::ErrorKind::ProtocolViolation) without a total: the
    /// end of the listing would be a guess.
    pub fn into_page(
        self,
        request: &PageRequest,
        default_size: u32,
        tokens: Vec<Token>,
        response: &ApiResponse,
    ) -> Result<Page> {
        let Fact::Known(total) = self.total else {
            return Err(
                response.violation("the response does not contain the total number of tokens")
            );
        };
        let number = request.number().unwrap_or_default();
        let size = self.size.or(request.size).unwrap_or(default_size);
        let end = number.saturating_add(1).saturating_mul(u64::from(size));
        let mut page = Page::last(tokens);
        page.total = Some(total);
        page.number = self.number;
        page.size = self.size;
        page.next = (end < total).then_some(PagePosition::Number(number + 1));
        page.served_at = response.served_at();
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::Operation;

    use super::*;
    use crate::response::tests::response;

    fn page(total: Fact<u64>, size: Option<u32>, request: &PageRequest) -> Result<Page> {
        let date = [("date", "Thu, 01 Jan 2026 12:00:00 GMT")];
        let response = response(Operation::List, &date, "{}");
        let number = request.number();
        let page = NumberedPage {
            total,
            number,
            size,
        };
        page.into_page(request, 20, Vec::new(), &response)
    }

    #[test]
    fn the_next_page_follows_by_the_size_that_was_applied_then_requested_then_the_default() {
        let first = PageRequest::first();
        let third = || PageRequest::first().position(PagePosition::Number(2));
        for (request, applied, total, next) in [
            (first.clone(), None, 20, None),
            (first.clone(), None, 21, Some(1)),
            (first.clone().size(100), None, 100, None),
            (first.clone().size(100), None, 101, Some(1)),
            (first.size(100), Some(50), 51, Some(1)),
            (third().size(10), None, 30, None),
            (third().size(10), None, 31, Some(3)),
        ] {
            let page = page(Fact::Known(total), applied, &request).unwrap();
            assert_eq!(page.next, next.map(PagePosition::Number), "{request:?}");
            assert_eq!((page.total, page.size), (Some(total), applied));
            assert!(page.served_at.is_some());
        }
    }

    #[test]
    fn the_end_of_a_listing_is_never_a_guess() {
        for total in [Fact::NotReported, Fact::Absent] {
            assert!(page(total, None, &PageRequest::first()).is_err());
        }
    }
}
