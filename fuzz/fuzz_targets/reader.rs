#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenfleet_fuzzing::reader(data));
