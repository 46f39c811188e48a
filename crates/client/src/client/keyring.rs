//! The credentials of one backend: asked of the page, used while they are good, renewed once when they are refused.

use std::time::Duration;

use super::io::AskReason;
use crate::auth::{Credentials, Signer, SignerError};
use crate::chat::ids::QuestionId;
use crate::config::SignIn;
use crate::time::{Timestamp, WallClock};
use crate::timer::Deadline;

/// How long the page may take to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// The pause after an answer that did not come, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Credentials are not used for operations in their last moments.
const EXPIRY_MARGIN_MILLISECONDS: i64 = 60_000;

/// What somebody asks for, or what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// They are there.
    Ready,
    /// The page is to be asked.
    Ask(AskReason),
    /// The page has been asked.
    Awaited,
}

#[derive(Debug)]
pub(super) struct Keyring {
    sign_in: SignIn,
    credentials: Option<Credentials>,
    /// Counts the credentials that the page has handed over.
    generation: u32,
    /// They have just come, and are good for everything that waits for them.
    fresh: bool,
    asked: Option<(QuestionId, Timestamp)>,
    /// The page could not say; it is asked again then.
    pause: Option<Timestamp>,
    failures: u32,
    /// The last ones were refused: the next are the last that are tried.
    refused: bool,
    clock_offset: i64,
    clock_corrected: bool,
}

impl Keyring {
    pub(super) fn new(sign_in: SignIn) -> Self {
        Self {
            sign_in,
            credentials: None,
            generation: 0,
            fresh: false,
            asked: None,
            pause: None,
            failures: 0,
            refused: false,
            clock_offset: 0,
            clock_corrected: false,
        }
    }

    /// Credentials for a connection: fresh ones, each time.
    pub(super) fn for_connection(&self) -> Keys {
        self.keys(AskReason::Connect, self.fresh)
    }

    /// Credentials for an operation: those that are there, where they say that they will last.
    pub(super) fn for_operation(&self, wall: WallClock) -> Keys {
        let expiry = self.credentials.as_ref().and_then(Credentials::expires_at);
        let until = expiry.map(|at| at.0.saturating_sub(EXPIRY_MARGIN_MILLISECONDS));
        let lasts = until.is_some_and(|until| until > self.corrected(wall).0);
        self.keys(AskReason::Operation, self.fresh || lasts)
    }

    fn keys(&self, reason: AskReason, are_good: bool) -> Keys {
        if !self.sign_in.asks_the_page() || (are_good && self.credentials.is_some()) {
            return Keys::Ready;
        }
        match self.asked {
            Some(_) => Keys::Awaited,
            None if self.pause.is_some() => Keys::Awaited,
            None => Keys::Ask(if self.refused { AskReason::Refused } else { reason }),
        }
    }

    /// Until when those that are there are good, by the device's clock.
    pub(super) fn expires_at(&self) -> Option<WallClock> {
        let expiry = self.credentials.as_ref()?.expires_at()?;
        Some(WallClock(expiry.0.saturating_sub(self.clock_offset)))
    }

    /// Whether it is known who somebody is, as far as anybody is asked.
    pub(super) fn knows_somebody(&self) -> bool {
        !self.sign_in.asks_the_page() || self.generation > 0
    }

    /// The page is being asked.
    pub(super) fn asked(&mut self, now: Timestamp, question: QuestionId) {
        self.asked = Some((question, now + ANSWER_DEADLINE));
    }

    /// Whether this is the answer to the question that is open.
    pub(super) fn answers(&self, question: QuestionId) -> bool {
        self.asked.is_some_and(|(open, _)| open == question)
    }

    /// The page has credentials.
    pub(super) fn answered(&mut self, credentials: Credentials) {
        self.asked = None;
        self.failures = 0;
        self.generation = self.generation.wrapping_add(1);
        self.credentials = Some(credentials);
        self.fresh = true;
    }

    /// Nobody is signed in.
    pub(super) fn signed_out(&mut self) {
        self.asked = None;
        self.credentials = None;
        self.fresh = false;
    }

    /// The page could not say: it is asked again, after pauses that grow.
    pub(super) fn unanswered(&mut self, now: Timestamp) {
        self.asked = None;
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.pause = Some(now + pause);
    }

    /// Somebody wants it tried now.
    pub(super) fn hurry(&mut self) {
        self.pause = None;
        self.refused = false;
    }

    /// What waited for them has them.
    pub(super) fn used(&mut self) {
        self.fresh = false;
    }

    /// Signs with what is there.
    pub(super) fn signer<'a>(
        &'a self,
        host: &'a str,
        wall: WallClock,
    ) -> Result<Signer<'a>, SignerError> {
        let wall = self.corrected(wall);
        let signer = Signer::new(&self.sign_in, self.credentials.as_ref(), host, wall)?;
        Ok(signer.of_generation(self.generation))
    }

    /// The backend has done something that it does only for good credentials.
    pub(super) fn accepted(&mut self) {
        self.refused = false;
        self.clock_corrected = false;
    }

    /// The backend has refused those of a generation for an operation, which waits for others. If others have come
    /// since, it has them.
    pub(super) fn renew_generation(&mut self, generation: u32) {
        if generation == self.generation {
            self.renew();
        }
    }

    /// Others are needed.
    pub(super) fn renew(&mut self) {
        self.credentials = None;
        self.fresh = false;
        self.refused = true;
    }

    /// The backend has refused a connection with them; says whether others may be tried.
    pub(super) fn refuse(&mut self) -> bool {
        let may_try = self.sign_in.asks_the_page() && !self.refused;
        self.renew();
        may_try
    }

    /// The backend has refused a connection for its signature; says whether another clock may help, which is tried
    /// once.
    pub(super) fn refuse_signature(&mut self, wall: WallClock, server: Option<WallClock>) -> bool {
        let Some(server) = server else { return false };
        self.correct_clock(wall, server);
        !std::mem::replace(&mut self.clock_corrected, true)
    }

    /// The backend has said what time it is.
    pub(super) fn correct_clock(&mut self, wall: WallClock, server: WallClock) {
        self.clock_offset = server.0.saturating_sub(wall.0);
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        let generation = self.generation.wrapping_add(1);
        *self = Self { generation, ..Self::new(self.sign_in.clone()) };
    }

    pub(super) fn sign_in(&self) -> &SignIn {
        &self.sign_in
    }

    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let answer = self
            .asked
            .map(|(_, at)| Deadline { at, reason: "the page does not answer who is signed in" });
        let pause = self
            .pause
            .map(|at| Deadline { at, reason: "the page is asked again who is signed in" });
        Deadline::earliest([answer, pause])
    }

    pub(super) fn handle_time(&mut self, now: Timestamp) {
        if self.pause.is_some_and(|until| until <= now) {
            self.pause = None;
        }
        if self.asked.is_some_and(|(_, deadline)| deadline <= now) {
            self.unanswered(now);
        }
    }

    fn corrected(&self, wall: WallClock) -> WallClock {
        WallClock(wall.0.saturating_add(self.clock_offset))
    }
}
