//! A credential in an environment variable.

use std::fmt;

use async_trait::async_trait;

use crate::config::CredentialSource;
use crate::error::{Error, Result};
use crate::model::Secret;

const MAX_NAME_LENGTH: usize = 64;

/// The name of an environment variable that holds a credential.
pub(super) struct Environment(pub(super) String);

/// Returns `true` for a valid name of a variable: at most 64 letters, digits and underscores, and
/// no digit first.
///
/// Anything else is likely the credential itself, given instead of the name of its variable.
pub(crate) fn is_variable_name(name: &str) -> bool {
    name.len() <= MAX_NAME_LENGTH
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if is_variable_name(&self.0) {
            &self.0
        } else {
            "(invalid name)"
        };
        f.debug_tuple("Environment").field(&name).finish()
    }
}

#[async_trait]
impl CredentialSource for Environment {
    async fn secret(&self) -> Result<Secret> {
        let Self(variable) = self;
        if !is_variable_name(variable) {
            return Err(Error::configuration(
                "the environment variable of the credential has an invalid name",
            )
            .with_advice("give the name of the variable, not the credential itself"));
        }
        match std::env::var(variable) {
            Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
            Ok(_) => Err(Error::configuration(format!(
                "the environment variable {variable} is empty"
            ))),
            Err(std::env::VarError::NotPresent) => Err(Error::configuration(format!(
                "the environment variable {variable} is not set"
            ))),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::configuration(format!(
                "the environment variable {variable} is not valid UTF-8"
            ))),
        }
    }
}
