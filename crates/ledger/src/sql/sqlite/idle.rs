//! The files that are open although nobody uses them at the moment, for the next calls.

use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use super::file::OpenFile;

/// The files that are kept open at a time.
const MAX_OPEN: usize = 4;

/// Keeps files open for the next calls, which need not read the schema again. The last clone closes
/// them, which writes what is in the log into the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Idle(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Arc<OpenFile>>>);

impl Idle {
    /// Returns a file that was kept, if there is one and it is still the one at its path.
    pub(super) fn take(&self) -> Option<Arc<OpenFile>> {
        loop {
            let kept = self.0.0.lock();
            let file = kept.unwrap_or_else(PoisonError::into_inner).pop()?;
            if file.is_still_there() {
                return Some(file);
            }
        }
    }

    pub(super) fn keep(&self, file: &Arc<OpenFile>) {
        let mut kept = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_OPEN {
            kept.push(Arc::clone(file));
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let kept = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for file in take(kept) {
            if let Some(file) = Arc::into_inner(file) {
                file.close_now();
            }
        }
    }
}
