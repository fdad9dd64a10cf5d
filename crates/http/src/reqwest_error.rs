//! The errors of building the transport over reqwest.

use tokenfleet_core::Error;
use tokenfleet_core::config::Settings;

/// Prefixes an error with the setting that it is about.
pub(crate) fn in_setting(settings: &Settings, key: &str, error: Error) -> Error {
    error.with_message_prefix(&settings.place(key))
}

/// Returns `true` if a client could not be built because its key is that of another certificate.
pub(crate) fn is_wrong_key(error: &impl std::fmt::Debug) -> bool {
    // The types of the TLS stack are not known here; its `Debug` output names the variant.
    let text = format!("{error:?}").to_lowercase();
    text.contains("keymismatch") || text.contains("key values mismatch")
}

/// Creates the error of a key that belongs to another certificate.
pub(crate) fn wrong_client_key() -> Error {
    Error::configuration("the client key does not belong to the client certificate")
        .with_advice("set client_key to the key that the certificate was requested with")
}

/// Returns a configuration error with its cause, whose URL is stripped.
pub(crate) fn invalid(message: &str, error: reqwest::Error) -> Error {
    Error::configuration(message).with_source(error.without_url())
}
