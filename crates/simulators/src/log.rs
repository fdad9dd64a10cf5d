//! Every request a simulator received.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;

/// How many requests are kept unless [`Log::keep_last`] says otherwise.
const KEPT: usize = 100_000;

/// One request received, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Counts from 1 and is never used twice, not even after [`Log::clear`].
    pub number: u64,
    /// When it came, by the simulator's clock.
    pub received: Timestamp,
    /// The method.
    pub method: Method,
    /// The request target exactly as sent: absolute form, doubled slashes and escapes included.
    pub target: String,
    /// The headers; their names have lost their case on the way.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the platform acted upon it. A fault can answer without, or act and not answer.
    pub processed: bool,
    /// The status answered; `None` while under way, and for ever when the connection was dropped.
    pub status: Option<u16>,
}

impl Entry {
    /// A header's value as text, empty when absent or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The log of a simulator. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<Pages>>);

#[derive(Debug)]
struct Pages {
    entries: VecDeque<Entry>,
    total: u64,
    keep: usize,
}

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Pages {
            entries: VecDeque::new(),
            total: 0,
            keep: KEPT,
        })))
    }

    /// The requests kept, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// The newest request.
    pub fn last(&self) -> Option<Entry> {
        self.lock().entries.back().cloned()
    }

    /// How many requests came since the simulator began, also those no longer kept.
    pub fn total(&self) -> u64 {
        self.lock().total
    }

    /// Forgets the requests, not their number.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    /// Keeps at most `count` requests from now on (100,000 unless told).
    pub fn keep_last(&self, count: usize) {
        let mut pages = self.lock();
        pages.keep = count;
        pages.trim();
    }

    pub(crate) fn receive(&self, request: &http::Request<Bytes>, received: Timestamp) -> u64 {
        let mut pages = self.lock();
        pages.total += 1;
        let entry = Entry {
            number: pages.total,
            received,
            method: request.method().clone(),
            target: request.uri().to_string(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            processed: false,
            status: None,
        };
        pages.entries.push_back(entry);
        pages.trim();
        pages.total
    }

    pub(crate) fn processed(&self, number: u64) {
        self.amend(number, |entry| entry.processed = true);
    }

    pub(crate) fn answered(&self, number: u64, status: u16) {
        self.amend(number, |entry| entry.status = Some(status));
    }

    fn amend(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut pages = self.lock();
        // Numbers are consecutive, so the place follows from the first one kept.
        let Some(first) = pages.entries.front().map(|entry| entry.number) else {
            return;
        };
        let place = number
            .checked_sub(first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| pages.entries.get_mut(place)) {
            change(entry);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Pages {
    fn trim(&mut self) {
        while self.entries.len() > self.keep {
            self.entries.pop_front();
        }
    }
}
