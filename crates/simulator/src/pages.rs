//! Pages come and go: they are loaded again, or they crash between any two things that their client wants done. What
//! they have asked of the disk is done, or is lost with them.

use roomlet_client::{Command, Input, Output, StorageAnswer, StorageRequestId, Whose};

use crate::device::Device;
use crate::disk::{Errand, Operation};
use crate::network::End;
use crate::page::person_of;
use crate::presence::BEAT;
use crate::run::Simulation;
use crate::schedule::Happening;
use crate::statistics::Counted;

/// In milliseconds.
const DAY: u64 = 86_400_000;

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
            && let Some(browser) = self.browsers.get_mut(one.browser)
        {
            self.ground.statistics.count(Counted::LongAbsences);
            browser.absent_until = self.ground.schedule.now();
            browser.set_clock(i64::try_from(days * DAY).unwrap_or(i64::MAX));
        }
        self.page_begins(device)
    }

    /// What a disk has that answers no more is lost, and the person has been told.
    pub(crate) fn give_up_disks(&mut self) {
        for (person, browser) in self.browsers.iter().enumerate() {
            let Some(whose) = browser.records.get(&person) else { continue };
            let mut mine = self.devices.iter_mut().filter(|one| one.person == person);
            if mine.any(|one| one.keeps()) {
                continue;
            }
            let mine = self.devices.iter_mut().filter_map(|one| one.ledger_of(person));
            for (id, room) in mine.flat_map(|ledger| &mut ledger.rooms) {
                for (text, tally) in &mut room.tallies {
                    tally.lost += browser.disk.unsent((whose, None), id, text);
                }
            }
        }
    }

    fn page_ends(&mut self, device: usize, is_lost: bool, has_asked: bool) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(browser) = self.browsers.get_mut(one.browser) else { return Ok(()) };
        self.ground.statistics.count(Counted::Reloads);
        if one.screens.values().any(|screen| screen.unsent().next().is_some()) {
            self.ground.statistics.count(Counted::CrashesWithUnsent);
        }
        let asked = std::mem::take(&mut one.pending);
        for operation in asked.iter().filter(|_| !is_lost) {
            browser.disk.does(now, operation);
        }
        let tab = one.whose.as_ref().map(|(_, tab)| tab.clone());
        // Before it has done all that makes room for somebody else, it was the page of the one before.
        let screens = one.next.take().map(|(_, before)| before);
        one.ledger.page_ends(
            screens.as_ref().unwrap_or(&one.screens),
            (&browser.disk, one.whose.as_ref()),
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

    /// The page has the rooms open that the one before it had.
    fn page_begins(&mut self, device: usize) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(browser) = self.browsers.get(one.browser) else { return Ok(()) };
        // Of those who sign in nothing is remembered but what they have written.
        let known_as = browser.known_as.clone().filter(|_| one.page.is_none());
        if let Some(person) = one.page.as_ref().and_then(|page| person_of(&page.person))
            && person != one.person
        {
            self.ground.statistics.count(Counted::OtherPeople);
            if browser.has_unsent(one.person) {
                self.ground.statistics.count(Counted::OtherPeopleWithUnsent);
            }
            one.passes_to(person);
        }
        one.load(&mut self.ground.chance, known_as)?;
        one.loaded_at = self.ground.schedule.now();
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

    /// A client wants something of the disk, or of its person's other pages.
    pub(crate) fn asks_disk(&mut self, device: usize, output: Output) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        match output {
            Output::OpenStorage { request, whose, tab } => {
                if let Some(browser) = self.browsers.get_mut(one.browser) {
                    browser.opens(one.person, &whose)?;
                }
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
                if let Some((person, screens)) = one.next.take() {
                    self.becomes(device, person, &screens)?;
                }
                let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
                one.watched.clear();
                if let Some((whose, tab)) = one.whose.take()
                    && let Some(browser) = self.browsers.get_mut(one.browser)
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
        let Some(browser) = self.browsers.get_mut(one.browser) else { return Ok(()) };
        if let Some(at) = browser.disk.done_at(&mut self.ground.chance, now) {
            let life = one.life;
            self.ground.schedule.at(at, Happening::Stores { device, life, request });
        }
        if is_write {
            self.begins_beat(device);
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
        let Some(browser) = self.browsers.get_mut(one.browser) else { return Ok(()) };
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
}
