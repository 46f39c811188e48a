//! The faults that strike all at once: cuts, restarts, sleep.

use std::collections::VecDeque;

use crate::backend::Backend;
use crate::plan::Strike;
use crate::run::Simulation;
use crate::schedule::Happening;
use crate::statistics::Counted;

/// A sleep that is longer ends the connections of the device.
const CONNECTIONS_SURVIVE: u64 = 30_000;

impl Simulation {
    pub(crate) fn strike(&mut self, strike: Strike) -> Result<(), String> {
        match strike {
            Strike::Restart => {
                self.note(format_args!("the server restarts"));
                self.ground.statistics.count(Counted::Restarts);
                for socket in self.network.live() {
                    let code = if self.ground.chance.percent(50) { 1001 } else { 1006 };
                    self.network.close(&mut self.ground, socket, code);
                    self.backend.disconnected(socket);
                }
            }
            Strike::Sleep { device, pause } => self.sleep(device, pause),
            Strike::Cut => {
                if let Some(socket) = self.some_socket() {
                    self.note(format_args!("socket {socket} is cut"));
                    self.network.cut(&mut self.ground, socket);
                }
            }
            Strike::CutOf { device } => {
                let live = self.network.live_of(device, None);
                if let Some(socket) = live.last().copied() {
                    self.note(format_args!("socket {socket} is cut"));
                    self.network.cut(&mut self.ground, socket);
                }
            }
            Strike::BlockSockets { pause } => {
                self.network.sockets_blocked_until = self.ground.schedule.now() + pause;
                for socket in self.network.live() {
                    self.network.cut(&mut self.ground, socket);
                }
                self.note(format_args!("no connection is accepted for {pause} ms"));
            }
            Strike::RevokeTokens | Strike::BreakConnection | Strike::EndSubscription => {
                self.strike_service(strike);
            }
            Strike::FillDisk { person, pause } => {
                let until = self.ground.schedule.now() + pause;
                if let Some(browser) = self.browsers.get_mut(person) {
                    browser.disk.is_full_until(until);
                    self.note(format_args!("the disk of person {person} is full for {pause} ms"));
                }
            }
            Strike::SomebodyElse { person } => self.somebody_else_signs_in(person),
            Strike::Suspend { person, pause } => self.suspend(person, pause),
            Strike::SetClock { person, by } => {
                if let Some(browser) = self.browsers.get_mut(person) {
                    browser.set_clock(by);
                    self.ground.statistics.count(Counted::ClocksSet);
                }
            }
        }
        Ok(())
    }

    /// What only befalls AppSync.
    fn strike_service(&mut self, strike: Strike) {
        let socket = self.some_socket();
        let Backend::Appsync(appsync) = &mut self.backend else { return };
        match strike {
            Strike::RevokeTokens => appsync.issuer.revoke_all(),
            Strike::BreakConnection => {
                if let Some(socket) = socket {
                    appsync.breaks(&mut self.ground, socket);
                }
            }
            Strike::EndSubscription => appsync.ends_something(&mut self.ground),
            _ => {}
        }
        self.note(format_args!("{strike:?}, for example of socket {socket:?}"));
    }

    fn some_socket(&mut self) -> Option<usize> {
        let live = self.network.live();
        live.get(self.ground.chance.index(live.len())).copied()
    }

    fn sleep(&mut self, device: usize, pause: u64) {
        let Some(one) = self.devices.get_mut(device).filter(|one| one.held.is_none()) else {
            return;
        };
        one.held = Some(VecDeque::new());
        self.ground.statistics.count(Counted::Sleeps);
        self.ground.schedule.after(pause, Happening::Wakes(device));
        self.note(format_args!("device {device} sleeps for {pause} ms"));
        self.loses_connections(device, pause);
    }

    fn loses_connections(&mut self, device: usize, pause: u64) {
        if pause > CONNECTIONS_SURVIVE {
            for socket in self.network.live() {
                if self.network.sockets.get(socket).is_some_and(|one| one.device == device) {
                    self.network.cut(&mut self.ground, socket);
                }
            }
        }
    }

    /// A device sleeps with all its pages, and its clocks with them, but for the one on the wall.
    fn suspend(&mut self, person: usize, pause: u64) {
        let browser = self.browsers.get_mut(person).filter(|browser| !browser.is_suspended());
        let Some(browser) = browser else { return };
        browser.suspend(self.ground.schedule.now());
        self.ground.statistics.count(Counted::Suspensions);
        self.ground.schedule.after(pause, Happening::Resumes(person));
        self.note(format_args!("the device of person {person} sleeps for {pause} ms"));
        for device in 0..self.devices.len() {
            let Some(one) = self.devices.get_mut(device) else { continue };
            if one.browser == person {
                one.held.get_or_insert_default();
                self.loses_connections(device, pause);
            }
        }
    }

    /// It goes on; all its pages do.
    pub(crate) fn resume(&mut self, person: usize) -> Result<(), String> {
        let now = self.ground.schedule.now();
        if !self.browsers.get_mut(person).is_some_and(|browser| browser.resume(now)) {
            return Ok(());
        }
        for device in 0..self.devices.len() {
            if self.devices.get(device).is_some_and(|one| one.browser == person) {
                self.wake(device)?;
            }
        }
        Ok(())
    }
}
