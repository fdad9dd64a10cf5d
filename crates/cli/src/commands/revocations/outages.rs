//! Accounts that cannot be reached: when they are tried again, and when that is the verdict.

use std::collections::HashSet;
use std::time::Duration;

use tokenfleet::workflow::RevocationVerdict;
use tokenfleet::{Error, ErrorKind, Fate, RevocationPlan, TokenId};

use super::record::{AccountRecord, Verdict};

/// The number of times that an account is tried again that could not be used, or some tokens of
/// which could not be reached. After that, this is their verdict.
pub(super) const MAX_OUTAGES: u32 = 5;

/// The time after which an account is tried again. Each further one is twice as long, a quarter of
/// an hour in all, except in the canary wave, which everybody waits for.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Returns the time after which an account is tried again.
pub(super) fn wait(record: &AccountRecord) -> Duration {
    if record.pause_after.is_some() {
        return TRY_AGAIN;
    }
    let earlier = record.outages.clamp(1, MAX_OUTAGES) - 1;
    TRY_AGAIN * 2_u32.pow(earlier)
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
            assert_eq!(wait(&record), Duration::from_secs(seconds));
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
    fn an_account_of_the_canary_wave_keeps_the_others_waiting_no_longer_each_time() {
        let account = Account::new("losant", "iot");
        let part = RevocationPlan::from_ids(&account, [TokenId::new("a")]);
        let mut record = record(&part);
        record.pause_after = Some(1);
        for _ in 0..MAX_OUTAGES {
            note(&mut record, &part, &Error::configuration("it is away"));
            assert_eq!(wait(&record), TRY_AGAIN);
        }
    }
}
