//! Two accounts that have the same tokens: a policy of each would rotate every token twice.

use std::collections::{BTreeMap, BTreeSet};

use tokenfleet::{Account, Error, ErrorKind, Fate, SecretShape, Token, TokenId, TokenProvider};
use tokenfleet_rotation::runner::StoredRotation;

use super::holders::is_one_place;
use super::opened::Rotations;
use crate::policies::{ConfiguredPolicy, Policies};

/// The number of accounts of one place whose credentials are compared. Whoever has more has them of
/// many users.
const MAX_COMPARED: usize = 16;

/// Returns the policies before this one in the configuration, of other accounts that are known to
/// have the tokens of this one. Nothing is sent, and no command is run for a credential.
///
/// The place of an account may be "the user's own tokens", which names no user. Then the accounts
/// are known to be one if they have the same credential, or if one authenticates with a token that
/// the other lists.
pub(super) async fn earlier_policies<'a>(
    rotations: &Rotations<'_>,
    policies: &'a Policies,
    configured: &ConfiguredPolicy,
    provider: &dyn TokenProvider,
    tokens: &[Token],
) -> Vec<&'a ConfiguredPolicy> {
    let (accounts, account) = (rotations.accounts, provider.account());
    let earlier = policies
        .iter()
        .take_while(|policy| policy.name() != configured.name());
    let mut by_account = BTreeMap::<&str, Vec<_>>::new();
    for policy in earlier.filter(|policy| policy.config.account != account.name()) {
        let of_account = by_account.entry(&policy.config.account).or_default();
        of_account.push(policy);
    }
    by_account.retain(|name, _| {
        let other = rotations.account_of_policy(policies, name);
        other.is_some_and(|other| account.place().is_some() && is_one_place(other, account))
    });
    if !names_owner(account, tokens) {
        let ids: BTreeSet<_> = tokens.iter().map(|token| &token.id).collect();
        let own = accounts.readable_secrets_of(account).await;
        let mut same = BTreeSet::new();
        for name in by_account.keys().take(MAX_COMPARED) {
            let Some(other) = rotations.account_of_policy(policies, name) else {
                continue;
            };
            let theirs = accounts.readable_secrets_of(other).await;
            let is_same = theirs.iter().any(|secret| {
                let is_equal = own.iter().any(|own| own.expose() == secret.expose());
                is_equal || is_token_of(provider, secret, &ids)
            });
            if is_same {
                same.insert(*name);
            }
        }
        by_account.retain(|name, _| same.contains(name));
    }
    by_account.into_values().flatten().collect()
}

/// Returns `true` if the place of an account names the owner of these tokens.
fn names_owner(account: &Account, tokens: &[Token]) -> bool {
    let mut segments = account.place().unwrap_or_default().split('/');
    let owners = tokens.iter().filter_map(|token| token.owner.known());
    let owners: BTreeSet<_> = owners.map(|owner| owner.id()).collect();
    segments.any(|segment| owners.contains(segment))
}

/// Returns `true` if a secret says that it is one of these tokens. It is a credential of the
/// configuration, so nobody has made it up.
fn is_token_of(
    provider: &dyn TokenProvider,
    secret: &tokenfleet::Secret,
    ids: &BTreeSet<&TokenId>,
) -> bool {
    match provider.secret_shape(secret) {
        SecretShape::Recognized { id: Some(id) } => ids.contains(&id),
        _ => false,
    }
}

/// Creates the error about a token that a policy of another account covers, too.
pub(super) fn is_covered_twice(configured: &ConfiguredPolicy, other: &ConfiguredPolicy) -> Error {
    Error::configuration(format!(
        "policies.{} of the account {} covers it already, and {} has the same tokens",
        other.name(),
        other.config.account,
        configured.config.account,
    ))
    .with_advice(format!(
        "remove policies.{}, or narrow one `where`: each would revoke the token that the other \
         delivered",
        configured.name()
    ))
}

/// Returns the open rotation of a token by another account, which has the same tokens: the ids of a
/// place are those of one collection, whoever lists it.
pub(super) fn open_elsewhere<'a>(
    account: &Account,
    open: &'a [StoredRotation],
    token: &Token,
) -> Option<&'a StoredRotation> {
    open.iter().find(|stored| {
        let (other, rotation) = (&stored.record.account, &stored.record.rotation);
        let is_other = other != account && account.place().is_some();
        let successor = rotation.successor.as_ref();
        let is_successor = successor.is_some_and(|successor| successor.token == token.id);
        let created_at = rotation.subject_created_at;
        // The id may be another token's by now.
        let is_later = (created_at.zip(token.created_at.known().copied()))
            .is_some_and(|(subject, found)| subject != found);
        let is_subject = rotation.subject.as_ref() == Some(&token.id) && !is_later;
        let mut attempts = rotation.attempts.iter();
        is_other
            && is_one_place(other, account)
            && (is_subject || is_successor || attempts.any(|it| it.marker.matches(token)))
    })
}

/// Creates the error about a token that another account is rotating.
pub(super) fn is_rotated_elsewhere(account: &Account, open: &StoredRotation) -> Error {
    let other = open.record.account.name();
    let message = format!(
        "the account {other} is rotating it by the operation {}, and {} has the same tokens",
        open.task.id,
        account.name()
    );
    Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_advice("let one of the two accounts rotate it, and narrow the policy of the other")
}
