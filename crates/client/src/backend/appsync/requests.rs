//! The HTTP requests of a backend: they travel beside its connection and outlive it.

use std::collections::VecDeque;
use std::time::Duration;

use super::errors::Trouble;
use super::{ERROR_PAUSE, MAX_ERROR_PAUSE};
use crate::backend::{Http, Posting, SEND_DEADLINE};
use crate::chat::ids::{HttpRequestId, RoomId};
use crate::time::Timestamp;
use crate::timer::Deadline;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// For credentials.
    Waiting,
    InFlight {
        deadline: Timestamp,
    },
}

/// What is done for a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Errand {
    Send,
    History,
}

/// What may be done about a request that was refused for its credentials or its signature.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<P> {
    /// It goes again, with credentials that are newer than this generation, or by another clock.
    Again { generation: u32 },
    /// It was repeated already, or there is nothing to repeat it with.
    ForGood(P),
}

/// A request, and what it is for.
#[derive(Debug)]
pub(crate) struct Request<P> {
    id: HttpRequestId,
    pub(crate) purpose: P,
    state: State,
    /// The credentials that it was sent with.
    generation: u32,
    /// It was repeated once, with other credentials.
    repeated: bool,
}

/// The requests; `P` is what a request is for. There are as many as rooms, twice: each has one send and one page of history at
/// a time.
#[derive(Debug)]
pub(crate) struct Requests<P> {
    all: Vec<Request<P>>,
    ids: u32,
    /// Errors of the backend's own, in a row; each errand of each room has its own.
    failures: Vec<(RoomId, Errand, u32)>,
    http: VecDeque<Http>,
}

impl<P> Default for Requests<P> {
    fn default() -> Self {
        Self { all: Vec::new(), ids: 0, failures: Vec::new(), http: VecDeque::new() }
    }
}

impl<P> Requests<P> {
    pub(crate) fn add(&mut self, purpose: P) {
        self.ids += 1;
        let id = HttpRequestId(self.ids);
        let (state, generation, repeated) = (State::Waiting, 0, false);
        self.all.push(Request { id, purpose, state, generation, repeated });
    }

    /// A request was refused: puts it back once, to be sent again, where `trouble` can be helped; `renewable` says
    /// whether there are other credentials at all.
    pub(crate) fn refused(
        &mut self,
        request: Request<P>,
        trouble: Trouble,
        renewable: bool,
    ) -> Refused<P> {
        if request.repeated || !trouble.can_be_helped(renewable) {
            return Refused::ForGood(request.purpose);
        }
        self.ids += 1;
        let (id, generation) = (HttpRequestId(self.ids), request.generation);
        self.all.push(Request { id, state: State::Waiting, repeated: true, ..request });
        Refused::Again { generation }
    }

    /// Whether something waits for credentials.
    pub(crate) fn wants_keys(&self) -> bool {
        self.all.iter().any(|request| request.state == State::Waiting)
    }

    /// Sends what waits, with the credentials of a generation; `build` gives headers and body.
    pub(crate) fn send(
        &mut self,
        now: Timestamp,
        generation: u32,
        url: &str,
        build: impl Fn(&P) -> (Vec<(String, String)>, String),
    ) {
        for request in self.all.iter_mut().filter(|request| request.state == State::Waiting) {
            let (headers, body) = build(&request.purpose);
            request.state = State::InFlight { deadline: now + SEND_DEADLINE };
            request.generation = generation;
            let url = url.to_owned();
            self.http.push_back(Http::Post(Posting { request: request.id, url, headers, body }));
        }
    }

    /// A request has come to its end, one way or another.
    pub(crate) fn take(&mut self, id: HttpRequestId) -> Option<Request<P>> {
        let index = self.all.iter().position(|request| request.id == id)?;
        Some(self.all.swap_remove(index))
    }

    /// Gives up what is of no more use.
    pub(crate) fn cancel(&mut self, is_useless: impl Fn(&P) -> bool) {
        let http = &mut self.http;
        self.all.retain(|request| {
            let keep = !is_useless(&request.purpose);
            if !keep && matches!(request.state, State::InFlight { .. }) {
                http.push_back(Http::Cancel(request.id));
            }
            keep
        });
    }

    /// Gives up what waits for credentials still; says whether there was any.
    pub(crate) fn withdraw(&mut self, is_it: impl Fn(&P) -> bool) -> bool {
        let is_held =
            |request: &Request<P>| request.state == State::Waiting && is_it(&request.purpose);
        let before = self.all.len();
        self.all.retain(|request| !is_held(request));
        self.all.len() < before
    }

    /// The requests that wait for credentials.
    pub(crate) fn take_waiting(&mut self) -> Vec<Request<P>> {
        self.all.extract_if(.., |request| request.state == State::Waiting).collect()
    }

    /// The requests that took too long.
    pub(crate) fn take_late(&mut self, now: Timestamp) -> Vec<Request<P>> {
        let is_late = |request: &mut Request<P>| matches!(request.state, State::InFlight { deadline } if deadline <= now);
        let late = self.all.extract_if(.., is_late).collect::<Vec<_>>();
        self.http.extend(late.iter().map(|request| Http::Cancel(request.id)));
        late
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        Deadline::earliest(self.all.iter().map(|request| match request.state {
            State::InFlight { deadline: at } => {
                Some(Deadline { at, reason: "a request is not answered" })
            }
            State::Waiting => None,
        }))
    }

    pub(crate) fn poll_http(&mut self) -> Option<Http> {
        self.http.pop_front()
    }

    /// What waits for credentials.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &P> {
        let waiting = self.all.iter().filter(|request| request.state == State::Waiting);
        waiting.map(|request| &request.purpose)
    }

    /// What is on its way.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &P> {
        let sent = self.all.iter().filter(|request| request.state != State::Waiting);
        sent.map(|request| &request.purpose)
    }

    /// The backend did what it was asked.
    pub(crate) fn succeeded(&mut self, room: &RoomId, errand: Errand) {
        self.failures.retain(|(of, other, _)| of != room || *other != errand);
    }

    /// A room is left.
    pub(crate) fn forget_failures(&mut self, room: &RoomId) {
        self.failures.retain(|(of, ..)| of != room);
    }

    /// How often an errand has failed in a row.
    pub(crate) fn failures(&self, room: &RoomId, errand: Errand) -> u32 {
        let known = self.failures.iter().find(|(of, other, _)| of == room && *other == errand);
        known.map_or(0, |(_, _, failures)| failures + 1)
    }

    /// The pause after an error of the backend's own: longer with each in a row.
    pub(crate) fn pause(&mut self, room: &RoomId, errand: Errand) -> Duration {
        let known = self.failures.iter_mut().find(|(of, other, _)| of == room && *other == errand);
        let failures = match known {
            Some((_, _, failures)) => {
                *failures += 1;
                *failures
            }
            None => {
                self.failures.push((room.clone(), errand, 0));
                0
            }
        };
        ERROR_PAUSE.saturating_mul(1 << failures.min(8)).min(MAX_ERROR_PAUSE)
    }
}
