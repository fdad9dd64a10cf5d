//! The rests of queues for which nothing could be done.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// The first rest of a queue. Each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);

const LONGEST: Duration = Duration::from_secs(60);

/// The queues that this worker leaves alone for a while, so that one that always fails costs little
/// and takes the place of no other.
#[derive(Debug, Default)]
pub(crate) struct Rests(BTreeMap<String, Rest>);

#[derive(Debug)]
struct Rest {
    length: Duration,
    until: Instant,
}

impl Rests {
    /// Lets a queue rest for longer than the last time.
    pub(crate) fn begin(&mut self, queue: &str, now: Instant) {
        let last = self.0.get(queue).map(|rest| rest.length);
        let length = last.map_or(FIRST, |last| (last * 2).min(LONGEST));
        let until = now + length;
        self.0.insert(queue.to_owned(), Rest { length, until });
    }

    /// Forgets that nothing could be done for a queue.
    pub(crate) fn end(&mut self, queue: &str) {
        self.0.remove(queue);
    }

    /// Forgets the queues that are not due any more.
    pub(crate) fn keep(&mut self, is_due: impl Fn(&str) -> bool, now: Instant) {
        self.0
            .retain(|queue, rest| rest.until > now || is_due(queue));
    }

    pub(crate) fn is_over(&self, queue: &str, now: Instant) -> bool {
        self.0.get(queue).is_none_or(|rest| rest.until <= now)
    }

    /// Returns the time until the first of these queues that rest may be carried on.
    pub(crate) fn next<'a>(
        &self,
        queues: impl Iterator<Item = &'a str>,
        now: Instant,
    ) -> Option<Duration> {
        let rests = queues.filter_map(|queue| self.0.get(queue));
        let left = rests.map(|rest| rest.until.saturating_duration_since(now));
        left.filter(|left| !left.is_zero()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_rests_for_longer_each_time_until_something_was_done() {
        let mut rests = Rests::default();
        let mut now = Instant::now();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            rests.begin("iot", now);
            let rest = Duration::from_secs(seconds);
            assert_eq!(rests.next(["ci", "iot"].into_iter(), now), Some(rest));
            assert!(rests.is_over("ci", now));
            assert!(!rests.is_over("iot", now));
            now += rest;
            assert!(rests.is_over("iot", now));
            rests.keep(|queue| queue == "iot", now);
        }
        rests.end("iot");
        rests.begin("iot", now);
        assert_eq!(rests.next(["iot"].into_iter(), now), Some(FIRST));
        rests.keep(|_| false, now + LONGEST);
        assert_eq!(rests.next(["iot"].into_iter(), now), None);
    }
}
