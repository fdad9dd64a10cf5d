//! JUnit XML of what checks found.

use std::fmt::Write;

use tokenfleet::check::{Check, Finding};
use tokenfleet::{Account, Fact};

use super::findings::{NotJudged, WaivedFinding};
use super::text::needs_escape;

/// Returns the findings as JUnit XML: a suite for each check, with a failure for each finding, a
/// skipped case for each waived one, an error for what could not be judged, and a passed case for
/// an account in which there is nothing of this.
pub(crate) fn junit<'a>(
    findings: &[Finding],
    waived: &[WaivedFinding<'_>],
    not_judged: &[NotJudged],
    judged: impl Iterator<Item = (&'a Account, &'a Check)>,
) -> String {
    let judged: Vec<_> = judged.collect();
    let mut checks: Vec<&str> = Vec::new();
    for (_, check) in &judged {
        if !checks.contains(&check.name()) {
            checks.push(check.name());
        }
    }
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for check in checks {
        let mut suite = Suite::new(check);
        for finding in findings.iter().filter(|finding| finding.check() == check) {
            let rule = finding.rule().as_str();
            suite.failures += 1;
            suite.case(finding.account(), &subject(finding), "failure", rule, rule);
        }
        for WaivedFinding { finding, waiver } in waived {
            if finding.check() == check {
                let text = format!("waived by {} until {}", waiver.owner, waiver.until);
                let text = format!("{text}: {}", waiver.reason);
                suite.skipped += 1;
                suite.case(finding.account(), &subject(finding), "skipped", "", &text);
            }
        }
        let concerns = |account: &Account| {
            let mut judged = judged.iter();
            judged.any(|(of, judged)| *of == account && judged.name() == check)
        };
        for entry in not_judged {
            let is_own = entry.check.as_deref().is_none_or(|own| own == check);
            if is_own && concerns(&entry.account) {
                let name = entry.rule.unwrap_or("not judged");
                suite.errors += 1;
                suite.case(
                    &entry.account,
                    name,
                    "error",
                    "not_judged",
                    &entry.to_string(),
                );
            }
        }
        for (account, _) in judged.iter().filter(|(_, own)| own.name() == check) {
            if !suite.accounts.contains(account) {
                suite.passed(account);
            }
        }
        suite.write(&mut xml);
    }
    xml += "</testsuites>\n";
    xml
}

/// Returns the id and the name of a token.
fn subject(finding: &Finding) -> String {
    match finding.name() {
        Fact::Known(name) => format!("{} {name}", finding.id()),
        _ => finding.id().to_string(),
    }
}

/// The cases of one check.
struct Suite {
    name: String,
    cases: String,
    /// The accounts that have a case.
    accounts: std::collections::HashSet<Account>,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Suite {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cases: String::new(),
            accounts: std::collections::HashSet::new(),
            tests: 0,
            failures: 0,
            errors: 0,
            skipped: 0,
        }
    }

    fn case(&mut self, account: &Account, name: &str, element: &str, kind: &str, message: &str) {
        self.tests += 1;
        self.accounts.insert(account.clone());
        let class = escaped(&format!("{}.{}", self.name, account.name()));
        let (name, message) = (escaped(name), escaped(message));
        let kind = match kind {
            "" => String::new(),
            kind => format!(" type=\"{}\"", escaped(kind)),
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            self.cases,
            "    <testcase classname=\"{class}\" name=\"{name}\">\
             <{element}{kind} message=\"{message}\"/></testcase>",
        );
    }

    fn passed(&mut self, account: &Account) {
        self.tests += 1;
        let class = escaped(&format!("{}.{}", self.name, account.name()));
        let _ = writeln!(
            self.cases,
            "    <testcase classname=\"{class}\" name=\"every token\"/>",
        );
    }

    fn write(self, xml: &mut String) {
        let Self {
            tests,
            failures,
            errors,
            skipped,
            ..
        } = self;
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" \
             errors=\"{errors}\" skipped=\"{skipped}\">\n{}  </testsuite>",
            escaped(&self.name),
            self.cases,
        );
    }
}

/// Escapes a text for an attribute. What XML cannot contain and what nobody would see is written
/// as on a terminal.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\u{fffe}' | '\u{ffff}' => escaped.extend(c.escape_unicode()),
            c if needs_escape(c) => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}
