//! Randomness as an argument: everything random comes from one seed.

use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The seed of a [`Client`](crate::Client): 256 bits, in a browser from `crypto.getRandomValues`.
pub type Seed = [u8; 32];

/// A generator whose output is fixed by its seed.
#[derive(Debug)]
pub(crate) struct Random(ChaCha12Rng);

impl Random {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// Another generator, whose output is fixed by this one's seed too.
    pub(crate) fn fork(&mut self) -> Self {
        let mut seed = Seed::default();
        self.0.fill_bytes(&mut seed);
        Self::new(seed)
    }

    /// 128 random bits as 32 hexadecimal digits.
    pub(crate) fn token(&mut self) -> String {
        format!("{:016x}{:016x}", self.0.next_u64(), self.0.next_u64())
    }

    /// A whole number of milliseconds between zero and `limit`, both included.
    pub(crate) fn up_to(&mut self, limit: Duration) -> Duration {
        let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        Duration::from_millis(self.0.next_u64() % milliseconds.max(1))
    }
}
