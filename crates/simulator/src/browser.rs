//! What the pages of one person share: the browser, with its disk, and the device's clocks.

use std::collections::BTreeMap;

use roomlet_client::{Now, Timestamp, WallClock, Whose};

use crate::Dialect;
use crate::backend::EPOCH;
use crate::chance::{Chance, Stream};
use crate::disk::Disk;
use crate::people::Act;
use crate::plan::{Incident, Strike, What};

/// Whether browsers have no locks, and what befalls them, in no order.
pub(crate) fn draw(
    seed: u64,
    dialect: Dialect,
    (people, tabs): (usize, usize),
    (start, end): (u64, u64),
) -> (bool, Vec<Incident>) {
    let mut chance = Chance::of(seed, Stream::Browsers);
    let mut all = Vec::new();
    if !dialect.has_history() {
        return (false, all);
    }
    let mut strike = |at, strike| all.push(Incident { at, what: What::Strikes(strike) });
    let has_no_locks = chance.percent(30);
    if has_no_locks {
        // Long enough to be taken for gone.
        for _ in 0..chance.between(0, 3) {
            let device = chance.index(people + tabs);
            let pause = chance.between(25_000, 120_000);
            strike(chance.between(start + 1, end), Strike::Sleep { device, pause });
        }
    }
    if chance.percent(30) {
        for _ in 0..chance.between(1, 3) {
            let person = chance.index(people);
            let pause = chance.between(1_000, 90_000);
            strike(chance.between(start + 1, end), Strike::FillDisk { person, pause });
        }
    }
    if dialect.is_appsync() && chance.percent(50) {
        for _ in 0..chance.between(1, 4) {
            let device = chance.index(people + tabs);
            let at = chance.between(start + 1, end);
            let what = What::Strikes(Strike::SomebodyElse { person: device % people });
            all.push(Incident { at, what });
            let what = if chance.percent(60) {
                What::Acts { device, act: Act::Reloads }
            } else {
                What::Strikes(Strike::RevokeTokens)
            };
            all.push(Incident { at: at + chance.between(1, 2_000), what });
        }
    }
    (has_no_locks, all)
}

/// One person's browser.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) disk: Disk,
    pub(crate) guest_key: String,
    /// Pages can tell at once that another one has ended.
    pub(crate) has_locks: bool,
    /// Whose records are whose, once a page has opened them.
    pub(crate) records: BTreeMap<usize, Whose>,
    /// What the backend calls the person, once a page has learnt it.
    pub(crate) known_as: Option<String>,
    /// How far the clock on the wall is from the truth, in milliseconds.
    wall_error: i64,
    /// How long the other clock has stood still, since the device was suspended.
    stood_still: u64,
    suspended_since: Option<u64>,
    latest_wall: i64,
    /// When nobody had looked at it for days.
    pub(crate) absent_until: u64,
}

impl Browser {
    pub(crate) fn new(chance: &mut Chance, has_locks: bool) -> Self {
        let guest_key = chance.token();
        let wall_error = i64::try_from(chance.between(0, 20_000_000)).unwrap_or(0) - 10_000_000;
        let disk = Disk::new(chance);
        Self {
            disk,
            guest_key,
            has_locks,
            records: BTreeMap::new(),
            known_as: None,
            wall_error,
            stood_still: 0,
            suspended_since: None,
            latest_wall: i64::MIN,
            absent_until: 0,
        }
    }

    /// What the clocks show.
    pub(crate) fn clocks(&self, now: u64) -> Now {
        let wall = EPOCH + i64::try_from(now).unwrap_or(0) + self.wall_error;
        let monotonic = Timestamp(now.saturating_sub(self.stood_still));
        Now { monotonic, wall: WallClock(wall) }
    }

    /// When the clock that may stand still shows something, unless it does.
    pub(crate) fn when(&self, time: Timestamp) -> u64 {
        time.0 + self.stood_still
    }

    /// Whether the device sleeps, with everything on it.
    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended_since.is_some()
    }

    pub(crate) fn suspend(&mut self, now: u64) {
        self.suspended_since = Some(now);
    }

    /// The device goes on, if it slept.
    pub(crate) fn resume(&mut self, now: u64) -> bool {
        let Some(since) = self.suspended_since.take() else { return false };
        self.stood_still += now - since;
        true
    }

    /// Somebody's records are opened, and nobody else's.
    pub(crate) fn opens(&mut self, person: usize, whose: &Whose) -> Result<(), String> {
        let is_others = |(of, known): (&usize, &Whose)| *of != person && known == whose;
        if self.records.iter().any(is_others) {
            return Err("somebody opens the records of somebody else".into());
        }
        self.records.insert(person, whose.clone());
        Ok(())
    }

    /// Whether the disk has something of somebody that was not sent.
    pub(crate) fn has_unsent(&self, person: usize) -> bool {
        self.records.get(&person).is_some_and(|whose| self.disk.has_unsent(whose))
    }

    /// The latest time that the clock on the wall has shown when somebody looked at it.
    pub(crate) fn latest_clock(&mut self, now: u64) -> i64 {
        self.latest_wall = self.latest_wall.max(self.clocks(now).wall.0);
        self.latest_wall
    }

    /// The clock on the wall is set, or nobody looks at it for days.
    pub(crate) fn set_clock(&mut self, by: i64) {
        self.wall_error += by;
    }
}
