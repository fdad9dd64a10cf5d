//! How many pages are asked for at a time.

/// How many times faster a walk becomes when nothing changes, and more patient when it was too fast.
const STEP: u32 = 4;

/// How many pages are asked for at a time: more while nothing changes, one while something does.
///
/// Each time that pages were read in vain it waits longer until it tries again, so that what is read in vain stays
/// little beside the listing however often the set changes.
#[derive(Debug)]
pub(crate) struct Pace {
    width: u32,
    most: u32,
    calm: u32,
    calm_needed: u32,
}

impl Pace {
    pub(crate) fn new(width: u32, most: u32) -> Self {
        Self {
            width: width.clamp(1, most.max(1)),
            most: most.max(1),
            calm: 0,
            calm_needed: 1,
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.width as usize
    }

    /// Whether pages are always read one after another.
    pub(crate) fn is_single(&self) -> bool {
        self.most == 1
    }

    /// Takes from a page whether nothing changed.
    pub(crate) fn judge(&mut self, calm: bool) {
        if !calm {
            self.calm = 0;
            self.width = 1;
            return;
        }
        self.calm = self.calm.saturating_add(1);
        if self.calm >= self.calm_needed {
            self.width = self.width.saturating_mul(STEP).min(self.most);
        }
    }

    /// Pages were read in vain.
    pub(crate) fn in_vain(&mut self) {
        self.judge(false);
        self.calm_needed = self.calm_needed.saturating_mul(STEP);
    }
}
