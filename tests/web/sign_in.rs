//! Questions for credentials that the test answers.

use std::cell::RefCell;
use std::rc::Rc;

use roomlet::driver::{OnSignInAnswer, SignIn};
use roomlet_client::{AskReason, Credentials, Secret, SignInAnswer, WallClock};

/// All questions that the widget has asked.
#[derive(Clone, Default)]
pub struct HeldSignIn(Rc<RefCell<Vec<Question>>>);

type Question = (AskReason, Option<OnSignInAnswer>);

impl SignIn for HeldSignIn {
    fn ask(&self, _backend: &str, reason: AskReason, on_answer: OnSignInAnswer) {
        self.0.borrow_mut().push((reason, Some(on_answer)));
    }
}

impl HeldSignIn {
    /// The reasons of all questions, oldest first.
    pub fn asked(&self) -> Vec<AskReason> {
        self.0.borrow().iter().map(|(reason, _)| *reason).collect()
    }

    /// Answers the oldest question that has no answer.
    pub fn answer(&self, answer: SignInAnswer) {
        let waiting = self.0.borrow_mut().iter_mut().find_map(|(_, on_answer)| on_answer.take());
        waiting.expect("the widget has asked")(answer);
    }

    /// Answers it with a token that is good for a long time: operations use it without asking again.
    pub fn answer_with_token(&self, token: &str) {
        let token = Secret::parse(token).unwrap();
        let expires_at = Some(WallClock(js_sys::Date::now() as i64 + 3_600_000));
        self.answer(SignInAnswer::Credentials(Credentials::Token { token, expires_at }));
    }
}
