//! A driver for scenarios: a client, its clock, and what came out of it.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

use std::collections::VecDeque;
use std::time::Duration;

use roomlet_client::config::{Backend, Dialect, Endpoint, Service, SignIn};
use roomlet_client::*;
use serde_json::{Value, json};

pub(crate) mod appsync;
pub(crate) mod disk;
pub(crate) mod sockets;

pub(crate) const GUEST_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const WELCOME: &str = r#"{"type":"welcome","features":["history"],"connectionId":"me=","sender":{"id":"g-me","name":"Ann","kind":"guest"}}"#;
pub(crate) const FORBIDDEN: &str =
    r#"{"message":"Forbidden","connectionId":"me=","requestId":"r="}"#;

/// The wall clock when a scenario begins, 2025-10-29T04:06:00Z.
const START: i64 = 1_761_710_760_000;

/// A client in one room, fed by hand.
pub(crate) struct Scenario {
    pub(crate) client: Client,
    pub(crate) now: u64,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) events: Vec<Event>,
    /// What the device's storage and the other tabs are still to be told.
    pub(crate) storage: VecDeque<Output>,
    /// How far the wall clock is ahead of what it should be, in milliseconds.
    pub(crate) wall_error: i64,
    pub(crate) room: RoomId,
}

impl Scenario {
    /// The room is opened, and the socket is being opened.
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self::of(
            Service::api_gateway(Endpoint::parse("wss://example.com/prod").unwrap(), dialect),
            SignIn::None,
        )
    }

    /// The same, of any service, however people sign in.
    pub(crate) fn of(service: Service, sign_in: SignIn) -> Self {
        let backend = Backend { name: "default".into(), service, sign_in, room: RoomId::default() };
        let mut scenario = Self::with(Client::new(backend, ann(), [7; 32]));
        scenario.command(Command::OpenRoom(RoomId::default()));
        scenario
    }

    pub(crate) fn with(client: Client) -> Self {
        Self {
            client,
            now: 1_000,
            outputs: VecDeque::new(),
            events: Vec::new(),
            storage: VecDeque::new(),
            wall_error: 0,
            room: RoomId::default(),
        }
    }

    /// Connected to a full backend whose room is empty.
    pub(crate) fn full() -> Self {
        let mut scenario = Self::new(Dialect::Auto);
        scenario.open();
        scenario.receive(WELCOME);
        scenario.answer_history(&[], None);
        scenario.sent();
        scenario.events.clear();
        scenario
    }

    /// Connected to a basic backend that answers unknown actions with an error frame.
    pub(crate) fn basic() -> Self {
        let mut scenario = Self::new(Dialect::Auto);
        scenario.open();
        scenario.receive(FORBIDDEN);
        scenario.sent();
        scenario.events.clear();
        scenario
    }

    pub(crate) fn input(&mut self, input: Input) {
        let now = Now {
            monotonic: Timestamp(self.now),
            wall: WallClock(START + i64::try_from(self.now).unwrap() + self.wall_error),
        };
        self.client.handle(now, input);
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::OpenStorage { .. }
                | Output::WriteStorage { .. }
                | Output::AdoptUnsent { .. }
                | Output::WatchTab { .. }
                | Output::TellTabs { .. }
                | Output::CloseStorage { .. } => self.storage.push_back(output),
                output => self.outputs.push_back(output),
            }
        }
        while let Some(event) = self.client.poll_event() {
            self.events.push(event);
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.command(Command::Send { room: self.room.clone(), text: text.into() });
    }

    pub(crate) fn receive(&mut self, text: &str) {
        let connection = self.connection();
        self.input(Input::Received { connection, text: text.into() });
    }

    /// Opens the socket that was asked for last; returns its address.
    pub(crate) fn open(&mut self) -> String {
        let connection = self.connection();
        let url = self.outputs.iter().rev().find_map(|output| match output {
            Output::OpenSocket { url, .. } => Some(url.clone()),
            _ => None,
        });
        self.input(Input::SocketOpened { connection });
        url.unwrap()
    }

    pub(crate) fn close(&mut self, code: u16) {
        let connection = self.connection();
        self.input(Input::SocketClosed {
            connection,
            close: Close { code, reason: String::new() },
        });
    }

    /// The socket that was asked for last.
    pub(crate) fn connection(&self) -> ConnectionId {
        ConnectionId(self.last_connection())
    }

    fn last_connection(&self) -> u32 {
        // Ids count from one, and each attempt takes the next.
        let asked = self.outputs.iter().rev().find_map(|output| match output {
            Output::OpenSocket { connection, .. } => Some(connection.0),
            _ => None,
        });
        asked.expect("a socket was asked for")
    }

    /// Lets time pass, and hands in each deadline at its time.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + u64::try_from(duration.as_millis()).unwrap();
        for _ in 0..10_000 {
            match self.client.poll_timeout() {
                Some(deadline) if deadline.at.0 <= end => {
                    self.now = self.now.max(deadline.at.0);
                    self.input(Input::TimeDue);
                }
                Some(_) | None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("deadlines do not end: {:?}", self.client.poll_timeout());
    }

    /// Lets time pass until the next attempt to connect.
    pub(crate) fn wait_for_attempt(&mut self) {
        let before = self.last_connection();
        for _ in 0..100 {
            let deadline = self.client.poll_timeout().expect("an attempt is due some time");
            self.now = self.now.max(deadline.at.0);
            self.input(Input::TimeDue);
            if self.last_connection() != before {
                return;
            }
        }
        panic!("no attempt");
    }

    /// The frames sent since the last call, as JSON.
    pub(crate) fn sent(&mut self) -> Vec<Value> {
        let frames = self.outputs.iter().filter_map(|output| match output {
            Output::SendText { text, .. } => Some(serde_json::from_str(text).unwrap()),
            _ => None,
        });
        let frames = frames.collect();
        self.outputs.retain(|output| matches!(output, Output::OpenSocket { .. }));
        frames
    }

    /// Answers the request for history that was sent last.
    pub(crate) fn answer_history(&mut self, messages: &[Value], next: Option<&str>) {
        let request = self.sent().into_iter().rev().find(|frame| frame["action"] == "history");
        let request = request.expect("history was asked for");
        let answer = json!({
            "type": "history",
            "requestId": request["requestId"],
            "roomId": self.room.as_str(),
            "messages": messages,
            "nextCursor": next,
        });
        self.receive(&answer.to_string());
    }

    /// The rows as "author: text [delivery]".
    pub(crate) fn rows(&self) -> Vec<String> {
        self.rows_of(&self.room)
    }

    pub(crate) fn rows_of(&self, room: &RoomId) -> Vec<String> {
        self.client.rows(room).map(show).collect()
    }

    pub(crate) fn row_id(&self, index: usize) -> RowId {
        self.client.rows(&self.room).nth(index).unwrap().id
    }

    pub(crate) fn status(&self) -> Status {
        self.client.status(&self.room).unwrap()
    }
}

pub(crate) fn ann() -> Person {
    Person {
        guest_key: GuestKey::parse(GUEST_KEY).unwrap(),
        name: DisplayName::parse("Ann"),
        known_as: None,
    }
}

fn show(row: &Row) -> String {
    match &row.content {
        RowContent::Message(message) => {
            let author = match &message.author {
                Author::Me => "me".to_owned(),
                Author::Other { id, name, .. } => name.clone().unwrap_or_else(|| id.clone()),
                other => format!("{other:?}"),
            };
            format!("{author}: {} [{:?}]", message.text, message.delivery)
        }
        RowContent::Notice(text) => format!("notice: {text}"),
        RowContent::Interruption => "interruption".into(),
        RowContent::Hole => "hole".into(),
        other => format!("{other:?}"),
    }
}

/// A message of the full dialect, as it stands in history.
pub(crate) fn message(id: &str, second: u32, text: &str) -> Value {
    json!({
        "id": id,
        "roomId": "lobby",
        "text": text,
        "createdAt": format!("2025-10-29T04:{:02}:{:02}.000Z", second / 60, second % 60),
        "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"},
        "senderConnectionId": "bo=",
    })
}

/// The same, live.
pub(crate) fn live(id: &str, second: u32, text: &str) -> String {
    let mut frame = message(id, second, text);
    frame["type"] = "message".into();
    frame.to_string()
}

/// A message of the basic dialect.
pub(crate) fn broadcast(connection: &str, text: &str) -> String {
    json!({
        "roomId": "lobby",
        "text": text,
        "senderConnectionId": connection,
        "createdAt": "2025-10-29T04:06:00.000Z",
    })
    .to_string()
}
