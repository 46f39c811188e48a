//! The client: routes inputs down to links and sessions, and what they say up to rooms.

mod channel;
mod identity;
mod io;
mod kept;
mod keyring;
mod open_room;
mod session_events;
mod storage;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::backend::Role;
use crate::chat::ids::{ClientMessageId, ConnectionId, RoomId, RowId, TabId};
use crate::chat::message::{Delivery, FailReason, Row};
use crate::chat::outbox::{MAX_UNCONFIRMED, Outbox, Outgoing, Written};
use crate::chat::person::{DisplayName, Ownership, Person};
use crate::chat::room::History;
use crate::config::{Backend, Service};
use crate::keeping::Keeping;
use crate::random::{Random, Seed};
use crate::time::Now;
use crate::timer::Deadline;
use channel::{Channel, ChannelId, Shared};
use identity::Identity;
pub use io::{
    AskReason, Close, Command, Event, HttpAnswer, HttpFailure, Input, Network, Output, Refusal,
    SendRefusal, SignInAnswer, Status, StorageAnswer, TextSize, Visibility,
};
use kept::Kept;
use open_room::OpenRoom;

/// Rooms that are open at once where each has a connection of its own, as on API Gateway.
pub const MAX_ROOMS: usize = 5;
/// Rooms that are open at once where they share one: AppSync allows 200 subscriptions, a page needs fewer.
pub const MAX_ROOMS_OF_A_CONNECTION: usize = 50;
/// A wall clock that is so far ahead of the monotonic one tells of a sleep.
const SLEEP: Duration = Duration::from_secs(60);
/// The gateway closes a connection so over a frame or message that is too large.
const CLOSE_TOO_LARGE: u16 = 1009;

/// A chat client of one backend, without any I/O.
///
/// The contract, for drivers, simulators and tests alike:
///
/// - [`handle`](Self::handle) takes one [`Input`]: a socket opened, a text arrived, a socket closed, the network
///   or the page changed, the time is due, or a [`Command`] of the person. `now` never goes backwards.
/// - After each input, call [`poll_output`](Self::poll_output) until `None` and do what it says, and
///   [`poll_event`](Self::poll_event) until `None` and show what it says.
/// - Then ask [`poll_timeout`](Self::poll_timeout), and hand in [`Input::TimeDue`] at that time; later does no
///   harm, since everything that is due by then is done.
///
/// The same inputs give the same outputs, always. No input makes it panic. For an [`Output::OpenSocket`] the
/// driver reports at most one opening and exactly one close (or [`Input::SocketBlocked`]); reports of connections that were given up
/// are ignored.
#[derive(Debug)]
pub struct Client {
    ownership: Ownership,
    identity: Identity,
    is_signed_out: bool,
    keeping: Keeping,
    kept: Kept,
    /// What is unsent of rooms that are not open.
    unopened: BTreeMap<RoomId, Outbox>,
    /// At the last input.
    clocks: Option<Now>,
    visibility: Visibility,
    /// The rooms that are open, the one shown last at the end.
    rooms: Vec<OpenRoom>,
    channels: Vec<Channel>,
    shared: Shared,
    channel_ids: u32,
    rows: u64,
    events: VecDeque<Event>,
}

impl Client {
    /// A client of `backend` for `person`; everything random comes from `seed`. It keeps nothing on the device.
    pub fn new(backend: Backend, person: Person, seed: Seed) -> Self {
        Self::with(backend, person, seed, false)
    }

    /// The same, and what the person has written outlives the page, where the device allows that.
    pub fn with_storage(backend: Backend, person: Person, seed: Seed) -> Self {
        Self::with(backend, person, seed, true)
    }

    fn with(backend: Backend, person: Person, seed: Seed, keeps: bool) -> Self {
        // Of a generator of its own: whether anything is kept changes nothing else.
        let tab = TabId(Random::new(seed).fork().token());
        let mut ownership = Ownership::default();
        if let Some(id) = person.known_as.clone() {
            ownership.suppose_sender(id);
        }
        Self {
            identity: Identity::new(person.name.clone()),
            ownership,
            is_signed_out: false,
            keeping: Keeping::new(tab, keeps),
            kept: Kept::default(),
            unopened: BTreeMap::new(),
            clocks: None,
            visibility: Visibility::Visible,
            rooms: Vec::new(),
            channels: Vec::new(),
            shared: Shared::new(backend, person, Random::new(seed)),
            channel_ids: 0,
            rows: 0,
            events: VecDeque::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input) {
        // What a frame says counts, even if its connection is given up for having slept.
        let is_frame = matches!(input, Input::Received { .. });
        if !is_frame {
            self.watch_clocks(now);
        }
        match input {
            Input::SocketOpened { connection } => {
                if let Some((channel, role)) = on(&mut self.channels, connection) {
                    channel.opened(role, now, connection, &mut self.shared);
                }
            }
            Input::Received { connection, text } => {
                if let Some((channel, role)) = on(&mut self.channels, connection) {
                    channel.received(role, now.monotonic, &text, &mut self.shared.discovery);
                }
            }
            Input::SocketClosed { connection, close } => self.closed(now, connection, &close),
            Input::SocketBlocked { connection } => {
                if let Some((channel, role)) = on(&mut self.channels, connection) {
                    channel.blocked(role, now, &mut self.shared);
                }
            }
            Input::SignedIn { question, answer } => self.signed_in(now, question, answer),
            Input::Answered { request, answer } => {
                for channel in &mut self.channels {
                    channel.session.answered(request, &answer);
                }
            }
            Input::RequestFailed { request, failure } => {
                for channel in &mut self.channels {
                    channel.session.failed(request, failure);
                }
            }
            Input::Network(network) => {
                self.shared.network = network;
                for channel in &mut self.channels {
                    match network {
                        Network::Online => channel.hint(now.monotonic),
                        Network::Offline => channel.link.hint(now.monotonic),
                    }
                }
            }
            Input::Visibility(visibility) => {
                self.visibility = visibility;
                // A page that goes out of view may never come back.
                self.store_kept(now);
                for channel in &mut self.channels {
                    let is_visible = visibility == Visibility::Visible;
                    channel.set_visible(now.monotonic, is_visible);
                    if is_visible {
                        channel.hint(now.monotonic);
                    }
                }
            }
            Input::Found(finding) => self.shared.discovery.hear(finding),
            Input::StorageAnswered { request, answer } => {
                self.storage_answered(now, request, answer);
            }
            Input::StorageLost => self.storage_lost(now),
            Input::TabGone { tab, silent } => self.keeping.gone(now.monotonic, tab, silent),
            Input::HeardTab { news } => self.heard_tab(&news),
            Input::TimeDue => self.handle_time(now),
            Input::Command(command) => self.command(now, command),
        }
        if is_frame {
            self.watch_clocks(now);
        }
        self.settle(now);
    }

    /// What the driver is to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.shared.outputs.pop_front()
    }

    /// What the screen is to show next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to hand in [`Input::TimeDue`], and why.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let channels = self.channels.iter().map(Channel::next_deadline);
        let rooms = self.rooms.iter().map(OpenRoom::next_deadline);
        // Until the storage is open nothing can be stored, however due it is.
        let kept = self.kept.next_deadline().filter(|_| self.keeping.has_place());
        Deadline::earliest(channels.chain(rooms).chain([self.keeping.next_deadline(), kept]))
    }

    /// The rows of a room; none if it is not open.
    pub fn rows(&self, room: &RoomId) -> impl Iterator<Item = &Row> {
        self.open_room(room).into_iter().flat_map(|open| open.room.timeline.rows())
    }

    /// One row of a room.
    pub fn row(&self, room: &RoomId, row: RowId) -> Option<&Row> {
        self.open_room(room)?.room.timeline.row(row)
    }

    /// How the connection of a room stands, if the room is open.
    pub fn status(&self, room: &RoomId) -> Option<Status> {
        self.open_room(room).map(|open| open.status)
    }

    /// How far back a room can be read, if it is open.
    pub fn history(&self, room: &RoomId) -> Option<History> {
        self.open_room(room).map(|open| open.history)
    }

    /// What the person has written in a room and not sent yet.
    pub fn draft(&self, room: &RoomId) -> &str {
        self.kept.draft(room)
    }

    /// How many messages of others in a room the person has not seen; at most a thousand are counted.
    pub fn unread(&self, room: &RoomId) -> usize {
        self.open_room(room).map_or(0, |open| open.unread)
    }

    /// How long a text is on the wire, against the longest that can be sent.
    pub fn text_size(&self, room: &RoomId, text: &str) -> TextSize {
        self.service().text_size(room, text)
    }

    fn command(&mut self, now: Now, command: Command) {
        match command {
            Command::OpenRoom(room) => self.show(room),
            Command::Send { room, text } => self.send(now, &room, text),
            Command::Retry { room, row } => self.retry(now, &room, row),
            Command::Discard { room, row } => self.discard(&room, row),
            Command::LoadOlder { room } => {
                if let Some(open) = self.open_room_mut(&room) {
                    open.room.load_older();
                }
            }
            Command::Reading { room, from } => {
                if let Some(open) = self.open_room_mut(&room) {
                    open.room.reads_from(from);
                }
            }
            Command::SetDraft { room, text } => self.set_draft(now, &room, &text),
            Command::MarkRead { room, row } => self.mark_read(now, &room, row),
            Command::Reconnect => self.reconnect(),
            Command::SetName(name) => self.set_name(name),
            Command::SignOut => self.sign_out(),
        }
    }

    fn show(&mut self, room: RoomId) {
        if let Some(index) = self.rooms.iter().position(|open| open.room.id == room) {
            let mut open = self.rooms.remove(index);
            open.is_in_background = false;
            self.rooms.push(open);
            return;
        }
        if self.rooms.len() >= self.max_rooms() && !self.close_unused_room() && !self.shelve_room()
        {
            let status = Status::Refused(Refusal::TooManyRooms);
            self.events.push_back(Event::Status { room, status });
            return;
        }
        self.open(room.clone(), self.rooms.len());
        self.restore_room(&room);
    }

    fn max_rooms(&self) -> usize {
        if self.service().shares_connection() { MAX_ROOMS_OF_A_CONNECTION } else { MAX_ROOMS }
    }

    fn open(&mut self, room: RoomId, place: usize) {
        self.events.push_back(Event::Status { room: room.clone(), status: Status::Connecting });
        let channel = self.channel_for(&room, self.service().shares_connection());
        if let Some(channel) = by_id(&mut self.channels, channel) {
            channel.session.join(&room);
        }
        self.rooms.insert(place.min(self.rooms.len()), OpenRoom::new(room, channel));
    }

    /// Closes the room that was shown longest ago and has nothing unsent; says whether there was one.
    fn close_unused_room(&mut self) -> bool {
        let unused = self.rooms.iter().position(|open| open.room.outbox.is_empty());
        let Some(index) = unused else { return false };
        self.close_room(index);
        true
    }

    /// Closes a room that nobody wanted to see, if possible one of which nothing is in flight: what it is owed waits until
    /// there is a place for it again. Says whether there was one.
    fn shelve_room(&mut self) -> bool {
        let is_idle = |open: &OpenRoom| open.room.outbox.in_flight().is_none();
        let mut rooms = self.rooms.iter();
        let idle = rooms.position(|open| open.is_in_background && is_idle(open));
        let index = idle.or_else(|| self.rooms.iter().position(|open| open.is_in_background));
        let Some((index, open)) = index.and_then(|at| Some((at, self.rooms.get_mut(at)?))) else {
            return false;
        };
        if let Some(channel) = by_id(&mut self.channels, open.channel) {
            open.take_back(channel);
        }
        let outbox = std::mem::take(&mut open.room.outbox);
        self.unopened.insert(open.room.id.clone(), outbox);
        self.close_room(index);
        true
    }

    fn close_room(&mut self, index: usize) {
        let closed = self.rooms.remove(index);
        // Their rows have gone with the room.
        self.events.retain(|event| match event {
            Event::Arrived { room, .. } | Event::Sent { room, .. } => *room != closed.room.id,
            _ => true,
        });
        if self.service().shares_connection() {
            if let Some(channel) = by_id(&mut self.channels, closed.channel) {
                channel.session.leave(&closed.room.id);
                channel.flush(&mut self.shared.outputs);
            }
        } else if let Some(index) = self.channels.iter().position(|one| one.id == closed.channel) {
            for connection in self.channels.remove(index).end() {
                self.shared.outputs.push_back(Output::CloseSocket { connection });
            }
        }
    }

    fn channel_for(&mut self, room: &RoomId, is_shared: bool) -> ChannelId {
        if let Some(channel) = self.channels.first().filter(|_| is_shared) {
            return channel.id;
        }
        self.channel_ids += 1;
        let id = ChannelId(self.channel_ids);
        let is_visible = self.visibility == Visibility::Visible;
        self.channels.push(Channel::new(id, room.clone(), &mut self.shared, is_visible));
        id
    }

    fn send(&mut self, now: Now, room: &RoomId, text: String) {
        let size = self.text_size(room, &text);
        let refusal = match self.open_room(room) {
            _ if text.trim().is_empty() => Some(SendRefusal::Empty),
            _ if size.is_too_large() => Some(SendRefusal::TooLarge),
            None => Some(SendRefusal::RoomNotOpen),
            Some(open) if open.status == Status::Refused(Refusal::SignedOut) => {
                Some(SendRefusal::SignedOut)
            }
            Some(_) if self.unconfirmed() >= MAX_UNCONFIRMED => {
                Some(SendRefusal::TooManyUnconfirmed)
            }
            Some(_) => None,
        };
        if let Some(reason) = refusal {
            self.events.push_back(Event::SendRefused { room: room.clone(), text, reason });
            return;
        }
        let row = self.next_row();
        let id = ClientMessageId(self.shared.random.token());
        self.ownership.remember(id.clone(), &text);
        if let Some(open) = self.open_room_mut(room) {
            let written = Written { at: now.wall, number: row.0 };
            // A clock that was set back must not change the order of what was written, here or by an earlier client.
            let last = open.room.outbox.last_written().filter(|last| *last >= written);
            let written = last
                .map_or(written, |last| Written { number: last.number.saturating_add(1), ..last });
            let delivery = Delivery::Queued;
            open.room.timeline.compose(row, id.clone(), text.clone(), (written, delivery));
            open.room.outbox.push(Outgoing::new(row, id, text, written));
        }
    }

    fn retry(&mut self, now: Now, room: &RoomId, row: RowId) {
        if let Some(open) = self.open_room_mut(room)
            && let Some(id) = open.room.outbox.halted(row).map(|message| message.id.clone())
        {
            open.room.outbox.retry(&id, now.wall);
            open.room.timeline.set_delivery(row, Delivery::Queued);
            self.ownership.sent_again(&id);
        }
    }

    fn discard(&mut self, room: &RoomId, row: RowId) {
        let Some(open) = self.rooms.iter_mut().find(|open| open.room.id == *room) else { return };
        let Some(channel) = by_id(&mut self.channels, open.channel) else { return };
        let outbox = &mut open.room.outbox;
        let unsent = outbox.not_in_flight(row).map(|one| one.id.clone()).or_else(|| {
            let held = outbox.in_flight().filter(|one| one.row == row)?;
            channel.session.withdraw(&held.id).then(|| held.id.clone())
        });
        if let Some(id) = unsent {
            outbox.discard(&id);
            open.room.timeline.discard(row);
        }
    }

    fn reconnect(&mut self) {
        self.is_signed_out = false;
        for channel in &mut self.channels {
            channel.connect();
        }
        for open in &mut self.rooms {
            open.refusal = None;
            if let Some(channel) = by_id(&mut self.channels, open.channel) {
                channel.session.join(&open.room.id);
            }
        }
    }

    fn set_name(&mut self, name: Option<DisplayName>) {
        self.identity.name = name;
        let name = self.identity.shown_name();
        if self.shared.person.name == name {
            return;
        }
        self.shared.person.name = name;
        for channel in &mut self.channels {
            channel.session.set_person(&self.shared.person);
        }
        if self.service().shares_connection() {
            return;
        }
        for open in &self.rooms {
            // A backend hears names once for a connection.
            if let Some(channel) = by_id(&mut self.channels, open.channel)
                && channel.is_open()
                && open.history != History::None
            {
                channel.reconnect(&mut self.shared.discovery);
            }
        }
    }

    fn closed(&mut self, now: Now, connection: ConnectionId, close: &Close) {
        let Some((channel, role)) = on(&mut self.channels, connection) else { return };
        let id = channel.id;
        let is_of_frame = !self.shared.backend.service.shares_connection()
            && channel.session.is_sending_beside() == (role == Role::Beside);
        if close.code == CLOSE_TOO_LARGE && is_of_frame {
            for open in self.rooms.iter_mut().filter(|open| open.channel == id) {
                open.fail_in_flight(FailReason::TooLarge, channel);
            }
        }
        channel.lost(role, now, close.code, &mut self.shared);
    }

    fn handle_time(&mut self, now: Now) {
        for channel in &mut self.channels {
            channel.handle_time(now.monotonic, &mut self.shared);
        }
        for open in &mut self.rooms {
            open.room.handle_time(now.monotonic);
        }
        self.keeping.handle_time(now.monotonic);
    }

    /// A device that sleeps may stop the monotonic clock, as browsers do on some systems; the other one goes on.
    fn watch_clocks(&mut self, now: Now) {
        let before = self.clocks.replace(now);
        let Some(before) = before else { return };
        let passed = now.monotonic.since(before.monotonic);
        let by_wall = u64::try_from(now.wall.0.saturating_sub(before.wall.0)).unwrap_or(0);
        let slept = Duration::from_millis(by_wall).saturating_sub(passed);
        if slept >= SLEEP {
            for channel in &mut self.channels {
                channel.woke(now.monotonic, slept, &mut self.shared.discovery);
            }
        }
    }

    /// Carries on until nothing moves any more.
    fn settle(&mut self, now: Now) {
        self.identify(now);
        self.open_forgotten_rooms();
        for index in 0..self.channels.len() {
            self.settle_channel(now, index);
        }
        if let Some(finding) = self.shared.discovery.news() {
            self.events.push_back(Event::Found(finding));
        }
        // What one connection has found out may free the sends of another.
        for index in 0..self.channels.len() {
            if let Some(channel) = self.channels.get_mut(index) {
                channel.session.follow(now.monotonic, &self.shared.discovery);
            }
            self.settle_channel(now, index);
        }
        for open in &mut self.rooms {
            if open.room.may_be_too_long() {
                self.rows += 1;
                open.room.keep_bound(RowId(self.rows));
            }
            self.rows += 1;
            open.room.show_hole(RowId(self.rows));
            if let Some(channel) = by_id(&mut self.channels, open.channel) {
                open.report(now.monotonic, self.shared.network, channel, &mut self.events);
            }
        }
        self.report_unread(now);
        // What sessions have said may have told who the person is.
        self.identify(now);
        self.store(now);
        self.close_rooms_in_background();
    }

    fn settle_channel(&mut self, now: Now, index: usize) {
        loop {
            // First what the session says: it may concern the credentials that the next steps would use.
            let mut moved = self.session_events(now, index);
            let Some(channel) = self.channels.get_mut(index) else { return };
            let id = channel.id;
            for open in self.rooms.iter_mut().filter(|open| open.channel == id) {
                open.recall(now, self.keeping.disk(), channel);
            }
            channel.run(now, &mut self.shared);
            moved |= self.session_events(now, index);
            let Some(channel) = self.channels.get_mut(index) else { return };
            for open in self.rooms.iter_mut().filter(|open| open.channel == id) {
                if !channel.is_open() && open.room.may_be_left() {
                    open.room.left();
                }
                moved |= open.hand_over(now, self.keeping.disk(), channel);
            }
            channel.flush(&mut self.shared.outputs);
            if !moved {
                return;
            }
        }
    }

    fn next_row(&mut self) -> RowId {
        self.rows += 1;
        RowId(self.rows)
    }

    fn service(&self) -> &Service {
        &self.shared.backend.service
    }

    fn open_room(&self, room: &RoomId) -> Option<&OpenRoom> {
        self.rooms.iter().find(|open| open.room.id == *room)
    }

    fn open_room_mut(&mut self, room: &RoomId) -> Option<&mut OpenRoom> {
        self.rooms.iter_mut().find(|open| open.room.id == *room)
    }
}

fn by_id(channels: &mut [Channel], id: ChannelId) -> Option<&mut Channel> {
    channels.iter_mut().find(|channel| channel.id == id)
}

fn on(channels: &mut [Channel], connection: ConnectionId) -> Option<(&mut Channel, Role)> {
    let mut channels = channels.iter_mut();
    channels.find_map(|channel| channel.role_of(connection).map(|role| (channel, role)))
}
