//! Somebody else signs in on the same browser: what one has written and not sent is nobody else's.

use std::collections::BTreeMap;

use roomlet_client::RoomId;

use crate::device::Device;
use crate::page::{name_of, person_of};
use crate::run::Simulation;
use crate::screen::Screen;
use crate::statistics::Counted;

impl Simulation {
    /// The other person of a browser signs in to its pages, which do not know yet, or the one who has it does again.
    pub(crate) fn somebody_else_signs_in(&mut self, browser: usize) {
        let people = self.browsers.len();
        let mine = || self.devices.iter().filter(move |one| one.browser == browser);
        // What is written before the page has said who is there would be whose?
        if mine().any(|one| !one.is_closed && one.whose.is_none()) {
            return;
        }
        let is_owner = mine().any(|one| {
            let name = one.page.as_ref().map(|page| page.person.as_str());
            name.and_then(person_of) == Some(browser)
        });
        self.is_signed_in(browser, if is_owner { people + browser } else { browser });
    }

    fn is_signed_in(&mut self, browser: usize, person: usize) {
        for one in self.devices.iter_mut().filter(|one| one.browser == browser) {
            if let Some(page) = &mut one.page {
                page.person = name_of(person);
            }
        }
        self.note(format_args!("person {person} is signed in to browser {browser}"));
    }

    /// Whoever has a browser signs in to it again, and pages that do not know are loaded again.
    pub(crate) fn owners_sign_in(&mut self) -> Result<(), String> {
        for browser in 0..self.browsers.len() {
            self.is_signed_in(browser, browser);
        }
        for device in 0..self.devices.len() {
            let is_there = |one: &&Device| one.person != one.browser && !one.is_closed;
            if self.devices.get(device).filter(is_there).is_some() {
                self.reload(device)?;
            }
        }
        Ok(())
    }

    /// A client gives its place to somebody else: what the one before has written and not sent is on the disk.
    pub(crate) fn becomes(
        &mut self,
        device: usize,
        person: usize,
        screens: &BTreeMap<RoomId, Screen>,
    ) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(browser) = self.browsers.get_mut(one.browser) else { return Ok(()) };
        self.ground.statistics.count(Counted::OtherPeople);
        let asked = std::mem::take(&mut one.pending);
        for operation in &asked {
            browser.disk.does(now, operation);
        }
        if browser.has_unsent(one.person) {
            self.ground.statistics.count(Counted::OtherPeopleWithUnsent);
        }
        one.ledger.page_ends(
            screens,
            (&browser.disk, one.whose.as_ref()),
            (one.keeps(), one.keeps() && asked.is_empty()),
        )?;
        one.passes_to(person);
        self.note(format_args!("at device {device} there is person {person} now"));
        Ok(())
    }
}
