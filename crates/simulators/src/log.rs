//! The log of received requests.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;

/// The default number of requests to keep.
const DEFAULT_CAPACITY: usize = 100_000;

/// A received request and its outcome.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The number of the request, from 1; not reused, even after [`Log::clear`].
    pub number: u64,
    /// The time of receipt by the simulator's clock.
    pub received: Timestamp,
    /// The HTTP method.
    pub method: Method,
    /// The request target exactly as sent, including absolute form, repeated slashes and escapes.
    pub target: String,
    /// The headers, with names in lower case.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// `true` if the platform processed the request, even if a fault withheld the response.
    pub processed: bool,
    /// The status of the response; `None` while in flight and after a dropped connection.
    pub status: Option<u16>,
}

impl Entry {
    /// Returns the value of a header, empty if it is absent or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The log of a simulator. Clones share it.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<Entries>>);

#[derive(Debug)]
struct Entries {
    entries: VecDeque<Entry>,
    total: u64,
    capacity: usize,
}

impl Log {
    /// Creates an empty log.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Entries {
            entries: VecDeque::new(),
            total: 0,
            capacity: DEFAULT_CAPACITY,
        })))
    }

    /// Returns the kept requests, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// Returns the most recent request.
    pub fn last(&self) -> Option<Entry> {
        self.lock().entries.back().cloned()
    }

    /// Returns the number of requests received so far, including those no longer kept.
    pub fn total(&self) -> u64 {
        self.lock().total
    }

    /// Removes all requests; numbering continues.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    /// Limits the log to the last `count` requests (100,000 by default).
    pub fn keep_last(&self, count: usize) {
        let mut inner = self.lock();
        inner.capacity = count;
        inner.trim();
    }

    /// Adds a request and returns its number.
    pub(crate) fn record(&self, request: &http::Request<Bytes>, received: Timestamp) -> u64 {
        let mut inner = self.lock();
        inner.total += 1;
        let entry = Entry {
            number: inner.total,
            received,
            method: request.method().clone(),
            target: request.uri().to_string(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            processed: false,
            status: None,
        };
        inner.entries.push_back(entry);
        inner.trim();
        inner.total
    }

    /// Marks a request as processed.
    pub(crate) fn mark_processed(&self, number: u64) {
        self.update(number, |entry| entry.processed = true);
    }

    /// Records the status of the response to a request.
    pub(crate) fn record_status(&self, number: u64, status: u16) {
        self.update(number, |entry| entry.status = Some(status));
    }

    fn update(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut inner = self.lock();
        // Numbers are consecutive, so the index follows from the first kept number.
        let Some(first) = inner.entries.front().map(|entry| entry.number) else {
            return;
        };
        let index = number
            .checked_sub(first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| inner.entries.get_mut(index)) {
            change(entry);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Entries {
    fn trim(&mut self) {
        while self.entries.len() > self.capacity {
            self.entries.pop_front();
        }
    }
}
