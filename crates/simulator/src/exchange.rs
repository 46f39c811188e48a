//! HTTP requests and their answers, over the same hostile network.
//!
//! A request that is lost and an answer that is lost look the same to the client. In a third of the cases it does
//! not even hear that something was lost.

use roomlet_client::{HttpAnswer, HttpFailure, HttpRequestId};

use crate::network::{Ground, Network};
use crate::schedule::Happening;
use crate::statistics::Counted;

/// A request, by its place in [`Network::exchanges`].
pub(crate) type ExchangeId = usize;

/// Longer than any client waits for an answer, in milliseconds.
const TOO_LONG: (u64, u64) = (10_000, 40_000);

/// What an answer says, in truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// This message has been sent.
    Sent(Heard),
    /// Nothing of lasting interest.
    Other,
}

/// A message that has come to a client's ears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) room: String,
    /// What makes it the same message when it comes again.
    pub(crate) key: String,
    /// The server's id, for the order.
    pub(crate) id: String,
    pub(crate) text: String,
    /// Milliseconds since 1970, where the message says so.
    pub(crate) created_at: Option<i64>,
    /// The device that wrote it.
    pub(crate) device: Option<usize>,
    /// It is no message, and shown as it came.
    pub(crate) is_notice: bool,
}

/// A request on its way, and its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) device: usize,
    pub(crate) request: HttpRequestId,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The client has given it up.
    pub(crate) is_cancelled: bool,
    /// The client has heard what became of it.
    pub(crate) is_over: bool,
}

impl Network {
    /// A client sends a request.
    pub(crate) fn request(&mut self, ground: &mut Ground, exchange: Exchange) -> ExchangeId {
        let id = self.exchanges.len();
        self.exchanges.push(exchange);
        let pause = ground.latency() + too_long(ground);
        if ground.chance.percent(ground.faults.service.lost_request) {
            ground.statistics.count(Counted::LostRequests);
            lose(ground, id);
        } else {
            ground.schedule.after(pause, Happening::Requested(id));
        }
        id
    }

    /// The server answers.
    pub(crate) fn answer(
        &mut self,
        ground: &mut Ground,
        exchange: ExchangeId,
        answer: HttpAnswer,
        told: Told,
    ) {
        let pause = ground.latency() + too_long(ground);
        if ground.chance.percent(ground.faults.service.lost_answer) {
            ground.statistics.count(Counted::LostAnswers);
            if matches!(told, Told::Sent(_)) {
                ground.statistics.count(Counted::AmbiguousSends);
            }
            lose(ground, exchange);
        } else {
            let result = Ok((answer, told));
            ground.schedule.after(pause, Happening::Answered { exchange, result });
        }
    }
}

fn too_long(ground: &mut Ground) -> u64 {
    let (least, most) = TOO_LONG;
    let is_slow = ground.chance.percent(ground.faults.service.slow);
    if is_slow { ground.chance.between(least, most) } else { 0 }
}

fn lose(ground: &mut Ground, exchange: ExchangeId) {
    if ground.chance.percent(67) {
        let pause = ground.latency();
        let result = Err(HttpFailure::Network);
        ground.schedule.after(pause, Happening::Answered { exchange, result });
    }
}
