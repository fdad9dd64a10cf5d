//! The reference provider passes its own suite on every profile.

use futures_executor::block_on;
use tokenfleet_conformance::{MemoryFixture, MemoryProfile, run};

#[test]
fn the_reference_provider_conforms_on_every_profile() {
    for profile in MemoryProfile::all() {
        let report = block_on(run(async || MemoryFixture::new(profile.clone())));
        report.assert_passed();
    }
}
