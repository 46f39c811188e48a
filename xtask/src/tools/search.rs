//! Looking for programs on a `PATH`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::version::{major, version_of};
use crate::failure::Failure;

const OLDEST_NODE: u32 = 20;

/// The first executable file of that name on a search path.
pub(crate) fn find_program(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    env::split_paths(search_path).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

/// Checks for Node, unless wasm-opt was found outside of npm's folders and therefore needs none.
pub(super) fn check_node(search_path: &OsStr, wasm_opt: Option<&Path>) -> Result<(), Failure> {
    if wasm_opt.is_some_and(|folder| !folder.ends_with("node_modules/.bin")) {
        return Ok(());
    }
    let Some(node) = find_program("node", search_path) else {
        return Err(Failure::because(format!(
            "Node {OLDEST_NODE} or newer is missing: install it from https://nodejs.org, then run this again"
        )));
    };
    let version = version_of(&node).unwrap_or_else(|| "of an unknown version".to_owned());
    if major(&version).is_some_and(|major| major >= OLDEST_NODE) {
        return Ok(());
    }
    Err(Failure::because(format!(
        "Node {OLDEST_NODE} or newer is needed and `{}` is {version}: install a newer one from https://nodejs.org, then run this again",
        node.display()
    )))
}

/// A search path that begins with the given folders.
pub(super) fn prepended(folders: &[PathBuf], search_path: &OsStr) -> Result<OsString, Failure> {
    let rest = env::split_paths(search_path);
    env::join_paths(folders.iter().cloned().chain(rest)).map_err(|error| {
        Failure::because(format!(
            "PATH cannot be extended ({error}): set CARGO_HOME to a folder without that character"
        ))
    })
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
