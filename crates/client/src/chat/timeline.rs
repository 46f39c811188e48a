//! The rows of a room, in order, each message once.
//!
//! Order is the server's: (`createdAt`, id) as text where there is an id, arrival where there is none. Rows of
//! the person's own that the backend has not confirmed stand at the end, in the order of writing.

use std::collections::BTreeMap;

use super::ids::{ClientMessageId, MessageId, RowId};
use super::message::{Author, Delivery, Identity, Incoming, Message, Origin, Row, RowContent};
use super::outbox::Written;
use super::reading::ReadMark;
use crate::time::parse_utc;

/// How many rows of a room are kept; history brings back what has left.
pub(crate) const MAX_ROWS: usize = 10_000;

/// How many unread messages of a room are counted.
pub(crate) const MAX_UNREAD: usize = 1_000;

/// How the rows changed. Applied in order to a copy of the rows, changes keep it equal to the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The row now stands at `index`. If it stood elsewhere it has moved.
    Put {
        /// The row's place after the change.
        index: usize,
        /// The row as it is now.
        row: Row,
    },
    /// The row has gone.
    Removed(RowId),
}

/// The server's place for a message: (`createdAt`, id), compared as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderKey {
    pub(crate) created_at: String,
    pub(crate) id: MessageId,
}

/// By what a row is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Identity(Identity),
    Origin(Origin),
    /// A send of our own.
    Send(ClientMessageId),
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Server(OrderKey),
    /// After a message that the server has ordered, before the next one.
    After(OrderKey),
    Arrival,
    /// After all others, until it is confirmed, in the order of writing.
    Unconfirmed(Written),
}

#[derive(Debug)]
struct Entry {
    row: Row,
    place: Place,
    identity: Option<Identity>,
    client_message_id: Option<ClientMessageId>,
    origin: Option<Origin>,
}

impl Entry {
    fn order(&self) -> Option<&OrderKey> {
        match &self.place {
            Place::Server(key) | Place::After(key) => Some(key),
            Place::Arrival | Place::Unconfirmed(_) => None,
        }
    }

    /// Where the server has put it, if it is a message.
    fn key(&self) -> Option<&OrderKey> {
        match &self.place {
            Place::Server(key) => Some(key),
            Place::After(_) | Place::Arrival | Place::Unconfirmed(_) => None,
        }
    }

    fn is_unconfirmed(&self) -> bool {
        matches!(self.place, Place::Unconfirmed(_))
    }
}

/// What became of a message that was taken in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A row of its own.
    New(RowId),
    /// The row of a send of ours, which this settles.
    Settles(RowId),
    /// Known already.
    Known,
}

/// The rows of one room.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    entries: Vec<Entry>,
    by_key: BTreeMap<Key, RowId>,
    changes: Vec<Change>,
    /// The row that says that messages are missing, and after which message.
    hole: Option<(RowId, OrderKey)>,
}

impl Timeline {
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.entries.iter().map(|entry| &entry.row)
    }

    pub(crate) fn row(&self, id: RowId) -> Option<&Row> {
        self.entries.iter().rev().map(|entry| &entry.row).find(|row| row.id == id)
    }

    /// The changes since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The place of the newest message that the server has ordered.
    pub(crate) fn newest(&self) -> Option<&OrderKey> {
        self.entries.iter().rev().find_map(Entry::key)
    }

    /// The place of the oldest message that the server has ordered.
    pub(crate) fn oldest(&self) -> Option<&OrderKey> {
        self.entries.iter().find_map(Entry::key)
    }

    /// Adds a message that the person has written, after all that they wrote before and that is not confirmed either.
    pub(crate) fn compose(
        &mut self,
        id: RowId,
        send: ClientMessageId,
        text: String,
        (written, delivery): (Written, Delivery),
    ) {
        let message = Message { author: Author::Me, text, time: Some(written.at), delivery };
        self.by_key.insert(Key::Send(send.clone()), id);
        self.insert(Entry {
            row: Row { id, content: RowContent::Message(message) },
            place: Place::Unconfirmed(written),
            identity: None,
            client_message_id: Some(send),
            origin: None,
        });
    }

    /// Adds a row that is no message, after all that is confirmed.
    pub(crate) fn note(&mut self, id: RowId, content: RowContent) {
        let row = Row { id, content };
        let (place, identity, client_message_id, origin) = (Place::Arrival, None, None, None);
        self.insert(Entry { row, place, identity, client_message_id, origin });
    }

    /// Shows a hole right after a message, or none; `new_row` is used if there was none there.
    pub(crate) fn show_hole(&mut self, after: Option<&OrderKey>, new_row: RowId) {
        if self.hole.as_ref().map(|(_, key)| key) == after {
            return;
        }
        if let Some((row, _)) = self.hole.take() {
            self.remove(row);
        }
        if let Some(key) = after {
            self.hole = Some((new_row, key.clone()));
            let row = Row { id: new_row, content: RowContent::Hole };
            let (identity, client_message_id, origin) = (None, None, None);
            let place = Place::After(key.clone());
            self.insert(Entry { row, place, identity, client_message_id, origin });
        }
    }

    /// Whether an interruption says something new here: there are rows, and the last one is no interruption.
    pub(crate) fn may_note_interruption(&self) -> bool {
        let confirmed = self.entries.iter().rev().find(|entry| !entry.is_unconfirmed());
        confirmed.is_some_and(|entry| entry.row.content != RowContent::Interruption)
    }

    /// Nothing is missing any more where messages may have been.
    pub(crate) fn drop_interruptions(&mut self) {
        let is_one = |entry: &Entry| entry.row.content == RowContent::Interruption;
        while let Some(index) = self.entries.iter().position(is_one) {
            self.drop_at(index);
        }
    }

    /// Takes in a message off the wire; `new_row` is used only if it needs a row of its own.
    pub(crate) fn take(&mut self, incoming: Incoming, author: Author, new_row: RowId) -> Taken {
        let send = incoming.client_message_id.clone().filter(|_| author == Author::Me);
        let settles = send.and_then(|id| self.find(Key::Send(id)));
        let confirmed = settles.and_then(|id| self.remove_confirmed(id));
        let was_confirmed = confirmed.is_some();
        let pending = confirmed.or_else(|| settles.and_then(|id| self.remove_unconfirmed(id)));
        if let Some(known) = self.find(Key::Identity(incoming.identity.clone())) {
            if pending.is_none() {
                return Taken::Known;
            }
            // It came before without the id of our send; our row takes its place.
            self.remove(known);
        }
        let origin = incoming.origin();
        let twin = origin.clone().and_then(|origin| self.find(Key::Origin(origin)));
        if pending.is_none() && twin.is_some_and(|row| self.says(row, &incoming.text)) {
            return Taken::Known;
        }
        let id = pending.as_ref().map_or(new_row, |entry| entry.row.id);
        let time = parse_utc(&incoming.created_at)
            .or_else(|| pending.as_ref().and_then(|entry| entry.row.message()?.time));
        let message = Message { author, text: incoming.text, time, delivery: Delivery::Sent };
        let place = match &incoming.identity {
            Identity::Server(id) => {
                Place::Server(OrderKey { created_at: incoming.created_at, id: id.clone() })
            }
            Identity::Frame { .. } => Place::Arrival,
        };
        self.by_key.insert(Key::Identity(incoming.identity.clone()), id);
        if let Some(origin) = &origin {
            self.by_key.insert(Key::Origin(origin.clone()), id);
        }
        self.insert(Entry {
            row: Row { id, content: RowContent::Message(message) },
            place,
            identity: Some(incoming.identity),
            client_message_id: incoming.client_message_id,
            origin,
        });
        match pending {
            Some(_) if was_confirmed => Taken::Known,
            Some(_) => Taken::Settles(id),
            None => Taken::New(id),
        }
    }

    /// What a message is in the history counts, if it came to harm when it was brought live.
    pub(crate) fn correct(&mut self, incoming: &Incoming) {
        let identity = incoming.identity.clone();
        let known = self.find(Key::Identity(identity));
        let Some((index, key)) = known.and_then(|row| self.index(row)).zip(incoming.order_key())
        else {
            return;
        };
        let Some(entry) = self.entries.get(index) else { return };
        let Place::Server(place) = &entry.place else { return };
        let has_text = entry.row.message().is_some_and(|message| message.text == incoming.text);
        if *place == key && has_text {
            return;
        }
        let mut entry = self.entries.remove(index);
        if let RowContent::Message(message) = &mut entry.row.content {
            message.text.clone_from(&incoming.text);
            message.time = parse_utc(&incoming.created_at).or(message.time);
        }
        self.insert(Entry { place: Place::Server(key), ..entry });
    }

    /// The backend has acknowledged a send, and says which id and time the message has.
    pub(crate) fn settle(&mut self, send: &ClientMessageId, key: OrderKey) -> Option<RowId> {
        let row = self.find(Key::Send(send.clone()))?;
        let mut entry = self.remove_unconfirmed(row)?;
        let identity = Identity::Server(key.id.clone());
        if let Some(known) = self.find(Key::Identity(identity.clone())) {
            // It came before without the id of our send; our row takes its place.
            self.remove(known);
        }
        if let RowContent::Message(message) = &mut entry.row.content {
            message.delivery = Delivery::Sent;
            message.time = parse_utc(&key.created_at).or(message.time);
        }
        self.by_key.insert(Key::Identity(identity.clone()), row);
        entry.identity = Some(identity);
        entry.place = Place::Server(key);
        self.insert(entry);
        Some(row)
    }

    /// The backend has a send, and does not say at what place: there it stands until it comes back with one.
    pub(crate) fn confirm(&mut self, send: &ClientMessageId) -> Option<RowId> {
        let row = self.find(Key::Send(send.clone()))?;
        let mut entry = self.remove_unconfirmed(row)?;
        if let RowContent::Message(message) = &mut entry.row.content {
            message.delivery = Delivery::Sent;
        }
        entry.place = Place::Arrival;
        self.insert(entry);
        Some(row)
    }

    /// Whether the list has a message of one's own already that was sent under this id.
    pub(crate) fn has_delivered(&self, send: &ClientMessageId) -> bool {
        let is_it = |entry: &Entry| {
            entry.client_message_id.as_ref() == Some(send)
                && !entry.is_unconfirmed()
                && entry.row.message().is_some_and(Message::is_own)
        };
        self.entries.iter().rev().any(is_it)
    }

    /// The mark of somebody who has read down to a row.
    pub(crate) fn mark_at(&self, row: RowId) -> ReadMark {
        let read = self.index(row).map_or(0, |index| index + 1);
        let mut mark = ReadMark::default();
        for entry in self.entries.iter().take(read).rev() {
            match &entry.place {
                Place::Server(key) => {
                    mark.key = Some(key.clone());
                    break;
                }
                // What the server has ordered before it was read as well.
                Place::Arrival => mark.row = mark.row.or(Some(entry.row.id)),
                Place::After(_) | Place::Unconfirmed(_) => {}
            }
        }
        mark
    }

    /// The mark of somebody who has read everything.
    pub(crate) fn mark_at_end(&self) -> ReadMark {
        self.entries.last().map_or_else(ReadMark::default, |entry| self.mark_at(entry.row.id))
    }

    /// How many messages of others come after a mark, at most [`MAX_UNREAD`].
    pub(crate) fn unread(&self, mark: &ReadMark) -> usize {
        let mut unread = 0;
        for entry in self.entries.iter().rev() {
            match &entry.place {
                Place::Server(key) if mark.key.as_ref().is_some_and(|mark| key <= mark) => break,
                Place::Arrival if mark.row.is_some_and(|mark| entry.row.id <= mark) => break,
                Place::Unconfirmed(_) | Place::After(_) => {}
                Place::Server(_) | Place::Arrival => {
                    let message = entry.row.message();
                    unread += usize::from(message.is_some_and(|message| !message.is_own()));
                }
            }
            if unread == MAX_UNREAD {
                break;
            }
        }
        unread
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        while !self.entries.is_empty() {
            self.drop_at(self.entries.len() - 1);
        }
    }

    /// Changes how far a message of the person's own has come.
    pub(crate) fn set_delivery(&mut self, row: RowId, delivery: Delivery) {
        let Some(index) = self.index(row) else { return };
        let Some(entry) = self.entries.get_mut(index) else { return };
        if let RowContent::Message(message) = &mut entry.row.content
            && message.delivery != delivery
        {
            message.delivery = delivery;
            let row = entry.row.clone();
            self.changes.push(Change::Put { index, row });
        }
    }

    /// What was taken for somebody else's turns out to be the person's own; returns the sends that have come back so.
    pub(crate) fn claim(
        &mut self,
        is_own: impl Fn(&Message, Option<&ClientMessageId>) -> bool,
    ) -> Vec<ClientMessageId> {
        let mut sends = Vec::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let RowContent::Message(message) = &mut entry.row.content else { continue };
            if is_own(message, entry.client_message_id.as_ref()) {
                message.author = Author::Me;
                self.changes.push(Change::Put { index, row: entry.row.clone() });
                sends.extend(entry.client_message_id.clone());
            }
        }
        sends
    }

    /// Takes an unconfirmed message out of the list.
    pub(crate) fn discard(&mut self, row: RowId) {
        if let Some(entry) = self.remove_unconfirmed(row) {
            self.forget(&entry);
            self.changes.push(Change::Removed(row));
        }
    }

    /// Drops everything that the server has ordered before `key`: what lies between is not known.
    pub(crate) fn drop_before(&mut self, key: &OrderKey) {
        let is_old = |entry: &Entry| match &entry.place {
            Place::Server(place) | Place::After(place) => place < key,
            Place::Arrival | Place::Unconfirmed(_) => false,
        };
        while let Some(index) = self.entries.iter().position(is_old) {
            self.drop_at(index);
        }
    }

    /// Drops so many of the first rows.
    pub(crate) fn drop_first(&mut self, count: usize) {
        let dropped = self.entries.drain(..count.min(self.entries.len())).collect::<Vec<_>>();
        for entry in &dropped {
            self.has_left(entry);
        }
    }

    /// Says that rows have left before the one at `index`, or that they may have, where the server gives no places.
    pub(crate) fn part(&mut self, index: usize, new_row: RowId, has_history: bool) {
        let after = self.last_key_before(index).filter(|_| has_history).cloned();
        let (content, place) = match after {
            Some(key) => (RowContent::Hole, Place::After(key)),
            None => (RowContent::Interruption, Place::Arrival),
        };
        let row = Row { id: new_row, content };
        self.changes.push(Change::Put { index, row: row.clone() });
        let (identity, client_message_id, origin) = (None, None, None);
        self.entries.insert(index, Entry { row, place, identity, client_message_id, origin });
    }

    /// The row at `index` that says where messages are missing stands after an earlier one now: more have left.
    pub(crate) fn move_hole_up(&mut self, index: usize) {
        if let Some(key) = self.last_key_before(index).cloned()
            && let Some(Entry { place: place @ Place::After(_), .. }) = self.entries.get_mut(index)
        {
            *place = Place::After(key);
        }
    }

    /// How many rows are confirmed: they stand before all others.
    pub(crate) fn confirmed(&self) -> usize {
        self.entries.len()
            - self.entries.iter().rev().take_while(|entry| entry.is_unconfirmed()).count()
    }

    /// The server's place for the message at `index`.
    pub(crate) fn key_at(&self, index: usize) -> Option<&OrderKey> {
        self.entries.get(index).and_then(Entry::key)
    }

    /// The place of the last message before `index` that the server has ordered.
    pub(crate) fn last_key_before(&self, index: usize) -> Option<&OrderKey> {
        self.entries.iter().take(index).rev().find_map(Entry::key)
    }

    /// The place of the first message after `index` that the server has ordered.
    pub(crate) fn first_key_after(&self, index: usize) -> Option<&OrderKey> {
        self.entries.iter().skip(index + 1).find_map(Entry::key)
    }

    fn remove(&mut self, row: RowId) {
        if let Some(index) = self.index(row) {
            self.drop_at(index);
        }
    }

    /// Drops the row at `index`, which has to be there.
    pub(crate) fn drop_at(&mut self, index: usize) {
        let entry = self.entries.remove(index);
        self.has_left(&entry);
    }

    fn has_left(&mut self, entry: &Entry) {
        self.forget(entry);
        self.hole.take_if(|(row, _)| *row == entry.row.id);
        self.changes.push(Change::Removed(entry.row.id));
    }

    fn forget(&mut self, entry: &Entry) {
        let keys = [
            entry.identity.clone().map(Key::Identity),
            entry.origin.clone().map(Key::Origin),
            entry.client_message_id.clone().map(Key::Send),
        ];
        for key in keys.into_iter().flatten() {
            // Rows of others may claim the same key.
            if self.by_key.get(&key) == Some(&entry.row.id) {
                self.by_key.remove(&key);
            }
        }
    }

    fn find(&self, key: Key) -> Option<RowId> {
        self.by_key.get(&key).copied()
    }

    /// Whether a row is a message with this text.
    fn says(&self, row: RowId, text: &str) -> bool {
        self.row(row).and_then(Row::message).is_some_and(|message| message.text == text)
    }

    fn insert(&mut self, entry: Entry) {
        let index = self.place_of(&entry.place);
        self.changes.push(Change::Put { index, row: entry.row.clone() });
        self.entries.insert(index, entry);
    }

    fn place_of(&self, place: &Place) -> usize {
        let confirmed = self.confirmed();
        let key = match place {
            Place::Unconfirmed(written) => {
                let is_later = |entry: &&Entry| matches!(&entry.place, Place::Unconfirmed(other) if other > written);
                let later = self.entries.iter().rev().take_while(is_later).count();
                return self.entries.len() - later;
            }
            Place::Arrival => return confirmed,
            Place::Server(key) | Place::After(key) => key,
        };
        if self.entries.iter().find_map(Entry::order).is_some_and(|first| key < first) {
            return 0;
        }
        let is_hole = matches!(place, Place::After(_));
        let is_before = |entry: &Entry| match &entry.place {
            Place::Server(other) => other < key || (is_hole && other == key),
            Place::After(other) => other < key,
            Place::Arrival | Place::Unconfirmed(_) => false,
        };
        let is_after = |entry: &Entry| match &entry.place {
            Place::Server(other) => other > key,
            Place::After(other) => other >= key,
            Place::Arrival | Place::Unconfirmed(_) => false,
        };
        let before = self.entries.iter().take(confirmed).rposition(is_before);
        let start = before.map_or(0, |index| index + 1);
        // Rows that only have an arrival stay where they arrived, unless a later message follows them.
        let between = self.entries.iter().take(confirmed).skip(start).position(is_after);
        if between.is_some() { start } else { confirmed }
    }

    /// Where a row stands.
    pub(crate) fn index(&self, row: RowId) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.row.id == row)
    }

    fn remove_unconfirmed(&mut self, row: RowId) -> Option<Entry> {
        let index = self.index(row)?;
        let unconfirmed = self.entries.get(index)?.is_unconfirmed();
        unconfirmed.then(|| self.entries.remove(index))
    }

    /// The same for one that was confirmed without a place.
    fn remove_confirmed(&mut self, row: RowId) -> Option<Entry> {
        let index = self.index(row)?;
        let entry = self.entries.get(index)?;
        let is_placeless = entry.place == Place::Arrival
            && entry.identity.is_none()
            && entry.client_message_id.is_some();
        is_placeless.then(|| self.entries.remove(index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::message::{Sender, Standing};
    use crate::time::WallClock;

    fn incoming(second: u8, id: &str, send: Option<&str>) -> Incoming {
        Incoming {
            identity: Identity::Server(MessageId(id.to_owned())),
            created_at: format!("2025-01-01T00:00:{second:02}.000Z"),
            text: format!("text of {id}"),
            client_message_id: send.map(|id| ClientMessageId(id.to_owned())),
            sender: Sender::Person { id: "ann".into(), name: None, standing: Standing::Guest },
        }
    }

    fn now() -> (Written, Delivery) {
        (Written { at: WallClock(0), number: 0 }, Delivery::Queued)
    }

    fn ann() -> Author {
        Author::Other { id: "ann".into(), name: None, standing: Standing::Guest }
    }

    fn texts(timeline: &Timeline) -> Vec<&str> {
        timeline.rows().filter_map(|row| Some(row.message()?.text.as_str())).collect()
    }

    #[test]
    fn messages_stand_in_the_servers_order_each_once() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.take(incoming(2, "b", None), ann(), RowId(1)), Taken::New(RowId(1)));
        assert_eq!(timeline.take(incoming(3, "c", None), ann(), RowId(2)), Taken::New(RowId(2)));
        assert_eq!(timeline.take(incoming(1, "a", None), ann(), RowId(3)), Taken::New(RowId(3)));
        assert_eq!(timeline.take(incoming(2, "b", None), ann(), RowId(4)), Taken::Known);
        assert_eq!(timeline.take(incoming(2, "b2", None), ann(), RowId(5)), Taken::New(RowId(5)));
        assert_eq!(texts(&timeline), ["text of a", "text of b", "text of b2", "text of c"]);
    }

    #[test]
    fn a_row_keeps_its_id_from_sending_to_sent_whether_ack_or_echo_is_first() {
        for ack_first in [true, false] {
            let mut timeline = Timeline::default();
            let send = ClientMessageId("s".into());
            timeline.compose(RowId(1), send.clone(), "text of m".into(), now());
            timeline.take(incoming(1, "other", None), ann(), RowId(2));
            let echo = incoming(2, "m", Some("s"));
            let key = OrderKey { created_at: echo.created_at.clone(), id: MessageId("m".into()) };
            if ack_first {
                assert_eq!(timeline.settle(&send, key), Some(RowId(1)));
                assert_eq!(timeline.take(echo, Author::Me, RowId(3)), Taken::Known);
            } else {
                assert_eq!(timeline.take(echo, Author::Me, RowId(3)), Taken::Settles(RowId(1)));
                assert_eq!(timeline.settle(&send, key), None);
            }
            let ids = timeline.rows().map(|row| row.id.0).collect::<Vec<_>>();
            assert_eq!(ids, [2, 1], "ack first: {ack_first}");
            assert_eq!(timeline.row(RowId(1)).unwrap().message().unwrap().delivery, Delivery::Sent);
        }
    }

    #[test]
    fn an_acknowledged_send_whose_message_is_known_leaves_one_row() {
        let mut timeline = Timeline::default();
        let send = ClientMessageId("s".into());
        timeline.compose(RowId(1), send.clone(), "text of m".into(), now());
        timeline.take(incoming(2, "m", None), ann(), RowId(2));
        let key =
            OrderKey { created_at: incoming(2, "m", None).created_at, id: MessageId("m".into()) };
        timeline.settle(&send, key);
        assert_eq!(texts(&timeline), ["text of m"]);
        assert!(timeline.row(RowId(1)).unwrap().message().unwrap().is_own());
    }

    #[test]
    fn an_echo_of_a_send_whose_message_is_known_leaves_one_row() {
        let mut timeline = Timeline::default();
        timeline.compose(RowId(1), ClientMessageId("s".into()), "text of m".into(), now());
        timeline.take(incoming(2, "m", None), ann(), RowId(2));
        let taken = timeline.take(incoming(2, "m", Some("s")), Author::Me, RowId(3));
        assert_eq!(taken, Taken::Settles(RowId(1)));
        assert_eq!(texts(&timeline), ["text of m"]);
    }

    #[test]
    fn a_hole_stands_between_what_is_known_and_what_came_later() {
        let mut timeline = Timeline::default();
        for (second, id) in [(1, "a"), (2, "b"), (8, "c")] {
            timeline.take(incoming(second, id, None), ann(), RowId(u64::from(second)));
        }
        let after =
            OrderKey { created_at: incoming(2, "", None).created_at, id: MessageId("b".into()) };
        timeline.show_hole(Some(&after), RowId(20));
        timeline.show_hole(Some(&after), RowId(21));
        let ids = |timeline: &Timeline| timeline.rows().map(|row| row.id.0).collect::<Vec<_>>();
        assert_eq!(ids(&timeline), [1, 2, 20, 8]);
        timeline.take(incoming(5, "late", None), ann(), RowId(30));
        assert_eq!(ids(&timeline), [1, 2, 20, 30, 8]);
        timeline.show_hole(None, RowId(31));
        assert_eq!(ids(&timeline), [1, 2, 30, 8]);
    }

    #[test]
    fn a_hole_that_stands_first_stays_where_it_is() {
        let mut timeline = Timeline::default();
        timeline.take(incoming(8, "c", None), ann(), RowId(8));
        let created_at = incoming(3, "", None).created_at;
        let after = OrderKey { created_at, id: MessageId("a".into()) };
        timeline.show_hole(Some(&after), RowId(20));
        timeline.take(incoming(5, "b", None), ann(), RowId(5));
        assert_eq!(timeline.rows().map(|row| row.id.0).collect::<Vec<_>>(), [20, 5, 8]);
    }

    fn replay(shown: &mut Vec<Row>, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put { index, row } => {
                    shown.retain(|other| other.id != row.id);
                    shown.insert(index, row);
                }
                Change::Removed(id) => shown.retain(|row| row.id != id),
            }
        }
    }

    proptest! {
        /// Whatever happens, the changes rebuild the rows, and server order and uniqueness hold.
        #[test]
        fn changes_rebuild_the_rows(steps in prop::collection::vec((0_u8..8, 0_u8..12), 0..80)) {
            let mut timeline = Timeline::default();
            let mut shown = Vec::new();
            for (number, (step, value)) in (0_u64..).zip(steps) {
                let send = ClientMessageId(value.to_string());
                let key = OrderKey {
                    created_at: incoming(value, "", None).created_at,
                    id: MessageId(value.to_string()),
                };
                match step {
                    0 if !timeline.by_key.contains_key(&Key::Send(send.clone())) => {
                        timeline.compose(RowId(number), send, value.to_string(), now());
                    }
                    1 => { timeline.settle(&send, key); }
                    2 => timeline.note(RowId(number), RowContent::Interruption),
                    3 => timeline.discard(RowId(u64::from(value))),
                    4 => timeline.drop_before(&key),
                    5 => timeline.set_delivery(RowId(u64::from(value)), Delivery::Sending),
                    6 => timeline.show_hole((value > 3).then_some(&key), RowId(number)),
                    7 if value < 2 => timeline.drop_first(usize::from(value)),
                    7 if value < 4 && timeline.confirmed() > 0 => {
                        let index = timeline.confirmed() - 1;
                        timeline.drop_at(index);
                        timeline.part(index, RowId(number), value == 2);
                    }
                    _ => {
                        let send = (value % 2 == 0).then(|| value.to_string());
                        let message = incoming(value, &value.to_string(), send.as_deref());
                        timeline.take(message, ann(), RowId(number));
                    }
                }
                replay(&mut shown, timeline.take_changes());
                let rows = timeline.rows().cloned().collect::<Vec<_>>();
                prop_assert_eq!(&shown, &rows);
                let keys = timeline.entries.iter().filter_map(|entry| match &entry.place {
                    Place::Server(key) => Some(key),
                    Place::After(_) | Place::Arrival | Place::Unconfirmed(_) => None,
                }).collect::<Vec<_>>();
                prop_assert!(keys.is_sorted_by(|a, b| a < b), "{:?}", keys);
            }
        }
    }
}
