//! Losant, Foreman, Cloudsmith and Mindbody as local servers for tests, and Kubernetes, where their
//! tokens go.
//!
//! Each platform is a small state machine, based only on what is known about the vendor's API. This
//! crate uses none of tokenfleet's other crates, so that an adapter that misreads a platform fails
//! instead of being mirrored. Where the behaviour is not known, a switch in the platform's
//! `Options` decides.
//!
//! - [`Simulator`]: the common interface, usable as `Arc<dyn Simulator>`
//! - [`build`]: builds a simulator from its name, with options parsed from text
//! - [`Server`]: serves a simulator on a loopback port
//! - [`dispatch`]: sends a request to a simulator without a socket
//! - [`Clock`]: the platform's clock
//! - [`Log`]: the received requests
//! - [`Faults`]: the faults to inject
//! - [`Token`], [`NewToken`]: the ground truth, bypassing the platform's own API
//! - [`CONTROL_PATH`]: the control interface, which offers all of this over HTTP
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
//! // Without a socket:
//! let request = http::Request::delete(format!("/me/tokens/{}", ci.id))
//!     .header("authorization", format!("Bearer {}", losant.credentials()["token"]))
//!     .body(Bytes::new())?;
//! assert_eq!(dispatch(&losant, request.clone()).await?.status(), 503);
//! assert!(losant.accepts(&ci.secret), "the fault replaced the deletion");
//! assert_eq!(dispatch(&losant, request).await?.status(), 200);
//! assert!(!losant.accepts(&ci.secret));
//! assert_eq!(losant.log().entries().len(), 2);
//!
//! // On a port, for clients in any language:
//! let server = Server::start(losant, "127.0.0.1:0").await?;
//! println!("{} {}", server.url(), server.control_url());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod catalogue;
mod clock;
mod control;
mod dispatch;
mod faults;
mod gzip;
mod log;
mod options;
mod response;
mod seeding;
mod server;
mod simulator;
mod sorted;
mod target;
mod token;

pub mod cloudsmith;
pub mod foreman;
pub mod kubernetes;
pub mod losant;
pub mod mindbody;

pub use catalogue::{build, option_keys, providers, switches};
pub use clock::Clock;
pub use control::CONTROL_PATH;
pub use dispatch::{Dropped, dispatch};
pub use faults::{Action, Canned, Churn, Fault, Faults, Hook, RecordField};
pub use log::{Entry, Log};
pub use options::{OptionError, OptionValue, Switch};
pub use server::{Server, StartError};
pub use simulator::{Credentials, Instruments, ListingShape, Peer, Simulator};
pub use token::{Inserted, NewToken, State, Token};
