//! What people have read, and what is counted as unread: tried when everything has settled, tab by tab.

use std::collections::{BTreeMap, BTreeSet};

use roomlet_client::{Author, Command, Input, Message, RoomId, Row, Status};

use crate::people::Act;
use crate::run::Simulation;

/// How long tabs and the disk take to hear of a read mark, in milliseconds.
const HEARD_AFTER: u64 = 3_000;
/// How long a message takes to come, or a page to be there again.
const SETTLED_AFTER: u64 = 10_000;
/// So many messages come to a room while nobody looks.
const UNREAD_MESSAGES: u64 = 3;
/// How their texts begin, and no others.
const UNREAD: &str = "unread";

/// What was seen of these messages in a room: by a person, or on a device, where nothing has a place that all agree on.
type Seen = BTreeMap<(usize, RoomId), BTreeSet<String>>;

impl Simulation {
    /// Everybody reads everything in one of their tabs; then something is said, and read in part, and pages are loaded
    /// again. Each page counts what its person has not seen anywhere.
    pub(crate) fn read_up(&mut self) -> Result<(), String> {
        let mut seen = Seen::new();
        self.everybody_reads(&mut seen, |rows| rows.saturating_sub(1))?;
        self.everybody_reads(&mut seen, |_| 0)?;
        self.check_unread(&seen)?;
        for room in self.dialect().rooms() {
            for number in 0..UNREAD_MESSAGES {
                let text = format!("{UNREAD} {number} of {room}");
                self.backend.stranger_writes(&mut self.ground, room, text);
            }
        }
        for device in 0..self.devices.len() {
            if self.is_open(device, 0) {
                let text = format!("{UNREAD} words of person {device}");
                self.act(device, Act::Writes { room: 0, text })?;
            }
        }
        self.goes_on(SETTLED_AFTER)?;
        self.check_unread(&seen)?;
        if self.dialect().has_history() {
            self.everybody_reads(&mut seen, |rows| rows.saturating_sub(3))?;
            self.check_unread(&seen)?;
            for device in 0..self.devices.len() {
                if self.keeps_marks(device) {
                    self.reload(device)?;
                }
            }
            self.goes_on(SETTLED_AFTER)?;
            self.check_unread(&seen)?;
        }
        Ok(())
    }

    /// Whether all pages of a browser are one person's, and store what is read.
    fn keeps_marks(&self, device: usize) -> bool {
        let Some(this) = self.devices.get(device).filter(|one| !one.is_closed) else {
            return false;
        };
        let mut mine = self.devices.iter().filter(|one| one.browser == this.browser);
        mine.all(|one| {
            let keeps = one.keeps() && one.pending.is_empty();
            one.is_closed || (one.person == this.person && keeps)
        })
    }

    fn goes_on(&mut self, pause: u64) -> Result<(), String> {
        self.run_until(self.ground.schedule.now() + pause)
    }

    /// The rooms that people see, page by page.
    fn rooms_in_view(&self) -> Vec<(usize, RoomId)> {
        let open = self.devices.iter().enumerate().filter(|(_, one)| !one.is_closed);
        let rooms = open.flat_map(|(device, one)| {
            let online = |room: &&RoomId| one.client.status(room) == Some(Status::Online);
            one.screens.keys().filter(online).map(move |room| (device, room.clone()))
        });
        rooms.collect()
    }

    /// Who has seen what is seen on a device.
    fn reader(&self, device: usize) -> usize {
        let person = self.devices.get(device).map(|one| one.person);
        person.filter(|_| self.dialect().has_history()).unwrap_or(device)
    }

    /// Each reader sees a room, in one of the tabs that show it, down to the row that `place` gives of so many.
    fn everybody_reads(
        &mut self,
        seen: &mut Seen,
        place: impl Fn(usize) -> usize,
    ) -> Result<(), String> {
        let mut done = BTreeSet::new();
        for (device, room) in self.rooms_in_view() {
            let reader = (self.reader(device), room.clone());
            let Some(screen) = self.devices.get(device).and_then(|one| one.screens.get(&room))
            else {
                continue;
            };
            let rows = screen.rows().iter().filter(|row| row.message().is_some());
            let rows = rows.collect::<Vec<_>>();
            let place = place(rows.len());
            let Some(row) =
                rows.get(place).map(|row| row.id).filter(|_| done.insert(reader.clone()))
            else {
                continue;
            };
            let read = rows.iter().take(place + 1).filter_map(|row| of_others(row));
            seen.entry(reader).or_default().extend(read.map(|message| message.text.clone()));
            self.input(device, Input::Command(Command::MarkRead { room, row }))?;
        }
        self.goes_on(HEARD_AFTER)
    }

    fn check_unread(&self, seen: &Seen) -> Result<(), String> {
        for (device, room) in self.rooms_in_view() {
            let Some(one) = self.devices.get(device) else { continue };
            let Some(screen) = one.screens.get(&room) else { continue };
            let read = seen.get(&(self.reader(device), room.clone()));
            let is_unread = |message: &&Message| {
                message.text.starts_with(UNREAD)
                    && read.is_none_or(|read| !read.contains(&message.text))
            };
            let rows = screen.rows().iter().filter_map(of_others);
            let expected = rows.filter(is_unread).count();
            let (counted, told) = (one.client.unread(&room), one.unread(&room));
            if counted != expected || told != expected {
                return Err(format!(
                    "what is unread is counted: {counted} messages of device {device} in {room}, {told} as it is told, not {expected}"
                ));
            }
        }
        Ok(())
    }
}

fn of_others(row: &Row) -> Option<&Message> {
    row.message().filter(|message| matches!(message.author, Author::Other { .. }))
}
