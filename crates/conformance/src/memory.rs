//! The reference platform in memory, with its provider and its fixture.

mod fixture;
mod page;
mod platform;
mod profile;
mod provider;
mod record;

pub use fixture::MemoryFixture;
pub use profile::MemoryProfile;
pub use provider::MemoryProvider;
