//! A secret that was rotated or renewed.

use super::violation::lost_secret;
use crate::error::{Operation, Result};
use crate::model::{IssuedToken, RenewedToken, Secret};
use crate::provider::{Liveness, RenewedSecret, TokenProvider};

/// Rejects a masked secret of a token that was rotated.
pub(crate) fn check_rotated<P: TokenProvider>(provider: &P, issued: &IssuedToken) -> Result<()> {
    if issued.secret.is_masked() {
        return Err(lost_secret(provider, Operation::Rotate, &issued.token.id));
    }
    Ok(())
}

/// Rejects a renewal whose new secret did not arrive, and drops a secret that is not a new one.
///
/// A masked secret does not say whether it stands for a new one. Where the platform does not
/// declare that either, the old secret tells: if it still works, it was not replaced.
pub(crate) async fn check_renewed<P: TokenProvider>(
    provider: &P,
    old: &Secret,
    mut renewed: RenewedToken,
) -> Result<RenewedToken> {
    let is_masked = renewed.secret.as_ref().is_some_and(Secret::is_masked);
    renewed.secret = (renewed.secret).filter(|new| !new.is_masked() && !new.is_same(old));
    let declared = provider.capabilities().renew.as_ref();
    let is_lost = match declared.map(|renew| renew.secret).unwrap_or_default() {
        _ if renewed.secret.is_some() => false,
        RenewedSecret::Replaced => true,
        RenewedSecret::Kept => false,
        RenewedSecret::Unknown => is_masked && !is_alive(provider, old).await,
    };
    if is_lost {
        return Err(lost_secret(provider, Operation::Renew, &renewed.token.id));
    }
    Ok(renewed)
}

/// Returns `true` if the platform can say that a secret works, and says so.
async fn is_alive<P: TokenProvider>(provider: &P, secret: &Secret) -> bool {
    provider.capabilities().verify && matches!(provider.verify(secret).await, Ok(Liveness::Alive))
}
