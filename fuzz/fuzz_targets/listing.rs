#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenfleet_fuzzing::listing(data));
