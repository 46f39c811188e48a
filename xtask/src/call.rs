//! A command that can be run and can be shown, so that what a person repeats is what was run.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

/// A program, its arguments, and the variables it needs beyond the environment it inherits.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    program: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    without: Vec<String>,
}

impl Call {
    pub(crate) fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            without: Vec::new(),
        }
    }

    /// Adds the words of a line written in the source; none of them may hold a space.
    pub(crate) fn words(mut self, line: &str) -> Self {
        self.arguments.extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// Adds one argument, which may come from outside and hold spaces.
    pub(crate) fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Keeps a variable of our environment from the program.
    pub(crate) fn without(mut self, name: impl Into<String>) -> Self {
        self.without.push(name.into());
        self
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        for name in &self.without {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The line a person types in a POSIX shell for the same run.
impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.without.is_empty() {
            formatter.write_str("env ")?;
            for name in &self.without {
                write!(formatter, "-u {} ", quoted(name))?;
            }
        }
        for (name, value) in &self.variables {
            write!(formatter, "{name}={} ", quoted(value))?;
        }
        formatter.write_str(&quoted(&self.program.to_string_lossy()))?;
        for argument in &self.arguments {
            write!(formatter, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=+./:,@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_shown_line_does_the_same_in_a_shell() {
        let call = Call::new("printf")
            .argument("%s|")
            .argument("two words")
            .argument("it's")
            .argument("$HOME");

        let output = Command::new("sh").arg("-c").arg(call.to_string()).output().expect("sh runs");

        assert_eq!(String::from_utf8_lossy(&output.stdout), "two words|it's|$HOME|");
    }

    #[test]
    fn variables_stand_before_the_program() {
        let call = Call::new("cargo").words("doc --no-deps").variable("RUSTDOCFLAGS", "-Dwarnings");
        assert_eq!(call.to_string(), "RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps");
    }

    #[test]
    fn a_variable_that_is_kept_away_is_shown_and_kept_away() {
        let call = Call::new("sh")
            .argument("-c")
            .argument("echo ${XTASK_CALL_TEST-none}")
            .without("XTASK_CALL_TEST");

        let shown = Command::new("sh")
            .arg("-c")
            .arg(call.to_string())
            .env("XTASK_CALL_TEST", "some")
            .output()
            .expect("sh runs");

        assert_eq!(String::from_utf8_lossy(&shown.stdout), "none\n");
    }
}
