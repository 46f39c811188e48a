//! Randomness of a run, all of it from its seed.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a generator is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// What happens from outside.
    Plan,
    /// What network and backend do with it.
    Run,
    /// What the backend is like, and what its rooms hold already.
    Backend,
    /// What browsers are like, and what befalls them.
    Browsers,
    /// A device, and the person who has it.
    Device(usize),
}

/// A generator whose output is fixed by its seed.
#[derive(Debug)]
pub(crate) struct Chance(ChaCha12Rng);

impl Chance {
    /// One of several independent generators of a seed: what is drawn from one changes nothing in another.
    pub(crate) fn of(seed: u64, stream: Stream) -> Self {
        let mut generator = ChaCha12Rng::seed_from_u64(seed);
        generator.set_stream(match stream {
            Stream::Plan => 0,
            Stream::Run => 1,
            Stream::Backend => 2,
            Stream::Browsers => 3,
            Stream::Device(number) => 16 + u64::try_from(number).unwrap_or(0),
        });
        Self(generator)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.next_u64() % (high.saturating_sub(low) + 1)
    }

    /// A number below `limit`, for choosing an element; 0 if there is none.
    pub(crate) fn index(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.0.next_u64() % limit).unwrap_or(0)
    }

    /// Yes in `percent` of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.0.next_u64() % 100 < percent
    }

    /// 128 random bits in hexadecimal.
    pub(crate) fn token(&mut self) -> String {
        format!("{:016x}{:016x}", self.0.next_u64(), self.0.next_u64())
    }

    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }
}
