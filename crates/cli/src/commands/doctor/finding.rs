//! What `doctor` found, and how it is printed.

use std::collections::BTreeMap;

use serde::Serialize;
use tokenfleet::{Account, Error, Verdict};

use crate::exit::Exit;
use crate::output::{Format, Output, Results};

/// The width of the first word of a line, below which a line that does not fit goes on.
const INDENT: usize = "warning  ".len();

const COLUMNS: [&str; 5] = ["check", "account", "status", "message", "advice"];

/// The name of a check, which scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Check {
    /// The configuration is found and can be parsed.
    Configuration,
    /// Nobody else can change the configuration or read a credential file.
    Permissions,
    /// A configuration in the working directory is trusted if it must be.
    Trust,
    /// The tables of the program can be used: checks, waivers, the audit log and annotations.
    Policies,
    /// The table `[transport]` can be used.
    Network,
    /// The configured certificates are valid for some time.
    Certificates,
    /// The directory of what the program remembers can be written.
    StateDirectory,
    /// The ledger can be used, and is sound.
    Ledger,
    /// The settings of an account are complete and known.
    Settings,
    /// A credential can be read.
    Credential,
    /// The platform answers.
    Reachable,
    /// The platform accepts the credential.
    Accepted,
    /// The clock of this machine agrees with that of the platform.
    Clock,
    /// The rate limit of the platform is not exhausted.
    Limits,
    /// A sink can be read.
    Sinks,
    /// A policy can keep its promise on its account.
    Rotation,
}

impl Check {
    fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Permissions => "permissions",
            Self::Trust => "trust",
            Self::Policies => "policies",
            Self::Network => "network",
            Self::Certificates => "certificates",
            Self::StateDirectory => "state_directory",
            Self::Ledger => "ledger",
            Self::Settings => "settings",
            Self::Credential => "credential",
            Self::Reachable => "reachable",
            Self::Accepted => "accepted",
            Self::Clock => "clock",
            Self::Limits => "limits",
            Self::Sinks => "sinks",
            Self::Rotation => "rotation",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ok,
    Skipped,
    Warning,
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// The result of a check.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) check: Check,
    account: Option<String>,
    provider: Option<String>,
    pub(super) status: Status,
    message: String,
    advice: Option<String>,
}

impl Finding {
    pub(super) fn new(check: Check, status: Status, message: impl Into<String>) -> Self {
        Self {
            check,
            account: None,
            provider: None,
            status,
            message: message.into(),
            advice: None,
        }
    }

    /// Creates the finding of an error, whose account is named beside it.
    pub(super) fn failed(check: Check, error: &Error) -> Self {
        let message = match error.account() {
            Some(_) => Verdict::Failed(error.clone()).reason().unwrap_or_default(),
            None => error.to_string(),
        };
        let mut finding = Self::new(check, Status::Failed, message);
        if let Some(advice) = error.advice() {
            if let Some(message) = finding.message.strip_suffix(&format!("; {advice}")) {
                finding.message = message.to_owned();
            }
            finding.advice = Some(advice.to_owned());
        }
        finding
    }

    pub(super) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Leaves out which operation failed, where that says nothing.
    pub(super) fn without_operation(mut self, error: &Error) -> Self {
        if let Some(operation) = error.operation() {
            let failed = format!("{operation} failed: ");
            self.message = self.message.replacen(&failed, "", 1);
        }
        self
    }

    /// Puts what the finding is about before its message.
    pub(super) fn with_message_prefix(mut self, prefix: &str) -> Self {
        self.message = format!("{prefix}: {}", self.message);
        self
    }

    pub(super) fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    pub(super) fn about(mut self, account: &Account) -> Self {
        self.account = Some(account.name().to_owned());
        self.provider = Some(account.provider().to_owned());
        self
    }

    /// Returns the line of a finding that is not ok.
    fn line(&self) -> String {
        let advice = match &self.advice {
            Some(advice) => format!("; {advice}"),
            None => String::new(),
        };
        format!(
            "{:<8} {}{}: {}{advice}",
            self.status.as_str(),
            self.subject(),
            self.check.as_str(),
            self.message
        )
    }

    fn subject(&self) -> String {
        match (&self.account, &self.provider) {
            (Some(account), Some(provider)) => format!("{account} ({provider}): "),
            _ => String::new(),
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.check.as_str().to_owned(),
            self.account.clone().unwrap_or_default(),
            self.status.as_str().to_owned(),
            self.message.clone(),
            self.advice.clone().unwrap_or_default(),
        ]
    }
}

#[derive(Serialize)]
struct FindingsObject<'a> {
    findings: &'a [Finding],
}

/// Prints the findings, with --quiet only those that are not ok, and returns the exit code.
pub(super) fn print(mut findings: Vec<Finding>, output: &mut Output) -> std::io::Result<Exit> {
    if output.is_quiet() {
        findings.retain(|finding| finding.status != Status::Ok);
    }
    let findings = &findings[..];
    match output.format() {
        Format::Json => output.object(&FindingsObject { findings })?,
        Format::Table => {
            let mut lines = lines(findings);
            lines.extend((!output.is_quiet()).then(|| summary(findings)));
            output.sentences(INDENT, lines)?;
        }
        Format::Ndjson | Format::Csv => {
            let mut results = Results::with_columns(&COLUMNS);
            for finding in findings {
                results.add(output, finding, finding.row())?;
            }
            results.finish(output)?;
        }
    }
    Ok(if count(findings, Status::Failed) > 0 {
        Exit::AnswerIsNo
    } else {
        Exit::Success
    })
}

/// Returns the lines for a person: one for each problem, and one for all of an account that is ok.
fn lines(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fine: BTreeMap<String, (usize, Vec<&str>)> = BTreeMap::new();
    for finding in findings {
        if finding.status != Status::Ok || finding.account.is_none() {
            lines.push(finding.line());
            continue;
        }
        let place = lines.len();
        let of_account = fine.entry(finding.subject());
        let (place, checks) = of_account.or_insert_with(|| {
            lines.push(String::new());
            (place, Vec::new())
        });
        checks.push(finding.check.as_str());
        lines[*place] = format!("ok       {}{}", finding.subject(), checks.join(", "));
    }
    lines
}

fn summary(findings: &[Finding]) -> String {
    let failed = count(findings, Status::Failed);
    let warnings = count(findings, Status::Warning);
    match (failed, warnings) {
        (0, 0) => "No problems found.".to_owned(),
        _ => format!("{failed} failed, {warnings} with a warning."),
    }
}

fn count(findings: &[Finding], status: Status) -> usize {
    let findings = findings.iter();
    findings.filter(|finding| finding.status == status).count()
}
