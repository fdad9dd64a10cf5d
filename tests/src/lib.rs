//! What the tests across crates share: simulators behind the real adapters.

mod fixture;
mod platforms;
mod transport;

pub use fixture::SimulatedFixture;
pub use platforms::{Platform, cloudsmith, foreman, losant, mindbody};
pub use transport::InProcess;
