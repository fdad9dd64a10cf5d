//! Questions to the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use tokenfleet::{Error, Fact, Operation, Result, TokenId, TokenProvider};

use crate::output::{displayed_id, escape};
use crate::progress::with_progress;

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
    io::stdin().is_terminal() && io::stderr().is_terminal()
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
        let _ = writeln!(io::stderr(), "{}", escape(&line));
    }
}

/// Drops what somebody has typed so far: it answers another question, or none.
fn forget_what_was_typed() {
    #[cfg(unix)]
    {
        use rustix::termios::{QueueSelector, tcflush};

        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
    }
}

/// Asks a question, and returns `true` only if the answer is yes.
pub(super) fn is_confirmed(question: &str) -> bool {
    let mut answer = String::new();
    forget_what_was_typed();
    // An answer that cannot be read means no.
    let _ = io::stderr().write_all(escape(question).as_bytes());
    let _ = io::stdin().lock().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes")
}
