//! Checks of the policies of an account: whether each can keep its promise there.

use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{AccountConfiguration, Registry};
use tokenfleet_rotation::machine::Strategy;
use tokenfleet_rotation::policy;

use super::account_checks::bounded;
use super::finding::{Check, Finding, Status};
use crate::policies::{Policies, acting_token};
use crate::sinks::Sinks;

/// Checks the policies of an account, if it has any.
pub(super) async fn check(
    account: &AccountConfiguration,
    policies: &Policies,
    sinks: &Sinks,
    registry: &Registry,
    transport: &Arc<dyn Transport>,
) -> Vec<Finding> {
    if policies.for_account(account.name()).next().is_none() {
        return Vec::new();
    }
    // What is wrong with its settings is another finding.
    let Ok(provider) = registry.open(account, Arc::clone(transport)) else {
        return Vec::new();
    };
    let acting = bounded(acting_token(account, &*provider)).await;
    let (acting, unknown) = match acting {
        Ok(acting) => (acting, None),
        Err(error) => (None, Some(error)),
    };
    let (mut findings, mut accepted) = (Vec::new(), Vec::new());
    for configured in policies.for_account(account.name()) {
        let opening = (sinks, transport);
        let policy = policies
            .accept(
                configured,
                provider.capabilities(),
                acting.as_ref(),
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
    if let Err(error) = policy::Policies::new(accepted) {
        findings.push(Finding::failed(Check::Rotation, &error));
    }
    let about = |finding: Finding| finding.about(account.account());
    findings.into_iter().map(about).collect()
}
