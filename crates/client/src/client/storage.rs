//! How the client and the device's storage work together.

use super::channel::Channel;
use super::io::{Event, StorageAnswer};
use super::kept::Kept;
use super::open_room::OpenRoom;
use super::{Client, by_id};
use crate::chat::ids::{ClientMessageId, RoomId, RowId, StorageRequestId};
use crate::chat::message::Delivery;
use crate::chat::outbox::{Disk, Gone, Outbox, Outgoing};
use crate::chat::person::digest_of;
use crate::chat::reading::ReadMark;
use crate::chat::room::History;
use crate::keeping::{Delivered, Keeping, Record, Restored, Shelf, StorageChange, TabNews, Whose};
use crate::time::Now;

impl Client {
    /// Opens the storage of whoever the person turns out to be.
    pub(super) fn identify(&mut self, now: Now) {
        let whose = if self.is_signed_out { None } else { self.whose() };
        self.keeping.identify(now.monotonic, whose);
    }

    fn whose(&self) -> Option<Whose> {
        let backend = &self.shared.backend;
        let address = backend.service.address();
        if !backend.sign_in.asks_the_page() {
            return Some(Whose::guest(address, self.shared.person.guest_key.expose()));
        }
        self.identity.user_id().map(|id| Whose::user(address, id))
    }

    pub(super) fn storage_answered(
        &mut self,
        now: Now,
        request: StorageRequestId,
        answer: StorageAnswer,
    ) {
        if !self.keeping.answered(now.monotonic, request) {
            return;
        }
        match answer {
            StorageAnswer::Opened(records) => {
                self.keeping.opened(now.monotonic);
                self.opened_storage(now, records);
            }
            StorageAnswer::Adopted(records) => {
                self.keeping.adopted(request, !records.is_empty());
                for restored in in_order(records.iter()) {
                    self.restore(restored);
                }
            }
            StorageAnswer::Stored => {
                let _ = self.outboxes().any(|outbox| outbox.stored(request));
            }
            StorageAnswer::Missing => {
                for open in &mut self.rooms {
                    let lost = open.room.outbox.lost_to_another_tab(request);
                    lost.into_iter().for_each(|message| open.disown(&message, &mut self.channels));
                }
                self.unopened.retain(|_, outbox| {
                    outbox.lost_to_another_tab(request);
                    !outbox.is_empty()
                });
            }
            StorageAnswer::Failed => {
                let wrong = self.outboxes().find_map(|outbox| outbox.not_stored(request));
                self.keeping.fail(now.monotonic);
                self.keeping.not_adopted(now.monotonic, request);
                if let Some(id) = wrong.filter(|_| self.keeping.takes_changes()) {
                    let shelf = Shelf::Unsent(self.keeping.tab().clone());
                    let change = StorageChange::Delete { shelf, name: id.0.clone() };
                    let request = self.keeping.write(now.monotonic, vec![change]);
                    let _ = self.outboxes().any(|outbox| outbox.deleting(&id, request));
                }
            }
        }
    }

    /// The storage is being taken away. What goes on from memory must not be sent by whoever reads it later, so that the
    /// last wish is that it counts as tried.
    pub(super) fn storage_lost(&mut self, now: Now) {
        let takes_changes = self.keeping.takes_changes();
        self.write_each(now, |writing, room, outbox| {
            if takes_changes {
                writing.mark_tried(room, outbox);
            }
        });
        self.keeping.lost(now.monotonic);
    }

    fn write_each(
        &mut self,
        now: Now,
        mut write: impl FnMut(&mut Writing<'_>, &RoomId, &mut Outbox),
    ) {
        let mut writing = Writing { now, keeping: &mut self.keeping, kept: &mut self.kept };
        for OpenRoom { room, .. } in &mut self.rooms {
            write(&mut writing, &room.id, &mut room.outbox);
        }
        for (room, outbox) in &mut self.unopened {
            write(&mut writing, room, outbox);
        }
    }

    fn outboxes(&mut self) -> impl Iterator<Item = &mut Outbox> {
        let open = self.rooms.iter_mut().map(|open| &mut open.room.outbox);
        open.chain(self.unopened.values_mut())
    }

    fn opened_storage(&mut self, now: Now, records: Vec<Record>) {
        let mut delivered = Vec::new();
        // The person was here before, in this very page.
        let own = Shelf::Unsent(self.keeping.tab().clone());
        let of_this_tab = records.iter().filter(|record| record.shelf == own);
        for restored in in_order(of_this_tab) {
            self.restore(restored);
        }
        for record in records {
            match &record.shelf {
                Shelf::Unsent(tab) => {
                    self.keeping.watch(tab);
                    // Its echo may come before anybody has taken it over.
                    if let Some(Restored { id, text, .. }) = record.to_restored() {
                        self.remember_send(id, digest_of(&text));
                    }
                }
                Shelf::Draft => {
                    // What was written in this tab meanwhile is newer.
                    if let Some((room, text)) = record.to_draft()
                        && self.kept.draft(&room).is_empty()
                        && self.kept.hear_draft(&room, &text)
                    {
                        self.events.push_back(Event::Draft { room, text });
                    }
                }
                Shelf::Read => {
                    if let Some((room, mark)) = record.to_read_mark() {
                        self.hear_mark(&room, mark);
                    }
                }
                Shelf::Sent => delivered.extend(record.to_delivered()),
            }
        }
        delivered.sort_by_key(|one| one.at);
        let mut changes = Vec::new();
        for one in delivered {
            changes.extend(self.kept.remember_delivered(&one));
            self.ownership.remember_of_another(one.id, one.digest);
        }
        self.claim_rows();
        if !changes.is_empty() {
            self.keeping.write(now.monotonic, changes);
        }
    }

    /// A message that an earlier client, or another tab, could not deliver.
    fn restore(&mut self, restored: Restored) {
        let Restored { room, id, text, written, tried, is_plain, halted } = restored;
        let row = self.next_row();
        self.remember_send(id.clone(), digest_of(&text));
        let message =
            Outgoing::restored(row, self.clocks, (id, text), written, (tried, is_plain), halted);
        match self.open_room_mut(&room) {
            Some(open) => open.restore(message),
            None => {
                let outbox = self.unopened.entry(room).or_default();
                if !outbox.has(&message.id) {
                    outbox.push(message);
                }
            }
        }
    }

    /// A send of the person's that another client has made; it may have come back already.
    fn remember_send(&mut self, id: ClientMessageId, digest: [u8; 32]) {
        self.ownership.remember_of_another(id, digest);
        self.claim_rows();
    }

    /// Takes in what has waited for a room that is open now.
    pub(super) fn restore_room(&mut self, room: &RoomId) {
        let Some(mut outbox) = self.unopened.remove(room) else { return };
        for message in outbox.messages_mut() {
            message.row = self.next_row();
            // It may be long ago that it was read.
            self.remember_send(message.id.clone(), digest_of(&message.text));
        }
        if let Some(open) = self.open_room_mut(room) {
            open.restore_all(outbox);
        }
    }

    /// Rooms whose messages nobody else will send are opened, as far as there is room for them.
    pub(super) fn open_forgotten_rooms(&mut self) {
        while self.rooms.len() < self.max_rooms()
            && let Some(room) = self.forgotten_room()
        {
            self.open(room.clone(), 0);
            if let Some(open) = self.rooms.first_mut() {
                open.is_in_background = true;
            }
            self.restore_room(&room);
        }
    }

    /// The room that is not open and has waited longest for something to be sent by itself.
    fn forgotten_room(&self) -> Option<RoomId> {
        let waiting = self.unopened.iter().filter_map(|(room, outbox)| {
            let since = outbox.queued_since()?;
            Some((since, room))
        });
        waiting.min().map(|(_, room)| room.clone())
    }

    /// What they were opened for is done.
    pub(super) fn close_rooms_in_background(&mut self) {
        let is_done = |open: &OpenRoom| open.is_in_background && open.room.outbox.is_empty();
        while let Some(index) = self.rooms.iter().position(is_done) {
            self.close_room(index);
        }
    }

    /// Lets the disk know of everything that it should.
    pub(super) fn store(&mut self, now: Now) {
        self.write_each(now, |writing, room, outbox| {
            for gone in outbox.take_gone() {
                writing.store_gone(&gone);
            }
            writing.store_unsent(room, outbox);
        });
        if self.kept.is_due(now.monotonic) || (self.kept.is_behind() && self.keeping.takes_drafts())
        {
            self.store_kept(now);
        }
        if self.keeping.take_failure() {
            self.events.push_back(Event::NotKept);
        }
        while let Some(output) = self.keeping.poll_output() {
            self.shared.outputs.push_back(output);
        }
    }

    /// Stores drafts and read marks, and lets other tabs hear of them.
    pub(super) fn store_kept(&mut self, now: Now) {
        if !self.keeping.has_place() {
            return;
        }
        for news in self.kept.take_untold() {
            self.keeping.tell(&news);
        }
        if !self.keeping.takes_drafts() {
            return;
        }
        let changes = self.kept.take_unstored();
        if !changes.is_empty() {
            self.keeping.write(now.monotonic, changes);
        }
    }

    pub(super) fn heard_tab(&mut self, news: &str) {
        match TabNews::parse(news) {
            Some(TabNews::Draft { room, text }) if self.kept.hear_draft(&room, &text) => {
                self.events.push_back(Event::Draft { room, text });
            }
            Some(TabNews::Read { room, mark }) => self.hear_mark(&room, mark),
            Some(TabNews::HoldsUnsent { tab }) => self.keeping.watch(&tab),
            Some(TabNews::Takes { from }) if from == *self.keeping.tab() => self.was_taken(),
            Some(TabNews::Sends(delivered)) => {
                self.remember_send(delivered.id, delivered.digest);
            }
            // What was deleted must not come back; what this tab shows is its own page's business.
            Some(TabNews::SignedOut) => self.keeping.end(),
            Some(TabNews::Draft { .. } | TabNews::Takes { .. }) | None => {}
        }
    }

    /// This tab was taken for gone: what the disk had of it is another's by now. While the disk does what it is asked, it
    /// says of each message whether that is so.
    fn was_taken(&mut self) {
        if self.keeping.takes_changes() {
            return self.outboxes().for_each(Outbox::is_to_be_checked);
        }
        for open in &mut self.rooms {
            for message in open.room.outbox.take_kept() {
                open.disown(&message, &mut self.channels);
            }
        }
        self.unopened.retain(|_, outbox| {
            outbox.take_kept();
            !outbox.is_empty()
        });
    }

    fn hear_mark(&mut self, room: &RoomId, mark: ReadMark) {
        let mark = match self.open_room(room) {
            Some(open) => open.room.complete(mark),
            None => mark,
        };
        self.kept.hear_mark(room, mark);
    }

    pub(super) fn set_draft(&mut self, now: Now, room: &RoomId, text: &str) {
        self.kept.set_draft(now.monotonic, room, text);
    }

    pub(super) fn mark_read(&mut self, now: Now, room: &RoomId, row: RowId) {
        if let Some(open) = self.open_room(room) {
            let mark = open.room.complete(open.room.timeline.mark_at(row));
            self.kept.read(now.monotonic, room, mark);
        }
    }

    /// Tells the screen how many messages are unread, where that has changed.
    pub(super) fn report_unread(&mut self, now: Now) {
        if !self.keeping.is_settled() {
            return;
        }
        for open in &mut self.rooms {
            let room = &open.room.id;
            if open.room.history() != History::Unknown {
                let may_be_known = !self.keeping.takes_changes();
                let end = || open.room.complete(open.room.timeline.mark_at_end());
                self.kept.begin(now.monotonic, room, may_be_known, end);
            }
            let unread = self.kept.mark(room).map_or(0, |mark| open.room.timeline.unread(mark));
            if unread != open.unread {
                open.unread = unread;
                self.events.push_back(Event::Unread { room: room.clone(), count: unread });
            }
        }
    }

    /// How many messages the person has that are not confirmed.
    pub(super) fn unconfirmed(&self) -> usize {
        let open = self.rooms.iter().map(|open| open.room.outbox.len());
        open.chain(self.unopened.values().map(Outbox::len)).sum()
    }

    /// The person's own disk has it, and nobody else's: forgets what belongs to the one before.
    pub(super) fn forget_kept(&mut self) {
        self.kept = Kept::default();
        self.unopened.clear();
        for open in &mut self.rooms {
            let room = open.room.id.clone();
            if std::mem::take(&mut open.unread) > 0 {
                self.events.push_back(Event::Unread { room, count: 0 });
            }
        }
        self.events.push_back(Event::Forgotten);
    }
}

impl OpenRoom {
    fn restore(&mut self, message: Outgoing) {
        if self.room.outbox.has(&message.id) {
            return;
        }
        let id = message.id.clone();
        let is_delivered = self.room.timeline.has_delivered(&id);
        if !is_delivered {
            self.show_restored(&message);
        }
        self.room.outbox.push(message);
        if is_delivered {
            self.room.outbox.delivered(&id);
        }
    }

    /// The same for all that there is of a room that has just been opened.
    fn restore_all(&mut self, mut outbox: Outbox) {
        for message in outbox.messages_mut() {
            self.show_restored(message);
        }
        self.room.outbox = outbox;
    }

    fn show_restored(&mut self, message: &Outgoing) {
        let delivery = message.halted().map_or(Delivery::Queued, Delivery::from);
        let (id, text) = (message.id.clone(), message.text.clone());
        self.room.timeline.compose(message.row, id, text, (message.written, delivery));
    }

    /// Another tab has taken a message over: there it is shown, and sent.
    fn disown(&mut self, message: &Outgoing, channels: &mut [Channel]) {
        self.room.timeline.discard(message.row);
        if let Some(channel) = by_id(channels, self.channel) {
            channel.session.withdraw(&message.id);
        }
    }
}

/// What brings the disk up to date.
struct Writing<'a> {
    now: Now,
    keeping: &'a mut Keeping,
    kept: &'a mut Kept,
}

impl Writing<'_> {
    fn store_unsent(&mut self, room: &RoomId, outbox: &mut Outbox) {
        if !self.keeping.takes_changes() {
            return;
        }
        if self.keeping.disk() != Disk::Awaited {
            outbox.presume_tried();
        }
        while let Some(message) = outbox.next_to_store(self.keeping.takes_new()) {
            let record = Record::unsent(self.keeping.tab(), room, message);
            let id = message.id.clone();
            let mut changes = Vec::new();
            if message.has_record() {
                changes.push(StorageChange::Replace(record));
            } else {
                let news = TabNews::sends(&id, digest_of(&message.text), message.written.at);
                self.keeping.holds_unsent();
                self.keeping.tell(&news);
                changes.push(StorageChange::Put(record));
                // Stored in one step, so that a crash leaves the text in one place.
                if let Some(change) = self.kept.sent_draft(room, &message.text) {
                    changes.push(change);
                    // Where it still stood somebody would send it again.
                    self.keeping.tell(&TabNews::Draft { room: room.clone(), text: String::new() });
                }
            }
            let request = self.keeping.write(self.now.monotonic, changes);
            outbox.storing(self.now, &id, request);
        }
    }

    fn mark_tried(&mut self, room: &RoomId, outbox: &mut Outbox) {
        let untried = outbox.messages_mut().filter(|message| message.would_count_as_untried());
        let mut asked = Vec::new();
        for message in untried {
            message.tried = true;
            let record = Record::unsent(self.keeping.tab(), room, message);
            // What the disk is still to take must not be missed there.
            let change = if message.is_on_disk() {
                StorageChange::Replace(record)
            } else {
                StorageChange::Put(record)
            };
            let request = self.keeping.write(self.now.monotonic, vec![change]);
            asked.push((message.id.clone(), request));
        }
        for (id, request) in asked {
            outbox.storing(self.now, &id, request);
        }
    }

    fn store_gone(&mut self, gone: &Gone) {
        let message = &gone.message;
        let mut changes = Vec::new();
        if message.has_record() {
            let shelf = Shelf::Unsent(self.keeping.tab().clone());
            changes.push(StorageChange::Delete { shelf, name: message.id.0.clone() });
        }
        if gone.is_delivered && (message.has_record() || self.keeping.takes_new()) {
            let digest = digest_of(&message.text);
            let delivered = Delivered { id: message.id.clone(), digest, at: message.written.at };
            changes.push(StorageChange::Put(Record::sent(&delivered)));
            changes.extend(self.kept.remember_delivered(&delivered));
        }
        if self.keeping.takes_changes() && !changes.is_empty() {
            self.keeping.write(self.now.monotonic, changes);
        }
    }
}

/// The messages of records, in the order in which they were written.
fn in_order<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<Restored> {
    let mut restored = records.filter_map(Record::to_restored).collect::<Vec<_>>();
    restored.sort_by_key(|one| one.written);
    restored
}
