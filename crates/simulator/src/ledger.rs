//! What truly happened at one device, to compare its screen with.

use std::collections::{BTreeMap, VecDeque};

use roomlet_client::{RoomId, TabId, Whose};

use crate::disk::Disk;
use crate::exchange::Heard;
use crate::network::{Broadcast, SocketId};
use crate::screen::Screen;

/// What became of one text that a person wrote in a room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) composed: u32,
    pub(crate) retried: u32,
    pub(crate) discarded: u32,
    /// How often it was shown as failed; what was thought lost may arrive late even so.
    pub(crate) failed: u32,
    /// It was lost with a page, before the disk knew of it.
    pub(crate) lost: u32,
    /// How often another page took it over while this one lived.
    pub(crate) taken: u32,
    /// It was shown as sent by pages that are gone.
    pub(crate) sent_before: u32,
    /// It waited when a page went.
    pub(crate) is_carried: bool,
    /// A page had it that found no disk, and is gone: nobody knows of it any more.
    pub(crate) is_forgotten: bool,
    /// The person has taken it back once, whatever became of that.
    pub(crate) was_taken_back: bool,
    /// It was shown as not confirmed.
    pub(crate) is_doubted: bool,
    /// When the person wanted it sent last, by the latest time that their clock had shown by then.
    pub(crate) wanted_at: i64,
    /// Frames with a `clientMessageId`.
    pub(crate) sent_with_id: u32,
    /// Frames without one: each may become a message.
    pub(crate) sent_without_id: u32,
}

impl Tally {
    /// What became of it in another tab of the same person.
    pub(crate) fn add(&mut self, other: &Self) {
        self.composed += other.composed;
        self.retried += other.retried;
        self.discarded += other.discarded;
        self.failed += other.failed;
        self.lost += other.lost;
        self.taken += other.taken;
        self.sent_before += other.sent_before;
        self.is_carried |= other.is_carried;
        self.is_forgotten |= other.is_forgotten;
        self.is_doubted |= other.is_doubted;
        self.was_taken_back |= other.was_taken_back;
        self.wanted_at = self.wanted_at.max(other.wanted_at);
        self.sent_with_id += other.sent_with_id;
        self.sent_without_id += other.sent_without_id;
    }
}

/// A message that reached an open connection.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) broadcast: Broadcast,
    /// It came from the very connection on which it arrived.
    pub(crate) is_own: bool,
    /// The client had been told what that connection is called.
    pub(crate) is_named: bool,
}

/// A message that came to a client's ears on AppSync, once or more often.
#[derive(Debug, Clone)]
pub(crate) struct Hearing {
    pub(crate) heard: Heard,
    /// The times that it bore: in a raw namespace a message that the person sends again has another one.
    pub(crate) times: Vec<Option<i64>>,
    /// The first time already, it had to be shown.
    pub(crate) is_first: bool,
    /// It had to be shown.
    pub(crate) must_show: bool,
    /// By its broadcast, and by the answer to its send.
    pub(crate) by_echo: bool,
    pub(crate) by_answer: bool,
}

/// What happened in one room.
#[derive(Debug, Default)]
pub(crate) struct RoomLedger {
    pub(crate) tallies: BTreeMap<String, Tally>,
    /// The texts in the order in which they were written, and which of its stays at the device that was.
    pub(crate) order: Vec<(u32, String)>,
    /// The messages that arrived. A basic backend has no ids: equal frames on different sockets are one message,
    /// on the same socket they are two.
    pub(crate) arrivals: Vec<Arrival>,
    /// Each once, whichever connections it came by: no two of a run are equal.
    pub(crate) notices: BTreeMap<String, u32>,
    /// The messages that were heard on AppSync, each once, in the order of hearing.
    pub(crate) hearings: Vec<Hearing>,
    /// How often a send of a text was answered well.
    pub(crate) confirmed: BTreeMap<String, u32>,
    /// The backend has asked for a pause until then.
    pub(crate) quiet_until: u64,
    /// It was joined on a connection beside another one, which had lost it: when that one has gone, there is a row more
    /// that says so than there were then.
    pub(crate) owes_interruption: Option<usize>,
    /// What is known to be missing: texts of messages that were said while there was no connection.
    pub(crate) hole: Vec<String>,
    /// How many records of a text other pages have taken over while this one lived.
    pub(crate) taken: BTreeMap<String, u32>,
    /// It was joined before.
    pub(crate) was_joined: bool,
    on_socket: BTreeMap<(SocketId, Broadcast), usize>,
    most: BTreeMap<Broadcast, usize>,
}

impl RoomLedger {
    /// A message is heard; returns what was known of it before.
    pub(crate) fn hears(&mut self, heard: &Heard, must_show: bool, is_echo: bool) -> Hearing {
        let known = self.hearings.iter().position(|one| one.heard.key == heard.key);
        let Some(known) = known else {
            let hearing = Hearing {
                heard: heard.clone(),
                times: vec![heard.created_at],
                is_first: must_show,
                must_show,
                by_echo: is_echo,
                by_answer: !is_echo,
            };
            self.hearings.push(hearing.clone());
            return Hearing { by_echo: false, by_answer: false, ..hearing };
        };
        let before = self.hearings.remove(known);
        let is_news = is_echo && !before.by_echo;
        let mut times = before.times.clone();
        if !times.contains(&heard.created_at) {
            times.push(heard.created_at);
        }
        let hearing = Hearing {
            times,
            is_first: if is_news { must_show } else { before.is_first },
            must_show: before.must_show || must_show,
            by_echo: before.by_echo || is_echo,
            by_answer: before.by_answer || !is_echo,
            ..before.clone()
        };
        // An answer says nothing of the place.
        let place = if is_news { self.hearings.len() } else { known };
        self.hearings.insert(place, hearing);
        before
    }

    pub(crate) fn arrived(&mut self, socket: SocketId, arrival: Arrival) {
        let count = self.on_socket.entry((socket, arrival.broadcast.clone())).or_default();
        *count += 1;
        let most = self.most.entry(arrival.broadcast.clone()).or_default();
        if *count > *most {
            *most = *count;
            self.arrivals.push(arrival);
        }
    }
}

/// What happened at one device.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) rooms: BTreeMap<RoomId, RoomLedger>,
    pub(crate) hellos: u32,
    /// Something has told the client which dialect the backend speaks.
    pub(crate) has_evidence: bool,
    /// The gateway's error frame has answered `hello`.
    pub(crate) may_ping: bool,
    /// When connections were tried lately.
    pub(crate) attempts: VecDeque<u64>,
    /// The page has been asked for other credentials than the last.
    pub(crate) is_renewing: bool,
}

impl Ledger {
    pub(crate) fn tally(&mut self, room: &RoomId, text: &str) -> &mut Tally {
        let room = self.rooms.entry(room.clone()).or_default();
        room.tallies.entry(text.to_owned()).or_default()
    }

    /// Whether everything that was missing somewhere is there by now.
    pub(crate) fn fills_a_hole(&mut self, screens: &BTreeMap<RoomId, Screen>) -> bool {
        let mut is_filled = false;
        for (id, room) in self.rooms.iter_mut().filter(|(_, room)| !room.hole.is_empty()) {
            let Some(screen) = screens.get(id) else { continue };
            let is_there = |text: &String| screen.sent().any(|one| one.text == *text);
            // A text may be somebody's who said the same before.
            if room.hole.iter().all(is_there) {
                room.hole.clear();
                is_filled = true;
            }
        }
        is_filled
    }

    /// The page has gone, and with it what it showed, but for what lies on its shelf, if it has kept that in order.
    /// `is_kept` says that everything was to be there.
    pub(crate) fn page_ends(
        &mut self,
        screens: &BTreeMap<RoomId, Screen>,
        (disk, of): (&Disk, Option<&(Whose, TabId)>),
        (keeps, is_kept): (bool, bool),
    ) -> Result<(), String> {
        self.hellos = 0;
        (self.has_evidence, self.may_ping, self.is_renewing) = (false, false, false);
        self.attempts.clear();
        for (id, room) in &mut self.rooms {
            let (tallies, order) =
                (std::mem::take(&mut room.tallies), std::mem::take(&mut room.order));
            let taken = std::mem::take(&mut room.taken);
            *room = RoomLedger { tallies, order, ..RoomLedger::default() };
            let Some(screen) = screens.get(id) else { continue };
            // It may have been written in another tab.
            for (_, message) in screen.unsent() {
                room.tallies.entry(message.text.clone()).or_default();
            }
            for (text, tally) in &mut room.tallies {
                let sent = screen.sent().filter(|one| one.text == *text && one.is_own());
                tally.sent_before += u32::try_from(sent.count()).unwrap_or(u32::MAX);
                let unsent = screen.unsent().filter(|(_, one)| one.text == *text).count();
                let unsent = u32::try_from(unsent).unwrap_or(u32::MAX);
                let stored = of.map_or(0, |(whose, tab)| disk.unsent((whose, Some(tab)), id, text));
                let elsewhere = stored + taken.get(text).copied().unwrap_or(0);
                if is_kept && elsewhere < unsent {
                    return Err(format!("{text:?} is lost with the page, though the disk works"));
                }
                // What lies there may be what was sent since, or the same words that were written before.
                let is_it = keeps && tally.composed < 2;
                tally.lost += if is_it { unsent.saturating_sub(elsewhere) } else { unsent };
                tally.is_carried |= unsent + stored > 0;
                tally.is_forgotten |= !keeps || tally.lost > 0;
                if stored > unsent && tally.discarded > 0 {
                    // The page has gone before the disk knew of it.
                    tally.discarded -= 1;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn composed(&mut self, room: &RoomId, text: &str, (stay, at): (u32, i64)) {
        let tally = self.tally(room, text);
        tally.composed += 1;
        tally.wanted_at = at;
        self.rooms.entry(room.clone()).or_default().order.push((stay, text.to_owned()));
    }
}
