//! Bakes the configuration into the page of this repository, or stops the build with one sentence.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use roomlet_client::config::{Profile, Source, VARIABLES};

const AMPLIFY_OUTPUTS: &str = "ROOMLET_AMPLIFY_OUTPUTS";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(page_backend)");
    println!("cargo::rerun-if-changed=roomlet.toml");
    for variable in VARIABLES {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    if env::var_os("CARGO_FEATURE_PAGE").is_none() {
        return;
    }
    let file = fs::read_to_string("roomlet.toml").ok();
    let environment = variables();
    let amplify_outputs = environment.get(AMPLIFY_OUTPUTS).filter(|path| !path.is_empty());
    if let Some(path) = amplify_outputs {
        println!("cargo::rerun-if-changed={path}");
    }
    let amplify_outputs = amplify_outputs.map(fs::read_to_string);
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_demo = env::var_os("CARGO_FEATURE_DEMO").is_some();
    let profile = if is_release && !is_demo { Profile::Release } else { Profile::Development };
    let source = Source { file: file.as_deref(), amplify_outputs, environment, profile };
    let written = source.read().map_err(|error| error.to_string()).and_then(|reading| {
        for warning in &reading.warnings {
            println!("cargo::warning={warning}");
        }
        if reading.configuration.allow_page_backend {
            // What reads such a backend stays out of all other builds.
            println!("cargo::rustc-cfg=page_backend");
        }
        let json =
            serde_json::to_string(&reading.configuration).map_err(|error| error.to_string())?;
        let folder = env::var("OUT_DIR").map_err(|error| error.to_string())?;
        fs::write(Path::new(&folder).join("configuration.json"), json)
            .map_err(|error| format!("the configuration cannot be written: {error}"))
    });
    if let Err(sentence) = written {
        println!("cargo::error={sentence}");
    }
}

/// The environment as text; what is no Unicode in it is nothing of ours, or is refused as a wrong value.
fn variables() -> BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}
