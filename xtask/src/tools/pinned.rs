//! The one place that says which version of which tool is used.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// The newest trunk that the pinned Rust compiles (0.22 needs 1.96).
const TRUNK: &str = "0.21.14";
/// Debian's binaryen is too old for what rustc 1.82 and later emit; npm's runs wherever Node runs.
/// `[tools] wasm_opt` in Trunk.toml names the same version.
const BINARYEN: &str = "132.0.0";

/// Where a tool comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `cargo install`
    Crates,
    /// `npm install`
    Npm,
}

/// One tool in the one version that is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tool {
    /// The name of the package in its registry.
    pub(super) package: &'static str,
    pub(super) version: String,
    pub(super) source: Source,
    /// The programs that must be there; the first is asked for its version.
    pub(super) programs: &'static [&'static str],
    /// What the first program says its version is.
    pub(super) says: String,
    /// Flags for its installation by cargo: what we do not need of it.
    pub(super) flags: &'static str,
    /// How far cargo optimises it: nobody notices how fast some tools are, and optimising takes minutes.
    pub(super) optimisation: &'static str,
}

/// Every tool of a workspace.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    trunk: Tool,
    wasm_bindgen: Tool,
    wasm_opt: Tool,
}

impl Pinned {
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        let lock: Lock = read_toml(&root.join("Cargo.lock"))?;
        Ok(Self::with_wasm_bindgen(wasm_bindgen_version(&lock)?))
    }

    /// In the order in which they are installed: trunk takes longest.
    pub(super) fn all(&self) -> [&Tool; 3] {
        [&self.trunk, &self.wasm_bindgen, &self.wasm_opt]
    }

    pub(super) fn with_wasm_bindgen(version: String) -> Self {
        Self {
            trunk: Tool {
                package: "trunk",
                version: TRUNK.to_owned(),
                source: Source::Crates,
                programs: &["trunk"],
                says: TRUNK.to_owned(),
                // It is kept off the network, so it needs no TLS; and it only calls what does the work.
                flags: "--no-default-features",
                optimisation: "0",
            },
            wasm_bindgen: Tool {
                package: "wasm-bindgen-cli",
                says: version.clone(),
                version,
                source: Source::Crates,
                programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
                flags: "",
                optimisation: "1",
            },
            wasm_opt: Tool {
                package: "binaryen",
                version: BINARYEN.to_owned(),
                source: Source::Npm,
                programs: &["wasm-opt"],
                says: BINARYEN.split('.').next().unwrap_or(BINARYEN).to_owned(),
                flags: "",
                optimisation: "",
            },
        }
    }
}

/// The Rust version that rust-toolchain.toml names.
pub(super) fn channel(root: &Path) -> Result<String, Failure> {
    read_toml::<ToolchainFile>(&root.join("rust-toolchain.toml")).map(|file| file.toolchain.channel)
}

#[derive(Debug, Deserialize)]
struct ToolchainFile {
    toolchain: Toolchain,
}

#[derive(Debug, Deserialize)]
struct Toolchain {
    channel: String,
}

#[derive(Debug, Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
}

/// The crate and the program of wasm-bindgen speak a format that changes with every release, so they must match exactly.
fn wasm_bindgen_version(lock: &Lock) -> Result<String, Failure> {
    let mut versions = lock.package.iter().filter(|locked| locked.name == "wasm-bindgen");
    match (versions.next(), versions.next()) {
        (Some(one), None) => Ok(one.version.clone()),
        (None, _) => Err(Failure::because(
            "Cargo.lock names no wasm-bindgen: run `cargo update --workspace`, then run this again",
        )),
        (Some(one), Some(other)) => Err(Failure::because(format!(
            "Cargo.lock names wasm-bindgen {} and {}: make the dependencies agree on one, then run this again",
            one.version, other.version
        ))),
    }
}

fn read_toml<Content: DeserializeOwned>(path: &Path) -> Result<Content, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::because(format!(
            "{} cannot be read ({error}): restore it, then run this again",
            path.display()
        ))
    })?;
    toml::from_str(&text).map_err(|error| {
        Failure::because(format!(
            "{} is not valid ({}): restore it, then run this again",
            path.display(),
            error.message()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(text: &str) -> Result<String, Failure> {
        wasm_bindgen_version(&toml::from_str(text).expect("a lock file"))
    }

    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let version = locked(
            "version = 4\n\
             [[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\
             [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\ndependencies = [\"cfg-if\"]\n",
        );
        assert_eq!(version, Ok("0.2.130".to_owned()));
    }

    #[test]
    fn a_lock_file_without_the_crate_says_what_to_do() {
        let failure = locked("version = 4\n").expect_err("there is no version");
        assert!(failure.to_string().contains("cargo update --workspace"), "{failure}");
    }

    #[test]
    fn two_versions_in_the_lock_file_are_refused() {
        let failure = locked(
            "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.100\"\n\
             [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n",
        )
        .expect_err("no version is right");
        assert!(failure.to_string().contains("0.2.100 and 0.2.130"), "{failure}");
    }

    #[test]
    fn the_toolchain_file_of_this_repository_names_an_exact_version() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let channel = channel(&root).expect("a channel");
        assert_eq!(channel.split('.').count(), 3, "{channel}");
    }
}
