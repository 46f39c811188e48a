//! One socket and its subscriptions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::ServiceError;
use crate::connection_summary::ConnectionSummary;
use crate::faults::{FaultDesk, FrameKind};
use crate::rooms::RoomId;
use crate::served_path::ServedPath;
use crate::socket::{Outbox, OutboxReceiver};

/// What a client subscribed to.
pub(crate) trait Subscription: Send + Sync + 'static {
    /// The room that it listens to, if that can be said.
    fn room(&self) -> Option<&RoomId>;
}

/// What became of the end of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    /// It was active and is not any more.
    Ended,
    /// It is not acknowledged yet: the service does not listen, and it goes on.
    TooEarly,
    /// There is none of this id.
    Unknown,
}

#[derive(Debug)]
enum Slot<S> {
    Starting,
    Active(Arc<S>),
}

/// A socket of AppSync.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    /// Its name in the log.
    pub(crate) id: String,
    /// Where it connected.
    pub(crate) path: ServedPath,
    pub(super) outbox: Outbox,
    pub(super) acknowledged: AtomicBool,
    pub(super) frames_in: AtomicU64,
    frames_out: AtomicU64,
    label: String,
    subscriptions: Mutex<BTreeMap<String, Slot<S>>>,
}

impl<S: Subscription> Connection<S> {
    pub(super) fn new(
        id: String,
        path: ServedPath,
        label: String,
        max_backlog: usize,
    ) -> (Self, OutboxReceiver) {
        let (outbox, receiver) = Outbox::new(max_backlog);
        let connection = Self {
            id,
            path,
            outbox,
            acknowledged: AtomicBool::new(false),
            frames_in: AtomicU64::new(0),
            frames_out: AtomicU64::new(0),
            label,
            subscriptions: Mutex::default(),
        };
        (connection, receiver)
    }

    /// Queues a frame, as far as the switches let it.
    pub(crate) fn post(&self, faults: &FaultDesk, text: impl Into<Utf8Bytes>, kind: FrameKind) {
        self.frames_out.fetch_add(1, Ordering::Relaxed);
        self.outbox.queue(text.into(), faults.outgoing(self.path, kind));
    }

    /// Takes an id for a subscription that starts; the error is the service's.
    pub(crate) fn reserve(&self, id: &str, max_subscriptions: usize) -> Result<(), ServiceError> {
        let mut subscriptions = self.subscriptions();
        if subscriptions.contains_key(id) {
            return Err(ServiceError::new(
                "DuplicatedOperationError",
                "A subscription with this id is already active on this connection",
                400,
            ));
        }
        if subscriptions.len() >= max_subscriptions {
            return Err(ServiceError::new(
                "MaxSubscriptionsReachedError",
                format!("Max number of {max_subscriptions} subscriptions reached"),
                400,
            ));
        }
        subscriptions.insert(id.to_owned(), Slot::Starting);
        Ok(())
    }

    /// The subscription of a reserved id is active from now on; its acknowledgement is queued before
    /// anything that it delivers.
    pub(crate) fn activate(&self, id: &str, subscription: S, acknowledge: impl FnOnce()) {
        let mut subscriptions = self.subscriptions();
        acknowledge();
        subscriptions.insert(id.to_owned(), Slot::Active(Arc::new(subscription)));
    }

    /// A reserved id is free again, because its subscription was refused.
    pub(crate) fn free(&self, id: &str) {
        self.subscriptions().remove(id);
    }

    /// Ends a subscription that is active.
    pub(crate) fn release(&self, id: &str) -> Released {
        let mut subscriptions = self.subscriptions();
        match subscriptions.remove(id) {
            Some(Slot::Active(_)) => Released::Ended,
            Some(Slot::Starting) => {
                subscriptions.insert(id.to_owned(), Slot::Starting);
                Released::TooEarly
            }
            None => Released::Unknown,
        }
    }

    /// The active subscriptions by id.
    pub(crate) fn active(&self) -> Vec<(String, Arc<S>)> {
        let subscriptions = self.subscriptions();
        let active = subscriptions.iter().filter_map(|(id, slot)| match slot {
            Slot::Active(subscription) => Some((id.clone(), Arc::clone(subscription))),
            Slot::Starting => None,
        });
        active.collect()
    }

    pub(super) fn summary(&self) -> ConnectionSummary {
        let active = self.active();
        let mut rooms: Vec<String> = active
            .iter()
            .filter_map(|(_, subscription)| Some(subscription.room()?.as_str().to_owned()))
            .collect();
        rooms.sort();
        rooms.dedup();
        ConnectionSummary {
            connection_id: self.id.clone(),
            path: self.path.as_str(),
            rooms,
            hello: self.acknowledged.load(Ordering::Relaxed),
            sender_id: self.label.clone(),
            frames_out: self.frames_out.load(Ordering::Relaxed),
            frames_in: self.frames_in.load(Ordering::Relaxed),
        }
    }

    fn subscriptions(&self) -> MutexGuard<'_, BTreeMap<String, Slot<S>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
