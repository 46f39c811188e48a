//! The only I/O of the widget: it feeds a [`Client`] and does what the client says.
//!
//! [`Ports`] are the ways out; tests bring their own.

mod clock;
mod database;
mod device_storage;
mod guards;
mod http;
mod neighbours;
mod page;
mod sign_in;
mod socket;
mod storage;
mod tabs;
mod violations;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use roomlet_client::config::Backend;
use roomlet_client::{
    Client, Close, Command, ConnectionId, DisplayName, Event, History, HttpAnswer, HttpFailure,
    HttpRequestId, Input, Output, Person, RoomId, Row, RowId, Seed, Status, TextSize, Timestamp,
};

pub use clock::Clock;
pub use device_storage::{BrowserStorage, DeviceStorage, OnStorageInput, OpenStorage};
use guards::Guards;
pub use http::{BrowserHttp, Http, OnOutcome, PendingRequest};
use page::PageListeners;
pub use sign_in::{NoSignIn, OnSignInAnswer, PageSignIn, SignIn};
pub use socket::{BrowserSockets, OnEvent, Socket, SocketEvent, Sockets};
pub use storage::{Keep, random_bytes};

/// The longest time that a browser timer can wait, in milliseconds.
const MAX_TIMER: u64 = i32::MAX as u64;

type OnClientEvent = Box<dyn Fn(&Chat, Event)>;

/// The ways out of a chat: to the network, to whoever signs people in, and to the device.
#[derive(Clone)]
pub struct Ports {
    /// Opens sockets.
    pub sockets: Rc<dyn Sockets>,
    /// Sends requests.
    pub http: Rc<dyn Http>,
    /// Knows who the person is.
    pub sign_in: Rc<dyn SignIn>,
    /// Keeps what is to outlive the page.
    pub storage: Rc<dyn DeviceStorage>,
}

impl Ports {
    /// The browser's own.
    pub fn of_browser(sign_in: impl SignIn + 'static) -> Self {
        Self {
            sockets: Rc::new(BrowserSockets),
            http: Rc::new(BrowserHttp),
            sign_in: Rc::new(sign_in),
            storage: Rc::new(BrowserStorage),
        }
    }
}

/// A running chat. Clones are handles to the same one; it ends with [`close`](Self::close), or with the last
/// handle.
#[derive(Clone)]
pub struct Chat(Rc<Inner>);

struct Inner {
    client: RefCell<Client>,
    clock: Clock,
    ports: Ports,
    open_sockets: RefCell<Guards<ConnectionId, Box<dyn Socket>>>,
    requests: RefCell<Guards<HttpRequestId, PendingRequest>>,
    storage: RefCell<Option<Box<dyn OpenStorage>>>,
    alarm: RefCell<Option<Timeout>>,
    listeners: RefCell<Option<PageListeners>>,
    screen: OnClientEvent,
    events: RefCell<VecDeque<Event>>,
    delivering: Cell<bool>,
    closed: Cell<bool>,
    backend: Backend,
    keep: Keep,
    /// Chats of one page with one backend tell each other what they find out about it.
    endpoint: String,
}

impl Chat {
    /// Starts a client of `backend` for a person who is remembered by `keep`; `screen` is told each event, one after
    /// the other.
    pub fn start(
        backend: Backend,
        (person, keep): (Person, Keep),
        seed: Seed,
        ports: Ports,
        screen: impl Fn(&Self, Event) + 'static,
    ) -> Self {
        let endpoint = backend.service.address().to_owned();
        let client = match keep {
            Keep::OnDevice { .. } => Client::with_storage(backend.clone(), person, seed),
            Keep::Nothing => Client::new(backend.clone(), person, seed),
        };
        let chat = Self(Rc::new(Inner {
            client: RefCell::new(client),
            clock: Clock::default(),
            ports,
            open_sockets: RefCell::default(),
            requests: RefCell::default(),
            storage: RefCell::default(),
            alarm: RefCell::default(),
            listeners: RefCell::default(),
            screen: Box::new(screen),
            events: RefCell::default(),
            delivering: Cell::new(false),
            closed: Cell::new(false),
            backend,
            keep,
            endpoint,
        }));
        let weak = chat.downgrade();
        if let Some(finding) = neighbours::join(&chat.0.endpoint, weak.clone()) {
            chat.feed(Input::Found(finding));
        }
        let listeners = PageListeners::new(move |input| weak.feed(input));
        for input in listeners.present_state() {
            chat.feed(input);
        }
        *chat.0.listeners.borrow_mut() = Some(listeners);
        chat
    }

    /// Hands a command to the client.
    pub fn command(&self, command: Command) {
        self.feed(Input::Command(command));
    }

    /// The rows of a room as they are now.
    pub fn rows(&self, room: &RoomId) -> Vec<Row> {
        self.0.client.borrow().rows(room).cloned().collect()
    }

    /// How the connection of a room stands and how far back the room can be read, if it is open.
    pub fn standing(&self, room: &RoomId) -> Option<(Status, History)> {
        let client = self.0.client.borrow();
        client.status(room).zip(client.history(room))
    }

    /// One row of a room.
    pub fn row(&self, room: &RoomId, row: RowId) -> Option<Row> {
        self.0.client.borrow().row(room, row).cloned()
    }

    /// What the person has written in a room and not sent yet.
    pub fn draft(&self, room: &RoomId) -> String {
        self.0.client.borrow().draft(room).to_owned()
    }

    /// How many messages of others in a room the person has not seen.
    pub fn unread(&self, room: &RoomId) -> usize {
        self.0.client.borrow().unread(room)
    }

    /// How long a text is on the wire.
    pub fn text_size(&self, room: &RoomId, text: &str) -> TextSize {
        self.0.client.borrow().text_size(room, text)
    }

    /// Changes the name that others see.
    pub fn set_name(&self, name: Option<&str>) {
        self.command(Command::SetName(name.and_then(DisplayName::parse)));
    }

    /// Ends the connections, and forgets this person here and on the device.
    pub fn sign_out(&self) {
        self.command(Command::SignOut);
        self.0.keep.forget(&self.0.backend);
    }

    /// The client's own time, to compare with what its events say.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now().monotonic
    }

    /// Ends the sockets, timers and listeners, and closes the storage. Nothing happens after.
    pub fn close(&self) {
        if self.0.closed.replace(true) {
            return;
        }
        neighbours::leave(&self.0.endpoint, &self.downgrade());
        drop(self.0.open_sockets.take());
        drop(self.0.requests.take());
        drop(self.0.storage.take());
        self.0.alarm.take();
        self.0.listeners.take();
    }

    fn feed(&self, input: Input) {
        if self.0.closed.get() {
            return;
        }
        {
            let mut client = self.0.client.borrow_mut();
            client.handle(self.0.clock.now(), input);
            let mut events = self.0.events.borrow_mut();
            while let Some(event) = client.poll_event() {
                events.push_back(event);
            }
        }
        self.perform();
        self.set_alarm();
        self.deliver();
    }

    fn perform(&self) {
        loop {
            let Some(output) = self.0.client.borrow_mut().poll_output() else { return };
            match output {
                Output::OpenSocket { connection, url, subprotocols } => {
                    let weak = self.downgrade();
                    let on_event = move |event| weak.socket_event(connection, event);
                    let socket = self.0.ports.sockets.open(&url, &subprotocols, Box::new(on_event));
                    self.0.open_sockets.borrow_mut().insert(connection, socket);
                }
                Output::SendText { connection, text } => {
                    if let Some(socket) = self.0.open_sockets.borrow().get(&connection) {
                        socket.send(text);
                    }
                }
                Output::CloseSocket { connection } => {
                    drop(self.0.open_sockets.borrow_mut().remove(&connection));
                }
                Output::AskForCredentials { question, reason } => {
                    let weak = self.downgrade();
                    let on_answer = move |answer| weak.feed(Input::SignedIn { question, answer });
                    self.0.ports.sign_in.ask(&self.0.backend.name, reason, Box::new(on_answer));
                }
                Output::SendRequest { request, url, headers, body } => {
                    let weak = self.downgrade();
                    let on_outcome = move |outcome| weak.request_outcome(request, outcome);
                    let pending =
                        self.0.ports.http.post(&url, &headers, body, Box::new(on_outcome));
                    self.0.requests.borrow_mut().insert(request, pending);
                }
                Output::CancelRequest { request } => {
                    drop(self.0.requests.borrow_mut().remove(&request));
                }
                Output::OpenStorage { request, whose, tab } => {
                    let weak = self.downgrade();
                    let on_input = Box::new(move |input| weak.feed(input));
                    let storage = self.0.ports.storage.open(request, whose, tab, on_input);
                    drop(self.0.storage.replace(Some(storage)));
                }
                Output::WriteStorage { request, changes } => {
                    self.with_storage(|storage| storage.write(request, changes));
                }
                Output::AdoptUnsent { request, from } => {
                    self.with_storage(|storage| storage.adopt(request, from));
                }
                Output::WatchTab { tab } => self.with_storage(|storage| storage.watch(tab)),
                Output::TellTabs { news } => self.with_storage(|storage| storage.tell(&news)),
                Output::CloseStorage { clear } => {
                    let storage = self.0.storage.take();
                    if let Some(storage) = storage.filter(|_| clear) {
                        storage.clear();
                    }
                }
                _ => debug_assert!(false, "the client wants something that the driver cannot do"),
            }
        }
    }

    fn with_storage(&self, ask: impl FnOnce(&dyn OpenStorage)) {
        if let Some(storage) = self.0.storage.borrow().as_deref() {
            ask(storage);
        }
    }

    fn set_alarm(&self) {
        let deadline = self.0.client.borrow().poll_timeout();
        let alarm = deadline.map(|deadline| {
            let wait = deadline.at.0.saturating_sub(self.now().0).min(MAX_TIMER);
            let weak = self.downgrade();
            let ring = move || weak.feed(Input::TimeDue);
            Timeout::new(u32::try_from(wait).unwrap_or(u32::MAX), ring)
        });
        drop(self.0.alarm.replace(alarm));
    }

    /// Tells the screen. A screen that answers with a command is told the consequences in turn.
    fn deliver(&self) {
        if self.0.delivering.replace(true) {
            return;
        }
        loop {
            let Some(event) = self.0.events.borrow_mut().pop_front() else { break };
            match event {
                Event::Found(finding) => {
                    neighbours::tell(&self.0.endpoint, &self.downgrade(), finding);
                }
                Event::KnownAs(id) => self.0.keep.set_known_as(&self.0.backend, &id),
                event => (self.0.screen)(self, event),
            }
        }
        self.0.delivering.set(false);
    }

    fn downgrade(&self) -> WeakChat {
        WeakChat(Rc::downgrade(&self.0))
    }
}

/// What callbacks hold: it does not keep the chat alive.
#[derive(Clone)]
struct WeakChat(Weak<Inner>);

impl WeakChat {
    fn feed(&self, input: Input) {
        if let Some(inner) = self.0.upgrade() {
            Chat(inner).feed(input);
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }

    fn request_outcome(&self, request: HttpRequestId, outcome: Result<HttpAnswer, HttpFailure>) {
        let Some(inner) = self.0.upgrade() else { return };
        let chat = Chat(inner);
        drop(chat.0.requests.borrow_mut().remove(&request));
        chat.feed(match outcome {
            Ok(answer) => Input::Answered { request, answer },
            Err(failure) => Input::RequestFailed { request, failure },
        });
    }

    fn socket_event(&self, connection: ConnectionId, event: SocketEvent) {
        let Some(inner) = self.0.upgrade() else { return };
        let chat = Chat(inner);
        let forget = || drop(chat.0.open_sockets.borrow_mut().remove(&connection));
        chat.feed(match event {
            SocketEvent::Opened => Input::SocketOpened { connection },
            SocketEvent::Text(text) => Input::Received { connection, text },
            SocketEvent::Closed { code, reason } => {
                forget();
                Input::SocketClosed { connection, close: Close { code, reason } }
            }
            SocketEvent::Blocked => {
                forget();
                Input::SocketBlocked { connection }
            }
        });
    }
}
