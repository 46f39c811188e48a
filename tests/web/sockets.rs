//! Sockets that the test holds in its hands.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use roomlet::driver::{OnEvent, Socket, SocketEvent, Sockets};

/// All sockets that the widget has asked for.
#[derive(Clone, Default)]
pub struct HeldSockets(Rc<RefCell<Held>>);

#[derive(Default)]
struct Held {
    events: Vec<Rc<OnEvent>>,
    sent: Vec<String>,
    alive: Vec<Weak<()>>,
}

struct HeldSocket {
    held: HeldSockets,
    _alive: Rc<()>,
}

impl Sockets for HeldSockets {
    fn open(&self, _url: &str, _subprotocols: &[String], on_event: OnEvent) -> Box<dyn Socket> {
        let alive = Rc::new(());
        let mut held = self.0.borrow_mut();
        held.events.push(Rc::new(on_event));
        held.alive.push(Rc::downgrade(&alive));
        Box::new(HeldSocket { held: self.clone(), _alive: alive })
    }
}

impl Socket for HeldSocket {
    fn send(&self, text: String) {
        self.held.0.borrow_mut().sent.push(text);
    }
}

impl HeldSockets {
    /// How many sockets the widget has asked for.
    pub fn opened(&self) -> usize {
        self.0.borrow().events.len()
    }

    /// How many of them it still holds.
    pub fn alive(&self) -> usize {
        self.0.borrow().alive.iter().filter(|alive| alive.strong_count() > 0).count()
    }

    /// All frames that were sent, on any socket.
    pub fn sent(&self) -> Vec<String> {
        self.0.borrow().sent.clone()
    }

    /// The socket that was asked for last opens.
    pub fn open_last(&self) {
        self.tell(SocketEvent::Opened);
    }

    /// The page's policy blocks the socket that was asked for last.
    pub fn block_last(&self) {
        self.tell(SocketEvent::Blocked);
    }

    /// The network loses the socket that was asked for last.
    pub fn lose_last(&self) {
        self.tell(SocketEvent::Closed { code: 1006, reason: String::new() });
    }

    /// A frame arrives on the socket that was asked for last.
    pub fn receive(&self, text: &str) {
        self.tell(SocketEvent::Text(text.to_owned()));
    }

    fn tell(&self, event: SocketEvent) {
        let last = self.0.borrow().events.last().cloned();
        last.expect("the widget has asked for a socket")(event);
    }
}
