//! The settings of an account and the sources of its credentials.

mod credential;
mod settings;

pub use credential::{Credential, CredentialSource, is_open_to_others};
pub use settings::{Setting, Settings};
