//! The switches as they stand, and what they decide.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Faults, PathFaults};
use crate::appsync::ServiceError;
use crate::rooms::RoomId;
use crate::served_path::ServedPath;

/// What happens to one outgoing frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) lost: bool,
    pub(crate) twice: bool,
    pub(crate) after_the_next: bool,
    pub(crate) delay: Duration,
    /// The connection is cut behind this frame.
    pub(crate) cut: bool,
}

/// What a frame is, as far as switches care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// It acknowledges a send on `/prod` or a publish on Events.
    Acknowledgement,
    /// It acknowledges a subscription on AppSync.
    StartAcknowledgement,
    /// It is a sign of life; only `delay_ms` and `stop_ka` touch it, and it counts for none.
    KeepAlive,
    /// Anything else.
    Other,
}

/// What happens to one HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerFate {
    pub(crate) lost: bool,
    pub(crate) delay: Duration,
}

/// What happens to one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendFate {
    Served,
    Throttled { retry_after_ms: u64 },
    Failed,
}

/// The switches as they stand.
#[derive(Debug, Default)]
pub(crate) struct FaultDesk {
    state: Mutex<DeskState>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct DeskState {
    faults: Faults,
    random: [u64; ServedPath::ALL.len()],
}

impl FaultDesk {
    /// What is left of the switches.
    pub(crate) fn get(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Replaces all switches.
    pub(crate) fn set(&self, faults: Faults) {
        let mut state = self.lock();
        state.random = ServedPath::ALL.map(|path| faults.path(path).seed);
        state.faults = faults;
        drop(state);
        self.changed.send_replace(());
    }

    /// Whether what comes in on a path is lost.
    pub(crate) fn swallows(&self, path: ServedPath) -> bool {
        self.lock().faults.path(path).swallow
    }

    /// Waits until nothing is lost on a path any more, and says whether that was to be waited for.
    pub(crate) async fn swallowed(&self, path: ServedPath) -> bool {
        let mut changes = self.changed.subscribe();
        let mut waited = false;
        while self.swallows(path) {
            waited = true;
            if changes.changed().await.is_err() {
                break;
            }
        }
        waited
    }

    /// Decides about an upgrade: the status to refuse it with.
    pub(crate) fn refusal(&self, path: ServedPath) -> Option<u16> {
        let mut state = self.lock();
        let refuse = state.faults.path_mut(path).refuse.as_mut()?;
        match &mut refuse.next {
            None => Some(refuse.status),
            Some(left) => take(left).then_some(refuse.status),
        }
    }

    /// Decides about an outgoing frame.
    pub(crate) fn outgoing(&self, path: ServedPath, kind: FrameKind) -> Fate {
        let mut state = self.lock();
        let (faults, random) = state.path(path);
        let delay = Duration::from_millis(faults.delay_ms);
        if faults.swallow {
            return Fate { lost: true, twice: false, after_the_next: false, delay, cut: false };
        }
        let dropped_acknowledgement = match kind {
            FrameKind::Acknowledgement => take(&mut faults.drop_acks),
            FrameKind::StartAcknowledgement => take(&mut faults.drop_start_acks),
            FrameKind::KeepAlive => {
                let lost = faults.stop_ka;
                return Fate { lost, twice: false, after_the_next: false, delay, cut: false };
            }
            FrameKind::Other => false,
        };
        let unlucky =
            faults.drop_probability > 0.0 && next_random(random) < faults.drop_probability;
        let lost = dropped_acknowledgement || take(&mut faults.drop_next) || unlucky;
        let cut = match &mut faults.cut_after_frames {
            Some(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            None => false,
        };
        if cut {
            faults.cut_after_frames = None;
        }
        Fate {
            lost,
            twice: !lost && take(&mut faults.duplicate_next),
            after_the_next: !lost && take(&mut faults.reorder_next),
            delay,
            cut,
        }
    }

    /// Decides about a send.
    pub(crate) fn send(&self, path: ServedPath) -> SendFate {
        let mut state = self.lock();
        let faults = state.faults.path_mut(path);
        if take(&mut faults.throttle_next) {
            return SendFate::Throttled { retry_after_ms: faults.throttle_retry_after_ms };
        }
        if take(&mut faults.fail_next_sends) { SendFate::Failed } else { SendFate::Served }
    }

    /// Whether an operation of AppSync that is no send is throttled.
    pub(crate) fn throttles(&self, path: ServedPath) -> bool {
        take(&mut self.lock().faults.path_mut(path).throttle_next)
    }

    /// Whether a token that is looked at has expired.
    pub(crate) fn expires_token(&self, path: ServedPath) -> bool {
        let mut state = self.lock();
        let faults = state.faults.path_mut(path);
        faults.expire_tokens || take(&mut faults.expire_next)
    }

    /// Whether a subscription is refused like one that the schema does not know.
    pub(crate) fn expires_like_schema_error(&self, path: ServedPath) -> bool {
        take(&mut self.lock().faults.path_mut(path).expired_as_schema_error)
    }

    /// Whether nobody may enter a room.
    pub(crate) fn denies_room(&self, path: ServedPath, room: &RoomId) -> bool {
        let state = self.lock();
        state.faults.path(path).deny_rooms.iter().any(|denied| denied == room.as_str())
    }

    /// How much longer than usual a subscription takes to be registered.
    pub(crate) fn registration_delay(&self, path: ServedPath) -> Duration {
        Duration::from_millis(self.lock().faults.path(path).registration_delay_ms)
    }

    /// How far the clock that judges signatures goes ahead.
    pub(crate) fn clock_skew_ms(&self, path: ServedPath) -> i64 {
        self.lock().faults.path(path).clock_skew_ms
    }

    /// What a connection is refused with.
    pub(crate) fn connection_error(&self, path: ServedPath) -> Option<ServiceError> {
        let mut state = self.lock();
        let errors = state.faults.path_mut(path).connection_errors.as_mut()?;
        if !errors.next.as_mut().is_none_or(take) {
            return None;
        }
        Some(ServiceError::new(
            errors.error_type.clone(),
            errors.message.clone(),
            errors.error_code,
        ))
    }

    /// Decides about an HTTP answer.
    pub(crate) fn answer(&self, path: ServedPath) -> AnswerFate {
        let mut state = self.lock();
        let faults = state.faults.path_mut(path);
        AnswerFate {
            lost: take(&mut faults.drop_answers),
            delay: Duration::from_millis(faults.answer_delay_ms),
        }
    }

    /// Whether an event fails by itself.
    pub(crate) fn fails_event(&self, path: ServedPath) -> bool {
        take(&mut self.lock().faults.path_mut(path).fail_next_events)
    }

    /// Whether a delivery of Events becomes an error.
    pub(crate) fn breaks_broadcast(&self, path: ServedPath) -> bool {
        take(&mut self.lock().faults.path_mut(path).broadcast_errors)
    }

    fn lock(&self) -> MutexGuard<'_, DeskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeskState {
    fn path(&mut self, path: ServedPath) -> (&mut PathFaults, &mut u64) {
        (self.faults.path_mut(path), &mut self.random[path.index()])
    }
}

fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// SplitMix64, as a number from 0 up to 1.
fn next_random(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // 53 bits are what a double holds exactly.
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
