//! Waiting for something to be so.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long a condition may take; a slow and busy machine needs much of it, a correct widget hardly any.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until `is_so` likes what `look` returns, and returns it. Panics after [`PATIENCE`] with what was there.
pub async fn until<T: Debug>(
    what: &str,
    look: impl AsyncFnMut() -> T,
    is_so: impl Fn(&T) -> bool,
) -> T {
    until_within(PATIENCE, what, look, is_so).await
}

/// Like [`until`], with a deadline of its own: for what takes long by design.
pub async fn until_within<T: Debug>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> T,
    is_so: impl Fn(&T) -> bool,
) -> T {
    let start = Instant::now();
    loop {
        let seen = look().await;
        if is_so(&seen) {
            return seen;
        }
        assert!(
            start.elapsed() < patience,
            "expected within {} s: {what}\ninstead: {seen:#?}",
            patience.as_secs()
        );
        tokio::time::sleep(PAUSE).await;
    }
}
