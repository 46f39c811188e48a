//! `cargo xtask fuzz`: the fuzz targets, built as cargo-fuzz builds them without a sanitizer, each for some seconds.
//!
//! The same flags are given to the compiler here, so that nobody needs cargo-fuzz for this: to compile it takes longer
//! than to run all targets. With it, `cargo fuzz run --sanitizer none TARGET` does the same for as long as one likes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use crate::call::Call;
use crate::debian;
use crate::failure::Failure;
use crate::process;
use crate::tools::find_program;
use crate::workspace::Workspace;

/// What a check of `cargo xtask test` takes for each target.
pub(crate) const SECONDS_OF_A_CHECK: u32 = 3;

/// What cargo-fuzz 0.13 gives to the compiler for `--sanitizer none` in a release build: coverage for libFuzzer,
/// comparisons that it can learn from, and checks. In its order, so that both can use one target folder.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg fuzzing",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];
/// The size of the stack is only counted on Linux.
const STACK_FLAG: &str = "-Cllvm-args=-sanitizer-coverage-stack-depth";
const LAST_FLAGS: [&str; 2] = ["-Cdebug-assertions", "-Ccodegen-units=1"];

/// An input that takes longer than this, in seconds, has found a loop.
const TIMEOUT: u32 = 20;

/// The longest input, in bytes.
const MAX_BYTES: u32 = 2_000;

/// Whether chance decides what is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seed {
    /// The same inputs each time, as far as the machine is as fast: a check should not fail by chance.
    Fixed,
    /// Others each time.
    Random,
}

/// Builds the targets and runs each, as many at once as there are cores; all of them if none is named.
pub(crate) fn run(
    workspace: &Workspace,
    seconds: u32,
    seed: Seed,
    names: &[String],
) -> Result<(), Failure> {
    let all = targets(workspace)?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(Failure::because(format!(
            "there is no fuzz target `{unknown}`: name one of {}",
            all.join(", ")
        )));
    }
    let chosen = if names.is_empty() { &all } else { names };
    find_compiler(workspace)?;
    let programs = build(workspace, chosen)?;
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    for names in chosen.chunks(at_once) {
        let run = |name| run_one(workspace, &programs, name, seconds, seed);
        let outcomes = thread::scope(|scope| {
            let running = names.iter().map(|name| scope.spawn(move || run(name)));
            let running = running.collect::<Vec<_>>().into_iter();
            let died = |_| Err(Failure::because("a thread has died: run this again"));
            running.map(|one| one.join().unwrap_or_else(died)).collect::<Vec<_>>()
        });
        outcomes.into_iter().collect::<Result<(), Failure>>()?;
    }
    Ok(())
}

fn run_one(
    workspace: &Workspace,
    programs: &Path,
    name: &str,
    seconds: u32,
    seed: Seed,
) -> Result<(), Failure> {
    let call = call(workspace, programs, name, seconds, seed)?;
    let started = Instant::now();
    let ran = process::capture(&mut workspace.command(&call))?;
    if !ran.status.success() {
        print!("{}", ran.output);
        return Err(Failure::because(failure(&ran.output, programs, name)));
    }
    println!("{name}: {} in {:.1} s", summary(&ran.output), started.elapsed().as_secs_f64());
    Ok(())
}

/// The targets, by their files.
fn targets(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let folder = workspace.root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| cannot("read", &folder, &error))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let names = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let mut names = names.collect::<Vec<_>>();
    names.sort();
    Ok(names)
}

/// libFuzzer is C++, and its crate compiles it.
fn find_compiler(workspace: &Workspace) -> Result<(), Failure> {
    let search_path = env::var_os("PATH").unwrap_or_default();
    let is_there = || find_program("c++", &search_path).is_some() || env::var_os("CXX").is_some();
    if is_there() || (debian::install(workspace, "g++")? && is_there()) {
        return Ok(());
    }
    Err(Failure::because(
        "there is no C++ compiler, and the fuzz targets need libFuzzer, which is C++: install one (on Debian, `apt-get install g++` as root), then run this again",
    ))
}

/// Builds targets; returns the folder of their programs.
fn build(workspace: &Workspace, names: &[String]) -> Result<PathBuf, Failure> {
    let host = host(workspace)?;
    let stack = host.contains("-linux-").then_some(STACK_FLAG);
    let flags = FLAGS.into_iter().chain(stack).chain(LAST_FLAGS).collect::<Vec<_>>().join(" ");
    let folder = workspace.target_directory().join("fuzz");
    // Flags for a target that is named do not reach build scripts.
    let mut build = Call::new("cargo")
        .words("build --quiet --locked --release --manifest-path fuzz/Cargo.toml --target")
        .argument(&host)
        .variable("RUSTFLAGS", flags)
        .variable("CARGO_TARGET_DIR", folder.to_string_lossy());
    for name in names {
        build = build.words("--bin").argument(name);
    }
    println!("building {} fuzz targets", names.len());
    let mut command = workspace.command(&build);
    command.env("CARGO_TARGET_DIR", &folder);
    if process::run(&mut command)?.success() {
        Ok(folder.join(host).join("release"))
    } else {
        Err(Failure::because("the fuzz targets do not build: mend what the compiler names above"))
    }
}

fn host(workspace: &Workspace) -> Result<String, Failure> {
    let version = process::capture(&mut workspace.command(&Call::new("rustc").words("-vV")))?;
    let host = version.output.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.map(str::to_owned);
    host.ok_or_else(|| Failure::because("rustc does not name its host: install Rust with rustup"))
}

/// What it finds goes to a folder that is not kept in git, and where it starts the next time.
fn call(
    workspace: &Workspace,
    programs: &Path,
    name: &str,
    seconds: u32,
    seed: Seed,
) -> Result<Call, Failure> {
    let found = workspace.target_directory().join("fuzz/corpus").join(name);
    let artifacts = workspace.root().join("fuzz/artifacts").join(name);
    if seed == Seed::Fixed {
        // What an earlier run has found would make it another run.
        let _ = fs::remove_dir_all(&found);
    }
    for folder in [&found, &artifacts] {
        fs::create_dir_all(folder).map_err(|error| cannot("create", folder, &error))?;
    }
    let call = Call::new(programs.join(name))
        .words("-print_final_stats=1")
        .argument(format!("-max_total_time={seconds}"))
        .argument(format!("-timeout={TIMEOUT}"))
        // Long inputs from the beginning: short ones say little of a client that has lived.
        .words("-len_control=0")
        .argument(format!("-max_len={MAX_BYTES}"))
        .argument(format!("-artifact_prefix=fuzz/artifacts/{name}/"));
    let call = if seed == Seed::Fixed { call.words("-seed=1") } else { call };
    Ok(call.argument(found.to_string_lossy()).argument(format!("fuzz/corpus/{name}")))
}

/// Executions and coverage as libFuzzer reports them.
fn summary(output: &str) -> String {
    let statistic = |name: &str| {
        let value = output.lines().find_map(|line| line.trim().strip_prefix(name));
        value.map_or("?", str::trim)
    };
    let executions = statistic("stat::number_of_executed_units:");
    let per_second = statistic("stat::average_exec_per_sec:");
    let coverage = output.lines().rev().find_map(|line| line.split_once("cov: "));
    let coverage = coverage.map(|(_, rest)| rest.split(" corp:").next().unwrap_or(rest));
    format!("{executions} executions ({per_second} a second), cov: {}", coverage.unwrap_or("?"))
}

/// The sentence for a target that has found something.
fn failure(output: &str, programs: &Path, name: &str) -> String {
    let artifact = output.lines().find_map(|line| line.split_once("Test unit written to "));
    match artifact.map(|(_, path)| path.trim()) {
        Some(artifact) => {
            let replay = Call::new(programs.join(name)).argument(artifact);
            format!(
                "{name} has found {artifact}: mend it, with a test that fails first; `{replay}` repeats it, and so does `cargo fuzz run --sanitizer none {name} {artifact}` with its input in words"
            )
        }
        None => format!("{name} could not be run: its words are above"),
    }
}

fn cannot(what: &str, folder: &Path, error: &std::io::Error) -> Failure {
    let folder = folder.display();
    Failure::because(format!(
        "the folder {folder} cannot be {what} ({error}): mend that, then run this again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "INFO: Seed: 1
#2\tINITED cov: 700 ft: 900 corp: 1/1b exec/s: 0 rss: 40Mb
#4096\tpulse  cov: 812 ft: 1303 corp: 40/2Kb lim: 4096 exec/s: 2048 rss: 44Mb
Done 5000 runs in 4 second(s)
stat::number_of_executed_units: 5000
stat::average_exec_per_sec:     1250
";

    #[test]
    fn executions_and_coverage_are_those_of_the_end() {
        assert_eq!(summary(OUTPUT), "5000 executions (1250 a second), cov: 812 ft: 1303");
    }

    #[test]
    fn a_finding_is_named_with_the_command_that_repeats_it() {
        let output = "thread panicked\nartifact_prefix='fuzz/artifacts/times/'; Test unit written to fuzz/artifacts/times/crash-1\nBase64: MQ==";
        let sentence = failure(output, Path::new("/build"), "times");
        assert!(sentence.starts_with("times has found fuzz/artifacts/times/crash-1: "));
        assert!(sentence.contains("`/build/times fuzz/artifacts/times/crash-1`"), "{sentence}");
        assert!(
            sentence.contains("cargo fuzz run --sanitizer none times fuzz/artifacts/times/crash-1")
        );
    }

    #[test]
    fn the_targets_are_those_of_the_manifest() {
        let workspace = Workspace::discover().expect("this checkout");
        let manifest =
            fs::read_to_string(workspace.root().join("fuzz/Cargo.toml")).expect("a manifest");
        let manifest = toml::from_str::<toml::Table>(&manifest).expect("TOML");
        let binaries = manifest["bin"].as_array().expect("a list").iter();
        let mut named = binaries.filter_map(|one| one["name"].as_str()).collect::<Vec<_>>();
        named.sort_unstable();
        assert_eq!(targets(&workspace), Ok(named.into_iter().map(str::to_owned).collect()));
    }

    #[test]
    fn a_target_that_there_is_not_is_refused_with_those_there_are() {
        let workspace = Workspace::discover().expect("this checkout");
        let run = run(&workspace, 1, Seed::Fixed, &["tmes".to_owned()]);
        let Err(Failure::Because(sentence)) = run else { panic!("{run:?}") };
        assert!(sentence.starts_with("there is no fuzz target `tmes`: name one of "));
        assert!(sentence.ends_with("times, tokens"), "{sentence}");
    }
}
