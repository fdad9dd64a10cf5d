//! Checks of the policies of an account: whether each can keep its promise there.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokenfleet::{AccountConfiguration, Result, TokenProvider};
use tokenfleet_rotation::machine::Strategy;
use tokenfleet_rotation::policy;
use tokenfleet_rotation::sink::SecretSink;

use super::account_checks::bounded;
use super::finding::{Check, Finding, Status};
use super::sinks::examine;
use crate::output::displayed_id;
use crate::policies::{Policies, acting_token};
use crate::rotations::{CoveredTokens, Rotations, find_covered, lost_policy};
use crate::sinks::is_filled_in;

/// The number of places of the tokens of a policy that are looked at.
const MAX_PLACES: usize = 20;

/// Checks that the policy of each open rotation is still in the configuration.
pub(super) async fn check_open(
    rotations: &Rotations<'_>,
    policies: &Policies,
) -> Result<Vec<Finding>> {
    let open = rotations.open_ones().await?;
    let lost = open.iter().filter_map(|stored| {
        let error = lost_policy(policies, &stored.record)?;
        Some(Finding::failed(Check::Rotation, &error).about(&stored.record.account))
    });
    Ok(lost.collect())
}

/// Checks the policies of an account, if it has any.
pub(super) async fn check(
    account: &AccountConfiguration,
    rotations: &Rotations<'_>,
    policies: &Policies,
) -> Vec<Finding> {
    if policies.for_account(account.name()).next().is_none() {
        return Vec::new();
    }
    // What is wrong with its settings is another finding.
    let Ok(provider) = rotations.accounts.open_one(account.name()) else {
        return Vec::new();
    };
    let acting = bounded(acting_token(account, &*provider)).await;
    let (acting, unknown) = match acting {
        Ok(acting) => (acting, None),
        Err(error) => (None, Some(error)),
    };
    let opening = (&rotations.sinks, rotations.accounts.transport());
    let (mut findings, mut accepted) = (Vec::new(), Vec::new());
    for configured in policies.for_account(account.name()) {
        let policy = policies
            .accept(
                configured,
                provider.capabilities(),
                acting.as_ref(),
                rotations.ledger_id(),
                opening,
            )
            .await;
        findings.push(match (policy, &unknown) {
            (Err(error), _) => Finding::failed(Check::Rotation, &error),
            (Ok(_), Some(error)) => {
                let message = format!(
                    "policies.{}: whether it covers the token of the account is not known: {error}",
                    configured.name()
                );
                Finding::new(Check::Rotation, Status::Skipped, message)
            }
            (Ok(policy), None) => {
                let strategy = match &policy.plan().strategy {
                    Strategy::Overlap(_) => "two tokens side by side",
                    Strategy::InPlace(_) => "in place",
                    _ => "a second secret beside the old one",
                };
                let message = format!("policies.{} is accepted: {strategy}", configured.name());
                accepted.push(policy);
                Finding::new(Check::Rotation, Status::Ok, message)
            }
        });
    }
    if unknown.is_none() && provider.capabilities().list.is_some() {
        findings.extend(check_tokens(&*provider, rotations, policies, &accepted).await);
    }
    if let Err(error) = policy::Policies::new(accepted) {
        findings.push(Finding::failed(Check::Rotation, &error));
    }
    let about = |finding: Finding| finding.about(account.account());
    findings.into_iter().map(about).collect()
}

/// Checks that each policy covers tokens and can rotate all of them, and that what was delivered is
/// alive.
async fn check_tokens(
    provider: &dyn TokenProvider,
    rotations: &Rotations<'_>,
    policies: &Policies,
    accepted: &[policy::Policy],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut are_deliveries_checked = false;
    for policy in accepted {
        let name = &policy.config().name;
        let Ok(configured) = policies.named(name) else {
            continue;
        };
        // A large future, which each caller would hold.
        let found = Box::pin(find_covered(rotations, policies, configured, provider));
        let found = match bounded(found).await {
            Ok(found) => found,
            Err(error) => {
                let message = format!("policies.{name}: what it covers is not known: {error}");
                findings.push(Finding::new(Check::Rotation, Status::Skipped, message));
                continue;
            }
        };
        if let Some(reason) = &found.incomplete {
            let message = format!("policies.{name}: a token may not have been seen: {reason}");
            findings.push(Finding::new(Check::Rotation, Status::Skipped, message));
        }
        for oversight in &found.oversights {
            let finding = Finding::new(Check::Rotation, Status::Warning, &*oversight.message);
            findings.push(finding.with_advice(oversight.advice));
        }
        // They are those of the whole account.
        if !std::mem::replace(&mut are_deliveries_checked, true) {
            let errors = found
                .dead_places
                .iter()
                .map(|it| it.error(&rotations.sinks));
            findings.extend(errors.map(|error| Finding::failed(Check::Rotation, &error)));
        }
        let refused = found.covered.iter().filter_map(|(id, covered)| {
            let finding = Finding::failed(Check::Rotation, covered.as_ref().err()?);
            Some(match id {
                Some(id) => finding.with_message_prefix(&format!("token {}", displayed_id(id))),
                None => finding,
            })
        });
        findings.extend(refused);
        findings.extend(check_places(policy, &found).await);
    }
    findings
}

/// Checks the places that a policy has for each of its tokens. Those that all of them have in
/// common are other findings.
async fn check_places(policy: &policy::Policy, found: &CoveredTokens) -> Vec<Finding> {
    let templates = &policy.config().sinks;
    let mut places = BTreeMap::<&str, &Arc<dyn SecretSink>>::new();
    for covered in found.covered.iter().filter_map(|(_, it)| it.as_ref().ok()) {
        let filled_in = templates.iter().zip(&covered.record.sinks);
        for ((template, place), sink) in filled_in.zip(&covered.sinks) {
            if is_filled_in(template) {
                places.insert(place, sink);
            }
        }
    }
    let (mut findings, mut usable) = (Vec::new(), 0);
    for (place, sink) in places.iter().take(MAX_PLACES) {
        let finding = examine((*place).to_owned(), Ok(Arc::clone(sink))).await;
        match finding.status {
            Status::Ok | Status::Skipped => usable += 1,
            _ => findings.push(finding),
        }
    }
    if usable > 0 {
        let (name, count) = (&policy.config().name, places.len());
        let message =
            format!("policies.{name}: {usable} of {count} places of its tokens can be used");
        let message = match count.checked_sub(MAX_PLACES) {
            Some(left) if left > 0 => format!("{message}, and {left} were not looked at"),
            _ => message,
        };
        findings.push(Finding::new(Check::Rotation, Status::Ok, message));
    }
    findings
}
