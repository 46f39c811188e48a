//! What a program says its version is.

use std::path::Path;
use std::process::Command;

use crate::process;

/// The version that `PROGRAM --version` prints, or nothing when it does not run.
pub(crate) fn version_of(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    // trunk 0.21 takes NO_COLOR=1 for a mistake in its arguments and ends.
    command.arg("--version").env_remove("NO_COLOR");
    let asked = process::capture(&mut command).ok()?;
    asked.status.success().then(|| first_version(&asked.output)).flatten()
}

/// The part of a version before the first dot.
pub(crate) fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// The first word that is a version, on the last line that has one: wrapper scripts complain before the program speaks.
fn first_version(text: &str) -> Option<String> {
    text.lines().rev().find_map(|line| {
        line.split_whitespace()
            .map(|word| word.strip_prefix('v').unwrap_or(word))
            .find(|word| is_version(word))
            .map(str::to_owned)
    })
}

fn is_version(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_digit())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-+".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_and_browser_is_understood() {
        let said = [
            ("trunk 0.21.14\n", "0.21.14"),
            ("wasm-bindgen 0.2.130 (a8e2b4f)\n", "0.2.130"),
            ("wasm-opt version 132 (version_132)\n", "132"),
            ("v20.20.2\n", "20.20.2"),
            (
                "ChromeDriver 156.0.8078.79 (a21ce95c-refs/branch-heads/8078@{#1704})\n",
                "156.0.8078.79",
            ),
            ("Google Chrome 156.0.8078.79 \n", "156.0.8078.79"),
            (
                "/usr/bin/chromium: 9: [: 25276514304: unexpected operator\nChromium 156.0.8078.79 built on Debian GNU/Linux 12\n",
                "156.0.8078.79",
            ),
        ];
        for (text, version) in said {
            assert_eq!(first_version(text).as_deref(), Some(version), "{text}");
        }
        assert_eq!(first_version("error: no such option\n"), None);
    }

    #[test]
    fn the_major_version_is_a_number_or_nothing() {
        assert_eq!(major("156.0.8078.79"), Some(156));
        assert_eq!(major("20"), Some(20));
        assert_eq!(major("nightly"), None);
    }
}
