//! The real binary under load: killed in the middle of it, and with more connections than most of
//! them need.
//!
//! Nothing here sleeps. Whoever waits, waits for an event with a deadline.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail on the spot")]

mod crowd;
mod history;
mod http;
mod kill;
mod ledger;
mod member;
mod memory;
mod process;
mod sender;

use std::time::Duration;

use tokio::time::timeout;

/// Longest wait for something that should come, on a machine that has other things to do.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that should come.
async fn in_time<T>(what: &str, event: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, event).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("{what} did not come in {} seconds", DEADLINE.as_secs()),
    }
}
