//! What must hold after every step.

use roomlet_client::{Delivery, History, Message, RoomId, Row, RowContent, WallClock};
use serde_json::Value;

use crate::Dialect;
use crate::backend::{Backend, LONGEST_COMMIT, Stored};
use crate::conversation::Conversation;
use crate::device::Device;
use crate::disk::Disk;
use crate::exchange::Heard;
use crate::ledger::Tally;
use crate::network::{End, Network};

/// How long two connections of a room may be live: thirty seconds to join, twenty for a sign of life of the first, fifteen
/// for its last answer, and timers may be late each time.
const LONGEST_OVERLAP: u64 = 125_000;
/// A backend that is down is not hammered: a device tries its connections so often within so many milliseconds at most.
/// The first pauses are short, and a person may ask; but they grow.
const MAX_ATTEMPTS: usize = 32;
const ATTEMPTS_WINDOW: u64 = 20_000;

/// Thirty days, in milliseconds.
const LONGEST_WAIT: i64 = 30 * 24 * 60 * 60 * 1_000;

/// So many rows at once are a page of history.
pub(crate) const ROWS_OF_A_PAGE: usize = 20;

/// A message that goes out.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) room: RoomId,
    pub(crate) text: String,
    pub(crate) has_id: bool,
}

/// After an input: the screen is right, and the client will not wait for ever.
pub(crate) fn check_device(
    device: &Device,
    index: usize,
    network: &Network,
    now: u64,
) -> Result<(), String> {
    for (room, screen) in &device.screens {
        if !device.client.rows(room).eq(screen.rows()) {
            return Err("changes applied to a copy of the rows keep it equal to the rows".into());
        }
        if screen.has_twice() {
            return Err("a row stands in the list twice".into());
        }
        if !screen.ends_with_unsent() {
            return Err("what is not sent stands after what is".into());
        }
        let sending = screen.unsent().filter(|(_, one)| one.delivery == Delivery::Sending).count();
        if sending > 1 {
            return Err(format!("{sending} messages of a room are in flight at a time"));
        }
        check_live(device, index, room, network, now)?;
        check_deadline(device, index, room, network)?;
    }
    Ok(())
}

/// A page of history has come: if messages are missing right before it, a row says so.
pub(crate) fn check_hole(device: &Device, backend: &Backend) -> Result<(), String> {
    for (room, screen) in device.screens.iter().filter(|(_, screen)| !screen.has_hole()) {
        let is_new = |row: &Row| device.fresh.iter().any(|(of, id)| of == room && *id == row.id);
        let sent = |row: &&Row| row.message().is_some_and(|one| one.delivery == Delivery::Sent);
        let rows = screen.rows().iter().filter(sent).collect::<Vec<_>>();
        if rows.iter().filter(|row| is_new(row)).count() < ROWS_OF_A_PAGE {
            continue;
        }
        let first = rows.iter().position(|row| is_new(row)).unwrap_or(0);
        let (Some(first), Some(before)) =
            (rows.get(first), first.checked_sub(1).and_then(|at| rows.get(at)))
        else {
            continue;
        };
        let stored = backend.messages(room.as_str());
        // The page may have been read while these were being stored; catching up once more brings them.
        let newest = rows.iter().rfind(|row| is_new(row)).and_then(|row| row.message()?.time);
        let is_late = |one: &Stored| {
            newest.is_some_and(|newest| newest.0 - one.created_at <= LONGEST_COMMIT.cast_signed())
        };
        let place = |row: &Row| {
            stored.iter().position(|one| {
                row.message().is_some_and(|message| {
                    message.text == one.text
                        && message.time.is_some_and(|time| time.0 == one.created_at)
                })
            })
        };
        if let (Some(before), Some(first)) = (place(before), place(first))
            && first > before + 1
        {
            let between = stored.iter().take(first).skip(before + 1);
            let missing = between.filter(|one| !is_late(one)).count();
            if missing > 0 {
                return Err(format!("a hole of {missing} messages is a row until it is filled"));
            }
        }
    }
    Ok(())
}

/// One connection of a room is wanted: a second one only while it takes the place of the first.
fn check_live(
    device: &Device,
    index: usize,
    room: &RoomId,
    network: &Network,
    now: u64,
) -> Result<(), String> {
    let mut mine = network.sockets.iter().filter(|one| one.device == index && one.carries(room));
    let live = mine.clone().filter(|one| one.at_client != End::Closed).collect::<Vec<_>>();
    let opening = live.iter().filter(|one| one.at_client == End::Opening).count();
    if live.len() > 2 || opening > 1 {
        let live = live.len();
        return Err(format!("{live} connections of one room are live, {opening} being opened"));
    }
    if let [_, next] = *live
        && next.asked_at.max(device.awake_since) + LONGEST_OVERLAP < now
    {
        return Err(format!("two connections of one room are live since {}", next.asked_at));
    }
    if mine.any(|one| one.conversation.has_too_many()) {
        return Err("a room has three subscriptions on one connection".into());
    }
    Ok(())
}

fn check_deadline(
    device: &Device,
    index: usize,
    room: &RoomId,
    network: &Network,
) -> Result<(), String> {
    let mine = |one: &&crate::network::Socket| one.device == index && one.carries(room);
    let is_open = network.sockets.iter().filter(mine).any(|one| one.at_client == End::Open);
    let is_unsent = device.screens.get(room).is_some_and(|screen| {
        let waits = |delivery| matches!(delivery, Delivery::Queued | Delivery::Sending);
        screen.unsent().any(|(_, message)| waits(message.delivery))
    });
    let is_answer_due = network
        .sockets
        .iter()
        .filter(mine)
        .any(|one| one.at_client == End::Open && one.conversation.awaits_answer());
    let is_request_due = !device.exchanges.is_empty();
    let waits =
        is_answer_due || is_request_due || (!device.is_refused(room) && (!is_open || is_unsent));
    if waits && device.client.poll_timeout().is_none() {
        return Err("a client that waits has a deadline".into());
    }
    Ok(())
}

/// A basic backend has no history: who comes back must see that something may be missing.
pub(crate) fn check_interruption(device: &Device, room: &RoomId) -> Result<(), String> {
    let last = device.screens.get(room).and_then(|screen| screen.last_confirmed());
    if device.client.history(room) == Some(History::None)
        && last.is_some_and(|content| *content != RowContent::Interruption)
    {
        return Err("an interruption with rows before it leaves a row".into());
    }
    Ok(())
}

/// The connection beside has taken the place of the other one: what that one had lost is said now, at the latest.
pub(crate) fn check_owed(device: &mut Device, taken_over: &Conversation) -> Result<(), String> {
    for (id, room) in &mut device.ledger.rooms {
        let Some(before) = room.owes_interruption.take() else { continue };
        let Some(screen) = device.screens.get(id) else { continue };
        let is_last = screen.last_confirmed().is_none_or(|last| *last == RowContent::Interruption);
        if taken_over.is_joined(id.as_str()) && screen.interruptions() <= before && !is_last {
            return Err("a connection that takes over tells what the other one had lost".into());
        }
    }
    Ok(())
}

/// An own message has come back. Where messages bear the id of their send, that settles it; where they do not, it is
/// held until the answer says whose it is, lest it be shown as somebody else's.
pub(crate) fn check_echo(device: &Device, heard: &Heard, dialect: Dialect) -> Result<(), String> {
    let Ok(room) = RoomId::parse(&heard.room) else { return Ok(()) };
    let (Some(screen), Some(ledger)) = (device.screens.get(&room), device.ledger.rooms.get(&room))
    else {
        return Ok(());
    };
    let is_once = ledger
        .tallies
        .get(&heard.text)
        .is_some_and(|tally| tally.composed == 1 && tally.retried + tally.discarded == 0);
    let text = &heard.text;
    let mut unsent = screen.unsent().filter(|(_, one)| one.text == *text);
    if dialect != Dialect::GraphqlBasic {
        return match unsent.next() {
            Some((_, one)) if is_once => {
                Err(format!("{text:?} came back and is {:?}", one.delivery))
            }
            _ => Ok(()),
        };
    }
    let is_due = unsent.any(|(_, one)| one.delivery == Delivery::Sending);
    let is_it =
        |one: &Message| one.text == *text && one.time.map(|time| time.0) == heard.created_at;
    let is_strange = screen.sent().any(|one| is_it(one) && !one.is_own());
    if is_once && is_due && is_strange {
        return Err(format!("{text:?} is shown as somebody else's while its answer is due"));
    }
    Ok(())
}

/// A message goes out: the disk must know of it, and that it was tried, unless the person knows that nothing is kept.
pub(crate) fn check_stored(
    device: &Device,
    disk: &Disk,
    room: &RoomId,
    text: &str,
) -> Result<(), String> {
    if device.keeps() && !disk.knows_tried(room, text) {
        return Err(format!("{text:?} is sent before the disk knows of it"));
    }
    Ok(())
}

/// What the person has taken back is not sent any more; and what nobody can tell from a second one is sent once.
pub(crate) fn check_wanted(
    tally: &Tally,
    dialect: Dialect,
    wall: Option<WallClock>,
) -> Result<(), String> {
    if wall.is_some_and(|wall| wall.0.saturating_sub(tally.wanted_at) > LONGEST_WAIT) {
        return Err("what was wanted thirty days ago is not sent by itself".into());
    }
    // In a page that was taken for gone while it slept, and where the person was quicker than its disk, it comes too late.
    if tally.composed == 1 && tally.discarded == 1 && tally.taken == 0 {
        return Err("what the person has discarded is not sent".into());
    }
    if !dialect.is_appsync() && tally.sent_without_id > tally.composed + tally.retried {
        return Err("a send that is not idempotent is repeated unasked".into());
    }
    Ok(())
}

/// A client opens a connection: not again and again.
pub(crate) fn check_attempts(device: &mut Device, now: u64) -> Result<(), String> {
    let attempts = &mut device.ledger.attempts;
    attempts.retain(|at| at + ATTEMPTS_WINDOW > now);
    attempts.push_back(now);
    if attempts.len() > MAX_ATTEMPTS {
        return Err(format!(
            "{} connections are tried within {ATTEMPTS_WINDOW} ms",
            attempts.len()
        ));
    }
    Ok(())
}

/// A frame that a client sends to a gateway; returns the message that it sends.
pub(crate) fn check_frame(
    device: &mut Device,
    network: &mut Network,
    socket: usize,
    text: &str,
    (dialect, now): (Dialect, u64),
) -> Result<Option<Sending>, String> {
    let socket = network.sockets.get_mut(socket).ok_or("a frame goes to no socket")?;
    if socket.at_client != End::Open {
        return Err("a frame is sent on a connection that is not open".into());
    }
    let frame = serde_json::from_str::<Value>(text).map_err(|_| "a frame is no JSON")?;
    match frame["action"].as_str() {
        Some("hello") => {
            socket.hellos += 1;
            device.ledger.hellos += 1;
            let is_blind = dialect != Dialect::Full || !device.ledger.has_evidence;
            if socket.hellos > 1 + socket.broken_answers {
                return Err("hello is said once on a connection for each answer".into());
            }
            if is_blind && device.ledger.hellos > 1 {
                return Err(
                    "hello is said once by a page that does not know of a full backend".into()
                );
            }
            if frame["guestKey"].as_str() != Some(device.guest_key.as_str()) {
                return Err("hello bears another guest key".into());
            }
        }
        Some("ping") if dialect != Dialect::Full && !device.ledger.may_ping => {
            return Err("a ping goes to a basic backend whose gateway did not answer hello".into());
        }
        Some("sendMessage") => {
            let room = socket.room.clone().ok_or("a message goes to no room")?;
            if frame["roomId"].as_str() != Some(room.as_str()) {
                return Err("a message goes to another room than its connection".into());
            }
            if device.ledger.rooms.get(&room).is_some_and(|room| now < room.quiet_until) {
                return Err("a backend that asks for a pause gets one".into());
            }
            let text = frame["text"].as_str().unwrap_or_default().to_owned();
            let has_id = frame["clientMessageId"].is_string();
            return Ok(Some(Sending { room, text, has_id }));
        }
        _ => {}
    }
    Ok(None)
}
