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
