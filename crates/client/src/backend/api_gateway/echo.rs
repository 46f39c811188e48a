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
/// So many echoes make a learned connection id as good as a known one.
const SURE_AFTER: u32 = 2;

/// This connection's own id, as far as it is known.
#[derive(Debug)]
enum Own {
    Unknown,
    /// Taken from so many echoes.
    Learned {
        id: String,
        echoes: u32,
    },
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
        }
    }

    /// The gateway has named this connection.
    pub(super) fn know(&mut self, connection_id: String) {
        self.own = Own::Known(connection_id);
    }

    /// A send got no echo in time; one may come yet.
    pub(super) fn expect_late(&mut self, id: ClientMessageId, text: String) {
        if self.late.len() == MAX_LATE {
            self.late.pop_front();
        }
        self.late.push_back((id, text));
    }

    /// A send is tried again: an echo now belongs to the new attempt.
    pub(super) fn expect_no_longer(&mut self, id: &ClientMessageId) {
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
            _ => self.is_own(sender, waiting.is_some()),
        };
        let settles = waiting.filter(|_| own);
        if let Some(id) = &settles {
            self.expect_no_longer(id);
        }
        if self.frames.len() == MAX_FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(Frame {
            sender: sender.to_owned(),
            created_at: created_at.to_owned(),
            text: text.to_owned(),
            own,
        });
        Verdict { own, settles, occurrence: u32::try_from(occurrence).unwrap_or(u32::MAX) }
    }

    fn is_own(&mut self, sender: &str, waited_for: bool) -> bool {
        let is_other = self.others.iter().any(|other| other == sender);
        match &mut self.own {
            Own::Known(id) => id == sender,
            Own::Learned { id, echoes } if id == sender => {
                if waited_for {
                    *echoes += 1;
                } else {
                    // Nothing of ours was waiting: the id was learned from somebody who wrote the same.
                    self.own = Own::Unknown;
                    self.remember_other(sender);
                }
                waited_for
            }
            Own::Learned { echoes, .. } if *echoes >= SURE_AFTER => false,
            Own::Learned { .. } | Own::Unknown if waited_for && !is_other => {
                self.own = Own::Learned { id: sender.to_owned(), echoes: 1 };
                true
            }
            Own::Learned { .. } | Own::Unknown => {
                self.remember_other(sender);
                false
            }
        }
    }

    fn remember_other(&mut self, sender: &str) {
        if self.others.iter().any(|other| other == sender) {
            return;
        }
        if self.others.len() == MAX_OTHERS {
            self.others.pop_front();
        }
        self.others.push_back(sender.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> ClientMessageId {
        ClientMessageId(id.into())
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
        let send = id("1");
        assert!(!echoes.judge("them", "t1", "hi", Some((&send, "hi"))).own);
        assert!(echoes.judge("me", "t1", "hi", Some((&send, "hi"))).own);
    }

    #[test]
    fn a_wrong_lesson_is_unlearned() {
        let mut echoes = Echoes::new();
        let send = id("1");
        assert!(echoes.judge("them", "t1", "hi", Some((&send, "hi"))).own);
        assert!(!echoes.judge("them", "t2", "how are you?", None).own);
        let next = id("2");
        assert!(echoes.judge("me", "t3", "fine", Some((&next, "fine"))).own);
        assert!(!echoes.judge("them", "t4", "fine", Some((&id("3"), "fine"))).own);
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
        let send = id("1");
        assert!(echoes.judge("me", "t1", "hi", Some((&send, "hi"))).own);
        assert!(echoes.judge("me", "t1", "hi", None).own);
        assert!(echoes.judge("me", "t2", "ho", Some((&id("2"), "ho"))).own);
    }

    #[test]
    fn a_late_echo_settles_its_send() {
        let mut echoes = Echoes::new();
        echoes.know("me".into());
        echoes.expect_late(id("1"), "hi".into());
        assert_eq!(echoes.judge("me", "t1", "hi", None).settles, Some(id("1")));
    }
}
