//! A report as Markdown.

use std::fmt::Write as _;

use super::{Entry, Outcome, Report};

impl Report {
    /// Returns the report as Markdown, which can be shown to others.
    ///
    /// Failures and deviations come first, then every case by group, with its duration and its
    /// requests.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_markdown(&mut text);
        text
    }

    fn write_markdown(&self, text: &mut String) -> std::fmt::Result {
        let account = match &self.account {
            Some(account) => account.to_string(),
            None => "a provider without a fixture".to_owned(),
        };
        writeln!(text, "# Conformance of {}\n", cell(&account))?;
        writeln!(text, "| | |\n| --- | --- |")?;
        let mut fact = |name: &str, value: &str| writeln!(text, "| {name} | {} |", cell(value));
        fact(
            "result",
            if self.passed() {
                "conforms"
            } else {
                "does not conform"
            },
        )?;
        if let Some(kind) = &self.account_kind {
            fact("account", kind)?;
        }
        fact("date", &self.started.truncated_to_seconds().to_string())?;
        let suite = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
        fact("suite", suite)?;
        for (outcome, count) in self.totals() {
            fact(&outcome.replace('_', " "), &count.to_string())?;
        }
        fact("requests", &self.requests().to_string())?;
        fact("duration", &seconds(self.duration()))?;

        for problem in &self.problems {
            writeln!(text, "\n**{}**", cell(problem))?;
        }
        let mut section = |title: &str, wanted: fn(&Entry) -> bool| {
            let mut entries = self.entries.iter().filter(|entry| wanted(entry)).peekable();
            if entries.peek().is_some() {
                writeln!(text, "\n## {title}\n")?;
            }
            entries.try_for_each(|entry| write_details(text, entry))
        };
        section("Failures", Entry::failed)?;
        section("Declared deviations", |entry| {
            matches!(entry.outcome, Outcome::Deviates { .. })
        })?;

        let mut group = "";
        for entry in &self.entries {
            if entry.group != group {
                group = entry.group;
                writeln!(text, "\n## {}\n", capitalised(group))?;
                writeln!(text, "| law | case | result | requests | time |")?;
                writeln!(text, "| ---: | --- | --- | ---: | ---: |")?;
            }
            write_row(text, entry)?;
        }
        Ok(())
    }
}

/// Writes the details of a failure, declared or not.
fn write_details(text: &mut String, entry: &Entry) -> std::fmt::Result {
    writeln!(text, "* law {}: {}", entry.law, cell(entry.name))?;
    let mut item = |name: &str, value: &str| writeln!(text, "  * {name}: {}", cell(value));
    if let Some(reason) = entry.outcome.reason() {
        item("reason", reason)?;
    }
    if let Some(failure) = entry.outcome.failure() {
        item("expected", &failure.expected)?;
        item("happened", &failure.happened)?;
    }
    item("case", entry.place())
}

/// Writes the row of one case.
fn write_row(text: &mut String, entry: &Entry) -> std::fmt::Result {
    let mut result = match &entry.outcome {
        Outcome::NotApplicable(reason) => format!("not applicable: {reason}"),
        Outcome::Deviates { reason, .. } => format!("deviates: {reason}"),
        Outcome::Failed(_) => "**failed**".to_owned(),
        Outcome::NoFixture(reason) => format!("**no fixture**: {reason}"),
        outcome => outcome.as_str().to_owned(),
    };
    for step in &entry.left_out {
        write!(result, "; left out: {step}")?;
    }
    if let Some(reason) = &entry.left_behind {
        write!(result, "; left behind: {reason}")?;
    }
    writeln!(
        text,
        "| {} | {} | {} | {} | {} |",
        entry.law,
        cell(entry.name),
        cell(&result),
        entry.requests,
        seconds(entry.duration)
    )
}

/// Returns a text that neither ends a cell nor a line, nor begins anything else.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

fn seconds(duration: std::time::Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
