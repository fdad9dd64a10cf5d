//! Tokens that a lost worker asked the platform to revoke, and of which it recorded no verdict.

use std::collections::HashSet;

use tokenfleet::workflow::RevocationVerdict;
use tokenfleet::{
    Account, Error, ErrorKind, Fate, Revocation, RevocationOutcome, RevocationPlan, Suspension,
    TokenId,
};
use tokenfleet_ledger::Write;

use super::record::{AccountRecord, Verdict};

/// Adds verdicts on the tokens of an account that is given up which its worker had begun to revoke,
/// as the writes of its task tell. Without one, a token counts as not attempted.
pub(super) fn add_verdicts(record: &mut AccountRecord, part: &RevocationPlan, writes: &[Write]) {
    let judged = record.verdicts.iter().map(|verdict| &verdict.token);
    let judged: HashSet<TokenId> = judged.cloned().collect();
    for id in part.tokens().filter(|id| !judged.contains(*id)) {
        let of_token = writes.iter().filter(|write| write.tokens().contains(id));
        let verdicts = of_token.filter_map(|write| verdict(write, id, part.account()));
        // That of the last write; a token that is dead stays so.
        let last = verdicts.reduce(|last, next| if last.is_dead() { last } else { next });
        if let Some(verdict) = last {
            record.verdicts.push(Verdict::new(id.clone(), &verdict));
        }
    }
}

/// Returns what a write tells about a token; `None` if it has certainly changed nothing.
fn verdict(write: &Write, id: &TokenId, account: &Account) -> Option<RevocationVerdict> {
    let result = write.outcome.as_ref().map(|outcome| &outcome.result);
    match result {
        Some(Ok(effect)) if write.has_revoked(id) => {
            let (outcome, effect) = effect.revocation?;
            let revocation = Revocation::new(outcome, effect).with_id(id.clone());
            Some(match outcome {
                RevocationOutcome::Revoked => RevocationVerdict::Revoked(revocation),
                _ => RevocationVerdict::AlreadyGone(revocation),
            })
        }
        Some(Ok(_)) if write.intent.suspension == Some(Suspension::Suspend) => {
            Some(RevocationVerdict::Suspended)
        }
        Some(Err(error)) if !error.may_have_applied() => None,
        _ => {
            let message = "its worker was lost, or gave up, before the platform had answered";
            let error = Error::new(ErrorKind::Unavailable, Fate::MaybeApplied, message);
            let advice = "carry the plan out again, which finds out whether it is dead";
            let error = error.with_account(account).with_advice(advice);
            Some(RevocationVerdict::Unreachable(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet::capability::OperationCall;
    use tokenfleet::journal::{Effect, Intent, OperationId, Outcome, Run};
    use tokenfleet::workflow::RevokeManyOptions;
    use tokenfleet::{Capabilities, RevocationEffect, RevokeOptions, TokenRef};

    use super::super::record::Options;
    use super::*;

    #[test]
    fn a_token_whose_revocation_was_begun_does_not_count_as_not_attempted() {
        let account = Account::new("losant", "iot");
        let ids = ["asked", "dead", "judged", "refused", "untried"].map(TokenId::new);
        let part = RevocationPlan::from_ids(&account, ids.clone());
        let options = Options::from(&RevokeManyOptions::default());
        let operations = (OperationId::random(), OperationId::random());
        let mut record = AccountRecord::new(operations, &part, options, None);
        record
            .verdicts
            .push(Verdict::new(ids[2].clone(), &RevocationVerdict::Suspended));
        let (run, options) = (Run::new(), RevokeOptions::default());
        let write = |id: &TokenId| {
            let token = TokenRef::Id(id);
            let call = OperationCall::Revoke(token, &options);
            Write::new(Intent::for_call(
                &run,
                &account,
                &Capabilities::none(),
                call,
            ))
        };
        let mut dead = write(&ids[1]);
        let mut effect = Effect::new();
        effect.revocation = Some((RevocationOutcome::Revoked, RevocationEffect::Deleted));
        dead.outcome = Some(Outcome::new(&dead.intent, Ok(effect)));
        let mut refused = write(&ids[3]);
        let error = Error::new(ErrorKind::RateLimited, Fate::Rejected, "too many requests");
        refused.outcome = Some(Outcome::new(&refused.intent, Err(error)));
        let writes = [write(&ids[0]), dead, write(&ids[2]), refused];
        add_verdicts(&mut record, &part, &writes);
        let verdicts = record.verdicts.iter();
        let verdicts: Vec<_> = verdicts
            .map(|verdict| (verdict.token.as_str(), verdict.as_str()))
            .collect();
        assert_eq!(
            verdicts,
            [
                ("judged", "suspended"),
                ("asked", "unreachable"),
                ("dead", "revoked")
            ]
        );
    }
}
