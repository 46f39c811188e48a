//! A page of a person's: a client with the driver that feeds and drains it, and the screens that it draws.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use roomlet_client::config::{
    Api, ApiKey, ApiKind, Backend, Dialect as Known, Endpoint, Namespace, NamespaceKind, Service,
    SignIn, TokenKind,
};
use roomlet_client::{
    Change, Client, ConnectionId, Delivery, Event, GuestKey, History, HttpRequestId, Input, Now,
    Output, Person, Refusal, RoomId, Row, RowId, SendRefusal, Status, TabId, WallClock, Whose,
};

use crate::Dialect;
use crate::backend::appsync::{HOST, NAMESPACE};
use crate::backend::guest_id;
use crate::browser::Browser;
use crate::chance::Chance;
use crate::disk::Operation;
use crate::exchange::ExchangeId;
use crate::ledger::{Ledger, Tally};
use crate::network::SocketId;
use crate::page::{API_KEY, Page, name_of};
use crate::schedule::Happening;
use crate::screen::Screen;

/// What one input may lead to at most; a page of history is the largest.
const MAX_OUTPUTS: usize = 64;
/// What it may lead to for each message that waits: all that was written before the disk is open goes there at once, and
/// other pages hear of it.
const MAX_OUTPUTS_OF_A_MESSAGE: usize = 3;
const MAX_EVENTS: usize = 1_000;

/// What one input has led to.
#[derive(Debug, Default)]
pub(crate) struct Reaction {
    pub(crate) outputs: Vec<Output>,
    pub(crate) refused: Option<SendRefusal>,
    /// What the backend calls the person.
    pub(crate) known_as: Option<String>,
}

/// A page of one person's.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) client: Client,
    dialect: Dialect,
    /// The number of the browser, which is that of the person who has it.
    pub(crate) browser: usize,
    /// Who is there, as far as the page knows.
    pub(crate) person: usize,
    /// Since when there is the present page.
    pub(crate) loaded_at: u64,
    /// How often another page has taken the place of one.
    pub(crate) life: u32,
    /// How often there was another page, or somebody else at it.
    pub(crate) stays: u32,
    /// The rooms that the page had open which has gone.
    pub(crate) rooms: Vec<RoomId>,
    /// The browser has taken the storage from the page.
    pub(crate) has_lost_storage: bool,
    /// There is no page at the moment.
    pub(crate) is_closed: bool,
    /// What the page has asked of the disk, and what is not done yet.
    pub(crate) pending: Vec<Operation>,
    /// The other pages that it watches, and, without locks, the last sign of life of each that it has seen.
    pub(crate) watched: BTreeMap<TabId, Option<WallClock>>,
    /// Until then the last news of another page is on its way.
    pub(crate) news_until: u64,
    /// Whose storage the page has opened, and what others call the page.
    pub(crate) whose: Option<(Whose, TabId)>,
    /// The client has said that nothing is kept.
    not_kept: bool,
    /// The page crashes after so many outputs.
    pub(crate) crash_after: Option<u64>,
    /// Who comes next, if the client takes what its page has just said, and what was on the screens before.
    pub(crate) next: Option<(usize, BTreeMap<RoomId, Screen>)>,
    /// What others see of the person.
    pub(crate) sender_id: String,
    pub(crate) guest_key: String,
    pub(crate) screens: BTreeMap<RoomId, Screen>,
    /// The rooms of which a page of history has come.
    are_read: BTreeSet<RoomId>,
    /// How many unread messages each room was said to have.
    unread: BTreeMap<RoomId, usize>,
    /// The rows that the last input has brought.
    pub(crate) fresh: Vec<(RoomId, RowId)>,
    /// The messages of the person's own that it has settled.
    settled: Vec<(RoomId, RowId)>,
    /// Messages that were shown, and are not any more: their rooms, texts and times.
    pub(crate) vanished: BTreeSet<(RoomId, String, Option<i64>)>,
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
    /// Those of others who were there before.
    pub(crate) of_others: BTreeMap<usize, Ledger>,
    /// Deadlines in a row that were not in the future.
    hurries: u32,
}

impl Device {
    pub(crate) fn new(
        chance: &mut Chance,
        dialect: Dialect,
        (person, browser): (usize, &Browser),
        page: Option<Page>,
    ) -> Result<Self, String> {
        let guest_key = browser.guest_key.clone();
        let sender_id =
            page.as_ref().map_or_else(|| guest_id(&guest_key), |page| page.person.clone());
        let client = client(chance, dialect, page.is_some(), &guest_key, None)?;
        Ok(Self {
            client,
            dialect,
            browser: person,
            person,
            loaded_at: 0,
            life: 0,
            stays: 0,
            rooms: Vec::new(),
            has_lost_storage: false,
            is_closed: false,
            pending: Vec::new(),
            watched: BTreeMap::new(),
            news_until: 0,
            whose: None,
            not_kept: false,
            crash_after: None,
            next: None,
            sender_id,
            guest_key,
            screens: BTreeMap::new(),
            are_read: BTreeSet::new(),
            unread: BTreeMap::new(),
            fresh: Vec::new(),
            settled: Vec::new(),
            vanished: BTreeSet::new(),
            sockets: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            page,
            held: None,
            awake_since: 0,
            generation: 0,
            ledger: Ledger::default(),
            of_others: BTreeMap::new(),
            hurries: 0,
        })
    }

    /// Another page takes the place of the present one.
    pub(crate) fn load(
        &mut self,
        chance: &mut Chance,
        known_as: Option<String>,
    ) -> Result<(), String> {
        let has_page = self.page.is_some();
        self.client = client(chance, self.dialect, has_page, &self.guest_key, known_as)?;
        self.is_closed = false;
        self.leave();
        Ok(())
    }

    /// The page has gone, with all that it had.
    pub(crate) fn leave(&mut self) {
        self.life += 1;
        self.stays += 1;
        self.generation += 1;
        self.pending.clear();
        self.watched.clear();
        self.whose = None;
        self.not_kept = false;
        self.has_lost_storage = false;
        self.crash_after = None;
        self.screens.clear();
        self.are_read.clear();
        self.unread.clear();
        self.fresh.clear();
        self.settled.clear();
        self.vanished.clear();
        self.sockets.clear();
        self.exchanges.clear();
        self.hurries = 0;
    }

    /// Everybody who was there, with what truly happened to them.
    pub(crate) fn ledgers(&self) -> impl Iterator<Item = (usize, &Ledger)> {
        let others = self.of_others.iter().map(|(person, ledger)| (*person, ledger));
        others.chain([(self.person, &self.ledger)])
    }

    /// The one of a person who was there, or is.
    pub(crate) fn ledger_of(&mut self, person: usize) -> Option<&mut Ledger> {
        if self.person == person {
            return Some(&mut self.ledger);
        }
        self.of_others.get_mut(&person)
    }

    /// Somebody else is there now; what happened to them here before is what it was.
    pub(crate) fn passes_to(&mut self, person: usize) {
        let ledger = self.of_others.remove(&person).unwrap_or_default();
        let before = std::mem::replace(&mut self.ledger, ledger);
        self.of_others.insert(self.person, before);
        self.stays += 1;
        // What the one before had on the screen is not theirs.
        self.vanished.clear();
        self.are_read.clear();
        self.person = person;
        self.sender_id = name_of(person);
    }

    /// Whether what the person writes is kept, as far as they know.
    pub(crate) fn keeps(&self) -> bool {
        self.whose.is_some() && !self.not_kept && !self.has_lost_storage
    }

    /// Hands an input in and drains what comes of it.
    pub(crate) fn handle(&mut self, now: Now, input: Input) -> Result<Reaction, String> {
        let is_time_due = input == Input::TimeDue;
        let client = &mut self.client;
        catch_unwind(AssertUnwindSafe(|| client.handle(now, input)))
            .map_err(|_| "no input makes the client panic")?;
        let unsent = self.screens.values().map(|screen| screen.unsent().count()).sum::<usize>();
        let most = MAX_OUTPUTS + MAX_OUTPUTS_OF_A_MESSAGE * unsent;
        let mut reaction = Reaction::default();
        self.fresh.clear();
        self.settled.clear();
        while let Some(output) = self.client.poll_output() {
            reaction.outputs.push(output);
            if reaction.outputs.len() > most {
                return Err(format!("one input leads to more than {most} outputs"));
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
        // A room that was open for what it was owed only is closed by the client itself.
        let client = &self.client;
        self.screens.retain(|room, _| client.status(room).is_some());
        let screens = &self.screens;
        self.are_read.retain(|room| screens.contains_key(room));
        self.unread.retain(|room, _| screens.contains_key(room));
        self.vanished.retain(|(room, _, _)| screens.contains_key(room));
        let due = self.client.poll_timeout().filter(|due| is_time_due && due.at <= now.monotonic);
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

    /// How many messages of a room are unread, as far as the screen was told.
    pub(crate) fn unread(&self, room: &RoomId) -> usize {
        self.unread.get(room).copied().unwrap_or(0)
    }

    /// Remembers which rows are new, and which messages go that were there before.
    fn watch(&mut self, room: &RoomId, change: &Change) {
        let Some(screen) = self.screens.get(room) else { return };
        let shown = |id: RowId| screen.rows().iter().find(|row| row.id == id);
        match change {
            Change::Put { row, .. } if shown(row.id).is_none() => {
                self.fresh.push((room.clone(), row.id));
            }
            Change::Put { row, .. } => {
                let is_sent =
                    |row: &Row| row.message().is_some_and(|one| one.delivery == Delivery::Sent);
                if is_sent(row) && shown(row.id).is_some_and(|before| !is_sent(before)) {
                    self.settled.push((room.clone(), row.id));
                }
            }
            Change::Removed(id) => {
                // One's own may have its place above all that was read.
                let mut fresh = self.fresh.iter().chain(&self.settled);
                let is_fresh = fresh.any(|(of, row)| of == room && row == id);
                let message = shown(*id)
                    .and_then(Row::message)
                    .filter(|one| one.delivery == Delivery::Sent && !is_fresh);
                // What has come before the first page may lie far above it.
                if let Some(message) = message.filter(|_| self.are_read.contains(room)) {
                    let time = message.time.map(|time| time.0);
                    self.vanished.insert((room.clone(), message.text.clone(), time));
                }
            }
        }
    }

    fn show(&mut self, event: Event, reaction: &mut Reaction) -> Result<(), String> {
        match event {
            Event::Timeline { room, change } => {
                if let Change::Put { row, .. } = &change
                    && let Some(message) = row.message()
                {
                    match message.delivery {
                        Delivery::Failed(_) => self.ledger.tally(&room, &message.text).failed += 1,
                        Delivery::NotConfirmed => {
                            self.ledger.tally(&room, &message.text).is_doubted = true;
                        }
                        _ => {}
                    }
                }
                self.watch(&room, &change);
                self.screens.entry(room).or_default().apply(change)?;
            }
            Event::Status { room, .. } => {
                self.screens.entry(room).or_default();
            }
            Event::History { room, history: History::More | History::Beginning } => {
                self.are_read.insert(room);
            }
            Event::Unread { room, count } => {
                self.unread.insert(room, count);
            }
            Event::NotKept => self.not_kept = true,
            Event::KnownAs(id) => reaction.known_as = Some(id),
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

/// What became of a text in all tabs of a person.
pub(crate) fn tally_of(devices: &[Device], person: usize, room: &RoomId, text: &str) -> Tally {
    let mut all = Tally::default();
    let ledgers = devices.iter().flat_map(Device::ledgers);
    for (_, ledger) in ledgers.filter(|(of, _)| *of == person) {
        if let Some(tally) = ledger.rooms.get(room).and_then(|room| room.tallies.get(text)) {
            all.add(tally);
        }
    }
    all
}

fn client(
    chance: &mut Chance,
    dialect: Dialect,
    has_page: bool,
    guest_key: &str,
    known_as: Option<String>,
) -> Result<Client, String> {
    let backend = Backend {
        name: "default".into(),
        service: service(dialect)?,
        sign_in: sign_in(dialect, has_page)?,
        room: RoomId::default(),
    };
    let key = GuestKey::parse(guest_key).ok_or("the simulator drew no guest key")?;
    let person = Person { guest_key: key, name: None, known_as };
    Ok(Client::with_storage(backend, person, chance.seed()))
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
