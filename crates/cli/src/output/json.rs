//! JSON, as scripts rely on it.

use std::io::{self, Write};

use serde::Serialize;
use tokenfleet::{Account, AccountReport, Error, Secret, Token};

use super::text::{self, is_hazardous};

/// One token: with its account, and with its secret only in the answer that issued it.
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

/// What became of one account of a listing.
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

/// `{"error": …}`.
#[derive(Serialize)]
pub(crate) struct Failure<'a> {
    error: FailureDetails<'a>,
}

#[derive(Serialize)]
struct FailureDetails<'a> {
    kind: &'static str,
    message: String,
    account: Option<&'a str>,
    fate: &'static str,
}

impl<'a> Failure<'a> {
    pub(crate) fn of(error: &'a Error) -> Self {
        Self {
            error: FailureDetails {
                kind: error.kind().as_str(),
                message: text::of(error),
                account: error.account().map(Account::name),
                fate: error.fate().as_str(),
            },
        }
    }
}

/// Writes a value and ends the line.
pub(crate) fn line(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    object(writer, value)?;
    writeln!(writer)
}

/// Writes a value on one line, with everything escaped that a terminal would obey: it stands in texts only.
pub(crate) fn object(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    let mut rest = text.as_str();
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hazardous(*c)) {
        writer.write_all(&rest.as_bytes()[..at])?;
        // All hazardous characters fit into one such escape.
        write!(writer, "\\u{:04x}", u32::from(c))?;
        rest = &rest[at + c.len_utf8()..];
    }
    writer.write_all(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_for_terminals_leaves_the_value_as_it_is() {
        let value = "a\u{9b}31m\u{202e}\u{1b}\"\\é\u{7f}";
        let mut written = Vec::new();
        object(&mut written, &value).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(!text.chars().any(is_hazardous), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
