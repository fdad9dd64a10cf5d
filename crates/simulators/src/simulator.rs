//! The interface that all simulators implement.

use std::{collections::BTreeMap, fmt::Debug, net::IpAddr, sync::Arc};

use bytes::Bytes;

use crate::{Clock, Faults, Inserted, Log, NewToken, Token};

/// Credentials by their keys in tokenfleet's configuration: `token`, `login`, `user_id`, `api_key`,
/// `site_id`, `username`, `password`.
pub type Credentials = BTreeMap<String, String>;

/// The address that a request came from, as a request extension; absent without a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A simulated platform. Implementors are handles: clones share the platform.
pub trait Simulator: Send + Sync + Debug + 'static {
    /// Returns the name of the platform: `losant`, `foreman`, `cloudsmith` or `mindbody`.
    fn provider(&self) -> &'static str;

    /// Returns another handle to the same platform.
    fn to_arc(&self) -> Arc<dyn Simulator>;

    /// Returns valid credentials, by their configuration keys.
    fn credentials(&self) -> Credentials;

    /// Returns the clock, the log and the faults.
    fn instruments(&self) -> &Instruments;

    /// Answers a request as the platform itself would, without faults, log or delays.
    ///
    /// Tests send requests through [`dispatch`](crate::dispatch) or a [`Server`](crate::Server),
    /// which add those.
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes>;

    /// Returns the format of listed pages; `None` if the platform has no listing.
    fn listing_shape(&self) -> Option<ListingShape>;

    /// Returns all existing tokens, oldest first, which is slow for a million tokens.
    fn tokens(&self) -> Vec<Token>;

    /// Returns the ids of all existing tokens, oldest first.
    fn ids(&self) -> Vec<String> {
        self.tokens().into_iter().map(|token| token.id).collect()
    }

    /// Returns the token with this id.
    fn token(&self, id: &str) -> Option<Token> {
        self.tokens().into_iter().find(|token| token.id == id)
    }

    /// Returns the number of existing tokens.
    fn token_count(&self) -> usize;

    /// Returns `true` if this secret would authenticate now; this does not count as a use.
    fn accepts(&self, secret: &str) -> bool;

    /// Inserts a token, bypassing the platform's rules on names and counts.
    fn insert(&self, token: NewToken) -> Inserted;

    /// Erases the token with this id; `false` if there is none.
    fn remove(&self, id: &str) -> bool;

    /// Returns the clock of the platform.
    fn clock(&self) -> &Clock {
        &self.instruments().clock
    }

    /// Returns the log of received requests.
    fn log(&self) -> &Log {
        &self.instruments().log
    }

    /// Returns the faults to inject.
    fn faults(&self) -> &Faults {
        &self.instruments().faults
    }
}

/// The clock, log and faults of a simulator. Clones share them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Instruments {
    /// The clock of the platform.
    pub clock: Clock,
    /// The log of received requests.
    pub log: Log,
    /// The faults to inject.
    pub faults: Faults,
    /// `true` to compress responses with gzip where a request accepts that.
    pub gzip: bool,
}

impl Instruments {
    /// Creates an empty log and no faults, with this clock.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            ..Self::default()
        }
    }

    /// Compresses responses with gzip where a request accepts that, or never.
    #[must_use]
    pub fn with_gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }
}

/// The format of a platform's pages, for the faults that falsify pages.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ListingShape {
    /// The member with the items; `None` if the body is nothing but the list of them.
    pub items: Option<&'static str>,
    /// The member with the page number.
    pub page: Option<&'static str>,
    /// The members with totals.
    pub totals: &'static [&'static str],
    /// The headers with totals, in lower case.
    pub total_headers: &'static [&'static str],
    /// The header with the page number, in lower case.
    pub page_header: Option<&'static str>,
    /// The header with the number of pages, in lower case.
    pub page_count_header: Option<&'static str>,
    /// The query parameter with the requested page.
    pub page_parameter: &'static str,
    /// The number of the first page.
    pub first_page: u64,
}
