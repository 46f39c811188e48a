#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| roomlet_fuzz_harness::run("kept", data));
