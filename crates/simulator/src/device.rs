//! A client with the driver that feeds and drains it, and the screens that it draws.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use roomlet_client::config::{
    Api, ApiKey, ApiKind, Backend, Dialect as Known, Endpoint, Namespace, NamespaceKind, Service,
    SignIn, TokenKind,
};
use roomlet_client::{
    Change, Client, ConnectionId, Delivery, Event, GuestKey, HttpRequestId, Input, Now, Output,
    Person, Refusal, RoomId, SendRefusal, Status, Timestamp, WallClock,
};

use crate::Dialect;
use crate::backend::appsync::{HOST, NAMESPACE};
use crate::backend::{EPOCH, guest_id};
use crate::chance::Chance;
use crate::exchange::ExchangeId;
use crate::ledger::Ledger;
use crate::network::SocketId;
use crate::page::{API_KEY, Page};
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
    pub(crate) sender_id: String,
    pub(crate) guest_key: String,
    pub(crate) screens: BTreeMap<RoomId, Screen>,
    pub(crate) sockets: BTreeMap<ConnectionId, SocketId>,
    /// The requests that are on their way.
    pub(crate) exchanges: BTreeMap<HttpRequestId, ExchangeId>,
    /// Where people sign in: the page.
    pub(crate) page: Option<Page>,
    /// While the device sleeps: what waits for it.
    pub(crate) held: Option<VecDeque<Happening>>,
    pub(crate) awake_since: u64,
    /// Which of the scheduled deadlines is the present one.
    pub(crate) generation: u64,
    pub(crate) ledger: Ledger,
    wall_error: i64,
    /// Deadlines in a row that were not in the future.
    hurries: u32,
}

impl Device {
    pub(crate) fn new(
        chance: &mut Chance,
        dialect: Dialect,
        page: Option<Page>,
    ) -> Result<Self, String> {
        let guest_key = chance.token();
        let backend = Backend {
            name: "default".into(),
            service: service(dialect)?,
            sign_in: sign_in(dialect, page.is_some())?,
            room: RoomId::default(),
        };
        let key = GuestKey::parse(&guest_key).ok_or("the simulator drew no guest key")?;
        let person = Person { guest_key: key, name: None, known_as: None };
        let wall_error = i64::try_from(chance.between(0, 20_000_000)).unwrap_or(0) - 10_000_000;
        let sender_id =
            page.as_ref().map_or_else(|| guest_id(&guest_key), |page| page.person.clone());
        Ok(Self {
            client: Client::new(backend, person, chance.seed()),
            sender_id,
            guest_key,
            screens: BTreeMap::new(),
            sockets: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            page,
            held: None,
            awake_since: 0,
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
        let due = self.client.poll_timeout().filter(|due| is_time_due && due.at.0 <= now);
        self.hurries = due.map_or(0, |_| self.hurries + 1);
        if let Some(due) = due.filter(|_| self.hurries > 10) {
            return Err(format!("the deadline after TimeDue is in the future: {due:?}"));
        }
        Ok(reaction)
    }

    pub(crate) fn is_refused(&self, room: &RoomId) -> bool {
        matches!(self.client.status(room), Some(Status::Refused(_)))
    }

    /// Whether a message is on its way, in a room or in any.
    pub(crate) fn is_sending(&self, room: Option<&RoomId>) -> bool {
        let screens = self.screens.iter().filter(|(of, _)| room.is_none_or(|room| room == *of));
        let mut unsent = screens.flat_map(|(_, screen)| screen.unsent());
        unsent.any(|(_, message)| message.delivery == Delivery::Sending)
    }

    /// Whether some room waits for the person to sign in.
    pub(crate) fn wants_sign_in(&self) -> bool {
        let wants = |room: &RoomId| {
            self.client.status(room) == Some(Status::Refused(Refusal::Unauthorized))
        };
        self.screens.keys().any(wants)
    }

    fn show(&mut self, event: Event, reaction: &mut Reaction) -> Result<(), String> {
        match event {
            Event::Timeline { room, change } => {
                if let Change::Put { row, .. } = &change
                    && let Some(message) = row.message()
                    && matches!(message.delivery, Delivery::Failed(_))
                {
                    self.ledger.tally(&room, &message.text).failed += 1;
                }
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

fn service(dialect: Dialect) -> Result<Service, String> {
    if !dialect.is_appsync() {
        let endpoint = Endpoint::parse("wss://abc123.execute-api.eu-central-1.amazonaws.com/prod");
        let endpoint = endpoint.map_err(|error| error.to_string())?;
        return Ok(Service::api_gateway(endpoint, Known::Auto));
    }
    if dialect.is_graphql() {
        let api = Api::parse(ApiKind::Graphql, &format!("https://{HOST}/graphql"));
        let api = api.map_err(|error| error.to_string())?;
        return Ok(Service::AppsyncGraphql { api, dialect: Known::Auto });
    }
    let api = Api::parse(ApiKind::Events, &format!("https://{HOST}/event"));
    let api = api.map_err(|error| error.to_string())?;
    let namespace = Namespace::parse(NAMESPACE).map_err(|error| error.to_string())?;
    let is_raw = dialect == Dialect::EventsRaw;
    let events = if is_raw { NamespaceKind::Raw } else { NamespaceKind::Stamped };
    Ok(Service::AppsyncEvents { api, namespace, events })
}

fn sign_in(dialect: Dialect, has_page: bool) -> Result<SignIn, String> {
    if !dialect.is_appsync() {
        return Ok(SignIn::None);
    }
    if has_page {
        return Ok(SignIn::Token { token: TokenKind::Cognito });
    }
    let key = ApiKey::parse(API_KEY).ok_or("the simulator has no API key")?;
    Ok(SignIn::ApiKey { key })
}
