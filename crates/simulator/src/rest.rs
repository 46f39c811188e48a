//! What must hold when everything has settled.

pub(crate) mod appsync;

use std::collections::{BTreeMap, BTreeSet};

use roomlet_client::{Author, Delivery, History, Message, Refusal, RoomId, Standing, Status};

use crate::backend::{Backend, Stored};
use crate::browser::Browser;
use crate::device::{Device, tally_of};
use crate::ledger::{Ledger, RoomLedger, Tally};
use crate::screen::Screen;

/// What holds in every dialect.
pub(crate) fn check_settled(backend: &Backend, devices: &[Device]) -> Result<(), String> {
    for (index, device) in devices.iter().enumerate() {
        for room in device.screens.keys() {
            if backend.denies(room.as_str()) {
                let status = device.client.status(room);
                if status != Some(Status::Refused(Refusal::Forbidden)) {
                    return Err(format!("device {index} may not enter {room}: it is {status:?}"));
                }
                continue;
            }
            if device.client.status(room) != Some(Status::Online) {
                let status = device.client.status(room);
                return Err(format!("device {index} comes back to {room}: it is {status:?}"));
            }
        }
    }
    check_sends_ended(backend, devices)
}

/// Nothing waits, and nothing is on its way.
pub(crate) fn check_sends_ended(backend: &Backend, devices: &[Device]) -> Result<(), String> {
    for (index, device) in devices.iter().enumerate() {
        let entered = device.screens.iter().filter(|(room, _)| !backend.denies(room.as_str()));
        for (_, message) in entered.flat_map(|(_, screen)| screen.unsent()) {
            if !matches!(message.delivery, Delivery::NotConfirmed | Delivery::Failed(_)) {
                return Err(format!(
                    "every send ends: {:?} of device {index} is still {:?}",
                    message.text, message.delivery
                ));
            }
        }
    }
    Ok(())
}

/// A backend with history: the screens show what the server has, and it has what people sent.
pub(crate) fn check_history(
    backend: &Backend,
    browsers: &[Browser],
    devices: &[Device],
    is_whole: bool,
) -> Result<(), String> {
    for (index, device) in devices.iter().enumerate() {
        let rooms = device.screens.iter().filter(|(room, _)| !backend.denies(room.as_str()));
        for (room, screen) in rooms {
            let place = |invariant: String| format!("device {index} in {room}: {invariant}");
            let stored = backend.messages(room.as_str());
            check_list(&stored, devices, index, room, screen, is_whole).map_err(place)?;
            check_vanished(device, room, screen).map_err(place)?;
            check_shelf(browsers, device, room, screen).map_err(place)?;
            let Some(ledger) = device.ledger.rooms.get(room) else { continue };
            let person = (device.person, room);
            check_sends(&stored, browsers, devices, person, ledger).map_err(place)?;
            let has_locks = browsers.get(device.browser).is_some_and(|one| one.has_locks);
            check_order(&stored, devices, person, (ledger, has_locks)).map_err(place)?;
            if let Some((_, strange)) = screen
                .unsent()
                .find(|(_, one)| tally_of(devices, device.person, room, &one.text).composed == 0)
            {
                let text = &strange.text;
                return Err(place(format!("{text:?} is shown to somebody who has not written it")));
            }
            if is_whole && device.client.history(room) != Some(History::Beginning) {
                return Err(place("the beginning of the room can be reached".into()));
            }
        }
    }
    check_absent(backend, browsers, devices)
}

/// What those have sent who are not there any more, and what waits for them.
fn check_absent(backend: &Backend, browsers: &[Browser], devices: &[Device]) -> Result<(), String> {
    let ledgers = devices.iter().flat_map(|one| &one.of_others);
    for (person, (room, ledger)) in
        ledgers.flat_map(|(person, ledger)| ledger.rooms.iter().map(|room| (*person, room)))
    {
        let stored = backend.messages(room.as_str());
        check_sends(&stored, browsers, devices, (person, room), ledger)
            .map_err(|invariant| format!("person {person} in {room}: {invariant}"))?;
    }
    Ok(())
}

fn check_list(
    stored: &[&Stored],
    devices: &[Device],
    index: usize,
    room: &RoomId,
    screen: &Screen,
    is_whole: bool,
) -> Result<(), String> {
    let sent = screen.sent().collect::<Vec<_>>();
    let shown = if is_whole { 0 } else { stored.len().saturating_sub(sent.len()) };
    let expected = stored.get(shown..).unwrap_or_default();
    let is_same = |a: &Stored, b: &Message| {
        a.text == b.text && b.time.is_some_and(|time| time.0 == a.created_at)
    };
    if sent.len() != expected.len() || !expected.iter().zip(&sent).all(|(a, b)| is_same(a, b)) {
        let differs = expected.iter().zip(&sent).position(|(a, b)| !is_same(a, b));
        let at = differs.unwrap_or(expected.len().min(sent.len()));
        let is_shown = |one: &Stored| sent.iter().any(|row| is_same(one, row));
        let missing = stored.iter().skip_while(|one| !is_shown(one)).find(|one| !is_shown(one));
        return Err(format!(
            "the list is the server's: {} of {} rows, row {at} is {:?} and should be {:?}; missing: {:?}",
            sent.len(),
            expected.len(),
            sent.get(at).map(|one| (&one.text, one.time)),
            expected.get(at).map(|one| (&one.text, one.created_at, one.device)),
            missing.map(|one| (&one.text, one.created_at)),
        ));
    }
    let Some(device) = devices.get(index) else { return Ok(()) };
    let this = device.sender_id.as_str();
    for (truth, row) in expected.iter().zip(&sent) {
        let is_mine = truth.device == Some(device.person);
        // Before hello a connection has no name: its own messages are told by their echo, or not at all.
        let is_anonymous = truth.sender.id != this && is_mine && truth.client_message_id.is_none();
        let is_equal_text =
            truth.client_message_id.is_none() && writers(devices, room, &truth.text) > 1;
        // What another page of theirs sends, or sent before, a page may not know that finds no disk.
        let is_carried = tally_of(devices, device.person, room, &truth.text).is_carried;
        let is_untold =
            is_mine && !device.keeps() && (is_carried || !has_composed(device, room, &truth.text));
        if row.is_own() != is_mine && !is_anonymous && !is_equal_text && !is_untold {
            return Err(format!("{:?} is own: {}, not {}", row.text, is_mine, row.is_own()));
        }
        let vouched = if truth.sender.is_user { Standing::User } else { Standing::Guest };
        if let Author::Other { id, name, standing } = &row.author
            && (*id != truth.sender.id || *name != truth.sender.name || *standing != vouched)
        {
            return Err(format!("{:?} is by {:?}, not {:?}", row.text, truth.sender, row.author));
        }
    }
    Ok(())
}

/// What was shown once is still there, and nothing is said to be missing any more.
fn check_vanished(device: &Device, room: &RoomId, screen: &Screen) -> Result<(), String> {
    if screen.has_hole() {
        return Err("a hole that is filled is no row any more".into());
    }
    let gone = device.vanished.iter().filter(|(of, _, _)| of == room).find(|(_, text, time)| {
        !screen.sent().any(|one| one.text == *text && one.time.map(|time| time.0) == *time)
    });
    match gone {
        Some((_, text, _)) => Err(format!("{text:?} was shown, and has left the list")),
        None => Ok(()),
    }
}

/// A page that lives has nothing on its shelf but what it shows as unsent.
fn check_shelf(
    browsers: &[Browser],
    device: &Device,
    room: &RoomId,
    screen: &Screen,
) -> Result<(), String> {
    let Some(browser) = browsers.get(device.browser).filter(|_| device.keeps()) else {
        return Ok(());
    };
    let Some((whose, tab)) = device.whose.as_ref().filter(|_| device.pending.is_empty()) else {
        return Ok(());
    };
    for message in screen.sent().filter(|message| message.is_own()) {
        let stored = browser.disk.unsent((whose, Some(tab)), room, &message.text);
        let shown = count(screen.unsent().filter(|(_, one)| one.text == message.text).count());
        if stored > shown {
            return Err(format!("{:?} is sent, and lies among the unsent", message.text));
        }
    }
    Ok(())
}

fn check_sends(
    stored: &[&Stored],
    browsers: &[Browser],
    devices: &[Device],
    (person, room): (usize, &RoomId),
    ledger: &RoomLedger,
) -> Result<(), String> {
    for text in ledger.tallies.keys() {
        let mine = stored.iter().filter(|one| one.device == Some(person) && one.text == *text);
        let kept = count(mine.count());
        let unsent = unsent_of(devices, person, room, text).collect::<Vec<_>>();
        let failed = unsent.iter().any(|one| matches!(one.delivery, Delivery::Failed(_)));
        let unsent = count(unsent.len()) + unseen(browsers, devices, person, room, text);
        let tally = tally_of(devices, person, room, text);
        let Tally { composed, retried, discarded, sent_without_id, lost, .. } = tally;
        // What was tried by a page that has gone may be left to the person, where the dialect is not known yet.
        let is_exact = sent_without_id == 0 && discarded == 0 && !failed && !tally.is_carried;
        let holds = if is_exact {
            // What a disk has that answers no more may be shown to the person as well.
            kept + lost >= composed && kept <= composed && unsent <= lost
        } else {
            kept + unsent + discarded + lost >= composed && kept <= composed + retried
        };
        if !holds {
            return Err(format!(
                "each message is there once: {text:?} is stored {kept} times and unsent {unsent} times, {tally:?}"
            ));
        }
    }
    Ok(())
}

/// The unsent messages of a person's pages with that text.
fn unsent_of<'a>(
    devices: &'a [Device],
    person: usize,
    room: &'a RoomId,
    text: &'a str,
) -> impl Iterator<Item = &'a Message> {
    let mine = devices.iter().filter(move |one| one.person == person);
    let screens = mine.filter_map(move |one| one.screens.get(room));
    let unsent = screens.flat_map(|screen| screen.unsent().map(|(_, message)| message));
    unsent.filter(move |message| message.text == text)
}

/// How many messages wait for the person in pages that do not show their room, and show them as soon as they do.
fn unseen(
    browsers: &[Browser],
    devices: &[Device],
    person: usize,
    room: &RoomId,
    text: &str,
) -> u32 {
    let with_records = |browser: &&Browser| browser.records.contains_key(&person);
    let Some(browser) = browsers.iter().find(with_records) else { return 0 };
    let Some(whose) = browser.records.get(&person) else { return 0 };
    if !devices.iter().any(|one| one.person == person && !one.is_closed) {
        // Nobody is there to show it, until they come back.
        return browser.disk.unsent((whose, None), room, text);
    }
    let mine = devices.iter().filter(|one| one.person == person && !one.screens.contains_key(room));
    // What nothing has stopped is sent, whether its room is shown or not.
    let waiting = mine.filter_map(|one| {
        let (_, tab) = one.whose.as_ref()?;
        let unsent = browser.disk.unsent((whose, Some(tab)), room, text);
        let queued = browser.disk.queued((whose, tab), room, text);
        Some(if one.keeps() { unsent - queued } else { unsent })
    });
    waiting.sum()
}

/// What one person wrote in one tab stands in the order of writing, but for what was ambiguous; and what they wrote in
/// one page of it, whichever pages have sent it.
fn check_order(
    stored: &[&Stored],
    devices: &[Device],
    (person, room): (usize, &RoomId),
    (ledger, has_locks): (&RoomLedger, bool),
) -> Result<(), String> {
    let tally = |text: &str| tally_of(devices, person, room, text);
    let is_plain = |text: &str, is_carried: bool| {
        let tally = tally(text);
        ledger.tallies.contains_key(text)
            && tally.composed == 1
            && tally.sent_without_id + tally.discarded + tally.retried + tally.failed == 0
            && (!tally.is_carried
                || (is_carried
                    && !tally.is_doubted
                    && !tally.was_taken_back
                    && tally.taken + tally.lost == 0))
    };
    let mine = stored.iter().filter(|one| one.device == Some(person)).map(|one| one.text.as_str());
    let mine = mine.collect::<Vec<_>>();
    // What has failed for good is said to be so, elsewhere.
    let check = |texts: Vec<&str>| {
        let written = texts.into_iter().filter(|text| mine.contains(text)).collect::<Vec<_>>();
        let kept = mine.iter().copied().filter(|text| written.contains(text)).collect::<Vec<_>>();
        if written == kept {
            return Ok(());
        }
        Err(format!("messages keep the order of writing: {written:?} became {kept:?}"))
    };
    let all = ledger.order.iter().map(|(_, text)| text.as_str());
    check(all.filter(|text| is_plain(text, false)).collect())?;
    // Where there are no locks, what waits may be taken from a page that lives, and given back.
    let pages = ledger.order.chunk_by(|(one, _), (other, _)| one == other);
    for page in pages.filter(|_| has_locks) {
        let texts = page.iter().map(|(_, text)| text.as_str());
        check(texts.filter(|text| is_plain(text, true)).collect())?;
    }
    Ok(())
}

/// A basic backend: what reached an open connection is shown, and every send has ended.
pub(crate) fn check_basic(browsers: &[Browser], devices: &[Device]) -> Result<(), String> {
    for (index, device) in devices.iter().enumerate() {
        for (room, screen) in &device.screens {
            let place = |invariant: String| format!("device {index} in {room}: {invariant}");
            let nothing = RoomLedger::default();
            let ledger = device.ledger.rooms.get(room).unwrap_or(&nothing);
            check_arrivals(screen, ledger).map_err(place)?;
            check_ownership(devices, room, screen, ledger).map_err(place)?;
            check_echoes(browsers, devices, device, (room, screen), ledger).map_err(place)?;
        }
        check_notices(device).map_err(|invariant| format!("device {index}: {invariant}"))?;
    }
    Ok(())
}

fn check_arrivals(screen: &Screen, ledger: &RoomLedger) -> Result<(), String> {
    let shown = screen.sent().map(|one| (&one.text, one.time.map(|time| time.0)));
    let shown = shown.collect::<Vec<_>>();
    let arrivals = ledger.arrivals.iter().map(|one| &one.broadcast);
    let arrived = arrivals.map(|one| (&one.text, Some(one.created_at))).collect::<Vec<_>>();
    if shown != arrived {
        let differs = shown.iter().zip(&arrived).position(|(a, b)| a != b);
        let at = differs.unwrap_or(shown.len().min(arrived.len()));
        return Err(format!(
            "what arrived is shown once, in that order: {} rows of {}, row {at} is {:?} and should be {:?}",
            shown.len(),
            arrived.len(),
            shown.get(at),
            arrived.get(at)
        ));
    }
    Ok(())
}

fn check_ownership(
    devices: &[Device],
    room: &RoomId,
    screen: &Screen,
    ledger: &RoomLedger,
) -> Result<(), String> {
    let mut own = BTreeMap::<&str, (u32, u32, bool)>::new();
    for arrival in &ledger.arrivals {
        let (expected, _, is_named) = own.entry(&arrival.broadcast.text).or_insert((0, 0, true));
        *expected += u32::from(arrival.is_own);
        *is_named &= arrival.is_named;
    }
    for message in screen.sent() {
        own.entry(&message.text).or_insert((0, 0, true)).1 += u32::from(message.is_own());
    }
    for (text, (expected, shown, is_named)) in own {
        let is_ambiguous = !is_named && writers(devices, room, text) > 1;
        if expected != shown && !is_ambiguous {
            return Err(format!("{shown} rows {text:?} are own, not {expected}"));
        }
    }
    Ok(())
}

/// An own message that came back on its connection is sent, not unconfirmed; none is lost.
fn check_echoes(
    browsers: &[Browser],
    devices: &[Device],
    device: &Device,
    (room, screen): (&RoomId, &Screen),
    ledger: &RoomLedger,
) -> Result<(), String> {
    for (text, tally) in &ledger.tallies {
        let unsent = screen.unsent().any(|(_, one)| one.text == *text);
        let mut mine =
            ledger.arrivals.iter().filter(|one| one.is_own && one.broadcast.text == *text);
        let is_plain = tally.composed == 1 && tally.retried + tally.discarded == 0;
        if is_plain && mine.next().is_some() && unsent && writers(devices, room, text) == 1 {
            return Err(format!("the echo of {text:?} settles it"));
        }
        let done = tally_of(devices, device.person, room, text).sent_without_id;
        check_kept(browsers, devices, device, (room, screen), (text, done))?;
    }
    Ok(())
}

/// Where the backend keeps nothing: what somebody wrote is sent, or waits for them, or they know what became of it. What a
/// page left that is gone may have been sent by one that did not show the room, `done` times.
fn check_kept(
    browsers: &[Browser],
    devices: &[Device],
    device: &Device,
    (room, screen): (&RoomId, &Screen),
    (text, done): (&str, u32),
) -> Result<(), String> {
    let of_all = tally_of(devices, device.person, room, text);
    let sent = |screen: &Screen| count(screen.sent().filter(|one| one.text == text).count());
    let (tally, known) = if of_all.is_carried {
        let mine = devices.iter().filter(|one| one.person == device.person);
        let shown = mine.filter_map(|one| one.screens.get(room)).map(sent).sum::<u32>();
        let waiting = count(unsent_of(devices, device.person, room, text).count());
        let waiting = waiting + unseen(browsers, devices, device.person, room, text);
        (of_all, shown.max(done) + waiting)
    } else {
        let waiting = count(screen.unsent().filter(|(_, one)| one.text == text).count());
        let own = device.ledger.rooms.get(room).and_then(|room| room.tallies.get(text)).cloned();
        (own.unwrap_or_default(), sent(screen) + waiting)
    };
    if known + tally.discarded + tally.lost + tally.sent_before < tally.composed {
        return Err(format!("{text:?} is lost: {tally:?}"));
    }
    Ok(())
}

/// Notices are shown as they came. One may be taken for the answer to hello, and then the answer is shown.
fn check_notices(device: &Device) -> Result<(), String> {
    let (mut missing, mut strange) = (0, Vec::new());
    for (room, screen) in &device.screens {
        let nothing = BTreeMap::new();
        let arrived = device.ledger.rooms.get(room).map_or(&nothing, |ledger| &ledger.notices);
        let mut left = arrived.clone();
        for text in screen.notices() {
            match left.get_mut(text) {
                Some(count) if *count > 0 => *count -= 1,
                Some(_) | None => strange.push(text),
            }
        }
        missing += left.values().sum::<u32>();
    }
    if missing > 1 || count(strange.len()) > missing {
        return Err(format!("{missing} notices are not shown, and these are shown: {strange:?}"));
    }
    Ok(())
}

/// How many people wrote that text in that room.
fn writers(devices: &[Device], room: &RoomId, text: &str) -> usize {
    let ledgers = devices.iter().flat_map(Device::ledgers);
    let wrote = ledgers.filter(|(_, ledger)| is_composed(ledger, room, text));
    wrote.map(|(person, _)| person).collect::<BTreeSet<_>>().len()
}

fn has_composed(device: &Device, room: &RoomId, text: &str) -> bool {
    is_composed(&device.ledger, room, text)
}

fn is_composed(ledger: &Ledger, room: &RoomId, text: &str) -> bool {
    let ledger = ledger.rooms.get(room);
    ledger.is_some_and(|ledger| ledger.tallies.get(text).is_some_and(|one| one.composed > 0))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
