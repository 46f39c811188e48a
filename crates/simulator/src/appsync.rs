//! What only AppSync's clients do: they send requests, ask who is signed in, and hold conversations.

use roomlet_client::{
    AskReason, Command, HttpAnswer, HttpFailure, HttpRequestId, Input, QuestionId, RoomId,
    RowContent, SignInAnswer,
};
use serde_json::Value;

use crate::Dialect;
use crate::backend::appsync::HOST;
use crate::backend::{Backend, EPOCH, room_of_channel};
use crate::conversation::{Said, Spoken};
use crate::exchange::{Exchange, ExchangeId, Heard, Told};
use crate::invariants::{self, Sending};
use crate::network::{End, Meaning, Network, SocketId};
use crate::page::{Page, handed_over, name_of, person_of};
use crate::plan::What;
use crate::run::Simulation;
use crate::schedule::Happening;
use crate::screen::Screen;
use crate::statistics::Counted;

/// From the last frame to the end of a connection that is dead: 70 seconds, 15 for an answer, and timers may be late
/// again and again.
const LONGEST_SILENCE: u64 = 200_000;
/// A page that does not answer, in milliseconds.
const SLOW_PAGE: (u64, u64) = (5_000, 40_000);

impl Simulation {
    /// The page of a person, where people sign in.
    pub(crate) fn page_of(&self, number: usize) -> Option<Page> {
        let Backend::Appsync(appsync) = &self.backend else { return None };
        let person = name_of(number);
        appsync.signs_in().then_some(Page { person, is_signed_in: true })
    }

    /// The storm is over: whoever is asked to sign in does so.
    pub(crate) fn everybody_signs_in(&mut self) -> Result<(), String> {
        for device in 0..self.devices.len() {
            self.sign(device, true)?;
        }
        Ok(())
    }

    /// Somebody signs in to the page, or out of it.
    pub(crate) fn sign(&mut self, device: usize, is_in: bool) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(page) = &mut one.page else { return Ok(()) };
        page.is_signed_in = is_in;
        if is_in && one.wants_sign_in() {
            self.ground.statistics.count(Counted::SignIns);
            return self.input(device, Input::Command(Command::Reconnect));
        }
        Ok(())
    }

    /// A client asks its page who is signed in.
    pub(crate) fn asks(
        &mut self,
        device: usize,
        question: QuestionId,
        reason: AskReason,
    ) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        if one.page.is_none() {
            return Err("a page is asked that signs nobody in".into());
        }
        one.ledger.is_renewing = reason == AskReason::Refused;
        let (least, most) = SLOW_PAGE;
        let is_slow = self.ground.chance.percent(self.ground.faults.service.reluctant_page / 2);
        let most = if is_slow { most } else { 500 };
        let pause = self.ground.chance.between(if is_slow { least } else { 1 }, most);
        self.ground.schedule.after(pause, Happening::PageAnswers { device, question });
        Ok(())
    }

    pub(crate) fn page_answers(
        &mut self,
        device: usize,
        question: QuestionId,
    ) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let reluctance = self.ground.faults.service.reluctant_page;
        let is_failing = self.ground.chance.percent(reluctance);
        let life = self.ground.faults.service.token_life;
        let says_when = self.ground.chance.percent(50);
        let Backend::Appsync(appsync) = &mut self.backend else { return Ok(()) };
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(page) = &one.page else { return Ok(()) };
        let answer = if !page.is_signed_in {
            SignInAnswer::SignedOut
        } else if is_failing {
            SignInAnswer::Failed
        } else {
            if std::mem::take(&mut one.ledger.is_renewing) {
                self.ground.statistics.count(Counted::RenewedCredentials);
            }
            let token = appsync.issuer.issue(&page.person, now, life);
            let expiry = says_when.then(|| EPOCH + i64::try_from(now + life).unwrap_or(0));
            let person = person_of(&page.person);
            let answer = handed_over(&token, expiry)?;
            let other = person.filter(|person| *person != one.person);
            one.next = other.map(|person| (person, one.screens.clone()));
            answer
        };
        self.input(device, Input::SignedIn { question, answer })?;
        if let Some(one) = self.devices.get_mut(device) {
            one.next = None;
        }
        Ok(())
    }

    /// A client sends a request.
    pub(crate) fn requests(
        &mut self,
        device: usize,
        request: HttpRequestId,
        url: &str,
        headers: Vec<(String, String)>,
        body: String,
    ) -> Result<(), String> {
        let dialect = self.dialect();
        let path = if dialect.is_graphql() { "graphql" } else { "event" };
        if url != format!("https://{HOST}/{path}") {
            return Err(format!("a request goes to {url}"));
        }
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let in_header = headers.iter().any(|(_, value)| value.contains(&one.guest_key));
        let may_bear = body.contains("mutation") || dialect == Dialect::EventsStamped;
        if in_header || (body.contains(&one.guest_key) && !(may_bear && shows_key(dialect))) {
            return Err("the guest key is in a request where it has no business".into());
        }
        if let Some((room, text)) = send_of(dialect, &body)? {
            self.sends(device, &Sending { room, text, has_id: dialect.is_idempotent() })?;
            if dialect.is_events() {
                self.ground.statistics.count(Counted::HttpPublishes);
            }
        }
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let (is_cancelled, is_over) = (false, false);
        let exchange = Exchange { device, request, headers, body, is_cancelled, is_over };
        let exchange = self.network.request(&mut self.ground, exchange);
        if one.exchanges.insert(request, exchange).is_some() {
            return Err("the id of a request is used twice".into());
        }
        let mine = one.exchanges.values().filter_map(|id| self.network.exchanges.get(*id));
        let pages = mine.filter(|exchange| exchange.body.contains("query Messages")).count();
        let (rooms, all) = (dialect.rooms().len(), one.exchanges.len());
        if pages > rooms || all - pages > rooms {
            return Err(format!("{all} requests are on their way at a time, {pages} for history"));
        }
        Ok(())
    }

    /// A request reaches the server.
    pub(crate) fn requested(&mut self, exchange: ExchangeId) -> Result<(), String> {
        let Backend::Appsync(appsync) = &mut self.backend else { return Ok(()) };
        let Some(one) = self.network.exchanges.get(exchange) else { return Ok(()) };
        // A request that is aborted on its way may arrive all the same.
        let Some(of) = self.devices.get(one.device) else { return Ok(()) };
        appsync.requested(&mut self.ground, exchange, of.person, &one.headers, &one.body)
    }

    /// A client learns what became of its request.
    pub(crate) fn answered(
        &mut self,
        exchange: ExchangeId,
        result: Result<(HttpAnswer, Told), HttpFailure>,
    ) -> Result<(), String> {
        let Some(one) = self.network.exchanges.get_mut(exchange) else { return Ok(()) };
        let (device, request, is_cancelled) = (one.device, one.request, one.is_cancelled);
        if std::mem::replace(&mut one.is_over, true) {
            return Ok(());
        }
        if is_cancelled {
            self.ground.statistics.count(Counted::LateReports);
        } else if let Some(one) = self.devices.get_mut(device) {
            one.exchanges.remove(&request);
        }
        match result {
            Ok((answer, told)) => {
                if let (Told::Sent(heard), false) = (told, is_cancelled) {
                    self.is_told(device, &heard);
                }
                self.input(device, Input::Answered { request, answer })
            }
            Err(failure) => self.input(device, Input::RequestFailed { request, failure }),
        }
    }

    /// A client says something on its connection.
    pub(crate) fn says(
        &mut self,
        device: usize,
        socket: SocketId,
        text: &str,
    ) -> Result<(), String> {
        let (now, dialect) = (self.ground.schedule.now(), self.dialect());
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(socket) = self.network.sockets.get_mut(socket) else { return Ok(()) };
        if socket.at_client != End::Open {
            return Err("a frame is sent on a connection that is not open".into());
        }
        let frame = serde_json::from_str::<Value>(text).map_err(|_| "a frame is no JSON")?;
        let spoken = socket.conversation.says(&frame, now)?;
        let may_bear = spoken == Spoken::Publish && dialect == Dialect::EventsStamped;
        if text.contains(&one.guest_key) && !may_bear {
            return Err("the guest key is in a frame where it has no business".into());
        }
        match spoken {
            Spoken::Probe | Spoken::Start { is_renewal: true } => {
                self.ground.statistics.count(Counted::Renewals);
                self.interrupts_renewal();
            }
            Spoken::Publish => {
                if let Some((room, text)) = send_of(dialect, text)? {
                    let has_id = dialect.is_idempotent();
                    self.sends(device, &Sending { room, text, has_id })?;
                }
            }
            Spoken::Start { is_renewal: false } | Spoken::Other => {}
        }
        Ok(())
    }

    /// While one subscription takes the place of another is a bad time to write.
    pub(crate) fn interrupts_renewal(&mut self) {
        if self.strangers_are_silent {
            return;
        }
        for room in 0..self.dialect().rooms().len() {
            let pause = self.ground.chance.between(0, 2 * self.ground.faults.latency + 500);
            let messages = self.ground.chance.between(0, 2);
            self.ground
                .schedule
                .after(pause, Happening::Befalls(What::StrangerWrites { room, messages }));
        }
    }

    /// A frame arrives, and is checked for what must follow from it.
    pub(crate) fn delivers_said(
        &mut self,
        socket: SocketId,
        meaning: Meaning,
        received: Input,
    ) -> Result<(), String> {
        let (now, dialect) = (self.ground.schedule.now(), self.dialect());
        let Some(device) = self.network.sockets.get(socket).map(|one| one.device) else {
            return Ok(());
        };
        let Some(person) = self.devices.get(device).map(|one| one.person) else { return Ok(()) };
        let Meaning::Said(said) = meaning else { return self.input(device, received) };
        let others = self.network.live_of(device, None);
        let others = others.into_iter().filter(|other| *other != socket).collect::<Vec<_>>();
        if matches!(said, Said::Data { .. }) {
            self.network.loads(device, None);
        }
        let is_joined_beside = |network: &Network, room: &str| {
            let others = others.iter().filter_map(|other| network.sockets.get(*other));
            others.into_iter().any(|other| other.conversation.may_be_joined(room))
        };
        let joined_beside = match &said {
            Said::Started { id } | Said::Missed { id } => {
                let one = self.network.sockets.get(socket);
                let room = one.and_then(|one| one.conversation.room_of(id));
                room.is_some_and(|room| is_joined_beside(&self.network, room))
            }
            _ => false,
        };
        let Some(one) = self.network.sockets.get_mut(socket) else { return Ok(()) };
        one.is_welcomed |= said == Said::Ready;
        one.heard_at = now;
        let joined = one.conversation.hears(&said, now);
        let (mut interrupted, mut echo) = (None, None);
        match &said {
            Said::Data { id, heard } => {
                let must_show = one.conversation.must_show(id);
                self.is_heard(device, heard, must_show)?;
                echo = Some(heard).filter(|one| must_show && one.device == Some(person));
            }
            Said::Published { heard, .. } => self.is_told(device, heard),
            Said::Missed { id } if !joined_beside => {
                interrupted = one.conversation.room_of_live(id).map(str::to_owned);
            }
            _ => {}
        }
        let Some(owner) = self.devices.get_mut(device) else { return Ok(()) };
        if let Some(room) = joined {
            let id = RoomId::parse(&room).map_err(|error| error.to_string())?;
            let ledger = owner.ledger.rooms.entry(id.clone()).or_default();
            let was_joined = std::mem::replace(&mut ledger.was_joined, true);
            if was_joined && !joined_beside {
                self.ground.statistics.count(Counted::Interruptions);
                if others.is_empty() {
                    interrupted = Some(room);
                } else if !dialect.has_history() {
                    let screen = owner.screens.get(&id);
                    let is_told = screen.and_then(Screen::last_confirmed);
                    // Nothing has come since the row of an interruption before: it stands where this one does.
                    if is_told != Some(&RowContent::Interruption) {
                        let rows = screen.map_or(0, Screen::interruptions);
                        ledger.owes_interruption.get_or_insert(rows);
                    }
                }
            }
        }
        self.input(device, received)?;
        let Some(owner) = self.devices.get(device) else { return Ok(()) };
        if let Some(heard) = echo {
            invariants::check_echo(owner, heard, self.dialect())?;
        }
        match interrupted {
            Some(room) if !self.dialect().has_history() => {
                let id = RoomId::parse(&room).map_err(|error| error.to_string())?;
                invariants::check_interruption(owner, &id)
            }
            _ => Ok(()),
        }
    }

    /// A connection that says nothing for so long is asked whether it lives, and given up if it does not.
    pub(crate) fn check_silence(&self, device: usize) -> Result<(), String> {
        let now = self.ground.schedule.now();
        let Some(owner) = self.devices.get(device) else { return Ok(()) };
        // A page that takes its time keeps the question from being asked.
        if owner.page.is_some() {
            return Ok(());
        }
        let mine = self.network.sockets.iter().filter(|one| one.device == device);
        let silent = mine.filter(|one| one.at_client == End::Open).find(|one| {
            let last = one.heard_at.max(owner.awake_since);
            one.conversation.is_in_some_room() && last + LONGEST_SILENCE < now
        });
        match silent {
            Some(one) => {
                Err(format!("nobody has asked since {} whether anybody is there", one.heard_at))
            }
            None => Ok(()),
        }
    }

    /// A message has reached a client by a subscription.
    fn is_heard(&mut self, device: usize, heard: &Heard, must_show: bool) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let id = RoomId::parse(&heard.room).map_err(|error| error.to_string())?;
        let before = one.ledger.rooms.entry(id).or_default().hears(heard, must_show, true);
        if heard.device == Some(one.person) && before.by_answer && !before.by_echo {
            self.ground.statistics.count(Counted::AnswersFirst);
        }
        Ok(())
    }

    /// A client has been told that its message was sent.
    fn is_told(&mut self, device: usize, heard: &Heard) {
        let is_basic = self.dialect() == Dialect::GraphqlBasic;
        let Some(one) = self.devices.get_mut(device) else { return };
        let Ok(id) = RoomId::parse(&heard.room) else { return };
        let room = one.ledger.rooms.entry(id).or_default();
        *room.confirmed.entry(heard.text.clone()).or_default() += 1;
        // Only in the basic schema does the answer itself show the message.
        let before = room.hears(heard, is_basic, false);
        if before.by_echo && !before.by_answer {
            self.ground.statistics.count(Counted::EchoesFirst);
        }
    }
}

/// Whether a guest's key is ever sent.
fn shows_key(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Graphql | Dialect::EventsStamped)
}

/// Room and text of a request or frame that sends something.
fn send_of(dialect: Dialect, body: &str) -> Result<Option<(RoomId, String)>, String> {
    let body = serde_json::from_str::<Value>(body).map_err(|_| "a request is no JSON")?;
    let (room, text) = if dialect.is_events() {
        let channel = body["channel"].as_str().ok_or("a publish has no channel")?;
        let event = body["events"][0].as_str().ok_or("a publish has no event in a string")?;
        let event = serde_json::from_str::<Value>(event).map_err(|_| "an event is no JSON")?;
        (room_of_channel(channel)?, event["text"].as_str().unwrap_or_default().to_owned())
    } else {
        let text = |name: &str| body["variables"][name].as_str().unwrap_or_default().to_owned();
        if !body["query"].as_str().is_some_and(|query| query.starts_with("mutation")) {
            return Ok(None);
        }
        (text("roomId"), text("content"))
    };
    let room = RoomId::parse(&room).map_err(|error| error.to_string())?;
    Ok(Some((room, text)))
}
