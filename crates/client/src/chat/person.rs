//! The person of this widget: their guest key, their display name, their own messages.

use std::collections::VecDeque;
use std::fmt;

use super::ids::{ClientMessageId, GuestKey};
use super::message::{Author, Incoming, Message, Sender, Standing};
use crate::auth::sha256;

/// How many of one's own sends are remembered once they have come back.
pub(crate) const MAX_SENDS_REMEMBERED: usize = 1_000;
/// How many are remembered that have not: as many as full outboxes of all rooms may hold.
const MAX_SENDS_DUE: usize = 50_000;

/// A display name: trimmed, without control or bidi characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// A bound in characters, generous to the 64 graphemes of the contract (a family emoji is one of seven
    /// characters), which the backend counts: it has the last word.
    const MAX_CHARACTERS: usize = 512;

    /// Cleans a name; `None` if nothing is left of it.
    pub fn parse(text: &str) -> Option<Self> {
        let kept = text.chars().filter(|&character| !character.is_control() && !is_bidi(character));
        let kept = kept.skip_while(|character| character.is_whitespace());
        let kept = kept.take(Self::MAX_CHARACTERS).collect::<String>();
        let trimmed = kept.trim();
        (!trimmed.is_empty()).then(|| Self(trimmed.to_owned()))
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Marks, embeddings, overrides and isolates of the Unicode bidirectional algorithm (UAX #9).
fn is_bidi(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Who the person is to the backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The guest's secret; the backend publishes only a hash of it.
    pub guest_key: GuestKey,
    /// The name that others see.
    pub name: Option<DisplayName>,
    /// What the backend called this person last: [`Event::KnownAs`](crate::Event::KnownAs).
    pub known_as: Option<String>,
}

/// Tells the person's own messages from those of others.
#[derive(Debug, Default)]
pub(crate) struct Ownership {
    sender_id: Option<String>,
    /// The backend has said so to this client.
    is_certain: bool,
    /// The newest at the end, where most are looked for.
    sends: VecDeque<OwnSend>,
}

/// A send of ours. Its id is broadcast with it, so that it proves who wrote it only as often as it was sent, and only
/// with the same words.
#[derive(Debug)]
struct OwnSend {
    id: ClientMessageId,
    digest: [u8; 32],
    /// How often it may come back still.
    due: u32,
}

impl Ownership {
    /// The backend has said which sender id is ours; says whether that is news.
    pub(crate) fn learn_sender(&mut self, id: String) -> bool {
        let is_news = self.sender_id.as_ref() != Some(&id);
        (self.sender_id, self.is_certain) = (Some(id), true);
        is_news
    }

    /// What an earlier client was told, or what a send of ours has come back with; says whether that is news.
    pub(crate) fn suppose_sender(&mut self, id: String) -> bool {
        let is_news = self.sender_id.as_ref() != Some(&id);
        (self.sender_id, self.is_certain) = (Some(id), false);
        is_news
    }

    /// Whether the backend has said to this client which sender id is ours.
    pub(crate) fn knows_sender(&self) -> bool {
        self.is_certain && self.sender_id.is_some()
    }

    /// A send of ours has come back.
    pub(crate) fn came_back(&mut self, id: &ClientMessageId) {
        if let Some(send) = self.find_mut(id) {
            send.due = send.due.saturating_sub(1);
        }
    }

    /// Whether a message is a send of ours that comes back.
    pub(crate) fn proves(&self, incoming: &Incoming) -> bool {
        self.is_due(incoming.client_message_id.as_ref(), &incoming.text)
    }

    fn is_due(&self, send: Option<&ClientMessageId>, text: &str) -> bool {
        let Some(id) = send else { return false };
        let send = self.sends.iter().rev().find(|send| send.id == *id);
        send.is_some_and(|send| send.due > 0 && send.digest == digest_of(text))
    }

    /// Remembers a send; at the bound the oldest that has come back is forgotten.
    pub(crate) fn remember(&mut self, id: ClientMessageId, text: &str) {
        if self.sends.len() >= MAX_SENDS_REMEMBERED {
            self.forget_one();
        }
        let digest = digest_of(text);
        self.sends.push_back(OwnSend { id, digest, due: 1 });
    }

    /// A send of ours that another client has made, in another tab or earlier.
    pub(crate) fn remember_of_another(&mut self, id: ClientMessageId, digest: [u8; 32]) {
        if self.sends.iter().any(|send| send.id == id) {
            return;
        }
        if self.sends.len() >= MAX_SENDS_REMEMBERED {
            self.forget_one();
        }
        self.sends.push_back(OwnSend { id, digest, due: 1 });
    }

    /// A send goes out once more, and may come back twice.
    pub(crate) fn sent_again(&mut self, id: &ClientMessageId) {
        if let Some(send) = self.find_mut(id) {
            send.due = send.due.saturating_add(1);
        }
    }

    fn find_mut(&mut self, id: &ClientMessageId) -> Option<&mut OwnSend> {
        self.sends.iter_mut().rev().find(|send| send.id == *id)
    }

    fn forget_one(&mut self) {
        let is_full = self.sends.len() >= MAX_SENDS_DUE;
        let back = self.sends.iter().position(|send| send.due == 0);
        if let Some(index) = back.or(is_full.then_some(0)) {
            self.sends.remove(index);
        }
    }

    /// Whether a message is ours that was taken for somebody else's, before it was known what is ours.
    pub(crate) fn claims(&self, message: &Message, send: Option<&ClientMessageId>) -> bool {
        match &message.author {
            Author::Me => false,
            Author::Other { id, standing, .. } => {
                let verified = Some(id.as_str()).filter(|_| *standing != Standing::Unverified);
                self.is_own(verified, send, &message.text)
            }
        }
    }

    fn is_own(&self, verified: Option<&str>, send: Option<&ClientMessageId>, text: &str) -> bool {
        match verified {
            Some(id) if self.sender_id.as_deref() == Some(id) => true,
            Some(_) => !self.knows_sender() && self.is_due(send, text),
            None => self.is_due(send, text),
        }
    }

    /// Who a message is by: us, if it bears our sender id, or if it is a send of ours that comes back and no backend
    /// vouches for somebody else.
    pub(crate) fn author(&self, incoming: &Incoming) -> Author {
        let send = incoming.client_message_id.as_ref();
        let is_own = self.is_own(incoming.sender.verified(), send, &incoming.text);
        match incoming.sender.clone() {
            _ if is_own => Author::Me,
            Sender::Me => Author::Me,
            Sender::Person { id, name, standing } => {
                let name = name.as_deref().and_then(DisplayName::parse).map(|name| name.0);
                Author::Other { id, name, standing }
            }
        }
    }
}

/// What is remembered of the words of a send.
pub(crate) fn digest_of(text: &str) -> [u8; 32] {
    sha256(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::ids::MessageId;
    use super::super::message::Identity;
    use super::*;

    #[test]
    fn a_name_loses_control_and_bidi_characters() {
        assert_eq!(DisplayName::parse("  An\u{202E}n\n ").unwrap().as_str(), "Ann");
        assert_eq!(DisplayName::parse(" \u{2066}\u{7} "), None);
        assert_eq!(DisplayName::parse(&"가".repeat(600)).unwrap().as_str(), "가".repeat(512));
    }

    #[test]
    fn the_oldest_send_is_forgotten_at_the_bound() {
        let mut ownership = Ownership::default();
        for number in 0..=MAX_SENDS_REMEMBERED {
            ownership.remember(ClientMessageId(number.to_string()), "");
        }
        let author = |ownership: &Ownership, number: usize| ownership.author(&stranger(number));
        assert_eq!(author(&ownership, 0), Author::Me, "it has not come back");
        ownership.came_back(&ClientMessageId("1".into()));
        ownership.remember(ClientMessageId("more".into()), "");
        assert_eq!(author(&ownership, 0), Author::Me);
        assert_eq!(ownership.sends.len(), MAX_SENDS_REMEMBERED + 1);
        assert_eq!(author(&ownership, MAX_SENDS_REMEMBERED), Author::Me);
    }

    #[test]
    fn a_send_proves_who_we_are_until_it_has_come_back() {
        let mut ownership = Ownership::default();
        let id = ClientMessageId("1".into());
        ownership.remember(id.clone(), "");
        let other_words = Incoming { text: "I resign".into(), ..stranger(1) };
        assert_ne!(ownership.author(&other_words), Author::Me);
        assert_eq!(ownership.author(&stranger(1)), Author::Me);
        ownership.sent_again(&id);
        ownership.came_back(&id);
        assert_eq!(ownership.author(&stranger(1)), Author::Me, "it was sent twice");
        ownership.came_back(&id);
        assert_ne!(ownership.author(&stranger(1)), Author::Me);
    }

    #[test]
    fn what_the_backend_has_said_counts_more_than_the_id_of_a_send() {
        let mut ownership = Ownership::default();
        ownership.remember(ClientMessageId("1".into()), "");
        ownership.suppose_sender("of last year".into());
        assert_eq!(ownership.author(&stranger(1)), Author::Me, "that may have changed");
        ownership.learn_sender("me".into());
        assert_ne!(ownership.author(&stranger(1)), Author::Me);
    }

    fn stranger(number: usize) -> Incoming {
        Incoming {
            identity: Identity::Server(MessageId(number.to_string())),
            created_at: String::new(),
            text: String::new(),
            client_message_id: Some(ClientMessageId(number.to_string())),
            sender: Sender::Person { id: "x".into(), name: None, standing: Standing::Guest },
        }
    }
}
