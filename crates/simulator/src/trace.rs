//! What happened last, for those who read a failure.

use std::fmt::{self, Write as _};

use crate::run::Simulation;

const TRACE_CHARACTERS: usize = 360;

impl Simulation {
    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        if self.trace_lines == 0 {
            return;
        }
        if self.trace.len() == self.trace_lines {
            self.trace.pop_front();
        }
        let mut short = Short(format!("{:>8} ", self.ground.schedule.now()));
        // It refuses what is too long, so that a page of history is not written out whole for its first words.
        let _ = short.write_fmt(line);
        self.trace.push_back(short.0);
    }
}

/// A line of the trace, which ends where it is long enough.
struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.len() >= TRACE_CHARACTERS {
                return Err(fmt::Error);
            }
            self.0.push(character);
        }
        Ok(())
    }
}
