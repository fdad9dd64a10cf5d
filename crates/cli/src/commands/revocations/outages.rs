//! Accounts that cannot be reached: when they are tried again, and when that is the verdict.

use std::collections::HashSet;
use std::time::Duration;

use tokenfleet::workflow::RevocationVerdict;
use tokenfleet::{Error, ErrorKind, Fate, RevocationPlan, TokenId};

use super::record::{AccountRecord, Verdict};
use crate::waits::scaled;

/// The number of times in a row that an account is tried again that could not be used, or of which
/// no token could be reached. After that, this is their verdict.
pub(super) const MAX_OUTAGES: u32 = 5;

/// The time after which an account is tried again. Each further one is twice as long, a quarter of
/// an hour in all, except in the canary wave, which everybody waits for.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// The longest time that an account waits for the end of a limit, whatever the platform says.
const LONGEST_LIMIT: Duration = Duration::from_secs(3_600);

/// Returns the time after which an account is tried again. One whose rate was limited is tried when
/// the platform says that the limit ends, and later if it said so before and nothing was done then.
pub(super) fn wait(record: &AccountRecord, limit: Option<Duration>) -> Duration {
    let limit = limit.map(|limit| limit.min(LONGEST_LIMIT));
    if let Some(limit) = limit.filter(|_| record.outages <= 1) {
        return limit;
    }
    limit.unwrap_or_default().max(backoff(record))
}

fn backoff(record: &AccountRecord) -> Duration {
    if record.pause_after.is_some() {
        return scaled(TRY_AGAIN);
    }
    let earlier = record.outages.clamp(1, MAX_OUTAGES) - 1;
    scaled(TRY_AGAIN * 2_u32.pow(earlier))
}

/// Returns the time after which the platform takes requests again, if it limits their rate.
pub(super) fn limit(error: &Error) -> Option<Duration> {
    error.retry_after().filter(|_| error.is_rate_limited())
}

/// Notes that nothing could be done for an account. Returns `true` if it was tried often enough, so
/// that each of its tokens has a verdict now.
pub(super) fn note(record: &mut AccountRecord, part: &RevocationPlan, error: &Error) -> bool {
    record.note = Some(error.to_string());
    if record.outages < MAX_OUTAGES {
        record.outages += 1;
        return false;
    }
    let judged = record.verdicts.iter().map(|verdict| &verdict.token);
    let judged: HashSet<TokenId> = judged.cloned().collect();
    let message = format!(
        "the account could not be used, {} times, the last one because of: {error}",
        MAX_OUTAGES + 1
    );
    let fate = match error.may_have_applied() {
        true => Fate::MaybeApplied,
        false => Fate::NotSent,
    };
    let error = Error::new(ErrorKind::Unavailable, fate, message);
    let verdict = RevocationVerdict::Unreachable(error.with_account(part.account()));
    let rest = part.tokens().filter(|id| !judged.contains(id));
    let rest = rest.map(|id| Verdict::new(id.clone(), &verdict));
    record.verdicts.extend(rest);
    true
}

#[cfg(test)]
mod tests {
    use tokenfleet::Account;
    use tokenfleet::journal::OperationId;
    use tokenfleet::workflow::RevokeManyOptions;

    use super::super::record::Options;
    use super::*;
    use crate::exit::Exit;

    fn record(part: &RevocationPlan) -> AccountRecord {
        let plan = (OperationId::random(), OperationId::random());
        let options = Options::from(&RevokeManyOptions::default());
        AccountRecord::new(plan, part, options, None)
    }

    #[test]
    fn an_account_that_always_fails_is_tried_later_each_time_until_that_is_the_verdict() {
        let account = Account::new("losant", "iot");
        let part = RevocationPlan::from_ids(&account, ["a", "b", "c"].map(TokenId::new));
        let error = Error::configuration("the credential cannot be read");
        let mut record = record(&part);
        let dead = RevocationVerdict::Suspended;
        record.verdicts.push(Verdict::new(TokenId::new("b"), &dead));
        for seconds in [30, 60, 120, 240, 480] {
            assert!(!note(&mut record, &part, &error));
            assert_eq!(wait(&record, None), Duration::from_secs(seconds));
            assert_eq!(record.verdicts.len(), 1);
            assert_eq!(record.note.as_deref(), Some(&*error.to_string()));
        }
        assert!(note(&mut record, &part, &error));
        let verdicts: Vec<_> = (record.verdicts.iter())
            .map(|verdict| (verdict.token.as_str(), verdict.as_str()))
            .collect();
        let expected = [
            ("b", "suspended"),
            ("a", "unreachable"),
            ("c", "unreachable"),
        ];
        assert_eq!(verdicts, expected);
        // As that of an account that could not be reached.
        let verdict = record.verdicts[1].error().unwrap();
        assert_eq!(Exit::from_error(verdict), Exit::Failed);
        assert!(verdict.to_string().contains("cannot be read"), "{verdict}");
    }

    #[test]
    fn an_account_whose_rate_is_limited_is_tried_when_the_limit_ends() {
        let account = Account::new("losant", "iot");
        let part = RevocationPlan::from_ids(&account, [TokenId::new("a")]);
        let mut record = record(&part);
        let error = Error::new(ErrorKind::RateLimited, Fate::Rejected, "too many requests");
        assert_eq!(limit(&error), None, "it does not say when");
        let away = Error::new(ErrorKind::Unavailable, Fate::Rejected, "it is away");
        let away = away.with_retry_after(Duration::from_secs(7));
        assert_eq!(limit(&away), None, "it limits no rate");
        for (seconds, expected) in [(7, 7), (90, 90), (86_400, 3_600), (0, 240)] {
            let error = error.clone().with_retry_after(Duration::from_secs(seconds));
            note(&mut record, &part, &error);
            let wait = wait(&record, limit(&error));
            assert_eq!(wait, Duration::from_secs(expected));
        }
    }

    #[test]
    fn an_account_of_the_canary_wave_keeps_the_others_waiting_no_longer_each_time() {
        let account = Account::new("losant", "iot");
        let part = RevocationPlan::from_ids(&account, [TokenId::new("a")]);
        let mut record = record(&part);
        record.pause_after = Some(1);
        for _ in 0..MAX_OUTAGES {
            note(&mut record, &part, &Error::configuration("it is away"));
            assert_eq!(wait(&record, None), TRY_AGAIN);
        }
    }
}
