//! The person of this widget: their guest key, their display name, their own messages.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::ids::{ClientMessageId, GuestKey};
use super::message::{Author, Incoming, Sender, Standing};

/// How many of one's own sends are remembered, to recognise them when they come back.
const MAX_SENDS_REMEMBERED: usize = 1_000;

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
    /// Whether each has come back.
    sends: BTreeMap<ClientMessageId, bool>,
    order: VecDeque<ClientMessageId>,
}

impl Ownership {
    /// The backend has said which sender id is ours; says whether that is news.
    pub(crate) fn learn_sender(&mut self, id: String) -> bool {
        let is_news = self.sender_id.as_ref() != Some(&id);
        self.sender_id = Some(id);
        is_news
    }

    /// Whether the backend has said which sender id is ours.
    pub(crate) fn knows_sender(&self) -> bool {
        self.sender_id.is_some()
    }

    /// A message of ours has come back; says whether that is news. From then on everybody knows its id, which proves
    /// nothing any more.
    pub(crate) fn came_back(&mut self, id: &ClientMessageId) -> bool {
        self.sends.get_mut(id).is_some_and(|came_back| !std::mem::replace(came_back, true))
    }

    /// Remembers a send; at the bound the oldest is forgotten.
    pub(crate) fn remember(&mut self, id: ClientMessageId) {
        if self.order.len() == MAX_SENDS_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.sends.remove(&oldest);
        }
        if self.sends.insert(id.clone(), false).is_none() {
            self.order.push_back(id);
        }
    }

    /// Who a message is by: us, if it bears our sender id, or the id of a send of ours that has not come back yet, or
    /// if it repeats one that has.
    pub(crate) fn author(&self, incoming: &Incoming, repeats_own: bool) -> Author {
        let came_back = incoming.client_message_id.as_ref().and_then(|id| self.sends.get(id));
        if came_back == Some(&false) || (came_back.is_some() && repeats_own) {
            return Author::Me;
        }
        match incoming.sender.clone() {
            Sender::Me => Author::Me,
            Sender::Person { id, standing, .. }
                if standing != Standing::Unverified && self.sender_id.as_ref() == Some(&id) =>
            {
                Author::Me
            }
            Sender::Person { id, name, standing } => {
                let name = name.as_deref().and_then(DisplayName::parse).map(|name| name.0);
                Author::Other { id, name, standing }
            }
        }
    }
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
            ownership.remember(ClientMessageId(number.to_string()));
        }
        let author = |number: usize| ownership.author(&stranger(number), false);
        assert_ne!(author(0), Author::Me);
        assert_eq!(author(1), Author::Me);
        assert_eq!(author(MAX_SENDS_REMEMBERED), Author::Me);
    }

    #[test]
    fn a_send_proves_who_we_are_until_it_has_come_back() {
        let mut ownership = Ownership::default();
        ownership.remember(ClientMessageId("1".into()));
        assert_eq!(ownership.author(&stranger(1), false), Author::Me);
        assert!(ownership.came_back(&ClientMessageId("1".into())));
        assert!(!ownership.came_back(&ClientMessageId("1".into())));
        assert_ne!(ownership.author(&stranger(1), false), Author::Me);
        assert_eq!(ownership.author(&stranger(1), true), Author::Me, "the same once more");
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
