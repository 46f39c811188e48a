//! Rooms and connections in SQLite.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::rooms::{
    Message, MessageId, OrderKey, RoomId, RoomStore, Sender, SenderKind, StoreError, Timestamp,
    Walk,
};

/// How long to wait for another program that has the file open for writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// `Connections` and `ChatMessages` are the two tables of the basic dialect, by its names.
/// The position orders the rows of a room, so that a test can put one in front.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS messages (
    room_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    client_message_id TEXT,
    sender_id TEXT NOT NULL,
    sender_name TEXT,
    sender_kind TEXT NOT NULL,
    sender_connection_id TEXT,
    PRIMARY KEY (room_id, created_at_ms, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS messages_by_id ON messages (room_id, id);
CREATE UNIQUE INDEX IF NOT EXISTS messages_by_client_message_id
    ON messages (room_id, client_message_id) WHERE client_message_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS Connections (
    position INTEGER NOT NULL,
    connectionId TEXT NOT NULL PRIMARY KEY,
    roomId TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS RoomIndex ON Connections (roomId, position);
CREATE VIEW IF NOT EXISTS ChatMessages AS
    SELECT CAST(created_at_ms AS TEXT) AS messageId, room_id AS roomId,
        sender_connection_id AS senderId, text, created_at AS createdAt
    FROM messages;
";

const MESSAGE_COLUMNS: &str = "room_id, created_at_ms, id, text, client_message_id, sender_id, \
     sender_name, sender_kind, sender_connection_id";

/// Where the database is.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// In a file, created if it is not there.
    File(PathBuf),
    /// In memory, gone with the process.
    Memory,
}

/// Where a row of `Connections` goes among those of its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowPosition {
    First,
    Last,
}

/// The open database.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    database: Connection,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl SqliteStore {
    pub(crate) fn open(location: &Location) -> Result<Self, StoreError> {
        Self::open_waiting(location, BUSY_TIMEOUT)
    }

    /// Opens a database that waits so long for another program.
    pub(super) fn open_waiting(
        location: &Location,
        busy_timeout: Duration,
    ) -> Result<Self, StoreError> {
        let database = match location {
            Location::File(path) => Connection::open(path)?,
            Location::Memory => Connection::open_in_memory()?,
        };
        database.busy_timeout(busy_timeout)?;
        // A commit in the write-ahead log with a full sync survives kill -9 and a power cut.
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.execute_batch(SCHEMA)?;
        Ok(Self { database })
    }

    /// Begins the transaction that a group of jobs shares.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        self.database.pragma_update(None, "query_only", false)?;
        Ok(self.database.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Lets nothing be written while there is no transaction: it did not begin, or an error ended it
    /// (SQLite, "Response To Errors Within A Transaction"). What is written then would be kept,
    /// though everybody is told that it was not.
    pub(crate) fn write_in_transaction_only(&mut self) -> Result<(), StoreError> {
        if self.database.is_autocommit() {
            self.database.pragma_update(None, "query_only", true)?;
        }
        Ok(())
    }

    /// Makes the transaction durable, or takes it back.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.database.execute_batch("COMMIT").map_err(|error| {
            // A failed commit may have ended the transaction already, and then this fails too.
            let _ = self.database.execute_batch("ROLLBACK");
            StoreError::from(error)
        })
    }

    /// Adds a row to `Connections`, as the `$connect` route does.
    pub(crate) fn insert_connection(
        &mut self,
        connection_id: &str,
        room: &RoomId,
        position: RowPosition,
    ) -> Result<(), StoreError> {
        let choose = match position {
            RowPosition::First => "COALESCE(MIN(position), 0) - 1",
            RowPosition::Last => "COALESCE(MAX(position), 0) + 1",
        };
        let sql = format!(
            "INSERT INTO Connections (position, connectionId, roomId)
             SELECT {choose}, ?1, ?2 FROM Connections"
        );
        self.database.prepare_cached(&sql)?.execute(params![connection_id, room.as_str()])?;
        Ok(())
    }

    /// Deletes a row of `Connections`, as a `$disconnect` route does.
    pub(crate) fn delete_connection(&mut self, connection_id: &str) -> Result<(), StoreError> {
        self.database
            .prepare_cached("DELETE FROM Connections WHERE connectionId = ?1")?
            .execute(params![connection_id])?;
        Ok(())
    }

    /// Deletes the rows that a previous run left.
    pub(crate) fn delete_all_connections(&mut self) -> Result<(), StoreError> {
        self.database.execute("DELETE FROM Connections", [])?;
        Ok(())
    }

    /// The connection ids of a room, by index `RoomIndex`, in the order of the rows.
    pub(crate) fn connections_of(&mut self, room: &RoomId) -> Result<Vec<String>, StoreError> {
        let mut statement = self.database.prepare_cached(
            "SELECT connectionId FROM Connections WHERE roomId = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map(params![room.as_str()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl RoomStore for SqliteStore {
    fn find_by_client_message_id(
        &mut self,
        room: &RoomId,
        client_message_id: &str,
    ) -> Result<Option<Message>, StoreError> {
        let sql = format!(
            "SELECT {MESSAGE_COLUMNS} FROM messages WHERE room_id = ?1 AND client_message_id = ?2"
        );
        let mut statement = self.database.prepare_cached(&sql)?;
        let found = statement.query_row(params![room.as_str(), client_message_id], read_message);
        Ok(found.optional()?)
    }

    fn find_order_key(
        &mut self,
        room: &RoomId,
        id: &MessageId,
    ) -> Result<Option<OrderKey>, StoreError> {
        let mut statement = self.database.prepare_cached(
            "SELECT created_at_ms, id FROM messages WHERE room_id = ?1 AND id = ?2",
        )?;
        let found = statement.query_row(params![room.as_str(), id.as_str()], read_order_key);
        Ok(found.optional()?)
    }

    fn newest(&mut self, room: &RoomId) -> Result<Option<OrderKey>, StoreError> {
        let mut statement = self.database.prepare_cached(
            "SELECT created_at_ms, id FROM messages WHERE room_id = ?1
             ORDER BY created_at_ms DESC, id DESC LIMIT 1",
        )?;
        Ok(statement.query_row(params![room.as_str()], read_order_key).optional()?)
    }

    fn insert(&mut self, message: &Message) -> Result<(), StoreError> {
        let mut statement = self.database.prepare_cached(
            "INSERT INTO messages (room_id, created_at_ms, created_at, id, text,
                client_message_id, sender_id, sender_name, sender_kind, sender_connection_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        statement.execute(params![
            message.room.as_str(),
            message.key.created_at.0,
            message.key.created_at.to_string(),
            message.key.id.as_str(),
            message.text,
            message.client_message_id,
            message.sender.id,
            message.sender.name,
            message.sender.kind.as_str(),
            message.sender_connection_id,
        ])?;
        Ok(())
    }

    fn walk(
        &mut self,
        room: &RoomId,
        walk: &Walk,
        visit: &mut dyn FnMut(Message) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let (bound, order) = match walk {
            Walk::FromNewest => (None, "DESC"),
            Walk::Before(key) => (Some(("<", key)), "DESC"),
            Walk::After(key) => (Some((">", key)), "ASC"),
        };
        let comparison = bound.map_or_else(String::new, |(operator, _)| {
            format!("AND (created_at_ms, id) {operator} (?2, ?3)")
        });
        let sql = format!(
            "SELECT {MESSAGE_COLUMNS} FROM messages WHERE room_id = ?1 {comparison}
             ORDER BY created_at_ms {order}, id {order}"
        );
        let mut statement = self.database.prepare_cached(&sql)?;
        let mut rows = match bound {
            None => statement.query(params![room.as_str()])?,
            Some((_, key)) => {
                statement.query(params![room.as_str(), key.created_at.0, key.id.as_str()])?
            }
        };
        while let Some(row) = rows.next()? {
            if visit(read_message(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn read_order_key(row: &Row<'_>) -> rusqlite::Result<OrderKey> {
    Ok(OrderKey { created_at: Timestamp(row.get(0)?), id: MessageId::from_text(row.get(1)?) })
}

fn read_message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let kind: String = row.get(7)?;
    Ok(Message {
        room: RoomId::from_store(row.get(0)?),
        key: OrderKey { created_at: Timestamp(row.get(1)?), id: MessageId::from_text(row.get(2)?) },
        text: row.get(3)?,
        client_message_id: row.get(4)?,
        sender: Sender {
            id: row.get(5)?,
            name: row.get(6)?,
            kind: if kind == SenderKind::User.as_str() {
                SenderKind::User
            } else {
                SenderKind::Guest
            },
        },
        sender_connection_id: row.get(8)?,
    })
}
