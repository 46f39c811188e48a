//! The sign-in of the site: who its people are, as far as it tells.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::watch;

use crate::deadline::until;

/// What the local backend verifies tokens with.
const SECRET: &[u8] = b"roomlet-local";
/// How long tokens last, and how long ago those of the past have ended.
const LIFE: Duration = Duration::from_secs(3_600);

/// What a chat has asked the page.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Question {
    /// The backend that it wants credentials for.
    pub backend: String,
    /// `connect`, `operation` or `refused`.
    pub reason: String,
}

/// What the site answers when a page asks who its person is, and what it was asked. Until there is an answer, pages
/// wait.
#[derive(Debug, Default)]
pub struct SignIn(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    next: VecDeque<Value>,
    /// What is answered when `next` is empty.
    then: Option<Answer>,
    asked: Vec<Question>,
}

#[derive(Clone, Debug)]
enum Answer {
    Same(Value),
    /// A token of this person, made anew each time.
    Fresh(String, Duration),
}

impl Answer {
    fn value(&self) -> Value {
        match self {
            Self::Same(value) => value.clone(),
            Self::Fresh(person, life) => short_token_of(person, *life),
        }
    }
}

impl SignIn {
    /// Answers each question with this from now on.
    pub fn answer(&self, answer: Value) {
        self.0.send_modify(|state| state.then = Some(Answer::Same(answer)));
    }

    /// Answers each question with a token that ends so soon after it, from now on.
    pub fn answer_with_short_tokens_of(&self, person: &str, life: Duration) {
        self.0.send_modify(|state| state.then = Some(Answer::Fresh(person.to_owned(), life)));
    }

    /// Answers one question with this, before what each is answered with.
    pub fn answer_once(&self, answer: Value) {
        self.0.send_modify(|state| state.next.push_back(answer));
    }

    /// Answers no question any more.
    pub fn fall_silent(&self) {
        self.0.send_modify(|state| {
            state.then = None;
            state.next.clear();
        });
    }

    /// The reasons of all questions so far, the first one first.
    pub fn reasons(&self) -> Vec<String> {
        self.0.borrow().asked.iter().map(|question| question.reason.clone()).collect()
    }

    /// The backends that all questions so far were about.
    pub fn backends(&self) -> Vec<String> {
        self.0.borrow().asked.iter().map(|question| question.backend.clone()).collect()
    }

    /// Waits until there have been so many questions.
    pub async fn until_asked(&self, count: usize) {
        let look = async || self.reasons();
        until(&format!("{count} questions"), look, |asked| asked.len() >= count).await;
    }

    pub(crate) async fn asked(&self, question: Question) -> Value {
        self.0.send_modify(|state| state.asked.push(question));
        let mut states = self.0.subscribe();
        loop {
            let mut answer = None;
            self.0.send_if_modified(|state| {
                answer = state.next.pop_front().or_else(|| state.then.as_ref().map(Answer::value));
                false
            });
            if let Some(answer) = answer {
                return answer;
            }
            states.changed().await.expect("the site is still there");
        }
    }
}

/// A token of this person, good for an hour, as pages hand it over: without its end, so that it is asked for anew for
/// each operation.
pub fn token_of(person: &str) -> Value {
    json!({"token": signed(person, SystemTime::now() + LIFE)})
}

/// The same with its end.
pub fn lasting_token_of(person: &str) -> Value {
    let end = seconds(SystemTime::now() + LIFE);
    json!({"token": signed(person, SystemTime::now() + LIFE), "expiresAt": end})
}

/// A token of this person that ends so soon, in whole seconds of the clock; the page says when, or leaves it to the token.
pub fn short_token_of(person: &str, life: Duration) -> Value {
    json!({"token": signed(person, SystemTime::now() + life)})
}

/// A token that has ended an hour ago, of a page that does not know that.
pub fn expired_token_of(person: &str) -> Value {
    json!({"token": signed(person, SystemTime::now() - LIFE)})
}

/// The access key that the local backend knows.
pub fn access_key() -> Value {
    json!({"accessKeyId": "AKIDLOCAL00000000000", "secretAccessKey": "local-secret"})
}

/// A JSON Web Token (RFC 7519, HS256); its `sub` is the name in lower case.
fn signed(person: &str, end: SystemTime) -> String {
    let claims = json!({"sub": person.to_lowercase(), "name": person, "exp": seconds(end)});
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(json!({"alg": "HS256"})), encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("a key of any length will do");
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}
