//! The tools that build the page: which versions, where they are found, how they are installed.
//!
//! A tool is taken from `PATH` when it has exactly the wanted version, otherwise from `roomlet-tools` in cargo's home,
//! where it is installed once for all checkouts. Trunk finds what we chose because its folder comes first on trunk's `PATH`;
//! it never downloads by itself.

mod install;
mod pinned;
mod search;
mod version;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;

pub(crate) use self::search::find_program;
pub(crate) use self::version::{major, version_of};

use self::install::Installer;
use self::pinned::{Pinned, Source};
use crate::call::Call;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The tools of one workspace, all there and in the right version.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    trunk: PathBuf,
    test_runner: PathBuf,
    search_path: OsString,
}

impl Tools {
    /// Finds every tool, installs what is missing, and fetches the crates, so that a build below needs no network.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self, Failure> {
        add_wasm_target(workspace)?;
        let pinned = Pinned::read(workspace.root())?;
        let installer = Installer::new(workspace, env::var_os("PATH").unwrap_or_default())?;

        // Asking three programs for their version is most of a second start; they can be asked at once.
        let found: Vec<Option<PathBuf>> = thread::scope(|scope| {
            let searches: Vec<_> =
                pinned.all().map(|tool| scope.spawn(|| installer.find(tool))).into_iter().collect();
            searches.into_iter().map(|search| search.join().ok().flatten()).collect()
        });
        let mut folders = Vec::new();
        for (tool, found) in pinned.all().into_iter().zip(found) {
            if tool.source == Source::Npm {
                search::check_node(installer.search_path(), found.as_deref())?;
            }
            let folder = match found {
                Some(folder) => folder,
                None => installer.install(tool)?,
            };
            folders.push(folder);
        }
        fetch_crates(workspace)?;

        let [trunk, bindgen, _] = folders.as_slice() else {
            return Err(Failure::because("a tool has no folder: run this again"));
        };
        Ok(Self {
            trunk: trunk.join("trunk"),
            test_runner: bindgen.join("wasm-bindgen-test-runner"),
            search_path: search::prepended(&folders, installer.search_path())?,
        })
    }

    pub(crate) fn trunk(&self) -> &Path {
        &self.trunk
    }

    pub(crate) fn test_runner(&self) -> &Path {
        &self.test_runner
    }

    /// A `PATH` that begins with these tools.
    pub(crate) fn search_path(&self) -> &OsString {
        &self.search_path
    }
}

/// Makes sure the compiler can build for the browser.
pub(crate) fn add_wasm_target(workspace: &Workspace) -> Result<(), Failure> {
    let library = Call::new("rustc").words("--print target-libdir --target").argument(WASM_TARGET);
    let asked = process::capture(&mut workspace.command(&library))?;
    if asked.status.success() && Path::new(asked.output.trim()).is_dir() {
        return Ok(());
    }
    let channel = pinned::channel(workspace.root())?;
    let search_path = env::var_os("PATH").unwrap_or_default();
    if find_program("rustup", &search_path).is_none() {
        return Err(Failure::because(format!(
            "Rust {channel} with the target {WASM_TARGET} is missing: install rustup from https://rustup.rs, then run this again"
        )));
    }
    println!("adding the target {WASM_TARGET} to Rust {channel}");
    let add = Call::new("rustup").words("target add").argument(WASM_TARGET);
    let added = process::capture(&mut workspace.command(&add))?;
    if added.status.success() {
        return Ok(());
    }
    print!("{}", added.output);
    let reason = if install::is_network_failure(&added.output) {
        "the server could not be reached; connect to the network"
    } else {
        "rustup's own words are above; mend what they name"
    };
    Err(Failure::because(format!(
        "could not add the target {WASM_TARGET}: {reason} and run this again"
    )))
}

/// Downloads the crates of Cargo.lock, so that trunk can be told to stay off the network.
fn fetch_crates(workspace: &Workspace) -> Result<(), Failure> {
    let complete = Call::new("cargo").words("fetch --quiet --locked --offline");
    if process::capture(&mut workspace.command(&complete))?.status.success() {
        return Ok(());
    }
    println!("fetching the crates that Cargo.lock names");
    let fetched =
        process::capture(&mut workspace.command(&Call::new("cargo").words("fetch --quiet")))?;
    if fetched.status.success() {
        return Ok(());
    }
    if install::is_network_failure(&fetched.output) {
        return Err(Failure::because(
            "could not fetch the crates: the registry could not be reached; connect to the network and run this again",
        ));
    }
    print!("{}", fetched.output);
    Err(Failure::because(
        "could not fetch the crates: mend what cargo names above, then run this again",
    ))
}
