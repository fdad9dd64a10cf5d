//! Questions to the person at the terminal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};

use tokenfleet::{Error, Fact, Operation, Result, TokenId, TokenProvider};

use crate::output::{displayed_id, for_stderr};
use crate::progress::with_progress;

/// The columns by which a line that goes on below is indented.
const INDENT: usize = 2;

/// The largest number of characters of a name in a question.
const MAX_SHOWN_NAME: usize = 60;

/// Rejects an operation that cannot be confirmed because there is no terminal.
pub(super) fn require_terminal(provider: &dyn TokenProvider, operation: Operation) -> Result<()> {
    check_terminal(operation).map_err(|error| error.with_account(provider.account()))
}

/// Rejects an operation on several accounts that cannot be confirmed.
pub(super) fn check_terminal(operation: Operation) -> Result<()> {
    if is_possible() {
        return Ok(());
    }
    Err(impossible().with_operation(operation))
}

/// Returns `true` if there is somebody to ask.
pub(super) fn is_possible() -> bool {
    let has_input = io::stdin().is_terminal() || controlling_terminal().is_some();
    has_input && io::stderr().is_terminal()
}

/// Returns the terminal of the session if standard input is a pipe or a file, such as one with a
/// secret. The null device says that nobody is to be asked.
fn controlling_terminal() -> Option<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::FileTypeExt;

        let input = io::stdin().as_fd().try_clone_to_owned().ok()?;
        let input = File::from(input).metadata().ok()?.file_type();
        if input.is_file() || input.is_fifo() || input.is_socket() {
            return File::open("/dev/tty").ok();
        }
    }
    None
}

/// Creates an error for a question that nobody can be asked.
pub(super) fn impossible() -> Error {
    Error::invalid_input("cannot ask for confirmation without a terminal")
        .with_advice("confirm with --yes")
}

/// Describes a token that is known only by its id: asks the platform for its name, if it can be
/// asked.
pub(super) async fn describe_by_id(provider: &dyn TokenProvider, id: &TokenId) -> String {
    if !provider.capabilities().get {
        return displayed_id(id);
    }
    let reading = || format!("reading {}", provider.account());
    match with_progress(reading, provider.get(id)).await {
        Ok(token) => describe(id, &token.name),
        Err(error) if error.is_not_found() => format!("{} (not found here)", displayed_id(id)),
        Err(_) => format!("{} (name unknown)", displayed_id(id)),
    }
}

/// Describes a token by its id and its name.
pub(super) fn describe(id: &TokenId, name: &Fact<String>) -> String {
    let id = displayed_id(id);
    match name.known() {
        Some(name) => {
            let shown: String = name.chars().take(MAX_SHOWN_NAME).collect();
            let end = if shown.len() < name.len() { "…" } else { "" };
            format!("{id} {shown:?}{end}")
        }
        None => id,
    }
}

/// Shows lines above a question.
pub(super) fn show(lines: impl IntoIterator<Item = String>) {
    for line in lines {
        // A question that cannot be shown gets no answer either.
        let _ = writeln!(io::stderr(), "{}", for_stderr(INDENT, &line));
    }
}

/// Drops what somebody has typed so far: it answers another question, or none.
#[cfg(unix)]
fn forget_what_was_typed(terminal: impl std::os::fd::AsFd) {
    use rustix::termios::{QueueSelector, tcflush};

    let _ = tcflush(terminal, QueueSelector::IFlush);
}

#[cfg(not(unix))]
fn forget_what_was_typed<T>(_: T) {}

/// Asks a question, and returns `true` only if the answer is yes.
pub(super) fn is_confirmed(question: &str) -> bool {
    let mut answer = String::new();
    let terminal = controlling_terminal();
    match &terminal {
        Some(terminal) => forget_what_was_typed(terminal),
        None => forget_what_was_typed(io::stdin()),
    }
    // An answer that cannot be read means no.
    let shown = for_stderr(INDENT, question.trim_end());
    let _ = io::stderr().write_all(format!("{shown} ").as_bytes());
    let _ = match terminal {
        Some(terminal) => BufReader::new(terminal).read_line(&mut answer),
        None => io::stdin().lock().read_line(&mut answer),
    };
    matches!(answer.trim(), "y" | "Y" | "yes")
}
