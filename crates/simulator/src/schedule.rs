//! Virtual time: what will happen, ordered by (time, sequence).

use std::collections::BTreeMap;

use roomlet_client::{
    HttpAnswer, HttpFailure, QuestionId, StorageRequestId, TabId, WallClock, Whose,
};

use crate::backend::Work;
use crate::exchange::{ExchangeId, Told};
use crate::network::{Frame, SocketId};
use crate::plan::What;

/// Something that happens at its time.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A handshake reaches the server.
    Connects(SocketId),
    /// The client learns that its socket is open.
    Opens(SocketId),
    ToServer {
        socket: SocketId,
        text: String,
    },
    /// The backend has put a frame on the wire.
    Posts {
        socket: SocketId,
        frame: Frame,
    },
    ToClient {
        socket: SocketId,
        frame: Frame,
    },
    /// The client learns that its socket has closed.
    ClientSees {
        socket: SocketId,
        code: u16,
    },
    /// The server learns that a socket has closed.
    ServerSees(SocketId),
    TimeDue {
        device: usize,
        generation: u64,
    },
    /// Something from outside.
    Befalls(What),
    Works(Work),
    /// A request reaches the server.
    Requested(ExchangeId),
    /// The server has answered a request.
    Answers {
        exchange: ExchangeId,
        answer: HttpAnswer,
        told: Told,
    },
    /// The client learns what became of its request.
    Answered {
        exchange: ExchangeId,
        result: Result<(HttpAnswer, Told), HttpFailure>,
    },
    /// The page says who is signed in.
    PageAnswers {
        device: usize,
        question: QuestionId,
    },
    /// The server closes a connection, after what it has said so far.
    Hangs {
        socket: SocketId,
        code: u16,
    },
    /// The server says that it is still there.
    KeepsAlive(SocketId),
    Wakes(usize),
    /// A person's device goes on.
    Resumes(usize),
    /// The disk of a device has done what one of its pages has asked for.
    Stores {
        device: usize,
        life: u32,
        request: StorageRequestId,
    },
    /// A page that another one watches lives no more.
    TabGone {
        device: usize,
        life: u32,
        tab: TabId,
    },
    /// Without locks: a page says that it lives, and does so again later.
    Beats {
        device: usize,
        life: u32,
        whose: Whose,
    },
    /// The disk knows that a page lived then, and says who else does.
    Beaten {
        device: usize,
        life: u32,
        whose: Whose,
        at: WallClock,
    },
    /// A page hears another one of its browser.
    HearsTab {
        device: usize,
        life: u32,
        news: String,
    },
}

/// The queue of a run.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    now: u64,
    next: u64,
    queue: BTreeMap<(u64, u64), Happening>,
}

impl Schedule {
    /// Milliseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn after(&mut self, pause: u64, happening: Happening) {
        self.at(self.now + pause, happening);
    }

    pub(crate) fn at(&mut self, time: u64, happening: Happening) {
        self.queue.insert((time.max(self.now), self.next), happening);
        self.next += 1;
    }

    /// The next happening before `end`; without one, it is `end`.
    pub(crate) fn pop_before(&mut self, end: u64) -> Option<Happening> {
        match self.queue.first_entry() {
            Some(first) if first.key().0 < end => {
                self.now = first.key().0;
                Some(first.remove())
            }
            Some(_) | None => {
                self.now = end;
                None
            }
        }
    }
}
