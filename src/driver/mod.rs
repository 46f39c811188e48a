//! The only I/O of the widget: it feeds a [`Client`] and does what the client says.

mod clock;
mod neighbours;
mod page;
mod socket;
mod storage;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use roomlet_client::config::Backend;
use roomlet_client::{
    Client, Close, Command, ConnectionId, DisplayName, Event, History, Input, Output, Person,
    RoomId, Row, RowId, Seed, Status, TextSize, Timestamp,
};

pub use clock::Clock;
use page::PageListeners;
pub use socket::{BrowserSockets, OnEvent, Socket, SocketEvent, Sockets};
pub use storage::{GuestKeys, random_bytes};

/// The longest time that a browser timer can wait, in milliseconds.
const MAX_TIMER: u64 = i32::MAX as u64;

type OnClientEvent = Box<dyn Fn(&Chat, Event)>;

/// A running chat. Clones are handles to the same one; it ends with [`close`](Self::close), or with the last
/// handle.
#[derive(Clone)]
pub struct Chat(Rc<Inner>);

struct Inner {
    client: RefCell<Client>,
    clock: Clock,
    sockets: Box<dyn Sockets>,
    open_sockets: RefCell<BTreeMap<ConnectionId, Box<dyn Socket>>>,
    alarm: RefCell<Option<Timeout>>,
    listeners: RefCell<Option<PageListeners>>,
    screen: OnClientEvent,
    events: RefCell<VecDeque<Event>>,
    delivering: Cell<bool>,
    closed: Cell<bool>,
    /// Chats of one page with one backend tell each other what they find out about it.
    endpoint: String,
}

impl Chat {
    /// Starts a client of `backend`; `screen` is told each event, one after the other.
    pub fn start(
        backend: Backend,
        person: Person,
        seed: Seed,
        sockets: Box<dyn Sockets>,
        screen: impl Fn(&Self, Event) + 'static,
    ) -> Self {
        let endpoint = backend.service.address().to_owned();
        let chat = Self(Rc::new(Inner {
            client: RefCell::new(Client::new(backend, person, seed)),
            clock: Clock::default(),
            sockets,
            open_sockets: RefCell::default(),
            alarm: RefCell::default(),
            listeners: RefCell::default(),
            screen: Box::new(screen),
            events: RefCell::default(),
            delivering: Cell::new(false),
            closed: Cell::new(false),
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

    /// How long a text is on the wire.
    pub fn text_size(&self, room: &RoomId, text: &str) -> TextSize {
        self.0.client.borrow().text_size(room, text)
    }

    /// Changes the name that others see.
    pub fn set_name(&self, name: Option<&str>) {
        self.command(Command::SetName(name.and_then(DisplayName::parse)));
    }

    /// The client's own time, to compare with what its events say.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now().monotonic
    }

    /// Ends the sockets, timers and listeners. Nothing happens after.
    pub fn close(&self) {
        if self.0.closed.replace(true) {
            return;
        }
        neighbours::leave(&self.0.endpoint, &self.downgrade());
        self.0.open_sockets.take().into_values().for_each(drop);
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
                    let socket = self.0.sockets.open(&url, &subprotocols, Box::new(on_event));
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
                _ => {}
            }
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
