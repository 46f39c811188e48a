//! A device: a client, its clocks, the other ends of its connections, and what must hold after every input.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roomlet_client::{
    Client, Command, ConnectionId, Credentials, Delivery, Event, History, Input, Now, RoomId, Row,
    RowId, SignInAnswer, Status, Timestamp, WallClock,
};

use crate::disk::Disk;
use crate::screen::Screen;
use crate::setting::Setting;
use crate::wire::Wire;

/// Outputs of one input, at most: each of fifty rooms may subscribe, ask for its history and send.
const MAX_OUTPUTS: usize = 400;
/// Events of one input, at most, beyond those of rows that change.
const MAX_EVENTS: usize = 400;
/// Deadlines in ten minutes of nobody answering, at most: a client that asks for more is busy with itself.
const MAX_DEADLINES: usize = 5_000;
const TEN_MINUTES: u64 = 600_000;
/// 2025-10-29T04:06:00Z: what the device's clock shows at first, in milliseconds.
const BEGINNING: i64 = 1_761_710_760_000;

/// A client that is fed, drained and checked.
#[derive(Debug)]
pub(crate) struct Device {
    client: Client,
    monotonic: u64,
    wall: i64,
    pub(crate) setting: Setting,
    pub(crate) wire: Wire,
    pub(crate) disk: Disk,
    /// Clients there were before this one; each has a seed of its own, so that none is taken for another.
    reloads: u8,
    keeps: bool,
    was_told: bool,
    screens: BTreeMap<RoomId, Shown>,
    findings: Vec<Event>,
}

/// What is shown of an open room.
#[derive(Debug, Default)]
struct Shown {
    screen: Screen,
    status: Option<Status>,
    history: Option<History>,
}

/// What an input may do to the rows that are not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
enum MayRemove {
    Nothing,
    Row(RoomId, RowId),
    /// Another tab has taken over one that was shown here.
    Any,
    /// Somebody else may be here now, who gets nothing of the one before: then all rows go.
    Everything,
}

impl Device {
    /// A device that keeps nothing.
    pub(crate) fn new(setting: Setting) -> Self {
        Self::with(setting, false)
    }

    /// A device with a disk.
    pub(crate) fn with_storage(setting: Setting) -> Self {
        Self::with(setting, true)
    }

    pub(crate) fn with(setting: Setting, keeps: bool) -> Self {
        Self {
            client: client(setting, keeps, 0),
            monotonic: 1_000,
            wall: BEGINNING,
            setting,
            wire: Wire::default(),
            disk: Disk::default(),
            reloads: 0,
            keeps,
            was_told: false,
            screens: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// The page is loaded again, and only the disk remembers.
    pub(crate) fn reload(&mut self) {
        self.reloads = self.reloads.wrapping_add(1);
        self.client = client(self.setting, self.keeps, self.reloads);
        self.wire = Wire::default();
        self.disk.crash();
        self.screens.clear();
        self.was_told = false;
    }

    /// The disk does everything that it was asked for.
    pub(crate) fn run_disk(&mut self) {
        while let Some((request, answer)) = self.disk.answer() {
            self.feed(Input::StorageAnswered { request, answer });
        }
    }

    /// All tabs that this one watches are gone.
    pub(crate) fn others_are_gone(&mut self) {
        while let Some(tab) = self.disk.watched.pop_front() {
            self.feed(Input::TabGone { tab, silent: Duration::ZERO });
            self.run_disk();
        }
    }

    /// Hands in one input, does what comes out, and checks what must hold.
    pub(crate) fn feed(&mut self, input: Input) {
        let may_remove = MayRemove::by(&input);
        let is_time = input == Input::TimeDue;
        let sent = match &input {
            Input::Command(Command::Send { room, text }) => Some((room.clone(), text.clone())),
            _ => None,
        };
        let unsent_before = self.unsent();
        let rows_before = self.screens.values().map(|shown| shown.screen.rows().len()).sum();

        let monotonic = Timestamp(self.monotonic);
        self.client.handle(Now { monotonic, wall: WallClock(self.wall) }, input);
        self.do_outputs();
        let is_refused = self.show_events(rows_before);

        self.drop_closed();
        self.check_screens();
        self.check_unsent(&unsent_before, &may_remove);
        if let Some((room, text)) = sent.filter(|_| !is_refused) {
            self.check_composed(&unsent_before, &room, &text);
        }
        if is_time && let Some(deadline) = self.client.poll_timeout() {
            let reason = deadline.reason;
            assert!(deadline.at.0 > self.monotonic, "what was due is still due: {reason}");
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.feed(Input::Command(command));
    }

    /// Lets time pass, both clocks alike, and hands in each deadline at its time.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        let end = self.monotonic + milliseconds;
        for _ in 0..MAX_DEADLINES {
            let Some(deadline) = self.client.poll_timeout().filter(|due| due.at.0 <= end) else {
                self.advance(end);
                return;
            };
            self.advance(deadline.at.0);
            self.feed(Input::TimeDue);
        }
        panic!("deadlines do not end: {:?}", self.client.poll_timeout());
    }

    /// Lets time pass until the next deadline, if there is one.
    pub(crate) fn pass_to_deadline(&mut self) {
        if let Some(deadline) = self.client.poll_timeout() {
            self.advance(deadline.at.0);
            self.feed(Input::TimeDue);
        }
    }

    /// Sleeps through some time, and wakes when all of its deadlines are long due.
    pub(crate) fn sleep(&mut self, milliseconds: u64) {
        self.advance(self.monotonic + milliseconds);
        self.feed(Input::TimeDue);
    }

    /// A frame arrives, if its connection is still there.
    pub(crate) fn receive(&mut self, connection: ConnectionId, text: String) {
        if self.wire.sockets.iter().any(|socket| socket.id == connection) {
            self.feed(Input::Received { connection, text });
        }
    }

    /// The room of a subscription, or of a connection where each has its own.
    pub(crate) fn room_of(&self, connection: ConnectionId, subscription: &str) -> String {
        let of = self.wire.subscriptions.iter().find(|one| one.id == subscription);
        if let Some(subscription) = of {
            return subscription.room.clone();
        }
        let socket = self.wire.sockets.iter().find(|socket| socket.id == connection);
        let room = socket.and_then(|socket| socket.url.split("roomId=").nth(1));
        let room = room.and_then(|rest| rest.split('&').next());
        room.unwrap_or(RoomId::LOBBY).to_owned()
    }

    /// Ten minutes in which nobody answers.
    pub(crate) fn rest(&mut self) {
        self.pass(TEN_MINUTES);
    }

    /// The wall clock is set, by a person or after a sleep that the monotonic one has not counted.
    pub(crate) fn set_wall_clock(&mut self, ahead: i64) {
        self.wall = self.wall.saturating_add(ahead);
    }

    /// The wall clock, in milliseconds since 1970.
    pub(crate) fn wall(&self) -> i64 {
        self.wall
    }

    pub(crate) fn rows(&self, room: &RoomId) -> &[Row] {
        self.screens.get(room).map_or(&[], |shown| shown.screen.rows())
    }

    pub(crate) fn rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.screens.keys()
    }

    pub(crate) fn is_refused(&self) -> bool {
        let mut all = self.screens.values();
        all.any(|shown| matches!(shown.status, Some(Status::Refused(_))))
    }

    /// What this client would tell the page's others comes back to it as if another had told.
    pub(crate) fn hear_finding(&mut self, which: usize) {
        let found = self.findings.get(which % self.findings.len().max(1)).cloned();
        if let Some(Event::Found(finding)) = found {
            self.feed(Input::Found(finding));
        }
    }

    /// Answers a question with credentials.
    pub(crate) fn sign_in(&mut self, credentials: Credentials) {
        if let Some(question) = self.wire.take_question() {
            self.feed(Input::SignedIn { question, answer: SignInAnswer::Credentials(credentials) });
        }
    }

    fn advance(&mut self, to: u64) {
        let passed = to.saturating_sub(self.monotonic);
        self.monotonic = self.monotonic.max(to);
        self.wall = self.wall.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
    }

    fn do_outputs(&mut self) {
        let mut count = 0;
        while let Some(output) = self.client.poll_output() {
            count += 1;
            assert!(count <= MAX_OUTPUTS, "one input has {count} outputs, the last is {output:?}");
            if let Some(output) = self.disk.take(output) {
                self.wire.take(output);
            }
        }
    }

    /// Says whether a text was not taken.
    fn show_events(&mut self, rows_before: usize) -> bool {
        let (mut others, mut changes, mut is_refused) = (0, 0, false);
        while let Some(event) = self.client.poll_event() {
            others += 1;
            match event {
                Event::Timeline { room, change } => {
                    (others, changes) = (others - 1, changes + 1);
                    self.screens.entry(room).or_default().screen.apply(change);
                }
                Event::Status { room, status } => {
                    self.screens.entry(room).or_default().status = Some(status);
                }
                Event::History { room, history } => {
                    self.screens.entry(room).or_default().history = Some(history);
                }
                Event::Arrived { room, row } | Event::Sent { room, row } => {
                    let is_there = self.client.row(&room, row).is_some();
                    assert!(is_there, "news of a row that is not there: {row:?}");
                }
                Event::SendRefused { .. } => is_refused = true,
                Event::NotKept => {
                    assert!(!self.was_told, "that nothing is kept is said once");
                    self.was_told = true;
                }
                Event::Found(_) if self.findings.len() < MAX_EVENTS => self.findings.push(event),
                _ => {}
            }
        }
        assert!(others <= MAX_EVENTS, "one input has {others} events");
        let rows = self.screens.values().map(|shown| shown.screen.rows().len()).sum::<usize>();
        let bound = MAX_EVENTS + 3 * (rows_before + rows);
        assert!(changes <= bound, "{changes} changes of {rows_before} rows that are {rows} now");
        is_refused
    }

    /// Rooms that the client has closed are shown no more.
    fn drop_closed(&mut self) {
        let client = &self.client;
        self.screens.retain(|room, _| client.status(room).is_some());
    }

    fn check_screens(&self) {
        for (room, shown) in &self.screens {
            let rows = shown.screen.rows();
            assert!(self.client.rows(room).eq(rows), "changes rebuild the rows");
            assert!(!shown.screen.has_twice(), "a row stands in the list twice");
            assert_eq!(
                self.client.status(room),
                shown.status,
                "the status is the one that was told"
            );
            let told = shown.history.unwrap_or(History::Unknown);
            assert_eq!(self.client.history(room), Some(told), "and so is the history");
            let is_sending = |row: &&Row| delivery(row) == Some(Delivery::Sending);
            let sending = rows.iter().filter(is_sending).count();
            assert!(sending <= 1, "{sending} messages of a room are on their way at a time");
        }
    }

    /// What is not sent goes only when somebody takes it away, not even with its room.
    fn check_unsent(&self, before: &BTreeSet<(RoomId, RowId)>, may_remove: &MayRemove) {
        let is_there = |(room, row): &(RoomId, RowId)| self.client.row(room, *row).is_some();
        for gone in before.iter().filter(|one| !is_there(one)) {
            let (room, row) = gone;
            match may_remove {
                MayRemove::Row(of, which) if (of, which) == (room, row) => {}
                MayRemove::Any => {}
                MayRemove::Everything if !before.iter().any(is_there) => {}
                _ => panic!("an unsent message is gone: {row:?} of {room}"),
            }
        }
    }

    /// A text that was taken stands in its room, once.
    fn check_composed(&self, before: &BTreeSet<(RoomId, RowId)>, room: &RoomId, text: &str) {
        let is_new = |row: &&Row| {
            let is_text = row.message().is_some_and(|one| one.text == text && one.is_own());
            is_text && is_unsent(row) && !before.contains(&(room.clone(), row.id))
        };
        let count = self.rows(room).iter().filter(is_new).count();
        assert_eq!(count, 1, "a text that was taken stands in its room once");
    }

    fn unsent(&self) -> BTreeSet<(RoomId, RowId)> {
        let mut unsent = BTreeSet::new();
        for (room, shown) in &self.screens {
            let rows = shown.screen.rows().iter().filter(|row| is_unsent(row));
            unsent.extend(rows.map(|row| (room.clone(), row.id)));
        }
        unsent
    }
}

impl MayRemove {
    fn by(input: &Input) -> Self {
        match input {
            Input::Command(Command::Discard { room, row }) => Self::Row(room.clone(), *row),
            Input::StorageAnswered { .. } => Self::Any,
            // A backend that calls a signed-in person by another name says that it is somebody else.
            Input::Command(Command::SignOut)
            | Input::SignedIn { .. }
            | Input::Received { .. }
            | Input::HeardTab { .. }
            | Input::Answered { .. } => Self::Everything,
            _ => Self::Nothing,
        }
    }
}

fn client(setting: Setting, keeps: bool, number: u8) -> Client {
    let (backend, person) = (setting.backend(), Setting::person());
    let seed = [number.wrapping_add(7); 32];
    if keeps {
        Client::with_storage(backend, person, seed)
    } else {
        Client::new(backend, person, seed)
    }
}

fn delivery(row: &Row) -> Option<Delivery> {
    row.message().map(|message| message.delivery)
}

fn is_unsent(row: &Row) -> bool {
    delivery(row).is_some_and(|delivery| delivery != Delivery::Sent)
}
