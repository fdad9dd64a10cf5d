//! Predicates of an error, each with what to do if it holds.

use crate::error::{Error, ErrorKind, Fate};

impl Error {
    /// Returns `true` if the call may have taken effect although it failed.
    ///
    /// # What to do
    ///
    /// Find out before repeating the call. For a creation, look for the token that it may have left
    /// behind: [`reconcile`](crate::TokenProviderExt::reconcile) does, and
    /// [`ExactlyOnce`](crate::ExactlyOnce) does it for you. For a rotation, verify whether the old
    /// secret still works. A revocation can simply be repeated.
    #[must_use]
    pub fn may_have_applied(&self) -> bool {
        self.fate() >= Fate::MaybeApplied
    }

    /// Returns `true` if the same call may succeed later without any change, and repeating it does
    /// no harm.
    ///
    /// # What to do
    ///
    /// Wait for [`retry_after`](Self::retry_after), or back off, and repeat the call. The built-in
    /// adapters have already retried it: [`attempts`](Self::attempts) returns how often.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        !self.may_have_applied() && self.kind().is_transient()
    }

    /// Returns `true` if no response arrived in time.
    ///
    /// # What to do
    ///
    /// Check [`may_have_applied`](Self::may_have_applied) first. If it happens often, raise the
    /// timeout of the account, or request smaller pages.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Returns `true` if the platform refused the call because it received too many requests.
    ///
    /// # What to do
    ///
    /// Wait for [`retry_after`](Self::retry_after) before the next call, or lower the rate limit
    /// and the concurrency of the account.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.kind() == ErrorKind::RateLimited
    }

    /// Returns `true` if the response was larger than the caller reads.
    ///
    /// # What to do
    ///
    /// Request fewer tokens at once: a smaller page. Nothing else about the call is wrong.
    #[must_use]
    pub fn is_response_too_large(&self) -> bool {
        self.0.response_too_large
    }

    /// Returns `true` if the response has the form that the platform documents for its errors.
    ///
    /// # What to do
    ///
    /// Believe only such a response about a token: any other may come from something in front of
    /// the platform, such as a gateway.
    #[must_use]
    pub fn is_in_own_form(&self) -> bool {
        self.0.is_in_own_form
    }

    /// Returns `true` if the token, the user or another resource does not exist.
    ///
    /// # What to do
    ///
    /// Check the id, and that the account's credential may see the resource: many platforms hide
    /// what a credential may not access.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Returns `true` if the platform does not accept the credential that the account authenticates
    /// with.
    ///
    /// # What to do
    ///
    /// Replace the credential where it is stored. A call is not repeated with the same one: several
    /// platforms lock the account after a few failed logins.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
        self.kind() == ErrorKind::Unauthenticated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_predicate_holds_for_its_kind_only() {
        let predicates = [
            (ErrorKind::Timeout, Error::is_timeout as fn(&Error) -> bool),
            (ErrorKind::RateLimited, Error::is_rate_limited),
            (ErrorKind::NotFound, Error::is_not_found),
            (ErrorKind::Unauthenticated, Error::is_unauthenticated),
        ];
        for (kind, _) in predicates {
            let error = Error::new(kind, Fate::Rejected, "failed");
            for (other, holds) in predicates {
                assert_eq!(holds(&error), kind == other, "{kind:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_response_that_is_too_large_is_told_from_a_limit_of_the_caller() {
        let error = Error::response_too_large(Fate::Rejected, "larger than 64 MiB");
        assert!(error.is_response_too_large());
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        let limit = Error::new(ErrorKind::LimitExceeded, Fate::Rejected, "over the limit");
        assert!(!limit.is_response_too_large());
    }

    #[test]
    fn an_error_that_may_have_applied_is_not_retryable() {
        let failed = |fate| Error::new(ErrorKind::Timeout, fate, "no response");
        assert!(failed(Fate::Rejected).is_retryable());
        assert!(!failed(Fate::MaybeApplied).is_retryable());
        assert!(failed(Fate::MaybeApplied).may_have_applied());
    }
}
