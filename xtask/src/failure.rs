//! Why a task ended without success.

use std::fmt;

/// Why a task ended without success.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// One sentence that says what to do.
    Because(String),
    /// The person has been told already; only the exit code is left.
    Told,
    /// Ctrl-C or a termination signal.
    Interrupted,
}

impl Failure {
    pub(crate) fn because(sentence: impl Into<String>) -> Self {
        Self::Because(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(sentence) => formatter.write_str(sentence),
            Self::Told => formatter.write_str("the task failed"),
            Self::Interrupted => formatter.write_str("interrupted"),
        }
    }
}
