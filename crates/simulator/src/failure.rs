//! How a run failed.

use std::fmt;

use crate::plan::Plan;

/// How much of a broken invariant is its name.
const MAX_KIND: usize = 90;

/// What did not hold, and how it came to that.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What was simulated.
    pub plan: Box<Plan>,
    /// How many things had happened.
    pub step: u64,
    /// Virtual time, in milliseconds.
    pub time: u64,
    /// What did not hold.
    pub invariant: String,
    /// What happened last.
    pub trace: Vec<String>,
}

impl Failure {
    /// Which invariant it is, without the texts, numbers and places of this one run.
    pub fn kind(&self) -> String {
        let masked = masked(&self.invariant);
        let device = masked.strip_prefix("device # ");
        let text = match device.and_then(|rest| rest.strip_prefix("in ")?.split_once(": ")) {
            Some((_, rest)) => rest,
            None => device.unwrap_or(&masked),
        };
        let name = text.split_once(": ").map_or(text, |(name, _)| name);
        name.chars().take(MAX_KIND).collect()
    }
}

/// Without what stands in quotes, and without numbers.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut is_quoted = false;
    for character in text.chars() {
        match character {
            '"' => {
                is_quoted = !is_quoted;
                if is_quoted {
                    masked.push('…');
                }
            }
            _ if is_quoted => {}
            digit if digit.is_ascii_digit() => {
                if !masked.ends_with('#') {
                    masked.push('#');
                }
            }
            other => masked.push(other),
        }
    }
    masked
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        let (seed, dialect) = (self.plan.head.seed, self.plan.head.dialect.name());
        write!(f, "seed {seed}, {dialect}, step {}, {} ms: ", self.step, self.time)?;
        write!(f, "{}", self.invariant)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    #[test]
    fn the_name_of_an_invariant_is_the_same_in_each_run() {
        let kind = |invariant: &str| {
            let plan = Plan::draw(0, Dialect::Full, 1);
            let (invariant, trace) = (invariant.to_owned(), Vec::new());
            Failure { plan: Box::new(plan), step: 0, time: 0, invariant, trace }.kind()
        };
        assert_eq!(kind("12 messages are in flight"), "# messages are in flight");
        assert_eq!(
            kind("device 0 in lobby: the list is the server's: 3 of 4"),
            "the list is the server's"
        );
        assert_eq!(kind("\"a: b\" is lost: Tally"), "… is lost");
        assert_eq!(kind("device 1 may not enter vault: it is Online"), "may not enter vault");
    }
}
