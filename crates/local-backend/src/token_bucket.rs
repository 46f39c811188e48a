//! How fast one connection may send.

use std::time::Duration;

use tokio::time::Instant;

/// Sends that may come at once, filled up again evenly over each second.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    per_second: u32,
    /// Thousandths of a send.
    level: u64,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket; 0 a second is no limit.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second, level: u64::from(per_second) * 1_000, filled: Instant::now() }
    }

    /// Takes one send, or says how many milliseconds to wait for the next.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), u64> {
        if self.per_second == 0 {
            return Ok(());
        }
        let per_second = u64::from(self.per_second);
        let elapsed_ms = now.duration_since(self.filled).as_millis();
        let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(u64::MAX);
        if elapsed_ms > 0 {
            let gained = elapsed_ms.saturating_mul(per_second);
            self.level = self.level.saturating_add(gained).min(per_second * 1_000);
            self.filled += Duration::from_millis(elapsed_ms);
        }
        if self.level < 1_000 {
            return Err((1_000 - self.level).div_ceil(per_second));
        }
        self.level -= 1_000;
        Ok(())
    }
}
