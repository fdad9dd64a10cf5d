//! Losant, Foreman, Cloudsmith and Mindbody as local servers for tests.
//!
//! Each platform is a small state machine written from the vendor's facts alone: this crate uses none
//! of tokenfleet's other crates, so that an adapter's misreading of a platform fails instead of being
//! mirrored. What nobody knows about a platform is a switch in that platform's `Options`.
//!
//! - [`Simulator`]: what all four have in common, usable as `Arc<dyn Simulator>`
//! - [`Server`]: a simulator on a loopback port; [`dispatch`]: the same without a socket
//! - [`Clock`]: the time the platform believes in
//! - [`Log`]: every request received
//! - [`Faults`]: what goes wrong, and when
//! - [`Token`], [`NewToken`]: the ground truth, past the platform's own interface
//!
//! # Example
//!
//! ```
//! # use tokenfleet_simulators::{placeholder::Placeholder, Server, Simulator};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let platform = Placeholder::new();
//! let server = Server::start(platform.clone(), "127.0.0.1:0").await?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(platform.log().entries().is_empty());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod catalogue;
mod clock;
mod control;
mod dispatch;
mod faults;
mod log;
mod options;
mod seeding;
mod server;
mod simulator;
mod sorted;
mod target;
mod token;

pub mod cloudsmith;
pub mod losant;
pub mod mindbody;
pub mod placeholder;

pub use catalogue::{build, option_keys, providers};
pub use clock::Clock;
pub use control::CONTROL_PATH;
pub use dispatch::{Dropped, dispatch};
pub use faults::{Action, Canned, Churn, Fault, Faults, Hook};
pub use log::{Entry, Log};
pub use options::{OptionError, OptionValue};
pub use server::{Server, StartError};
pub use simulator::{Credentials, Instruments, ListingShape, Peer, Simulator};
pub use token::{Inserted, NewToken, State, Token};
