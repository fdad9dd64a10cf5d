//! The suite that every tokenfleet provider must pass, ours or yours.
//!
//! Give it a [`Fixture`]: your provider, and control over what exists behind it. [`run`] then tries every case that the
//! declared [`Capabilities`](tokenfleet_core::Capabilities) call for, each on a fresh fixture, and demands that what they
//! exclude is refused without a single request. The [`Report`] says of every case whether it ran, was refused, did not
//! apply and why, or failed, with what was expected and what happened.
//!
//! ```
//! use tokenfleet_conformance::{MemoryFixture, MemoryProfile, run};
//!
//! # futures_executor::block_on(async {
//! let report = run(async || MemoryFixture::new(MemoryProfile::marking())).await;
//! report.assert_passed();
//! assert!(report.ran().any(|name| name == "a revoked secret is dead"));
//! # });
//! ```
//!
//! Run it under the runtime that your provider needs, for instance in a `#[tokio::test]`. [`MemoryFixture`] is the model
//! to write a fixture by; most are shorter. Write the optional methods too: what the fixture cannot do is not tried,
//! and the report says so. Keep a list of the cases that must run ([`Report::ran`]), so that none is lost unnoticed.
//!
//! The numbers in a report are those of the laws that every provider keeps:
//!
//! | law | in short |
//! | --- | --- |
//! | 1 | capabilities are honest: what is declared works, what is not is refused before anything is sent |
//! | 2 | leaving filters and orders to the platform changes nothing but cost |
//! | 3 | a listing yields every token once, or says that it cannot promise to |
//! | 4 | a cursor resumes and skips nothing |
//! | 5 | revocation means dead |
//! | 6 | a write happens at most once per call, and an error says whether it may have happened |
//! | 7 | secrets are seen once |
//! | 8 | credentials go only where they are configured to go: no redirect is followed |
//! | 9 | unknown is not none |
//! | 10 | cancelling is safe |
//!
//! The rest of law 8, the host and the scheme, is beneath this interface: test it where the requests are made.
//!
//! Beside what each case asks for, every answer is searched for secrets and for facts that are not declared.

mod case;
mod cases;
mod fixture;
mod memory;
mod refusal;
mod report;
mod run;
mod scene;
mod verdict;
mod watch;

pub use case::{Case, Decision};
pub use cases::cases;
pub use fixture::{Existing, Fault, Fixture, Inserted, TokenSpec};
pub use memory::{MemoryFixture, MemoryProfile, MemoryProvider};
pub use refusal::Refusal;
pub use report::{Entry, Outcome, Report};
pub use run::{run, run_some};
pub use verdict::Failure;
