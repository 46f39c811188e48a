//! The faults that strike now and then: cuts, restarts, sleep.

use std::collections::VecDeque;

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
        match self.ground.chance.between(0, 9) {
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
