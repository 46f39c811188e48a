//! What must hold on AppSync when everything has settled.

use std::collections::BTreeMap;

use roomlet_client::{Delivery, Message, RoomId};

use super::{check_kept, count, has_composed, unsent_of};
use crate::Dialect;
use crate::backend::Appsync;
use crate::browser::Browser;
use crate::device::{Device, tally_of};
use crate::ledger::{Hearing, RoomLedger, Tally};
use crate::screen::Screen;

/// The text and the time of a row; two messages can have the same.
type Shown<'a> = (&'a str, Option<i64>);

/// What was heard is shown, each message once, and nobody's message was done more often than they wished.
pub(crate) fn check(
    service: &Appsync,
    dialect: Dialect,
    browsers: &[Browser],
    devices: &[Device],
) -> Result<(), String> {
    for (index, device) in devices.iter().enumerate() {
        let rooms = device.screens.iter().filter(|(room, _)| !service.denies(room.as_str()));
        for (room, screen) in rooms {
            let place = |invariant: String| format!("device {index} in {room}: {invariant}");
            let nothing = RoomLedger::default();
            let ledger = device.ledger.rooms.get(room).unwrap_or(&nothing);
            check_sends(service, dialect, (browsers, devices), device, (room, screen))
                .map_err(place)?;
            if dialect.has_history() {
                continue;
            }
            check_shown(screen, ledger, dialect).map_err(place)?;
            check_order(screen, ledger, dialect).map_err(place)?;
            check_ownership(devices, device, (room, screen), ledger, dialect).map_err(place)?;
            check_settling(device.person, screen, ledger, dialect).map_err(place)?;
            check_notices(screen, ledger).map_err(place)?;
        }
    }
    Ok(())
}

/// Nothing is done twice that was wished once, and nothing is lost in silence.
fn check_sends(
    service: &Appsync,
    dialect: Dialect,
    (browsers, devices): (&[Browser], &[Device]),
    device: &Device,
    (room, screen): (&RoomId, &Screen),
) -> Result<(), String> {
    let person = device.person;
    let tallies = device.ledger.rooms.get(room).map(|ledger| &ledger.tallies);
    for text in tallies.into_iter().flat_map(BTreeMap::keys) {
        let done = service.times_done(person, room.as_str(), text);
        let tally = tally_of(devices, person, room, text);
        let Tally { composed, retried, discarded, lost, .. } = tally;
        let wished = composed + if dialect.is_idempotent() { 0 } else { retried };
        if done > wished {
            return Err(format!("{text:?} was done {done} times and wished {wished} times"));
        }
        let unsent = unsent_of(devices, person, room, text).collect::<Vec<_>>();
        let has_failed = unsent.iter().any(|one| matches!(one.delivery, Delivery::Failed(_)));
        let unsent = count(unsent.len());
        for one in devices.iter().filter(|one| one.person == person) {
            let Some(screen) = one.screens.get(room) else { continue };
            let own = screen.sent().filter(|one| one.text == *text && one.is_own()).count();
            let waiting = screen.unsent().filter(|(_, one)| one.text == *text).count();
            if dialect != Dialect::GraphqlBasic && count(own + waiting) > composed {
                return Err(format!("{text:?} is shown more often than it was written: {tally:?}"));
            }
        }
        if !dialect.has_history() {
            check_kept(browsers, devices, device, (room, screen), (text, done))?;
        }
        if dialect.is_idempotent() && !has_failed && unsent > 0 && !tally.is_carried {
            return Err(format!("{text:?} can be sent again, and is not: {tally:?}"));
        }
        if dialect.is_idempotent()
            && !has_failed
            && discarded == 0
            && !tally.is_carried
            && (done > composed || done + lost < composed)
        {
            return Err(format!("{text:?} was done {done} times: {tally:?}"));
        }
    }
    Ok(())
}

/// What had to be shown is shown, once; what did not have to be is shown once at most.
fn check_shown(screen: &Screen, ledger: &RoomLedger, dialect: Dialect) -> Result<(), String> {
    let mut rows = BTreeMap::<Shown<'_>, u32>::new();
    for message in screen.sent() {
        *rows.entry(shown(message)).or_default() += 1;
    }
    let mut heard = BTreeMap::<Shown<'_>, (u32, u32)>::new();
    let is_one = |one: &&Hearing| one.times.len() == 1;
    for hearing in visible(ledger, dialect).filter(is_one) {
        let (least, most) = heard.entry(expected(hearing)).or_default();
        *least += u32::from(hearing.must_show);
        *most += 1;
    }
    for (message, (least, most)) in &heard {
        let shown = rows.get(message).copied().unwrap_or(0);
        if shown < *least || shown > *most {
            let like = screen.sent().filter(|one| one.text == message.0).map(|one| one.time);
            return Err(format!(
                "{message:?} came {most} times, and is shown {shown} times; rows like it: {:?}",
                like.collect::<Vec<_>>()
            ));
        }
    }
    for one in visible(ledger, dialect).filter(|one| one.times.len() > 1) {
        let shown = one.times.iter().map(|time| {
            let message = (one.heard.text.as_str(), *time);
            heard.entry(message).or_default();
            rows.get(&message).copied().unwrap_or(0)
        });
        let shown = shown.sum::<u32>();
        if shown > 1 || (one.must_show && shown == 0) {
            return Err(format!("{:?} of {:?} is shown {shown} times", one.heard.text, one.times));
        }
    }
    // A message that was confirmed, and did not come back, keeps the time of its writing.
    let mut silent = BTreeMap::<&str, u32>::new();
    for message in screen.sent().filter(|one| !heard.contains_key(&shown(one))) {
        let count = silent.entry(message.text.as_str()).or_default();
        *count += 1;
        let confirmed = ledger.confirmed.get(&message.text).copied().unwrap_or(0);
        if !message.is_own() || *count > confirmed {
            return Err(format!("{:?} of {:?} never came", message.text, message.time));
        }
    }
    Ok(())
}

/// By the server's time and id where there are such; else by arrival.
fn check_order(screen: &Screen, ledger: &RoomLedger, dialect: Dialect) -> Result<(), String> {
    let is_certain = |one: &&Hearing| one.is_first && one.times.len() == 1;
    let mut order = visible(ledger, dialect).filter(is_certain).collect::<Vec<_>>();
    if dialect != Dialect::EventsRaw {
        order.sort_by_key(|one| (one.heard.created_at, &one.heard.id));
    }
    let order = order.into_iter().map(expected).collect::<Vec<_>>();
    let rows = screen.sent().map(shown).filter(|row| order.contains(row)).collect::<Vec<_>>();
    if rows != order {
        let at = rows.iter().zip(&order).position(|(a, b)| a != b).unwrap_or(rows.len());
        let (row, place) = (rows.get(at), order.get(at));
        return Err(format!("the order is kept: row {at} is {row:?} and should be {place:?}"));
    }
    Ok(())
}

/// A message is own if it bears the id of a send, or if the answer to a send said so.
fn check_ownership(
    devices: &[Device],
    device: &Device,
    (room, screen): (&RoomId, &Screen),
    ledger: &RoomLedger,
    dialect: Dialect,
) -> Result<(), String> {
    for message in screen.sent() {
        let is_it = |one: &&Hearing| {
            let (text, time) = shown(message);
            one.heard.text == text && one.times.contains(&time)
        };
        let mut candidates = visible(ledger, dialect).filter(is_it);
        let (Some(hearing), None) = (candidates.next(), candidates.next()) else { continue };
        let is_mine = hearing.heard.device == Some(device.person);
        // What another page of theirs sends, or sent before, a page does not know that finds no disk; and none does if
        // that one had none.
        let untold = |one: &Device| {
            let knows = |tally: &Tally| tally.composed > 0 && (!one.keeps() || tally.is_forgotten);
            one.person == device.person
                && one
                    .ledger
                    .rooms
                    .get(room)
                    .and_then(|of| of.tallies.get(&message.text))
                    .is_some_and(knows)
        };
        let is_untold = devices.iter().any(untold) && !has_composed(device, room, &message.text);
        let tally = ledger.tallies.get(&message.text).cloned().unwrap_or_default();
        let is_here = tally.composed > 0 && tally.sent_before == 0 && !tally.is_carried;
        if is_mine && (tally.is_forgotten || is_untold || (!device.keeps() && !is_here)) {
            continue;
        }
        let says_so = dialect != Dialect::GraphqlBasic || hearing.by_answer;
        if message.is_own() != is_mine && (says_so || message.is_own()) {
            return Err(format!("{:?} is own: {is_mine}, not {}", message.text, message.is_own()));
        }
    }
    Ok(())
}

/// An own message that came back, or was confirmed, is sent.
fn check_settling(
    person: usize,
    screen: &Screen,
    ledger: &RoomLedger,
    dialect: Dialect,
) -> Result<(), String> {
    for (text, tally) in &ledger.tallies {
        let knows = |one: &&Hearing| {
            // In the basic schema nothing in a message says whose it is.
            let is_recognised = dialect != Dialect::GraphqlBasic && one.is_first;
            one.heard.device == Some(person) && one.heard.text == *text && is_recognised
        };
        let is_known = ledger.hearings.iter().any(|one| knows(&one));
        let is_plain = tally.composed == 1 && tally.retried + tally.discarded == 0;
        let unsent = screen.unsent().any(|(_, one)| one.text == *text);
        if is_plain && is_known && unsent {
            return Err(format!("the echo of {text:?} settles it"));
        }
    }
    Ok(())
}

fn check_notices(screen: &Screen, ledger: &RoomLedger) -> Result<(), String> {
    let mut rows = BTreeMap::<&str, u32>::new();
    for text in screen.notices() {
        *rows.entry(text).or_default() += 1;
    }
    for one in ledger.hearings.iter().filter(|one| one.heard.is_notice) {
        let shown = rows.remove(one.heard.text.as_str()).unwrap_or(0);
        if shown > 1 || (one.must_show && shown == 0) {
            return Err(format!("the notice {} is shown {shown} times", one.heard.text));
        }
    }
    match rows.first_key_value() {
        Some((text, _)) => Err(format!("the notice {text} never came")),
        None => Ok(()),
    }
}

/// The messages that a client could show as they came.
fn visible(ledger: &RoomLedger, dialect: Dialect) -> impl Iterator<Item = &Hearing> {
    let by_answer = dialect == Dialect::GraphqlBasic;
    let messages = ledger.hearings.iter().filter(|one| !one.heard.is_notice);
    messages.filter(move |one| one.by_echo || (by_answer && one.by_answer))
}

fn expected(hearing: &Hearing) -> Shown<'_> {
    (&hearing.heard.text, hearing.heard.created_at)
}

fn shown(message: &Message) -> Shown<'_> {
    (&message.text, message.time.map(|time| time.0))
}
