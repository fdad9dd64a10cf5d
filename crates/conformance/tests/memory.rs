//! The reference platform, with a test for each case. `test_binary.rs` runs it with its arguments.

use std::process::ExitCode;
use std::time::Duration;

use tokenfleet_conformance::{MemoryFixture, MemoryProfile, Suite, TestBinary};

fn main() -> ExitCode {
    let deleting = || Suite::new(async || MemoryFixture::new(MemoryProfile::deleting()));
    // Only the tests of the harness set this.
    match std::env::var("TOKENFLEET_MEMORY").as_deref() {
        Ok("misnamed") => deleting()
            .with_deviation("a revoked secret is daed", "why")
            .main(),
        Ok("unbuildable") => {
            Suite::new(async || Err::<MemoryFixture, _>("no server at 8081")).main()
        }
        Ok("hanging") => {
            let hang = async || {
                tokio::time::sleep(Duration::from_secs(2)).await;
                MemoryFixture::new(MemoryProfile::deleting())
            };
            TestBinary::new()
                .with_suite("slow", Suite::new(hang))
                .with_slow_after(Duration::from_millis(50))
                .main()
        }
        Ok("limited") => {
            // One case in two seconds.
            let limited = deleting().with_request_limit(250, Duration::from_secs(2));
            TestBinary::new()
                .with_suite("limited", limited)
                .with_slow_after(Duration::from_millis(700))
                .main()
        }
        _ => TestBinary::new()
            .with_suite(
                "deleting",
                deleting().with_account_kind("a platform in memory"),
            )
            .with_suite(
                "secret-only",
                Suite::new(async || MemoryFixture::new(MemoryProfile::secret_only())),
            )
            .main(),
    }
}
