//! Pages of lists: their number and size in the request, their totals and links in headers.

use std::ops::Range;

use bytes::Bytes;
use http::{Request, Response, header};

use super::{
    error::Error,
    options::{EmptyHeaders, Links, Options, PastEnd},
};
use crate::{response, target::Target};

const DEFAULT_PAGE_SIZE: usize = 30;
const MAX_PAGE_SIZE: usize = 500;

/// The requested page of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    number: usize,
    size: usize,
    /// The number of pages.
    pages: usize,
    /// The number of items on all pages.
    count: usize,
}

impl Page {
    /// Parses the page that a request for a list of `count` items asks for.
    pub(super) fn parse(target: &Target, count: usize, options: &Options) -> Result<Self, Error> {
        let number = page_number(target.parameter("page"))?;
        let size = page_size(target.parameter("page_size"));
        let pages = count.div_ceil(size).max(1);
        if number > pages && options.past_end == PastEnd::NotFound {
            return Err(Error::new(404, "Invalid page."));
        }
        Ok(Self {
            number,
            size,
            pages,
            count,
        })
    }

    /// Returns the positions of the items on this page.
    pub(super) fn range(&self) -> Range<usize> {
        let start = (self.number - 1).saturating_mul(self.size).min(self.count);
        start..start.saturating_add(self.size).min(self.count)
    }

    /// Adds the pagination headers.
    pub(super) fn add_headers(
        &self,
        response: &mut Response<Bytes>,
        request: &Request<Bytes>,
        target: &Target,
        options: &Options,
    ) {
        if self.count == 0 && options.empty_headers == EmptyHeaders::Absent {
            return;
        }
        for (name, value) in [
            ("x-pagination-count", self.count),
            ("x-pagination-page", self.number),
            ("x-pagination-pagetotal", self.pages),
            ("x-pagination-pagesize", self.size),
        ] {
            response::set_header(response, name, &value.to_string());
        }
        let links = self.links(request, target, options);
        if !links.is_empty() {
            response::set_header(response, header::LINK.as_str(), &links);
        }
    }

    /// Returns the `Link` header, empty if the page has no links.
    fn links(&self, request: &Request<Bytes>, target: &Target, options: &Options) -> String {
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .map_or("https://api.cloudsmith.io".to_owned(), |host| {
                format!("http://{host}")
            });
        let size = target
            .parameter("page_size")
            .filter(|_| options.links == Links::Full)
            .map_or(String::new(), |size| format!("&page_size={size}"));
        let link = |number: usize, relation: &str| {
            format!(
                "<{host}{}?page={number}{size}>; rel=\"{relation}\"",
                target.path
            )
        };
        let mut links = Vec::new();
        if self.pages > 1 {
            links.push(link(1, "first"));
            links.push(link(self.pages, "last"));
        }
        if self.number > 1 {
            links.push(link(self.number - 1, "prev"));
        }
        if self.number < self.pages {
            links.push(link(self.number + 1, "next"));
        }
        links.join(", ")
    }
}

/// Parses a page number; absent, empty or not positive is the first page.
fn page_number(text: Option<&str>) -> Result<usize, Error> {
    match text {
        None | Some("") => Ok(1),
        Some(text) => match text.parse::<i64>() {
            Ok(number) if number < 1 => Ok(1),
            Ok(number) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
            Err(_) => Err(Error::new(404, "Invalid page.")),
        },
    }
}

/// Parses a page size; absent, 0 or not a number is the default.
fn page_size(text: Option<&str>) -> usize {
    match text.and_then(|text| text.parse::<usize>().ok()) {
        None | Some(0) => DEFAULT_PAGE_SIZE,
        Some(size) => size.min(MAX_PAGE_SIZE),
    }
}
