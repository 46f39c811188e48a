//! Model backends: what a backend of each dialect would do, told from the contract alone.
//!
//! Frames are built and read as plain JSON values here, so that a misreading of the contract in the client meets
//! a second opinion. A method that returns an error has caught the client at saying something forbidden.

mod basic;
mod full;

use serde_json::{Value, json};

use crate::network::{Frame, Ground, Meaning, SocketId};
use crate::schedule::Happening;
use crate::{Dialect, STRANGER};
pub(crate) use basic::Basic;
pub(crate) use full::{Full, Stored, guest_id};

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
}

/// The model backend of a run.
#[derive(Debug)]
pub(crate) enum Backend {
    Full(Full),
    Basic(Basic),
}

impl Backend {
    pub(crate) fn new(dialect: Dialect, ground: &mut Ground, rooms: &[&str]) -> Self {
        match dialect {
            Dialect::Full => Self::Full(Full::new(ground, rooms)),
            basic => Self::Basic(Basic::new(basic, ground)),
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
        }
    }

    /// A connection has gone, as far as the server can see.
    pub(crate) fn disconnected(&mut self, socket: SocketId) {
        match self {
            Self::Full(full) => full.disconnected(socket),
            Self::Basic(basic) => basic.disconnected(socket),
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
        let action = frame["action"].as_str().ok_or("a frame has no action")?;
        if action == "hello" {
            check_hello(&frame)?;
        }
        match self {
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
            (Self::Full(_), Work::Loops { .. }) | (Self::Basic(_), Work::Commits { .. }) => {
                Err("the simulator gave work to the wrong backend".into())
            }
        }
    }

    /// Somebody who is not simulated writes a message.
    pub(crate) fn stranger_writes(&mut self, ground: &mut Ground, room: &str, text: String) {
        match self {
            Self::Full(full) => full.stranger_writes(ground, room, text),
            Self::Basic(basic) => basic.broadcast(ground, None, STRANGER, room, &text),
        }
    }
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

fn wall(ground: &Ground) -> i64 {
    EPOCH + i64::try_from(ground.schedule.now()).unwrap_or(i64::MAX / 2)
}

/// ISO 8601 in UTC with milliseconds, of a time within a month of [`EPOCH`].
pub(crate) fn iso(milliseconds: i64) -> String {
    // Counted from the first of October 2025; the days are split by month.
    const OCTOBER: i64 = 1_759_276_800_000;
    let since = milliseconds - OCTOBER;
    let (days, rest) = (since.div_euclid(86_400_000), since.rem_euclid(86_400_000));
    let (month, day) = if days < 31 { (10, days + 1) } else { (11, days - 30) };
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    format!("2025-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(iso(EPOCH), "2025-10-29T04:06:00.000Z");
        assert_eq!(iso(EPOCH + 3 * 86_400_000 + 1), "2025-11-01T04:06:00.001Z");
    }
}
