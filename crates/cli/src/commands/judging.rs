//! Judging of tokens by checks while they are read.

mod past;

use std::collections::{BTreeMap, HashMap};
use std::io;

use tokenfleet::capability::TokenField;
use tokenfleet::check::{Check, Finding, Judgement, RuleKind, Waivers};
use tokenfleet::{
    Account, AccountConfiguration, AccountReport, Error, Query, Token, TokenState, Verdict,
};

use super::inventory::{self, TokenSink};
use crate::accounts::Accounts;
use crate::exit::{Exit, Failure};
use crate::metrics_file::{CheckMetrics, Metrics};
use crate::output::{CheckSummary, NotJudged, Total, WaivedFinding};
use crate::program_name::shell_quoted;

/// The name that findings of the command `expiring` have.
pub(super) const EXPIRING: &str = "expiring";

/// The result of checks on the tokens that were read.
///
/// It holds findings and counters, but no other token.
pub(super) struct Judging<'a> {
    checks: &'a [Check],
    /// The positions of the checks that concern an account.
    concerned: HashMap<String, Vec<usize>>,
    pub(super) waivers: Waivers,
    pub(super) findings: Vec<Finding>,
    /// Findings, each with the position of its waiver.
    waived: Vec<(Finding, usize)>,
    not_judged: BTreeMap<(Account, usize, RuleKind, String), u64>,
    /// The part that the snapshots do not tell.
    past_not_judged: Vec<NotJudged>,
    /// The fields that the platform of each account reports.
    reported: HashMap<Account, Vec<TokenField>>,
    pub(super) reports: Vec<AccountReport>,
    pub(super) metrics: Metrics,
    tokens: u64,
    never_expiring: u64,
}

impl<'a> Judging<'a> {
    /// Reads the selected accounts that a check concerns, and judges their tokens.
    ///
    /// Accounts that no check concerns are not read.
    pub(super) async fn read(
        accounts: &Accounts,
        checks: &'a [Check],
        waivers: Waivers,
        query: Query,
    ) -> Result<Self, Failure> {
        let mut concerned = HashMap::new();
        let mut members = Vec::new();
        for account in accounts.selected() {
            let positions = positions(checks, account);
            if !positions.is_empty() {
                members.push(account);
                concerned.insert(account.name().to_owned(), positions);
            }
        }
        if members.is_empty() {
            let message = "none of the checks concerns a selected account";
            return Err(Error::invalid_input(message).into());
        }
        let mut judging = Self {
            checks,
            concerned,
            waivers,
            findings: Vec::new(),
            waived: Vec::new(),
            not_judged: BTreeMap::new(),
            past_not_judged: Vec::new(),
            reported: HashMap::new(),
            reports: Vec::new(),
            metrics: Metrics::default(),
            tokens: 0,
            never_expiring: 0,
        };
        let fleet = accounts.open_fleet(members);
        let providers = fleet.providers().map(|provider| {
            let reported = provider.capabilities().reported_fields.clone();
            (provider.account().clone(), reported)
        });
        judging.reported = providers.collect();
        judging.reports = inventory::read(accounts, &fleet, query, &mut judging).await?;
        judging.judge_past(accounts, &fleet).await?;
        let reports = judging.reports.iter();
        let order: HashMap<_, _> = reports
            .map(|report| &report.account)
            .zip(0_usize..)
            .collect();
        let position = |finding: &Finding| order.get(finding.account()).copied();
        judging.findings.sort_by_key(position);
        judging.waived.sort_by_key(|(finding, _)| position(finding));
        Ok(judging)
    }

    /// Returns everything that could not be judged: fields, the past, then accounts.
    pub(super) fn not_judged(&self) -> Vec<NotJudged> {
        let fields = self.not_judged.iter();
        let fields = fields.map(|((account, check, rule, missing), tokens)| NotJudged {
            account: account.clone(),
            check: Some(self.checks[*check].name().to_owned()),
            rule: Some(rule.as_str()),
            missing: Some(missing.clone()),
            tokens: Some(*tokens),
            reason: self.not_reported(account, &self.checks[*check], missing),
        });
        let incomplete = self
            .reports
            .iter()
            .filter(|report| !report.verdict.is_complete_as_shown());
        let accounts = incomplete.map(|report| NotJudged {
            account: report.account.clone(),
            check: None,
            rule: None,
            missing: None,
            tokens: None,
            reason: reason(report),
        });
        let past = self.past_not_judged.iter().cloned();
        fields.chain(past).chain(accounts).collect()
    }

    /// Returns the reason why a field decides nothing, and what to do where the platform never
    /// reports it.
    fn not_reported(&self, account: &Account, check: &Check, missing: &str) -> String {
        let reason = format!("{missing} is not reported");
        let reported = self.reported.get(account);
        let is_reported = |fields: &Vec<TokenField>| fields.iter().any(|it| it.as_str() == missing);
        if reported.is_none_or(is_reported) {
            return reason;
        }
        if check.name() == EXPIRING {
            return format!("{reason}; {}", leave_out(account));
        }
        format!("{reason}; narrow the check with `accounts`, `tags` or `provider`")
    }

    /// Returns the waived findings with their waivers.
    pub(super) fn waived(&self) -> Vec<WaivedFinding<'_>> {
        let waivers = self.waivers.all();
        let waived = self.waived.iter();
        waived
            .map(|(finding, index)| WaivedFinding::new(finding, &waivers[*index].0))
            .collect()
    }

    /// Returns the number of findings of each check.
    pub(super) fn summaries(&self) -> Vec<CheckSummary> {
        let summary = |(index, check): (usize, &Check)| {
            let name = check.name();
            let findings = self.findings.iter();
            let waived = self.waived.iter();
            let not_judged = self.not_judged.iter();
            CheckSummary {
                name: name.to_owned(),
                description: check.description().map(str::to_owned),
                findings: findings.filter(|finding| finding.check() == name).count(),
                waived: waived
                    .filter(|(finding, _)| finding.check() == name)
                    .count(),
                not_judged: not_judged
                    .filter(|((_, check, ..), _)| *check == index)
                    .map(|(_, tokens)| tokens)
                    .sum(),
            }
        };
        self.checks.iter().enumerate().map(summary).collect()
    }

    pub(super) fn total(&self, not_judged: &[NotJudged]) -> Total {
        let is_unread = |report: &&AccountReport| {
            matches!(report.verdict, Verdict::Failed(_) | Verdict::NotListable)
                && report.tokens == 0
        };
        Total {
            accounts: self.reports.len(),
            unread_accounts: self.reports.iter().filter(is_unread).count(),
            tokens: self.tokens,
            never_expiring: self.never_expiring,
            findings: self.findings.len(),
            waived: self.waived.len(),
            not_judged: not_judged.len(),
        }
    }

    /// Returns each check that concerns an account, with the account.
    pub(super) fn judged(&self) -> impl Iterator<Item = (&Account, &Check)> {
        self.reports.iter().flat_map(|report| {
            let checks = self.concerned.get(report.account.name());
            let checks = checks.into_iter().flatten();
            checks.map(|index| (&report.account, &self.checks[*index]))
        })
    }

    /// Returns the numbers of each check in each account that it concerns.
    pub(super) fn check_metrics(&self) -> Vec<CheckMetrics> {
        let mut counts = HashMap::<(&Account, &str), [u64; 3]>::new();
        for finding in &self.findings {
            counts
                .entry((finding.account(), finding.check()))
                .or_default()[0] += 1;
        }
        for (finding, _) in &self.waived {
            counts
                .entry((finding.account(), finding.check()))
                .or_default()[1] += 1;
        }
        for ((account, check, ..), tokens) in &self.not_judged {
            let check = self.checks[*check].name();
            counts.entry((account, check)).or_default()[2] += tokens;
        }
        let metrics = |(account, check): (&Account, &Check)| {
            let counts = counts.get(&(account, check.name()));
            let [findings, waived, not_judged] = counts.copied().unwrap_or_default();
            CheckMetrics {
                account: account.clone(),
                check: check.name().to_owned(),
                findings,
                waived,
                not_judged,
            }
        };
        self.judged().map(metrics).collect()
    }

    /// Returns the exit code, to be combined with that of the accounts.
    pub(super) fn exit(&self, not_judged: &[NotJudged]) -> Exit {
        let incomplete = (!not_judged.is_empty()).then_some(Exit::Incomplete);
        let found = (!self.findings.is_empty()).then_some(Exit::AnswerIsNo);
        Exit::combine(incomplete.into_iter().chain(found))
    }
}

/// Returns the reason why an account was not judged, and what to do about one that never can be.
fn reason(report: &AccountReport) -> String {
    let reason = report.verdict.reason().unwrap_or_default();
    match report.verdict {
        Verdict::NotListable => format!("{reason}; {}", leave_out(&report.account)),
        _ => reason,
    }
}

fn leave_out(account: &Account) -> String {
    let exclusion = shell_quoted(&format!("!{}", account.name()));
    format!("leave it out with --account {exclusion}")
}

/// Returns the positions of the checks that concern an account.
fn positions(checks: &[Check], account: &AccountConfiguration) -> Vec<usize> {
    let concerns = |check: &Check| check.concerns(account.account(), account.tags());
    let checks = checks.iter().enumerate();
    checks
        .filter(|(_, check)| concerns(check))
        .map(|(index, _)| index)
        .collect()
}

impl TokenSink for Judging<'_> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        let positions = self.concerned.get(account.name());
        let mut concerned = positions.into_iter().flatten();
        if concerned.all(|index| self.checks[*index].leaves_out(&account, &token)) {
            return Ok(());
        }
        self.tokens += 1;
        self.metrics.count(&account, &token);
        let is_dead = matches!(token.state, TokenState::Revoked | TokenState::Expired);
        self.never_expiring += u64::from(!is_dead && token.never_expires());
        for &index in positions.into_iter().flatten() {
            for judgement in self.checks[index].judge(&account, &token) {
                match judgement {
                    Judgement::Found(finding) => match self.waivers.cover(&finding, &token) {
                        Some(waiver) => self.waived.push((*finding, waiver)),
                        None => self.findings.push(*finding),
                    },
                    Judgement::NotJudged { rule, missing } => {
                        let key = (account.clone(), index, rule, missing);
                        *self.not_judged.entry(key).or_default() += 1;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
