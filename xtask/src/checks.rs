//! `cargo xtask test`: every check, cheap ones first.

use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::browser::Browser;
use crate::call::Call;
use crate::failure::Failure;
use crate::fuzz::{self, Seed};
use crate::page::{self, Page};
use crate::process;
use crate::second_try;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// The runner's own limit for all tests of a file is 20 seconds, too little for a busy machine.
const BROWSER_TEST_SECONDS: &str = "300";

/// One check, with the name a person reads.
#[derive(Debug)]
struct Check {
    name: &'static str,
    work: Work,
}

#[derive(Debug)]
enum Work {
    /// A command that can be repeated as it is shown.
    Run(Call),
    /// Tests in a browser, by a call of `cargo test` and the flags with which the runner takes one by itself.
    RunTests(Call, &'static str),
    /// The fuzz targets, for a moment each.
    Fuzz,
    /// The page that the end-to-end tests open.
    BuildDemo(Tools),
}

/// Runs all checks until one fails; `fast` leaves out those that need a browser or trunk.
pub(crate) fn run(workspace: &Workspace, fast: bool) -> Result<(), Failure> {
    let mut checks = on_the_host();
    if fast {
        tools::add_wasm_target(workspace)?;
    } else {
        let tools = Tools::prepare(workspace)?;
        let browser = Browser::prepare(workspace)?;
        checks.push(Check { name: "fuzz targets", work: Work::Fuzz });
        checks.extend(with_clients_of_others(workspace));
        checks.extend(in_a_browser(workspace, &tools, &browser)?);
    }

    let start = Instant::now();
    let mut second_tries = Vec::new();
    for (passed, check) in checks.iter().enumerate() {
        println!("\n== {}", check.name);
        let started = Instant::now();
        let outcome = check.run(workspace);
        match outcome {
            Ok(tests) => second_tries.extend(tests),
            Err(Failure::Interrupted) => return Err(Failure::Interrupted),
            Err(failure) => {
                if failure != Failure::Told {
                    eprintln!("error: {failure}");
                }
                println!("\nfailed: {} ({})", check.name, seconds(started.elapsed()));
                println!("to repeat it alone: {}", check.repeated(workspace));
                println!("{passed} passed, 1 failed");
                return Err(Failure::Told);
            }
        }
        println!("ok: {} ({})", check.name, seconds(started.elapsed()));
    }
    println!("\nall checks passed in {}", seconds(start.elapsed()));
    println!("{} passed, 0 failed", checks.len());
    if !second_tries.is_empty() {
        println!("passed only on the second try, to be mended: {}", second_tries.join(", "));
    }
    Ok(())
}

fn on_the_host() -> Vec<Check> {
    let cargo = |line: &str| Call::new("cargo").words(line);
    let wasm_lints = "clippy --target wasm32-unknown-unknown -p roomlet --all-targets --features page -- -D warnings";
    let checks = [
        ("format", cargo("fmt --all --check")),
        ("lints, host", cargo("clippy --workspace --all-targets --all-features -- -D warnings")),
        (
            "lints, wasm32",
            // What reads a page's own backend is compiled only where that is allowed.
            cargo(wasm_lints)
                .variable("CLIPPY_CONF_DIR", "xtask/clippy-wasm")
                .variable("ROOMLET_ALLOW_PAGE_BACKEND", "true"),
        ),
        ("docs", cargo("doc --no-deps --workspace").variable("RUSTDOCFLAGS", "-Dwarnings")),
        // The widget's own tests need a browser, and compiling it for the host once more takes minutes.
        // With the end-to-end tests among them, cargo would compile everything with features that only those have
        // (`preserve_order` of serde_json), and something else would be tested than what ships.
        (
            "host tests",
            cargo("test --workspace --exclude roomlet --exclude roomlet-e2e --all-features"),
        ),
        ("mutations", cargo("xtask mutate")),
    ];
    checks.map(|(name, call)| Check { name, work: Work::Run(without_configuration(call)) }).into()
}

/// AWS's own JavaScript client and others against the local backend.
fn with_clients_of_others(workspace: &Workspace) -> [Check; 2] {
    let npm = |line: &str| {
        Call::new("npm").words("--prefix crates/local-backend/tests/official").words(line)
    };
    let backend = local_backend(workspace);
    let install = npm("install --no-package-lock --no-audit --no-fund");
    let run = npm("test").variable("ROOMLET_LOCAL", backend.to_string_lossy());
    [
        Check { name: "clients of others, from npm", work: Work::Run(install) },
        Check { name: "clients of others", work: Work::Run(without_configuration(run)) },
    ]
}

/// The local backend's program, which the host tests have built.
fn local_backend(workspace: &Workspace) -> PathBuf {
    workspace.target_directory().join("debug/roomlet-local")
}

fn in_a_browser(
    workspace: &Workspace,
    tools: &Tools,
    browser: &Browser,
) -> Result<[Check; 3], Failure> {
    let capabilities = workspace.target_directory().join("webdriver.json");
    browser.write_capabilities(&capabilities)?;
    let driver = browser.driver.to_string_lossy();
    let runner = tools.test_runner().to_string_lossy();
    let browser_tests = Call::new("cargo")
        .words("test --target wasm32-unknown-unknown -p roomlet --test web")
        .variable("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .variable("CHROMEDRIVER", driver.clone())
        .variable("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TEST_SECONDS)
        .variable("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities.to_string_lossy());
    let end_to_end = Call::new("cargo")
        .words("test -p roomlet-e2e")
        .variable("E2E_DIST", page::end_to_end_dist(workspace).to_string_lossy())
        .variable("E2E_BACKEND", local_backend(workspace).to_string_lossy())
        .variable("E2E_CHROMEDRIVER", driver)
        .variable("E2E_CHROMIUM", browser.program.to_string_lossy());
    Ok([
        Check {
            name: "browser tests",
            work: Work::RunTests(without_configuration(browser_tests), "--exact"),
        },
        Check { name: "demo page, release", work: Work::BuildDemo(tools.clone()) },
        Check {
            name: "end-to-end tests",
            work: Work::RunTests(without_configuration(end_to_end), "--test-threads 1 --exact"),
        },
    ])
}

/// Keeps a person's own `ROOMLET_*` variables from a check: they would be compiled into what is tested.
fn without_configuration(call: Call) -> Call {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("ROOMLET_")).fold(call, Call::without)
}

impl Check {
    /// Returns the names of tests that have passed only on the second try.
    fn run(&self, workspace: &Workspace) -> Result<Vec<String>, Failure> {
        match &self.work {
            Work::Run(call) => {
                let status = process::run(&mut workspace.command(call))?;
                if !status.success() {
                    return Err(Failure::Told);
                }
            }
            Work::RunTests(call, alone) => return second_try::run(workspace, call, alone),
            Work::Fuzz => fuzz::run(workspace, fuzz::SECONDS_OF_A_CHECK, Seed::Fixed, &[])?,
            Work::BuildDemo(tools) => {
                let dist = page::end_to_end_dist(workspace);
                page::trunk_build(workspace, tools, Page::Demo, &dist, &END_TO_END)?;
            }
        }
        Ok(Vec::new())
    }

    /// The line that runs this check alone, from the root of the checkout.
    fn repeated(&self, workspace: &Workspace) -> String {
        match &self.work {
            Work::Run(call) | Work::RunTests(call, _) => call.to_string(),
            Work::Fuzz => {
                let seconds = fuzz::SECONDS_OF_A_CHECK.to_string();
                Call::new("cargo").words("xtask fuzz --seconds").argument(seconds).to_string()
            }
            Work::BuildDemo(_) => {
                let dist = page::end_to_end_dist(workspace);
                let call = Call::new("cargo")
                    .words("xtask build --demo --dist")
                    .argument(dist.to_string_lossy());
                let call =
                    END_TO_END.iter().fold(call, |call, (name, value)| call.variable(name, *value));
                call.to_string()
            }
        }
    }
}

/// Each end-to-end test has a backend on a port of its own, which only the page can name. The demo's AppSync backends
/// come from a file like Amplify's, so that the tests can look for what must not be built in.
const END_TO_END: [(&str, &str); 4] = [
    ("ROOMLET_ALLOW_PAGE_BACKEND", "true"),
    ("ROOMLET_AMPLIFY_OUTPUTS", "tests/e2e/fixtures/amplify_outputs.json"),
    ("ROOMLET_BACKEND", "api-gateway"),
    ("ROOMLET_ENDPOINT", "ws://127.0.0.1:8787/prod"),
];

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheap_checks_come_first_and_name_the_command_to_repeat() {
        let workspace = Workspace::discover().expect("this checkout");
        let shown: Vec<(&str, String)> =
            on_the_host().iter().map(|check| (check.name, check.repeated(&workspace))).collect();
        assert_eq!(shown.first().map(|(name, _)| *name), Some("format"));
        assert_eq!(
            shown.get(3).map(|(_, line)| line.as_str()),
            Some("RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace")
        );
    }

    #[test]
    fn a_check_that_fails_has_told_why() {
        let workspace = Workspace::discover().expect("this checkout");
        let check = |program: &str| Check { name: "a check", work: Work::Run(Call::new(program)) };
        assert_eq!(check("true").run(&workspace), Ok(Vec::new()));
        assert_eq!(check("false").run(&workspace), Err(Failure::Told));
    }
}
