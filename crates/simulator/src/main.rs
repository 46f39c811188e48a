//! Runs seeds on all cores: see `--help`, or `cargo xtask simulate`, which builds it optimised.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use roomlet_simulator::{Dialect, Failure, Plan, Progress, Search, kept, run, shrink};

/// From so many seeds of a dialect on, everything that can happen must have happened.
const SEEDS_FOR_EVERYTHING: u64 = 300;

const HELP: &str = "\
Runs the simulator: each seed once in each dialect, on all cores; the first failure ends it.

  --seeds N        how many seeds (100)
  --first-seed M   the first one (0)
  --dialect NAME   only this dialect; may be given again
  --people N       how many people chat (2)
  --trace LINES    how much of what happened last a failure shows (40)
  --kept FILE      run the plan of this file instead
  --seconds N      begin no run after so long
  --brief          print one line, do not minimise and keep a failure

A failure is minimised and kept in crates/simulator/regressions, where the ordinary tests find it.
From 300 seeds on it is a failure, too, if something that is counted never happened.";

struct Wishes {
    search: Search,
    trace_lines: usize,
    kept: Option<PathBuf>,
    is_brief: bool,
}

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    if arguments.iter().any(|one| one == "--help") {
        say(HELP);
        return ExitCode::SUCCESS;
    }
    // A client that panics is a failure with a seed; the message of each one would drown it.
    std::panic::set_hook(Box::new(|_| {}));
    let result = wishes(arguments.into_iter()).and_then(|wishes| match &wishes.kept {
        Some(path) => replay(path, wishes.trace_lines),
        None if wishes.is_brief => search_briefly(&wishes.search),
        None => search(&wishes),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nobody is left to be told if this fails too.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn replay(path: &Path, trace_lines: usize) -> Result<(), String> {
    let plan = kept::read(path)?;
    let statistics = run(&plan, trace_lines).map_err(|failure| failure.to_string())?;
    say(&format!("{} holds\n{statistics}", path.display()));
    Ok(())
}

/// For programs: what was found in one line of JSON.
fn search_briefly(search: &Search) -> Result<(), String> {
    let found = search.go(|_| {});
    let line = match &found.failure {
        None => serde_json::json!({"runs": found.runs}),
        Some(failure) => serde_json::json!({
            "runs": found.runs, "seed": failure.plan.seed(),
            "dialect": failure.plan.dialect().name(), "kind": failure.kind(),
        }),
    };
    say(&line.to_string());
    Ok(())
}

fn search(wishes: &Wishes) -> Result<(), String> {
    let started = Instant::now();
    let found = wishes.search.go(|Progress { runs, of, elapsed }| {
        say(&format!("{runs} of {of} runs, {} s", elapsed.as_secs()));
    });
    if let Some(failure) = &found.failure {
        return Err(report(failure, wishes.trace_lines));
    }
    let mut missing = Vec::new();
    for (dialect, counted) in &found.statistics {
        say(&format!("{}: {} seeds hold\n{counted}", dialect.name(), wishes.search.seeds));
        for label in counted.missing(*dialect) {
            missing.push(format!("{}: never {label}", dialect.name()));
        }
    }
    say(&format!("{} runs hold, {} s", found.runs, started.elapsed().as_secs()));
    if missing.is_empty() {
        return Ok(());
    }
    if wishes.search.seeds < SEEDS_FOR_EVERYTHING {
        say(&format!("{} ({SEEDS_FOR_EVERYTHING} seeds would be expected to)", missing.join("\n")));
        return Ok(());
    }
    Err(format!("the simulator has become harmless:\n{}", missing.join("\n")))
}

/// The failure as it happened, and the smaller one that is kept.
fn report(failure: &Failure, trace_lines: usize) -> String {
    let full = run(&failure.plan, trace_lines).err().unwrap_or_else(|| failure.clone());
    let (seed, dialect) = (failure.plan.seed(), failure.plan.dialect().name());
    say(&format!(
        "{full}\nagain: cargo xtask simulate --dialect {dialect} --first-seed {seed} --seeds 1\n"
    ));
    say("minimising it …");
    let (small, runs) = shrink(failure);
    let small = run(&small.plan, trace_lines).err().unwrap_or(small);
    let lines = small.plan.to_string().lines().count();
    let kept = match kept::keep(&small) {
        Ok(path) => format!("kept: say in `about` of {} what it was", path.display()),
        Err(message) => format!("{message}\n{}", small.plan),
    };
    format!(
        "{small}\n{lines} lines are left of the plan after {runs} runs\n{kept}\nagain: cargo xtask simulate --kept {}",
        kept_name(&small.plan)
    )
}

fn kept_name(plan: &Plan) -> String {
    format!("crates/simulator/regressions/{}", plan.file_name())
}

fn wishes(mut arguments: impl Iterator<Item = String>) -> Result<Wishes, String> {
    let mut wishes =
        Wishes { search: Search::of(100), trace_lines: 40, kept: None, is_brief: false };
    let mut dialects = Vec::new();
    while let Some(name) = arguments.next() {
        if name == "--brief" {
            wishes.is_brief = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value: add one"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} takes a whole number"));
        let size = || value.parse::<usize>().map_err(|_| format!("{name} takes a whole number"));
        match name.as_str() {
            "--first-seed" => wishes.search.first_seed = number()?,
            "--seeds" => wishes.search.seeds = number()?,
            "--seconds" => wishes.search.limit = Some(Duration::from_secs(number()?)),
            "--people" => wishes.search.people = size()?,
            "--trace" => wishes.trace_lines = size()?,
            "--kept" => wishes.kept = Some(value.into()),
            "--dialect" => dialects.push(Dialect::by_name(&value).ok_or_else(|| {
                let names = Dialect::ALL.map(Dialect::name).join(", ");
                format!("there is no dialect {value}: use one of {names}")
            })?),
            _ => return Err(format!("{name} is unknown: see --help")),
        }
    }
    if !dialects.is_empty() {
        wishes.search.dialects = dialects;
    }
    Ok(wishes)
}

fn say(text: &str) {
    // A reader that has gone does not need to be told.
    let _ = writeln!(io::stdout(), "{text}");
}
