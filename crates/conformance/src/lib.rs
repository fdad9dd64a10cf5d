//! The conformance suite for tokenfleet providers, built-in or your own.
//!
//! Give the suite a [`Fixture`]: your provider, and control over the platform behind it. [`run`]
//! runs every case that the declared [`Capabilities`](tokenfleet_core::Capabilities) call for, each
//! on a fresh fixture, and expects everything they exclude to be refused without a single request.
//! The [`Report`] states for each case whether it ran, was refused, did not apply (with the reason)
//! or failed (with what was expected and what happened).
//!
//! ```
//! use tokenfleet_conformance::{MemoryFixture, MemoryProfile, run};
//!
//! # futures_executor::block_on(async {
//! let report = run(async || MemoryFixture::new(MemoryProfile::retaining())).await;
//! report.assert_passed();
//! assert!(report.ran().any(|name| name == "a revoked secret is dead"));
//! # });
//! ```
//!
//! Run the suite on the runtime that your provider needs, for example in a `#[tokio::test]`. Use
//! [`MemoryFixture`] as the model for your fixture; most fixtures are shorter. [`Fixture`] says how
//! to write one for a real server. Implement the optional methods too: a case whose setup the
//! fixture cannot provide is skipped, and a case that does without a step says which
//! ([`Entry::left_out`]). Keep a list of the cases that must run ([`Report::ran`]), so that a case
//! that stops running is noticed.
//!
//! # A test for each case
//!
//! With the feature `test-binary`, a test binary has a test for each case, which `cargo test` and
//! nextest list, filter and run in parallel. It needs `harness = false` in `Cargo.toml`:
//!
//! ```toml
//! [dev-dependencies]
//! tokenfleet-conformance = { version = "0.1", features = ["test-binary"] }
//!
//! [[test]]
//! name = "conformance"
//! harness = false
//! ```
//!
//! and five lines in `tests/conformance.rs`:
//!
//! ```
//! use tokenfleet_conformance::{MemoryFixture, MemoryProfile, Suite};
//!
//! # #[cfg(feature = "test-binary")]
//! fn main() -> std::process::ExitCode {
//!     Suite::new(async || MemoryFixture::new(MemoryProfile::deleting())).main()
//! }
//! # #[cfg(not(feature = "test-binary"))]
//! # fn main() {}
//! ```
//!
//! `cargo test --test conformance -- revoked` runs the cases with that word in their names.
//!
//! # What a run costs
//!
//! All cases together send up to about 4,800 requests, those of the fixture included, and as many
//! fixtures are built as there are cases that apply. In memory that takes a second, at a server on
//! this machine some minutes. Over half of the requests are those of seven heavy cases
//! ([`Case::is_heavy`]). A [`Suite`] can leave them out ([`Suite::without_heavy_cases`]), and stay
//! below a request limit of the account ([`Suite::with_request_limit`]).
//!
//! # A platform that deviates
//!
//! Declare what a platform is known to break with [`Suite::with_deviation`], with the reason,
//! instead of leaving the case out: the report shows it, an undeclared failure still fails, and so
//! does a declared one that no longer deviates.
//!
//! # A report for others
//!
//! [`Report::to_markdown`] and [`Report::to_json`] hold the provider, the kind of account, the
//! version of the suite, the date, and for each case the result, the time, the requests and what
//! was left out.
//!
//! [`MemoryProvider`] is useful beyond the suite: a complete provider without a network, for the
//! tests and examples of code that uses tokenfleet.
//!
//! The numbers in a report are the laws that every provider must keep:
//!
//! | law | in short |
//! | --- | --- |
//! | 1 | capabilities are honest: what is declared works, the rest is refused before a request |
//! | 2 | pushing filters and orders down to the platform changes nothing but the cost |
//! | 3 | a listing returns every token once, or reports that it cannot promise to |
//! | 4 | a cursor resumes a listing and skips nothing |
//! | 5 | revoked means dead |
//! | 6 | a write is applied at most once, and an error states whether it may have been applied |
//! | 7 | a secret is returned once |
//! | 8 | credentials go only where they are configured to go: no redirect is followed |
//! | 9 | unknown is not the same as absent |
//! | 10 | cancelling is safe |
//!
//! The rest of law 8, the host and the scheme, lies below this interface: test it where the
//! requests are sent.
//!
//! Besides what each case checks, every result is searched for secrets and for undeclared fields.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod case;
mod case_result;
mod cases;
mod fixture;
mod fixture_error;
mod harness;
#[cfg(feature = "http")]
pub mod http;
mod inspector;
mod memory;
#[cfg(test)]
mod mutants;
mod recording_fixture;
mod recording_provider;
mod refusal;
mod report;
mod request_limit;
mod suite;
#[cfg(feature = "test-binary")]
mod test_binary;
mod weight;

pub use case::{Case, Decision};
pub use case_result::Failure;
pub use cases::cases;
pub use fixture::{ExistingToken, Fault, Fixture, InsertedToken, TokenSpec};
pub use fixture_error::FixtureError;
pub use memory::{MemoryFixture, MemoryProfile, MemoryProvider};
pub use refusal::Refusal;
pub use report::{Entry, Outcome, Report};
pub use suite::{IntoFixture, Progress, Suite, run, run_some};
#[cfg(feature = "test-binary")]
pub use test_binary::TestBinary;
