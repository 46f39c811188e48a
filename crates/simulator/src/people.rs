//! What people do, drawn before a run begins.

use serde::{Deserialize, Serialize};

use crate::Dialect;
use crate::chance::Chance;
use crate::plan::{Incident, What};

/// What two people say at the same millisecond.
pub(crate) const EQUAL_TEXT: &str = "hi";

/// Something that a person, or their device, does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Loads the page again.
    Reloads,
    /// Closes the page.
    Leaves,
    /// Opens it again, so many days later by the device's clock.
    Comes {
        days: u64,
    },
    /// The browser takes the storage from the page.
    LosesStorage,
    /// The page crashes after its client has done so many things.
    Crashes {
        after: u64,
    },
    /// Out of the page, and thereby out of the chat.
    SignsOut,
    SignsIn,
}

/// What everybody does from `start` to `end`, in no order; the first room is opened at once.
pub(crate) fn draw(
    chance: &mut Chance,
    dialect: Dialect,
    (people, tabs): (usize, usize),
    (start, end): (u64, u64),
) -> Vec<Incident> {
    let rooms = dialect.rooms().len();
    let mut all = Vec::new();
    for device in 0..people + tabs {
        if device < people {
            all.push(acts(0, device, Act::Opens { room: 0 }));
        } else {
            all.push(acts(chance.between(1, end), device, Act::Comes { days: 0 }));
        }
        for number in 0..chance.between(15, 60) {
            let at = chance.between(start + 1, end);
            all.push(acts(at, device, draw_act(chance, dialect, device, number)));
        }
        if chance.percent(50) {
            let at = chance.between(start + 1, end);
            all.extend(burst(chance, device, at));
        }
        // While the dialect is being found out is a bad time to write.
        if chance.percent(40) {
            let text = format!("early text of person {device}");
            all.push(acts(chance.between(1, 6_000), device, Act::Writes { room: 0, text }));
        }
    }
    for _ in 0..chance.between(0, 4) {
        let at = chance.between(start + 1, end);
        let says = |device| acts(at, device, Act::Writes { room: 0, text: EQUAL_TEXT.into() });
        all.extend((0..people).map(says));
    }
    for _ in 0..chance.between(0, 12) {
        let messages = if chance.percent(15) { 130 } else { 1 };
        let (at, room) = (chance.between(start + 1, end), chance.index(rooms));
        all.push(Incident { at, what: What::StrangerWrites { room, messages } });
    }
    for _ in 0..chance.between(0, 4) {
        let (at, room) = (chance.between(start + 1, end), chance.index(rooms));
        all.push(Incident { at, what: What::Notice { room } });
    }
    if dialect.is_appsync() {
        all.extend(of_a_service(chance, rooms, people + tabs, end));
    }
    all
}

/// Several rooms on one connection, and people who come and go.
fn of_a_service(chance: &mut Chance, rooms: usize, people: usize, end: u64) -> Vec<Incident> {
    let mut all = Vec::new();
    for device in 0..people {
        for room in 1..rooms {
            if chance.percent(50) {
                all.push(acts(chance.between(0, 30_000), device, Act::Opens { room }));
            }
        }
        if chance.percent(30) {
            let at = chance.between(1, end);
            all.push(acts(at, device, Act::SignsOut));
            all.push(acts(at + chance.between(100, 60_000), device, Act::SignsIn));
        }
    }
    all
}

fn draw_act(chance: &mut Chance, dialect: Dialect, device: usize, number: u64) -> Act {
    let rooms = dialect.rooms().len();
    // Most of the talk is in the first room.
    let room = match chance.percent(20) {
        true if rooms > 2 => 1 + chance.index(rooms - 1),
        is_other => usize::from(is_other),
    };
    match chance.between(0, 99) {
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
        47 => Act::Reloads,
        48 => Act::Crashes { after: chance.between(0, 12) },
        49 => Act::Leaves,
        50 | 51 => Act::Comes { days: [0, 0, 0, 7, 31][chance.index(5)] },
        52 if chance.percent(20) => Act::LosesStorage,
        46 => Act::Writes { room, text: format!("unwelcome text {number} of person {device}") },
        _ => Act::Writes { room, text: format!("text {number} of person {device}") },
    }
}

/// Many messages in a second: their order must be kept.
fn burst(chance: &mut Chance, device: usize, start: u64) -> Vec<Incident> {
    let mut all = Vec::new();
    for number in 0..chance.between(3, 12) {
        let at = start + number * chance.between(0, 80);
        let text = format!("burst {number} of person {device}");
        all.push(acts(at, device, Act::Writes { room: 0, text }));
    }
    all
}

fn acts(at: u64, device: usize, act: Act) -> Incident {
    Incident { at, what: What::Acts { device, act } }
}
