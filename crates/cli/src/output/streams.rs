//! The place that standard output goes to.

use std::io;

/// Returns `true` if nobody can read what is written to standard output.
///
/// The standard library opens the null device in the place of a closed standard output, so both
/// look the same: a secret would be lost without an error. The reader of a pipe may have left.
pub(crate) fn is_discarded() -> bool {
    #[cfg(unix)]
    {
        use std::fs::{File, metadata};
        use std::os::fd::AsFd;
        use std::os::unix::fs::{FileTypeExt, MetadataExt};

        let stdout = io::stdout();
        if has_no_reader(stdout.as_fd()) {
            return true;
        }
        let Ok(stdout) = stdout.as_fd().try_clone_to_owned() else {
            return true;
        };
        match (File::from(stdout).metadata(), metadata("/dev/null")) {
            (Ok(stdout), Ok(null)) => {
                stdout.file_type().is_char_device() && stdout.rdev() == null.rdev()
            }
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        false
    }
}

/// Returns `true` for a pipe, socket or terminal whose other end is closed.
#[cfg(unix)]
fn has_no_reader(stream: std::os::fd::BorrowedFd<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    // An error and a hang-up are reported unasked.
    let mut streams = [PollFd::from_borrowed_fd(stream, PollFlags::empty())];
    let found = poll(&mut streams, Some(&Timespec::default()));
    let [stream] = streams;
    found.is_ok() && (stream.revents()).intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Returns `true` if standard output and standard error go to one place, as with `2>&1`.
pub(super) fn is_beside_errors() -> bool {
    #[cfg(unix)]
    {
        use std::fs::File;
        use std::os::fd::{AsFd, BorrowedFd};
        use std::os::unix::fs::MetadataExt;

        let place = |stream: BorrowedFd<'_>| {
            let file = File::from(stream.try_clone_to_owned().ok()?);
            let found = file.metadata().ok()?;
            Some((found.dev(), found.ino(), found.rdev()))
        };
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let places = place(stdout.as_fd()).zip(place(stderr.as_fd()));
        places.is_some_and(|(stdout, stderr)| stdout == stderr)
    }
    #[cfg(not(unix))]
    {
        false
    }
}
