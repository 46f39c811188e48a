//! `cargo xtask mutate`: breaks the client in many ways, one at a time, and sees whether the simulator finds out.
//!
//! All mutations are compiled at once, into a copy of client and simulator below the target folder. Each stands there
//! beside what it takes the place of, and a variable of the environment says which one holds: so there is one build,
//! and each mutation is one run. Mutations whose texts overlap go into another build.

mod copy;
mod list;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::call::Call;
use crate::failure::Failure;
use crate::process;
use crate::simulate::PROFILE;
use crate::workspace::Workspace;
use copy::VARIABLE;
use list::Mutation;

/// The simulator as it is must hold for so many seeds, or it would catch anything.
const SEEDS_UNCHANGED: u64 = 12;
/// So many seeds a mutation may survive before it counts as not caught.
const SEEDS: u64 = 400;
/// And so many seconds, on a machine that is busy with other things.
const SECONDS: u64 = 40;
/// A client that goes round in circles is caught after so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// The exit code of `timeout` (coreutils) for a command that it has ended.
const TIMED_OUT: i32 = 124;

/// What the simulator says of a search, in one line.
#[derive(Debug, Deserialize)]
struct Verdict {
    runs: u64,
    dialect: Option<String>,
    kind: Option<String>,
}

/// Tries all mutations, or those whose name has `only` in it.
pub(crate) fn mutate(workspace: &Workspace, only: Option<&str>) -> Result<(), Failure> {
    let mut mutations = list::read(workspace)?;
    mutations.retain(|one| only.is_none_or(|only| one.name.contains(only)));
    if mutations.is_empty() {
        return Err(Failure::because(
            "no mutation has such a name: look into crates/simulator/mutations.toml",
        ));
    }
    let started = Instant::now();
    let mut survivors = Vec::new();
    let batches = copy::batches(workspace, &mutations)?;
    for (number, batch) in batches.iter().enumerate() {
        let program = build(workspace, number, batch)?;
        let unchanged = Mutation::none();
        if let Some(kind) = try_one(workspace, &program, 0, &unchanged, SEEDS_UNCHANGED)?.kind {
            return Err(Failure::because(format!(
                "the client as it is fails ({kind}): run `cargo xtask simulate`"
            )));
        }
        for (place, mutation) in batch.iter().enumerate() {
            let begun = Instant::now();
            let verdict = try_one(workspace, &program, place + 1, mutation, SEEDS)?;
            let seconds = begun.elapsed().as_secs_f64();
            let Verdict { runs, dialect, kind } = &verdict;
            match (kind, dialect) {
                (Some(kind), dialect) => println!(
                    "caught    {:<44} {kind} ({}, {runs} runs, {seconds:.1} s)",
                    mutation.name,
                    dialect.as_deref().unwrap_or("any dialect")
                ),
                (None, _) => {
                    println!("SURVIVED  {:<44} {runs} runs, {seconds:.1} s", mutation.name);
                    survivors.push(mutation);
                }
            }
        }
    }
    let (all, seconds) = (mutations.len(), started.elapsed().as_secs());
    println!("{} of {all} mutations caught in {seconds} s", all - survivors.len());
    for mutation in &survivors {
        println!("{}: {}", mutation.name, mutation.why);
    }
    if survivors.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

fn build(workspace: &Workspace, number: usize, batch: &[&Mutation]) -> Result<PathBuf, Failure> {
    let folder = copy::write(workspace, number, batch)?;
    let target = workspace.target_directory().join("mutants/target");
    let call = Call::new("cargo")
        .words("build --quiet --offline -p roomlet-simulator --profile")
        .argument(PROFILE)
        .argument("--manifest-path")
        .argument(folder.join("Cargo.toml").to_string_lossy())
        .argument("--target-dir")
        .argument(target.to_string_lossy())
        // A replacement may leave something unused.
        .variable("RUSTFLAGS", "-Awarnings");
    let captured = process::capture(&mut workspace.command(&call))?;
    if !captured.status.success() {
        eprintln!("{}", captured.output);
        return Err(Failure::because(
            "the mutated client does not compile: each text and its replacement must be expressions or statements of the same type",
        ));
    }
    Ok(target.join(PROFILE).join("roomlet-simulator"))
}

fn try_one(
    workspace: &Workspace,
    program: &std::path::Path,
    number: usize,
    mutation: &Mutation,
    seeds: u64,
) -> Result<Verdict, Failure> {
    let call = Call::new("timeout")
        .argument(PATIENCE.as_secs().to_string())
        .argument(program.to_string_lossy())
        .words(&format!("--brief --seeds {seeds} --seconds {SECONDS}"))
        .argument("--first-seed")
        .argument(mutation.first_seed.to_string())
        .variable(VARIABLE, number.to_string());
    let call =
        mutation.dialects.iter().fold(call, |call, name| call.argument("--dialect").argument(name));
    let captured = process::capture(&mut workspace.command(&call))?;
    if captured.status.code() == Some(TIMED_OUT) {
        let kind = Some("the client never comes to an end".to_owned());
        return Ok(Verdict { runs: 0, dialect: None, kind });
    }
    let line = captured.output.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|_| {
        Failure::because(format!(
            "the simulator has said something else than a verdict ({line}): run {call}"
        ))
    })
}
