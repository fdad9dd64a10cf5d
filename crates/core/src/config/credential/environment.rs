//! A credential in an environment variable.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::content::without_packaging;
use super::file::Part;
use crate::config::CredentialSource;
use crate::error::{Error, Result};
use crate::model::Secret;

const MAX_NAME_LENGTH: usize = 64;

/// The name of an environment variable that holds a credential.
pub(super) struct Environment {
    pub(super) name: String,
    pub(super) part: Part,
}

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

/// Returns `true` for a name that cannot be the credential itself: a variable that exists, or
/// capital words such as `LOSANT_TOKEN`.
fn can_be_shown(name: &str) -> bool {
    let is_word = |word: &str| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        !letters.is_empty()
            && word.len() - letters.len() <= 1
            && letters.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    is_variable_name(name)
        && (std::env::var_os(name).is_some() || name.contains('_') && name.split('_').all(is_word))
}

impl Environment {
    /// Returns how messages call the variable.
    fn description(&self) -> String {
        if can_be_shown(&self.name) {
            format!("the environment variable {}", self.name)
        } else {
            "the environment variable of the credential".to_owned()
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if can_be_shown(&self.name) {
            &self.name
        } else {
            "(name hidden)"
        };
        f.debug_tuple("Environment").field(&name).finish()
    }
}

#[async_trait]
impl CredentialSource for Environment {
    async fn secret(&self) -> Result<Secret> {
        let error =
            |problem: &str| Error::configuration(format!("{} {problem}", self.description()));
        if !is_variable_name(&self.name) {
            return Err(error("has an invalid name")
                .with_advice("give the name of the variable, not the credential itself"));
        }
        let value = match std::env::var(&self.name) {
            Ok(value) => Zeroizing::new(value),
            Err(std::env::VarError::NotPresent) => return Err(error("is not set")),
            Err(std::env::VarError::NotUnicode(_)) => return Err(error("is not valid UTF-8")),
        };
        match without_packaging(&value) {
            "" => Err(error("is empty")),
            credential => self
                .part
                .checked(credential)
                .map_err(|problem| error(&problem)),
        }
    }
}
