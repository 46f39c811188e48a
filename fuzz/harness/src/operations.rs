//! `Client` by operations: a person, a page, a network and a backend, each of which may misbehave.

mod storage;

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use roomlet_client::{
    Close, Command, ConnectionId, DisplayName, HttpAnswer, HttpFailure, HttpRequestId, Input,
    Network, QuestionId, RoomId, RowId, SignInAnswer, Visibility,
};

use crate::device::Device;
use crate::server::{self, Reply, Said};
use crate::setting::{self, Setting, Way};
use crate::wire::{Send, Socket};
use storage::{DiskReply, Planted};

/// Operations of an input that count; more only make it slow.
const MAX_OPERATIONS: usize = 300;
/// What passes at once, at most: a month, in seconds.
const MAX_WAIT: u32 = 2_600_000;

/// What happens to one client.
#[derive(Debug, Arbitrary)]
pub struct Script {
    setting: Setting,
    keeps: bool,
    operations: Vec<Operation>,
}

/// One thing that happens. New ones go to the end, so that the corpus keeps most of its meaning.
#[derive(Debug, Arbitrary)]
enum Operation {
    OpenRoom(Room),
    Compose(Room, Text),
    Retry(Pick),
    Discard(Pick),
    LoadOlder(Room),
    Reconnect,
    SetName(Option<String>),
    SignOut,
    /// A socket that was asked for opens, and an AppSync API greets it.
    Open(Pick),
    /// A socket closes, or cannot be opened.
    Close(Pick, CloseCode),
    Block(Pick),
    /// The backend answers a frame.
    Answer(Pick, Reply),
    /// The backend answers a request.
    AnswerRequest(Pick, Reply),
    /// A message reaches a room.
    Deliver(Pick, Said),
    /// Anything at all arrives.
    Receive(Pick, String),
    /// A request is answered by something else.
    AnswerWildly(Pick, u16, String, Option<String>),
    FailRequest(Pick, bool),
    SignIn(Pick, Answer),
    Network(bool),
    Visible(bool),
    Found(u8),
    PassToDeadline,
    PassMilliseconds(u16),
    PassSeconds(u32),
    /// The wall clock jumps, as in a sleep.
    Jump(i64),
    /// Time is said to be due, though it is not.
    TimeDue,
    /// Something about a connection, a request or a question that there never was.
    Stray(Stray),
    /// Everything that is waited for happens as one hopes.
    Serve,
    /// The disk does what it was asked for first, or something else comes of it.
    AnswerStorage(DiskReply),
    LoseStorage,
    /// A tab that is watched is gone.
    TabGone(Pick),
    /// Another tab says what this one has said, or anything.
    HearOurs(Pick),
    HearTab(String),
    /// Another tab writes a record.
    Plant(Planted),
    SetDraft(Room, Text),
    MarkRead(Pick),
    Reload,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Pick(u8);

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Room {
    Lobby,
    Numbered(u8),
}

#[derive(Debug, Arbitrary)]
enum Text {
    Numbered(u8),
    Any(String),
    Long(u32),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum CloseCode {
    Normal,
    Abnormal,
    GoingAway,
    TooLarge,
    Any(u16),
}

#[derive(Debug, Arbitrary)]
enum Answer {
    /// Good for so many seconds.
    Credentials {
        somebody: u8,
        seconds: u16,
    },
    SignedOut,
    Failed,
}

#[derive(Debug, Arbitrary)]
enum Stray {
    Opened(u32),
    Closed(u32, u16),
    Blocked(u32),
    Received(u32, String),
    SignedOut(u32),
    Answered(u32, u16, String),
    Failed(u32),
    Row(Room, u64),
}

/// Reads the operations out of the bytes of the fuzzer, as its own macro does, and does them.
pub(crate) fn run(data: &[u8]) {
    if let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) {
        script.run();
    }
}

impl Script {
    /// Does the operations; panics where something does not hold.
    pub fn run(self) {
        let mut device = Device::with(self.setting, self.keeps);
        device.command(Command::OpenRoom(RoomId::default()));
        for operation in self.operations.into_iter().take(MAX_OPERATIONS) {
            operation.apply(&mut device);
        }
        device.rest();
    }
}

impl Operation {
    fn apply(self, device: &mut Device) {
        match self {
            Self::OpenRoom(room) => device.command(Command::OpenRoom(room.id())),
            Self::Compose(room, text) => {
                device.command(Command::Send { room: room.id(), text: text.words() });
            }
            Self::Retry(pick) => on_row(device, pick, |room, row| Command::Retry { room, row }),
            Self::Discard(pick) => on_row(device, pick, |room, row| Command::Discard { room, row }),
            Self::LoadOlder(room) => device.command(Command::LoadOlder { room: room.id() }),
            Self::Reconnect => device.command(Command::Reconnect),
            Self::SetName(name) => {
                let name = name.and_then(|name| DisplayName::parse(&name));
                device.command(Command::SetName(name));
            }
            Self::SignOut => device.command(Command::SignOut),
            Self::Open(pick) => open(device, pick),
            Self::Close(pick, code) => close(device, pick, code),
            Self::Block(pick) => {
                if let Some(connection) = socket(device, pick, |one| !one.is_open) {
                    device.feed(Input::SocketBlocked { connection });
                    // The client may tidy it up, though there is nothing to close.
                    device.wire.end(connection);
                }
            }
            Self::Answer(pick, reply) => answer(device, pick, &reply),
            Self::AnswerRequest(pick, reply) => answer_request(device, pick, &reply),
            Self::Deliver(pick, said) => deliver(device, pick, &said),
            Self::Receive(pick, text) => {
                if let Some(connection) = socket(device, pick, |one| one.is_open) {
                    device.feed(Input::Received { connection, text });
                }
            }
            Self::AnswerWildly(pick, status, body, date) => {
                if let Some(request) = take_request(device, pick) {
                    device.feed(Input::Answered {
                        request,
                        answer: HttpAnswer { status, body, date },
                    });
                }
            }
            Self::FailRequest(pick, is_blocked) => {
                let failure = if is_blocked { HttpFailure::Blocked } else { HttpFailure::Network };
                if let Some(request) = take_request(device, pick) {
                    device.feed(Input::RequestFailed { request, failure });
                }
            }
            Self::SignIn(pick, answer) => sign_in(device, pick, &answer),
            Self::Network(true) => device.feed(Input::Network(Network::Online)),
            Self::Network(false) => device.feed(Input::Network(Network::Offline)),
            Self::Visible(true) => device.feed(Input::Visibility(Visibility::Visible)),
            Self::Visible(false) => device.feed(Input::Visibility(Visibility::Hidden)),
            Self::Found(which) => device.hear_finding(usize::from(which)),
            Self::PassToDeadline => device.pass_to_deadline(),
            Self::PassMilliseconds(milliseconds) => device.pass(u64::from(milliseconds)),
            Self::PassSeconds(seconds) => device.sleep(u64::from(seconds % MAX_WAIT) * 1_000),
            Self::Jump(ahead) => device.set_wall_clock(ahead),
            Self::TimeDue => device.feed(Input::TimeDue),
            Self::Stray(stray) => stray.apply(device),
            Self::Serve => serve(device),
            other => other.keep(device),
        }
    }
}

impl Operation {
    /// What concerns the disk and other tabs.
    fn keep(self, device: &mut Device) {
        match self {
            Self::AnswerStorage(reply) => reply.apply(device),
            Self::LoseStorage => device.feed(Input::StorageLost),
            Self::TabGone(pick) => {
                let which = pick.of(device.disk.watched.len());
                if let Some(tab) = which.and_then(|which| device.disk.watched.remove(which)) {
                    device.feed(Input::TabGone { tab, silent: Duration::ZERO });
                }
            }
            Self::HearOurs(pick) => {
                let which = pick.of(device.disk.told.len());
                if let Some(news) = which.and_then(|which| device.disk.told.get(which).cloned()) {
                    device.feed(Input::HeardTab { news });
                }
            }
            Self::HearTab(news) => device.feed(Input::HeardTab { news }),
            Self::Plant(planted) => {
                let record = planted.record(device.wall());
                device.disk.plant(record);
            }
            Self::SetDraft(room, text) => {
                device.command(Command::SetDraft { room: room.id(), text: text.words() });
            }
            Self::MarkRead(pick) => {
                on_row(device, pick, |room, row| Command::MarkRead { room, row })
            }
            Self::Reload => {
                device.reload();
                device.command(Command::OpenRoom(RoomId::default()));
            }
            _ => {}
        }
    }
}

impl Stray {
    fn apply(self, device: &mut Device) {
        let is_real = |id: u32| device.wire.sockets.iter().any(|socket| socket.id.0 == id);
        let input = match self {
            Self::Opened(id) | Self::Closed(id, _) | Self::Blocked(id) | Self::Received(id, _)
                if is_real(id) =>
            {
                return;
            }
            Self::Opened(id) => Input::SocketOpened { connection: ConnectionId(id) },
            Self::Closed(id, code) => {
                let close = Close { code, reason: String::new() };
                Input::SocketClosed { connection: ConnectionId(id), close }
            }
            Self::Blocked(id) => Input::SocketBlocked { connection: ConnectionId(id) },
            Self::Received(id, text) => Input::Received { connection: ConnectionId(id), text },
            Self::SignedOut(id) => {
                Input::SignedIn { question: QuestionId(id), answer: SignInAnswer::SignedOut }
            }
            Self::Answered(id, status, body) => {
                device.wire.requests.retain(|request| request.id.0 != id);
                let answer = HttpAnswer { status, body, date: None };
                Input::Answered { request: HttpRequestId(id), answer }
            }
            Self::Failed(id) => {
                device.wire.requests.retain(|request| request.id.0 != id);
                let failure = HttpFailure::Network;
                Input::RequestFailed { request: HttpRequestId(id), failure }
            }
            Self::Row(room, row) => {
                device.command(Command::Retry { room: room.id(), row: RowId(row) });
                Input::Command(Command::Discard { room: room.id(), row: RowId(row) })
            }
        };
        device.feed(input);
    }
}

impl Room {
    fn id(self) -> RoomId {
        match self {
            Self::Lobby => RoomId::default(),
            // More than an API Gateway has connections for.
            Self::Numbered(number) => {
                RoomId::parse(&format!("{}", number % 60)).expect("a number is a room")
            }
        }
    }
}

impl Text {
    fn words(self) -> String {
        match self {
            Self::Numbered(number) => format!("words {number}"),
            Self::Any(text) => text,
            Self::Long(length) => "x".repeat(usize::try_from(length % 300_000).unwrap_or(0)),
        }
    }
}

impl CloseCode {
    fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Abnormal => 1006,
            Self::GoingAway => 1001,
            Self::TooLarge => 1009,
            Self::Any(code) => code,
        }
    }
}

impl Pick {
    fn of(self, length: usize) -> Option<usize> {
        (length > 0).then(|| usize::from(self.0) % length)
    }
}

fn on_row(device: &mut Device, pick: Pick, command: fn(RoomId, RowId) -> Command) {
    let rows = device
        .rooms()
        .flat_map(|room| device.rows(room).iter().map(move |row| (room.clone(), row.id)));
    let rows = rows.collect::<Vec<_>>();
    // The newest rows are those that something can be done to.
    let chosen = pick.of(rows.len()).and_then(|which| rows.iter().rev().nth(which).cloned());
    if let Some((room, row)) = chosen {
        device.command(command(room, row));
    }
}

fn socket(device: &Device, pick: Pick, is_meant: fn(&Socket) -> bool) -> Option<ConnectionId> {
    let meant = device.wire.sockets.iter().filter(|one| is_meant(one)).collect::<Vec<_>>();
    meant.get(pick.of(meant.len())?).map(|socket| socket.id)
}

fn open(device: &mut Device, pick: Pick) {
    let Some(connection) = socket(device, pick, |one| !one.is_open) else { return };
    if let Some(socket) = device.wire.sockets.iter_mut().find(|one| one.id == connection) {
        socket.is_open = true;
    }
    device.feed(Input::SocketOpened { connection });
    if let Some(greeting) = server::greeting(device.setting.kind) {
        device.receive(connection, greeting.to_string());
    }
}

fn close(device: &mut Device, pick: Pick, code: CloseCode) {
    if let Some(connection) = socket(device, pick, |_| true) {
        device.wire.end(connection);
        let close = Close { code: code.code(), reason: String::new() };
        device.feed(Input::SocketClosed { connection, close });
    }
}

fn answer(device: &mut Device, pick: Pick, reply: &Reply) {
    let Some(which) = pick.of(device.wire.frames.len()) else { return };
    let Some(frame) = device.wire.frames.remove(which) else { return };
    let sends = device.wire.sends.iter().collect::<Vec<&Send>>();
    let answers = server::answers(device.setting.kind, &frame, reply, &sends);
    for answer in answers {
        device.receive(frame.connection, answer.to_string());
    }
}

fn answer_request(device: &mut Device, pick: Pick, reply: &Reply) {
    let Some(which) = pick.of(device.wire.requests.len()) else { return };
    let asked = device.wire.requests.remove(which);
    let sends = device.wire.sends.iter().collect::<Vec<&Send>>();
    let (status, body) = server::answer(device.setting.kind, &asked.body, reply, &sends);
    let answer = HttpAnswer { status, body: body.to_string(), date: None };
    device.feed(Input::Answered { request: asked.id, answer });
}

fn deliver(device: &mut Device, pick: Pick, said: &Said) {
    let kind = device.setting.kind;
    let sends = device.wire.sends.iter().collect::<Vec<&Send>>();
    let subscriptions = &device.wire.subscriptions;
    let target = match pick.of(subscriptions.len()) {
        Some(which) => subscriptions.get(which).map(|one| (one.connection, one.id.clone())),
        None => {
            socket(device, pick, |one| one.is_open).map(|connection| (connection, String::new()))
        }
    };
    let Some((connection, id)) = target else { return };
    let room = device.room_of(connection, &id);
    let message = server::message(kind, &room, said, &sends);
    device.receive(connection, server::delivery(kind, &id, message).to_string());
}

fn take_request(device: &mut Device, pick: Pick) -> Option<HttpRequestId> {
    let which = pick.of(device.wire.requests.len())?;
    Some(device.wire.requests.remove(which).id)
}

fn sign_in(device: &mut Device, pick: Pick, answer: &Answer) {
    let Some(which) = pick.of(device.wire.questions.len()) else { return };
    let question = device.wire.questions.remove(which);
    let answer = match answer {
        Answer::SignedOut => SignInAnswer::SignedOut,
        Answer::Failed => SignInAnswer::Failed,
        Answer::Credentials { somebody, seconds } => {
            let until = device.wall().saturating_add(i64::from(*seconds) * 1_000);
            let name = ["ann", "bo", "cy"].get(usize::from(somebody % 4)).copied();
            SignInAnswer::Credentials(match (device.setting.way, name) {
                (Way::Iam, _) => setting::aws(until),
                (Way::Cognito, Some(name)) => setting::jwt(name, until / 1_000),
                (_, name) => setting::token(name.unwrap_or("opaque")),
            })
        }
    };
    device.feed(Input::SignedIn { question, answer });
}

/// One round of everything that is waited for.
fn serve(device: &mut Device) {
    let first = Pick(0);
    for _ in 0..device.wire.questions.len() {
        sign_in(device, first, &Answer::Credentials { somebody: 0, seconds: 3_600 });
    }
    for _ in 0..device.wire.sockets.len() {
        open(device, first);
    }
    for _ in 0..device.wire.frames.len() {
        answer(device, first, &Reply::Right);
    }
    for _ in 0..device.wire.requests.len() {
        answer_request(device, first, &Reply::Right);
    }
}
