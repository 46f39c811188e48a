//! Bakes the configuration into the page of this repository, or stops the build with one sentence.

use std::path::Path;
use std::{env, fs};

use roomlet_client::config::{Profile, Source, VARIABLES};

fn main() {
    println!("cargo::rerun-if-changed=roomlet.toml");
    for variable in VARIABLES {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    if env::var_os("CARGO_FEATURE_PAGE").is_none() {
        return;
    }
    let file = fs::read_to_string("roomlet.toml").ok();
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_demo = env::var_os("CARGO_FEATURE_DEMO").is_some();
    let profile = if is_release && !is_demo { Profile::Release } else { Profile::Development };
    let source = Source { file: file.as_deref(), environment: env::vars().collect(), profile };
    let written = source.read().map_err(|error| error.to_string()).and_then(|configuration| {
        let json = serde_json::to_string(&configuration).map_err(|error| error.to_string())?;
        let folder = env::var("OUT_DIR").map_err(|error| error.to_string())?;
        fs::write(Path::new(&folder).join("configuration.json"), json)
            .map_err(|error| format!("the configuration cannot be written: {error}"))
    });
    if let Err(sentence) = written {
        println!("cargo::error={sentence}");
    }
}
