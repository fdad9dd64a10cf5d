//! Shared drivers of the tests across crates: simulators behind the real adapters.

mod accounts;
mod actions;
mod adapters;
mod canary;
mod environment;
mod expected;
mod fixture;
mod operations;
mod platforms;
mod secret_recorder;
mod telemetry_recorder;
#[cfg(unix)]
mod terminal;
mod transport;

pub use accounts::{
    ACCOUNTS, CanaryAccount, LEAKED_SECRETS, PASSWORD, TOTP_CODE, simulator_options,
};
pub use actions::{action_name, assert_every_action_is_tried};
pub use adapters::{
    adapter, base_url, build, fixed_credential, foreman_config, immediate_retries, losant_config,
    transport,
};
pub use canary::{CanarySecrets, printed_error};
pub use environment::READ_VARIABLES;
pub use expected::{assert_document, assert_expected};
pub use fixture::SimulatedFixture;
pub use operations::{Success, Target, create_request, perform, perform_all};
pub use platforms::{
    FOREMAN_RELEASES, MindbodyMistake, cloudsmith, foreman, losant, mindbody,
    mindbody_with_intruder,
};
pub use secret_recorder::SecretRecordingTransport;
pub use telemetry_recorder::{Recorded, RecordingGuard, TelemetryRecorder};
#[cfg(unix)]
pub use terminal::{Terminal, TerminalRun};
pub use transport::{FnTransport, InProcess, response};

/// The examples of the documents, compiled.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/GUIDE.md")]
    struct Guide;
    #[doc = include_str!("../../docs/ADDING-A-PROVIDER.md")]
    struct AddingAProvider;
    #[doc = include_str!("../../docs/OBSERVABILITY.md")]
    struct Observability;
}
