//! A client with the driver that feeds and drains it, and the screens that it draws.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use roomlet_client::config::{Backend, Dialect, Endpoint, Service, SignIn};
use roomlet_client::{
    Client, ConnectionId, Event, GuestKey, Input, Now, Output, Person, RoomId, SendRefusal, Status,
    Timestamp, WallClock,
};

use crate::backend::{EPOCH, guest_id};
use crate::chance::Chance;
use crate::ledger::Ledger;
use crate::network::SocketId;
use crate::schedule::Happening;
use crate::screen::Screen;

/// What one input may lead to at most; a page of history is the largest.
const MAX_OUTPUTS: usize = 24;
const MAX_EVENTS: usize = 1_000;

/// What one input has led to.
#[derive(Debug, Default)]
pub(crate) struct Reaction {
    pub(crate) outputs: Vec<Output>,
    pub(crate) refused: Option<SendRefusal>,
}

/// One person's device.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) client: Client,
    /// What others see of the person.
    pub(crate) guest_id: String,
    pub(crate) guest_key: String,
    pub(crate) screens: BTreeMap<RoomId, Screen>,
    pub(crate) sockets: BTreeMap<ConnectionId, SocketId>,
    /// While the device sleeps: what waits for it.
    pub(crate) held: Option<VecDeque<Happening>>,
    /// Which of the scheduled deadlines is the present one.
    pub(crate) generation: u64,
    pub(crate) ledger: Ledger,
    wall_error: i64,
    /// Deadlines in a row that were not in the future.
    hurries: u32,
}

impl Device {
    pub(crate) fn new(chance: &mut Chance) -> Result<Self, String> {
        let guest_key = chance.token();
        let endpoint = Endpoint::parse("wss://abc123.execute-api.eu-central-1.amazonaws.com/prod")
            .map_err(|error| error.to_string())?;
        let backend = Backend {
            name: "default".into(),
            service: Service::api_gateway(endpoint, Dialect::Auto),
            sign_in: SignIn::None,
            room: RoomId::default(),
        };
        let key = GuestKey::parse(&guest_key).ok_or("the simulator drew no guest key")?;
        let person = Person { guest_key: key, name: None, known_as: None };
        let wall_error = i64::try_from(chance.between(0, 20_000_000)).unwrap_or(0) - 10_000_000;
        Ok(Self {
            client: Client::new(backend, person, chance.seed()),
            guest_id: guest_id(&guest_key),
            guest_key,
            screens: BTreeMap::new(),
            sockets: BTreeMap::new(),
            held: None,
            generation: 0,
            ledger: Ledger::default(),
            wall_error,
            hurries: 0,
        })
    }

    /// Hands an input in and drains what comes of it.
    pub(crate) fn handle(&mut self, now: u64, input: Input) -> Result<Reaction, String> {
        let is_time_due = input == Input::TimeDue;
        let wall = EPOCH + i64::try_from(now).unwrap_or(0) + self.wall_error;
        let both = Now { monotonic: Timestamp(now), wall: WallClock(wall) };
        let client = &mut self.client;
        catch_unwind(AssertUnwindSafe(|| client.handle(both, input)))
            .map_err(|_| "no input makes the client panic")?;
        let mut reaction = Reaction::default();
        while let Some(output) = self.client.poll_output() {
            reaction.outputs.push(output);
            if reaction.outputs.len() > MAX_OUTPUTS {
                return Err(format!("one input leads to more than {MAX_OUTPUTS} outputs"));
            }
        }
        for number in 0.. {
            match self.client.poll_event() {
                Some(event) => self.show(event, &mut reaction)?,
                None => break,
            }
            if number > MAX_EVENTS {
                return Err(format!("one input leads to more than {MAX_EVENTS} events"));
            }
        }
        let is_hurried =
            self.client.poll_timeout().is_some_and(|deadline| is_time_due && deadline.at.0 <= now);
        self.hurries = if is_hurried { self.hurries + 1 } else { 0 };
        if self.hurries > 10 {
            return Err("the deadlines after TimeDue are never in the future".into());
        }
        Ok(reaction)
    }

    pub(crate) fn is_refused(&self, room: &RoomId) -> bool {
        matches!(self.client.status(room), Some(Status::Refused(_)))
    }

    fn show(&mut self, event: Event, reaction: &mut Reaction) -> Result<(), String> {
        match event {
            Event::Timeline { room, change } => {
                self.screens.entry(room).or_default().apply(change)?;
            }
            Event::Status { room, .. } => {
                self.screens.entry(room).or_default();
            }
            Event::SendRefused { reason, .. } => reaction.refused = Some(reason),
            Event::Arrived { room, row } | Event::Sent { room, row }
                if self.client.row(&room, row).is_none() =>
            {
                return Err("an event names a row that does not exist".into());
            }
            _ => {}
        }
        Ok(())
    }
}
