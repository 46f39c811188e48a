#![no_main]

use libfuzzer_sys::fuzz_target;
use roomlet_fuzz_harness::Script;

fuzz_target!(|script: Script| script.run());
