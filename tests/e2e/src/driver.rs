//! The program between WebDriver and a browser: one for all journeys that run at a time.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// What the drivers of Chromium say before the number of their port.
const STARTED: &str = "started successfully on port ";

/// Between two looks whether they have.
const PAUSE: Duration = Duration::from_millis(10);
/// How long browsers may take to end when their driver does.
const FAREWELL: Duration = Duration::from_secs(5);

/// A driver that runs. The process ends with the last one who holds it, and so does everything that the browsers
/// have kept: chromedriver leaves their profiles behind.
#[derive(Debug)]
pub(crate) struct Driver {
    port: u16,
    process: Child,
    profiles: TempDir,
}

impl Driver {
    /// The driver that runs already, or a new one on a free port.
    pub(crate) async fn shared(program: &Path) -> Arc<Self> {
        static SHARED: Mutex<Weak<Driver>> = Mutex::const_new(Weak::new());
        let mut shared = SHARED.lock().await;
        if let Some(driver) = shared.upgrade() {
            return driver;
        }
        let driver = Arc::new(Self::start(program).await);
        *shared = Arc::downgrade(&driver);
        driver
    }

    /// Where WebDriver clients find it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn start(program: &Path) -> Self {
        let profiles = tempfile::Builder::new().prefix("roomlet-e2e-").tempdir();
        let profiles = profiles.expect("a temporary folder");
        let mut process = Command::new(program)
            .arg("--port=0")
            // Browsers inherit it.
            .env("TMPDIR", profiles.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} cannot be started ({error}): install it or name it in E2E_CHROMEDRIVER",
                    program.display()
                )
            });
        let output = process.stdout.take().expect("the output is piped");
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await.expect("the driver speaks text") {
            let port = line.split_once(STARTED).map(|(_, rest)| rest.trim_end_matches('.'));
            if let Some(port) = port {
                let port = port.parse().expect("the driver names its port by a number");
                return Self { port, process, profiles };
            }
        }
        panic!("{} ended before it named its port: run it by hand to see why", program.display());
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        let _ = self.process.start_kill();
        let start = Instant::now();
        while !matches!(self.process.try_wait(), Ok(Some(_))) && start.elapsed() < FAREWELL {
            std::thread::sleep(PAUSE);
        }
        // A browser that is just ending may still write.
        while std::fs::remove_dir_all(self.profiles.path()).is_err()
            && self.profiles.path().exists()
            && start.elapsed() < FAREWELL
        {
            std::thread::sleep(PAUSE);
        }
    }
}
