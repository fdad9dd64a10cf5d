//! Probes of the tail, which show whether anything was deleted (decision 0008).

use crate::error::Result;
use crate::listing::engine::PageEngine;
use crate::listing::engine::in_flight::Tick;
use crate::listing::engine::tail_watch::TailProbe;
use crate::model::Token;
use crate::provider::{Page, PageRequest};

impl PageEngine {
    /// Returns a probe to send now, if received pages wait for one, or if pages could be fetched
    /// concurrently after one.
    pub(super) fn next_probe(&mut self) -> Option<(Tick, PageRequest)> {
        let wanted = if self.tail.is_watching() {
            self.received_unconfirmed() > 0
        } else {
            self.concurrency.width() > 1 && self.frontier.next().is_some()
        };
        let backward = self.strategy.is_backward() && self.frontier.has_started();
        if !backward || !wanted || self.tail.is_probing() {
            return None;
        }
        let probe = self.tail.probe().or(self.probe_of_tail())?;
        let id = self.in_flight.tick();
        self.tail.on_sent(id, probe);
        Some((id, self.template.probe(probe)))
    }

    /// Takes the response to a probe.
    pub(super) fn on_probe(&mut self, id: Tick, probe: TailProbe, response: Result<Page>) {
        let page = match response {
            Ok(page) if probe.matches(&page) => Some(page),
            // One page at a time can be read in smaller ones.
            Err(error) if error.is_response_too_large() => {
                self.concurrency.end();
                match self.in_flight.first().cloned() {
                    Some(first) => self.restart_at(first),
                    None => self.stop_watching(),
                }
                return;
            }
            Err(error) if self.template.size() == Some(probe.size()) => {
                self.tail.fail(error);
                return;
            }
            // The platform may not serve pages of that size.
            _ => {
                self.tail.probe_whole_pages();
                None
            }
        };
        if !self.tail.is_watching() {
            match page {
                Some(page) if page.total == self.totals.current() => {
                    self.watch(probe, &page, 0);
                }
                _ => self.stop_watching(),
            }
            return;
        }
        if !page.is_some_and(|page| self.tail.confirm(id, &page)) {
            match self.in_flight.first().cloned() {
                Some(first) => self.restart_at(first),
                None => self.stop_watching(),
            }
        }
    }

    /// Watches the tail that a backward scan finds on its first page.
    pub(super) fn watch_tail_of(&mut self, number: u64, page: &Page) {
        if let (Some(probe), Some(size)) = (self.probe_of_tail(), self.template.size()) {
            let first = number.saturating_mul(size.into());
            let before = probe.offset().saturating_sub(first) as usize;
            self.watch(probe, page, before);
        }
    }

    /// Watches the tokens of a page from an index on.
    fn watch(&mut self, probe: TailProbe, page: &Page, index: usize) {
        let last: &[Token] = page.tokens.get(index..).unwrap_or_default();
        if !self.look.is_anchor(last) || !self.tail.begin(probe, page.total, last) {
            self.stop_watching();
        }
    }

    fn stop_watching(&mut self) {
        self.tail.forget();
        self.concurrency.on_change();
    }

    fn probe_of_tail(&self) -> Option<TailProbe> {
        let size = self.template.size()?.max(1);
        self.tail.probe_for(self.totals.last_index()?, size)
    }
}
