//! The token that an account authenticates with: no policy may rotate it.

use tokenfleet::config::{Setting, Settings};
use tokenfleet::{AccountConfiguration, Operation, Result, Token, TokenProvider};

/// The key of a credential that is no token on any platform.
const PASSWORD: &str = "password";

/// The key with which a person accepts that the acting token is replaced.
const ACCEPT_LOCKOUT: &str = "accept_lockout";

/// Returns the token that an account authenticates with, if the platform says that it is one of
/// the account's own and nobody has accepted that it is replaced.
///
/// # Errors
///
/// A credential cannot be read, and every failure of the platform: then it is not known.
pub(crate) async fn acting_token(
    account: &AccountConfiguration,
    provider: &dyn TokenProvider,
) -> Result<Option<Token>> {
    let tells = provider.capabilities().supports(Operation::Verify);
    if !tells || accepts_lockout(account.settings()) {
        return Ok(None);
    }
    let mut settings = account.settings().clone();
    // What was read is no longer among the credentials.
    settings.credential(PASSWORD)?;
    for credential in settings.credentials() {
        let secret = credential.secret().await?;
        if let Some(token) = provider.token_of(&secret).await? {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

fn accepts_lockout(settings: &Settings) -> bool {
    let mut entries = settings.entries();
    entries.any(|(key, value)| key == ACCEPT_LOCKOUT && matches!(value, Setting::Boolean(true)))
}
