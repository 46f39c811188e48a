//! The configuration that `build.rs` has baked into the page of this repository.

use roomlet_client::config::Configuration;

/// The configuration of this build.
pub fn configuration() -> Option<Configuration> {
    // Written by build.rs from a value of the same type.
    Configuration::from_baked(include_str!(concat!(env!("OUT_DIR"), "/configuration.json")))
}
