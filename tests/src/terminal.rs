//! A program on a pseudo-terminal, and what a person sees there.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZero;

use pty_process::Size;
use pty_process::blocking::{Command, open};

use crate::READ_VARIABLES;

/// The rows of which the emulated screen keeps what was printed.
const KEPT_ROWS: u16 = 4_000;

/// A pseudo-terminal on which a program runs until it ends.
///
/// ```no_run
/// use tokenfleet_tests::Terminal;
///
/// let run = Terminal::new(80)
///     .with_answer("[y/N]", "y")
///     .run("tokenfleet", ["--simulate", "rotate"], []);
/// assert_eq!((run.code, run.wrapped_rows()), (Some(0), 0));
/// ```
#[derive(Debug)]
pub struct Terminal {
    columns: u16,
    answers: Vec<(String, String)>,
}

/// The lines that a program showed on a terminal, and its exit code.
#[derive(Debug)]
pub struct TerminalRun {
    /// The exit code, or `None` if a signal ended the program.
    pub code: Option<i32>,
    /// The lines as a person sees them, without the spaces at their ends.
    pub lines: Vec<String>,
    /// Everything that was printed, with its control sequences.
    pub raw: String,
    wrapped_rows: usize,
}

impl Terminal {
    /// Creates a terminal of that width.
    #[must_use]
    pub fn new(columns: u16) -> Self {
        let answers = Vec::new();
        Self { columns, answers }
    }

    /// Types an answer and a line break once the program has shown the question. Questions are
    /// answered in this order.
    #[must_use]
    pub fn with_answer(mut self, question: &str, answer: &str) -> Self {
        self.answers.push((question.to_owned(), answer.to_owned()));
        self
    }

    /// Runs a program with arguments and environment variables until it ends.
    ///
    /// # Panics
    ///
    /// If the program cannot be started, or ends before all questions were asked.
    pub fn run<'a, A: AsRef<OsStr>>(
        self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> TerminalRun {
        let command = Command::new(program).args(arguments);
        let command = READ_VARIABLES
            .into_iter()
            .fold(command, Command::env_remove);
        let command = command.env("TERM", "xterm-256color").envs(environment);
        self.run_command(command)
    }

    fn run_command(self, command: Command) -> TerminalRun {
        let (mut terminal, program_side) = open().expect("a pseudo-terminal");
        let size = Size::new(40, self.columns);
        terminal.resize(size).expect("a size of the terminal");
        let mut child = command.spawn(program_side).expect("the program starts");
        let mut raw = Vec::new();
        let mut answers = self.answers.into_iter().peekable();
        let mut answered_up_to = 0;
        let mut buffer = [0; 4_096];
        // When the program has ended, the terminal can no longer be read.
        while let Ok(length @ 1..) = terminal.read(&mut buffer) {
            raw.extend_from_slice(&buffer[..length]);
            let shown = String::from_utf8_lossy(&raw[answered_up_to..]).into_owned();
            if let Some((_, answer)) = answers.next_if(|(question, _)| shown.contains(question)) {
                answered_up_to = raw.len();
                let line = format!("{answer}\n");
                terminal.write_all(line.as_bytes()).expect("the answer");
            }
        }
        let code = child.wait().expect("an exit code").code();
        let mut emulated = vt100::Parser::new(nonzero(KEPT_ROWS), nonzero(self.columns), 0);
        emulated.process(&raw);
        let screen = emulated.screen();
        let lines = screen.rows(0, self.columns);
        let mut lines: Vec<_> = lines.map(|line| line.trim_end().to_owned()).collect();
        let end = lines.iter().rposition(|line| !line.is_empty());
        lines.truncate(end.map_or(0, |last| last + 1));
        let run = TerminalRun {
            code,
            wrapped_rows: (0..KEPT_ROWS)
                .filter(|row| screen.row_wrapped(*row))
                .count(),
            lines,
            raw: String::from_utf8_lossy(&raw).into_owned(),
        };
        let unasked: Vec<_> = answers.map(|(question, _)| question).collect();
        assert!(unasked.is_empty(), "never asked: {unasked:?}\n{run:#?}");
        run
    }
}

fn nonzero(number: u16) -> NonZero<u16> {
    NonZero::new(number).expect("a terminal with rows and columns")
}

impl TerminalRun {
    /// Returns the number of lines that did not fit into the width of the terminal.
    #[must_use]
    pub fn wrapped_rows(&self) -> usize {
        self.wrapped_rows
    }

    /// Returns the lines as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}
