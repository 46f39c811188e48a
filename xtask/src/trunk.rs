//! How trunk is called, and what its output means.

use crate::call::Call;
use crate::tools::Tools;

/// A call of trunk that uses our tools and never downloads any.
pub(crate) fn call(tools: &Tools) -> Call {
    Call::new(tools.trunk())
        .variable("PATH", tools.search_path().to_string_lossy())
        .variable("TRUNK_SKIP_VERSION_CHECK", "true")
        .variable("TRUNK_OFFLINE", "true")
        // trunk 0.21 takes NO_COLOR=1 for a mistake in its arguments and ends (trunk issue 1065).
        .without("NO_COLOR")
        // It filters trunk's log, which tells us when a build begins and ends.
        .without("RUST_LOG")
}

/// What one line of trunk's log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    BuildStarted,
    BuildSucceeded,
    BuildFailed,
    /// Another line of trunk's own log.
    Progress,
    /// A line of a program that trunk runs: cargo, wasm-bindgen, wasm-opt.
    Other,
}

/// Reads a line of trunk 0.21's log: a time, a level, a message that may begin with an emoji.
pub(crate) fn said(line: &str) -> Said {
    let mut words = line.split_whitespace();
    let is_time = words.next().is_some_and(|word| word.ends_with('Z') && word.contains('T'));
    match (is_time, words.next()) {
        (true, Some("INFO")) if line.ends_with("starting build") => Said::BuildStarted,
        (true, Some("INFO")) if line.ends_with("success") => Said::BuildSucceeded,
        (true, Some("ERROR")) if line.ends_with("error") => Said::BuildFailed,
        (true, Some("INFO" | "DEBUG")) => Said::Progress,
        _ => Said::Other,
    }
}

/// The sentences with which a package of this workspace refused to be built (`cargo::error=…` in its build script), each
/// once. Empty when the build failed for another reason.
pub(crate) fn refusals<'output>(
    output: impl IntoIterator<Item = &'output str>,
) -> Vec<&'output str> {
    let mut sentences = Vec::new();
    for line in output {
        if let Some(sentence) = refusal(line)
            && !sentences.contains(&sentence)
        {
            sentences.push(sentence);
        }
    }
    sentences
}

/// Cargo prints `error: PACKAGE@VERSION: SENTENCE`.
fn refusal(line: &str) -> Option<&str> {
    let (package, sentence) = line.strip_prefix("error: ")?.split_once(": ")?;
    let (name, version) = package.split_once('@')?;
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    let is_version = version.starts_with(|letter: char| letter.is_ascii_digit());
    (is_name && is_version && !version.contains(char::is_whitespace)).then_some(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_followed_in_the_log() {
        let log = [
            ("2026-11-23T05:20:01.123456Z  INFO 🚀 Starting trunk 0.21.14", Said::Progress),
            ("2026-11-23T05:20:01.123456Z  INFO 📦 starting build", Said::BuildStarted),
            ("2026-11-23T05:20:01.123456Z  INFO starting build", Said::BuildStarted),
            ("   Compiling roomlet v0.1.0", Said::Other),
            ("error: could not compile `roomlet` (bin) due to 1 previous error", Said::Other),
            ("2026-11-23T05:20:09.123456Z  INFO applying new distribution", Said::Progress),
            ("2026-11-23T05:20:09.123456Z  INFO ✅ success", Said::BuildSucceeded),
            ("2026-11-23T05:20:09.123456Z ERROR ❌ error", Said::BuildFailed),
            ("2026-11-23T05:20:09.123456Z ERROR error getting the canonical path", Said::Other),
            ("", Said::Other),
        ];
        for (line, meaning) in log {
            assert_eq!(said(line), meaning, "{line}");
        }
    }

    #[test]
    fn only_the_sentence_of_a_build_script_is_kept() {
        let output = "   Compiling roomlet v0.1.0 (/somewhere)\n\
            error: roomlet@0.1.0: ROOMLET_ENDPOINT has no stage: write wss://…/prod\n\
            error: roomlet@0.1.0: ROOMLET_ENDPOINT has no stage: write wss://…/prod\n\
            error: build script logged errors\n\
            error: failed to run custom build command for `roomlet v0.1.0 (/somewhere)`\n";
        assert_eq!(refusals(output.lines()), ["ROOMLET_ENDPOINT has no stage: write wss://…/prod"]);
    }

    #[test]
    fn other_failures_have_no_sentence() {
        let output = "error[E0308]: mismatched types\n\
            error: could not compile `roomlet` (bin \"roomlet-app\") due to 1 previous error\n\
            error: failed to select a version for `a@b`: no such thing\n\
            2026-11-23T05:20:09.123456Z ERROR ❌ error\n";
        assert_eq!(refusals(output.lines()), Vec::<&str>::new());
    }
}
