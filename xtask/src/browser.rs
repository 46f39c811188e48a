//! A browser and the driver that fits it: what is there, else Debian's, else a sentence.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::debian;
use crate::failure::Failure;
use crate::tools::{find_program, major, version_of};
use crate::workspace::Workspace;

const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const DRIVER: &str = "chromedriver";
/// Debian's pair.
const PACKAGES: &str = "chromium chromium-driver";
const MAC_BROWSER: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// What a browser is told beyond what the test runner tells it by itself: no sandbox, for containers, and no traffic of
/// its own, which a closed network answers with delays.
const ARGUMENTS: [&str; 7] = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-sandbox",
];

/// A browser and a driver of the same major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    pub(crate) program: PathBuf,
    pub(crate) driver: PathBuf,
}

impl Browser {
    /// Finds a fitting pair, or installs Debian's when we may.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self, Failure> {
        let search_path = env::var_os("PATH").unwrap_or_default();
        let missing = match Self::find(&search_path) {
            Ok(browser) => return Ok(browser),
            Err(missing) => missing,
        };
        let packages = debian::is_here().then_some(PACKAGES);
        if !debian::install(workspace, PACKAGES)? {
            return Err(Failure::because(format!(
                "{missing}: {}, then run this again",
                advice(packages)
            )));
        }
        Self::find(&search_path).map_err(|missing| {
            Failure::because(format!("{missing}: {}, then run this again", advice(None)))
        })
    }

    /// A fitting pair on a search path, or what is wrong.
    fn find(search_path: &OsStr) -> Result<Self, String> {
        let driver = find_program(DRIVER, search_path).ok_or("chromedriver is missing")?;
        let driver_version = version_of(&driver).ok_or("chromedriver does not run")?;
        let mut other = None;
        let on_path = BROWSERS.iter().filter_map(|name| find_program(name, search_path));
        for program in
            on_path.chain([PathBuf::from(MAC_BROWSER)].into_iter().filter(|path| path.is_file()))
        {
            match version_of(&program) {
                Some(version) if major(&version) == major(&driver_version) => {
                    return Ok(Self { program, driver });
                }
                Some(version) => other = Some(version),
                None => {}
            }
        }
        Err(match other {
            Some(version) => {
                format!("the browser is version {version} and chromedriver is {driver_version}")
            }
            None => "Chromium is missing".to_owned(),
        })
    }

    /// Writes the file that tells wasm-bindgen's test runner how to start the browser.
    pub(crate) fn write_capabilities(&self, path: &Path) -> Result<(), Failure> {
        let capabilities = json!({
            "goog:chromeOptions": { "args": ARGUMENTS, "binary": self.program.to_string_lossy() }
        });
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).and_then(|()| fs::write(path, capabilities.to_string())).map_err(
            |error| {
                Failure::because(format!(
                    "{} cannot be written ({error}): mend that, then run this again",
                    path.display()
                ))
            },
        )
    }
}

fn advice(packages: Option<&str>) -> String {
    match packages {
        Some(packages) => format!("run `apt-get install {packages}` as root"),
        None => "install Chrome or Chromium and the chromedriver of the same version (https://googlechromelabs.github.io/chrome-for-testing)"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn machine(programs: &[(&str, &str)]) -> TempDir {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, says) in programs {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).expect("a script");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        }
        folder
    }

    #[test]
    fn the_browser_that_fits_the_driver_is_chosen() {
        let folder = machine(&[
            ("chromium", "Chromium 154.0.1.1"),
            ("google-chrome", "Google Chrome 156.0.8078.1"),
            ("chromedriver", "ChromeDriver 156.0.8078.79 (abc)"),
        ]);
        let browser = Browser::find(folder.path().as_os_str()).expect("a pair");
        assert_eq!(browser.program, folder.path().join("google-chrome"));
        assert_eq!(browser.driver, folder.path().join("chromedriver"));
    }

    #[test]
    fn a_driver_without_its_browser_is_explained() {
        let folder = machine(&[
            ("chromedriver", "ChromeDriver 156.0.1.1"),
            ("chromium", "Chromium 154.0.2.2"),
        ]);
        assert_eq!(
            Browser::find(folder.path().as_os_str()),
            Err("the browser is version 154.0.2.2 and chromedriver is 156.0.1.1".to_owned())
        );
    }

    #[test]
    fn a_machine_without_a_driver_is_told_so() {
        let folder = machine(&[("chromium", "Chromium 154.0.2.2")]);
        assert_eq!(
            Browser::find(folder.path().as_os_str()),
            Err("chromedriver is missing".to_owned())
        );
    }

    #[test]
    fn the_test_runner_gets_the_browser_that_was_chosen() {
        let folder = machine(&[]);
        let browser = Browser { program: "/opt/a browser".into(), driver: "/opt/driver".into() };
        let path = folder.path().join("below/webdriver.json");

        browser.write_capabilities(&path).expect("it is written");

        let text = fs::read_to_string(path).expect("a file");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["goog:chromeOptions"]["binary"], "/opt/a browser");
        assert!(read["goog:chromeOptions"]["args"].as_array().is_some_and(|all| all.len() == 7));
    }
}
