//! Rotation of API tokens without an orphan, a dead end or, where two tokens can live side by side,
//! an outage.
//!
//! A new token is created, delivered to every [sink] and read back there as far as it can be read,
//! before anything is revoked. A crash, a lost answer or a second worker at any point costs another
//! attempt. There are three exceptions. In place, the old secret is dead before the new one is
//! delivered. A sink that does not return its secret cannot prove that it holds it. A platform that
//! cannot list its tokens may keep a counted number of unknown ones. The table below has them all.
//!
//! | to … | look at |
//! | --- | --- |
//! | say which tokens are rotated when, and where to | [`policy`] |
//! | carry rotations out, over a provider, sinks and a store | [`runner`] |
//! | keep them in a ledger, or in a store of your own | `runner::LedgerRotationStore` (feature `ledger`), [`runner::RotationStore`] |
//! | find the tokens that a rotation or another write left behind | [`strays`] |
//! | know what happens next, and why | [`machine`] |
//! | deliver to a place of your own | [`sink`] |
//!
//! A rotation keeps no secret at rest. What is durable of it (a [`Rotation`](machine::Rotation))
//! cannot hold one, because a [`Secret`](tokenfleet_core::Secret) cannot be cloned and a `Rotation`
//! can. Until every sink holds the new secret it is in the memory of one worker; if that is lost,
//! the next attempt creates another token, and the first is found by its marker and revoked.
//!
//! # What is proved
//!
//! The model in `tests/model` drives the machine through every schedule with at most three faults:
//! a request or an answer that is lost, a request that arrives at the next wait or as late as it
//! can, at the platform and at a sink alike, a crash at any point, and a pause during which another
//! worker takes over. It prints its counts (`cargo test -p tokenfleet-rotation --test model --
//! --nocapture`) beside those of an independent model in Python, and fails if the two disagree
//! about a verdict or if there are fewer schedules than there were. Sinks that are down, a platform
//! that accepts a new secret late, and sinks that another rotation writes come on top of these:
//! what is withdrawn then is in no sink, and what no sink has is withdrawn.
//!
//! | strategy | no orphan | no dead end | no outage |
//! | --- | --- | --- | --- |
//! | [overlap](machine::Overlap), such as Losant and Foreman | proved | proved | proved |
//! | [in place](machine::InPlace), such as a key of Cloudsmith | proved | proved | impossible: from the answer until the sinks are written, and one request longer if the answer is lost |
//! | [unlisted](machine::Unlisted), such as Mindbody | at most a counted number, each with a time by which it is dead | proved | proved |
//!
//! * An orphan is a living token that no sink holds, a dead end is a sink whose secret is dead at
//!   the end, and an outage is one that is dead at any time.
//! * If a worker may pause for longer than its claim lasts and then send, an overlap may leave
//!   tokens, all of which bear a durable marker, so that the next complete listing finds them. In
//!   place, a sink may be left with a dead secret, until somebody verifies it.
//! * Each part of the protocol is left out once. The marker before the creation, the markers of
//!   earlier attempts, the second look and, in place, the wait or the verification are each missed
//!   by themselves. Reading the sinks before anything is revoked, compare-and-swap and the epoch in
//!   the sink are belt and braces while workers keep to their claims: they are missed when one does
//!   not, or when the second look is left out as well.
//! * The order "create, deliver, persist, revoke" leaves orphans in most of the same schedules, and
//!   so do the four steps of AWS Secrets Manager where the server makes the secret. Over the real
//!   adapters they do as well: `docs/ROTATION.md` in the repository has the table.
//!
//! The same machine runs over the adapters and the simulators in `tests/tests/rotation`: its future
//! is dropped at every boundary and at every two, every request is lost, answered in vain or late
//! with a crash anywhere, and a worker pauses anywhere while another one finishes. A consumer
//! looks at every sink at each of these points.
//!
//! The program itself is killed and stopped in `crates/cli/tests/rotation_killed`, at random times
//! and at its requests and writes, while a consumer authenticates with what the file holds every
//! 5 ms. The waits are shortened there by the feature `scaled-waits`, which no release has.
//!
//! # What is not proved
//!
//! * A request that arrives after nobody waits for it any longer (ten minutes, or 30 seconds with
//!   an overlap of zero) creates a token that lives until the next listing or its expiry.
//! * Consumers that cache a secret for longer than the overlap. Where the platform reports uses,
//!   [`rest`](policy::PolicyConfig::rest) waits for them.
//! * Sinks that do not return the secret (a [command](sink) with or without a check): a person may
//!   put the old secret back and leave the stamp, and the old token is revoked after the overlap.
//!   Only a check that prints the digest of what is stored notices it.
//! * A pause of a worker between the last look at its claim and the system call that sends. A call
//!   goes on only while the claim lasts for five seconds more, so the pause has to be longer. What
//!   a killed worker had sent already may land after the next one has begun: a creation, whose
//!   token bears a durable marker; a suspension or revocation of what was to be revoked anyway; a
//!   write that compares, which changes nothing if it is stale. In place, the next worker waits
//!   until it has landed, or verifies. A command that outlives its worker is waited for by the
//!   claim.
//! * Sinks that lie, listings that miss tokens although they are complete, and platforms on which a
//!   revoked token works again. Reads are taken for the truth.
//! * A store that forgets what it acknowledged, such as a database that fails over without its last
//!   transactions: the markers in them are lost, and their tokens look like those of others.
//! * The rights of a new token that are not its own, such as those that a repository of Cloudsmith
//!   grants to a service: they are not copied. What only one platform has is copied as far as it is
//!   reported and a creation takes it; what cannot be copied is refused.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "file")]
pub mod atomic_file;
#[cfg(feature = "file")]
pub mod env_file;
#[cfg(feature = "file")]
pub mod file_owner;
pub mod machine;
pub mod policy;
#[cfg(feature = "file")]
pub mod regular_file;
pub mod runner;
pub mod sink;
pub mod strays;
mod waits;
