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
//! - [`build`]: a simulator by its name, with options from text
//! - [`CONTROL_PATH`]: the same abilities over HTTP
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use tokenfleet_simulators::{Action, Canned, Fault, NewToken, Server, Simulator, dispatch};
//! use tokenfleet_simulators::losant::{Losant, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let losant = Losant::new(Options { tokens: 20, ..Options::default() });
//! let ci = losant.insert(NewToken::named("ci"));
//! losant.faults().add(Fault::new(Action::Answer(Canned::status(503))).method("DELETE"));
//!
//! // In process:
//! let request = http::Request::delete(format!("/me/tokens/{}", ci.id))
//!     .header("authorization", format!("Bearer {}", losant.credentials()["token"]))
//!     .body(Bytes::new())?;
//! assert_eq!(dispatch(&losant, request.clone()).await?.status(), 503);
//! assert!(losant.accepts(&ci.secret), "the fault came instead of the deletion");
//! assert_eq!(dispatch(&losant, request).await?.status(), 200);
//! assert!(!losant.accepts(&ci.secret));
//! assert_eq!(losant.log().entries().len(), 2);
//!
//! // On a port, for clients of any language:
//! let server = Server::start(losant, "127.0.0.1:0").await?;
//! println!("{} {}", server.url(), server.control_url());
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
pub mod foreman;
pub mod losant;
pub mod mindbody;

pub use catalogue::{Switch, build, option_keys, providers, switches};
pub use clock::Clock;
pub use control::CONTROL_PATH;
pub use dispatch::{Dropped, dispatch};
pub use faults::{Action, Canned, Churn, Fault, Faults, Hook};
pub use log::{Entry, Log};
pub use options::{OptionError, OptionValue};
pub use server::{Server, StartError};
pub use simulator::{Credentials, Instruments, ListingShape, Peer, Simulator};
pub use token::{Inserted, NewToken, State, Token};
