//! What belongs to one connection of a session.

use crate::backend::appsync::{self, Realtime};

#[derive(Debug)]
pub(crate) struct Line {
    pub(super) realtime: Realtime,
    /// The subscriptions that were started with the full schema.
    pub(super) started_full: Vec<String>,
}

impl Line {
    pub(super) fn closed(&mut self) {
        self.realtime.closed();
        self.started_full.clear();
    }
}

impl appsync::Line for Line {
    fn new(realtime: Realtime) -> Self {
        Self { realtime, started_full: Vec::new() }
    }

    fn realtime(&self) -> &Realtime {
        &self.realtime
    }

    fn realtime_mut(&mut self) -> &mut Realtime {
        &mut self.realtime
    }

    /// Requests go beside the connections.
    fn take_over(&mut self, _before: &mut Self) {}
}
