//! Judging of what became of tokens, by the snapshots of the ledger.

use std::collections::HashMap;
use std::time::Duration;

use tokenfleet::check::{Check, Finding, Judgement, Past, RuleKind};
use tokenfleet::{Account, Fact, Fleet, Timestamp, Token, TokenId};
use tokenfleet_ledger::{Change, Source};

use super::Judging;
use crate::accounts::Accounts;
use crate::exit::Failure;
use crate::ledger::{self, Comparison, RememberedAccount};
use crate::output::{Author, Compared, ComparedAccount, NotJudged};
use crate::program_name;

/// The age from which a snapshot no longer tells what is there now.
const STALE: Duration = Duration::from_secs(86_400);

impl Judging<'_> {
    /// Judges by the rules about the past, if there are any.
    pub(super) async fn judge_past(
        &mut self,
        accounts: &Accounts,
        fleet: &Fleet,
    ) -> Result<(), Failure> {
        if self.checks.iter().all(|check| check.past_from().is_none()) {
            return Ok(());
        }
        let ledger = ledger::open_existing(accounts.configuration()).await?;
        let (mut known, mut comparison) = (Vec::new(), None);
        if let Some(ledger) = &ledger {
            known = ledger.accounts().await?;
            comparison = Some(Comparison::new(&**ledger, accounts.configuration()).await?);
        }
        for account in fleet.accounts() {
            let is_its = |source: &&Source| source.account == *account;
            let remembered = RememberedAccount {
                account: account.clone(),
                sources: known.iter().filter(is_its).cloned().collect(),
            };
            let positions = self.concerned.get(account.name());
            for position in positions.cloned().unwrap_or_default() {
                let Some((rule, start)) = self.checks[position].past_from() else {
                    continue;
                };
                let reason = match &mut comparison {
                    Some(comparison) => {
                        comparison.since = Some(start);
                        comparison.tells_each = true;
                        self.judge_account(position, &remembered, comparison)
                            .await?
                    }
                    None => Some("there is no ledger".to_owned()),
                };
                if let Some(reason) = reason {
                    let not_known = self.not_known(account, position, rule, &reason);
                    self.past_not_judged.push(not_known);
                }
            }
        }
        Ok(())
    }

    /// Judges an account by a check. Returns why not all of the past is known, if it is not.
    async fn judge_account(
        &mut self,
        position: usize,
        remembered: &RememberedAccount,
        comparison: &Comparison<'_>,
    ) -> Result<Option<String>, Failure> {
        let checks = self.checks;
        let mut judged = JudgedPast {
            check: &checks[position],
            vanished: HashMap::new(),
            found: Vec::new(),
            missing: Vec::new(),
        };
        let tell = &mut |compared: Compared<'_>| {
            judged.add(comparison, &compared);
            Ok(())
        };
        let compared = comparison.compare(remembered, tell).await?;
        for (finding, token) in judged.found {
            match self.waivers.cover(&finding, &token) {
                Some(waiver) => self.waived.push((finding, waiver)),
                None => self.findings.push(finding),
            }
        }
        for (rule, missing) in judged.missing {
            let key = (remembered.account.clone(), position, rule, missing);
            *self.not_judged.entry(key).or_default() += 1;
        }
        Ok(unknown_part(&compared, comparison.since))
    }

    fn not_known(
        &self,
        account: &Account,
        position: usize,
        rule: RuleKind,
        reason: &str,
    ) -> NotJudged {
        NotJudged {
            account: account.clone(),
            check: Some(self.checks[position].name().to_owned()),
            rule: Some(rule.as_str()),
            missing: Some("snapshots".to_owned()),
            tokens: None,
            reason: format!(
                "{reason}; the command `{} snapshot` takes one",
                program_name::get()
            ),
        }
    }
}

/// Returns why not all of what became of an account since a time is known.
fn unknown_part(compared: &[ComparedAccount], since: Option<Timestamp>) -> Option<String> {
    let mut incomplete = compared.iter().filter(|one| one.is_incomplete());
    if let Some(one) = incomplete.next() {
        return Some(one.reason.clone().unwrap_or_default());
    }
    // That it cannot be listed is said anyway.
    let last = compared.iter().filter_map(|one| one.to).max()?;
    let now = Timestamp::now();
    let period = since.map_or(STALE, |since| since.duration_until(now));
    let is_stale = last.saturating_add(STALE.min(period)) < now;
    is_stale.then(|| format!("the last snapshot is of {last}"))
}

/// The judgements of what became of the tokens of one account.
struct JudgedPast<'a> {
    check: &'a Check,
    /// The tokens that vanished, and when they were created, if that is known.
    vanished: HashMap<TokenId, Option<Timestamp>>,
    found: Vec<(Finding, Token)>,
    /// Fields that are not reported, each with the rule that it decides about.
    missing: Vec<(RuleKind, String)>,
}

impl JudgedPast<'_> {
    /// Judges a change that nobody made with this program.
    fn add(&mut self, comparison: &Comparison<'_>, compared: &Compared<'_>) {
        let token = compared.change.token();
        let past = match compared.change {
            Change::Appeared { .. } if self.is_back(token) => return,
            Change::Appeared { .. } => Past::Appeared(compared.at),
            Change::Vanished { .. } => {
                let created = token.created_at.known().copied();
                self.vanished.insert(token.id.clone(), created);
                Past::Vanished(compared.at)
            }
            _ => return,
        };
        if matches!(compared.author, Author::Us { .. }) {
            return;
        }
        let token = comparison.annotated(compared.account, token);
        for judgement in self.check.judge_past(compared.account, &token, past) {
            match judgement {
                Judgement::Found(finding) => self.found.push((*finding, token.clone())),
                Judgement::NotJudged { rule, missing } => self.missing.push((rule, missing)),
                _ => {}
            }
        }
    }

    /// Returns `true` if a token that appeared is one that had vanished, which then did neither.
    /// Without the time of its creation it may be another one with the same id.
    fn is_back(&mut self, token: &Token) -> bool {
        let created = self.vanished.remove(&token.id).flatten();
        let is_back = created.is_some_and(|created| token.created_at == Fact::Known(created));
        if is_back {
            self.found.retain(|(finding, _)| *finding.id() != token.id);
        }
        is_back
    }
}
