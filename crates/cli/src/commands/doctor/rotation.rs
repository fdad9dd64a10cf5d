//! Checks of the policies of an account: whether each can keep its promise there.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{
    AccountConfiguration, Configuration, Query, Registry, Result, Token, TokenProvider,
    TokenProviderExt, TokenState,
};
use tokenfleet_ledger::Ledger;
use tokenfleet_rotation::machine::Strategy;
use tokenfleet_rotation::policy::{self, SinkPlace};
use tokenfleet_rotation::runner::{LedgerRotationStore, RotationStore, StoredRotation};

use super::account_checks::bounded;
use super::finding::{Check, Finding, Status};
use super::sinks::examine;
use crate::ledger;
use crate::output::displayed_id;
use crate::policies::{Policies, acting_token};
use crate::rotations::{LeftOut, dead_places, lost_policy, warnings};
use crate::sinks::{Sinks, is_filled_in};

/// The number of places of the tokens of a policy that are looked at.
const MAX_PLACES: usize = 20;

/// The ledger as far as rotations are checked against it.
#[derive(Debug, Default)]
pub(super) struct PastRotations {
    ledger: String,
    open: Vec<StoredRotation>,
    closed: Vec<StoredRotation>,
}

impl PastRotations {
    /// Reads the rotations of the ledger, if there is one. One that cannot be read is
    /// another finding.
    pub(super) async fn read(configuration: &Configuration) -> Self {
        Self::try_read(configuration).await.unwrap_or_default()
    }

    async fn try_read(configuration: &Configuration) -> Result<Self> {
        let Some(ledger) = ledger::open_existing(configuration).await? else {
            return Ok(Self::default());
        };
        let tasks: Arc<dyn Ledger> = ledger;
        let store = LedgerRotationStore::open(tasks).await?;
        Ok(Self {
            ledger: store.ledger().to_owned(),
            open: store.open_rotations().await?.rotations,
            closed: store.closed_rotations().await?.rotations,
        })
    }
}

/// Checks that the policy of each open rotation is still in the configuration.
pub(super) fn check_open(
    accounts: &[&AccountConfiguration],
    policies: &Policies,
    past: &PastRotations,
) -> Vec<Finding> {
    let is_selected = |stored: &&StoredRotation| {
        let name = stored.record.account.name();
        accounts.iter().any(|account| account.name() == name)
    };
    let of_accounts = past.open.iter().filter(is_selected);
    let lost = of_accounts.filter_map(|stored| {
        let error = lost_policy(policies, &stored.record)?;
        Some(Finding::failed(Check::Rotation, &error).about(&stored.record.account))
    });
    lost.collect()
}

/// Checks the policies of an account, if it has any.
pub(super) async fn check(
    account: &AccountConfiguration,
    policies: &Policies,
    past: &PastRotations,
    registry: &Registry,
    (sinks, transport): (&Sinks, &Arc<dyn Transport>),
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
                &past.ledger,
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
        let accepted = (&accepted[..], policies);
        findings.extend(check_tokens(&*provider, accepted, past, (sinks, transport)).await);
    }
    if let Err(error) = policy::Policies::new(accepted) {
        findings.push(Finding::failed(Check::Rotation, &error));
    }
    let about = |finding: Finding| finding.about(account.account());
    findings.into_iter().map(about).collect()
}

/// Checks that the policies cover tokens, and that what they delivered is alive.
async fn check_tokens(
    provider: &dyn TokenProvider,
    (policies, configured): (&[policy::Policy], &Policies),
    past: &PastRotations,
    opening: (&Sinks, &Arc<dyn Transport>),
) -> Vec<Finding> {
    let tokens: Vec<Token> = match bounded(provider.list_all(Query::new())).await {
        Ok(list) if list.completeness.is_complete_as_shown() => list.tokens,
        Ok(_) => {
            let message = "the listing may lack tokens, so what the policies cover is not known";
            return vec![Finding::new(Check::Rotation, Status::Skipped, message)];
        }
        Err(error) => {
            let message = format!("what the policies cover is not known: {error}");
            return vec![Finding::new(Check::Rotation, Status::Skipped, message)];
        }
    };
    let mut closed = past.closed.clone();
    closed.retain(|stored| stored.record.account == *provider.account());
    let mut findings = Vec::new();
    for policy in policies {
        let warnings = warnings(policy, &closed, &tokens).into_iter();
        findings.extend(warnings.map(|warning| {
            let finding = Finding::new(Check::Rotation, Status::Warning, warning);
            finding.with_advice("correct `where`, or remove the policy")
        }));
    }
    for place in dead_places(&past.ledger, &closed, &tokens, opening).await {
        findings.push(Finding::failed(Check::Rotation, &place.error()));
    }
    let mut left_out = LeftOut::new(
        provider.account(),
        &past.ledger,
        &past.closed,
        configured,
        opening,
    );
    for policy in policies {
        let covered = tokens.iter().filter(|token| policy.covers(token));
        for token in covered.filter(|token| token.state == TokenState::Active) {
            findings.extend(check_left_out(provider, policy, token, &mut left_out).await);
        }
        findings.extend(check_places(provider, policy, &tokens, opening).await);
    }
    let unread = left_out.not_looked_at();
    findings.extend(unread.map(|text| Finding::new(Check::Rotation, Status::Skipped, text)));
    findings
}

/// Checks that no place of a token would keep a dead secret after its policy has rotated it.
async fn check_left_out(
    provider: &dyn TokenProvider,
    policy: &policy::Policy,
    token: &Token,
    left_out: &mut LeftOut<'_>,
) -> Option<Finding> {
    let config = policy.config();
    let places = config.sinks.iter().map(|sink| {
        let place = SinkPlace::new(sink, provider.account().name(), Some(token))?;
        Ok(place.as_str().to_owned())
    });
    // A place that cannot be filled in is another finding.
    let places: Vec<_> = places.collect::<Result<_>>().ok()?;
    let error = left_out.objection(&config.name, token, &places).await?;
    let finding = Finding::failed(Check::Rotation, &error);
    Some(finding.with_message_prefix(&format!("token {}", displayed_id(&token.id))))
}

/// Checks the places that a policy has for each of its tokens. Those that all of them have in
/// common are other findings.
async fn check_places(
    provider: &dyn TokenProvider,
    policy: &policy::Policy,
    tokens: &[Token],
    (sinks, transport): (&Sinks, &Arc<dyn Transport>),
) -> Vec<Finding> {
    let config = policy.config();
    let templates: Vec<_> = (config.sinks.iter())
        .filter(|sink| is_filled_in(sink))
        .collect();
    let covered = tokens.iter().filter(|token| policy.covers(token));
    let covered = covered.filter(|token| token.state == TokenState::Active);
    let (mut findings, mut places) = (Vec::new(), BTreeSet::new());
    for token in covered {
        for template in &templates {
            match SinkPlace::new(template, provider.account().name(), Some(token)) {
                Ok(place) => {
                    places.insert(place.as_str().to_owned());
                }
                Err(error) => {
                    let token = format!(
                        "policies.{}: token {}",
                        config.name,
                        displayed_id(&token.id)
                    );
                    let finding = Finding::failed(Check::Rotation, &error);
                    findings.push(finding.with_message_prefix(&token));
                }
            }
        }
    }
    let count = places.len();
    let mut usable = 0;
    for place in places.into_iter().take(MAX_PLACES) {
        let sink = sinks.open(&place, None, transport).await;
        let finding = examine(place, sink).await;
        match finding.status {
            Status::Ok | Status::Skipped => usable += 1,
            _ => findings.push(finding),
        }
    }
    if usable > 0 {
        let name = &config.name;
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
