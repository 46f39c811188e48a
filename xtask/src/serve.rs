//! `cargo xtask serve`: the local backend and the demo page, side by side until Ctrl-C.

use std::process::ExitStatus;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::failure::Failure;
use crate::ports;
use crate::process::{self, Report, Watched};
use crate::tools::Tools;
use crate::trunk::{self, Said};
use crate::workspace::Workspace;

/// The port that roomlet.toml names.
const BACKEND_PORT: u16 = 8787;
/// What `GET /` of the local backend begins with.
const BACKEND_NAME: &str = "roomlet-local";
/// In the root, where `cargo clean` does not reach the rooms.
const DATABASE: &str = "roomlet-local.sqlite";
/// Opening a database and a port takes milliseconds; this is for a machine that is busy compiling.
const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Who reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Backend,
    Page,
}

type Reports = (Sender<Report<Name>>, Receiver<Report<Name>>);

/// Starts both, prints the page's address, and stays until a signal comes or one of them ends.
pub(crate) fn serve(workspace: &Workspace, port: u16) -> Result<(), Failure> {
    let outcome = run(workspace, port);
    // Ctrl-C is how this command ends when all is well.
    if process::is_stopping() {
        println!("stopped");
        return Ok(());
    }
    outcome
}

fn run(workspace: &Workspace, port: u16) -> Result<(), Failure> {
    if port == BACKEND_PORT {
        return Err(Failure::because(format!(
            "port {BACKEND_PORT} is the backend's: give --port another number"
        )));
    }
    ports::check_free(port, " or give another port with --port")?;
    let has_backend = is_backend_up();
    if !has_backend {
        ports::check_free(BACKEND_PORT, "")?;
    }
    let tools = Tools::prepare(workspace)?;
    let reports = mpsc::channel();
    let _backend = if has_backend {
        println!("using the local backend that runs on port {BACKEND_PORT} already");
        None
    } else {
        Some(start_backend(workspace, &reports)?)
    };

    println!("building the page (the first time takes a few minutes)");
    // The page's features are those of Trunk.toml, so that a plain `trunk serve` shows the same page.
    let call = trunk::call(&tools).words("serve --port").argument(port.to_string());
    let (sender, receiver) = reports;
    let _page = Watched::start(&mut workspace.command(&call), Name::Page, &sender)?;
    drop(sender);
    follow(&receiver, port)
}

fn is_backend_up() -> bool {
    ports::answer(BACKEND_PORT).is_some_and(|answer| answer.starts_with(BACKEND_NAME))
}

fn start_backend(workspace: &Workspace, (sender, receiver): &Reports) -> Result<Watched, Failure> {
    println!("building the local backend (the first time takes a few minutes)");
    let build = Call::new("cargo").words("build --quiet -p roomlet-local");
    let built = process::capture(&mut workspace.command(&build))?;
    if !built.status.success() {
        eprint!("{}", built.output);
        return Err(Failure::because(
            "the local backend could not be built: mend what cargo names above, then run this again",
        ));
    }
    println!("starting the local backend on port {BACKEND_PORT}, with its rooms in {DATABASE}");
    let call = Call::new(workspace.target_directory().join("debug").join(BACKEND_NAME))
        .words("--port")
        .argument(BACKEND_PORT.to_string())
        .words("--database")
        .argument(workspace.root().join(DATABASE).to_string_lossy());
    let backend = Watched::start(&mut workspace.command(&call), Name::Backend, sender)?;
    let start = Instant::now();
    let mut last_line = String::new();
    while !is_backend_up() {
        for report in receiver.try_iter() {
            match report {
                Report::Line(_, line) => {
                    println!("backend | {line}");
                    last_line = line;
                }
                Report::Ended(name, status) => return Err(ended(name, status, &last_line)),
            }
        }
        if start.elapsed() > START_LIMIT {
            return Err(Failure::because(format!(
                "the local backend did not answer on port {BACKEND_PORT} within {} s: look at its lines above, then run this again",
                START_LIMIT.as_secs()
            )));
        }
        thread::sleep(POLL);
    }
    Ok(backend)
}

/// Shows what both say until one of them ends.
fn follow(reports: &Receiver<Report<Name>>, port: u16) -> Result<(), Failure> {
    let mut builds = Builds::default();
    let mut last_backend_line = String::new();
    let mut is_announced = false;
    let mut built_at: Option<Instant> = None;
    loop {
        match reports.recv_timeout(POLL) {
            Ok(Report::Line(Name::Backend, line)) => {
                println!("backend | {line}");
                last_backend_line = line;
            }
            Ok(Report::Line(Name::Page, line)) => {
                let shown = builds.take(line);
                if let Some(text) = shown {
                    println!("{text}");
                }
                if builds.has_succeeded && built_at.is_none() {
                    built_at = Some(Instant::now());
                }
            }
            Ok(Report::Ended(name, status)) => {
                let last_line = match name {
                    Name::Backend => last_backend_line,
                    Name::Page => builds.remaining(),
                };
                return Err(ended(name, status, &last_line));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::because("nothing runs any more: run this again"));
            }
        }
        if let Some(since) = built_at.filter(|_| !is_announced) {
            if ports::is_open(port) {
                println!(
                    "\n    the page is at http://localhost:{port}/ (Ctrl-C ends everything)\n"
                );
                is_announced = true;
            } else if since.elapsed() > START_LIMIT {
                return Err(Failure::because(format!(
                    "the page was built but port {port} does not answer: run this again with another --port"
                )));
            }
        }
    }
}

fn ended(name: Name, status: ExitStatus, last_line: &str) -> Failure {
    let who = match name {
        Name::Backend => "the local backend",
        Name::Page => "trunk",
    };
    let words =
        if last_line.is_empty() { String::new() } else { format!(", last saying: {last_line}") };
    Failure::because(format!("{who} ended ({status}){words}"))
}

/// Trunk's output, one build at a time: what is said in between is kept back and shown only when the build fails or warns.
#[derive(Debug, Default)]
struct Builds {
    kept: Vec<String>,
    started: Option<Instant>,
    has_succeeded: bool,
}

impl Builds {
    /// Takes a line of trunk, and gives what the person should see now.
    fn take(&mut self, line: String) -> Option<String> {
        match trunk::said(&line) {
            Said::BuildStarted => {
                self.kept.clear();
                self.started = Some(Instant::now());
                self.has_succeeded.then(|| "page    | building again".to_owned())
            }
            Said::BuildSucceeded => {
                let took = self.started.take().map_or(0.0, |start| start.elapsed().as_secs_f64());
                let warnings = warnings(&self.kept);
                self.kept.clear();
                self.has_succeeded = true;
                Some(format!("{warnings}page    | built in {took:.1} s"))
            }
            Said::BuildFailed => {
                self.started = None;
                let kept = self.remaining();
                Some(format!(
                    "{kept}\npage    | does not build: mend what is named above, it is built again when a file changes"
                ))
            }
            Said::Progress => None,
            Said::Other => {
                self.kept.push(line);
                None
            }
        }
    }

    /// What was kept back: the sentences of a refused configuration alone, or all of it.
    fn remaining(&mut self) -> String {
        let kept = std::mem::take(&mut self.kept);
        let refusals = trunk::refusals(kept.iter().map(String::as_str));
        if refusals.is_empty() {
            return kept.join("\n");
        }
        refusals.iter().map(|sentence| format!("error: {sentence}")).collect::<Vec<_>>().join("\n")
    }
}

/// The compiler's warnings with their explanations, without cargo's progress.
fn warnings(lines: &[String]) -> String {
    let is_progress = |line: &&String| {
        let word = line.split_whitespace().next().unwrap_or_default();
        line.starts_with("  ") && word.ends_with("ing") || word == "Finished" || word == "Compiling"
    };
    if !lines.iter().any(|line| line.starts_with("warning")) {
        return String::new();
    }
    lines.iter().filter(|line| !is_progress(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: &str = "2026-11-23T05:20:01.123456Z  INFO 📦 starting build";
    const SUCCEEDED: &str = "2026-11-23T05:20:01.123456Z  INFO ✅ success";
    const FAILED: &str = "2026-11-23T05:20:01.123456Z ERROR ❌ error";

    fn shown(builds: &mut Builds, lines: &[&str]) -> Vec<String> {
        lines.iter().filter_map(|line| builds.take((*line).to_owned())).collect()
    }

    #[test]
    fn a_build_without_trouble_is_one_line() {
        let mut builds = Builds::default();
        let shown = shown(&mut builds, &[STARTED, "   Compiling roomlet v0.1.0", SUCCEEDED]);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].starts_with("page    | built in "), "{shown:?}");
        assert!(builds.has_succeeded);
    }

    #[test]
    fn a_refused_configuration_is_its_sentence() {
        let mut builds = Builds::default();
        let shown = shown(
            &mut builds,
            &[
                STARTED,
                "   Compiling roomlet v0.1.0",
                "error: roomlet@0.1.0: ROOMLET_BACKEND is unknown: write api-gateway",
                "error: build script logged errors",
                FAILED,
            ],
        );
        assert_eq!(shown.len(), 1);
        assert!(shown[0].starts_with("error: ROOMLET_BACKEND is unknown: write api-gateway\n"));
        assert!(!shown[0].contains("build script"), "{shown:?}");
        assert!(!builds.has_succeeded);
    }

    #[test]
    fn a_compile_error_is_shown_whole_and_once() {
        let mut builds = Builds::default();
        let first = shown(
            &mut builds,
            &[STARTED, "error[E0308]: mismatched types", "  --> src/a.rs", FAILED],
        );
        assert!(
            first[0].starts_with("error[E0308]: mismatched types\n  --> src/a.rs\n"),
            "{first:?}"
        );
        let second = shown(&mut builds, &[STARTED, SUCCEEDED]);
        assert_eq!(second.len(), 1);
        assert!(!second[0].contains("E0308"), "{second:?}");
    }

    #[test]
    fn warnings_of_a_build_that_succeeds_are_shown() {
        let mut builds = Builds::default();
        let shown = shown(
            &mut builds,
            &[
                STARTED,
                "   Compiling roomlet v0.1.0",
                "warning: unused import",
                "  --> src/a.rs:1",
                SUCCEEDED,
            ],
        );
        assert!(
            shown[0].starts_with("warning: unused import\n  --> src/a.rs:1\npage"),
            "{shown:?}"
        );
    }
}
