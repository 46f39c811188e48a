//! Which frames of a connection are the echo of its own sends.
//!
//! The basic dialect has no message id and does not tell a client its connection id. It is known from an error
//! frame of the gateway, else it is learned from the first echo that equals a send that is waiting for one.

use std::collections::VecDeque;

use crate::chat::ids::ClientMessageId;

/// Frames that are remembered, to count equal ones and to judge them alike.
const MAX_FRAMES: usize = 200;
/// Senders that are remembered as somebody else.
const MAX_OTHERS: usize = 200;
/// Sends without an echo that may still get a late one.
const MAX_LATE: usize = 32;
/// Texts of ours that are remembered: a frame with one of them says nothing about its sender.
const MAX_TEXTS: usize = 64;

/// This connection's own id, as far as it is known.
#[derive(Debug)]
enum Own {
    Unknown,
    /// Taken from an echo. It may be somebody's who wrote the same at the same time.
    Learned(String),
    /// The gateway said so.
    Known(String),
}

#[derive(Debug)]
struct Frame {
    sender: String,
    created_at: String,
    text: String,
    own: bool,
}

/// Recognises the echoes of one connection.
#[derive(Debug)]
pub(super) struct Echoes {
    own: Own,
    others: VecDeque<String>,
    frames: VecDeque<Frame>,
    late: VecDeque<(ClientMessageId, String)>,
    texts: VecDeque<String>,
}

/// What a frame turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) own: bool,
    /// The send that it settles.
    pub(super) settles: Option<ClientMessageId>,
    /// How many equal frames came before it on this connection.
    pub(super) occurrence: u32,
}

impl Echoes {
    pub(super) fn new() -> Self {
        Self {
            own: Own::Unknown,
            others: VecDeque::new(),
            frames: VecDeque::new(),
            late: VecDeque::new(),
            texts: VecDeque::new(),
        }
    }

    /// The gateway has named this connection.
    pub(super) fn know(&mut self, connection_id: String) {
        self.own = Own::Known(connection_id);
    }

    /// A text of ours is on its way. If it is tried again, an echo now belongs to the new attempt.
    pub(super) fn expect(&mut self, id: &ClientMessageId, text: &str) {
        self.expect_no_longer(id);
        remember(&mut self.texts, MAX_TEXTS, text.to_owned());
    }

    /// A send got no echo in time; one may come yet.
    pub(super) fn expect_late(&mut self, id: ClientMessageId, text: String) {
        remember(&mut self.late, MAX_LATE, (id, text));
    }

    fn expect_no_longer(&mut self, id: &ClientMessageId) {
        self.late.retain(|(late, _)| late != id);
    }

    /// Judges a frame; `in_flight` is the send that waits for its echo.
    pub(super) fn judge(
        &mut self,
        sender: &str,
        created_at: &str,
        text: &str,
        in_flight: Option<(&ClientMessageId, &str)>,
    ) -> Verdict {
        let equal = |frame: &&Frame| {
            frame.sender == sender && frame.created_at == created_at && frame.text == text
        };
        let occurrence = self.frames.iter().filter(equal).count();
        let seen_as_own = self.frames.iter().find(equal).map(|frame| frame.own);
        let waiting = in_flight
            .filter(|(_, sent)| *sent == text)
            .map(|(id, _)| id.clone())
            .or_else(|| self.late.iter().find(|(_, sent)| sent == text).map(|(id, _)| id.clone()));
        let own = match (seen_as_own, &waiting) {
            // A frame that was delivered twice; with a send waiting it may as well be that one's echo.
            (Some(own), None) => own,
            _ => self.is_own(sender, text, waiting.is_some()),
        };
        let settles = waiting.filter(|_| own);
        if let Some(id) = &settles {
            self.expect_no_longer(id);
        }
        let (sender, created_at, text) =
            (sender.to_owned(), created_at.to_owned(), text.to_owned());
        remember(&mut self.frames, MAX_FRAMES, Frame { sender, created_at, text, own });
        Verdict { own, settles, occurrence: u32::try_from(occurrence).unwrap_or(u32::MAX) }
    }

    fn is_own(&mut self, sender: &str, text: &str, waited_for: bool) -> bool {
        let is_learned = match &self.own {
            Own::Known(id) => return id == sender,
            Own::Learned(id) => id == sender,
            Own::Unknown => false,
        };
        if waited_for && !self.others.iter().any(|other| other == sender) {
            self.own = Own::Learned(sender.to_owned());
            return true;
        }
        if self.texts.iter().any(|ours| ours == text) {
            return is_learned;
        }
        // We never wrote that, so that its sender is somebody else; a lesson that says otherwise was wrong.
        if is_learned {
            self.own = Own::Unknown;
        }
        if !self.others.iter().any(|other| other == sender) {
            remember(&mut self.others, MAX_OTHERS, sender.to_owned());
        }
        false
    }
}

/// Adds to a queue that forgets its oldest at the bound.
fn remember<T>(queue: &mut VecDeque<T>, bound: usize, one: T) {
    if queue.len() == bound {
        queue.pop_front();
    }
    queue.push_back(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> ClientMessageId {
        ClientMessageId(id.into())
    }

    /// A frame arrives while `text` waits for its echo.
    fn judge_waiting(
        echoes: &mut Echoes,
        send: &str,
        sender: &str,
        at: &str,
        text: &str,
    ) -> Verdict {
        let send = id(send);
        echoes.expect(&send, text);
        echoes.judge(sender, at, text, Some((&send, text)))
    }

    #[test]
    fn a_known_connection_id_decides() {
        let mut echoes = Echoes::new();
        echoes.know("me".into());
        let send = id("1");
        let theirs = echoes.judge("them", "t1", "hi", Some((&send, "hi")));
        assert_eq!(theirs, Verdict { own: false, settles: None, occurrence: 0 });
        let mine = echoes.judge("me", "t1", "hi", Some((&send, "hi")));
        assert_eq!(mine, Verdict { own: true, settles: Some(send), occurrence: 0 });
    }

    #[test]
    fn an_unknown_one_is_learned_from_the_first_equal_echo() {
        let mut echoes = Echoes::new();
        assert!(!echoes.judge("them", "t0", "good morning", None).own);
        assert!(!judge_waiting(&mut echoes, "1", "them", "t1", "hi").own);
        assert!(judge_waiting(&mut echoes, "1", "me", "t1", "hi").own);
    }

    #[test]
    fn a_wrong_lesson_is_unlearned() {
        let mut echoes = Echoes::new();
        assert!(judge_waiting(&mut echoes, "1", "them", "t1", "hi").own);
        assert!(!echoes.judge("them", "t2", "how are you?", None).own);
        assert!(judge_waiting(&mut echoes, "2", "me", "t3", "fine").own);
        assert!(!judge_waiting(&mut echoes, "3", "them", "t4", "fine").own);
    }

    #[test]
    fn equal_texts_at_one_time_do_not_poison_the_lesson() {
        let mut echoes = Echoes::new();
        assert!(judge_waiting(&mut echoes, "1", "me", "t1", "first").own);
        assert!(judge_waiting(&mut echoes, "2", "them", "t2", "hi").own, "nobody can tell");
        assert!(!echoes.judge("me", "t2", "hi", None).own, "nobody can tell");
        assert!(judge_waiting(&mut echoes, "3", "me", "t3", "fine").own);
        assert!(!echoes.judge("them", "t4", "how are you?", None).own);
    }

    #[test]
    fn equal_frames_are_counted() {
        let mut echoes = Echoes::new();
        assert_eq!(echoes.judge("them", "t1", "hi", None).occurrence, 0);
        assert_eq!(echoes.judge("them", "t1", "hi", None).occurrence, 1);
        assert_eq!(echoes.judge("them", "t2", "hi", None).occurrence, 0);
    }

    #[test]
    fn a_doubled_echo_does_not_cost_the_lesson() {
        let mut echoes = Echoes::new();
        assert!(judge_waiting(&mut echoes, "1", "me", "t1", "hi").own);
        assert!(echoes.judge("me", "t1", "hi", None).own);
        assert!(judge_waiting(&mut echoes, "2", "me", "t2", "ho").own);
    }

    #[test]
    fn a_late_echo_settles_its_send() {
        let mut echoes = Echoes::new();
        echoes.know("me".into());
        echoes.expect_late(id("1"), "hi".into());
        assert_eq!(echoes.judge("me", "t1", "hi", None).settles, Some(id("1")));
    }
}
