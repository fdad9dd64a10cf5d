//! The choices that make a schedule.

/// The choices of one schedule: a prefix that is given, and then no fault.
pub(crate) struct Choices {
    prefix: Vec<u8>,
    pub(crate) trace: Vec<(u8, u8)>,
    left: u32,
}

impl Choices {
    pub(crate) fn new(prefix: Vec<u8>, faults: u32) -> Self {
        Self {
            prefix,
            trace: Vec::new(),
            left: faults,
        }
    }

    /// Chooses one of several ways to go on. All but the first are faults.
    pub(crate) fn choose(&mut self, ways: u8) -> u8 {
        if self.left == 0 {
            return 0;
        }
        let choice = self.prefix.get(self.trace.len()).copied().unwrap_or(0);
        self.trace.push((choice, ways));
        self.left -= u32::from(choice != 0);
        choice
    }
}
