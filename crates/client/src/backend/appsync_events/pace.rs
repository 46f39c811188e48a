//! How fast one connection publishes.

use std::time::Duration;

use crate::time::Timestamp;
use crate::timer::Deadline;

/// Events takes 25 publishes a second of one connection (Event API quotas); this many at once, and a second.
const PUBLISHES_PER_SECOND: u64 = 20;
const MILLISECONDS_EACH: u64 = 1_000 / PUBLISHES_PER_SECOND;

/// A bucket that holds a second's worth of publishes.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the bucket will be full again.
    full_at: Timestamp,
}

impl Pace {
    pub(super) fn may_publish(&self, now: Timestamp) -> bool {
        self.full_at.since(now) <= Duration::from_millis(1_000 - MILLISECONDS_EACH)
    }

    pub(super) fn published(&mut self, now: Timestamp) {
        self.full_at = self.full_at.max(now) + Duration::from_millis(MILLISECONDS_EACH);
    }

    /// When one may publish again, if not now.
    pub(super) fn next_deadline(&self, now: Timestamp) -> Option<Deadline> {
        let at = Timestamp(self.full_at.0.saturating_sub(1_000 - MILLISECONDS_EACH));
        (!self.may_publish(now)).then_some(Deadline { at, reason: "the next publish may go" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_at_once_and_twenty_a_second() {
        let mut pace = Pace::default();
        let mut published = Vec::new();
        for now in (10_000..13_000).map(Timestamp) {
            while pace.may_publish(now) {
                pace.published(now);
                published.push(now.0);
            }
        }
        assert_eq!(published.iter().filter(|&&at| at == 10_000).count(), 20);
        for second in 10_001..12_000 {
            let within =
                published.iter().filter(|at| (second..second + 1_000).contains(*at)).count();
            assert!(within <= 20, "{within} from {second}");
        }
        assert_eq!(pace.next_deadline(Timestamp(12_999)).unwrap().at, Timestamp(13_000));
        assert_eq!(pace.next_deadline(Timestamp(13_000)), None);
    }
}
