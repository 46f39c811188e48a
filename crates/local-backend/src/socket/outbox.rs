//! What waits to be sent to one connection, and how the connection is told to end.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES};
use crate::faults::Fate;

/// How a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a close frame.
    Close { code: u16, reason: String },
    /// Without one, like a lost network that both sides notice.
    Cut,
    /// Not at all, as far as the client can see: nothing goes in or out any more.
    Silence,
}

/// A frame that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) text: Utf8Bytes,
    pub(super) due: Instant,
    pub(super) after_the_next: bool,
    /// The connection ends behind it.
    pub(super) ending: Option<Ending>,
    /// Not sent; it is here because the connection ends behind it.
    pub(super) lost: bool,
}

/// The sending end. Nobody ever waits for a connection: one that does not read is cut.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames: mpsc::Sender<Waiting>,
    queued_bytes: AtomicUsize,
    ending: watch::Sender<Option<Ending>>,
}

/// The receiving end, in the connection's task.
#[derive(Debug)]
pub(crate) struct OutboxReceiver {
    pub(super) frames: mpsc::Receiver<Waiting>,
    pub(super) ending: watch::Receiver<Option<Ending>>,
}

impl Outbox {
    pub(crate) fn new() -> (Self, OutboxReceiver) {
        let (frames, receiver) = mpsc::channel(MAX_QUEUED_FRAMES);
        let ending = watch::Sender::new(None);
        let receiver = OutboxReceiver { frames: receiver, ending: ending.subscribe() };
        (Self { frames, queued_bytes: AtomicUsize::new(0), ending }, receiver)
    }

    /// Queues a frame with the fate that the fault switches have for it.
    pub(crate) fn queue(&self, text: String, fate: Fate) {
        if self.ending.borrow().is_some() || (fate.lost && !fate.cut) {
            return;
        }
        let text = Utf8Bytes::from(text);
        let due = Instant::now() + fate.delay;
        let cut = fate.cut.then_some(Ending::Cut);
        let first = Waiting {
            text: text.clone(),
            due,
            after_the_next: fate.after_the_next,
            ending: if fate.twice { None } else { cut.clone() },
            lost: fate.lost,
        };
        self.queue_one(first);
        if fate.twice {
            let second = Waiting { text, due, after_the_next: false, ending: cut, lost: false };
            self.queue_one(second);
        }
    }

    /// Queues the last frame of a connection, which is closed behind it.
    pub(crate) fn queue_last(&self, text: String, fate: Fate, code: u16) {
        let ending = Ending::Close { code, reason: String::new() };
        let due = Instant::now() + fate.delay;
        let text = Utf8Bytes::from(text);
        let ending = Some(if fate.cut { Ending::Cut } else { ending });
        self.queue_one(Waiting { text, due, after_the_next: false, ending, lost: fate.lost });
    }

    /// Tells the connection to end; the first word counts, except that a silent one can still be cut.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|current| {
            let decided = match current {
                None => true,
                Some(Ending::Silence) => ending != Ending::Silence,
                Some(Ending::Close { .. } | Ending::Cut) => false,
            };
            if decided {
                *current = Some(ending);
            }
            decided
        });
    }

    /// A frame of this many bytes has been written.
    pub(super) fn written(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn queue_one(&self, frame: Waiting) {
        let bytes = frame.text.len();
        let queued = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if queued > MAX_QUEUED_BYTES || self.frames.try_send(frame).is_err() {
            self.end(Ending::Close {
                code: 1008,
                reason: "This connection does not read what it is sent".to_owned(),
            });
        }
    }
}
