//! The faults that strike now and then: cuts, restarts, sleep.

use std::collections::VecDeque;

use crate::backend::Backend;
use crate::run::Simulation;
use crate::schedule::Happening;
use crate::statistics::Counted;

impl Simulation {
    pub(crate) fn strike(&mut self) -> Result<(), String> {
        if self.ground.faults.between_strikes == 0 {
            return Ok(());
        }
        let pause = self.ground.chance.between(1, self.ground.faults.between_strikes * 2);
        self.ground.schedule.after(pause, Happening::Strikes);
        let most = if self.dialect().is_appsync() { 14 } else { 9 };
        match self.ground.chance.between(0, most) {
            0 => {
                self.note(format_args!("the server restarts"));
                self.ground.statistics.count(Counted::Restarts);
                for socket in self.network.live() {
                    let code = if self.ground.chance.percent(50) { 1001 } else { 1006 };
                    self.network.close(&mut self.ground, socket, code);
                    self.backend.disconnected(socket);
                }
            }
            1 => {
                let device = self.ground.chance.index(self.devices.len());
                self.sleep(device);
            }
            10.. => self.strike_service(),
            _ => {
                let live = self.network.live();
                if let Some(socket) = live.get(self.ground.chance.index(live.len())).copied() {
                    self.note(format_args!("socket {socket} is cut"));
                    self.network.cut(&mut self.ground, socket);
                }
            }
        }
        Ok(())
    }

    /// What only befalls AppSync.
    fn strike_service(&mut self) {
        let kind = self.ground.chance.between(0, 4);
        let live = self.network.live();
        let Backend::Appsync(appsync) = &mut self.backend else { return };
        match kind {
            0 => {
                let pause = self.ground.chance.between(5_000, 60_000);
                self.network.sockets_blocked_until = self.ground.schedule.now() + pause;
                for socket in live {
                    self.network.cut(&mut self.ground, socket);
                }
                self.note(format_args!("no WebSocket gets through for {pause} ms"));
            }
            1 => {
                appsync.issuer.revoke_all();
                self.note(format_args!("all tokens are revoked"));
            }
            2 => {
                if let Some(socket) = live.get(self.ground.chance.index(live.len())).copied() {
                    appsync.breaks(&mut self.ground, socket);
                    self.note(format_args!("socket {socket} ends with an error"));
                }
            }
            _ => {
                appsync.ends_something(&mut self.ground);
                self.note(format_args!("a subscription is ended"));
            }
        }
    }

    fn sleep(&mut self, device: usize) {
        let Some(one) = self.devices.get_mut(device).filter(|one| one.held.is_none()) else {
            return;
        };
        one.held = Some(VecDeque::new());
        let most = if self.ground.chance.percent(30) { 1_200_000 } else { 60_000 };
        let pause = self.ground.chance.between(1_000, most);
        self.ground.statistics.count(Counted::Sleeps);
        self.ground.schedule.after(pause, Happening::Wakes(device));
        self.note(format_args!("device {device} sleeps for {pause} ms"));
        if pause > 30_000 {
            for socket in self.network.live() {
                if self.network.sockets.get(socket).is_some_and(|one| one.device == device) {
                    self.network.cut(&mut self.ground, socket);
                }
            }
        }
    }
}
