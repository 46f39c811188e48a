//! The installation with a cargo and an npm that are shell scripts: interrupted, without a network, twice at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use tempfile::TempDir;

use super::super::pinned::Pinned;
use super::*;

/// A cargo that installs a trunk of the asked version (`install --locked --version V --root DIR trunk`).
const WORKING_CARGO: &str = r#"echo call >> "$0.calls"
mkdir -p "$6/bin"
printf '#!/bin/sh\necho trunk %s\n' "$4" > "$6/bin/trunk"
chmod +x "$6/bin/trunk""#;

#[test]
fn a_tool_on_the_path_in_the_right_version_is_used() {
    let machine = Machine::new();
    machine.program("trunk", "echo trunk 0.21.14");
    assert_eq!(machine.installer.find(&trunk()), Some(machine.programs()));
}

#[test]
fn a_tool_on_the_path_in_another_version_is_passed_over() {
    let machine = Machine::new();
    machine.program("trunk", "echo trunk 0.21.13");
    machine.program("cargo", WORKING_CARGO);
    assert_eq!(machine.installer.find(&trunk()), None);

    let folder = machine.installer.install(&trunk()).expect("it installs");

    assert_eq!(folder, machine.tools().join("trunk-0.21.14/bin"));
    assert_eq!(machine.installer.find(&trunk()), Some(folder));
}

#[test]
fn a_tool_that_lacks_one_of_its_programs_is_passed_over() {
    let machine = Machine::new();
    machine.program("wasm-bindgen", "echo wasm-bindgen 0.2.130");
    let pinned = Pinned::with_wasm_bindgen("0.2.130".to_owned());
    let [_, wasm_bindgen, _] = pinned.all();
    assert_eq!(machine.installer.find(wasm_bindgen), None);

    machine.program("wasm-bindgen-test-runner", "true");
    assert_eq!(machine.installer.find(wasm_bindgen), Some(machine.programs()));
}

#[test]
fn an_interrupted_installation_does_not_count() {
    let machine = Machine::new();
    // The program is in place and even runs when the installation dies.
    machine.program("cargo", &format!("{WORKING_CARGO}\nkill -9 $$"));
    machine.installer.install(&trunk()).expect_err("it was interrupted");
    assert_eq!(machine.installer.find(&trunk()), None);

    machine.program("cargo", WORKING_CARGO);
    machine.installer.install(&trunk()).expect("the second time it installs");

    assert!(machine.installer.find(&trunk()).is_some());
    let left = fs::read_dir(machine.tools()).expect("the folder is there").flatten();
    let partial = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(PARTIAL));
    assert_eq!(partial.count(), 0, "nothing partial is left");
}

#[test]
fn a_broken_folder_in_the_place_of_a_tool_is_replaced() {
    let machine = Machine::new();
    machine.program("cargo", WORKING_CARGO);
    let bin = machine.tools().join("trunk-0.21.14/bin");
    fs::create_dir_all(&bin).expect("a folder");
    write_program(&bin.join("trunk"), "exit 1");
    assert_eq!(machine.installer.find(&trunk()), None);

    assert_eq!(machine.installer.install(&trunk()), Ok(bin));
}

#[test]
fn no_network_is_one_sentence_that_names_the_log() {
    let machine = Machine::new();
    machine.program(
        "cargo",
        "echo 'error: failed to query replaced source registry `crates-io`' >&2
         echo '  [6] Could not resolve hostname (Could not resolve host: index.crates.io)' >&2
         exit 101",
    );

    let failure = machine.installer.install(&trunk()).expect_err("there is no network").to_string();

    let log = machine.home.path().join("target/tools/trunk-0.21.14.log");
    assert_eq!(
        failure,
        format!(
            "could not install trunk 0.21.14: the registry could not be reached; connect to the network and run this again (log: {})",
            log.display()
        )
    );
    assert!(fs::read_to_string(log).expect("the log is there").contains("[6] Could not resolve"));
}

#[test]
fn a_tool_that_does_not_compile_is_not_blamed_on_the_network() {
    let machine = Machine::new();
    machine.program("cargo", "echo 'error[E0308]: mismatched types' >&2; exit 101");
    let failure = machine.installer.install(&trunk()).expect_err("it does not compile").to_string();
    assert!(failure.contains("the reason is at the end of the log"), "{failure}");
    assert!(!failure.contains("network"), "{failure}");
}

#[test]
fn a_registry_that_gives_another_version_is_noticed() {
    let machine = Machine::new();
    machine.program("cargo", &WORKING_CARGO.replace(r#""$4""#, "0.22.1"));
    let failure =
        machine.installer.install(&trunk()).expect_err("the version is wrong").to_string();
    assert!(failure.contains("has another version"), "{failure}");
    assert_eq!(machine.installer.find(&trunk()), None);
}

#[test]
fn two_at_once_install_once() {
    let machine = Machine::new();
    machine.program("cargo", WORKING_CARGO);

    let folders: Vec<_> = thread::scope(|scope| {
        let first = scope.spawn(|| machine.installer.install(&trunk()));
        let second = scope.spawn(|| machine.installer.install(&trunk()));
        [first, second].map(|thread| thread.join().expect("no panic")).into()
    });

    let place = machine.tools().join("trunk-0.21.14/bin");
    assert_eq!(folders, [Ok(place.clone()), Ok(place)]);
    let calls = fs::read_to_string(machine.programs().join("cargo.calls")).expect("cargo ran");
    assert_eq!(calls.lines().count(), 1);
}

#[test]
fn npm_installs_below_its_own_folder() {
    let machine = Machine::new();
    machine.program(
        "npm",
        r#"[ "$6" = binaryen@132.0.0 ] || exit 1
mkdir -p "$5/node_modules/.bin"
printf '#!/bin/sh\necho "wasm-opt version 132 (version_132)"\n' > "$5/node_modules/.bin/wasm-opt"
chmod +x "$5/node_modules/.bin/wasm-opt""#,
    );
    let pinned = Pinned::with_wasm_bindgen("0.2.130".to_owned());
    let [_, _, wasm_opt] = pinned.all();

    let folder = machine.installer.install(wasm_opt).expect("it installs");

    assert_eq!(folder, machine.tools().join("binaryen-132.0.0/node_modules/.bin"));
    assert_eq!(machine.installer.find(wasm_opt), Some(folder));
}

#[test]
fn settings_of_other_builds_do_not_reach_the_installation() {
    let machine = Machine::new();
    machine.program("cargo", "true");
    let command =
        machine.installer.installation(&trunk(), &machine.tools().join("here")).expect("a command");

    let removed: Vec<_> = command
        .get_envs()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    for name in ["RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS"] {
        assert!(removed.contains(&name.to_owned()), "{name} is in {removed:?}");
    }
}

/// A home and a `PATH` of our own, in which the only foreign programs are those of the base system.
struct Machine {
    home: TempDir,
    installer: Installer,
}

impl Machine {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let programs = home.path().join("programs");
        let folder = home.path().join("roomlet-tools");
        for folder in [&programs, &folder] {
            fs::create_dir_all(folder).expect("a folder");
        }
        // The folders of the base system come last; whatever trunk lives there has not the version of a test's own.
        let search_path =
            env::join_paths([programs.as_path(), Path::new("/usr/bin"), Path::new("/bin")]);
        let installer = Installer {
            search_path: search_path.expect("a search path"),
            folder,
            workshop: home.path().join("target/tools"),
        };
        Self { home, installer }
    }

    fn program(&self, name: &str, script: &str) {
        write_program(&self.programs().join(name), script);
    }

    fn programs(&self) -> PathBuf {
        self.home.path().join("programs")
    }

    fn tools(&self) -> PathBuf {
        self.home.path().join("roomlet-tools")
    }
}

fn trunk() -> Tool {
    let [trunk, _, _] = Pinned::with_wasm_bindgen("0.2.130".to_owned()).all().map(Tool::clone);
    trunk
}

fn write_program(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("an executable script");
}
