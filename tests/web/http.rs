//! Requests that the test answers.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use roomlet::driver::{Http, OnOutcome, PendingRequest};
use roomlet_client::{HttpAnswer, HttpFailure};

/// All requests that the widget has sent.
#[derive(Clone, Default)]
pub struct HeldHttp(Rc<RefCell<Vec<Held>>>);

struct Held {
    url: String,
    body: String,
    on_outcome: Option<OnOutcome>,
    wanted: Weak<()>,
}

impl Http for HeldHttp {
    fn post(
        &self,
        url: &str,
        _headers: &[(String, String)],
        body: String,
        on_outcome: OnOutcome,
    ) -> PendingRequest {
        let pending = Rc::new(());
        let wanted = Rc::downgrade(&pending);
        let held = Held { url: url.to_owned(), body, on_outcome: Some(on_outcome), wanted };
        self.0.borrow_mut().push(held);
        Box::new(pending)
    }
}

impl HeldHttp {
    /// Addresses and bodies of all requests, oldest first.
    pub fn sent(&self) -> Vec<(String, String)> {
        self.0.borrow().iter().map(|held| (held.url.clone(), held.body.clone())).collect()
    }

    /// How many requests the widget still waits for.
    pub fn pending(&self) -> usize {
        self.0.borrow().iter().filter(|held| held.wanted.strong_count() > 0).count()
    }

    /// Answers the oldest request that has no answer.
    pub fn answer(&self, status: u16, body: &str) {
        self.end(Ok(HttpAnswer { status, body: body.to_owned(), date: None }));
    }

    fn end(&self, outcome: Result<HttpAnswer, HttpFailure>) {
        let waiting = self.0.borrow_mut().iter_mut().find_map(|held| held.on_outcome.take());
        waiting.expect("the widget has sent a request")(outcome);
    }
}
