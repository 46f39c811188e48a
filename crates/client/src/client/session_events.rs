//! What sessions say, and what follows from it for rooms and channels.

use super::channel::ChannelId;
use super::io::{Event, Refusal};
use super::{Client, by_id};
use crate::backend::{Outcome, Page, RequestId, Role, SessionEvent};
use crate::chat::ids::{RoomId, RowId};
use crate::chat::message::{Author, FailReason, Incoming, RowContent};
use crate::chat::timeline::{OrderKey, Taken};
use crate::time::Now;

impl Client {
    /// Hears a session out; says whether it had anything to say.
    pub(super) fn session_events(&mut self, now: Now, index: usize) -> bool {
        let mut moved = false;
        while let Some(channel) = self.channels.get_mut(index)
            && let Some((role, event)) = channel.poll_event()
        {
            moved = true;
            let id = channel.id;
            if channel.is_copy(now, role, &event) {
                continue;
            }
            let event = match role {
                Role::Present => Some(event),
                Role::Beside => {
                    self.happens_beside(&event);
                    let channel = by_id(&mut self.channels, id);
                    channel.and_then(|one| one.beside_event(now, event, &mut self.shared))
                }
            };
            if let Some(event) = event {
                self.session_event(now, id, event);
            }
        }
        moved
    }

    /// What rooms have to know of the connection beside.
    fn happens_beside(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::Message { room, .. } => {
                if let Some(open) = self.open_room_mut(room) {
                    open.room.hears_beside();
                }
            }
            SessionEvent::Joined { room, history } => {
                let row = self.next_row();
                if let Some(open) = self.open_room_mut(room)
                    && open.room.joined_beside(*history)
                {
                    open.note_interruption(row);
                }
            }
            SessionEvent::Left { room } => {
                if let Some(open) = self.open_room_mut(room) {
                    open.room.left_beside();
                }
            }
            _ => {}
        }
    }

    fn session_event(&mut self, now: Now, id: ChannelId, event: SessionEvent) {
        let Some(channel) = by_id(&mut self.channels, id) else { return };
        match event {
            SessionEvent::Throttled { pause } => {
                for open in self.rooms.iter_mut().filter(|open| open.channel == id) {
                    open.room.outbox.pause_until(now.monotonic + pause);
                }
            }
            SessionEvent::Silent => channel.give_up(now.monotonic, &mut self.shared),
            SessionEvent::Accepted => channel.keyring.accepted(),
            SessionEvent::KeepsAlive { timeout } => channel.link.set_timeout(timeout),
            SessionEvent::RenewCredentials { generation } => {
                channel.keyring.renew_generation(generation);
            }
            SessionEvent::ClockWrong { server } => channel.keyring.correct_clock(now.wall, server),
            SessionEvent::TurnedAway(why) => channel.turned_away(now, why, &mut self.shared),
            SessionEvent::Introduced { sender_id, is_user } => {
                self.introduced(now, sender_id, is_user);
            }
            SessionEvent::Joined { room, history } => {
                let row = self.next_row();
                if let Some(open) = self.open_room_mut(&room) {
                    let interrupted = open.room.joined(now.monotonic, history);
                    if interrupted {
                        open.note_interruption(row);
                    }
                }
            }
            SessionEvent::Rotated { rooms, gap } => self.rotated(now, id, &rooms, gap),
            SessionEvent::Left { room } => {
                if let Some(open) = self.open_room_mut(&room) {
                    open.room.left();
                }
            }
            SessionEvent::Message { room, incoming } => {
                let is_stamped = channel.session.stamps_senders();
                self.message(now, &room, incoming, is_stamped);
            }
            SessionEvent::Notice { room, text } => {
                let row = self.next_row();
                if let Some(open) = self.open_room_mut(&room) {
                    open.room.timeline.note(row, RowContent::Notice(text));
                    open.room.message_arrived();
                }
            }
            SessionEvent::Missed { room } => {
                let row = self.next_row();
                if let Some(open) = self.open_room_mut(&room)
                    && open.room.missed(now.monotonic)
                {
                    open.note_interruption(row);
                }
            }
            SessionEvent::Settled { room, id: send, key } => {
                if key.is_some() {
                    self.ownership.came_back(&send);
                }
                channel.session.no_longer_in_flight(&send);
                if let Some(open) = self.rooms.iter_mut().find(|open| open.room.id == room) {
                    open.settled(&mut self.events, &send, key);
                }
            }
            SessionEvent::Unsettled { room, id: send, outcome } => {
                let outcome = match outcome {
                    Outcome::Refused(FailReason::Unauthorized)
                        if channel.without_credentials() == Refusal::Misconfigured
                            && self.shared.backend.service.shares_connection() =>
                    {
                        Outcome::Refused(FailReason::Misconfigured)
                    }
                    outcome => outcome,
                };
                if let Some(open) = self.open_room_mut(&room) {
                    open.unsettled(now, &send, outcome);
                }
            }
            SessionEvent::History { room, request, page } => {
                self.history_page(now, &room, &request, page);
            }
            SessionEvent::HistoryRefused { room, request, retry } => {
                if let Some(open) = self.open_room_mut(&room)
                    && open.room.awaits(&request)
                    && open.room.page_refused(now.monotonic, retry)
                {
                    let row = self.next_row();
                    if let Some(open) = self.open_room_mut(&room) {
                        open.note_interruption(row);
                    }
                }
            }
            SessionEvent::RoomRefused { room, reason } => self.room_refused(id, &room, reason),
        }
    }

    /// Another connection has taken the place of the one before, with these rooms.
    fn rotated(&mut self, now: Now, channel: ChannelId, joined: &[(RoomId, bool)], gap: bool) {
        for open in self.rooms.iter_mut().filter(|open| open.channel == channel) {
            if gap {
                open.room.left();
            }
            match joined.iter().find(|(room, _)| *room == open.room.id) {
                Some((_, history)) if open.room.rotated(now.monotonic, *history) => {
                    self.rows += 1;
                    open.note_interruption(RowId(self.rows));
                }
                Some(_) => {}
                None => open.room.left(),
            }
        }
    }

    fn room_refused(&mut self, channel: ChannelId, room: &RoomId, reason: FailReason) {
        let is_shared = self.service().shares_connection();
        let Some(channel) = by_id(&mut self.channels, channel) else { return };
        let refusal = match reason {
            FailReason::Unauthorized if is_shared => channel.without_credentials(),
            FailReason::Unauthorized => Refusal::Unauthorized,
            FailReason::BadRequest | FailReason::Misconfigured => Refusal::Misconfigured,
            _ => Refusal::Forbidden,
        };
        if !is_shared {
            channel.refuse(refusal, &mut self.shared.discovery);
        } else if let Some(open) = self.open_room_mut(room) {
            // Its neighbours live on.
            open.refusal = Some(refusal);
            open.room.left();
        }
    }

    fn message(&mut self, now: Now, room: &RoomId, incoming: Incoming, is_stamped: bool) {
        let row = self.next_row();
        let send = incoming.client_message_id.clone();
        let author = self.ownership.author(&incoming);
        if is_stamped
            && !self.ownership.knows_sender()
            && self.ownership.proves(&incoming)
            && let Some(sender_id) = incoming.sender.verified()
        {
            let sender_id = sender_id.to_owned();
            if self.ownership.suppose_sender(sender_id.clone()) {
                self.events.push_back(Event::KnownAs(sender_id));
                self.claim_rows();
            }
        }
        if let (Author::Me, Some(send)) = (&author, &send) {
            self.ownership.came_back(send);
        }
        let Some(open) = self.rooms.iter_mut().find(|open| open.room.id == *room) else { return };
        let has_place = incoming.order_key().is_some();
        let taken = open.room.timeline.take(incoming, author, row);
        if !has_place && taken == Taken::New(row) {
            open.room.arrived(row, now.wall);
        }
        open.room.message_arrived();
        match taken {
            Taken::New(row) if open.room.keeps(row) => {
                self.events.push_back(Event::Arrived { room: room.clone(), row });
            }
            Taken::Settles(row) => {
                if let Some(send) = send {
                    let row = Some(row).filter(|row| open.room.keeps(*row));
                    open.arrived(&mut self.events, &send, row);
                    if let Some(channel) = by_id(&mut self.channels, open.channel) {
                        channel.session.no_longer_in_flight(&send);
                    }
                }
            }
            Taken::New(_) | Taken::Known => {}
        }
    }

    fn history_page(&mut self, now: Now, room: &RoomId, request: &RequestId, page: Page) {
        let Some(open) = self.rooms.iter_mut().find(|open| open.room.id == *room) else { return };
        if !open.room.awaits(request) {
            return;
        }
        let mut oldest: Option<OrderKey> = None;
        for incoming in &page.messages {
            self.rows += 1;
            let send = incoming.client_message_id.clone();
            let author = self.ownership.author(incoming);
            if let (Author::Me, Some(send)) = (&author, &send) {
                self.ownership.came_back(send);
            }
            let key = incoming.order_key();
            oldest = oldest.into_iter().chain(key).min();
            open.room.timeline.correct(incoming);
            let taken = open.room.timeline.take(incoming.clone(), author, RowId(self.rows));
            if let (Taken::Settles(row), Some(send)) = (taken, send) {
                open.arrived(&mut self.events, &send, Some(row));
                if let Some(channel) = by_id(&mut self.channels, open.channel) {
                    channel.session.no_longer_in_flight(&send);
                }
            }
        }
        open.room.page_arrived(now.monotonic, &page, oldest);
    }
}
