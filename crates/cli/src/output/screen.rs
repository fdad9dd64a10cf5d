//! What standard output can show: its width and its colours.

use std::io::{IsTerminal, stderr, stdout};

use terminal_size::{Width, terminal_size_of};

use super::color;

/// The width and the colours of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// The columns that a line may take; `None` if nothing limits them.
    pub(super) width: Option<usize>,
    /// `true` if the output is coloured.
    pub(super) is_colored: bool,
}

impl Screen {
    /// Describes standard output. Its width is that of the terminal, or else `COLUMNS`.
    pub(super) fn of_stdout() -> Self {
        let stdout = stdout();
        let width = if stdout.is_terminal() {
            terminal_size_of(stdout).map(|(Width(columns), _)| columns.into())
        } else {
            None
        };
        let width = width.filter(|columns| *columns > 0);
        Self {
            width: width.or_else(|| columns_of(std::env::var("COLUMNS").ok()?.as_str())),
            is_colored: color::colors_stdout(),
        }
    }
}

/// Returns the width of the terminal that shows standard error, if one does.
pub(super) fn width_of_stderr() -> Option<usize> {
    let stderr = stderr();
    if !stderr.is_terminal() {
        return None;
    }
    let width = terminal_size_of(stderr).map(|(Width(columns), _)| columns.into());
    width.filter(|columns| *columns > 0)
}

fn columns_of(variable: &str) -> Option<usize> {
    variable.parse().ok().filter(|columns| *columns > 0)
}
