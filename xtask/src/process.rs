//! Process groups: a child and all its descendants are one thing, and nothing we start outlives us.
//!
//! Each child leads a group of its own, so a signal reaches the cargo below trunk and the rustc below that cargo. The
//! terminal's Ctrl-C therefore reaches this program alone, and [`end_groups_on_signals`] hands it on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::failure::Failure;

/// How long a group may take to end by itself after SIGTERM: the backend closes its database, a driver its browser.
const GRACE: Duration = Duration::from_secs(5);
/// What the descendants of a leader that has ended get before they are killed.
const ORPHAN_GRACE: Duration = Duration::from_millis(300);
const POLL: Duration = Duration::from_millis(20);
/// What is read at once of what a command says.
const PIECE: usize = 4_096;

static STOPPING: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Makes Ctrl-C, SIGTERM and SIGHUP end every group; a second signal does not wait for them.
pub(crate) fn end_groups_on_signals() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        if STOPPING.swap(true, Ordering::SeqCst) {
            signal_all(Signal::SIGKILL);
            return;
        }
        signal_all(Signal::SIGTERM);
        thread::spawn(|| {
            thread::sleep(GRACE);
            signal_all(Signal::SIGKILL);
        });
    })
    .map_err(|error| {
        Failure::because(format!(
            "signals cannot be watched ({error}): run this in a plain terminal"
        ))
    })
}

/// Whether a signal has asked this program to end.
pub(crate) fn is_stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// Runs a command with our own output and waits for it.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus, Failure> {
    let mut group = Group::spawn(command)?;
    let status = group.wait();
    group.end();
    interrupted_or(status)
}

/// What a command said, both streams in the order of arrival, and how it ended.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
}

/// Runs a command and keeps what it says.
pub(crate) fn capture(command: &mut Command) -> Result<Captured, Failure> {
    listen(command, |_| {})
}

/// Runs a command, shows what it says at once, and keeps it.
pub(crate) fn show(command: &mut Command) -> Result<Captured, Failure> {
    listen(command, |bytes| {
        let mut output = io::stdout().lock();
        // A terminal that is gone does not end the command.
        let _ = output.write_all(bytes).and_then(|()| output.flush());
    })
}

fn listen(command: &mut Command, mut hear: impl FnMut(&[u8])) -> Result<Captured, Failure> {
    let (mut reader, writer) = io::pipe().map_err(|error| no_start(command, &error))?;
    let second = writer.try_clone().map_err(|error| no_start(command, &error))?;
    command.stdout(writer).stderr(second);
    let spawned = Group::spawn(command);
    // The command keeps our ends of the pipe open; the reader would wait for them for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = spawned?;
    let mut bytes = Vec::new();
    let mut piece = [0; PIECE];
    let read = loop {
        match reader.read(&mut piece) {
            Ok(0) => break Ok(()),
            Ok(length) => {
                hear(&piece[..length]);
                bytes.extend_from_slice(&piece[..length]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    let status = group.wait();
    group.end();
    let status = interrupted_or(status)?;
    read.map_err(|error| no_start(command, &error))?;
    Ok(Captured { status, output: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Runs a command with both streams going to a file.
pub(crate) fn run_into(command: &mut Command, log: &File) -> Result<ExitStatus, Failure> {
    let streams = log.try_clone().and_then(|first| Ok((first, log.try_clone()?)));
    let (first, second) = streams.map_err(|error| no_start(command, &error))?;
    command.stdout(first).stderr(second);
    run(command)
}

/// What a watched process reports.
#[derive(Debug)]
pub(crate) enum Report<Name> {
    /// One line of its output, without the line break.
    Line(Name, String),
    /// It has ended, and every line came before this.
    Ended(Name, ExitStatus),
}

/// A long-running process whose lines and end arrive on a channel. Dropping it ends its group.
#[derive(Debug)]
pub(crate) struct Watched {
    id: Pid,
    has_ended: Arc<AtomicBool>,
}

impl Watched {
    pub(crate) fn start<Name: Copy + Send + 'static>(
        command: &mut Command,
        name: Name,
        reports: &Sender<Report<Name>>,
    ) -> Result<Self, Failure> {
        let (reader, writer) = io::pipe().map_err(|error| no_start(command, &error))?;
        let second = writer.try_clone().map_err(|error| no_start(command, &error))?;
        command.stdout(writer).stderr(second);
        let spawned = Group::spawn(command);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut group = spawned?;

        let watched = Self { id: group.id, has_ended: Arc::new(AtomicBool::new(false)) };
        let has_ended = Arc::clone(&watched.has_ended);
        let lines = reports.clone();
        let reading = thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if lines.send(Report::Line(name, text)).is_err() {
                    return;
                }
                line.clear();
            }
        });
        let reports = reports.clone();
        thread::spawn(move || {
            let status = group.wait();
            has_ended.store(true, Ordering::SeqCst);
            // Descendants hold the pipe open; they go with their leader, and then the reader comes to its end.
            group.end();
            let _ = reading.join();
            if let Ok(status) = status {
                // Nobody listens any more when the program itself is ending.
                let _ = reports.send(Report::Ended(name, status));
            }
        });
        Ok(watched)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        signal(self.id, Signal::SIGTERM);
        let has_ended = || self.has_ended.load(Ordering::SeqCst);
        end_remaining(self.id, has_ended);
    }
}

/// A child that leads its own process group.
#[derive(Debug)]
struct Group {
    child: Child,
    id: Pid,
}

impl Group {
    fn spawn(command: &mut Command) -> Result<Self, Failure> {
        if is_stopping() {
            return Err(Failure::Interrupted);
        }
        command.stdin(Stdio::null()).process_group(0);
        let child = command.spawn().map_err(|error| no_start(command, &error))?;
        let id = i32::try_from(child.id()).map(Pid::from_raw).map_err(|error| {
            Failure::because(format!("a process has an impossible id ({error}): run this again"))
        })?;
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        if is_stopping() {
            // The signal came between the check above and the registration.
            signal(id, Signal::SIGTERM);
        }
        Ok(Self { child, id })
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Ends what the leader, which has ended, left behind.
    fn end(self) {
        signal(self.id, Signal::SIGTERM);
        end_remaining(self.id, || true);
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| *id != self.id);
    }
}

/// Waits until a group that got SIGTERM is gone, and kills what is left when the time is over.
fn end_remaining(id: Pid, has_leader_ended: impl Fn() -> bool) {
    let start = Instant::now();
    let mut leader_ended = None;
    while killpg(id, None).is_ok() {
        if leader_ended.is_none() && has_leader_ended() {
            leader_ended = Some(Instant::now());
        }
        let is_orphaned = leader_ended.is_some_and(|since| since.elapsed() > ORPHAN_GRACE);
        if is_orphaned || start.elapsed() > GRACE {
            signal(id, Signal::SIGKILL);
            return;
        }
        thread::sleep(POLL);
    }
}

fn signal_all(kind: Signal) {
    for id in GROUPS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        signal(*id, kind);
    }
}

fn signal(id: Pid, kind: Signal) {
    // The only failure is that the group is gone, which is what the signal is for.
    let _ = killpg(id, kind);
}

fn interrupted_or(status: io::Result<ExitStatus>) -> Result<ExitStatus, Failure> {
    if is_stopping() {
        return Err(Failure::Interrupted);
    }
    status.map_err(|error| {
        Failure::because(format!("a process cannot be waited for ({error}): run this again"))
    })
}

fn no_start(command: &Command, error: &io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::because(format!("`{program}` was not found: install it, then run this again"))
        }
        _ => Failure::because(format!(
            "`{program}` could not be started ({error}): mend that, then run this again"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(20);

    #[test]
    fn both_streams_are_captured_in_order() {
        let captured = capture(&mut shell("echo one; echo two >&2; echo three; exit 3"))
            .expect("the shell runs");
        assert_eq!(captured.output, "one\ntwo\nthree\n");
        assert_eq!(captured.status.code(), Some(3));
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = capture(&mut Command::new("no-such-program-here")).expect_err("nothing runs");
        assert_eq!(
            failure,
            Failure::because(
                "`no-such-program-here` was not found: install it, then run this again"
            )
        );
    }

    #[test]
    fn grandchildren_end_with_their_group() {
        let (sender, receiver) = mpsc::channel();
        // The shell waits for a child of its own, which ignores the end of its parent.
        let mut command = shell("sleep 1000 & echo $!; wait");
        let watched = Watched::start(&mut command, (), &sender).expect("the shell runs");
        let Ok(Report::Line((), line)) = receiver.recv_timeout(DEADLINE) else {
            panic!("the shell names its child");
        };
        let grandchild = Pid::from_raw(line.parse().expect("a process id"));
        assert!(is_alive(grandchild));

        drop(watched);

        let report = receiver.recv_timeout(DEADLINE).expect("the end is reported");
        assert!(matches!(report, Report::Ended((), _)));
        assert!(!is_alive(grandchild));
    }

    #[test]
    fn what_a_finished_leader_leaves_behind_is_ended() {
        let (sender, receiver) = mpsc::channel();
        let mut command = shell("sleep 1000 & echo $!");
        let _watched = Watched::start(&mut command, (), &sender).expect("the shell runs");
        let Ok(Report::Line((), line)) = receiver.recv_timeout(DEADLINE) else {
            panic!("the shell names its child");
        };

        let report = receiver.recv_timeout(DEADLINE).expect("the end is reported");

        assert!(matches!(report, Report::Ended((), status) if status.success()));
        assert!(!is_alive(Pid::from_raw(line.parse().expect("a process id"))));
    }

    #[test]
    fn a_group_that_ignores_the_polite_signal_is_killed() {
        let (sender, receiver) = mpsc::channel();
        let mut command = shell("trap '' TERM; echo ready; while :; do sleep 1; done");
        let watched = Watched::start(&mut command, (), &sender).expect("the shell runs");
        assert!(matches!(receiver.recv_timeout(DEADLINE), Ok(Report::Line((), _))));

        drop(watched);

        let report = receiver.recv_timeout(DEADLINE).expect("the end is reported");
        assert!(matches!(report, Report::Ended((), status) if status.code().is_none()));
    }

    /// A zombie that nobody has reaped yet counts as ended: it runs no more.
    fn is_alive(id: Pid) -> bool {
        let status = Command::new("ps").args(["-o", "stat=", "-p", &id.to_string()]).output();
        let state = status.expect("ps runs").stdout;
        !state.is_empty() && !state.starts_with(b"Z")
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }
}
