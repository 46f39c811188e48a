//! What people type while they work on Roomlet: `cargo xtask serve`, `cargo xtask test`, `cargo xtask build`.
//!
//! Nothing essential lives here alone: `trunk serve` beside a running `roomlet-local`, and each check by its own cargo
//! command, do the same for whoever has the tools. This program brings the tools in their pinned versions, starts and ends
//! what belongs together, and says in one sentence what to do when something is missing.
//!
//! | module | what it knows |
//! | --- | --- |
//! | `serve` | the local backend and the page, side by side until Ctrl-C |
//! | `checks` | every check of `cargo xtask test`, in order |
//! | `second_try` | tests in a browser that fail once, and pass alone |
//! | `fuzz` | the fuzz targets, for some seconds each |
//! | `simulate` | the simulator, optimised |
//! | `mutate` | a client that is broken on purpose, in a copy |
//! | `page` | the release page, and the sizes of its files (`sizes`) |
//! | `tools` | pinned versions, where a tool is found, how it is installed |
//! | `browser` | a browser and the driver of the same version |
//! | `debian` | packages of Debian, where it is what runs here |
//! | `trunk` | how trunk is called, and what its output means |
//! | `process` | process groups: nothing we start outlives us |
//! | `ports` | who holds a port |

#![allow(clippy::print_stdout, reason = "this program talks to the person at the terminal")]

mod browser;
mod call;
mod checks;
mod debian;
mod failure;
mod fuzz;
mod mutate;
mod page;
mod ports;
mod process;
mod second_try;
mod serve;
mod simulate;
mod sizes;
mod tools;
mod trunk;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::fuzz::Seed;
use crate::workspace::Workspace;

/// The exit code of a program that Ctrl-C ended (128 + SIGINT), as shells have it.
const INTERRUPTED: u8 = 130;

/// Work on Roomlet: serve the page, run all checks, build a release.
///
/// Tools that are missing (trunk, wasm-bindgen, wasm-opt, the wasm32 target) are installed once, in pinned versions,
/// below ~/.cargo/roomlet-tools; only rustup and Node 20 must be there.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Start the local backend and the demo page, rebuild the page when a file changes, until Ctrl-C
    ///
    /// The backend listens on port 8787 (roomlet.toml names it) and keeps its rooms in roomlet-local.sqlite. One that is
    /// running already is used as it is.
    Serve {
        /// The port of the page
        #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
    },
    /// Run every check: format, lints, docs, tests on the host, in the browser and end to end
    ///
    /// The first check that fails ends the run, with the command that repeats it alone.
    Test {
        /// Only the checks that need no browser and no trunk
        #[arg(long)]
        fast: bool,
    },
    /// Run the fuzz targets for some seconds each, on the compiler at hand and without cargo-fuzz
    ///
    /// An input that fails is kept in fuzz/artifacts; the command that repeats it is printed. What is found on the way
    /// is kept below the target folder, and tried again the next time.
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
        /// The targets to run; all of them if none is named
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
    },
    /// Run the simulator on all cores: clients, model backends and a hostile network, from seeds
    ///
    /// The first seed that fails ends the run; it is minimised and kept in crates/simulator/regressions. From 300 seeds on
    /// it is a failure, too, if something that is counted never happened.
    Simulate(simulate::Wishes),
    /// Break the client on purpose, in the ways of crates/simulator/mutations.toml; the simulator must catch each
    Mutate {
        /// Only mutations with this in their names
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// Build the release page into dist/ and print the sizes of its files
    ///
    /// The backend comes from roomlet.toml and the ROOMLET_* variables; without --demo it must be a real one.
    Build {
        /// Build the demo page, which keeps the local backends of roomlet.toml
        #[arg(long)]
        demo: bool,
        /// The folder to build into; what it holds is replaced
        #[arg(long, default_value = "dist", value_name = "FOLDER")]
        dist: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Because(sentence)) => {
            eprintln!("error: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<(), Failure> {
    process::end_groups_on_signals()?;
    let workspace = Workspace::discover()?;
    match task {
        Task::Serve { port } => serve::serve(&workspace, *port),
        Task::Test { fast } => checks::run(&workspace, *fast),
        Task::Fuzz { seconds, targets } => fuzz::run(&workspace, *seconds, Seed::Random, targets),
        Task::Simulate(wishes) => simulate::simulate(&workspace, wishes),
        Task::Mutate { only } => mutate::mutate(&workspace, only.as_deref()),
        Task::Build { demo, dist } => page::build(&workspace, *demo, dist),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn port_zero_is_refused_because_nobody_could_open_it() {
        assert!(Arguments::try_parse_from(["xtask", "serve", "--port", "0"]).is_err());
    }
}
