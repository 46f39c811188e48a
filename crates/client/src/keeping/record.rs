//! What the device keeps, record by record.

use serde::{Deserialize, Serialize};

use crate::auth::sha256;
use crate::chat::ids::{ClientMessageId, MessageId, RoomId, TabId};
use crate::chat::message::{FailReason, Halt};
use crate::chat::outbox::{Outgoing, Written};
use crate::chat::reading::ReadMark;
use crate::chat::timeline::OrderKey;
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

/// An unsent message, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unsent {
    room_id: String,
    text: String,
    /// Milliseconds since 1970, as the device believed.
    written: i64,
    /// Tells messages of one moment apart.
    number: u64,
    /// It may have been handed to a connection.
    tried: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    halted: Option<Halted>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Halted {
    NotConfirmed,
    BadRequest,
    BlockedByPage,
    Conflict,
    Expired,
    Forbidden,
    Misconfigured,
    Refused,
    TooLarge,
    Unauthorized,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arrived: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    digest: String,
    at: i64,
}

/// A message that has been read from the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restored {
    pub(crate) room: RoomId,
    pub(crate) id: ClientMessageId,
    pub(crate) text: String,
    pub(crate) written: Written,
    pub(crate) tried: bool,
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
        let value = Unsent {
            room_id: room.as_str().to_owned(),
            text: message.text.clone(),
            written: message.written.at.0,
            number: message.written.number,
            tried: message.tried,
            halted: message.halted().map(Halted::from),
        };
        Self::new(Shelf::Unsent(tab.clone()), &message.id.0, &value)
    }

    /// Reads an unsent message; `None` for what no client has written.
    pub(crate) fn to_restored(&self) -> Option<Restored> {
        let unsent = self.read::<Unsent>()?;
        Some(Restored {
            room: RoomId::parse(&unsent.room_id).ok()?,
            id: ClientMessageId(self.name.clone()),
            text: unsent.text,
            written: Written { at: WallClock(unsent.written), number: unsent.number },
            tried: unsent.tried,
            halted: unsent.halted.map(Halt::from),
        })
    }

    pub(crate) fn draft(room: &RoomId, text: &str) -> Self {
        Self::new(Shelf::Draft, room.as_str(), &text)
    }

    pub(crate) fn to_draft(&self) -> Option<(RoomId, String)> {
        Some((RoomId::parse(&self.name).ok()?, self.read()?))
    }

    pub(crate) fn read_mark(room: &RoomId, mark: &ReadMark) -> Self {
        let value = Read {
            created_at: mark.key.as_ref().map(|key| key.created_at.clone()),
            id: mark.key.as_ref().map(|key| key.id.0.clone()),
            arrived: mark.arrived.map(|arrived| arrived.0),
        };
        Self::new(Shelf::Read, room.as_str(), &value)
    }

    pub(crate) fn to_read_mark(&self) -> Option<(RoomId, ReadMark)> {
        let read = self.read::<Read>()?;
        let key = read.created_at.zip(read.id);
        let key = key.map(|(created_at, id)| OrderKey { created_at, id: MessageId(id) });
        let mark = ReadMark { key, arrived: read.arrived.map(WallClock), row: None };
        Some((RoomId::parse(&self.name).ok()?, mark))
    }

    pub(crate) fn sent(sent: &Delivered) -> Self {
        let digest = data_encoding::HEXLOWER.encode(&sent.digest);
        Self::new(Shelf::Sent, &sent.id.0, &Sent { digest, at: sent.at.0 })
    }

    pub(crate) fn to_delivered(&self) -> Option<Delivered> {
        let sent = self.read::<Sent>()?;
        let digest = data_encoding::HEXLOWER.decode(sent.digest.as_bytes()).ok()?;
        let id = ClientMessageId(self.name.clone());
        Some(Delivered { id, digest: digest.try_into().ok()?, at: WallClock(sent.at) })
    }

    fn new(shelf: Shelf, name: &str, value: &impl Serialize) -> Self {
        // Strings, numbers and flags can always be written as JSON.
        let value = serde_json::to_string(value).unwrap_or_default();
        Self { shelf, name: name.to_owned(), value }
    }

    fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(&self.value).ok()
    }
}

impl From<Halt> for Halted {
    fn from(halt: Halt) -> Self {
        let Halt::Failed(reason) = halt else { return Self::NotConfirmed };
        match reason {
            FailReason::BadRequest => Self::BadRequest,
            FailReason::BlockedByPage => Self::BlockedByPage,
            FailReason::Conflict => Self::Conflict,
            FailReason::Expired => Self::Expired,
            FailReason::Forbidden => Self::Forbidden,
            FailReason::Misconfigured => Self::Misconfigured,
            FailReason::Refused => Self::Refused,
            FailReason::TooLarge => Self::TooLarge,
            FailReason::Unauthorized => Self::Unauthorized,
        }
    }
}

impl From<Halted> for Halt {
    fn from(halted: Halted) -> Self {
        Self::Failed(match halted {
            Halted::NotConfirmed => return Self::NotConfirmed,
            Halted::BadRequest => FailReason::BadRequest,
            Halted::BlockedByPage => FailReason::BlockedByPage,
            Halted::Conflict => FailReason::Conflict,
            Halted::Expired => FailReason::Expired,
            Halted::Forbidden => FailReason::Forbidden,
            Halted::Misconfigured => FailReason::Misconfigured,
            Halted::Refused => FailReason::Refused,
            Halted::TooLarge => FailReason::TooLarge,
            Halted::Unauthorized => FailReason::Unauthorized,
        })
    }
}
