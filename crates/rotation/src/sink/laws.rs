//! The laws that every sink keeps, for the tests of a sink of your own.
//!
//! Each of [`ALL`] is given a [`SinkFixture`] whose place is empty. A law that needs more than the
//! sink [declares](super::SinkCapabilities), or a fault that the fixture cannot cause, has nothing
//! to say.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use tokenfleet_core::Secret;
//! use tokenfleet_rotation::sink::laws::{self, SinkFixture};
//! use tokenfleet_rotation::sink::{MemorySink, SecretSink};
//!
//! #[derive(Debug)]
//! struct Fixture(MemorySink);
//!
//! #[async_trait]
//! impl SinkFixture for Fixture {
//!     fn sink(&self, adopts: bool) -> Arc<dyn SecretSink> {
//!         let sink = self.0.clone();
//!         if adopts { Arc::new(sink.with_adoption()) } else { Arc::new(sink) }
//!     }
//!
//!     async fn set(&self, secret: &str) {
//!         self.0.set(Some(Secret::new(secret)));
//!     }
//!
//!     async fn secret(&self) -> Option<String> {
//!         self.0.secret().map(|secret| secret.expose().to_owned())
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! for (name, law) in laws::ALL {
//!     let fixture = Fixture(MemorySink::new("test"));
//!     let kept = runtime.block_on(law(&fixture));
//!     kept.map_err(|violation| format!("{name}: {violation}"))?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod faults;
mod fixture;
mod named;
mod observe;

pub use self::fixture::{SinkFault, SinkFixture};
pub use self::named::{ALL, Law, LawFuture};
