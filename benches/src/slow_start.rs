//! The congestion window of a new connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The bytes of a segment.
const SEGMENT: usize = 1_460;

/// The segments that may be sent before the first acknowledgement (RFC 6928).
const INITIAL_SEGMENTS: usize = 10;

/// A sender in slow start: each acknowledged byte enlarges the window by itself, and nothing is
/// ever lost.
#[derive(Debug)]
pub(crate) struct SlowStart {
    one_way: Duration,
    window: usize,
    /// The times at which segments are acknowledged, and their bytes.
    in_flight: VecDeque<(Instant, usize)>,
    bytes_in_flight: usize,
    last_departure: Option<Instant>,
}

impl SlowStart {
    /// Creates a sender whose segments take this time to arrive.
    pub(crate) fn new(one_way: Duration) -> Self {
        Self {
            one_way,
            window: INITIAL_SEGMENTS * SEGMENT,
            in_flight: VecDeque::new(),
            bytes_in_flight: 0,
            last_departure: None,
        }
    }

    /// Sends bytes that are ready at a time, and returns when each segment of them arrives.
    ///
    /// The times of later calls must not be earlier.
    pub(crate) fn send(&mut self, ready: Instant, bytes: &[u8]) -> Vec<(Instant, Vec<u8>)> {
        let segments = bytes.chunks(SEGMENT);
        segments
            .map(|segment| (self.send_segment(ready, segment.len()), segment.to_vec()))
            .collect()
    }

    fn send_segment(&mut self, ready: Instant, length: usize) -> Instant {
        // No segment overtakes another.
        let mut leaves = self.last_departure.map_or(ready, |last| last.max(ready));
        while let Some(&(acknowledged, bytes)) = self.in_flight.front() {
            let fits = self.bytes_in_flight + length <= self.window;
            if acknowledged > leaves && fits {
                break;
            }
            leaves = leaves.max(acknowledged);
            self.in_flight.pop_front();
            self.bytes_in_flight -= bytes;
            self.window += bytes;
        }
        self.last_departure = Some(leaves);
        let arrives = leaves + self.one_way;
        self.in_flight.push_back((arrives + self.one_way, length));
        self.bytes_in_flight += length;
        arrives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_doubles_with_each_round_trip() {
        let one_way = Duration::from_millis(25);
        let start = Instant::now();
        let mut sender = SlowStart::new(one_way);
        let arrivals = sender.send(start, &vec![0; 70 * SEGMENT]);
        let after = |round_trips: u32| start + one_way + 2 * one_way * round_trips;
        let segments_at = |time| arrivals.iter().filter(|(at, _)| *at == time).count();
        assert_eq!([0, 1, 2].map(|n| segments_at(after(n))), [10, 20, 40]);
    }

    #[test]
    fn what_fits_into_the_window_leaves_when_it_is_ready() {
        let one_way = Duration::from_millis(25);
        let start = Instant::now();
        let mut sender = SlowStart::new(one_way);
        for milliseconds in [0, 10, 500] {
            let ready = start + Duration::from_millis(milliseconds);
            let arrivals = sender.send(ready, &vec![0; 3 * SEGMENT + 1]);
            assert_eq!(arrivals.len(), 4);
            assert!(arrivals.iter().all(|(at, _)| *at == ready + one_way));
        }
    }
}
