//! The patience of a worker with a platform that limits its rate.

use tokenfleet::AccountConfiguration;
use tokenfleet::transport::RetryPolicy;

/// Returns an account whose requests take no longer, with all repetitions and waits, than one
/// attempt may. One that the platform holds back for longer fails at once and says for how long, so
/// that nobody holds the account meanwhile: neither a place of a worker, nor a claim that a kill
/// would leave behind.
pub(super) fn impatient(account: &AccountConfiguration) -> AccountConfiguration {
    let account = account.clone();
    // A setting that cannot be read is reported when the account is opened.
    let Ok(retry) = RetryPolicy::from_settings(&mut account.settings().clone()) else {
        return account;
    };
    if retry.total_timeout <= retry.attempt_timeout {
        return account;
    }
    let seconds = retry.attempt_timeout.as_secs();
    account.with("total_timeout", format!("{seconds}s"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_request_of_an_impatient_account_takes_no_longer_than_an_attempt_may() {
        for (settings, total) in [
            (&[][..], 30),
            (&[("total_timeout", "1d")], 30),
            (&[("total_timeout", "5s")], 5),
            (&[("attempt_timeout", "2s")], 2),
            (&[("attempt_timeout", "1m"), ("total_timeout", "1h")], 60),
        ] {
            let mut account = AccountConfiguration::new("iot", "losant");
            for (key, value) in settings {
                account = account.with(*key, *value);
            }
            let before = RetryPolicy::from_settings(&mut account.settings().clone()).unwrap();
            let account = impatient(&account);
            let after = RetryPolicy::from_settings(&mut account.settings().clone()).unwrap();
            assert_eq!(after.total_timeout, Duration::from_secs(total));
            assert_eq!(after.attempt_timeout, before.attempt_timeout);
        }
    }
}
