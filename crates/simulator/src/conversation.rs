//! What was said on one AppSync connection, as its client knows it, and what the client must not say there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::exchange::Heard;

/// How long a client must wait for an acknowledgement, in milliseconds; then it may give the subscription up.
const PATIENCE: u64 = 15_000;
/// What one connection may publish in a second (Event API quotas).
const PUBLISHES_PER_SECOND: usize = 25;

/// What a frame of the server's says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// `connection_ack`
    Ready,
    /// A subscription is acknowledged.
    Started { id: String },
    /// A subscription is refused, or has come to its end.
    Ended { id: String },
    /// A message.
    Data { id: String, heard: Heard },
    /// Something could not be delivered.
    Missed { id: String },
    /// A publish has succeeded.
    Published { id: String, heard: Heard },
    /// A publish was refused.
    PublishRefused { id: String },
    /// Something was refused, and nobody says what.
    Complaint,
    /// Anything else.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Live,
    /// The client has ended it.
    Stopped,
    /// The server has ended it, or refused it.
    Ended,
    /// The client has started another one for lack of an answer.
    Abandoned,
}

#[derive(Debug)]
struct Subscription {
    room: String,
    state: State,
    since: u64,
    is_acknowledged: bool,
}

/// The conversation.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    is_initiated: bool,
    is_ready: bool,
    subscriptions: BTreeMap<String, Subscription>,
    /// Publishes without an answer so far: room and text.
    publishes: BTreeMap<String, (String, String)>,
    recent: VecDeque<u64>,
    /// Ends of subscriptions that do not exist, to see whether there is an answer.
    probes: BTreeSet<String>,
}

/// A frame of a client's, with what matters of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Start {
        is_renewal: bool,
    },
    Publish,
    /// Nothing but a question whether anybody is there.
    Probe,
    Other,
}

impl Conversation {
    /// The client says something.
    pub(crate) fn says(&mut self, frame: &Value, now: u64) -> Result<Spoken, String> {
        let kind = frame["type"].as_str().unwrap_or_default();
        if kind == "connection_init" {
            let is_first = !std::mem::replace(&mut self.is_initiated, true);
            return if is_first { Ok(Spoken::Other) } else { Err("it begins twice".into()) };
        }
        if !self.is_ready {
            return Err(format!("{kind} is said before connection_ack"));
        }
        let id = frame["id"].as_str().unwrap_or_default();
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+".contains(&byte);
        if id.is_empty() || id.len() > 128 || !id.bytes().all(is_legal) {
            return Err(format!("{id:?} is no id of an operation"));
        }
        match kind {
            "start" | "subscribe" => self.starts(id, room_of(frame)?, now),
            "stop" | "unsubscribe" => {
                let Some(known) = self.subscriptions.get_mut(id) else {
                    if kind == "stop" {
                        return Err("a subscription is ended that was never started".into());
                    }
                    // Events answers that with an error, which proves that it is there.
                    self.probes.insert(id.to_owned());
                    return Ok(Spoken::Probe);
                };
                match known.state {
                    State::Live => known.state = State::Stopped,
                    // They cross on the wire.
                    State::Ended => {}
                    State::Abandoned if known.is_acknowledged => known.state = State::Ended,
                    State::Starting | State::Stopped | State::Abandoned => {
                        return Err(format!("{id} is ended while it is {:?}", known.state));
                    }
                }
                Ok(Spoken::Other)
            }
            "publish" => {
                self.recent.retain(|at| at + 1_000 > now);
                self.recent.push_back(now);
                if self.recent.len() > PUBLISHES_PER_SECOND {
                    return Err(format!("{} publishes within a second", self.recent.len()));
                }
                let said = (room_of(frame)?, text_of(frame)?);
                if self.publishes.insert(id.to_owned(), said).is_some() {
                    return Err("the id of a publish is used twice".into());
                }
                Ok(Spoken::Publish)
            }
            kind => Err(format!("{kind:?} is no frame of a client's")),
        }
    }

    fn starts(&mut self, id: &str, room: String, now: u64) -> Result<Spoken, String> {
        let mut is_renewal = false;
        for one in self.subscriptions.values_mut().filter(|one| one.room == room) {
            match one.state {
                State::Starting => one.state = State::Abandoned,
                State::Live => is_renewal = true,
                State::Stopped | State::Ended | State::Abandoned => {}
            }
        }
        let state = State::Starting;
        let subscription = Subscription { room, state, since: now, is_acknowledged: false };
        if self.subscriptions.insert(id.to_owned(), subscription).is_some() {
            return Err(format!("the id {id} is used twice"));
        }
        Ok(Spoken::Start { is_renewal })
    }

    /// The client hears something; for an acknowledgement returns the room that it joins by that.
    pub(crate) fn hears(&mut self, said: &Said, now: u64) -> Option<String> {
        match said {
            Said::Ready => self.is_ready = true,
            Said::Started { id } => {
                let room = self.subscriptions.get(id).map(|one| one.room.clone())?;
                // The client may have taken an acknowledgement that came in the very last moment.
                let was_live = self.may_be_joined(&room);
                let one = self.subscriptions.get_mut(id)?;
                one.is_acknowledged = true;
                if one.state == State::Starting && one.since + PATIENCE <= now {
                    one.state = State::Abandoned;
                }
                if one.state == State::Starting {
                    one.state = State::Live;
                    return (!was_live).then_some(room);
                }
            }
            Said::Ended { id } => {
                self.probes.remove(id);
                if let Some(one) = self.subscriptions.get_mut(id)
                    && one.state != State::Abandoned
                {
                    one.state = State::Ended;
                }
            }
            Said::Published { id, .. } | Said::PublishRefused { id } => {
                self.publishes.remove(id);
            }
            // It may start again what it has just started.
            Said::Complaint => {
                let mut all = self.subscriptions.values_mut();
                while let Some(one) = all.find(|one| one.state == State::Starting) {
                    one.state = State::Abandoned;
                }
            }
            Said::Data { .. } | Said::Missed { .. } | Said::Other => {}
        }
        None
    }

    /// The room that something is missing from, if the client is in it by that very subscription.
    pub(crate) fn room_of_live(&self, id: &str) -> Option<&str> {
        let one = self.subscriptions.get(id).filter(|one| one.state == State::Live)?;
        Some(&one.room)
    }

    /// The same, or by one whose acknowledgement came when it was given up already.
    pub(crate) fn may_be_joined(&self, room: &str) -> bool {
        self.subscriptions.values().any(|one| {
            let is_late = one.state == State::Abandoned && one.is_acknowledged;
            one.room == room && (one.state == State::Live || is_late)
        })
    }

    /// The room of a subscription.
    pub(crate) fn room_of(&self, id: &str) -> Option<&str> {
        self.subscriptions.get(id).map(|one| one.room.as_str())
    }

    /// Whether the client is in a room by this connection.
    pub(crate) fn is_joined(&self, room: &str) -> bool {
        self.subscriptions.values().any(|one| one.room == room && one.state == State::Live)
    }

    /// Whether the client is in any room by this connection.
    pub(crate) fn is_in_some_room(&self) -> bool {
        self.subscriptions.values().any(|one| one.state == State::Live)
    }

    /// Whether the client must show what comes by a subscription: it is joined, and did not end the subscription but
    /// for another one of the same room.
    pub(crate) fn must_show(&self, id: &str) -> bool {
        self.subscriptions.get(id).is_some_and(|one| match one.state {
            State::Live => true,
            State::Stopped => self.is_joined(&one.room),
            State::Starting | State::Ended | State::Abandoned => false,
        })
    }

    /// Whether something that the client has said is not answered yet.
    pub(crate) fn awaits_answer(&self) -> bool {
        let is_starting = |one: &Subscription| one.state == State::Starting;
        !self.publishes.is_empty()
            || !self.probes.is_empty()
            || (self.is_initiated && !self.is_ready)
            || self.subscriptions.values().any(is_starting)
    }

    /// Whether a room has more subscriptions than it needs: two while one takes the place of the other.
    pub(crate) fn has_too_many(&self) -> bool {
        let live = |room: &str| {
            let of_room = self.subscriptions.values().filter(|one| one.room == room);
            of_room.filter(|one| one.state == State::Live).count()
        };
        self.subscriptions.values().any(|one| live(&one.room) > 2)
    }

    /// What was published and not answered: rooms and texts.
    pub(crate) fn publishes(&self) -> impl Iterator<Item = &(String, String)> {
        self.publishes.values()
    }
}

/// The room of a frame: a variable in GraphQL, the channel in Events.
fn room_of(frame: &Value) -> Result<String, String> {
    match frame["channel"].as_str() {
        Some(channel) => crate::backend::room_of_channel(channel),
        None => {
            let data = frame["payload"]["data"].as_str().ok_or("payload.data is no string")?;
            let data =
                serde_json::from_str::<Value>(data).map_err(|_| "payload.data is no JSON")?;
            let room = data["variables"]["roomId"].as_str().ok_or("a start names no room")?;
            Ok(room.to_owned())
        }
    }
}

fn text_of(frame: &Value) -> Result<String, String> {
    let event = frame["events"][0].as_str().ok_or("a publish has no event in a string")?;
    let event = serde_json::from_str::<Value>(event).map_err(|_| "an event is no JSON")?;
    Ok(event["text"].as_str().ok_or("an event has no text")?.to_owned())
}
