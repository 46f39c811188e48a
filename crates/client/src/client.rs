//! The client: routes inputs down to links and sessions, and what they say up to rooms.

mod channel;
mod io;
mod open_room;

use std::collections::VecDeque;

use crate::backend::api_gateway::{self, Discovery};
use crate::backend::{Page, RequestId, SessionEvent};
use crate::chat::ids::{ClientMessageId, ConnectionId, RoomId, RowId};
use crate::chat::message::{Delivery, FailReason, Row, RowContent};
use crate::chat::person::{DisplayName, Ownership, Person};
use crate::chat::room::History;
use crate::chat::timeline::{OrderKey, Taken};
use crate::config::{Backend, Service};
use crate::random::{Random, Seed};
use crate::time::Now;
use crate::timer::Deadline;
pub use io::{
    Close, Command, Event, Input, Network, Output, Refusal, SendRefusal, Status, TextSize,
    Visibility,
};
use open_room::OpenRoom;

/// Rooms that are open at once. Each has a connection of its own on API Gateway.
pub const MAX_ROOMS: usize = 5;
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
    backend: Backend,
    person: Person,
    ownership: Ownership,
    discovery: Discovery,
    random: Random,
    network: Network,
    visibility: Visibility,
    /// The rooms that are open, the one shown last at the end.
    rooms: Vec<OpenRoom>,
    connections: u32,
    rows: u64,
    outputs: VecDeque<Output>,
    events: VecDeque<Event>,
}

impl Client {
    /// A client of `backend` for `person`; everything random comes from `seed`.
    pub fn new(backend: Backend, person: Person, seed: Seed) -> Self {
        Self {
            discovery: Discovery::new(backend.service.dialect().unwrap_or_default()),
            backend,
            person,
            ownership: Ownership::default(),
            random: Random::new(seed),
            network: Network::Online,
            visibility: Visibility::Visible,
            rooms: Vec::new(),
            connections: 0,
            rows: 0,
            outputs: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::SocketOpened { connection } => {
                if let Some(index) = self.room_of(connection) {
                    self.opened(now, index, connection);
                }
            }
            Input::Received { connection, text } => {
                if let Some(index) = self.room_of(connection) {
                    let discovery = &mut self.discovery;
                    if let Some(open) = self.rooms.get_mut(index) {
                        open.channel.received(now.monotonic, &text, discovery);
                    }
                }
            }
            Input::SocketClosed { connection, close } => {
                if let Some(index) = self.room_of(connection) {
                    self.closed(now, index, &close);
                }
            }
            Input::SocketBlocked { connection } => {
                if let Some(index) = self.room_of(connection) {
                    self.refuse(index, Refusal::BlockedByPage);
                }
            }
            Input::Network(network) => {
                self.network = network;
                for open in &mut self.rooms {
                    open.channel.link.hint(now.monotonic);
                }
            }
            Input::Visibility(visibility) => {
                self.visibility = visibility;
                for open in &mut self.rooms {
                    open.channel.link.set_visible(now.monotonic, visibility == Visibility::Visible);
                }
            }
            Input::Found(finding) => self.discovery.hear(finding),
            Input::TimeDue => self.handle_time(now),
            Input::Command(command) => self.command(now, command),
        }
        self.settle(now);
    }

    /// What the driver is to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What the screen is to show next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to hand in [`Input::TimeDue`], and why.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earliest(self.rooms.iter().map(OpenRoom::next_deadline))
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

    /// How long a text is on the wire, against the longest that can be sent.
    pub fn text_size(&self, room: &RoomId, text: &str) -> TextSize {
        TextSize {
            bytes: api_gateway::send_frame_bytes(room, text),
            limit: api_gateway::MAX_SEND_BYTES,
        }
    }

    fn command(&mut self, now: Now, command: Command) {
        match command {
            Command::OpenRoom(room) => self.show(room),
            Command::Send { room, text } => self.send(now, &room, text),
            Command::Retry { room, row } => self.retry(&room, row),
            Command::Discard { room, row } => {
                if let Some(open) = self.open_room_mut(&room)
                    && let Some(id) = open.room.outbox.not_in_flight(row).map(|one| one.id.clone())
                {
                    open.room.outbox.remove(&id);
                    open.room.timeline.discard(row);
                }
            }
            Command::LoadOlder { room } => {
                if let Some(open) = self.open_room_mut(&room) {
                    open.room.load_older();
                }
            }
            Command::Reconnect => {
                for open in &mut self.rooms {
                    open.channel.refusal = None;
                    open.channel.link.connect();
                }
            }
            Command::SetName(name) => self.set_name(name),
        }
    }

    fn show(&mut self, room: RoomId) {
        if let Some(index) = self.rooms.iter().position(|open| open.room.id == room) {
            let open = self.rooms.remove(index);
            self.rooms.push(open);
            return;
        }
        if self.rooms.len() == MAX_ROOMS {
            let unused = self.rooms.iter().position(|open| open.room.outbox.is_empty());
            let Some(index) = unused else {
                let status = Status::Refused(Refusal::TooManyRooms);
                self.events.push_back(Event::Status { room, status });
                return;
            };
            let closed = self.rooms.remove(index);
            if let Some(connection) = closed.channel.link.connection() {
                self.outputs.push_back(Output::CloseSocket { connection });
            }
        }
        self.events.push_back(Event::Status { room: room.clone(), status: Status::Connecting });
        self.rooms.push(OpenRoom::new(room, self.visibility == Visibility::Visible));
    }

    fn send(&mut self, now: Now, room: &RoomId, text: String) {
        let size = self.text_size(room, &text);
        let refusal = match self.open_room(room) {
            _ if text.trim().is_empty() => Some(SendRefusal::Empty),
            _ if size.is_too_large() => Some(SendRefusal::TooLarge),
            None => Some(SendRefusal::RoomNotOpen),
            Some(open) if open.room.outbox.is_full() => Some(SendRefusal::TooManyUnconfirmed),
            Some(_) => None,
        };
        if let Some(reason) = refusal {
            self.events.push_back(Event::SendRefused { room: room.clone(), text, reason });
            return;
        }
        let row = self.next_row();
        let id = ClientMessageId(self.random.token());
        self.ownership.remember(id.clone());
        if let Some(open) = self.open_room_mut(room) {
            open.room.timeline.compose(row, id.clone(), text.clone(), now.wall);
            open.room.outbox.push(row, id, text);
        }
    }

    fn retry(&mut self, room: &RoomId, row: RowId) {
        if let Some(open) = self.open_room_mut(room)
            && let Some(id) = open.room.outbox.halted(row).map(|message| message.id.clone())
        {
            open.room.outbox.requeue(&id);
            open.room.timeline.set_delivery(row, Delivery::Queued);
        }
    }

    fn set_name(&mut self, name: Option<DisplayName>) {
        if self.person.name == name {
            return;
        }
        self.person.name = name;
        for open in &mut self.rooms {
            // A backend hears names once for a connection.
            if open.channel.session.is_some() && open.history != History::None {
                open.channel.link.reconnect();
            }
        }
    }

    fn opened(&mut self, now: Now, index: usize, connection: ConnectionId) {
        let Some(open) = self.rooms.get_mut(index) else { return };
        let room = open.room.id.clone();
        open.channel.opened(
            now.monotonic,
            connection,
            room,
            self.person.clone(),
            &mut self.discovery,
        );
    }

    fn closed(&mut self, now: Now, index: usize, close: &Close) {
        let Some(open) = self.rooms.get_mut(index) else { return };
        if close.code == CLOSE_TOO_LARGE {
            open.fail_in_flight(FailReason::TooLarge);
        }
        open.channel.lost(now.monotonic, close.code, &mut self.discovery, &mut self.random);
    }

    fn refuse(&mut self, index: usize, refusal: Refusal) {
        if let Some(open) = self.rooms.get_mut(index) {
            open.channel.refuse(refusal, &mut self.discovery);
        }
    }

    fn handle_time(&mut self, now: Now) {
        for open in &mut self.rooms {
            open.channel.handle_time(now.monotonic, &mut self.discovery, &mut self.random);
            open.room.handle_time(now.monotonic);
        }
    }

    /// Carries on until nothing moves any more.
    fn settle(&mut self, now: Now) {
        for index in 0..self.rooms.len() {
            self.settle_room(now, index);
        }
        if let Some(finding) = self.discovery.news() {
            self.events.push_back(Event::Found(finding));
        }
        // What one connection has found out may free the sends of another.
        for index in 0..self.rooms.len() {
            if let Some(session) =
                self.rooms.get_mut(index).and_then(|open| open.channel.session.as_mut())
            {
                session.follow(now.monotonic, &self.discovery);
            }
            self.settle_room(now, index);
            if let Some(open) = self.rooms.get_mut(index) {
                open.report(now.monotonic, self.network, &mut self.events);
            }
        }
    }

    fn settle_room(&mut self, now: Now, index: usize) {
        loop {
            let Some(open) = self.rooms.get_mut(index) else { return };
            let url = match &self.backend.service {
                Service::ApiGateway { endpoint, .. } => endpoint.with_room(&open.room.id),
                Service::AppsyncGraphql { api, .. } | Service::AppsyncEvents { api, .. } => {
                    api.realtime().to_owned()
                }
            };
            let connections = &mut self.connections;
            open.channel.run_link(
                now.monotonic,
                &mut self.discovery,
                connections,
                &url,
                &mut self.outputs,
            );
            let mut moved = false;
            while let Some(event) =
                self.rooms.get_mut(index).and_then(|open| open.channel.poll_event())
            {
                moved = true;
                self.session_event(now, index, event);
            }
            let Some(open) = self.rooms.get_mut(index) else { return };
            if open.channel.session.is_none() && open.room.is_joined() {
                open.room.left();
            }
            moved |= open.hand_over(now);
            open.channel.flush(&mut self.outputs);
            if !moved {
                return;
            }
        }
    }

    fn session_event(&mut self, now: Now, index: usize, event: SessionEvent) {
        let row = self.next_row();
        let Some(open) = self.rooms.get_mut(index) else { return };
        match event {
            SessionEvent::Joined { room: _, history } => {
                let interrupted = open.room.joined(now.monotonic, history);
                if interrupted && open.room.timeline.may_note_interruption() {
                    open.room.timeline.note(row, RowContent::Interruption);
                }
            }
            SessionEvent::Introduced { sender_id } => self.ownership.learn_sender(sender_id),
            SessionEvent::Message { room: _, incoming } => {
                let send = incoming.client_message_id.clone();
                let author = self.ownership.author(send.as_ref(), incoming.sender.clone());
                let taken = open.room.timeline.take(incoming, author, row);
                open.room.message_arrived();
                let room = open.room.id.clone();
                match taken {
                    Taken::New(row) => self.events.push_back(Event::Arrived { room, row }),
                    Taken::Settles(row) => {
                        if let Some(send) = send {
                            open.arrived(&mut self.events, &send, Some(row));
                        }
                    }
                    Taken::Known => {}
                }
            }
            SessionEvent::Notice { room: _, text } => {
                open.room.timeline.note(row, RowContent::Notice(text));
                open.room.message_arrived();
            }
            SessionEvent::Settled { room: _, id, key } => open.settled(&mut self.events, &id, key),
            SessionEvent::Unsettled { room: _, id, outcome } => open.unsettled(now, &id, outcome),
            SessionEvent::History { request, page } => {
                self.history_page(now, index, &request, page)
            }
            SessionEvent::HistoryRefused { request, retry } => {
                if open.room.awaits(&request) {
                    open.room.page_refused(now.monotonic, retry);
                }
            }
            SessionEvent::RoomRefused { room: _, reason } => {
                let unauthorized = reason == FailReason::Unauthorized;
                let refusal = if unauthorized { Refusal::Unauthorized } else { Refusal::Forbidden };
                self.refuse(index, refusal);
            }
            SessionEvent::Throttled { pause } => {
                open.room.outbox.pause_until(now.monotonic + pause)
            }
            SessionEvent::Silent => {
                open.channel.give_up(now.monotonic, &mut self.discovery, &mut self.random)
            }
        }
    }

    fn history_page(&mut self, now: Now, index: usize, request: &RequestId, page: Page) {
        let Some(open) = self.rooms.get_mut(index) else { return };
        if !open.room.awaits(request) {
            return;
        }
        let mut oldest: Option<OrderKey> = None;
        for incoming in &page.messages {
            self.rows += 1;
            let send = incoming.client_message_id.clone();
            let author = self.ownership.author(send.as_ref(), incoming.sender.clone());
            let key = incoming.order_key();
            oldest = oldest.into_iter().chain(key).min();
            let taken = open.room.timeline.take(incoming.clone(), author, RowId(self.rows));
            if let (Taken::Settles(row), Some(send)) = (taken, send) {
                open.room.outbox.remove(&send);
                open.arrived(&mut self.events, &send, Some(row));
            }
        }
        open.room.page_arrived(now.monotonic, &page, oldest);
    }

    fn next_row(&mut self) -> RowId {
        self.rows += 1;
        RowId(self.rows)
    }

    fn room_of(&self, connection: ConnectionId) -> Option<usize> {
        self.rooms.iter().position(|open| open.channel.link.connection() == Some(connection))
    }

    fn open_room(&self, room: &RoomId) -> Option<&OpenRoom> {
        self.rooms.iter().find(|open| open.room.id == *room)
    }

    fn open_room_mut(&mut self, room: &RoomId) -> Option<&mut OpenRoom> {
        self.rooms.iter_mut().find(|open| open.room.id == *room)
    }
}
