//! Where the checkout is, where cargo builds, and the environment that child processes get.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::call::Call;
use crate::failure::Failure;

/// Variables that cargo sets for `cargo run`. A build below us that saw them would count as changed for every build script
/// that looks at them, and compile again what a plain `cargo build` has compiled.
const SET_BY_CARGO_RUN: [&str; 4] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME"];

/// The checkout we work on.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// The workspace that this program was run from, wherever it was compiled.
    pub(crate) fn discover() -> Result<Self, Failure> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().filter(|root| root.join("Cargo.toml").is_file()).ok_or_else(
            || Failure::because("the checkout was not found: run `cargo xtask` inside of it"),
        )?;
        let here = env::current_dir().map_err(|error| {
            Failure::because(format!("the current folder cannot be read ({error}): change to the checkout and run this again"))
        })?;
        let target_directory = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |target| here.join(target));
        Ok(Self { root: root.to_path_buf(), target_directory })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target_directory(&self) -> &Path {
        &self.target_directory
    }

    /// Turns a call into a command that runs in the root, with the environment of a person's shell there.
    pub(crate) fn command(&self, call: &Call) -> Command {
        let mut command = call.command();
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_set_by_cargo_run) {
                command.env_remove(name);
            }
        }
        if env::var_os("CARGO_TARGET_DIR").is_some() {
            command.env("CARGO_TARGET_DIR", &self.target_directory);
        }
        command
    }
}

fn is_set_by_cargo_run(name: &str) -> bool {
    SET_BY_CARGO_RUN.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cargo_run_sets_is_kept_from_children() {
        assert!(is_set_by_cargo_run("CARGO_PKG_VERSION"));
        assert!(is_set_by_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_HOME"));
        assert!(!is_set_by_cargo_run("CARGO_TARGET_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_PROFILE_RELEASE_LTO"));
    }
}
