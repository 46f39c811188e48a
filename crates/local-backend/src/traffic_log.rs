//! What the server received, for tests to look at: actions, sizes and keys, never bodies.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::served_path::ServedPath;

/// Entries that are kept; older ones are forgotten, but still counted.
const MAX_ENTRIES: usize = 1_000;

/// Keys that are noted of one frame.
const MAX_KEYS: usize = 32;

/// Characters that are noted of a key or an action.
const MAX_WORD_CHARACTERS: usize = 64;

/// Different actions that are counted, so that a client cannot grow the table without end.
const MAX_COUNTED_ACTIONS: usize = 64;

/// What the server received since it started or since the log was emptied.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Log {
    /// Accepted upgrades.
    pub connects: u64,
    /// Refused upgrades.
    pub refusals: u64,
    /// Frames and HTTP requests that a fault switch lost on their way in; nothing else counts them.
    pub swallowed: u64,
    /// Received text frames by action (on AppSync: by type) and HTTP requests by the operation that
    /// they ask for; those without one are counted as `(none)`.
    pub actions: BTreeMap<String, u64>,
    /// The last entries, oldest first.
    pub entries: VecDeque<LogEntry>,
}

impl Log {
    /// How many frames with this action were received.
    pub fn count(&self, action: &str) -> u64 {
        self.actions.get(action).copied().unwrap_or(0)
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LogEntry {
    /// An upgrade was accepted.
    Connect {
        /// The path.
        path: &'static str,
        /// The new connection.
        connection_id: String,
    },
    /// An upgrade was refused.
    Refuse {
        /// The path.
        path: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// A text frame was received.
    Frame {
        /// The path.
        path: &'static str,
        /// The connection it came from.
        connection_id: String,
        /// Its `action`, if it is JSON with one; on AppSync its `type`.
        action: Option<String>,
        /// Its length in bytes.
        bytes: usize,
        /// The keys of its JSON object.
        keys: Vec<String>,
    },
    /// An HTTP request to AppSync was received.
    Request {
        /// The path.
        path: &'static str,
        /// What it asks for: the fields of a mutation or query, or `publish`.
        action: Option<String>,
        /// The length of its body in bytes.
        bytes: usize,
    },
    /// A connection ended.
    Disconnect {
        /// The path.
        path: &'static str,
        /// The connection.
        connection_id: String,
        /// The close code that this side sent or received, if any.
        code: Option<u16>,
    },
}

#[derive(Debug, Default)]
pub(crate) struct TrafficLog {
    log: Mutex<Log>,
}

impl TrafficLog {
    pub(crate) fn get(&self) -> Log {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Log::default();
    }

    pub(crate) fn connected(&self, path: ServedPath, connection_id: &str) {
        let mut log = self.lock();
        log.connects += 1;
        let connection_id = connection_id.to_owned();
        log.push(LogEntry::Connect { path: path.as_str(), connection_id });
    }

    pub(crate) fn refused(&self, path: ServedPath, status: u16) {
        let mut log = self.lock();
        log.refusals += 1;
        log.push(LogEntry::Refuse { path: path.as_str(), status });
    }

    pub(crate) fn swallowed(&self) {
        self.lock().swallowed += 1;
    }

    pub(crate) fn received(&self, path: ServedPath, connection_id: &str, text: &str) {
        let parsed: Option<Value> = serde_json::from_str(text).ok();
        let object = parsed.as_ref().and_then(Value::as_object);
        let key = if path.is_appsync() { "type" } else { "action" };
        let action = object.and_then(|object| object.get(key)).and_then(Value::as_str);
        let action = action.map(shorten);
        let keys = object.into_iter().flat_map(|object| object.keys());
        let keys = keys.take(MAX_KEYS).map(|key| shorten(key)).collect();
        let mut log = self.lock();
        log.count_one(action.as_deref());
        log.push(LogEntry::Frame {
            path: path.as_str(),
            connection_id: connection_id.to_owned(),
            action,
            bytes: text.len(),
            keys,
        });
    }

    pub(crate) fn requested(&self, path: ServedPath, action: Option<&str>, bytes: usize) {
        let action = action.map(shorten);
        let mut log = self.lock();
        log.count_one(action.as_deref());
        log.push(LogEntry::Request { path: path.as_str(), action, bytes });
    }

    pub(crate) fn disconnected(&self, path: ServedPath, connection_id: &str, code: Option<u16>) {
        let connection_id = connection_id.to_owned();
        let entry = LogEntry::Disconnect { path: path.as_str(), connection_id, code };
        self.lock().push(entry);
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn count_one(&mut self, action: Option<&str>) {
        let action = action.unwrap_or("(none)");
        if self.actions.len() < MAX_COUNTED_ACTIONS || self.actions.contains_key(action) {
            *self.actions.entry(action.to_owned()).or_default() += 1;
        }
    }

    fn push(&mut self, entry: LogEntry) {
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}

fn shorten(word: &str) -> String {
    word.chars().take(MAX_WORD_CHARACTERS).collect()
}
