//! What the clients wrote down, compared with what the server has.

use std::collections::{BTreeMap, BTreeSet};

use crate::member::Message;

/// A message that somebody sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) client_message_id: String,
    pub(crate) text: String,
}

/// What one or several clients know, of one room.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What was sent, whether or not it arrived, by client message id.
    pub(crate) sent: BTreeMap<String, String>,
    /// Client message ids of what was acknowledged, with the id and time if the acknowledgement had
    /// them.
    pub(crate) acknowledged: Vec<(String, Option<(String, String)>)>,
    /// What was delivered, or came with an acknowledgement.
    pub(crate) seen: Vec<Message>,
}

impl Ledger {
    pub(crate) fn extend(&mut self, other: Self) {
        self.sent.extend(other.sent);
        self.acknowledged.extend(other.acknowledged);
        self.seen.extend(other.seen);
    }

    /// What was sent and not acknowledged.
    pub(crate) fn in_doubt(&self) -> Vec<Sent> {
        let settled: BTreeSet<&String> = self.acknowledged.iter().map(|(id, _)| id).collect();
        let open = self.sent.iter().filter(|(id, _)| !settled.contains(id));
        open.map(|(id, text)| Sent { client_message_id: id.clone(), text: text.clone() }).collect()
    }

    /// The last messages that were acknowledged.
    pub(crate) fn last_acknowledged(&self, count: usize) -> Vec<Sent> {
        let last = self.acknowledged.iter().rev().take(count);
        last.map(|(id, _)| Sent { client_message_id: id.clone(), text: self.sent[id].clone() })
            .collect()
    }

    /// Everything that a client was told is in the history, once and as it was told; and nothing is
    /// there that nobody sent.
    pub(crate) fn compare(&self, history: &[Message]) {
        let mut stored: BTreeMap<&str, &Message> = BTreeMap::new();
        for message in history {
            let twice = stored.insert(&message.client_message_id, message);
            assert!(twice.is_none(), "{twice:?} is also there as {message:?}");
            let text = self.sent.get(&message.client_message_id);
            assert_eq!(text, Some(&message.text), "nobody sent {message:?}");
        }
        let ids: BTreeSet<&str> = history.iter().map(|message| message.id.as_str()).collect();
        assert_eq!(ids.len(), history.len(), "two messages have one id");
        let ordered = history.is_sorted_by(|a, b| (&a.created_at, &a.id) < (&b.created_at, &b.id));
        assert!(ordered, "the history is not in the order of its keys");
        for (client_message_id, told) in &self.acknowledged {
            let Some(message) = stored.get(client_message_id.as_str()) else {
                panic!("{client_message_id} was acknowledged and is lost");
            };
            if let Some((id, created_at)) = told {
                assert_eq!((id, created_at), (&message.id, &message.created_at));
            }
        }
        for seen in &self.seen {
            let message = stored.get(seen.client_message_id.as_str());
            assert_eq!(message, Some(&seen), "it was delivered, and is lost or another");
        }
    }
}
