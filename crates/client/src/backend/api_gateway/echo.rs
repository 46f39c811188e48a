//! Which frames are the echoes of a client's own sends.
//!
//! The basic dialect has no message id and does not tell a client its connection id. It is known from an error
//! frame of the gateway, else it is learned from the first echo that equals a send that is waiting for one. While one
//! connection takes the place of another both hear the same, so that what is known of either is kept here.

use std::collections::VecDeque;

use crate::chat::ids::{ClientMessageId, ConnectionId};

/// Frames that are remembered, to count equal ones and to judge them alike; two connections at a time bring them.
const MAX_FRAMES: usize = 400;
/// Senders that are remembered as somebody else.
const MAX_OTHERS: usize = 200;
/// Sends without an echo that may still get a late one.
const MAX_LATE: usize = 32;
/// Texts of ours that are remembered: a frame with one of them says nothing about its sender.
const MAX_TEXTS: usize = 64;
/// Connections whose names are remembered: the present one, and those before it that broadcasts may still speak of.
const MAX_NAMES: usize = 4;

/// What one of our connections is called, as far as it is known.
#[derive(Debug, PartialEq, Eq)]
enum Own {
    Unknown,
    /// Taken from an echo. It may be somebody's who wrote the same at the same time.
    Learned(String),
    /// The gateway said so.
    Known(String),
}

#[derive(Debug)]
struct Frame {
    via: ConnectionId,
    sender: String,
    created_at: String,
    text: String,
    own: bool,
}

/// A send that waits for its echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) id: ClientMessageId,
    pub(super) text: String,
    /// The connection that it went out on: its echo bears the name of that one.
    pub(super) connection: ConnectionId,
}

/// Recognises the echoes of one room's connections.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    names: VecDeque<(ConnectionId, Own)>,
    others: VecDeque<String>,
    frames: VecDeque<Frame>,
    /// The send that waits for its echo; a room has one at a time.
    in_flight: Option<Expected>,
    late: VecDeque<Expected>,
    texts: VecDeque<String>,
}

/// What a frame turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) own: bool,
    /// The send that it settles.
    pub(super) settles: Option<ClientMessageId>,
    /// How many equal frames came before it on its connection.
    pub(super) occurrence: u32,
}

impl Echoes {
    /// There is another connection.
    pub(super) fn begin(&mut self, connection: ConnectionId) {
        remember(&mut self.names, MAX_NAMES, (connection, Own::Unknown));
    }

    /// The gateway has named a connection.
    pub(super) fn know(&mut self, connection: ConnectionId, name: String) {
        self.names.retain(|(other, _)| *other != connection);
        remember(&mut self.names, MAX_NAMES, (connection, Own::Known(name)));
    }

    /// A text of ours is on its way, with an id of its own.
    pub(super) fn wrote(&mut self, id: &ClientMessageId, text: &str) {
        self.late.retain(|late| late.id != *id);
        remember(&mut self.texts, MAX_TEXTS, text.to_owned());
    }

    /// The same, where nothing but its words tells its echo. If it is tried again, an echo now belongs to the new
    /// attempt.
    pub(super) fn expect(&mut self, expected: Expected) {
        self.wrote(&expected.id, &expected.text);
        self.in_flight = Some(expected);
    }

    /// A send has no echo to wait for any more.
    pub(super) fn settled(&mut self, id: &ClientMessageId) {
        if self.in_flight.as_ref().is_some_and(|expected| expected.id == *id) {
            self.in_flight = None;
        }
        self.late.retain(|late| late.id != *id);
    }

    /// A send got no echo in time; one may come yet.
    pub(super) fn expect_late(&mut self, id: &ClientMessageId) {
        if let Some(late) = self.in_flight.take_if(|expected| expected.id == *id) {
            remember(&mut self.late, MAX_LATE, late);
        }
    }

    /// Judges a frame that has come by a connection.
    pub(super) fn judge(
        &mut self,
        via: ConnectionId,
        sender: &str,
        created_at: &str,
        text: &str,
    ) -> Verdict {
        let equal = |frame: &&Frame| {
            frame.sender == sender && frame.created_at == created_at && frame.text == text
        };
        let (mut occurrence, mut elsewhere, mut seen_as_own) = (0, 0, None);
        for frame in self.frames.iter().filter(equal) {
            seen_as_own = seen_as_own.or(Some(frame.own));
            *(if frame.via == via { &mut occurrence } else { &mut elsewhere }) += 1;
        }
        // What the other connection has brought already is that, and no echo of anything else.
        let is_copy = occurrence < elsewhere && !created_at.is_empty();
        let waiting = self.waiting(text).filter(|_| !is_copy);
        let (own, settles) = match (seen_as_own, waiting) {
            // A frame that was delivered twice; with a send waiting it may as well be that one's echo.
            (Some(own), None) => (own, None),
            (_, waiting) => {
                let sent_on = waiting.as_ref().map(|(_, connection)| *connection);
                let owner = self.owner(sender, text, sent_on);
                let settles = waiting.filter(|_| owner.is_some() && owner == sent_on);
                (owner.is_some(), settles.map(|(id, _)| id))
            }
        };
        if let Some(id) = &settles {
            self.settled(id);
        }
        let (sender, created_at, text) =
            (sender.to_owned(), created_at.to_owned(), text.to_owned());
        remember(&mut self.frames, MAX_FRAMES, Frame { via, sender, created_at, text, own });
        Verdict { own, settles, occurrence }
    }

    /// The send that a frame with this text may be the echo of, and the connection that it went out on.
    fn waiting(&self, text: &str) -> Option<(ClientMessageId, ConnectionId)> {
        let mut expected = self.in_flight.iter().chain(&self.late);
        let expected = expected.find(|expected| expected.text == text)?;
        Some((expected.id.clone(), expected.connection))
    }

    /// The connection of ours that is called so; `sent_on` is the one whose echo with these words is waited for.
    fn owner(
        &mut self,
        sender: &str,
        text: &str,
        sent_on: Option<ConnectionId>,
    ) -> Option<ConnectionId> {
        let named =
            |own: &Own| matches!(own, Own::Known(name) | Own::Learned(name) if name == sender);
        let position = self.names.iter().position(|(_, own)| named(own));
        let found = position.and_then(|index| self.names.get(index));
        let owner = found.map(|(connection, _)| *connection);
        if found.is_some_and(|(_, own)| matches!(own, Own::Known(_))) {
            return owner;
        }
        let waits = self.names.iter_mut().find(|(connection, own)| {
            Some(*connection) == sent_on && !matches!(own, Own::Known(_))
        });
        let is_other = self.others.iter().any(|other| other == sender);
        if let Some((connection, own)) = waits
            && !is_other
            && owner.is_none_or(|owner| owner == *connection)
        {
            *own = Own::Learned(sender.to_owned());
            return Some(*connection);
        }
        if self.texts.iter().any(|ours| ours == text)
            || self.names.iter().all(|(_, own)| matches!(own, Own::Known(_)))
        {
            return owner;
        }
        // We never wrote that, so that its sender is somebody else; a lesson that says otherwise was wrong.
        if let Some((_, own)) = position.and_then(|index| self.names.get_mut(index)) {
            *own = Own::Unknown;
        }
        if !is_other {
            remember(&mut self.others, MAX_OTHERS, sender.to_owned());
        }
        None
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

    const FIRST: ConnectionId = ConnectionId(1);
    const SECOND: ConnectionId = ConnectionId(2);

    fn id(id: &str) -> ClientMessageId {
        ClientMessageId(id.into())
    }

    fn echoes() -> Echoes {
        let mut echoes = Echoes::default();
        echoes.begin(FIRST);
        echoes
    }

    fn expect(echoes: &mut Echoes, send: &str, text: &str, connection: ConnectionId) {
        echoes.expect(Expected { id: id(send), text: text.into(), connection });
    }

    /// A frame arrives while `text` waits for its echo.
    fn judge_waiting(
        echoes: &mut Echoes,
        send: &str,
        sender: &str,
        at: &str,
        text: &str,
    ) -> Verdict {
        expect(echoes, send, text, FIRST);
        echoes.judge(FIRST, sender, at, text)
    }

    #[test]
    fn a_known_connection_id_decides() {
        let mut echoes = echoes();
        echoes.know(FIRST, "me".into());
        let theirs = judge_waiting(&mut echoes, "1", "them", "t1", "hi");
        assert_eq!(theirs, Verdict { own: false, settles: None, occurrence: 0 });
        let mine = echoes.judge(FIRST, "me", "t1", "hi");
        assert_eq!(mine, Verdict { own: true, settles: Some(id("1")), occurrence: 0 });
    }

    #[test]
    fn an_unknown_one_is_learned_from_the_first_equal_echo() {
        let mut echoes = echoes();
        assert!(!echoes.judge(FIRST, "them", "t0", "good morning").own);
        assert!(!judge_waiting(&mut echoes, "1", "them", "t1", "hi").own);
        assert!(judge_waiting(&mut echoes, "1", "me", "t1", "hi").own);
    }

    #[test]
    fn a_wrong_lesson_is_unlearned() {
        let mut echoes = echoes();
        assert!(judge_waiting(&mut echoes, "1", "them", "t1", "hi").own);
        assert!(!echoes.judge(FIRST, "them", "t2", "how are you?").own);
        assert!(judge_waiting(&mut echoes, "2", "me", "t3", "fine").own);
        assert!(!judge_waiting(&mut echoes, "3", "them", "t4", "fine").own);
    }

    #[test]
    fn equal_texts_at_one_time_do_not_poison_the_lesson() {
        let mut echoes = echoes();
        assert!(judge_waiting(&mut echoes, "1", "me", "t1", "first").own);
        assert!(judge_waiting(&mut echoes, "2", "them", "t2", "hi").own, "nobody can tell");
        assert!(!echoes.judge(FIRST, "me", "t2", "hi").own, "nobody can tell");
        assert!(judge_waiting(&mut echoes, "3", "me", "t3", "fine").own);
        assert!(!echoes.judge(FIRST, "them", "t4", "how are you?").own);
    }

    #[test]
    fn equal_frames_are_counted() {
        let mut echoes = echoes();
        assert_eq!(echoes.judge(FIRST, "them", "t1", "hi").occurrence, 0);
        assert_eq!(echoes.judge(FIRST, "them", "t1", "hi").occurrence, 1);
        assert_eq!(echoes.judge(FIRST, "them", "t2", "hi").occurrence, 0);
    }

    #[test]
    fn equal_frames_are_counted_for_each_connection() {
        let mut echoes = echoes();
        assert_eq!(echoes.judge(FIRST, "them", "t1", "hi").occurrence, 0);
        echoes.begin(SECOND);
        assert_eq!(echoes.judge(SECOND, "them", "t1", "hi").occurrence, 0);
        assert_eq!(echoes.judge(SECOND, "them", "t1", "hi").occurrence, 1);
        assert_eq!(echoes.judge(FIRST, "them", "t1", "hi").occurrence, 1);
    }

    #[test]
    fn a_doubled_echo_does_not_cost_the_lesson() {
        let mut echoes = echoes();
        assert!(judge_waiting(&mut echoes, "1", "me", "t1", "hi").own);
        assert!(echoes.judge(FIRST, "me", "t1", "hi").own);
        assert!(judge_waiting(&mut echoes, "2", "me", "t2", "ho").own);
    }

    #[test]
    fn a_late_echo_settles_its_send() {
        let mut echoes = echoes();
        echoes.know(FIRST, "me".into());
        expect(&mut echoes, "1", "hi", FIRST);
        echoes.expect_late(&id("1"));
        assert_eq!(echoes.judge(FIRST, "me", "t1", "hi").settles, Some(id("1")));
    }

    #[test]
    fn an_echo_settles_its_send_on_whichever_connection_it_comes_first() {
        let mut echoes = echoes();
        echoes.begin(SECOND);
        expect(&mut echoes, "1", "hi", FIRST);
        assert_eq!(echoes.judge(SECOND, "me", "t1", "hi").settles, Some(id("1")));
        let copy = echoes.judge(FIRST, "me", "t1", "hi");
        assert_eq!(copy, Verdict { own: true, settles: None, occurrence: 0 });
    }

    #[test]
    fn the_copy_of_an_echo_does_not_settle_the_next_send_of_the_same_words() {
        for sent_on in [FIRST, SECOND] {
            let mut echoes = echoes();
            assert!(judge_waiting(&mut echoes, "1", "me", "t1", "hi").own);
            echoes.begin(SECOND);
            expect(&mut echoes, "2", "hi", sent_on);
            let copy = echoes.judge(SECOND, "me", "t1", "hi");
            assert_eq!(copy, Verdict { own: true, settles: None, occurrence: 0 });
            let name = if sent_on == FIRST { "me" } else { "me too" };
            assert_eq!(echoes.judge(SECOND, name, "t2", "hi").settles, Some(id("2")));
        }
    }

    #[test]
    fn the_name_of_the_connection_before_stays_ones_own() {
        let mut echoes = echoes();
        echoes.know(FIRST, "me".into());
        echoes.begin(SECOND);
        echoes.know(SECOND, "me too".into());
        assert!(echoes.judge(SECOND, "me", "t1", "hi").own);
        assert!(!echoes.judge(SECOND, "them", "t1", "hi").own);
    }
}
