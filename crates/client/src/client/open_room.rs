//! A room that is open.

use std::collections::VecDeque;
use std::time::Duration;

use super::channel::{Channel, ChannelId};
use super::io::{Event, Network, Refusal, Status};
use crate::backend::Outcome;
use crate::chat::ids::{ClientMessageId, RoomId, RowId};
use crate::chat::message::{Delivery, FailReason, Halt, RowContent};
use crate::chat::outbox::{Disk, Turn};
use crate::chat::room::{History, Room};
use crate::chat::timeline::OrderKey;
use crate::link::LinkStatus;
use crate::time::{Now, Timestamp};
use crate::timer::Deadline;

/// An outage shorter than this is not shown.
const OUTAGE_SHOWN_AFTER: Duration = Duration::from_secs(2);
/// So often a message is handed to an API whose own code refuses it, or fails.
const MAX_REJECTIONS: u32 = 3;

#[derive(Debug)]
pub(super) struct OpenRoom {
    pub(super) room: Room,
    /// Its way to the backend.
    pub(super) channel: ChannelId,
    /// Why it is not joined, though there may be a connection.
    pub(super) refusal: Option<Refusal>,
    /// What the screen was told last.
    pub(super) status: Status,
    pub(super) history: History,
    /// Nobody wanted to see it: it is open for what it is owed.
    pub(super) is_in_background: bool,
    /// How many unread messages the screen was told of.
    pub(super) unread: usize,
    was_online: bool,
    outage: Option<Outage>,
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Timestamp,
    shown: bool,
}

impl OpenRoom {
    pub(super) fn new(id: RoomId, channel: ChannelId) -> Self {
        Self {
            room: Room::new(id),
            channel,
            refusal: None,
            status: Status::Connecting,
            history: History::Unknown,
            is_in_background: false,
            unread: 0,
            was_online: false,
            outage: None,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let outage = self.outage.filter(|outage| !outage.shown).map(|outage| Deadline {
            at: outage.since + OUTAGE_SHOWN_AFTER,
            reason: "an outage is to be shown",
        });
        Deadline::earliest([self.room.next_deadline(), outage])
    }

    /// Hands the next message and the next request to the session; says whether there was one.
    pub(super) fn hand_over(&mut self, now: Now, disk: Disk, channel: &mut Channel) -> bool {
        let session = &mut channel.session;
        let mut moved = false;
        if session.can_send(now.monotonic, &self.room.id) {
            let may_repeat = session.may_repeat();
            match self.room.outbox.take_turn(now, disk, may_repeat) {
                Turn::Send(message) => {
                    session.send(now.monotonic, &self.room.id, &message.id, &message.text);
                    moved = true;
                }
                Turn::Doubtful(row) => {
                    self.room.timeline.set_delivery(row, Delivery::NotConfirmed);
                    moved = true;
                }
                Turn::Halted(id, halt) => {
                    self.halt(&id, halt);
                    moved = true;
                }
                Turn::Nobodys | Turn::OnTheWayToDisk => {}
            }
        }
        if let Some(request) = self.room.next_request(now.monotonic) {
            session.request_history(&request);
            moved = true;
        }
        moved
    }

    /// The backend has a message of ours.
    pub(super) fn settled(
        &mut self,
        events: &mut VecDeque<Event>,
        id: &ClientMessageId,
        key: Option<OrderKey>,
    ) {
        let row = match key {
            Some(key) => self.room.timeline.settle(id, key),
            None => self.room.timeline.confirm(id),
        };
        let row = row.filter(|row| self.room.keeps(*row));
        self.arrived(events, id, row);
    }

    /// A message of ours needs the outbox no more.
    pub(super) fn arrived(
        &mut self,
        events: &mut VecDeque<Event>,
        id: &ClientMessageId,
        row: Option<RowId>,
    ) {
        self.room.outbox.delivered(id);
        if let Some(row) = row {
            events.push_back(Event::Sent { room: self.room.id.clone(), row });
        }
    }

    /// A message of ours did not get through.
    pub(super) fn unsettled(&mut self, now: Now, id: &ClientMessageId, outcome: Outcome) {
        let outbox = &mut self.room.outbox;
        let (row, delivery) = match outcome {
            Outcome::Rejected { .. } if outbox.reject(id) >= MAX_REJECTIONS => {
                return self.halt(id, Halt::Failed(FailReason::Refused));
            }
            Outcome::Again { pause } | Outcome::Rejected { pause } => {
                if !pause.is_zero() {
                    outbox.pause_until(now.monotonic + pause);
                }
                (outbox.requeue(id), Delivery::Queued)
            }
            Outcome::Refused(reason) => return self.halt(id, Halt::Failed(reason)),
            Outcome::NotConfirmed => return self.halt(id, Halt::NotConfirmed),
        };
        if let Some(row) = row {
            self.room.timeline.set_delivery(row, delivery);
        }
    }

    /// A message waits for the person from now on.
    fn halt(&mut self, id: &ClientMessageId, halt: Halt) {
        if let Some(row) = self.room.outbox.halt(id, halt) {
            self.room.timeline.set_delivery(row, halt.into());
        }
    }

    /// Takes back what has waited for credentials for so long that the disk has to say again whose it is.
    pub(super) fn recall(&mut self, now: Now, disk: Disk, channel: &mut Channel) {
        let outbox = &mut self.room.outbox;
        let stale = outbox.in_flight_to_check(now).filter(|_| disk == Disk::Awaited);
        let Some(id) = stale.map(|message| message.id.clone()) else { return };
        if channel.session.withdraw(&id)
            && let Some(row) = outbox.requeue(&id)
        {
            self.room.timeline.set_delivery(row, Delivery::Queued);
        }
    }

    /// Gives up what is in flight: it goes once more, unless it may have arrived and would arrive twice.
    pub(super) fn take_back(&mut self, channel: &mut Channel) {
        let outbox = &mut self.room.outbox;
        let Some(id) = outbox.in_flight().map(|message| message.id.clone()) else { return };
        let is_plain = outbox.has_plain_in_flight();
        let is_unsent = channel.session.withdraw(&id);
        if is_unsent || (channel.session.may_repeat() && !is_plain) {
            outbox.requeue(&id);
        } else {
            outbox.halt(&id, Halt::NotConfirmed);
        }
        channel.session.no_longer_in_flight(&id);
    }

    /// Nothing is sent by itself any more that was written.
    pub(super) fn halt_all(&mut self, reason: FailReason) {
        let halt = Halt::Failed(reason);
        for row in self.room.outbox.halt_queued(halt) {
            self.room.timeline.set_delivery(row, halt.into());
        }
    }

    /// The gateway has closed the connection over the frame that was in flight.
    pub(super) fn fail_in_flight(&mut self, reason: FailReason, channel: &mut Channel) {
        let Some(id) = self.room.outbox.in_flight().map(|message| message.id.clone()) else {
            return;
        };
        self.halt(&id, Halt::Failed(reason));
        channel.session.no_longer_in_flight(&id);
    }

    /// Messages may be missing here.
    pub(super) fn note_interruption(&mut self, row: RowId) {
        if self.room.timeline.may_note_interruption() {
            self.room.timeline.note(row, RowContent::Interruption);
        }
    }

    /// Forgets what was read and written here.
    pub(super) fn forget(&mut self) {
        let mut timeline = std::mem::take(&mut self.room.timeline);
        timeline.clear();
        self.room = Room::new(self.room.id.clone());
        self.room.timeline = timeline;
        self.refusal = None;
    }

    /// Tells the screen what has changed.
    pub(super) fn report(
        &mut self,
        now: Timestamp,
        network: Network,
        channel: &Channel,
        events: &mut VecDeque<Event>,
    ) {
        if let Some(message) = self.room.outbox.in_flight() {
            let holds = channel.session.holds(&message.id);
            let delivery = if holds { Delivery::Queued } else { Delivery::Sending };
            self.room.timeline.set_delivery(message.row, delivery);
        }
        let room = &self.room.id;
        for change in self.room.timeline.take_changes() {
            events.push_back(Event::Timeline { room: room.clone(), change });
        }
        if self.history != self.room.history() {
            self.history = self.room.history();
            events.push_back(Event::History { room: room.clone(), history: self.history });
        }
        let status = self.status_now(now, network, channel);
        if status != self.status {
            self.status = status;
            events.push_back(Event::Status { room: self.room.id.clone(), status });
        }
    }

    fn status_now(&mut self, now: Timestamp, network: Network, channel: &Channel) -> Status {
        if let Some(refusal) = channel.refusal.or(self.refusal) {
            self.outage = None;
            return Status::Refused(refusal);
        }
        if self.room.is_joined() {
            self.outage = None;
            self.was_online = true;
            return Status::Online;
        }
        let outage = self.outage.get_or_insert(Outage { since: now, shown: false });
        outage.shown |= now >= outage.since + OUTAGE_SHOWN_AFTER;
        let before = if self.was_online { Status::Online } else { Status::Connecting };
        match channel.link.status() {
            _ if !outage.shown => before,
            _ if network == Network::Offline => Status::Offline,
            LinkStatus::Down { retry_at: Some(at) } => Status::Reconnecting { retry_at: Some(at) },
            LinkStatus::Down { retry_at: None } | LinkStatus::Open | LinkStatus::Refused => {
                if self.was_online {
                    Status::Reconnecting { retry_at: None }
                } else {
                    Status::Connecting
                }
            }
        }
    }
}
