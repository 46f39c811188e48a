//! What the device keeps, record by record.

use serde_json::{Value, json};

use crate::auth::sha256;
use crate::chat::ids::{ClientMessageId, MessageId, RoomId, TabId};
use crate::chat::message::{FailReason, Halt};
use crate::chat::outbox::{Outgoing, Written};
use crate::chat::reading::ReadMark;
use crate::chat::timeline::OrderKey;
use crate::object::Object;
use crate::time::WallClock;

/// Whose records they are: one person of one backend. It tells nothing about them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whose(String);

impl Whose {
    /// A guest, who is known by a secret.
    pub(crate) fn guest(backend: &str, guest_key: &str) -> Self {
        Self::of([backend, "guest", guest_key])
    }

    /// Somebody who has signed in.
    pub(crate) fn user(backend: &str, id: &str) -> Self {
        Self::of([backend, "user", id])
    }

    fn of(parts: [&str; 3]) -> Self {
        let digest = sha256(parts.join("\n").as_bytes());
        let half = digest.get(..16).unwrap_or(&digest);
        Self(data_encoding::HEXLOWER.encode(half))
    }

    /// 32 hexadecimal digits: a name for databases, locks and channels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One record, found by its shelf and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What kind it is.
    pub shelf: Shelf,
    /// Its name among those.
    pub name: String,
    /// What it says: JSON that only a client reads. Nothing of it belongs into a log.
    pub value: String,
}

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shelf {
    /// Messages that a tab has taken from the person and not delivered yet.
    Unsent(TabId),
    /// What was written and not sent, by room.
    Draft,
    /// How far rooms were read.
    Read,
    /// The latest messages that were delivered, so that they are known as one's own.
    Sent,
}

/// One change of the records of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageChange {
    /// Store it, in place of an earlier one of the name.
    Put(Record),
    /// Store it only in place of an earlier one of the name; see [`StorageAnswer::Missing`](crate::StorageAnswer::Missing).
    Replace(Record),
    /// Delete it, if it is there.
    Delete {
        /// Its kind.
        shelf: Shelf,
        /// Its name.
        name: String,
    },
}

/// A message that has been read from the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restored {
    pub(crate) room: RoomId,
    pub(crate) id: ClientMessageId,
    pub(crate) text: String,
    pub(crate) written: Written,
    pub(crate) tried: bool,
    /// Without an id by which the backend would know it again.
    pub(crate) is_plain: bool,
    pub(crate) halted: Option<Halt>,
}

/// A message that was delivered earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) id: ClientMessageId,
    pub(crate) digest: [u8; 32],
    pub(crate) at: WallClock,
}

impl Record {
    pub(crate) fn unsent(tab: &TabId, room: &RoomId, message: &Outgoing) -> Self {
        let value = json!({
            "roomId": room.as_str(),
            "text": message.text,
            "written": message.written.at.0,
            "number": message.written.number,
            "tried": message.tried,
            "plain": message.is_plain,
            "halted": message.halted_for_good().map(word_of),
        });
        Self::new(Shelf::Unsent(tab.clone()), &message.id.0, &value)
    }

    /// Reads an unsent message; `None` for what no client has written.
    pub(crate) fn to_restored(&self) -> Option<Restored> {
        let mut fields = Object::parse(&self.value)?;
        let at = WallClock(fields.integer("written")?);
        Some(Restored {
            room: RoomId::parse(&fields.text("roomId")?).ok()?,
            id: ClientMessageId(self.name.clone()),
            text: fields.text("text")?,
            written: Written { at, number: fields.number("number")? },
            tried: fields.flag("tried")?,
            is_plain: fields.flag("plain").unwrap_or_default(),
            halted: fields.text("halted").map(|word| halt_of(&word)),
        })
    }

    pub(crate) fn draft(room: &RoomId, text: &str) -> Self {
        Self::new(Shelf::Draft, room.as_str(), &json!({ "text": text }))
    }

    pub(crate) fn to_draft(&self) -> Option<(RoomId, String)> {
        let text = Object::parse(&self.value)?.text("text")?;
        Some((RoomId::parse(&self.name).ok()?, text))
    }

    pub(crate) fn read_mark(room: &RoomId, mark: &ReadMark) -> Self {
        let value = json!({
            "createdAt": mark.key.as_ref().map(|key| key.created_at.as_str()),
            "id": mark.key.as_ref().map(|key| key.id.0.as_str()),
            "arrived": mark.arrived.map(|arrived| arrived.0),
        });
        Self::new(Shelf::Read, room.as_str(), &value)
    }

    pub(crate) fn to_read_mark(&self) -> Option<(RoomId, ReadMark)> {
        let mut fields = Object::parse(&self.value)?;
        let key = fields.text("createdAt").zip(fields.text("id"));
        let key = key.map(|(created_at, id)| OrderKey { created_at, id: MessageId(id) });
        let arrived = fields.integer("arrived").map(WallClock);
        Some((RoomId::parse(&self.name).ok()?, ReadMark { key, arrived, row: None }))
    }

    pub(crate) fn sent(sent: &Delivered) -> Self {
        let digest = data_encoding::HEXLOWER.encode(&sent.digest);
        Self::new(Shelf::Sent, &sent.id.0, &json!({ "digest": digest, "at": sent.at.0 }))
    }

    pub(crate) fn to_delivered(&self) -> Option<Delivered> {
        let mut fields = Object::parse(&self.value)?;
        let digest = data_encoding::HEXLOWER.decode(fields.text("digest")?.as_bytes()).ok()?;
        let at = WallClock(fields.integer("at")?);
        let id = ClientMessageId(self.name.clone());
        Some(Delivered { id, digest: digest.try_into().ok()?, at })
    }

    fn new(shelf: Shelf, name: &str, value: &Value) -> Self {
        Self { shelf, name: name.to_owned(), value: value.to_string() }
    }
}

/// What a record calls the reasons for which a message waits for the person.
const REASONS: [(&str, FailReason); 9] = [
    ("badRequest", FailReason::BadRequest),
    ("blockedByPage", FailReason::BlockedByPage),
    ("conflict", FailReason::Conflict),
    ("expired", FailReason::Expired),
    ("forbidden", FailReason::Forbidden),
    ("misconfigured", FailReason::Misconfigured),
    ("refused", FailReason::Refused),
    ("tooLarge", FailReason::TooLarge),
    ("unauthorized", FailReason::Unauthorized),
];
const NOT_CONFIRMED: &str = "notConfirmed";

fn word_of(halt: Halt) -> &'static str {
    let Halt::Failed(reason) = halt else { return NOT_CONFIRMED };
    REASONS.iter().find(|(_, of)| *of == reason).map_or(NOT_CONFIRMED, |(word, _)| word)
}

/// A word that is not known leaves the decision to the person as well.
fn halt_of(word: &str) -> Halt {
    let known = REASONS.iter().find(|(of, _)| *of == word);
    known.map_or(Halt::NotConfirmed, |(_, reason)| Halt::Failed(*reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_wait_for_the_person_is_read_as_it_was_written() {
        let failed = REASONS.map(|(_, reason)| Halt::Failed(reason));
        for halt in failed.into_iter().chain([Halt::NotConfirmed]) {
            assert_eq!(halt_of(word_of(halt)), halt);
        }
        assert_eq!(halt_of("of a newer version"), Halt::NotConfirmed);
    }
}
