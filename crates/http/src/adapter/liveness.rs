//! The rule on dead secrets: "dead" is said on proof only (decision 0013).

use tokenfleet_core::{Error, Liveness, Result};

/// Decides what the platform's own refusal of a secret means, from the result of a control request
/// to the same place with a credential that should work.
///
/// Only if that is accepted, the secret is the reason. Otherwise the platform may be refusing
/// everybody.
#[must_use]
pub fn dead_if_accepted<T>(control: Result<T>) -> Liveness {
    match control {
        Ok(_) => Liveness::Dead,
        Err(error) => Liveness::Unknown {
            reason: format!(
                "the platform refuses the secret, but accepts the account's own credential no more \
                 than that: {error}"
            ),
        },
    }
}

/// Decides what a response to `verify` means that is no answer of the platform about the secret.
///
/// A refusal may come from something in front of the platform, which says nothing about the secret,
/// or be the platform's own in words that nobody documented, such as those of another language.
///
/// # Errors
///
/// The error itself, unless it is such a refusal.
pub fn undecided(error: Error) -> Result<Liveness> {
    let reason = match (error.status(), error.is_in_own_form()) {
        // A transient failure and the proxy's own login have nothing to do with the secret.
        _ if error.kind().is_transient() => return Err(error),
        (Some(407), _) => return Err(error),
        (Some(401 | 403), true) => format!(
            "the platform refuses the secret in its own words, which do not say that it is dead: \
             {error}"
        ),
        (Some(status @ 400..=499), false) => format!(
            "the refusal (HTTP {status}) does not have the form of the platform's own, so it may \
             come from something in front of it"
        ),
        _ => return Err(error),
    };
    Ok(Liveness::Unknown { reason })
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::{ErrorKind, Fate};

    use super::*;

    fn refusal(kind: ErrorKind, status: u16) -> Error {
        Error::new(kind, Fate::Rejected, "no").with_status(status)
    }

    #[test]
    fn dead_is_said_only_if_the_platform_accepts_another_credential() {
        assert_eq!(dead_if_accepted(Ok(())), Liveness::Dead);
        let refused = dead_if_accepted::<()>(Err(refusal(ErrorKind::Unauthenticated, 401)));
        assert!(matches!(refused, Liveness::Unknown { .. }), "{refused:?}");
    }

    #[test]
    fn a_refusal_that_will_last_is_undecided_and_anything_else_an_error() {
        for (kind, status, is_undecided) in [
            (ErrorKind::Unauthenticated, 401, true),
            (ErrorKind::InvalidInput, 499, true),
            (ErrorKind::RateLimited, 429, false),
            (ErrorKind::Unavailable, 500, false),
            (ErrorKind::ProtocolViolation, 200, false),
        ] {
            let result = undecided(refusal(kind, status));
            assert_eq!(result.is_ok(), is_undecided, "{status} {result:?}");
        }
    }
}
