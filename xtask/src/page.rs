//! The release page: `cargo xtask build`, and the demo page that the end-to-end tests open.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process;
use crate::sizes;
use crate::tools::Tools;
use crate::trunk;
use crate::workspace::Workspace;

/// Which page is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The page that a site hosts: real backends only.
    Hosted,
    /// The host page with people side by side, on the local backends too.
    Demo,
}

impl Page {
    fn source(self) -> &'static str {
        match self {
            Self::Hosted => "hosted.html",
            Self::Demo => "index.html",
        }
    }

    fn features(self) -> &'static str {
        match self {
            Self::Hosted => "page",
            Self::Demo => "page,demo",
        }
    }
}

/// Builds the page into a folder (relative to where the person is) and prints what it weighs.
pub(crate) fn build(workspace: &Workspace, demo: bool, dist: &Path) -> Result<(), Failure> {
    let page = if demo { Page::Demo } else { Page::Hosted };
    let here = env::current_dir().unwrap_or_else(|_| workspace.root().to_path_buf());
    let dist = here.join(dist);
    check_replaceable(&dist)?;
    let tools = Tools::prepare(workspace)?;
    println!("building the release page into {}", dist.display());
    trunk_build(workspace, &tools, page, &dist, &[])?;
    print!("{}", sizes::table(&dist)?);
    Ok(())
}

/// Runs trunk's release build with variables beyond those of our environment.
///
/// A configuration that is refused shows its own sentences alone; any other failure shows all of the output.
pub(crate) fn trunk_build(
    workspace: &Workspace,
    tools: &Tools,
    page: Page,
    dist: &Path,
    variables: &[(&str, &str)],
) -> Result<(), Failure> {
    let call = trunk::call(tools)
        .words("build --release --html-output index.html --features")
        .argument(page.features())
        .argument("--dist")
        .argument(dist.to_string_lossy())
        .argument(page.source());
    let call = variables.iter().fold(call, |call, (name, value)| call.variable(name, *value));
    let built = process::capture(&mut workspace.command(&call))?;
    if built.status.success() {
        return Ok(());
    }
    let refusals = trunk::refusals(built.output.lines());
    if refusals.is_empty() {
        eprint!("{}", built.output);
        return Err(Failure::because(
            "the page could not be built: mend what is named above, then run this again",
        ));
    }
    for sentence in refusals {
        eprintln!("error: {sentence}");
    }
    Err(Failure::Told)
}

/// Trunk empties the folder it builds into, so it must be empty, or be the outcome of an earlier build.
fn check_replaceable(dist: &Path) -> Result<(), Failure> {
    // A build that fails leaves trunk's own working folder behind.
    let is_of_trunk = |entry: fs::DirEntry| entry.file_name() == ".stage";
    let is_empty = match fs::read_dir(dist) {
        Ok(entries) => entries.flatten().all(is_of_trunk),
        Err(_) => !dist.exists(),
    };
    let is_built = dist.join("index.html").is_file() && !is_checkout(dist);
    if is_empty || is_built {
        return Ok(());
    }
    Err(Failure::because(format!(
        "{} holds something else than a built page, and building would delete it: give --dist a new or empty folder",
        dist.display()
    )))
}

fn is_checkout(folder: &Path) -> bool {
    ["Cargo.toml", "package.json", ".git"].iter().any(|name| folder.join(name).exists())
}

/// Where the demo page for the end-to-end tests is built.
pub(crate) fn end_to_end_dist(workspace: &Workspace) -> PathBuf {
    workspace.target_directory().join("e2e-dist")
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_new_an_empty_and_a_built_folder_may_be_replaced() {
        let folder = TempDir::new().expect("a temporary folder");
        assert_eq!(check_replaceable(&folder.path().join("new")), Ok(()));
        assert_eq!(check_replaceable(folder.path()), Ok(()));
        fs::create_dir(folder.path().join(".stage")).expect("a folder");
        assert_eq!(check_replaceable(folder.path()), Ok(()), "a build that has failed");
        fs::write(folder.path().join("index.html"), "").expect("a file");
        fs::write(folder.path().join("roomlet.js"), "").expect("a file");
        assert_eq!(check_replaceable(folder.path()), Ok(()));
    }

    #[test]
    fn a_folder_with_other_things_is_left_alone() {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("letter.txt"), "").expect("a file");
        let failure = check_replaceable(folder.path()).expect_err("it is not a built page");
        assert!(failure.to_string().contains("would delete it"), "{failure}");
    }

    #[test]
    fn a_checkout_is_left_alone_although_it_has_a_page() {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("index.html"), "").expect("a file");
        fs::write(folder.path().join("Cargo.toml"), "").expect("a file");
        assert!(check_replaceable(folder.path()).is_err());
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_left_alone() {
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("dist");
        fs::write(&file, "").expect("a file");
        assert!(check_replaceable(&file).is_err());
    }
}
