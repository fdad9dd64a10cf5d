//! What the four simulators have in common.

use std::{collections::BTreeMap, fmt::Debug, net::IpAddr, sync::Arc};

use bytes::Bytes;

use crate::{Clock, Faults, Inserted, Log, NewToken, Token};

/// Credentials under the names that tokenfleet's configuration gives them: `token`, `login`,
/// `user_id`, `api_key`, `site_id`, `username`, `password`.
pub type Credentials = BTreeMap<String, String>;

/// The address a request came from, among the request's extensions. Absent in process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// One simulated platform. Implementors are handles: clones share the platform.
pub trait Simulator: Send + Sync + Debug + 'static {
    /// The platform's name: `losant`, `foreman`, `cloudsmith` or `mindbody`.
    fn provider(&self) -> &'static str;

    /// Another handle to the same platform.
    fn to_arc(&self) -> Arc<dyn Simulator>;

    /// Credentials that work, under the configuration's names.
    fn credentials(&self) -> Credentials;

    /// Clock, log and faults.
    fn instruments(&self) -> &Instruments;

    /// What the platform itself answers: a function of request, state and clock, without faults, log
    /// or waiting. Tests send requests through [`dispatch`](crate::dispatch) or a
    /// [`Server`](crate::Server), which add those.
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes>;

    /// How the platform spells a page of a list; `None` where it lists nothing.
    fn listing_shape(&self) -> Option<ListingShape>;

    /// Every token that exists, oldest first. With a million tokens this takes its time.
    fn tokens(&self) -> Vec<Token>;

    /// The ids of all tokens, oldest first.
    fn ids(&self) -> Vec<String> {
        self.tokens().into_iter().map(|token| token.id).collect()
    }

    /// One token, by id.
    fn token(&self, id: &str) -> Option<Token> {
        self.tokens().into_iter().find(|token| token.id == id)
    }

    /// How many tokens exist.
    fn token_count(&self) -> usize;

    /// Whether this secret would authenticate now. Asking is not using it.
    fn accepts(&self, secret: &str) -> bool;

    /// Puts a token onto the platform, past its rules on names and numbers.
    fn insert(&self, token: NewToken) -> Inserted;

    /// Erases a token, by id; `false` when there is none.
    fn remove(&self, id: &str) -> bool;

    /// The time the platform believes in.
    fn clock(&self) -> &Clock {
        &self.instruments().clock
    }

    /// Every request received.
    fn log(&self) -> &Log {
        &self.instruments().log
    }

    /// What goes wrong, and when.
    fn faults(&self) -> &Faults {
        &self.instruments().faults
    }
}

/// Clock, log and faults of one simulator. Clones are the same instruments.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Instruments {
    /// See [`Clock`].
    pub clock: Clock,
    /// See [`Log`].
    pub log: Log,
    /// See [`Faults`].
    pub faults: Faults,
}

impl Instruments {
    /// A fresh log and no faults, with this clock.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            ..Self::default()
        }
    }
}

/// How a platform spells a page of a list, for the faults that falsify pages.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ListingShape {
    /// The member that holds the items.
    pub items: &'static str,
    /// The member that holds the page number, if any.
    pub page: Option<&'static str>,
    /// Members that hold totals.
    pub totals: &'static [&'static str],
    /// Headers that hold totals, in lower case.
    pub total_headers: &'static [&'static str],
    /// Header that holds the page number, in lower case.
    pub page_header: Option<&'static str>,
    /// Header that holds the number of pages, in lower case.
    pub page_count_header: Option<&'static str>,
    /// The query parameter that asks for a page.
    pub page_parameter: &'static str,
    /// The number of the first page.
    pub first_page: u64,
}
