//! Whether a page lives, as others of the same browser see it: by its lock, or, without locks, by its signs of life.

use std::time::Duration;

use roomlet_client::{Input, Record, RoomId, TabId, WallClock, Whose};
use serde_json::Value;

use crate::device::Device;
use crate::disk::{SILENCE, is_recent};
use crate::run::Simulation;
use crate::schedule::Happening;
use crate::statistics::Counted;

/// Without locks: how often a page says that it lives, in milliseconds.
pub(crate) const BEAT: u64 = 5_000;

impl Simulation {
    /// Whoever watches a page learns that it has gone, where there are locks.
    pub(crate) fn has_gone(&mut self, tab: &TabId) {
        for other in 0..self.devices.len() {
            self.watches(other, tab);
        }
    }

    /// If a page watches another one that has gone, it learns of that.
    pub(crate) fn watches(&mut self, device: usize, tab: &TabId) {
        let Some(one) = self.devices.get_mut(device) else { return };
        let has_locks = self.browsers.get(one.browser).is_some_and(|browser| browser.has_locks);
        if has_locks && one.watched.remove(tab).is_some() {
            let at = self.ground.schedule.now() + self.ground.chance.between(1, 30);
            let gone = Happening::TabGone { device, life: one.life, tab: tab.clone() };
            self.ground.schedule.at(at, gone);
        }
    }

    /// Without locks: a page says that it lives, as soon as the disk has time.
    pub(crate) fn begins_beat(&mut self, device: usize) {
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get(device).filter(|one| !one.has_lost_storage) else {
            return;
        };
        let Some((whose, _)) = one.whose.clone() else { return };
        let Some(browser) = self.browsers.get_mut(one.browser).filter(|one| !one.has_locks) else {
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
        let Some(browser) = self.browsers.get_mut(one.browser) else { return Ok(()) };
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

    /// Another page has taken over what lay on a shelf. Without locks its owner may live, and not know yet.
    pub(crate) fn are_taken(&mut self, from: &TabId, records: &[Record]) {
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
