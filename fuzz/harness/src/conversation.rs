//! What a backend says, as text: the corpus can be read, and written by hand.
//!
//! The first byte chooses a state to begin in, the lines after it are what happens then:
//!
//! | line | what it does |
//! |---|---|
//! | `>text` | the person sends a text |
//! | `<` | the person asks for older messages |
//! | `!` | time passes until the next deadline |
//! | `^1006` | the socket closes with that code |
//! | `date: …` | the header `Date` of the answers after it |
//! | `200 …` | the answer to the oldest request: status and body |
//! | anything else | a frame on the newest socket |
//!
//! In frames and answers `@s` is the id of the newest subscription, `@p` that of the oldest frame without an answer,
//! `@r` that of the last request for history, `@c` that of the last send.

use roomlet_client::{Close, Command, HttpAnswer, Input, RoomId};

use crate::device::Device;
use crate::setting::{self, Kind, Setting, Way};
use crate::wire::text;

/// Lines of an input that count: what a fuzzer adds beyond them says nothing new.
const MAX_LINES: usize = 200;
const HOUR: i64 = 3_600_000;

/// Where a conversation begins.
pub(crate) struct State {
    pub(crate) kind: Kind,
    pub(crate) way: Way,
    pub(crate) lines: &'static str,
}

/// Has the conversation that `data` writes down.
pub(crate) fn run(states: &[State], data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let which = usize::from(first.wrapping_sub(b'a')) % states.len();
    let Some(state) = states.get(which) else { return };
    let mut conversation = Conversation::new(Setting { kind: state.kind, way: state.way });
    let rest = String::from_utf8_lossy(rest);
    for line in state.lines.lines().chain(rest.lines().take(MAX_LINES)) {
        conversation.hear(line);
    }
}

struct Conversation {
    device: Device,
    room: RoomId,
    date: Option<String>,
}

impl Conversation {
    fn new(setting: Setting) -> Self {
        let mut device = Device::new(setting);
        let room = RoomId::default();
        device.command(Command::OpenRoom(room.clone()));
        Self { device, room, date: None }
    }

    fn hear(&mut self, line: &str) {
        if self.device.is_refused() {
            self.device.command(Command::Reconnect);
        }
        self.sign_in();
        self.open_sockets();
        if let Some(text) = line.strip_prefix('>') {
            let (room, text) = (self.room.clone(), text.to_owned());
            self.device.command(Command::Send { room, text });
        } else if line == "<" {
            self.device.command(Command::LoadOlder { room: self.room.clone() });
        } else if line == "!" {
            self.device.pass_to_deadline();
        } else if let Some(date) = line.strip_prefix("date: ") {
            self.date = Some(date.to_owned());
        } else if let Some(code) = line.strip_prefix('^') {
            self.close(code.parse().unwrap_or(1006));
        } else if let Some((status, body)) = status_line(line) {
            self.answer(status, body);
        } else {
            self.receive(line);
        }
    }

    fn sign_in(&mut self) {
        let wall = self.device.wall();
        let credentials = match self.device.setting.way {
            Way::Nobody | Way::ApiKey => return,
            Way::Cognito => setting::jwt("ann", (wall + HOUR) / 1_000),
            Way::Opaque | Way::OpaqueInQuery => setting::token("opaque"),
            Way::Iam => setting::aws(wall + HOUR),
        };
        self.device.sign_in(credentials);
    }

    fn open_sockets(&mut self) {
        let closed = self.device.wire.sockets.iter_mut().filter(|socket| !socket.is_open);
        let opened = closed.map(|socket| {
            socket.is_open = true;
            socket.id
        });
        for connection in opened.collect::<Vec<_>>() {
            self.device.feed(Input::SocketOpened { connection });
        }
    }

    fn close(&mut self, code: u16) {
        let Some(connection) = self.device.wire.sockets.last().map(|socket| socket.id) else {
            return;
        };
        self.device.wire.end(connection);
        let close = Close { code, reason: String::new() };
        self.device.feed(Input::SocketClosed { connection, close });
    }

    fn answer(&mut self, status: u16, body: &str) {
        if self.device.wire.requests.is_empty() {
            return;
        }
        let body = self.filled(body);
        let request = self.device.wire.requests.remove(0).id;
        let answer = HttpAnswer { status, body, date: self.date.clone() };
        self.device.feed(Input::Answered { request, answer });
    }

    fn receive(&mut self, line: &str) {
        let socket = self.device.wire.sockets.iter().rfind(|socket| socket.is_open);
        if let Some(connection) = socket.map(|socket| socket.id) {
            let text = self.filled(line);
            self.device.feed(Input::Received { connection, text });
        }
    }

    fn filled(&mut self, line: &str) -> String {
        let wire = &mut self.device.wire;
        let mut line = line.to_owned();
        if line.contains("@s") {
            let subscription = wire.subscriptions.back().map(|one| one.id.as_str());
            line = line.replace("@s", subscription.unwrap_or_default());
        }
        if line.contains("@p") {
            let frame = wire.frames.pop_front().map(|frame| frame.body).unwrap_or_default();
            line = line.replace("@p", text(&frame["id"]));
        }
        if line.contains("@c") {
            let send = wire.sends.back().and_then(|send| send.id.as_deref());
            line = line.replace("@c", send.unwrap_or_default());
        }
        line.replace("@r", &wire.history)
    }
}

fn status_line(line: &str) -> Option<(u16, &str)> {
    let (status, body) = line.split_at_checked(3)?;
    Some((status.parse().ok()?, body.strip_prefix(' ')?))
}
