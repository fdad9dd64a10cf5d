//! The bodies of the fuzz targets: each takes any bytes and panics if a law does not hold.
//!
//! `fuzz/` at the root runs them under libFuzzer, which needs nightly. `tests/seeds.rs` runs them
//! over all seeds with the other tests, so they live in a library of the workspace.

mod base_url;
mod configuration;
mod cursor;
mod fake_pages;
mod headers;
mod listing;
mod platforms;
mod reader;
mod redaction;
mod responses;
mod secrets;
mod simulators;
mod texts;

pub use base_url::base_url;
pub use configuration::configuration;
pub use cursor::cursor;
pub use headers::headers;
pub use listing::listing;
pub use platforms::{cloudsmith, foreman, losant, mindbody};
pub use reader::reader;
pub use redaction::redaction;
pub use simulators::{foreman_search, simulators};
pub use texts::{filter, revocation_plan, times};

/// A target, which returns if all laws hold for the input and panics otherwise.
pub type Target = fn(&[u8]);

/// All targets, by the names of their seed folders.
pub const TARGETS: [(&str, Target); 16] = [
    ("base_url", base_url),
    ("cloudsmith", cloudsmith),
    ("configuration", configuration),
    ("cursor", cursor),
    ("filter", filter),
    ("foreman", foreman),
    ("foreman_search", foreman_search),
    ("headers", headers),
    ("listing", listing),
    ("losant", losant),
    ("mindbody", mindbody),
    ("reader", reader),
    ("redaction", redaction),
    ("revocation_plan", revocation_plan),
    ("simulators", simulators),
    ("times", times),
];

/// Runs a future on a paused clock that jumps to the next timer, so that no real time passes.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(future)
}
