//! The laws of the machine that the model does not try: failures that are certain, sinks that
//! cannot be read, people who change a sink, and what is parked.

#![allow(clippy::unwrap_used, clippy::panic)]

mod attempts;
mod old_tokens;
mod script;
mod sinks;
mod successors;
