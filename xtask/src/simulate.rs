//! `cargo xtask simulate`: the simulator, built optimised, on all cores.

use clap::Args;

use crate::call::Call;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// Optimised, with the checks of a debug build.
pub(crate) const PROFILE: &str = "simulation";

/// What is to be simulated.
#[derive(Debug, Args)]
pub(crate) struct Wishes {
    /// How many seeds; each is run once in each dialect
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    first_seed: u64,
    /// Only this dialect, for example full or graphql-basic; may be given again
    #[arg(long, value_name = "NAME")]
    dialect: Vec<String>,
    /// How many people chat
    #[arg(long, default_value_t = 2)]
    people: usize,
    /// How much of what happened last a failure shows
    #[arg(long, default_value_t = 40, value_name = "LINES")]
    trace: usize,
    /// Run the plan of a failure that was kept, and no seeds
    #[arg(long, value_name = "FILE")]
    kept: Option<String>,
}

/// Builds the simulator and runs it.
pub(crate) fn simulate(workspace: &Workspace, wishes: &Wishes) -> Result<(), Failure> {
    let status = process::run(&mut workspace.command(&call(wishes)))?;
    if status.success() { Ok(()) } else { Err(Failure::Told) }
}

fn call(wishes: &Wishes) -> Call {
    let Wishes { seeds, first_seed, dialect, people, trace, kept } = wishes;
    let run = format!("run --quiet --profile {PROFILE} -p roomlet-simulator --");
    let numbers = format!("--seeds {seeds} --first-seed {first_seed} --people {people}");
    let call = Call::new("cargo").words(&run).words(&numbers).words(&format!("--trace {trace}"));
    let call = dialect.iter().fold(call, |call, name| call.argument("--dialect").argument(name));
    kept.iter().fold(call, |call, file| call.argument("--kept").argument(file))
}
