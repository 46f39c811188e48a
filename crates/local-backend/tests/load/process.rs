//! The binary, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Open files that the process begins with, as in many shells. It serves more connections than that.
const OPEN_FILES_AT_START: u32 = 512;

/// A process that is killed when the test ends, however it ends.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts the binary in a directory, on any port.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        let script = format!("ulimit -Sn {OPEN_FILES_AT_START} && exec \"$0\" \"$@\"");
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_roomlet-local"), "--port", "0"])
            .args(arguments)
            .current_dir(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        let (_, rest) = ready.split_once("ws://").expect("it says where it listens");
        let (address, _) = rest.split_once('/').unwrap();
        Self { child, address: address.parse().unwrap() }
    }

    /// Its id; `exec` kept that of the shell.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, to this process by its id: it gets no chance to write anything.
    pub(crate) fn kill(mut self) {
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
