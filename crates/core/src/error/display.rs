//! The text of an error: one line, without a body, a query string or a credential.

use std::fmt;

use crate::error::{Error, Fate};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &self.0;
        if let Some(account) = &details.account {
            write!(f, "{account}: ")?;
        }
        if let Some(operation) = details.operation {
            write!(f, "{operation} failed: ")?;
        }
        f.write_str(&details.message)?;
        if let Some(message) = &details.platform_message {
            write!(f, ": \"{message}\"")?;
        }
        match (details.status, &details.code) {
            (Some(status), Some(code)) => write!(f, " (HTTP {status}, {code})")?,
            (Some(status), None) => write!(f, " (HTTP {status})")?,
            (None, Some(code)) => write!(f, " ({code})")?,
            (None, None) => {}
        }
        if details.attempts > 1 {
            write!(f, " after {} attempts", details.attempts)?;
            if let Some(elapsed) = details.elapsed {
                write!(f, " in {:.1} s", elapsed.as_secs_f64())?;
            }
        }
        if details.fate == Fate::MaybeApplied {
            f.write_str("; the change may still have been applied")?;
        }
        if let Some(wait) = details.retry_after {
            write!(f, "; retry after {} s", wait.as_secs())?;
        }
        if let Some(advice) = &details.advice {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // This is what a `main` that returns the error prints.
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("fate", &self.0.fate)
            .field("text", &self.to_string())
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_error_stays_on_one_line_even_if_its_parts_contain_line_breaks() {
        let error = Error::new(ErrorKind::Other, Fate::Rejected, "token 1\r\n2 failed")
            .with_message_prefix("a\nb")
            .with_advice("revoke token 1\u{1b}[2J\n2");
        assert!(!error.to_string().contains(char::is_control));
    }

    #[test]
    fn a_main_that_returns_an_error_prints_its_one_line() {
        let error = Error::new(ErrorKind::Unavailable, Fate::Rejected, "out of order")
            .with_source(std::io::Error::other("the cause"));
        assert_eq!(format!("{error:?}"), error.to_string());
        let parts = format!("{error:#?}");
        for part in ["Unavailable", "Rejected", "the cause"] {
            assert!(parts.contains(part), "{parts}");
        }
    }

    #[test]
    fn an_error_after_retries_shows_the_attempts_and_the_elapsed_time() {
        let failed_after = |attempts| {
            Error::new(ErrorKind::Unavailable, Fate::Rejected, "out of order")
                .with_attempts(attempts)
                .with_elapsed(Duration::from_millis(12_340))
        };
        assert_eq!(
            failed_after(4).to_string(),
            "out of order after 4 attempts in 12.3 s"
        );
        assert_eq!(failed_after(1).to_string(), "out of order");
        assert_eq!(
            failed_after(1).elapsed(),
            Some(Duration::from_millis(12_340))
        );
    }
}
