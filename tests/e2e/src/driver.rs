//! The program between WebDriver and a browser: one for all journeys that run at a time.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Weak};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// What the drivers of Chromium say before the number of their port.
const STARTED: &str = "started successfully on port ";

/// A driver that runs. The process ends with the last one who holds it.
#[derive(Debug)]
pub(crate) struct Driver {
    port: u16,
    _process: Child,
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
        let mut process = Command::new(program)
            .arg("--port=0")
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
                return Self { port, _process: process };
            }
        }
        panic!("{} ended before it named its port: run it by hand to see why", program.display());
    }
}
