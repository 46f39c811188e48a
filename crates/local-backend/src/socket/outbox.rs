//! What waits to be sent to one connection, and how the connection is told to end.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::MAX_QUEUED_FRAMES;
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
    max_backlog: usize,
    ending: watch::Sender<Option<Ending>>,
}

/// The receiving end, in the connection's task.
#[derive(Debug)]
pub(crate) struct OutboxReceiver {
    pub(super) frames: mpsc::Receiver<Waiting>,
    pub(super) ending: watch::Receiver<Option<Ending>>,
}

impl Outbox {
    /// An outbox in which at most `max_backlog` bytes wait, or a single frame if that is longer.
    pub(crate) fn new(max_backlog: usize) -> (Self, OutboxReceiver) {
        let (frames, receiver) = mpsc::channel(MAX_QUEUED_FRAMES);
        let ending = watch::Sender::new(None);
        let receiver = OutboxReceiver { frames: receiver, ending: ending.subscribe() };
        (Self { frames, queued_bytes: AtomicUsize::new(0), max_backlog, ending }, receiver)
    }

    /// Queues a frame with the fate that the fault switches have for it. A text that goes to many
    /// connections is in memory once, however many of them are behind.
    pub(crate) fn queue(&self, text: Utf8Bytes, fate: Fate) {
        if self.ending.borrow().is_some() || (fate.lost && !fate.cut) {
            return;
        }
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
        let waiting = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let too_long = waiting > 0 && waiting + bytes > self.max_backlog;
        if too_long || self.frames.try_send(frame).is_err() {
            self.end(Ending::Close {
                code: 1008,
                reason: "This connection does not read what it is sent".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PLAIN: Fate = Fate {
        lost: false,
        twice: false,
        after_the_next: false,
        delay: Duration::ZERO,
        cut: false,
    };

    fn code(receiver: &OutboxReceiver) -> Option<u16> {
        match receiver.ending.borrow().clone() {
            Some(Ending::Close { code, .. }) => Some(code),
            Some(Ending::Cut | Ending::Silence) => panic!("it should have been closed"),
            None => None,
        }
    }

    #[test]
    fn one_frame_more_than_may_wait_closes() {
        let (outbox, receiver) = Outbox::new(usize::MAX);
        for _ in 0..MAX_QUEUED_FRAMES {
            outbox.queue("x".into(), PLAIN);
        }
        assert_eq!(code(&receiver), None);
        outbox.queue("x".into(), PLAIN);
        assert_eq!(code(&receiver), Some(1008));
        assert_eq!(receiver.frames.len(), MAX_QUEUED_FRAMES);
    }

    #[test]
    fn one_byte_more_than_may_wait_closes_and_nothing_is_queued_behind() {
        let (outbox, receiver) = Outbox::new(10);
        outbox.queue("12345".into(), PLAIN);
        outbox.queue("67890".into(), PLAIN);
        assert_eq!(code(&receiver), None);
        outbox.queue("1".into(), PLAIN);
        assert_eq!(code(&receiver), Some(1008));
        outbox.queue("".into(), PLAIN);
        assert_eq!(receiver.frames.len(), 2);
    }

    #[test]
    fn what_was_written_makes_room_and_a_long_frame_goes_alone() {
        let (outbox, receiver) = Outbox::new(10);
        outbox.queue("longer than ten bytes".into(), PLAIN);
        assert_eq!(code(&receiver), None);
        outbox.written("longer than ten bytes".len());
        outbox.queue("1234567890".into(), PLAIN);
        assert_eq!(code(&receiver), None);
        outbox.queue("longer than ten bytes".into(), PLAIN);
        assert_eq!(code(&receiver), Some(1008));
    }

    #[test]
    fn a_text_for_many_is_in_memory_once() {
        let text = Utf8Bytes::from("x".repeat(100));
        let (outbox, mut receiver) = Outbox::new(1_000);
        outbox.queue(text.clone(), PLAIN);
        let queued = receiver.frames.try_recv().expect("it was queued");
        assert_eq!(queued.text.as_str().as_ptr(), text.as_str().as_ptr());
    }
}
