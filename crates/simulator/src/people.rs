//! What people do, drawn before a run begins.

use crate::Dialect;
use crate::network::Ground;
use crate::schedule::Happening;
use crate::statistics::Counted;

/// Something that a person, or their device, does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Opens {
        room: usize,
    },
    Writes {
        room: usize,
        text: String,
    },
    WritesNothing {
        room: usize,
    },
    WritesTooMuch {
        room: usize,
    },
    Retries {
        room: usize,
    },
    Discards {
        room: usize,
    },
    ReadsOlder {
        room: usize,
    },
    Reconnects,
    ChangesName {
        number: u64,
    },
    Hides,
    Shows,
    GoesOffline,
    GoesOnline,
    /// Out of the page, and thereby out of the chat.
    SignsOut,
    SignsIn,
}

/// Fills the schedule with what everybody does from `start` to `end`; the first room is opened at once.
pub(crate) fn plan(ground: &mut Ground, dialect: Dialect, people: usize, (start, end): (u64, u64)) {
    let rooms = dialect.rooms().len();
    for device in 0..people {
        ground.schedule.after(0, Happening::Acts { device, act: Act::Opens { room: 0 } });
        for number in 0..ground.chance.between(15, 60) {
            let at = ground.chance.between(start + 1, end);
            let act = draw(ground, rooms, device, number);
            ground.schedule.at(at, Happening::Acts { device, act });
        }
        if ground.chance.percent(50) {
            let at = ground.chance.between(start + 1, end);
            burst(ground, device, at);
        }
        // While the dialect is being found out is a bad time to write.
        if ground.chance.percent(40) {
            let at = ground.chance.between(1, 6_000);
            let text = format!("early text of person {device}");
            ground.schedule.at(at, Happening::Acts { device, act: Act::Writes { room: 0, text } });
        }
    }
    for _ in 0..ground.chance.between(0, 4) {
        everybody_says_hi(ground, people, (start, end));
    }
    for _ in 0..ground.chance.between(0, 12) {
        let messages = if ground.chance.percent(15) { 130 } else { 1 };
        let (at, room) = (ground.chance.between(start + 1, end), ground.chance.index(rooms));
        ground.schedule.at(at, Happening::StrangerWrites { room, messages });
    }
    for _ in 0..ground.chance.between(0, 4) {
        let (at, room) = (ground.chance.between(start + 1, end), ground.chance.index(rooms));
        ground.schedule.at(at, Happening::Notice { room });
    }
    if dialect.is_appsync() {
        plan_of_a_service(ground, rooms, people, end);
    }
}

/// Several rooms on one connection, and people who come and go.
fn plan_of_a_service(ground: &mut Ground, rooms: usize, people: usize, end: u64) {
    for device in 0..people {
        for room in 1..rooms {
            if ground.chance.percent(50) {
                let at = ground.chance.between(0, 30_000);
                ground.schedule.at(at, Happening::Acts { device, act: Act::Opens { room } });
            }
        }
        if ground.chance.percent(30) {
            let at = ground.chance.between(1, end);
            ground.schedule.at(at, Happening::Acts { device, act: Act::SignsOut });
            let at = at + ground.chance.between(100, 60_000);
            ground.schedule.at(at, Happening::Acts { device, act: Act::SignsIn });
        }
    }
}

fn draw(ground: &mut Ground, rooms: usize, device: usize, number: u64) -> Act {
    // Most of the talk is in the first room.
    let room = match ground.chance.percent(20) {
        true if rooms > 2 => 1 + ground.chance.index(rooms - 1),
        is_other => usize::from(is_other),
    };
    match ground.chance.between(0, 99) {
        0..=3 => Act::Opens { room },
        4..=12 => Act::Retries { room },
        13..=18 => Act::Discards { room },
        19..=26 => Act::ReadsOlder { room },
        27..=28 => Act::Reconnects,
        29..=30 => Act::ChangesName { number },
        31..=33 => Act::Hides,
        34..=38 => Act::Shows,
        39..=40 => Act::GoesOffline,
        41..=43 => Act::GoesOnline,
        44 => Act::WritesNothing { room },
        45 => Act::WritesTooMuch { room },
        _ => Act::Writes { room, text: format!("text {number} of person {device}") },
    }
}

/// Many messages in a second: their order must be kept.
fn burst(ground: &mut Ground, device: usize, start: u64) {
    for number in 0..ground.chance.between(3, 12) {
        let at = start + number * ground.chance.between(0, 80);
        let text = format!("burst {number} of person {device}");
        ground.schedule.at(at, Happening::Acts { device, act: Act::Writes { room: 0, text } });
    }
}

/// Two people who say the same at the same millisecond are still two people.
fn everybody_says_hi(ground: &mut Ground, people: usize, (start, end): (u64, u64)) {
    let at = ground.chance.between(start + 1, end);
    ground.statistics.count(Counted::EqualTexts);
    for device in 0..people {
        let act = Act::Writes { room: 0, text: "hi".into() };
        ground.schedule.at(at, Happening::Acts { device, act });
    }
}
