//! The table of named timers.

use crate::time::Timestamp;

/// When something is due, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// When to call `handle` with [`Input::TimeDue`](crate::Input::TimeDue) at the latest.
    pub at: Timestamp,
    /// Why, for logs and tests.
    pub reason: &'static str,
}

impl Deadline {
    /// The earlier of two deadlines, where there are any.
    pub(crate) fn earliest(deadlines: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        deadlines.into_iter().flatten().min()
    }
}

/// A kind of timer; each kind of a table can be set once.
pub(crate) trait TimerKind: Copy + Ord {
    /// Why the timer is set.
    fn reason(self) -> &'static str;
}

/// The timers of one machine: a handful, so that a list is as good as any table.
#[derive(Debug)]
pub(crate) struct Timers<K>(Vec<(K, Timestamp)>);

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: TimerKind> Timers<K> {
    /// Sets a timer, in place of its earlier setting.
    pub(crate) fn set(&mut self, kind: K, at: Timestamp) {
        self.stop(kind);
        self.0.push((kind, at));
    }

    pub(crate) fn stop(&mut self, kind: K) {
        self.0.retain(|(other, _)| *other != kind);
    }

    pub(crate) fn is_set(&self, kind: K) -> bool {
        self.at(kind).is_some()
    }

    pub(crate) fn at(&self, kind: K) -> Option<Timestamp> {
        self.0.iter().find(|(other, _)| *other == kind).map(|(_, at)| *at)
    }

    /// Takes one timer that is due, the earliest first.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<K> {
        let due = self.0.iter().filter(|(_, at)| *at <= now);
        let (kind, _) = *due.min_by_key(|(kind, at)| (*at, *kind))?;
        self.stop(kind);
        Some(kind)
    }

    pub(crate) fn next(&self) -> Option<Deadline> {
        self.0.iter().map(|(kind, at)| Deadline { at: *at, reason: kind.reason() }).min()
    }
}
