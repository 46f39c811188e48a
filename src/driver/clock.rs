//! The clocks of the browser.

use roomlet_client::{Now, Timestamp, WallClock};
use web_sys::Performance;

/// `performance.now()` for deadlines, `Date.now()` for what people read.
pub struct Clock {
    performance: Option<Performance>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { performance: web_sys::window().and_then(|window| window.performance()) }
    }
}

impl Clock {
    /// Both clocks at this moment.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds of a page's life"
    )]
    pub fn now(&self) -> Now {
        let wall = js_sys::Date::now();
        let monotonic = self.performance.as_ref().map_or(wall, Performance::now);
        Now { monotonic: Timestamp(monotonic.max(0.0) as u64), wall: WallClock(wall as i64) }
    }
}
