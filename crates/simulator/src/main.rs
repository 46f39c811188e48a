//! Runs seeds and prints what happened: `--seeds N`, `--first-seed M`, `--dialect NAME`, `--trace LINES`.

use std::io::{self, Write};
use std::process::ExitCode;

use roomlet_simulator::{Dialect, Scenario, Statistics, run};

struct Wishes {
    first_seed: u64,
    seeds: u64,
    dialects: Vec<Dialect>,
    trace_lines: usize,
}

fn main() -> ExitCode {
    let result = wishes(std::env::args().skip(1)).and_then(|wishes| simulate(&wishes));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nobody is left to be told if this fails too.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(wishes: &Wishes) -> Result<(), String> {
    for dialect in &wishes.dialects {
        let mut all = Statistics::default();
        for seed in wishes.first_seed..wishes.first_seed.saturating_add(wishes.seeds) {
            let scenario = Scenario::two_people(*dialect);
            let statistics = run(seed, Scenario { trace_lines: wishes.trace_lines, ..scenario });
            all.add(&statistics.map_err(|failure| failure.to_string())?);
        }
        let heading = format!("{}: {} seeds hold\n{all}", dialect.name(), wishes.seeds);
        writeln!(io::stdout(), "{heading}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn wishes(mut arguments: impl Iterator<Item = String>) -> Result<Wishes, String> {
    let dialects = Dialect::ALL.to_vec();
    let mut wishes = Wishes { first_seed: 0, seeds: 100, dialects, trace_lines: 40 };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value: add one"))?;
        let number = || value.parse().map_err(|_| format!("{name} takes a whole number"));
        match name.as_str() {
            "--first-seed" => wishes.first_seed = number()?,
            "--seeds" => wishes.seeds = number()?,
            "--trace" => {
                wishes.trace_lines = value.parse().map_err(|_| "--trace takes a whole number")?;
            }
            "--dialect" => {
                let named = Dialect::ALL.into_iter().filter(|dialect| dialect.name() == value);
                wishes.dialects = named.collect();
            }
            _ => {
                return Err(format!(
                    "{name} is unknown: use --seeds, --first-seed, --dialect or --trace"
                ));
            }
        }
    }
    if wishes.dialects.is_empty() {
        let names = Dialect::ALL.map(Dialect::name).join(", ");
        return Err(format!("there is no such dialect: use one of {names}"));
    }
    Ok(wishes)
}
