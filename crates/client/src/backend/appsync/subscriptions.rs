//! The rooms of one connection, each a subscription.
//!
//! ```text
//!           take_start        acknowledged
//!  Wanted ─────────────► Starting ─────► Live ──renew──► Live, and Starting anew
//!    ▲                      │ refused      │ ended, at once or later
//!    └──── Paused ◄─────────┴──────────────┘        Refused: until somebody asks again
//! ```
//!
//! A subscription that is to end while it is starting ends after its acknowledgement: the service ignores an end
//! that comes earlier, and the subscription would stay for good.

use std::collections::VecDeque;
use std::time::Duration;

use super::errors::Trouble;
use super::{ERROR_PAUSE, MAX_ERROR_PAUSE};
use crate::chat::ids::RoomId;
use crate::random::Random;
use crate::time::Timestamp;
use crate::timer::Deadline;

/// From `start` or `subscribe` to its acknowledgement.
const START_DEADLINE: Duration = Duration::from_secs(15);
/// Subscriptions that were told to end, and may still bring something; beyond, the oldest is forgotten.
const MAX_ENDING: usize = 8;
/// How long a subscription whose place another one has taken may still bring what was on its way.
const LINGER: Duration = Duration::from_secs(5);
/// How often a start goes unanswered before the connection is given up; over connections in a row twice as often, and
/// so on.
const MAX_UNANSWERED: u32 = 2;
/// A subscription that has lived so long was no failure.
const STEADY_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Wanted,
    Starting {
        id: String,
        deadline: Timestamp,
    },
    /// `renewal` is a second subscription of the same room that is starting, to take the place of the first.
    Live {
        id: String,
        since: Timestamp,
        renewal: Option<(String, Timestamp)>,
    },
    /// `maybe` is a start that may have been refused, or not: the server did not say what it meant.
    Paused {
        until: Timestamp,
        maybe: Option<String>,
    },
    Refused,
}

#[derive(Debug)]
struct Subscription {
    room: RoomId,
    state: State,
    /// The room is left: it ends as soon as it may.
    leaving: bool,
    /// The credentials that it was started with.
    generation: u32,
    /// Its credentials were renewed once, in vain so far.
    renewed: bool,
    /// In a row.
    failures: u32,
    /// In a row, over connections.
    unanswered: u32,
}

#[derive(Debug)]
struct Ending {
    id: String,
    room: RoomId,
    /// When the server is to be told; `None` once it is.
    end_at: Option<Timestamp>,
}

/// What an acknowledgement means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// The room is joined.
    Joined(RoomId),
    /// To be ended now: the room was left meanwhile, or it was given up and has begun after all.
    End(String),
    /// It has taken the place of another one, which ends soon; or it was known already.
    Known,
}

/// What a refusal means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It starts again with credentials of a later generation, or signed by another clock.
    Renew { generation: u32 },
    /// It starts again by itself.
    Again,
    /// The room cannot be had.
    Refused(RoomId),
    /// Not ours, or of no consequence.
    Ignored,
}

/// The subscriptions of one connection.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    all: Vec<Subscription>,
    /// Those whose place another one has taken: what they still bring belongs to their rooms.
    ending: VecDeque<Ending>,
    ids: u64,
    /// Whether new credentials can be had at all.
    renewable: bool,
    random: Random,
}

impl Subscriptions {
    pub(crate) fn new(renewable: bool, random: Random) -> Self {
        Self { all: Vec::new(), ending: VecDeque::new(), ids: 0, renewable, random }
    }

    /// The subscriptions of a connection that is to take the place of this one. What was refused here stays so.
    pub(crate) fn succeeding(&mut self) -> Self {
        let wanted = self.all.iter().filter(|one| !one.leaving).map(|one| {
            let is_refused = one.state == State::Refused;
            let state = if is_refused { State::Refused } else { State::Wanted };
            Subscription::new(one.room.clone(), state)
        });
        let (all, random) = (wanted.collect(), self.random.fork());
        Self { all, ending: VecDeque::new(), ids: 0, renewable: self.renewable, random }
    }

    /// A room is wanted now; one that was refused or waits for its turn is tried again. Says whether it has been left and is live all the same.
    pub(crate) fn join(&mut self, room: &RoomId) -> bool {
        let Some(one) = self.all.iter_mut().find(|one| one.room == *room) else {
            self.all.push(Subscription::new(room.clone(), State::Wanted));
            return false;
        };
        if matches!(one.state, State::Refused | State::Paused { .. }) {
            one.state = State::Wanted;
            one.renewed = false;
        }
        std::mem::take(&mut one.leaving) && matches!(one.state, State::Live { .. })
    }

    /// A room is wanted no more; returns the subscription to end now, if there is one.
    pub(crate) fn leave(&mut self, room: &RoomId) -> Option<String> {
        let index = self.all.iter().position(|one| one.room == *room)?;
        let one = self.all.get_mut(index)?;
        if matches!(one.state, State::Starting { .. } | State::Live { renewal: Some(_), .. }) {
            one.leaving = true;
            return None;
        }
        match self.all.remove(index).state {
            State::Live { id, .. } => Some(id),
            State::Wanted | State::Starting { .. } | State::Paused { .. } | State::Refused => None,
        }
    }

    /// The connection is gone, and all subscriptions with it; `heard` is when it last showed life.
    pub(crate) fn disconnected(&mut self, heard: Timestamp) {
        self.all.retain(|one| !one.leaving);
        self.ending.clear();
        for one in &mut self.all {
            one.look_back(heard);
            match &mut one.state {
                State::Refused => {}
                State::Paused { maybe, .. } => *maybe = None,
                State::Wanted | State::Starting { .. } | State::Live { .. } => {
                    one.state = State::Wanted;
                }
            }
        }
    }

    pub(crate) fn forget(&mut self) {
        self.all.clear();
        self.ending.clear();
    }

    pub(crate) fn wants_start(&self) -> bool {
        self.all.iter().any(|one| one.state == State::Wanted && !one.leaving)
    }

    /// Whether an acknowledgement is due.
    pub(crate) fn is_starting(&self) -> bool {
        self.all.iter().any(|one| match &one.state {
            State::Starting { .. } | State::Live { renewal: Some(_), .. } => true,
            State::Paused { maybe, .. } => maybe.is_some(),
            State::Wanted | State::Live { .. } | State::Refused => false,
        })
    }

    /// The next subscription to start, with the credentials of a generation: its id, new each time, and its room.
    pub(crate) fn take_start(
        &mut self,
        now: Timestamp,
        generation: u32,
    ) -> Option<(String, RoomId)> {
        let one = self.all.iter_mut().find(|one| one.state == State::Wanted && !one.leaving)?;
        self.ids += 1;
        one.generation = generation;
        let id = format!("s{}", self.ids);
        one.state = State::Starting { id: id.clone(), deadline: now + START_DEADLINE };
        Some((id, one.room.clone()))
    }

    /// Starts a second subscription of some room that is live, whose acknowledgement proves that the connection
    /// lives; `None` if no room is, or only where the last one is not over yet: a room never has three.
    pub(crate) fn renew(&mut self, now: Timestamp) -> Option<(String, RoomId)> {
        let index = self.all.iter().position(|one| self.is_renewable(one))?;
        let one = self.all.get_mut(index)?;
        let State::Live { renewal, .. } = &mut one.state else { return None };
        self.ids += 1;
        let id = format!("s{}", self.ids);
        *renewal = Some((id.clone(), now + START_DEADLINE));
        Some((id, one.room.clone()))
    }

    /// Whether a renewal could start, now or soon.
    pub(crate) fn can_renew(&self) -> bool {
        self.all.iter().any(|one| matches!(one.state, State::Live { renewal: None, .. }))
    }

    /// Whether a renewal could start now.
    pub(crate) fn may_renew(&self) -> bool {
        self.all.iter().any(|one| self.is_renewable(one))
    }

    fn is_renewable(&self, one: &Subscription) -> bool {
        let lingers = |ending: &Ending| ending.end_at.is_some() && ending.room == one.room;
        matches!(one.state, State::Live { renewal: None, .. }) && !self.ending.iter().any(lingers)
    }

    pub(crate) fn acknowledged(&mut self, now: Timestamp, id: &str) -> Started {
        let Some(index) = self.position(id) else {
            // One that was given up, and has begun after all.
            let is_ending = self.ending.iter().any(|ending| ending.id == id);
            return if is_ending { Started::Known } else { Started::End(id.to_owned()) };
        };
        let Some(one) = self.all.get_mut(index) else { return Started::Known };
        one.unanswered = 0;
        match &mut one.state {
            State::Starting { id, .. } | State::Paused { maybe: Some(id), .. } => {
                let id = std::mem::take(id);
                if one.leaving {
                    self.all.remove(index);
                    return Started::End(id);
                }
                one.state = State::Live { id, since: now, renewal: None };
                Started::Joined(one.room.clone())
            }
            State::Live { id: old, renewal, .. }
                if renewal.as_ref().is_some_and(|(new, _)| new == id) =>
            {
                *renewal = None;
                let id = std::mem::replace(old, id.to_owned());
                let (room, end_at) = (one.room.clone(), Some(now + LINGER));
                self.ending.push_back(Ending { id, room, end_at });
                if self.ending.len() > MAX_ENDING {
                    self.ending.pop_front();
                }
                Started::Known
            }
            _ => Started::Known,
        }
    }

    /// A room that was left while its renewal ran, and has none any more.
    pub(crate) fn take_left(&mut self) -> Option<String> {
        let is_done = |one: &Subscription| {
            one.leaving && matches!(one.state, State::Live { renewal: None, .. })
        };
        let index = self.all.iter().position(is_done)?;
        match self.all.remove(index).state {
            State::Live { id, .. } => Some(id),
            _ => None,
        }
    }

    /// A subscription was refused, or ended with an error.
    pub(crate) fn failed(&mut self, now: Timestamp, id: &str, trouble: Trouble) -> Failure {
        let Some(index) = self.position(id) else { return Failure::Ignored };
        let Some(one) = self.all.get_mut(index) else { return Failure::Ignored };
        if let State::Live { renewal, .. } = &mut one.state
            && renewal.as_ref().is_some_and(|(new, _)| new == id)
        {
            // The first one lives on, and so does the connection.
            *renewal = None;
            return Failure::Ignored;
        }
        if one.leaving {
            self.all.remove(index);
            return Failure::Ignored;
        }
        one.look_back(now);
        match trouble {
            Trouble::Credentials if self.renewable && !one.renewed => {
                one.renewed = true;
                one.state = State::Wanted;
                Failure::Renew { generation: one.generation }
            }
            Trouble::Signature { server: Some(_) } if !one.renewed => {
                one.renewed = true;
                one.state = State::Wanted;
                Failure::Renew { generation: one.generation }
            }
            Trouble::UnknownField => {
                one.state = State::Wanted;
                Failure::Again
            }
            // Another id, at once; but the words may mean something else.
            Trouble::DuplicateId if one.failures == 0 => {
                one.failures += 1;
                one.state = State::Wanted;
                Failure::Again
            }
            Trouble::Throttled
            | Trouble::Backend
            | Trouble::Unexplained
            | Trouble::DuplicateId
            | Trouble::Conflict => {
                one.pause(now, None, &mut self.random);
                Failure::Again
            }
            Trouble::Credentials
            | Trouble::Signature { .. }
            | Trouble::Denied
            | Trouble::TooLarge
            | Trouble::NoSuchApi
            | Trouble::NoSuchNamespace
            | Trouble::BlockedByPage
            | Trouble::Malformed => {
                one.state = State::Refused;
                Failure::Refused(one.room.clone())
            }
        }
    }

    /// The server has refused something for its pace, and does not say what: what was starting starts again later, if
    /// it is not acknowledged after all.
    pub(crate) fn throttled(&mut self, now: Timestamp) {
        for one in &mut self.all {
            match &mut one.state {
                State::Starting { id, .. } if !one.leaving => {
                    let id = std::mem::take(id);
                    one.pause(now, Some(id), &mut self.random);
                }
                // That the server has said so proves what the renewal was to find out.
                State::Live { renewal, .. } => *renewal = None,
                _ => {}
            }
        }
    }

    /// The server has ended a subscription; returns the room that has lost it.
    pub(crate) fn ended(&mut self, now: Timestamp, id: &str) -> Option<RoomId> {
        self.ending.retain(|ending| ending.id != id);
        let index = self.position(id)?;
        let one = self.all.get_mut(index)?;
        if let State::Live { renewal, .. } = &mut one.state
            && renewal.as_ref().is_some_and(|(new, _)| new == id)
        {
            *renewal = None;
            return None;
        }
        let room = one.room.clone();
        if one.leaving {
            self.all.remove(index);
        } else if let State::Live { renewal: Some((id, deadline)), .. } = &mut one.state {
            // The second one is all there is now.
            one.state = State::Starting { id: std::mem::take(id), deadline: *deadline };
        } else {
            // Also one that is not acknowledged yet: what its acknowledgement says comes too late.
            one.look_back(now);
            one.pause(now, None, &mut self.random);
        }
        Some(room)
    }

    /// The room may not be had after all; returns the subscription to end.
    pub(crate) fn refuse(&mut self, room: &RoomId) -> Option<String> {
        let one = self.all.iter_mut().find(|one| one.room == *room)?;
        match std::mem::replace(&mut one.state, State::Refused) {
            State::Live { id, .. } => Some(id),
            State::Wanted | State::Starting { .. } | State::Paused { .. } | State::Refused => None,
        }
    }

    /// Whether messages of a room arrive.
    pub(crate) fn is_live(&self, room: &RoomId) -> bool {
        self.live_rooms().any(|live| live == room)
    }

    /// The rooms whose messages arrive.
    pub(crate) fn live_rooms(&self) -> impl Iterator<Item = &RoomId> {
        let is_live = |one: &&Subscription| !one.leaving && matches!(one.state, State::Live { .. });
        self.all.iter().filter(is_live).map(|one| &one.room)
    }

    /// Whether a room was refused.
    pub(crate) fn is_refused(&self, room: &RoomId) -> bool {
        self.all.iter().any(|one| one.room == *room && one.state == State::Refused)
    }

    /// The room of a subscription. What arrives before its acknowledgement counts too.
    pub(crate) fn room_of(&self, id: &str) -> Option<&RoomId> {
        let ending = || self.ending.iter().find(|one| one.id == id).map(|one| &one.room);
        let wanted = |room: &&RoomId| self.all.iter().any(|one| one.room == **room && !one.leaving);
        let current = self.position(id).and_then(|index| self.all.get(index));
        current.map(|one| &one.room).or_else(ending).filter(wanted)
    }

    /// Gives up what is not acknowledged; returns the rooms that may have been heard all the same and are heard no more,
    /// and says whether the connection is of no more use.
    pub(crate) fn handle_time(&mut self, now: Timestamp) -> (Vec<RoomId>, bool) {
        let (mut given_up, mut is_dead) = (Vec::new(), false);
        self.all.retain(|one| {
            let is_late = matches!(one.state, State::Starting { deadline, .. } if deadline <= now);
            !(one.leaving && is_late)
        });
        for one in &mut self.all {
            match &one.state {
                State::Starting { deadline, .. } if *deadline <= now => {
                    one.unanswered += 1;
                    is_dead |= one.unanswered >= MAX_UNANSWERED && one.unanswered.is_power_of_two();
                    one.pause(now, None, &mut self.random);
                    given_up.push(one.room.clone());
                }
                State::Live { renewal: Some((_, deadline)), .. } if *deadline <= now => {
                    is_dead = true;
                }
                State::Paused { until, maybe } if *until <= now => {
                    given_up.extend(maybe.is_some().then(|| one.room.clone()));
                    one.state = State::Wanted;
                }
                _ => {}
            }
        }
        (given_up, is_dead)
    }

    /// The subscriptions that are to end now, since others have taken their places.
    pub(crate) fn take_ends(&mut self, now: Timestamp) -> Vec<String> {
        let due = self.ending.iter_mut().filter(|one| one.end_at.is_some_and(|at| at <= now));
        due.map(|one| {
            one.end_at = None;
            one.id.clone()
        })
        .collect()
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        let ends = self.ending.iter().map(|one| {
            Some(Deadline { at: one.end_at?, reason: "a subscription is not needed any more" })
        });
        let subscriptions = self.all.iter().map(|one| match &one.state {
            State::Starting { deadline: at, .. } | State::Live { renewal: Some((_, at)), .. } => {
                Some(Deadline { at: *at, reason: "a subscription is not acknowledged" })
            }
            State::Paused { until, .. } => {
                Some(Deadline { at: *until, reason: "a subscription is tried again" })
            }
            State::Wanted | State::Live { .. } | State::Refused => None,
        });
        Deadline::earliest(ends.chain(subscriptions))
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.all.iter().position(|one| match &one.state {
            State::Starting { id: other, .. } | State::Paused { maybe: Some(other), .. } => {
                other == id
            }
            State::Live { id: other, renewal, .. } => {
                other == id || renewal.as_ref().is_some_and(|(new, _)| new == id)
            }
            State::Wanted | State::Paused { .. } | State::Refused => false,
        })
    }
}

impl Subscription {
    fn new(room: RoomId, state: State) -> Self {
        let (leaving, generation, renewed) = (false, 0, false);
        Self { room, state, leaving, generation, renewed, failures: 0, unanswered: 0 }
    }

    /// What was before a subscription that has lived a while does not count any more.
    fn look_back(&mut self, now: Timestamp) {
        if let State::Live { since, .. } = self.state
            && now.since(since) >= STEADY_AFTER
        {
            (self.failures, self.renewed) = (0, false);
        }
    }

    /// Starts again after a pause, which is longer after each failure in a row.
    fn pause(&mut self, now: Timestamp, maybe: Option<String>, random: &mut Random) {
        let ceiling = ERROR_PAUSE.saturating_mul(1 << self.failures.min(8)).min(MAX_ERROR_PAUSE);
        self.failures += 1;
        let until = now + ERROR_PAUSE + random.up_to(ceiling);
        self.state = State::Paused { until, maybe };
    }
}
