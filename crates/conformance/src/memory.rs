//! A platform in memory, its provider and its fixture: the reference that the suite itself is tested with.

mod fixture;
mod page;
mod platform;
mod profile;
mod provider;
mod record;

pub use fixture::MemoryFixture;
pub use profile::MemoryProfile;
pub use provider::MemoryProvider;
