//! The settings of an account and the sources of its credentials.
//!
//! The *acting credential* is the credential that the account authenticates with; if it is itself a
//! token of the account, it is the *acting token*.

mod credential;
mod setting;
mod settings;

pub use credential::{Credential, CredentialSource, is_showable_path, is_world_readable};
pub use setting::Setting;
pub use settings::Settings;

pub use crate::error::{cause_text, did_you_mean, quoted};
pub use crate::model::parse_duration;
