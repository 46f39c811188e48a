//! What befalls a run from outside, drawn from a seed, and written down as lines of text.
//!
//! The first line is the [`Head`], each further one something that happens at its time. A plan can be cut down by
//! hand: what it says is what happens, and only what network and backend do with it is drawn while it runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Dialect;
use crate::browser;
use crate::chance::{Chance, Stream};
use crate::faults::{Faults, ServiceFaults};
use crate::people::{self, Act};

/// Somewhat less than the time after which a connection to a gateway is replaced.
const QUIET: u64 = 6_240_000;
/// From there until it must have been replaced.
const RESTLESS: u64 = 720_000;

/// A run, but for what is drawn while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(crate) head: Head,
    /// In the order of their times.
    pub(crate) incidents: Vec<Incident>,
}

/// What holds for the whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Head {
    /// What the run has found, for those who read it later.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) about: String,
    /// What did not hold.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) invariant: String,
    #[serde(with = "names")]
    pub(crate) dialect: Dialect,
    /// The seed that the plan was drawn from.
    pub(crate) seed: u64,
    /// The seed of what is drawn while it runs.
    pub(crate) chance: u64,
    pub(crate) people: usize,
    /// How many more pages they may open, in turn.
    #[serde(default)]
    pub(crate) tabs: usize,
    /// Their browsers have no locks, as on insecure origins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_no_locks: bool,
    /// How long things go wrong, in milliseconds.
    pub(crate) storm: u64,
    pub(crate) faults: Faults,
}

/// Something that happens at its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incident {
    /// In virtual time, milliseconds.
    pub(crate) at: u64,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// A person, or their device, does something.
    Acts { device: usize, act: Act },
    /// Somebody who is not simulated writes something.
    StrangerWrites { room: usize, messages: u64 },
    /// The backend's owner posts something that is no message.
    Notice { room: usize },
    /// Something goes wrong all at once.
    Strikes(Strike),
}

/// A fault that strikes at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strike {
    /// The server ends all connections.
    Restart,
    /// A device sleeps; of the longest sleeps not even its connections remain.
    Sleep { device: usize, pause: u64 },
    /// A person's device sleeps; of its clocks only the one on the wall goes on.
    Suspend { person: usize, pause: u64 },
    /// The clock on the wall of a person's device is set forward or back, by milliseconds.
    SetClock { person: usize, by: i64 },
    /// There is no space left on a person's disk for so long.
    FillDisk { person: usize, pause: u64 },
    /// Whoever else uses a person's browser signs in, or they do again: its pages learn of it when they ask.
    SomebodyElse { person: usize },
    /// A connection is cut.
    Cut,
    /// The newest connection of a device is cut.
    CutOf { device: usize },
    /// The server refuses all connections, though it takes requests.
    BlockSockets { pause: u64 },
    /// All tokens are good no more.
    RevokeTokens,
    /// A connection ends with an error.
    BreakConnection,
    /// A subscription is ended by the service.
    EndSubscription,
}

impl Plan {
    /// What happens to `people` people on a backend of this dialect, as the seed has it.
    pub fn draw(seed: u64, dialect: Dialect, people: usize) -> Self {
        let mut chance = Chance::of(seed, Stream::Plan);
        let mut faults = Faults::draw(&mut chance);
        let mut between_strikes = chance.between(2_000, 60_000);
        let mut storm = chance.between(60_000, 480_000);
        if dialect.is_appsync() {
            faults.service = ServiceFaults::draw(&mut chance);
            // A connection that lives long enough falls silent, and is asked whether it lives.
            if chance.percent(50) {
                between_strikes += 150_000;
            }
            // Where nobody says anything for a while, connections are asked whether they live.
            if chance.percent(40) {
                storm *= 4;
            }
        }
        let is_quiet = !dialect.is_appsync() && chance.percent(25);
        let quiet = if is_quiet { QUIET } else { 0 };
        if is_quiet {
            storm = quiet + RESTLESS;
            between_strikes += 200_000;
        }
        let has_tabs = chance.percent(50);
        let tabs = if has_tabs { 1 + chance.index(people) } else { 0 };
        let mut incidents = people::draw(&mut chance, dialect, (people, tabs), (quiet, storm));
        let mut at = quiet + between_strikes;
        while at < storm {
            let strike = strike(&mut chance, dialect, (people, tabs));
            incidents.push(Incident { at, what: What::Strikes(strike) });
            at += chance.between(1, between_strikes * 2);
        }
        let (has_no_locks, befalls) = browser::draw(seed, dialect, (people, tabs), (quiet, storm));
        incidents.extend(befalls);
        if dialect.has_history() && !is_quiet && chance.percent(40) {
            incidents.extend(absence(&mut chance, people, storm));
        }
        incidents.sort_by_key(|incident| incident.at);
        if dialect == Dialect::Full && chance.percent(40) {
            faults.broken_welcome = chance.between(1, 40);
        }
        let (about, invariant) = (String::new(), String::new());
        let head = Head {
            about,
            invariant,
            dialect,
            seed,
            chance: seed,
            people,
            tabs,
            has_no_locks,
            storm,
            faults,
        };
        Self { head, incidents }
    }

    /// The dialect of the backend.
    pub fn dialect(&self) -> Dialect {
        self.head.dialect
    }

    /// The seed that it was drawn from.
    pub fn seed(&self) -> u64 {
        self.head.seed
    }

    /// What the file is called that keeps it.
    pub fn file_name(&self) -> String {
        format!("{}-{}.jsonl", self.head.dialect.name(), self.head.seed)
    }
}

/// One line each; the longest page of a run is a screen of text.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |value: Result<String, serde_json::Error>| value.map_err(|_| fmt::Error);
        writeln!(f, "{}", line(serde_json::to_string(&self.head))?)?;
        for incident in &self.incidents {
            writeln!(f, "{}", line(serde_json::to_string(incident))?)?;
        }
        Ok(())
    }
}

impl FromStr for Plan {
    type Err = String;

    /// Reads what [`Plan`] prints.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let bad = |error: serde_json::Error| format!("a line of a plan is not legible: {error}");
        let head = lines.next().ok_or("a plan has no line: give a file that `simulate` wrote")?;
        let head = serde_json::from_str(head).map_err(bad)?;
        let incidents = lines.map(serde_json::from_str).collect::<Result<_, _>>().map_err(bad)?;
        Ok(Self { head, incidents })
    }
}

/// Somebody is away while more is said than a page of history has, for longer than catch-up looks back; when they are back
/// people go on talking, and the connection does not hold.
fn absence(chance: &mut Chance, people: usize, end: u64) -> Vec<Incident> {
    let device = chance.index(people);
    let pause = chance.between(80_000, 160_000);
    let start = chance.between(1, end.saturating_sub(pause).max(2));
    let back = start + pause;
    let sleep = Strike::Sleep { device, pause };
    let mut all = vec![Incident { at: start, what: What::Strikes(sleep) }];
    let between = pause / chance.between(60, 110);
    let mut at = start;
    while at < back + 6_000 {
        // Once they are back somebody says something at every moment.
        at += if at < back { between } else { 150 };
        all.push(Incident { at, what: What::StrangerWrites { room: 0, messages: 1 } });
    }
    for _ in 0..chance.between(1, 4) {
        let at = back + chance.between(300, 5_000);
        all.push(Incident { at, what: What::Strikes(Strike::CutOf { device }) });
    }
    all
}

fn strike(chance: &mut Chance, dialect: Dialect, (people, tabs): (usize, usize)) -> Strike {
    let most = if dialect.is_appsync() { 14 } else { 10 };
    if chance.percent(8) {
        let pause = chance.between(1_000, 7_200_000);
        return Strike::Suspend { person: chance.index(people), pause };
    }
    if chance.percent(3) {
        let hours = i64::try_from(chance.between(1, 26)).unwrap_or(1);
        let by = if chance.percent(50) { hours } else { -hours } * 3_600_000;
        return Strike::SetClock { person: chance.index(people), by };
    }
    match chance.between(0, most) {
        0 => Strike::Restart,
        1 => {
            let most = if chance.percent(30) { 1_200_000 } else { 60_000 };
            let pause = chance.between(1_000, most);
            Strike::Sleep { device: chance.index(people + tabs), pause }
        }
        10 => Strike::BlockSockets { pause: chance.between(5_000, 60_000) },
        11 => Strike::RevokeTokens,
        12 => Strike::BreakConnection,
        13.. => Strike::EndSubscription,
        _ => Strike::Cut,
    }
}

/// Dialects by the names of the command line.
mod names {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::Dialect;

    pub(super) fn serialize<S: Serializer>(dialect: &Dialect, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(dialect.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Dialect, D::Error> {
        let name = String::deserialize(from)?;
        Dialect::by_name(&name).ok_or_else(|| D::Error::custom("there is no such dialect"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        for dialect in Dialect::ALL {
            let plan = Plan::draw(7, dialect, 3);
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
        assert!("".parse::<Plan>().is_err());
        assert!("{}".parse::<Plan>().is_err());
    }
}
