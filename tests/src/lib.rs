//! What the tests across crates share: simulators behind the real adapters.

mod fixture;
mod platforms;
mod transport;

pub use fixture::SimulatedFixture;
pub use platforms::{Platform, cloudsmith, foreman, losant, mindbody};
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
}
