//! The environment in which the program runs in tests.

/// The variables that the program reads, without those of a platform's account.
///
/// Tests take them away before they set their own, so that a law does not depend on who runs it: a
/// continuous integration sets `CI`, a person may have set `NO_COLOR` or an account.
pub const READ_VARIABLES: [&str; 19] = [
    "BAO_ADDR",
    "BAO_NAMESPACE",
    "BAO_TOKEN",
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "NO_COLOR",
    "TERM",
    "TOKENFLEET_ACCOUNT",
    "TOKENFLEET_COMPLETE",
    "TOKENFLEET_CONFIG",
    "VAULT_ADDR",
    "VAULT_NAMESPACE",
    "VAULT_TOKEN",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
];
