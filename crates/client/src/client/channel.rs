//! One way to the backend: the link, the session, and the credentials for both. On API Gateway each room has one of
//! its own, on AppSync all rooms share one.

mod rotation;
mod twins;

use std::collections::VecDeque;
use std::time::Duration;

use super::io::{AskReason, Network, Output, Refusal};
use super::keyring::{Keyring, Keys};
use crate::backend::api_gateway::Discovery;
use crate::backend::{Http, Posting, Role, Session, SessionEvent, TurnedAway};
use crate::chat::ids::{ConnectionId, QuestionId, RoomId};
use crate::chat::person::Person;
use crate::config::{Backend, SignIn};
use crate::link::{Action, Heartbeat, Link, LinkStatus};
use crate::random::Random;
use crate::time::{Now, Timestamp, WallClock};
use crate::timer::Deadline;
use rotation::Rotation;

/// A browser does not say why a connection could not be opened. After so many in a row with credentials, they are
/// renewed; after twice as many, where none ever opened, they are taken for the reason.
const REFUSALS_BEFORE_RENEWAL: u32 = 2;
/// After so long without a connection other ways are tried, where there are any.
const WITHOUT_CONNECTION_AFTER: Duration = Duration::from_secs(3);
/// The server is closing connections for too many requests.
const CLOSE_POLICY: u16 = 1008;
/// A connection is given up for another one at once, but a second time only after so long.
const ANEW_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Names a channel of a client; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChannelId(pub(super) u32);

/// What all channels of a client use.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) backend: Backend,
    pub(super) person: Person,
    pub(super) discovery: Discovery,
    pub(super) random: Random,
    pub(super) network: Network,
    pub(super) outputs: VecDeque<Output>,
    connections: u32,
    questions: u32,
}

impl Shared {
    pub(super) fn new(backend: Backend, person: Person, random: Random) -> Self {
        Self {
            discovery: Discovery::new(backend.service.dialect().unwrap_or_default()),
            backend,
            person,
            random,
            network: Network::Online,
            outputs: VecDeque::new(),
            connections: 0,
            questions: 0,
        }
    }

    fn is_online(&self) -> bool {
        self.network == Network::Online
    }
}

/// There is no connection.
#[derive(Debug, Clone, Copy)]
struct Down {
    since: Timestamp,
    is_long: bool,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: ChannelId,
    /// The room it was opened for; on API Gateway its only one.
    pub(super) room: RoomId,
    pub(super) link: Link,
    pub(super) session: Session,
    pub(super) keyring: Keyring,
    /// Why the link stays away.
    pub(super) refusal: Option<Refusal>,
    /// An attempt waits for credentials.
    opening: bool,
    refused_attempts: u32,
    has_opened: bool,
    /// The refusal is a guess: nothing but attempts that failed speaks for it.
    is_guess: bool,
    /// When it was last connected anew at once.
    anew: Option<Timestamp>,
    down: Option<Down>,
    /// Until when the credentials of the last attempt are good, by the device's clock.
    expires_at: Option<WallClock>,
    rotation: Rotation,
    /// Connections of no more use that are to be closed.
    closing: Vec<ConnectionId>,
    /// What sessions that have ended had still to say, and what changed with them.
    last_words: VecDeque<(Role, SessionEvent)>,
}

impl Channel {
    pub(super) fn new(id: ChannelId, room: RoomId, shared: &mut Shared, visible: bool) -> Self {
        let backend = &shared.backend;
        let mut link = Link::new(Heartbeat::of(&backend.service), visible);
        link.connect();
        Self {
            id,
            room,
            link,
            session: Session::new(backend, &shared.person, shared.random.fork()),
            keyring: Keyring::new(backend.sign_in.clone()),
            refusal: None,
            opening: false,
            refused_attempts: 0,
            has_opened: false,
            is_guess: false,
            anew: None,
            down: None,
            expires_at: None,
            rotation: Rotation::default(),
            closing: Vec::new(),
            last_words: VecDeque::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.link.status() == LinkStatus::Open
    }

    pub(super) fn opened(
        &mut self,
        role: Role,
        now: Now,
        connection: ConnectionId,
        shared: &mut Shared,
    ) {
        if !shared.backend.service.shares_connection() {
            self.keyring.accepted();
        }
        if role == Role::Beside {
            return self.opened_beside(now, connection, shared);
        }
        self.link.opened(now.monotonic);
        (self.refused_attempts, self.has_opened) = (0, true);
        self.rotation.opened(now, Self::life(shared), self.expires_at);
        let (person, discovery) = (&shared.person, &mut shared.discovery);
        self.session.opened(role, now.monotonic, connection, &self.room, person, discovery);
    }

    pub(super) fn received(
        &mut self,
        role: Role,
        now: Timestamp,
        text: &str,
        discovery: &mut Discovery,
    ) {
        match role {
            Role::Present => self.link.received(now),
            Role::Beside => self.received_beside(now),
        }
        self.session.received(role, now, text, discovery);
    }

    pub(super) fn blocked(&mut self, role: Role, now: Now, shared: &mut Shared) {
        match role {
            Role::Present => self.refuse(Refusal::BlockedByPage, &mut shared.discovery),
            Role::Beside => self.blocked_beside(now, shared),
        }
    }

    pub(super) fn lost(&mut self, role: Role, now: Now, code: u16, shared: &mut Shared) {
        if role == Role::Beside {
            return self.lost_beside(now, code, shared);
        }
        let now = now.monotonic;
        let was_open = self.is_open();
        self.end_session(Role::Present, &mut shared.discovery);
        self.link.lost(now, code, &mut shared.random);
        let may_be_refused =
            !shared.backend.service.shares_connection() && self.keyring.sign_in().asks_the_page();
        if !was_open && shared.is_online() && may_be_refused {
            self.refused_attempts += 1;
            if self.refused_attempts == REFUSALS_BEFORE_RENEWAL {
                self.keyring.renew();
            } else if self.refused_attempts >= 2 * REFUSALS_BEFORE_RENEWAL && !self.has_opened {
                self.refuse(Refusal::Unauthorized, &mut shared.discovery);
                self.is_guess = true;
            }
        }
    }

    /// The network has come back, or the page has come into view.
    pub(super) fn hint(&mut self, now: Timestamp) {
        if self.is_guess {
            self.connect();
        }
        self.link.hint(now);
        self.rotation.hint(now);
    }

    pub(super) fn set_visible(&mut self, now: Timestamp, is_visible: bool) {
        self.link.set_visible(now, is_visible);
        self.rotation.set_visible(now, is_visible);
    }

    /// The device has slept, and `slept` of it the monotonic clock has not seen.
    pub(super) fn woke(&mut self, now: Timestamp, slept: Duration, discovery: &mut Discovery) {
        if self.link.is_dead_after(now, slept) {
            self.reconnect(discovery);
        } else {
            self.link.probe();
        }
    }

    /// Gives the connection up for another one, since a backend hears some things once for a connection.
    pub(super) fn reconnect(&mut self, discovery: &mut Discovery) {
        self.drop_beside(discovery);
        self.link.reconnect();
    }

    /// The connection is of no more use; nothing more is handed to it.
    pub(super) fn give_up(&mut self, now: Timestamp, shared: &mut Shared) {
        self.end_session(Role::Present, &mut shared.discovery);
        self.link.give_up(now, &mut shared.random);
    }

    /// The backend wants nothing to do with the connection.
    pub(super) fn turned_away(&mut self, now: Now, why: TurnedAway, shared: &mut Shared) {
        if self.rotation.is_on_its_way() {
            // The next one has other credentials, and takes its place.
            return self.give_up(now.monotonic, shared);
        }
        let (may_try, refusal) = match why {
            TurnedAway::Credentials => {
                let refusal = self.without_credentials();
                (self.keyring.refuse(), refusal)
            }
            TurnedAway::Signature { server } => {
                (self.keyring.refuse_signature(now.wall, server), Refusal::Misconfigured)
            }
            TurnedAway::Misconfigured => (false, Refusal::Misconfigured),
            TurnedAway::Throttled => {
                self.end_session(Role::Present, &mut shared.discovery);
                return self.link.give_up_with(now.monotonic, CLOSE_POLICY, &mut shared.random);
            }
        };
        if may_try {
            self.connect_anew(now.monotonic, shared);
        } else {
            self.refuse(refusal, &mut shared.discovery);
        }
    }

    /// Gives the connection up for another one: at once, but not again and again.
    pub(super) fn connect_anew(&mut self, now: Timestamp, shared: &mut Shared) {
        if self.refusal.is_some() {
            return;
        }
        self.drop_beside(&mut shared.discovery);
        self.end_session(Role::Present, &mut shared.discovery);
        if self.link.connection().is_none() {
            return self.link.connect();
        }
        let before = self.anew.replace(now);
        match before.map(|before| before + ANEW_AGAIN_AFTER).filter(|again| now < *again) {
            Some(again) => self.link.reconnect_at(again),
            None => self.link.reconnect(),
        }
    }

    /// What it means that the credentials are not good. Where the page is not asked for any, nobody can sign in again:
    /// the key that is built in is wrong, or has expired.
    pub(super) fn without_credentials(&self) -> Refusal {
        if self.keyring.sign_in().asks_the_page() {
            Refusal::Unauthorized
        } else {
            Refusal::Misconfigured
        }
    }

    /// Stays away until somebody asks.
    pub(super) fn refuse(&mut self, refusal: Refusal, discovery: &mut Discovery) {
        self.drop_beside(discovery);
        self.end_session(Role::Present, discovery);
        self.session.give_up_waiting();
        self.refusal = Some(refusal);
        (self.opening, self.is_guess) = (false, false);
        self.refused_attempts = 0;
        self.link.refuse();
    }

    /// Somebody asks.
    pub(super) fn connect(&mut self) {
        (self.refusal, self.is_guess) = (None, false);
        self.keyring.hurry();
        self.link.connect();
    }

    /// What the person before had is forgotten, and so is what was on its way for them.
    pub(super) fn forget_person(&mut self, discovery: &mut Discovery) {
        self.drop_beside(discovery);
        self.end_session(Role::Present, discovery);
        self.session.forget();
        self.last_words.clear();
    }

    pub(super) fn handle_time(&mut self, now: Timestamp, shared: &mut Shared) {
        self.session.handle_time(now, &mut shared.discovery);
        self.keyring.handle_time(now);
        self.link.handle_time(now, &mut shared.random);
        self.rotation.handle_time(now, &mut shared.random);
    }

    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let without = self.down.filter(|down| !down.is_long).map(|down| Deadline {
            at: down.since + WITHOUT_CONNECTION_AFTER,
            reason: "there has been no connection for a while",
        });
        let keyring = self.keyring.next_deadline();
        let rotation = self.rotation.next_deadline(self.is_open());
        let own = [self.link.next_deadline(), self.session.next_deadline(), keyring];
        Deadline::earliest(own.into_iter().chain([without, rotation]))
    }

    /// Does what the link and the session want done.
    pub(super) fn run(&mut self, now: Now, shared: &mut Shared) {
        self.run_link(now.monotonic, shared);
        self.rotate(now, shared);
        if self.opening || self.rotation.waits() {
            match self.keyring.for_connection() {
                Keys::Ready if self.opening => self.open(now, shared),
                Keys::Ready => self.open_successor(now, shared),
                Keys::Ask(reason) => self.ask(now.monotonic, reason, shared),
                Keys::Awaited => {}
            }
        }
        if self.session.wants_keys() {
            match self.keyring.for_operation(now.wall) {
                Keys::Ready => match self.keyring.signer(shared.backend.service.host(), now.wall) {
                    Ok(signer) => self.session.proceed(now, &signer),
                    Err(_) => self.refuse(Refusal::Misconfigured, &mut shared.discovery),
                },
                Keys::Ask(reason) => self.ask(now.monotonic, reason, shared),
                Keys::Awaited => {}
            }
        }
        self.keyring.used();
        self.watch(now.monotonic, shared);
        let closing = self.closing.drain(..);
        shared.outputs.extend(closing.map(|connection| Output::CloseSocket { connection }));
    }

    fn run_link(&mut self, now: Timestamp, shared: &mut Shared) {
        while let Some(action) = self.link.poll_action() {
            match action {
                Action::Open => self.opening = true,
                Action::Abandon(connection) => {
                    self.end_session(Role::Present, &mut shared.discovery);
                    shared.outputs.push_back(Output::CloseSocket { connection });
                }
                Action::Ping => {
                    if self.session.ping(Role::Present, &shared.discovery) {
                        self.link.ping_sent(now);
                    }
                }
            }
        }
    }

    fn open(&mut self, now: Now, shared: &mut Shared) {
        self.opening = false;
        let Some((connection, output)) = self.opening_output(now, shared) else {
            return self.refuse(Refusal::Misconfigured, &mut shared.discovery);
        };
        self.expires_at = self.keyring.expires_at();
        self.link.attempt(now.monotonic, connection);
        shared.outputs.push_back(output);
    }

    /// What opens another connection, with the credentials that are there; `None` if they cannot be used.
    fn opening_output(&self, now: Now, shared: &mut Shared) -> Option<(ConnectionId, Output)> {
        let backend = &shared.backend;
        let signer = self.keyring.signer(backend.service.host(), now.wall).ok()?;
        let opening = Session::opening(backend, &self.room, &signer);
        shared.connections += 1;
        let connection = ConnectionId(shared.connections);
        let (url, subprotocols) = (opening.url, opening.subprotocols);
        Some((connection, Output::OpenSocket { connection, url, subprotocols }))
    }

    fn ask(&mut self, now: Timestamp, reason: AskReason, shared: &mut Shared) {
        shared.questions += 1;
        let question = QuestionId(shared.questions);
        self.keyring.asked(now, question);
        shared.outputs.push_back(Output::AskForCredentials { question, reason });
    }

    /// Tells the session for how long there has been no connection.
    fn watch(&mut self, now: Timestamp, shared: &Shared) {
        if self.is_open() || !shared.backend.service.shares_connection() {
            self.down = None;
            return self.session.set_without_connection(now, false);
        }
        let down = self.down.get_or_insert(Down { since: now, is_long: false });
        down.is_long = now >= down.since + WITHOUT_CONNECTION_AFTER;
        // Whose storage a message belongs in must be known before it is on its way.
        let may_send = self.refusal.is_none() && self.keyring.knows_somebody();
        let without = down.is_long && shared.is_online() && may_send;
        self.session.set_without_connection(now, without);
    }

    pub(super) fn poll_event(&mut self) -> Option<(Role, SessionEvent)> {
        let session = &mut self.session;
        let mut say = |role| session.poll_event(role).map(|event| (role, event));
        let last = self.last_words.pop_front();
        last.or_else(|| say(Role::Present)).or_else(|| say(Role::Beside))
    }

    /// Hands the frames and requests of the session to the driver.
    pub(super) fn flush(&mut self, outputs: &mut VecDeque<Output>) {
        let beside = self.rotation.connection();
        for (role, connection) in [(Role::Present, self.link.connection()), (Role::Beside, beside)]
        {
            while let Some(connection) = connection
                && let Some(text) = self.session.poll_frame(role)
            {
                outputs.push_back(Output::SendText { connection, text });
            }
        }
        while let Some(http) = self.session.poll_http() {
            outputs.push_back(match http {
                Http::Post(Posting { request, url, headers, body }) => {
                    Output::SendRequest { request, url, headers, body }
                }
                Http::Cancel(request) => Output::CancelRequest { request },
            });
        }
    }

    fn end_session(&mut self, role: Role, discovery: &mut Discovery) {
        let last_words = self.session.closed(role, discovery);
        self.last_words.extend(last_words.into_iter().map(|event| (role, event)));
    }

    /// Whether the token itself says who the person is.
    pub(super) fn knows_subject(&self) -> bool {
        use crate::config::TokenKind;
        matches!(
            self.keyring.sign_in(),
            SignIn::Token { token: TokenKind::Cognito | TokenKind::Oidc }
        )
    }
}
