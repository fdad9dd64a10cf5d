//! Questions to the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use tokenfleet::{Error, Operation, Result, TokenProvider};

use crate::output::escape;

/// Rejects an operation that cannot be confirmed because there is no terminal.
pub(super) fn require_terminal(provider: &dyn TokenProvider, operation: Operation) -> Result<()> {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(());
    }
    Err(
        Error::invalid_input("cannot ask for confirmation without a terminal")
            .with_account(provider.account())
            .with_operation(operation)
            .with_advice("confirm with --yes"),
    )
}

/// Asks a question, and returns `true` only if the answer is yes.
pub(super) fn is_confirmed(question: &str) -> bool {
    let mut answer = String::new();
    // An answer that cannot be read means no.
    let _ = io::stderr().write_all(escape(question).as_bytes());
    let _ = io::stdin().lock().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes")
}
