//! Tests in a browser depend on a machine that may be slow for a moment: the few that fail are tried once more, alone.
//!
//! That is said plainly, since a test that needs it is to be mended. Many failures, or one that comes again, are real.

use crate::call::Call;
use crate::failure::Failure;
use crate::process::{self, Captured};
use crate::workspace::Workspace;

/// If more tests than these fail, something is wrong with more than a moment.
const MOST: usize = 3;

/// Runs tests by a call of `cargo test`; `alone` are the runner's own flags for one test by itself. Returns the names of
/// those that have passed only on the second try.
pub(crate) fn run(workspace: &Workspace, call: &Call, alone: &str) -> Result<Vec<String>, Failure> {
    run_by(call, alone, |call| process::show(&mut workspace.command(call)))
}

fn run_by(
    call: &Call,
    alone: &str,
    run: impl Fn(&Call) -> Result<Captured, Failure>,
) -> Result<Vec<String>, Failure> {
    let first = run(call)?;
    if first.status.success() {
        return Ok(Vec::new());
    }
    let Some(failed) = failed(&first.output).filter(|failed| failed.len() <= MOST) else {
        return Err(Failure::Told);
    };
    println!("\n{} failed: a second try, alone", counted(failed.len()));
    for name in &failed {
        let again = call.clone().words("--").words(alone).argument(name);
        let second = run(&again)?;
        if !second.status.success() || !has_passed(&second.output) {
            println!("failed twice: {name}");
            println!("to repeat it alone: {again}");
            return Err(Failure::Told);
        }
    }
    println!("passed only on the second try: {}", failed.join(", "));
    Ok(failed)
}

/// The tests that have failed, by what a runner says in the end (libtest, and that of wasm-bindgen). `None` where that
/// does not fit together: it did not come to the end, or another program has spoken in between.
fn failed(output: &str) -> Option<Vec<String>> {
    let lines = output.lines().collect::<Vec<_>>();
    let result = only(&lines, |line| line.starts_with("test result: "))?;
    let count = count(lines[result], " failed")?;
    let list = lines[..result].iter().rposition(|line| *line == "failures:")?;
    let listed = lines[list + 1..result].iter().filter(|line| !line.is_empty());
    let names = listed.map(|line| line.strip_prefix("    ").map(str::to_owned));
    let names = names.collect::<Option<Vec<_>>>()?;
    (!names.is_empty() && names.len() == count).then_some(names)
}

/// Whether exactly one test has run, and has passed: a name that fits none would pass too.
fn has_passed(output: &str) -> bool {
    let lines = output.lines().collect::<Vec<_>>();
    let result = only(&lines, |line| line.starts_with("test result: "));
    result.is_some_and(|result| {
        count(lines[result], " passed") == Some(1) && count(lines[result], " failed") == Some(0)
    })
}

/// The place of the only line that is so.
fn only(lines: &[&str], is_so: impl Fn(&str) -> bool) -> Option<usize> {
    let mut places = lines.iter().enumerate().filter(|(_, line)| is_so(line));
    let (place, _) = places.next()?;
    places.next().is_none().then_some(place)
}

/// The number before a word of `test result: FAILED. 150 passed; 1 failed; …`.
fn count(result: &str, word: &str) -> Option<usize> {
    let before = result.split(';').find_map(|part| part.strip_suffix(word))?;
    before.rsplit(' ').next()?.parse().ok()
}

fn counted(count: usize) -> String {
    if count == 1 { "one test has".to_owned() } else { format!("{count} tests have") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As libtest ends, with what a test has printed before it failed.
    const TWO_OF_151: &str = "\
running 151 tests
test basic::both_see_each_message_once ... ok
test outage::try_now ... FAILED
test storm::on_graphql ... FAILED

failures:

---- outage::try_now stdout ----
failures:
    none of ours
picture of the failure: /target/e2e-failures/outage-try_now-1.png

failures:
    outage::try_now
    storm::on_graphql

test result: FAILED. 149 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 300.12s

error: test failed, to rerun pass `-p roomlet-e2e --test journeys`
";

    /// As the runner of wasm-bindgen ends.
    const IN_A_BROWSER: &str = "\
test web::keeping::a_draft ... FAIL

failures:

---- web::keeping::a_draft output ----
    error output:
        panicked at tests/web/keeping.rs:1:1:

failures:

    web::keeping::a_draft

test result: FAILED. 60 passed; 1 failed; 0 ignored; 0 filtered out; finished in 20.10s

";

    #[test]
    fn those_that_failed_are_listed_at_the_end() {
        assert_eq!(
            failed(TWO_OF_151),
            Some(vec!["outage::try_now".to_owned(), "storm::on_graphql".to_owned()])
        );
        assert_eq!(failed(IN_A_BROWSER), Some(vec!["web::keeping::a_draft".to_owned()]));
    }

    #[test]
    fn what_did_not_come_to_its_end_has_no_second_try() {
        assert_eq!(failed("error: could not compile `roomlet-e2e` (lib)\n"), None);
        let cut = TWO_OF_151.split("test result").next().unwrap_or_default();
        assert_eq!(failed(cut), None);
        assert_eq!(failed(&TWO_OF_151.replace("    storm::on_graphql\n", "")), None);
        assert_eq!(failed(&format!("{TWO_OF_151}{IN_A_BROWSER}")), None, "whose are they?");
        assert_eq!(failed("test result: FAILED. 1 passed; 0 failed; 0 ignored\n"), None);
        let noise = TWO_OF_151.replace("    storm::on", "somebody else says storm::on");
        assert_eq!(failed(&noise), None);
    }

    #[test]
    fn a_second_try_that_tried_nothing_has_not_passed() {
        let result = |passed: usize, failed: usize| {
            let word = if failed == 0 { "ok" } else { "FAILED" };
            format!(
                "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 150 filtered out\n"
            )
        };
        assert!(has_passed(&result(1, 0)));
        assert!(!has_passed(&result(0, 0)));
        assert!(!has_passed(&result(1, 1)));
        assert!(!has_passed(&result(11, 0)));
        assert!(!has_passed("no result"));
    }

    /// With a runner that is a script; its arguments begin with `--` where a test is tried alone.
    fn run_script(script: &str) -> Result<Vec<String>, Failure> {
        let runner = Call::new("sh").argument("-c").argument(script).argument("runner");
        run_by(&runner, "--exact", |call| process::capture(&mut call.command()))
    }

    const ALL_FAIL_ALONE_PASS: &str = "\
if [ \"$1\" = -- ]; then
  echo \"alone: $*\"; printf '\\ntest result: ok. 1 passed; 0 failed; 0 ignored\\n'; exit 0
fi
printf 'failures:\\n    a::one\\n    b::two\\n\\ntest result: FAILED. 9 passed; 2 failed; 0 ignored\\n'; exit 101";

    #[test]
    fn what_passes_alone_is_named() {
        let outcome = run_script(ALL_FAIL_ALONE_PASS);
        assert_eq!(outcome, Ok(vec!["a::one".to_owned(), "b::two".to_owned()]));
    }

    #[test]
    fn more_than_a_few_fail_at_once_and_so_does_what_fails_twice() {
        let many = ALL_FAIL_ALONE_PASS
            .replace("b::two", "b::two\\n    c::three\\n    d::four")
            .replace("2 failed", "4 failed");
        assert_eq!(run_script(&many), Err(Failure::Told));
        let again = ALL_FAIL_ALONE_PASS.replace("exit 0", "[ $3 != b::two ]; exit");
        assert_eq!(run_script(&again), Err(Failure::Told));
        let nothing = ALL_FAIL_ALONE_PASS.replace("1 passed", "0 passed");
        assert_eq!(run_script(&nothing), Err(Failure::Told));
    }
}
