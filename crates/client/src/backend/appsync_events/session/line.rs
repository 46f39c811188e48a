//! What belongs to one connection of a session.

use super::super::pace::Pace;
use super::super::publishes::Publishes;
use crate::backend::appsync::{self, Realtime};
use crate::chat::ids::ConnectionId;

#[derive(Debug)]
pub(crate) struct Line {
    pub(super) connection: ConnectionId,
    pub(super) realtime: Realtime,
    pub(super) publishes: Publishes,
    pub(super) pace: Pace,
}

impl appsync::Line for Line {
    fn new(realtime: Realtime) -> Self {
        let (connection, publishes, pace) =
            (ConnectionId(0), Publishes::default(), Pace::default());
        Self { connection, realtime, publishes, pace }
    }

    fn realtime(&self) -> &Realtime {
        &self.realtime
    }

    fn realtime_mut(&mut self) -> &mut Realtime {
        &mut self.realtime
    }

    fn take_over(&mut self, before: &mut Self) {
        self.publishes.put_back(before.publishes.take_waiting());
    }
}
