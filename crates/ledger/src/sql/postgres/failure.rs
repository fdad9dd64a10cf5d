//! Errors of Postgres, in words that say what to do.

use std::error::Error as StandardError;
use std::io;

use rustls::CertificateError;
use tokenfleet_core::{Error, ErrorKind, Fate};
use tokio_postgres::error::SqlState;

/// A failure to get an answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server or the connection to it failed.
    Postgres(tokio_postgres::Error),
    /// The answer did not come in time.
    Late,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl Failure {
    /// Returns the code of an error that the server reported.
    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::Late => None,
        }
    }
}

/// Returns `true` if a connection was lost, or ended by the server with its last words.
pub(super) fn is_loss(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connection | ErrorKind::Unavailable)
}

/// Returns the error for a failure of Postgres. Its text holds no value of a row.
pub(super) fn describe(failure: Failure) -> Error {
    let code = failure.code().cloned();
    let (kind, what, advice) = match (&code, &failure) {
        (Some(code), _) => reported(code.code()),
        (None, Failure::Postgres(error)) => unreported(error),
        (None, Failure::Late) => LATE,
    };
    let code = code.as_ref().map(SqlState::code).unwrap_or_default();
    let message = format!("the ledger in Postgres {what}");
    let error = Error::new(kind, Fate::NotSent, message)
        .with_code(code, &[])
        .with_advice(advice);
    // No other source: the server's text may quote a row, and a certificate is another's text.
    match failure {
        Failure::Postgres(source) if is_from_system(&source) => match source.into_source() {
            Some(source) => error.with_source(source),
            None => error,
        },
        _ => error,
    }
}

/// A kind of error, what happened, and what to do about it.
type Explanation = (ErrorKind, &'static str, &'static str);

const LATE: Explanation = (
    ErrorKind::Timeout,
    "does not answer in time",
    "look whether the server is overloaded or cut off, and try again",
);

/// Explains an error that the server reported with a code.
fn reported(code: &str) -> Explanation {
    match code {
        "55P03" | "40001" | "40P01" => (
            ErrorKind::Unavailable,
            "is in use by another process",
            "try again when it has finished; nothing was written",
        ),
        "57014" => LATE,
        "25006" => (
            ErrorKind::Configuration,
            "cannot be written: the server or the role only reads",
            "name the primary server, or a role that may write",
        ),
        "53100" | "53200" | "53300" | "53400" => (
            ErrorKind::Unavailable,
            "cannot be written: the server has no room or no connection left",
            "make room on the server and try again; nothing of this was written",
        ),
        "42501" => (
            ErrorKind::PermissionDenied,
            "does not let this role do that",
            "use a role that may; postgres-roles.sql, which is in /usr/share/tokenfleet of the package, \
             gives each its rights",
        ),
        "28P01" | "28000" | "3D000" => (
            ErrorKind::Configuration,
            "refuses this user, password or database",
            "check user, password and database, and how the server lets them in (pg_hba.conf)",
        ),
        "25P03" | "57P01" | "57P02" | "57P03" | "57P04" | "57P05" => (
            ErrorKind::Unavailable,
            "is starting or stopping, or has ended the connection",
            "try again; what was acknowledged is kept",
        ),
        "XX001" | "XX002" => (
            ErrorKind::Other,
            "is damaged",
            "restore the database from a backup",
        ),
        _ => (
            ErrorKind::Other,
            "cannot be used",
            "see the log of the server, which says more",
        ),
    }
}

/// Explains an error that the server did not report.
fn unreported(error: &tokio_postgres::Error) -> Explanation {
    if let Some(certificate) = certificate_error(error) {
        return untrusted(certificate);
    }
    // The library tells its errors apart by their texts only.
    match error.to_string().as_str() {
        "error performing TLS handshake" => (
            ErrorKind::Configuration,
            "does not offer a protected connection; no password was sent",
            "turn on TLS at the server (ssl = on), or reach it through a tunnel",
        ),
        "authentication error" => (
            ErrorKind::Configuration,
            "asks for a login that is not supported, or does not know the password itself",
            "use scram-sha-256 in pg_hba.conf, and check that this is the right server",
        ),
        "invalid configuration" => (
            ErrorKind::Configuration,
            "asks for a password, or its URL is not consistent",
            "put the password into the URL, and as many ports and addresses as hosts",
        ),
        _ => (
            ErrorKind::Connection,
            "cannot be reached, or the connection was lost",
            "try again; what was acknowledged is kept",
        ),
    }
}

/// Explains why a certificate is not believed.
fn untrusted(error: &CertificateError) -> Explanation {
    let (what, advice) = match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "shows the certificate of another host; no password was sent",
            "name the host as its certificate does, and check that this is the right server",
        ),
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => (
            "shows a certificate that is not valid now; no password was sent",
            "renew the certificate, and check the clock of this machine",
        ),
        _ => (
            "shows a certificate that is not trusted; no password was sent",
            "name the authority that signed it, and check that this is the right server",
        ),
    };
    (ErrorKind::Configuration, what, advice)
}

/// Returns the reason for which a certificate was refused.
fn certificate_error(error: &tokio_postgres::Error) -> Option<&CertificateError> {
    let error = error.source()?.downcast_ref::<io::Error>()?;
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// Returns `true` if the cause of an error is the system, in its own words.
fn is_from_system(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &io::Error| cause.raw_os_error().is_some())
}

/// Creates the error for a commit that failed, which may have been written nevertheless.
pub(super) fn uncertain(failure: Failure) -> Error {
    let code = failure.code().map(SqlState::code);
    let (kind, message) = match code {
        Some(code) if is_decided(code) => return describe(failure),
        Some(_) => (
            ErrorKind::Unavailable,
            "the ledger in Postgres failed during the last write",
        ),
        None => (
            ErrorKind::Connection,
            "the connection to the ledger in Postgres was lost during the last write",
        ),
    };
    Error::new(kind, Fate::MaybeApplied, message)
        .with_code(code.unwrap_or_default(), &[])
        .with_advice("look at the ledger before you try again: it may have been written")
}

/// Returns `true` if a commit that fails with this code was certainly not written. A server that
/// stops (57P), loses its client (08) or fails itself (58, XX) may have written it before.
fn is_decided(code: &str) -> bool {
    let undecided = ["08", "40003", "57P", "58", "XX"];
    !undecided.iter().any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_fails_during_a_commit_leaves_it_undecided() {
        for code in ["57P01", "57P02", "58030", "XX000", "08006", "40003"] {
            assert!(!is_decided(code), "{code}");
        }
        for code in ["40001", "53100", "55P03", "57014", "23505"] {
            assert!(is_decided(code), "{code}");
        }
    }
}
