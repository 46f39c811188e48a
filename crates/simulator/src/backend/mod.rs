//! Model backends: what a backend of each dialect would do, told from the contract alone.
//!
//! Frames are built and read as plain JSON values here, so that a misreading of the contract in the client meets
//! a second opinion. A method that returns an error has caught the client at saying something forbidden.

pub(crate) mod appsync;
mod basic;
mod full;

use data_encoding::BASE64URL_NOPAD;
use roomlet_client::RoomId;
use serde_json::{Value, json};

use crate::network::{Frame, Ground, Meaning, SocketId};
use crate::schedule::Happening;
use crate::{Dialect, STRANGER};
pub(crate) use appsync::{Appsync, room_of_channel};
pub(crate) use basic::Basic;
pub(crate) use full::{Full, LONGEST_COMMIT, Stored, guest_id};

/// Virtual time 0 is 2025-10-29T04:06:00.000Z.
pub(crate) const EPOCH: i64 = 1_761_710_760_000;

/// Something that a backend does later.
#[derive(Debug)]
pub(crate) enum Work {
    /// The function behind a route begins to run.
    Starts { socket: SocketId, frame: Value },
    /// A message becomes visible.
    Commits { socket: Option<SocketId>, message: Stored },
    /// The post loop of the basic dialect goes on to its next row.
    Loops { socket: Option<SocketId>, targets: Vec<SocketId>, frame: Frame },
    /// AppSync goes on with something.
    Appsync(appsync::Task),
}

/// The model backend of a run.
#[derive(Debug)]
pub(crate) enum Backend {
    Full(Full),
    Basic(Basic),
    Appsync(Appsync),
}

impl Backend {
    pub(crate) fn new(dialect: Dialect, ground: &mut Ground) -> Self {
        let rooms = dialect.rooms();
        match dialect {
            Dialect::Full => Self::Full(Full::new(ground, rooms)),
            appsync if appsync.is_appsync() => Self::Appsync(Appsync::new(appsync, ground, rooms)),
            basic => Self::Basic(Basic::new(basic, ground)),
        }
    }

    /// The messages of a room in the order that everybody sees, where the backend keeps them.
    pub(crate) fn messages(&self, room: &str) -> Vec<&Stored> {
        match self {
            Self::Full(full) => full.messages(room).collect(),
            Self::Basic(_) => Vec::new(),
            Self::Appsync(appsync) => appsync.messages(room).collect(),
        }
    }

    /// Whether nobody may enter a room.
    pub(crate) fn denies(&self, room: &str) -> bool {
        match self {
            Self::Full(_) | Self::Basic(_) => false,
            Self::Appsync(appsync) => appsync.denies(room),
        }
    }

    /// A connection has been accepted.
    pub(crate) fn connected(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        id: &str,
        room: &str,
        device: usize,
    ) {
        match self {
            Self::Full(full) => full.connected(ground, socket, id, room, device),
            Self::Basic(basic) => basic.connected(socket, id, room),
            // Which shows a header on entry, and no room.
            Self::Appsync(_) => {}
        }
    }

    /// A connection has gone, as far as the server can see.
    pub(crate) fn disconnected(&mut self, socket: SocketId) {
        match self {
            Self::Full(full) => full.disconnected(socket),
            Self::Basic(basic) => basic.disconnected(socket),
            Self::Appsync(appsync) => appsync.disconnected(socket),
        }
    }

    /// A frame has come in.
    pub(crate) fn received(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        text: &str,
    ) -> Result<(), String> {
        let frame = serde_json::from_str::<Value>(text).map_err(|_| "a frame is no JSON")?;
        if let Self::Appsync(appsync) = self {
            return appsync.received(ground, socket, &frame);
        }
        let action = frame["action"].as_str().ok_or("a frame has no action")?;
        if action == "hello" {
            check_hello(&frame)?;
        }
        match self {
            Self::Appsync(_) => Ok(()),
            // A gateway runs the functions of one connection's frames in parallel.
            Self::Full(_) => {
                let pause = ground.chance.between(1, 50);
                ground.schedule.after(pause, Happening::Works(Work::Starts { socket, frame }));
                Ok(())
            }
            Self::Basic(basic) => basic.received(ground, socket, frame),
        }
    }

    pub(crate) fn works(&mut self, ground: &mut Ground, work: Work) -> Result<(), String> {
        match (self, work) {
            (Self::Full(full), Work::Starts { socket, frame }) => {
                full.starts(ground, socket, &frame)
            }
            (Self::Full(full), Work::Commits { socket, message }) => {
                full.commits(ground, socket, message);
                Ok(())
            }
            (Self::Basic(basic), Work::Starts { socket, frame }) => {
                basic.starts(ground, socket, &frame);
                Ok(())
            }
            (Self::Basic(basic), Work::Loops { socket, targets, frame }) => {
                basic.loops(ground, socket, targets, frame);
                Ok(())
            }
            (Self::Appsync(appsync), Work::Appsync(task)) => {
                appsync.works(ground, task);
                Ok(())
            }
            (Self::Full(_) | Self::Basic(_) | Self::Appsync(_), _) => {
                Err("the simulator gave work to the wrong backend".into())
            }
        }
    }

    /// Somebody posts something that is no message, where that can be; says whether it can.
    pub(crate) fn notice(
        &mut self,
        ground: &mut Ground,
        dialect: Dialect,
        room: &str,
        text: &str,
    ) -> bool {
        match self {
            Self::Basic(basic) => basic.notice(ground, room, text),
            Self::Appsync(appsync) if dialect.is_events() => appsync.notice(ground, room, text),
            Self::Full(_) | Self::Appsync(_) => return false,
        }
        true
    }

    /// Somebody who is not simulated writes a message.
    pub(crate) fn stranger_writes(&mut self, ground: &mut Ground, room: &str, text: String) {
        match self {
            Self::Full(full) => full.stranger_writes(ground, room, text),
            Self::Basic(basic) => basic.broadcast(ground, None, STRANGER, room, &text),
            Self::Appsync(appsync) => appsync.stranger_writes(ground, room, text),
        }
    }
}

/// Reads the room out of a URL, percent-encoded as RFC 3986 has it.
pub(crate) fn room_of_url(url: &str) -> Result<RoomId, String> {
    let (_, encoded) = url.split_once("?roomId=").ok_or("a URL names no room")?;
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next(), rest.next()].into_iter().flatten().map(char::from);
            let digits = digits.collect::<String>();
            bytes.push(u8::from_str_radix(&digits, 16).map_err(|_| "a URL is badly escaped")?);
        } else if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            bytes.push(byte);
        } else {
            return Err("a room is not escaped in its URL".into());
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| "a URL is badly escaped")?;
    RoomId::parse(&text).map_err(|error| error.to_string())
}

/// Neither `roomId` nor `text`, so that nobody's broadcast shows it; the key is 128 bits.
fn check_hello(frame: &Value) -> Result<(), String> {
    let fields = frame.as_object().ok_or("hello is no object")?;
    let known = |field: &String| matches!(field.as_str(), "action" | "guestKey" | "name");
    let key = frame["guestKey"].as_str().unwrap_or_default();
    let key_is_valid = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !fields.keys().all(known) || !key_is_valid {
        return Err("hello has other fields than action, guestKey and name".into());
    }
    Ok(())
}

/// An error frame of the gateway itself; API Gateway developer guide, WebSocket API errors.
fn gateway_error(ground: &mut Ground, message: &str, connection: &str, meaning: Meaning) -> Frame {
    let request = format!("{}=", ground.chance.token().get(..8).unwrap_or_default());
    let value = json!({"message": message, "connectionId": connection, "requestId": request});
    Frame { text: value.to_string(), meaning }
}

fn post_after(ground: &mut Ground, pause: u64, socket: SocketId, frame: Frame) {
    ground.schedule.after(pause, Happening::Posts { socket, frame });
}

/// What no backend that says so would take, however often it is sent.
pub(crate) fn is_unwelcome(text: &str) -> bool {
    text.contains("unwelcome")
}

fn wall(ground: &Ground) -> i64 {
    EPOCH + i64::try_from(ground.schedule.now()).unwrap_or(i64::MAX / 2)
}

/// ISO 8601 in UTC with milliseconds.
pub(crate) fn iso(milliseconds: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// The opposite of [`iso`].
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// The auth object in a subprotocol of AppSync's.
pub(crate) fn header_of(subprotocols: &[String]) -> Result<Value, String> {
    let bad = || format!("{subprotocols:?} are no subprotocols of AppSync's");
    let header = subprotocols.iter().find_map(|one| one.strip_prefix("header-")).ok_or_else(bad)?;
    let json = BASE64URL_NOPAD.decode(header.as_bytes()).map_err(|_| bad())?;
    serde_json::from_slice(&json).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(iso(EPOCH), "2025-10-29T04:06:00.000Z");
        assert_eq!(iso(EPOCH + 3 * 86_400_000 + 1), "2025-11-01T04:06:00.001Z");
        for time in [EPOCH, EPOCH - 9_999_999, EPOCH + 90 * 86_400_000 + 1] {
            assert_eq!(parse_iso(&iso(time)), Some(time));
        }
    }
}
