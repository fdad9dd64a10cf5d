//! A clock for streams that know of no async runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use futures_util::task::AtomicWaker;

/// Wakes whoever waits, after a while. A thread of its own sleeps that long: there is no runtime to ask.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    set: AtomicBool,
    waker: AtomicWaker,
}

impl Alarm {
    /// Wakes that task after a while; earlier, if the alarm has been set already.
    pub(crate) fn set(&self, after: Duration, waker: &Waker) {
        let bell = &self.0;
        bell.waker.register(waker);
        if bell.set.swap(true, Ordering::AcqRel) {
            return;
        }
        let ringing = Arc::clone(bell);
        let sleeping = thread::Builder::new().spawn(move || {
            thread::sleep(after);
            ringing.set.store(false, Ordering::Release);
            ringing.waker.wake();
        });
        if sleeping.is_err() {
            // Without the thread it is as if the alarm had never been set.
            bell.set.store(false, Ordering::Release);
        }
    }
}
