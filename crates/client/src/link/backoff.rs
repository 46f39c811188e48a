//! How long to wait before the next attempt: full jitter, so that many clients do not come back at once.

use std::time::Duration;

use crate::random::Random;

const BASE: Duration = Duration::from_millis(500);
const CAP: Duration = Duration::from_secs(30);
const FLOOR: Duration = Duration::from_millis(250);
/// After a close that the server had planned (1001 going away, 1012 service restart).
const PLANNED: Duration = Duration::from_secs(1);
/// After a close for too many requests (1008).
const THROTTLED: Duration = Duration::from_secs(10);

/// Counts failed attempts in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// A connection has been healthy for long enough.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// A connection has held for a while: the next pauses are shorter, but one that comes and goes still waits longer
    /// and longer.
    pub(crate) fn ease(&mut self) {
        self.attempts /= 4;
    }

    /// The pause before the next attempt, after a close with `code`.
    pub(crate) fn next(&mut self, code: u16, random: &mut Random) -> Duration {
        let first = self.attempts == 0;
        self.attempts = self.attempts.saturating_add(1);
        match code {
            1001 | 1012 if first => random.up_to(PLANNED),
            1008 => THROTTLED + random.up_to(CAP - THROTTLED),
            _ => {
                let ceiling = BASE.saturating_mul(1 << self.attempts.min(16)).min(CAP);
                random.up_to(ceiling).max(FLOOR)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_cap_and_never_fall_below_the_floor() {
        let mut random = Random::new([7; 32]);
        let ceilings = [1, 2, 4, 8, 16, 30, 30, 30].map(Duration::from_secs);
        let mut longest = [Duration::ZERO; 8];
        for _ in 0..500 {
            let mut backoff = Backoff::default();
            for (ceiling, longest) in ceilings.iter().zip(&mut longest) {
                let pause = backoff.next(1006, &mut random);
                assert!((FLOOR..=*ceiling).contains(&pause), "{pause:?} of {ceiling:?}");
                *longest = pause.max(*longest);
            }
        }
        for (ceiling, longest) in ceilings.iter().zip(longest) {
            assert!(longest > *ceiling * 9 / 10, "{longest:?} of {ceiling:?}");
        }
    }

    #[test]
    fn a_planned_close_is_answered_at_once_and_throttling_slowly() {
        let mut random = Random::new([7; 32]);
        for code in [1001, 1012] {
            assert!(Backoff::default().next(code, &mut random) <= PLANNED);
        }
        assert!(Backoff::default().next(1008, &mut random) >= THROTTLED);
    }
}
