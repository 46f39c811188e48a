//! People act on their devices.

use roomlet_client::{
    Command, Delivery, DisplayName, Input, Network as Hint, RoomId, RowId, SendRefusal, Visibility,
};

use crate::network::SocketId;
use crate::people::{Act, EQUAL_TEXT};
use crate::plan::What;
use crate::run::Simulation;
use crate::schedule::Happening;
use crate::statistics::Counted;

impl Simulation {
    /// While one connection takes the place of another is a bad time to write.
    pub(crate) fn writes_meanwhile(&mut self, device: usize, socket: SocketId) {
        if self.strangers_are_silent {
            return;
        }
        self.interrupts_renewal();
        for number in 0..self.ground.chance.between(0, 4) {
            let pause = self.ground.chance.between(0, 9_000);
            let text = format!("text {number} of person {device} beside {socket}");
            let act = Act::Writes { room: self.ground.chance.index(2), text };
            self.ground.schedule.after(pause, Happening::Befalls(What::Acts { device, act }));
        }
    }

    pub(crate) fn act(&mut self, device: usize, act: Act) -> Result<(), String> {
        if self.devices.get(device).is_none_or(|one| one.is_closed) {
            return match act {
                Act::Comes { days } => self.comes(device, days),
                _ => Ok(()),
            };
        }
        let command = match act {
            Act::Opens { room } => Command::OpenRoom(self.room_id(room)?),
            Act::Writes { room, text } => return self.write(device, room, text),
            Act::WritesNothing { room } => return self.write(device, room, " \n".into()),
            Act::WritesTooMuch { room } => {
                let text = "long".repeat(if self.dialect().is_appsync() { 70_000 } else { 9_000 });
                return self.write(device, room, text);
            }
            Act::Retries { room } => return self.retry(device, room),
            Act::Discards { room } => return self.discard(device, room),
            Act::ReadsOlder { room } => {
                self.ground.statistics.count(Counted::OlderPages);
                Command::LoadOlder { room: self.room_id(room)? }
            }
            Act::Reconnects => Command::Reconnect,
            Act::ChangesName { number } => {
                Command::SetName(DisplayName::parse(&format!("name {number}")))
            }
            Act::Hides => return self.input(device, Input::Visibility(Visibility::Hidden)),
            Act::Shows => return self.input(device, Input::Visibility(Visibility::Visible)),
            Act::GoesOffline => return self.input(device, Input::Network(Hint::Offline)),
            Act::GoesOnline => return self.input(device, Input::Network(Hint::Online)),
            Act::Reloads => return self.reload(device),
            Act::Crashes { after: 0 } => return self.crash(device),
            Act::Crashes { after } => {
                if let Some(one) = self.devices.get_mut(device) {
                    one.crash_after = Some(after);
                }
                return Ok(());
            }
            Act::Leaves => return self.leaves(device),
            Act::Comes { .. } => return Ok(()),
            Act::LosesStorage => return self.loses_storage(device),
            Act::SignsOut => return self.sign(device, false),
            Act::SignsIn => return self.sign(device, true),
        };
        self.input(device, Input::Command(command))
    }

    fn write(&mut self, device: usize, room: usize, text: String) -> Result<(), String> {
        let is_open = self.is_open(device, room);
        let longest = if self.dialect().is_appsync() { 237_000 } else { 32_000 };
        let room = self.room_id(room)?;
        let expected = match text.len() {
            _ if text.trim().is_empty() => Some(SendRefusal::Empty),
            length if length > longest => Some(SendRefusal::TooLarge),
            _ if !is_open => Some(SendRefusal::RoomNotOpen),
            _ => None,
        };
        if expected.is_none() {
            if text == EQUAL_TEXT {
                self.ground.statistics.count(Counted::EqualTexts);
            }
            let at = self.latest_clock(device);
            let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
            one.ledger.composed(&room, &text, (one.stays, at));
        } else {
            self.ground.statistics.count(Counted::RefusedTexts);
        }
        let command = Command::Send { room, text };
        let refused = self.input_and_hear(device, Input::Command(command))?;
        if refused != expected {
            return Err(format!("a text is refused for {refused:?}, not for {expected:?}"));
        }
        Ok(())
    }

    fn retry(&mut self, device: usize, room: usize) -> Result<(), String> {
        let room = self.room_id(room)?;
        let is_halted = |delivery| matches!(delivery, Delivery::NotConfirmed | Delivery::Failed(_));
        let Some((row, text)) = self.choose(device, &room, is_halted) else { return Ok(()) };
        let at = self.latest_clock(device);
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let tally = one.ledger.tally(&room, &text);
        tally.retried += 1;
        tally.wanted_at = at;
        self.ground.statistics.count(Counted::Retries);
        let Some(one) = self.devices.get(device) else { return Ok(()) };
        let life = one.life;
        self.input(device, Input::Command(Command::Retry { room: room.clone(), row }))?;
        if self.devices.get(device).is_some_and(|one| one.life != life) {
            return Ok(());
        }
        let shown = self.devices.get(device).and_then(|one| one.client.row(&room, row)?.message());
        if !shown
            .is_some_and(|shown| matches!(shown.delivery, Delivery::Queued | Delivery::Sending))
        {
            return Err("a message that is tried again waits for its turn".into());
        }
        Ok(())
    }

    fn discard(&mut self, device: usize, room: usize) -> Result<(), String> {
        let room = self.room_id(room)?;
        let is_idle = |delivery| !matches!(delivery, Delivery::Sending | Delivery::Sent);
        let Some((row, text)) = self.choose(device, &room, is_idle) else { return Ok(()) };
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let tally = one.ledger.tally(&room, &text);
        tally.discarded += 1;
        tally.was_taken_back = true;
        self.ground.statistics.count(Counted::Discards);
        let Some(one) = self.devices.get(device) else { return Ok(()) };
        let life = one.life;
        self.input(device, Input::Command(Command::Discard { room: room.clone(), row }))?;
        if self.devices.get(device).is_some_and(|one| one.life != life) {
            return Ok(());
        }
        if self.devices.get(device).is_some_and(|one| one.client.row(&room, row).is_some()) {
            return Err("a message that is discarded leaves the list".into());
        }
        Ok(())
    }

    /// The latest time that the clock on the wall of a device has shown: what is written while it is set back counts as
    /// written then, lest it stand before what waits.
    fn latest_clock(&mut self, device: usize) -> i64 {
        let now = self.ground.schedule.now();
        let browser = self.devices.get(device).map_or(0, |one| one.browser);
        self.browsers.get_mut(browser).map_or(0, |browser| browser.latest_clock(now))
    }

    fn choose(
        &mut self,
        device: usize,
        room: &RoomId,
        fits: impl Fn(Delivery) -> bool,
    ) -> Option<(RowId, String)> {
        let unsent = self.devices.get(device)?.screens.get(room)?.unsent();
        let fitting = unsent.filter(|(_, message)| fits(message.delivery)).collect::<Vec<_>>();
        let (row, message) = fitting.get(self.ground.chance.index(fitting.len()))?;
        Some((row.id, message.text.clone()))
    }
}
