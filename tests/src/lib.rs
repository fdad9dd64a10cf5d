//! What the tests across crates share: simulators behind the real adapters.

mod accounts;
mod actions;
mod expected;
mod fixture;
mod heard;
mod planted;
mod platforms;
mod tap;
mod transport;

pub use accounts::{ACCOUNTS, CODE, FOREIGN, PASSWORD, account, account_options};
pub use actions::{action_name, declared_actions};
pub use expected::{assert_document, assert_expected};
pub use fixture::SimulatedFixture;
pub use heard::{Heard, Listening, Said};
pub use planted::{Planted, shown_of};
pub use platforms::{
    FOREMAN_RELEASES, Platform, Wrong, base_url, build, cloudsmith, fixed, foreman, losant,
    mindbody, mindbody_intruded, retry, transport,
};
pub use tap::{SharedPlanted, Tap, lock};
pub use transport::InProcess;

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
