//! Killed in the middle of the work, several times, on one file.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::history::read_all;
use crate::in_time;
use crate::ledger::{Ledger, Sent};
use crate::member::Protocol;
use crate::process::Process;
use crate::sender::{Errand, Fresh, Progress, Sender};

const KILLS: usize = 5;

const ROOMS: [&str; 2] = ["a", "b"];

/// Senders of each protocol; they take turns with the rooms.
const SENDERS_OF_A_PROTOCOL: usize = 3;

/// What each sender has had acknowledged when the first kill comes; the others come a little later,
/// each in its round, so that they meet the server at different work.
const ACKNOWLEDGED_BEFORE_A_KILL: usize = 20;

/// Messages of each sender that are sent again although they were acknowledged.
const REPEATED: usize = 4;

const FLAGS: [&str; 4] = ["--rate-limit", "0", "--publish-rate", "0"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_under_load_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let senders = senders();
    let mut ledgers: Vec<Ledger> = senders.iter().map(|_| Ledger::default()).collect();
    let mut interrupted: BTreeMap<Protocol, usize> = BTreeMap::new();

    for round in 0..KILLS {
        let process = Process::start(directory.path(), &FLAGS);
        compare(&process, &senders, &ledgers).await;
        let errands = senders.iter().zip(&ledgers).map(|(sender, ledger)| {
            let mut again = ledger.in_doubt();
            *interrupted.entry(sender.protocol).or_default() += again.len();
            again.extend(ledger.last_acknowledged(REPEATED));
            let prefix = format!("{}-{round}", sender.number);
            Errand { again: again.into(), fresh: Some(Fresh { prefix, count: 0 }) }
        });
        let progress: Progress = watch::Sender::new(vec![0; senders.len()]);
        let enough = ACKNOWLEDGED_BEFORE_A_KILL + 5 * round;
        let mut counts = progress.subscribe();
        let address = process.address;
        let killed = async move {
            let reached = counts.wait_for(|counts| counts.iter().all(|&count| count >= enough));
            in_time("enough acknowledgements", reached).await.unwrap();
            process.kill();
        };
        let written = run(&senders, errands.collect(), address, &progress);
        let (written, ()) = tokio::join!(written, killed);
        for (ledger, more) in ledgers.iter_mut().zip(written) {
            ledger.extend(more);
        }
    }

    let process = Process::start(directory.path(), &FLAGS);
    compare(&process, &senders, &ledgers).await;
    let errands = ledgers.iter().map(|ledger| {
        let again = ledger.sent.iter().map(|(client_message_id, text)| Sent {
            client_message_id: client_message_id.clone(),
            text: text.clone(),
        });
        Errand { again: again.collect(), fresh: None }
    });
    let progress: Progress = watch::Sender::new(vec![0; senders.len()]);
    let written = run(&senders, errands.collect(), process.address, &progress).await;
    for (ledger, more) in ledgers.iter_mut().zip(written) {
        ledger.extend(more);
        assert!(ledger.in_doubt().is_empty(), "a repeated send was not acknowledged");
    }
    // Everything was sent at least twice by now, and all of it is there once.
    compare(&process, &senders, &ledgers).await;
    for protocol in [Protocol::Gateway, Protocol::Events, Protocol::GraphQl] {
        assert!(interrupted[&protocol] > 0, "no send of {protocol:?} was interrupted");
    }
}

fn senders() -> Vec<Sender> {
    let protocols = [Protocol::Gateway, Protocol::GraphQl, Protocol::Events];
    let all = protocols.iter().cycle().take(protocols.len() * SENDERS_OF_A_PROTOCOL);
    all.enumerate()
        .map(|(number, &protocol)| Sender { number, protocol, room: ROOMS[number % ROOMS.len()] })
        .collect()
}

/// Runs all senders, and gives what each wrote down.
async fn run(
    senders: &[Sender],
    errands: Vec<Errand>,
    address: SocketAddr,
    progress: &Progress,
) -> Vec<Ledger> {
    let mut running = JoinSet::new();
    for (sender, errand) in senders.iter().cloned().zip(errands) {
        let progress = progress.clone();
        running.spawn(async move { (sender.number, sender.run(address, errand, &progress).await) });
    }
    let mut written = running.join_all().await;
    written.sort_by_key(|(number, _)| *number);
    written.into_iter().map(|(_, ledger)| ledger).collect()
}

/// Compares what the senders of each room wrote down with what the server has.
async fn compare(process: &Process, senders: &[Sender], ledgers: &[Ledger]) {
    for room in ROOMS {
        let history = read_all(process.address, room).await;
        let mut all = Ledger::default();
        for (sender, ledger) in senders.iter().zip(ledgers) {
            if sender.room == room {
                all.sent.extend(ledger.sent.clone());
                all.acknowledged.extend(ledger.acknowledged.clone());
                all.seen.extend(ledger.seen.clone());
            }
        }
        all.compare(&history);
    }
}
