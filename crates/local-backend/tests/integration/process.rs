//! The real binary: what it prints, how it ends, and what survives when it is killed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::client::{Client, KEY, send_message, server};

/// A process that is killed when the test ends, however it ends.
struct Process {
    child: Child,
    ready: String,
}

impl Process {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut child = command(directory, arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        Self { child, ready }
    }

    fn url(&self) -> String {
        let (_, rest) = self.ready.split_once("ws://").unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        format!("ws://{address}")
    }

    /// SIGKILL: the process gets no chance to write anything.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roomlet-local"));
    command.current_dir(directory).args(arguments);
    command
}

fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().unwrap();
    let output = command(directory.path(), arguments).output().unwrap();
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(sentence.trim_end().lines().count(), 1, "{sentence}");
    (output.status.code(), sentence)
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let process = Process::start(directory.path(), &["--port", "0"]);
        let url = format!("{}/prod?roomId=a", process.url());
        let mut ann = Client::open(&url).await;
        ann.ask(json!({"action": "hello", "guestKey": KEY})).await;
        for number in 0..10 {
            ann.say("a", "durable", &format!("{round}-{number}")).await;
        }
        process.kill();

        let process = Process::start(directory.path(), &["--port", "0"]);
        let url = format!("{}/prod?roomId=a", process.url());
        let mut ann = Client::open(&url).await;
        ann.ask(json!({"action": "hello", "guestKey": KEY})).await;
        let history = ann
            .ask(json!({"action": "history", "requestId": "h", "roomId": "a", "limit": 100}))
            .await;
        assert_eq!(history["messages"].as_array().unwrap().len(), (round + 1) * 10);
        // Idempotency survives too.
        let again = ann.ask(send_message("a", "durable", &format!("{round}-9"))).await;
        assert_eq!(again["type"], "ack");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_it_cleanly() {
    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::start(directory.path(), &["--port", "0", "--memory"]);
    assert!(process.ready.starts_with("roomlet-local listens on ws://127.0.0.1:"));
    assert!(process.ready.ends_with(
        "/prod (full) and /basic (basic dialect), /graphql and /basic/graphql (AppSync GraphQL), \
         /event (AppSync Events); rooms in memory\n"
    ));
    let mut client = Client::open(&format!("{}/prod", process.url())).await;
    let id = process.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(client.close_code().await, Some(1001));
    drop(client);
    assert!(process.child.wait().unwrap().success());
    let mut rest = String::new();
    process.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(std::fs::read_dir(directory.path()).unwrap().next().is_none());
}

#[test]
fn with_tls_it_says_where_its_certificate_is_and_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = directory.path().join("roomlet-local.sqlite.certificate.pem");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let process = Process::start(directory.path(), &["--port", "0", "--tls"]);
        assert!(process.ready.contains("listens on wss://127.0.0.1:"), "{}", process.ready);
        assert!(
            process.ready.ends_with("; certificate in roomlet-local.sqlite.certificate.pem\n"),
            "{}",
            process.ready
        );
        seen.push(std::fs::read_to_string(&certificate).unwrap());
        process.kill();
    }
    assert_eq!(seen[0], seen[1]);
    std::fs::write(certificate, "no certificate").unwrap();
    let output = command(directory.path(), &["--port", "0", "--tls"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("roomlet-local.sqlite.certificate.pem"), "{sentence}");
}

#[tokio::test]
async fn a_taken_port_is_one_sentence() {
    let server = server().await;
    let port = server.address().port().to_string();
    let (code, sentence) = fails(&["--port", &port, "--memory"]);
    assert_eq!(code, Some(1));
    assert!(sentence.contains(&port) && sentence.contains("--port"), "{sentence}");
}

#[test]
fn mistakes_are_one_sentence() {
    for (arguments, word) in [
        (&["--prot", "1"][..], "--prot"),
        (&["--port", "x"], "--port"),
        (&["--idle-timeout", "0"], "--idle-timeout"),
        (&["--memory", "--database", "x"], "--database"),
        (&["--port", "0", "--database", "no/such/directory/x"], "no/such/directory/x"),
        (&["--port", "0", "--rooms", "missing.json"], "missing.json"),
        (&["--port", "0", "--rooms", "/"], "rooms"),
        (&["--port", "0", "--token", ""], "--token"),
    ] {
        let (code, sentence) = fails(arguments);
        assert!(matches!(code, Some(1 | 2)), "{arguments:?}");
        assert!(sentence.contains(word), "{sentence}");
    }
}

#[test]
fn help_names_every_flag_and_ends_with_examples() {
    let directory = tempfile::tempdir().unwrap();
    let output = command(directory.path(), &["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "--port",
        "--database",
        "--memory",
        "--token",
        "--rooms",
        "--allow-origin",
        "--idle-timeout",
        "--lifetime",
        "--max-frame",
        "--max-message",
        "--rate-limit",
        "--api-key",
        "--jwt-secret",
        "--iam",
        "--keep-alive",
        "--appsync-lifetime",
        "--max-subscriptions",
        "--publish-rate",
        "--tls",
        "--keep-stale",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
    assert!(help.trim_end().ends_with("docs/local-backend.md lists every fault switch."));
}
