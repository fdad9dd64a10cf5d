//! The places that a new secret is delivered to.
//!
//! A [`SecretSink`] is one such place: a file, a variable in a file, a field in a vault. Nothing of
//! a rotation is kept anywhere else, so a sink that can be read is also where a later process finds
//! out how far an earlier one got.
//!
//! | sink | a read returns | stale writes change nothing | keeps the previous | the stamp is |
//! | --- | --- | --- | --- | --- |
//! | `FileSink` (feature `file`) | the secret | yes | no | in a file beside it |
//! | `EnvFileSink` (feature `file`) | the secret | yes | no | a comment above the variable |
//! | `CommandSink` (feature `command`) with a check | the stamp; with a digest, whose it is | only those that it finds | its own affair | its own affair |
//! | `CommandSink` without one | nothing | no | its own affair | its own affair |
//! | `Kv2Sink` (feature `kv2`): Vault, OpenBao | the secret | yes | yes | another field |
//! | `KubernetesSink` (feature `kubernetes`) | the secret | yes | no | an annotation |
//! | [`MemorySink`], for tests | the secret | yes | no | in memory |
//!
//! `CommandSink` has recipes for other stores. For a sink of your own, implement [`SecretSink`]
//! with [`Holding`] and [`SealedStamp`], and run the laws (feature `laws`, module `laws`) on it.
//! Decision 0048 has the reasons.
//!
//! # Laws
//!
//! Every sink keeps these laws as far as it [declares](SinkCapabilities) them.
//!
//! * **S1** A sink that returns a [`Version`] from a write holds that secret until somebody writes
//!   again.
//! * **S2** A write that expects a version that is not the current one changes nothing. It is a
//!   [`Refusal::Conflict`].
//! * **S3** A write with a lower epoch than that of the stored [`Stamp`] changes nothing. It is a
//!   [`Refusal::Superseded`].
//! * **S4** No secret is in a `Debug` form, in an error or in a log. It is in the
//!   [`SinkState`] that a read returns, and nowhere else.
//! * **S5** What somebody else or another ledger wrote is not overwritten ([`Refusal::Foreign`])
//!   unless the sink was told to adopt it, and everything beside the secret is kept as it is. A
//!   sink that does not return the secret cannot tell, so a plan takes it only with adoption.

mod capabilities;
#[cfg(feature = "command")]
mod command;
mod digest;
#[cfg(feature = "file")]
mod env_file;
#[cfg(feature = "file")]
mod file;
mod holding;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(feature = "kv2")]
mod kv2;
#[cfg(feature = "laws")]
pub mod laws;
#[cfg(feature = "file")]
mod local;
mod memory;
mod refusal;
#[cfg(any(feature = "kv2", feature = "kubernetes"))]
mod rest;
mod stamp;
mod state;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::{Result, Secret};

pub use self::capabilities::{Readable, SinkCapabilities};
#[cfg(feature = "command")]
pub use self::command::CommandSink;
#[cfg(feature = "file")]
pub use self::env_file::EnvFileSink;
#[cfg(feature = "file")]
pub use self::file::FileSink;
pub use self::holding::Holding;
#[cfg(feature = "kubernetes")]
pub use self::kubernetes::{KubernetesConfig, KubernetesSink};
#[cfg(feature = "kv2")]
pub use self::kv2::{Kv2Config, Kv2Sink};
pub use self::memory::MemorySink;
pub use self::refusal::Refusal;
pub use self::stamp::{SealedStamp, Stamp};
pub use self::state::{SinkState, Version};

/// The time that a call may take where nothing else is declared.
pub(crate) const LONGEST_CALL: Duration = Duration::from_secs(5 * 60);

/// A place that a new secret is delivered to.
///
/// A dropped future may still write: treat it like an error whose fate is
/// [`MaybeApplied`](tokenfleet_core::Fate::MaybeApplied), and read before the next write.
#[async_trait]
pub trait SecretSink: Debug + Send + Sync + 'static {
    /// Returns the place in a form for messages, such as `file:/run/secrets/ci`. Two sinks of the
    /// same place return the same text. It contains no credential.
    fn place(&self) -> &str;

    /// Returns the declaration of what the sink can do.
    fn capabilities(&self) -> SinkCapabilities;

    /// Returns the longest time that a read or a write may take, after which it changes nothing
    /// any more, even if the process that began it was killed. A rotation gives up what takes
    /// longer. Where writes are not [compared](SinkCapabilities::compare_and_swap) it is claimed
    /// for longer than this before each, so that no other worker writes meanwhile.
    fn longest_call(&self) -> Duration {
        LONGEST_CALL
    }

    /// Reads what the place holds.
    ///
    /// # Errors
    ///
    /// The place cannot be read. A place that does not exist yet is no error: it holds nothing.
    async fn read(&self) -> Result<SinkState>;

    /// Checks that the place could be written, as far as that can be known without writing it. It
    /// is called before a token is created, which a failed write would leave without an owner.
    ///
    /// # Errors
    ///
    /// The place certainly cannot be written, such as a file in a directory that does not exist.
    async fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Writes a secret with its stamp, if the place still has the `expected` version, and returns
    /// the new one.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], which changed nothing, and every failure to write. The
    /// [fate](tokenfleet_core::Error::fate) says whether the secret may have been written.
    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version>;
}
