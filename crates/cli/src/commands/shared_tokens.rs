//! Tokens that several accounts of a plan have, because one account is configured twice.

use std::collections::HashSet;

use tokenfleet::RevocationPlan;

/// Leaves each token to the first plan that names it, so that nobody reviews or revokes it twice.
/// Returns a sentence about each account that left some to another one.
pub(super) fn leave_to_first(plans: &mut [RevocationPlan]) -> Vec<String> {
    let mut sentences = Vec::new();
    for at in 1..plans.len() {
        let (earlier, rest) = plans.split_at_mut(at);
        let Some(plan) = rest.first_mut() else { break };
        for first in earlier {
            let shared = plan.shared_tokens(first).into_iter().cloned();
            let shared: HashSet<_> = shared.collect();
            let tokens = match shared.len() {
                0 => continue,
                1 => "1 token".to_owned(),
                count => format!("{count} tokens"),
            };
            *plan = plan.clone().retaining(|id| !shared.contains(id));
            sentences.push(format!(
                "{}: {tokens} left to {}, which has the same",
                plan.account(),
                first.account()
            ));
        }
    }
    sentences
}
