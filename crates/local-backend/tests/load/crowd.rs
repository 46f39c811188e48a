//! A thousand connections in ten rooms, of which fifty do not read.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::http::local;
use crate::in_time;
use crate::member::{Protocol, Socket};
use crate::memory::peak_bytes;
use crate::process::Process;

const ROOMS: usize = 10;

/// Who is in a room: each protocol with those who read and those who do not.
const MEMBERS: [(Protocol, usize, usize); 3] =
    [(Protocol::Gateway, 87, 3), (Protocol::GraphQl, 4, 1), (Protocol::Events, 4, 1)];

const READERS_OF_A_ROOM: usize = 95;

const SILENT_ONES: usize = 50;

/// Messages of a room. Every second one is long.
const MESSAGES: usize = 32;

const LONG_TEXT_BYTES: usize = 28_000;

/// Bytes that may wait for a client. The long messages of a room are more than that and what the
/// system keeps for a connection.
const MAX_BACKLOG: usize = 96 * 1024;

/// What the system keeps for those who do not read.
const RECEIVE_BUFFER_BYTES: u32 = 16 * 1024;

/// Messages that may be on their way to the slowest reader: fewer bytes than its backlog takes.
const WINDOW: usize = 2;

/// The most memory that the process may have taken for all this: its own, sockets and their buffers,
/// and a full backlog of each client that does not read.
const MAX_MEMORY_BYTES: u64 = 128 * 1024 * 1024;

/// Open files that this test needs: a socket for each connection and some of its own.
const OPEN_FILES: u64 = 1_200;

const CLOSE_CODE: u16 = 4_000;

/// Connections that are opened at once.
const OPENED_AT_ONCE: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_get_everything_and_wait_for_nobody() {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(limit >= OPEN_FILES, "Allow {OPEN_FILES} open files (`ulimit -n`); here are {limit}.");
    let directory = tempfile::tempdir().unwrap();
    let backlog = MAX_BACKLOG.to_string();
    let flags = ["--memory", "--rate-limit", "0", "--max-backlog", &backlog];
    let process = Process::start(directory.path(), &flags);
    let address = process.address;

    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(Room::open(address, format!("room-{number}")).await);
    }
    assert_eq!(connections(address).await, 1_000);
    local(address, "DELETE", "log", "").await;

    let mut silent = Vec::new();
    let mut senders = JoinSet::new();
    let mut readers = JoinSet::new();
    for room in rooms {
        let (sender, listening, ignoring) = room.start();
        senders.spawn(sender.send_all());
        for reader in listening {
            readers.spawn(reader.read_all());
        }
        silent.extend(ignoring);
    }
    senders.join_all().await;
    assert_eq!(silent.len(), SILENT_ONES);
    let until_cut = async {
        while connections(address).await > 1_000 - SILENT_ONES {
            yield_now().await;
        }
    };
    in_time("the end of those who do not read", until_cut).await;
    assert_eq!(connections(address).await, 1_000 - SILENT_ONES);
    assert_eq!(closed_with(address).await, vec![json!(1008); SILENT_ONES]);
    for member in silent {
        let got = member.read_rest().await;
        assert!(got < MESSAGES, "it was not cut");
    }

    let close = json!({"code": CLOSE_CODE}).to_string();
    let closed = local(address, "POST", "close", &close).await;
    assert_eq!(closed["connections"], 1_000 - SILENT_ONES);
    let codes = in_time("the end of those who read", readers.join_all()).await;
    assert_eq!(codes, vec![Some(CLOSE_CODE); ROOMS * READERS_OF_A_ROOM]);
    match peak_bytes(process.id()) {
        Some(peak) => assert!(peak < MAX_MEMORY_BYTES, "it took {peak} bytes"),
        None => eprintln!("memory is not looked at: only Linux tells it of another process"),
    }
}

async fn connections(address: SocketAddr) -> usize {
    local(address, "GET", "connections", "").await.as_array().unwrap().len()
}

/// The codes with which connections were closed, as the log of the server has them.
async fn closed_with(address: SocketAddr) -> Vec<Value> {
    let log = local(address, "GET", "log", "").await;
    let entries = log["entries"].as_array().unwrap().iter();
    let ends = entries.filter(|entry| entry["event"] == "disconnect");
    ends.map(|entry| entry["code"].clone()).collect()
}

/// The connections of a room.
struct Room {
    name: String,
    /// A gateway's connection is first, and sends.
    readers: Vec<Socket>,
    silent: Vec<Socket>,
}

impl Room {
    async fn open(address: SocketAddr, name: String) -> Self {
        let mut wanted = Vec::new();
        for (protocol, readers, silent) in MEMBERS {
            wanted.extend(std::iter::repeat_n((protocol, None), readers));
            wanted.extend(std::iter::repeat_n((protocol, Some(RECEIVE_BUFFER_BYTES)), silent));
        }
        let key = "1".repeat(32);
        let opened = stream::iter(wanted).map(|(protocol, receive_buffer)| {
            let (name, key) = (&name, &key);
            async move {
                let socket = protocol.enter(address, name, key, receive_buffer).await;
                (socket, receive_buffer.is_none())
            }
        });
        let opened: Vec<_> = opened.buffered(OPENED_AT_ONCE).collect().await;
        let (mut readers, mut silent) = (Vec::new(), Vec::new());
        for (socket, reads) in opened {
            if reads { readers.push(socket) } else { silent.push(socket) }
        }
        Self { name, readers, silent }
    }

    fn start(self) -> (RoomSender, Vec<Reader>, Vec<Silent>) {
        let arrived: Arc<Vec<Semaphore>> =
            Arc::new((0..MESSAGES).map(|_| Semaphore::new(0)).collect());
        let mut sink = None;
        let mut readers = Vec::new();
        for socket in self.readers {
            let (writing, reading) = socket.split();
            sink.get_or_insert(writing);
            let (room, arrived) = (self.name.clone(), Arc::clone(&arrived));
            readers.push(Reader { room, stream: reading, arrived });
        }
        let silent = self.silent.into_iter();
        let silent = silent.map(|socket| Silent { room: self.name.clone(), socket }).collect();
        let sink = sink.expect("a room has readers");
        (RoomSender { room: self.name, sink, arrived }, readers, silent)
    }
}

/// The text of a room's message.
fn text_of(room: &str, number: usize) -> String {
    let length = if number % 2 == 1 { LONG_TEXT_BYTES } else { 0 };
    format!("{room} {number} {}", "x".repeat(length))
}

/// Whether a frame delivers this message. It is not parsed: that would take a debug build longer than
/// everything else here, and no two messages look alike.
fn delivers(frame: &str, room: &str, number: usize) -> bool {
    let before = &frame[..frame.len().min(MAX_BYTES_BEFORE_TEXT)];
    let text = text_of(room, number);
    let Some(begin) = before.find(&format!("{room} {number} ")) else {
        return false;
    };
    let rest = &frame[begin..];
    rest.starts_with(&text) && rest[text.len()..].starts_with(['"', '\\'])
}

/// Where the text of a message begins at the latest, in any protocol.
const MAX_BYTES_BEFORE_TEXT: usize = 400;

/// What only acknowledgements begin with.
const ACKNOWLEDGEMENT: &str = r#"{"type":"ack""#;

/// The one who speaks in a room. It waits for those who read, so that none of them is ever slow, and
/// for nobody else.
struct RoomSender {
    room: String,
    sink: SplitSink<Socket, Frame>,
    /// For each message, a permit from every reader who has it.
    arrived: Arc<Vec<Semaphore>>,
}

impl RoomSender {
    async fn send_all(mut self) {
        for number in 0..MESSAGES {
            if let Some(before) = number.checked_sub(WINDOW) {
                self.wait_for(before).await;
            }
            let frame = json!({
                "action": "sendMessage", "roomId": self.room, "text": text_of(&self.room, number),
                "clientMessageId": format!("{}-{number}", self.room),
            });
            self.sink.send(Frame::text(frame.to_string())).await.unwrap();
        }
        self.wait_for(MESSAGES - 1).await;
    }

    async fn wait_for(&self, number: usize) {
        let everybody = u32::try_from(READERS_OF_A_ROOM).unwrap();
        let has_it = self.arrived[number].acquire_many(everybody);
        in_time("a message to everybody who reads", has_it).await.unwrap().forget();
    }
}

/// A connection that reads.
struct Reader {
    room: String,
    stream: SplitStream<Socket>,
    arrived: Arc<Vec<Semaphore>>,
}

impl Reader {
    /// Reads every message of the room, in order, and then nothing but the end, whose code it gives.
    async fn read_all(mut self) -> Option<u16> {
        let mut expected = 0;
        loop {
            // Those who wait for it watch the time.
            let frame = self.stream.next().await;
            let text = match frame.expect("the end has a close frame").unwrap() {
                Frame::Text(text) => text,
                Frame::Close(frame) => {
                    assert_eq!(expected, MESSAGES, "it was closed too early: {frame:?}");
                    return frame.map(|frame| frame.code.into());
                }
                other => panic!("expected text, got {other:?}"),
            };
            if text.starts_with(ACKNOWLEDGEMENT) {
                continue;
            }
            assert!(delivers(&text, &self.room, expected), "message {expected} is next");
            self.arrived[expected].add_permits(1);
            expected += 1;
        }
    }
}

/// A connection that has not read anything yet.
struct Silent {
    room: String,
    socket: Socket,
}

impl Silent {
    /// Reads what the system kept for it, and says how many messages that was. They are the first of
    /// the room; behind them the connection ends, with the close code if there was room for it.
    async fn read_rest(mut self) -> usize {
        let mut got = 0;
        loop {
            match in_time("the end", self.socket.next()).await {
                Some(Ok(Frame::Text(text))) => {
                    assert!(delivers(&text, &self.room, got), "message {got} is next");
                    got += 1;
                }
                Some(Ok(Frame::Close(frame))) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    assert_eq!(code, Some(1008));
                }
                Some(Err(_)) | None => return got,
                Some(Ok(other)) => panic!("expected text, got {other:?}"),
            }
        }
    }
}
