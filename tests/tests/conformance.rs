//! Every adapter keeps every law on its default platform, with a test for each case.
//! `conformance_switches.rs` runs the suite on all other platforms.

use std::process::ExitCode;

use tokenfleet_conformance::{Suite, TestBinary};
use tokenfleet_foreman::Release;
use tokenfleet_tests::{assert_expected, cloudsmith, foreman, losant, mindbody};

fn main() -> ExitCode {
    TestBinary::new()
        .with_suite("losant", Suite::new(async || losant(&[])))
        .with_suite(
            "foreman",
            Suite::new(async || foreman(&[], Some(Release::new(3, 13)))),
        )
        .with_suite("cloudsmith", Suite::new(async || cloudsmith(&[], false)))
        .with_suite(
            "cloudsmith-own-key",
            Suite::new(async || cloudsmith(&["tokens=1", "credential=own"], false)),
        )
        .with_suite(
            "cloudsmith-services",
            Suite::new(async || cloudsmith(&["collection=services"], false)),
        )
        .with_suite("mindbody", Suite::new(async || mindbody(&[], false)))
        // A case that silently stops to apply is noticed.
        .with_inspection(|name, report| assert_expected(name, &report.to_string()))
        .main()
}
