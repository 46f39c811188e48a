//! Installing a tool once, so that half an installation never counts as one.
//!
//! A tool is installed into a folder beside its place, asked for its version there, and only then renamed. A lock file keeps
//! a second `cargo xtask` waiting meanwhile; the system drops the lock with the process that holds it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self as this_process, Command};

use super::pinned::{Source, Tool};
use super::search::find_program;
use super::version::version_of;
use crate::call::Call;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// Settings of a person's other builds that would make a tool slower to build, or not run here.
const KEPT_FROM_CARGO_INSTALL: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INSTALL_ROOT",
    "CARGO_BUILD_TARGET_DIR",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC_BOOTSTRAP",
];

const PARTIAL: &str = ".partial-";

/// What cargo (curl, libgit2), npm (Node) and rustup say when a server cannot be reached.
const NETWORK_FAILURES: [&str; 18] = [
    "could not resolve host",
    "couldn't resolve host",
    "failed to lookup address",
    "name or service not known",
    "temporary failure in name resolution",
    "spurious network error",
    "failed to download from",
    "download of config.json failed",
    "could not download file",
    "could not connect to",
    "couldn't connect to server",
    "failed to connect to",
    "network is unreachable",
    "but --offline was specified",
    "enotfound",
    "eai_again",
    "etimedout",
    "econnrefused",
];

/// Finds installed tools and installs missing ones.
#[derive(Clone, Debug)]
pub(super) struct Installer {
    search_path: OsString,
    /// Holds one folder for each tool and version.
    folder: PathBuf,
    /// Takes the logs and the build of the tools.
    workshop: PathBuf,
}

impl Installer {
    pub(super) fn new(workspace: &Workspace, search_path: OsString) -> Result<Self, Failure> {
        let home = env::var_os("CARGO_HOME")
            .map(|home| workspace.root().join(home))
            .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
            .ok_or_else(|| {
                Failure::because("there is no home folder: set CARGO_HOME, then run this again")
            })?;
        Ok(Self {
            search_path,
            folder: home.join("roomlet-tools"),
            workshop: workspace.target_directory().join("tools"),
        })
    }

    pub(super) fn search_path(&self) -> &OsStr {
        &self.search_path
    }

    /// The folder that holds the tool's programs in exactly the wanted version: on `PATH`, or where we install.
    pub(super) fn find(&self, tool: &Tool) -> Option<PathBuf> {
        let first = find_program(tool.programs.first()?, &self.search_path);
        let on_path = first.as_deref().and_then(Path::parent).filter(|folder| holds(folder, tool));
        on_path.map(Path::to_path_buf).or_else(|| {
            let folder = programs(&self.place(tool), tool.source);
            holds(&folder, tool).then_some(folder)
        })
    }

    /// Installs the tool, and gives the folder that holds its programs.
    pub(super) fn install(&self, tool: &Tool) -> Result<PathBuf, Failure> {
        let title = format!("{} {}", tool.package, tool.version);
        for folder in [&self.folder, &self.workshop] {
            fs::create_dir_all(folder).map_err(|error| no_write(folder, &error))?;
        }
        let _lock = self.lock()?;
        // Whoever held the lock may have installed it.
        if let Some(folder) = self.find(tool) {
            return Ok(folder);
        }
        let duration = match tool.source {
            Source::Crates => "a few minutes",
            Source::Npm => "some seconds",
        };
        println!("installing {title} (once, {duration})");

        self.remove_partial_installations();
        let partial = self.folder.join(format!("{PARTIAL}{}", this_process::id()));
        let path = self.workshop.join(format!("{}-{}.log", tool.package, tool.version));
        let log = File::create(&path).map_err(|error| no_write(&path, &error))?;
        let status = process::run_into(&mut self.installation(tool, &partial)?, &log)?;
        if !status.success() {
            let output = read_log(&path);
            let reason = if is_network_failure(&output) {
                "the registry could not be reached; connect to the network"
            } else {
                "the reason is at the end of the log; mend what it names"
            };
            return Err(Failure::because(format!(
                "could not install {title}: {reason} and run this again (log: {})",
                path.display()
            )));
        }
        if !holds(&programs(&partial, tool.source), tool) {
            return Err(Failure::because(format!(
                "could not install {title}: what was installed does not run or has another version; see {} and run this again",
                path.display()
            )));
        }
        let place = self.place(tool);
        if place.exists() {
            fs::remove_dir_all(&place).map_err(|error| no_write(&place, &error))?;
        }
        fs::rename(&partial, &place).map_err(|error| no_write(&place, &error))?;
        // The tool is in its place; its hundreds of megabytes of intermediate files are of no more use.
        let _ = fs::remove_dir_all(self.build_directory());
        Ok(programs(&place, tool.source))
    }

    fn installation(&self, tool: &Tool, root: &Path) -> Result<Command, Failure> {
        let folder = root.to_string_lossy();
        let (program, call) = match tool.source {
            Source::Crates => {
                let cargo = self.required("cargo", "install rustup from https://rustup.rs")?;
                let call = Call::new(cargo)
                    .words("install --locked --version")
                    .argument(&tool.version)
                    .argument("--root")
                    .argument(folder)
                    .words(tool.flags)
                    .argument(tool.package)
                    // The defaults of these packages optimise for a speed that nobody here would notice, for many minutes.
                    .variable("CARGO_PROFILE_RELEASE_LTO", "off")
                    .variable("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
                    .variable("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.optimisation)
                    .variable("CARGO_TARGET_DIR", self.build_directory().to_string_lossy());
                let without = KEPT_FROM_CARGO_INSTALL.into_iter();
                ("cargo", without.fold(call, Call::without))
            }
            Source::Npm => {
                let npm = self.required("npm", "install Node from https://nodejs.org")?;
                let call = Call::new(npm)
                    .words("install --no-audit --no-fund --prefix")
                    .argument(folder)
                    .argument(format!("{}@{}", tool.package, tool.version));
                ("npm", call)
            }
        };
        fs::create_dir_all(root).map_err(|error| no_write(root, &error))?;
        let mut command = call.command();
        // Away from the checkout: its .cargo/config.toml and package.json are about the widget, not about the tools.
        command.current_dir(&self.folder).env("PATH", &self.search_path);
        if program == "npm" {
            command.env("npm_config_update_notifier", "false");
        }
        Ok(command)
    }

    fn required(&self, program: &str, advice: &str) -> Result<PathBuf, Failure> {
        find_program(program, &self.search_path).ok_or_else(|| {
            Failure::because(format!("`{program}` is missing: {advice}, then run this again"))
        })
    }

    fn lock(&self) -> Result<File, Failure> {
        let path = self.folder.join(".lock");
        let file = File::create(&path).map_err(|error| no_write(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                println!("waiting for another installation of tools to end");
                file.lock().map_err(|error| no_write(&path, &error))?;
                Ok(file)
            }
            Err(TryLockError::Error(error)) => Err(no_write(&path, &error)),
        }
    }

    /// Removes what interrupted installations left; with the lock in our hands nobody works on one.
    fn remove_partial_installations(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn place(&self, tool: &Tool) -> PathBuf {
        self.folder.join(format!("{}-{}", tool.package, tool.version))
    }

    fn build_directory(&self) -> PathBuf {
        self.workshop.join("build")
    }
}

/// Whether the words of a failed command are about the network.
pub(super) fn is_network_failure(output: &str) -> bool {
    let output = output.to_lowercase();
    NETWORK_FAILURES.iter().any(|words| output.contains(words))
}

/// A log that cannot be read leaves only the less precise sentence.
fn read_log(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn programs(place: &Path, source: Source) -> PathBuf {
    match source {
        Source::Crates => place.join("bin"),
        Source::Npm => place.join("node_modules/.bin"),
    }
}

/// Whether all programs of a tool are in a folder, in the wanted version.
fn holds(folder: &Path, tool: &Tool) -> bool {
    tool.programs.iter().all(|name| find_program(name, folder.as_os_str()).is_some())
        && tool
            .programs
            .first()
            .and_then(|name| version_of(&folder.join(name)))
            .is_some_and(|version| version == tool.says)
}

fn no_write(path: &Path, error: &io::Error) -> Failure {
    Failure::because(format!(
        "{} cannot be written ({error}): mend that, then run this again",
        path.display()
    ))
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
