//! How a run failed.

use std::fmt;

use crate::Scenario;

/// What did not hold, and how it came to that.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed of the run.
    pub seed: u64,
    /// What was simulated.
    pub scenario: Scenario,
    /// How many things had happened.
    pub step: u64,
    /// Virtual time, in milliseconds.
    pub time: u64,
    /// What did not hold.
    pub invariant: String,
    /// What happened last.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        let (seed, dialect) = (self.seed, self.scenario.dialect.name());
        writeln!(
            f,
            "seed {seed}, {dialect}, step {}, {} ms: {}",
            self.step, self.time, self.invariant
        )?;
        write!(
            f,
            "again: cargo run -p roomlet-simulator -- --dialect {dialect} --first-seed {seed} --seeds 1"
        )
    }
}

impl std::error::Error for Failure {}
