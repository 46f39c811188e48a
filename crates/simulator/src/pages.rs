//! Pages come and go: they are loaded again, or they crash between any two things that their client wants done. What
//! they have asked of the disk is done, or is lost with them.

use std::time::Duration;

use roomlet_client::{
    Command, Input, Output, Record, RoomId, StorageAnswer, StorageRequestId, TabId, WallClock,
    Whose,
};
use serde_json::Value;

use crate::device::Device;
use crate::disk::{Errand, Operation, SILENCE, is_recent};
use crate::network::End;
use crate::run::Simulation;
use crate::schedule::Happening;
use crate::statistics::Counted;

/// In milliseconds.
const DAY: u64 = 86_400_000;
/// Without locks: how often a page says that it lives, in milliseconds.
const BEAT: u64 = 5_000;

impl Simulation {
    /// A page is loaded again, and what it has asked of the disk is done.
    pub(crate) fn reload(&mut self, device: usize) -> Result<(), String> {
        self.page_ends(device, false, true)?;
        self.page_begins(device)
    }

    /// A page crashes: what it has asked of the disk may be lost.
    pub(crate) fn crash(&mut self, device: usize) -> Result<(), String> {
        let is_lost = self.ground.chance.percent(50);
        self.page_ends(device, is_lost, true)?;
        self.page_begins(device)
    }

    /// The same, between two things that its client wants done: the second may be to write something down.
    pub(crate) fn crash_halfway(&mut self, device: usize) -> Result<(), String> {
        let is_lost = self.ground.chance.percent(50);
        self.page_ends(device, is_lost, false)?;
        self.page_begins(device)
    }

    /// A page is closed.
    pub(crate) fn leaves(&mut self, device: usize) -> Result<(), String> {
        self.page_ends(device, false, true)?;
        if let Some(one) = self.devices.get_mut(device) {
            one.is_closed = true;
        }
        Ok(())
    }

    /// A page is opened where there is none, and the clock on the wall has gone on by so many days.
    pub(crate) fn comes(&mut self, device: usize, days: u64) -> Result<(), String> {
        let Some(one) = self.devices.get(device).filter(|one| one.is_closed) else { return Ok(()) };
        if days > 0
            && let Some(browser) = self.browsers.get_mut(one.person)
        {
            self.ground.statistics.count(Counted::LongAbsences);
            browser.set_clock(i64::try_from(days * DAY).unwrap_or(i64::MAX));
        }
        self.page_begins(device)
    }

    /// What a disk has that answers no more is lost, and the person has been told.
    pub(crate) fn give_up_disks(&mut self) {
        for (person, browser) in self.browsers.iter().enumerate() {
            let mut mine = self.devices.iter_mut().filter(|one| one.person == person);
            if mine.any(|one| one.keeps()) {
                continue;
            }
            let mine = self.devices.iter_mut().filter(|one| one.person == person);
            for (id, room) in mine.flat_map(|one| &mut one.ledger.rooms) {
                for (text, tally) in &mut room.tallies {
                    tally.lost += browser.disk.unsent(id, text, None);
                }
            }
        }
    }

    fn page_ends(&mut self, device: usize, is_lost: bool, has_asked: bool) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(browser) = self.browsers.get_mut(one.person) else { return Ok(()) };
        self.ground.statistics.count(Counted::Reloads);
        if one.screens.values().any(|screen| screen.unsent().next().is_some()) {
            self.ground.statistics.count(Counted::CrashesWithUnsent);
        }
        let asked = std::mem::take(&mut one.pending);
        for operation in asked.iter().filter(|_| !is_lost) {
            browser.disk.does(now, operation);
        }
        let tab = one.whose.as_ref().map(|(_, tab)| tab.clone());
        one.ledger.page_ends(
            &one.screens,
            (&browser.disk, tab.as_ref()),
            (one.keeps(), one.keeps() && has_asked && asked.is_empty()),
        )?;
        for socket in self.network.live_of(device, None) {
            self.network.abandon(&mut self.ground, socket);
            if let Some(socket) = self.network.sockets.get_mut(socket) {
                (socket.is_abandoned, socket.at_client) = (false, End::Closed);
            }
        }
        for socket in self.network.sockets.iter_mut().filter(|one| one.device == device) {
            socket.is_abandoned = false;
        }
        for exchange in self.network.exchanges.iter_mut().filter(|one| one.device == device) {
            exchange.is_over = true;
        }
        one.rooms = one.screens.keys().cloned().collect();
        one.leave();
        self.note(format_args!(
            "device {device} has no page, what it asked for is lost: {is_lost}"
        ));
        if let Some(tab) = tab {
            self.has_gone(&tab);
        }
        Ok(())
    }

    /// Whoever watches a page learns that it has gone, where there are locks.
    fn has_gone(&mut self, tab: &TabId) {
        for other in 0..self.devices.len() {
            self.watches(other, tab);
        }
    }

    /// The page has the rooms open that the one before it had.
    fn page_begins(&mut self, device: usize) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(browser) = self.browsers.get(one.person) else { return Ok(()) };
        one.load(&mut self.ground.chance, browser.known_as.clone())?;
        self.note(format_args!("device {device} has a new page"));
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let mut rooms = std::mem::take(&mut one.rooms);
        if rooms.is_empty() {
            rooms.push(self.room_id(0)?);
        }
        for room in rooms {
            self.input(device, Input::Command(Command::OpenRoom(room)))?;
        }
        Ok(())
    }

    /// If a page watches another one that has gone, it learns of that.
    fn watches(&mut self, device: usize, tab: &TabId) {
        let Some(one) = self.devices.get_mut(device) else { return };
        let has_locks = self.browsers.get(one.person).is_some_and(|browser| browser.has_locks);
        if has_locks && one.watched.remove(tab).is_some() {
            let at = self.ground.schedule.now() + self.ground.chance.between(1, 30);
            let gone = Happening::TabGone { device, life: one.life, tab: tab.clone() };
            self.ground.schedule.at(at, gone);
        }
    }

    /// A client wants something of the disk, or of its person's other pages.
    pub(crate) fn asks_disk(&mut self, device: usize, output: Output) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        match output {
            Output::OpenStorage { request, whose, tab } => {
                one.whose = Some((whose, tab));
                self.asks_for(device, request, Errand::Open)
            }
            Output::WriteStorage { request, changes } => {
                self.asks_for(device, request, Errand::Write(changes))
            }
            Output::AdoptUnsent { request, from } => {
                let Some((_, to)) = one.whose.clone() else {
                    return Err("a storage is used that is not open".into());
                };
                self.asks_for(device, request, Errand::Adopt { from, to })
            }
            Output::WatchTab { tab } => {
                if one.whose.as_ref().is_some_and(|(_, own)| *own == tab) {
                    return Err("a page watches itself".into());
                }
                one.watched.insert(tab.clone(), None);
                self.begins_beat(device);
                let is_it =
                    |other: &Device| other.whose.as_ref().is_some_and(|(_, own)| *own == tab);
                if !self.devices.iter().any(is_it) {
                    self.watches(device, &tab);
                }
                Ok(())
            }
            Output::CloseStorage { clear } => {
                one.watched.clear();
                if let Some((whose, tab)) = one.whose.take()
                    && let Some(browser) = self.browsers.get_mut(one.person)
                {
                    browser.disk.ends_beats(&whose, &tab);
                    if clear {
                        browser.disk.clear(&whose);
                    }
                    self.has_gone(&tab);
                }
                Ok(())
            }
            Output::TellTabs { news } => {
                let Some(from) = one.whose.as_ref().map(|(whose, _)| whose.clone()) else {
                    return Err("others are told something by a page that nobody knows".into());
                };
                self.tells_tabs(device, &from, &news);
                Ok(())
            }
            output => Err(format!("nobody knows what to do with {output:?}")),
        }
    }

    /// What a page says reaches the others in the order in which it was said.
    fn tells_tabs(&mut self, from: usize, whose: &Whose, news: &str) {
        let now = self.ground.schedule.now();
        for (device, one) in self.devices.iter_mut().enumerate() {
            let hears = one.whose.as_ref().is_some_and(|(own, _)| own == whose);
            if device == from || !hears {
                continue;
            }
            one.news_until = one.news_until.max(now + self.ground.chance.between(0, 20));
            let (life, news) = (one.life, news.to_owned());
            self.ground.schedule.at(one.news_until, Happening::HearsTab { device, life, news });
        }
    }

    pub(crate) fn hears_tab(
        &mut self,
        device: usize,
        life: u32,
        news: String,
    ) -> Result<(), String> {
        if self.devices.get(device).is_some_and(|one| one.life == life && one.whose.is_some()) {
            self.ground.statistics.count(Counted::TabNews);
            return self.input(device, Input::HeardTab { news });
        }
        Ok(())
    }

    pub(crate) fn loses_storage(&mut self, device: usize) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device).filter(|one| one.keeps()) else {
            return Ok(());
        };
        one.pending.clear();
        one.has_lost_storage = true;
        self.ground.statistics.count(Counted::LostStorages);
        self.input(device, Input::StorageLost)
    }

    fn asks_for(
        &mut self,
        device: usize,
        request: StorageRequestId,
        errand: Errand,
    ) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some((whose, _)) = one.whose.clone() else {
            return Err("a storage is used that is not open".into());
        };
        let is_write = matches!(errand, Errand::Write(_));
        let operation = Operation { request, whose, errand };
        one.pending.push(operation);
        let Some(browser) = self.browsers.get_mut(one.person) else { return Ok(()) };
        if let Some(at) = browser.disk.done_at(&mut self.ground.chance, now) {
            let life = one.life;
            self.ground.schedule.at(at, Happening::Stores { device, life, request });
        }
        if is_write {
            self.begins_beat(device);
        }
        Ok(())
    }

    /// Without locks: a page says that it lives, as soon as the disk has time.
    fn begins_beat(&mut self, device: usize) {
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get(device).filter(|one| !one.has_lost_storage) else {
            return;
        };
        let Some((whose, _)) = one.whose.clone() else { return };
        let Some(browser) = self.browsers.get_mut(one.person).filter(|one| !one.has_locks) else {
            return;
        };
        let at = browser.clocks(now).wall;
        if let Some(done) = browser.disk.done_at(&mut self.ground.chance, now) {
            let life = one.life;
            self.ground.schedule.at(done, Happening::Beaten { device, life, whose, at });
        }
    }

    /// The same, again and again, for as long as it is this person's page.
    pub(crate) fn beats(&mut self, device: usize, life: u32, whose: Whose) {
        let is_theirs = |one: &&Device| {
            one.life == life && one.whose.as_ref().is_some_and(|(of, _)| *of == whose)
        };
        if self.devices.get(device).is_some_and(|one| is_theirs(&one)) {
            self.begins_beat(device);
            self.ground.schedule.after(BEAT, Happening::Beats { device, life, whose });
        }
    }

    /// The disk knows that a page lived at a time, and the page who else does.
    pub(crate) fn beaten(
        &mut self,
        device: usize,
        life: u32,
        of: &Whose,
        at: WallClock,
    ) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let is_it = |one: &&mut Device| one.life == life && !one.has_lost_storage;
        let Some(one) = self.devices.get_mut(device).filter(is_it) else { return Ok(()) };
        let Some((whose, tab)) = one.whose.clone().filter(|(whose, _)| whose == of) else {
            return Ok(());
        };
        let Some(browser) = self.browsers.get_mut(one.person) else { return Ok(()) };
        let Some(said) = browser.disk.beat(now, (&whose, &tab), at) else { return Ok(()) };
        for (tab, last) in &mut one.watched {
            *last = said.get(tab).copied().or(*last);
        }
        let lives = |tab: &TabId| said.get(tab).is_some_and(|said| is_recent(*said, at));
        let gone = one.watched.extract_if(.., |tab, _| !lives(tab)).collect::<Vec<_>>();
        for (tab, last) in gone {
            let silent = last.map_or(SILENCE, |last| at.0.abs_diff(last.0));
            self.ground.statistics.count(Counted::SilentPages);
            self.tab_gone(device, life, tab, Duration::from_millis(silent))?;
        }
        Ok(())
    }

    /// The disk has done something.
    pub(crate) fn stores(
        &mut self,
        device: usize,
        life: u32,
        request: StorageRequestId,
    ) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get_mut(device).filter(|one| one.life == life) else {
            return Ok(());
        };
        let is_it = |operation: &Operation| operation.request == request;
        let Some(place) = one.pending.iter().position(is_it) else { return Ok(()) };
        let operation = one.pending.remove(place);
        let Some(browser) = self.browsers.get_mut(one.person) else { return Ok(()) };
        let at = browser.clocks(now).wall;
        if let (Errand::Open, false, Some((whose, tab))) =
            (&operation.errand, browser.has_locks, &one.whose)
        {
            browser.disk.beat(now, (whose, tab), at);
        }
        let answer = browser.disk.does(now, &operation);
        match &answer {
            StorageAnswer::Failed => {
                let is_full = browser.disk.is_full(now);
                let what = if is_full { Counted::FullDisks } else { Counted::StorageFailures };
                self.ground.statistics.count(what);
            }
            StorageAnswer::Adopted(records) => {
                for _ in records {
                    self.ground.statistics.count(Counted::AdoptedRows);
                }
                if let Errand::Adopt { from, .. } = &operation.errand {
                    self.are_taken(from, records);
                }
            }
            StorageAnswer::Opened(_) if !browser.has_locks => {
                let whose = operation.whose.clone();
                self.ground.schedule.after(BEAT, Happening::Beats { device, life, whose });
            }
            StorageAnswer::Opened(_) | StorageAnswer::Stored | StorageAnswer::Missing => {}
        }
        self.input(device, Input::StorageAnswered { request, answer })
    }

    /// Another page has taken over what lay on a shelf. Without locks its owner may live, and not know yet.
    fn are_taken(&mut self, from: &TabId, records: &[Record]) {
        let is_owner = |one: &&mut Device| one.whose.as_ref().is_some_and(|(_, tab)| tab == from);
        let Some(owner) = self.devices.iter_mut().find(is_owner) else { return };
        for record in records {
            self.ground.statistics.count(Counted::TakenFromTheLiving);
            let value = serde_json::from_str::<Value>(&record.value).unwrap_or_default();
            let room = RoomId::parse(value["roomId"].as_str().unwrap_or_default());
            if let (Ok(room), Some(text)) = (room, value["text"].as_str()) {
                let room = owner.ledger.rooms.entry(room).or_default();
                *room.taken.entry(text.to_owned()).or_default() += 1;
                let tally = room.tallies.entry(text.to_owned()).or_default();
                tally.taken += 1;
                tally.is_carried = true;
            }
        }
    }

    /// A page that was watched lives no more.
    pub(crate) fn tab_gone(
        &mut self,
        device: usize,
        life: u32,
        tab: TabId,
        silent: Duration,
    ) -> Result<(), String> {
        if self.devices.get(device).is_some_and(|one| one.life == life) {
            return self.input(device, Input::TabGone { tab, silent });
        }
        Ok(())
    }
}
