//! The local backend as people run it: a program that can be killed.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use crate::visit::Visit;
use crate::writer::Writer;

/// What the program takes unless a flag says otherwise.
const API_KEY: &str = "da2-local";

/// A backend program on a port of its own, with a database that survives it.
#[derive(Debug)]
pub struct BackendProcess {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

impl BackendProcess {
    /// Builds the program where that is needed, and starts it.
    pub async fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut process = Self { folder, port: 0, running: None };
        process.start_again().await;
        process
    }

    /// A visit to the full dialect.
    pub fn full(&self) -> Visit {
        Visit::to(&format!("ws://127.0.0.1:{}/prod", self.port))
    }

    /// A visit to AppSync GraphQL with the full schema.
    pub fn graphql(&self) -> Visit {
        Visit::to_graphql(&format!("127.0.0.1:{}", self.port), "/graphql").by_api_key(API_KEY)
    }

    /// A visit to the stamped namespace of AppSync Events.
    pub fn stamped(&self) -> Visit {
        Visit::to_events(&format!("127.0.0.1:{}", self.port), "chat", "stamped").by_api_key(API_KEY)
    }

    /// Somebody who writes by another program.
    pub fn writer(&self, name: &str) -> Writer {
        Writer::at(&format!("127.0.0.1:{}", self.port), API_KEY, name)
    }

    /// Ends it as a power cut does (SIGKILL).
    pub async fn kill(&mut self) {
        let mut running = self.running.take().expect("it runs");
        running.kill().await.expect("it can be killed");
    }

    /// Starts it on the port and the database that it had.
    pub async fn start_again(&mut self) {
        let mut child = Command::new(program().await)
            .arg("--port")
            .arg(self.port.to_string())
            .arg("--database")
            .arg(self.folder.path().join("rooms.sqlite"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the backend starts; E2E_BACKEND names the program");
        let output = child.stdout.take().expect("the output is piped");
        let mut lines = BufReader::new(output).lines();
        let line = lines.next_line().await.expect("it speaks text").unwrap_or_default();
        let port = line.split_once("ws://127.0.0.1:").and_then(|(_, rest)| rest.split('/').next());
        let port = port.and_then(|port| port.parse().ok());
        self.port = port.unwrap_or_else(|| panic!("the backend names no port in `{line}`"));
        self.running = Some(child);
    }
}

/// Where the program is. Unless `E2E_BACKEND` names it, it is built here: the tests of a package build no programs of
/// other packages.
async fn program() -> &'static PathBuf {
    static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
    PROGRAM
        .get_or_init(async || match env::var_os("E2E_BACKEND") {
            Some(program) => PathBuf::from(program),
            None => build().await,
        })
        .await
}

async fn build() -> PathBuf {
    let test = env::current_exe().expect("a running program has a path");
    let profile = test.ancestors().nth(2).expect("it is in the folder of a profile");
    let target = profile.parent().expect("it is in a target directory");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", "roomlet-local", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    let status = status.await.expect("cargo runs");
    assert!(status.success(), "`cargo build -p roomlet-local` failed, its words are above");
    profile.join("roomlet-local")
}
