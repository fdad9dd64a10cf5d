//! The JSON output that scripts rely on.

use std::io::{self, Write};

use serde::Serialize;
use tokenfleet::{Account, AccountReport, Error, Secret, Token};

use super::text::{self, needs_escape};

/// A token with its account, and with its secret only in the response that issued it.
#[derive(Serialize)]
pub(crate) struct TokenObject<'a> {
    account: &'a str,
    provider: &'a str,
    #[serde(flatten)]
    token: &'a Token,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> TokenObject<'a> {
    pub(crate) fn new(account: &'a Account, token: &'a Token, secret: Option<&'a Secret>) -> Self {
        Self {
            account: account.name(),
            provider: account.provider(),
            token,
            secret: secret.map(Secret::expose),
        }
    }
}

/// The completeness of one account in a listing.
#[derive(Serialize)]
pub(crate) struct AccountObject<'a> {
    account: &'a str,
    provider: &'a str,
    completeness: &'static str,
    reason: Option<String>,
    count: u64,
}

impl<'a> AccountObject<'a> {
    pub(crate) fn new(report: &'a AccountReport) -> Self {
        Self {
            account: report.account.name(),
            provider: report.account.provider(),
            completeness: report.verdict.as_str(),
            reason: report.verdict.reason(),
            count: report.tokens,
        }
    }
}

/// An error, as `{"error": …}`.
#[derive(Serialize)]
pub(crate) struct ErrorObject<'a> {
    error: ErrorDetails<'a>,
}

#[derive(Serialize)]
struct ErrorDetails<'a> {
    kind: &'static str,
    message: String,
    account: Option<&'a str>,
    fate: &'static str,
}

impl<'a> ErrorObject<'a> {
    pub(crate) fn new(error: &'a Error) -> Self {
        Self {
            error: ErrorDetails {
                kind: error.kind().as_str(),
                message: text::error_line(error),
                account: error.account().map(Account::name),
                fate: error.fate().as_str(),
            },
        }
    }
}

/// Writes a value on a line of its own.
pub(crate) fn line(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    object(writer, value)?;
    writeln!(writer)
}

/// Writes a value without a line break, with control characters escaped.
///
/// They occur only inside JSON strings, where an escape means the same.
pub(crate) fn object(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    let mut rest = text.as_str();
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| needs_escape(*c)) {
        writer.write_all(&rest.as_bytes()[..at])?;
        // Every character that needs escaping fits into one such escape.
        write!(writer, "\\u{:04x}", u32::from(c))?;
        rest = &rest[at + c.len_utf8()..];
    }
    writer.write_all(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_for_terminals_does_not_change_the_value() {
        let value = "a\u{9b}31m\u{202e}\u{1b}\"\\é\u{7f}";
        let mut written = Vec::new();
        object(&mut written, &value).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(!text.chars().any(needs_escape), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
