//! Requests, as one plain answer each: what came back, or why nothing did.

use std::any::Any;
use std::rc::{Rc, Weak};

use gloo_net::http::{Method, Request, RequestBuilder, Response};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Reflect, Uint8Array};
use roomlet_client::{HttpAnswer, HttpFailure};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache, RequestCredentials,
    RequestMode, RequestRedirect,
};

use super::violations::{Violations, WORD_AFTER_ERROR};

/// The longest answer that is read: a hundred messages of 30 KB, each character of which may be written as six.
/// A longer one is given up and counts as a failure of the network.
const MAX_ANSWER_BYTES: usize = 24 * 1024 * 1024;

/// What a request tells its outcome; never from within the call that sent it, and at most once.
pub type OnOutcome = Box<dyn FnOnce(Result<HttpAnswer, HttpFailure>)>;

/// A request that is under way. Dropping it aborts the request, and it reports nothing more.
pub type PendingRequest = Box<dyn Any>;

/// Sends requests. Tests bring their own.
pub trait Http {
    /// Sends a POST request.
    fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: String,
        on_outcome: OnOutcome,
    ) -> PendingRequest;
}

/// The browser's `fetch`: without cookies, without a referrer, past the cache, and never redirected, since what is
/// signed for one address is good for no other.
#[derive(Debug, Default)]
pub struct BrowserHttp;

impl Http for BrowserHttp {
    fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: String,
        on_outcome: OnOutcome,
    ) -> PendingRequest {
        let violations = Violations::listen(url);
        let pending = Rc::new(Aborting::new());
        let request = request(url, headers, body, &pending);
        let still_wanted = Rc::downgrade(&pending);
        wasm_bindgen_futures::spawn_local(async move {
            let answer = match request {
                Some(request) => answer(request, &still_wanted).await,
                None => None,
            };
            let outcome = match answer {
                Some(answer) => Ok(answer),
                None => Err(failure(&violations).await),
            };
            if still_wanted.strong_count() > 0 {
                on_outcome(outcome);
            }
        });
        Box::new(pending)
    }
}

/// Aborts when it is dropped; after the answer that does nothing.
struct Aborting {
    // A browser without it finishes the request for nobody.
    controller: Option<AbortController>,
}

impl Aborting {
    fn new() -> Self {
        Self { controller: AbortController::new().ok() }
    }
}

impl Drop for Aborting {
    fn drop(&mut self) {
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }
}

fn request(
    url: &str,
    headers: &[(String, String)],
    body: String,
    pending: &Aborting,
) -> Option<Request> {
    let signal = pending.controller.as_ref().map(AbortController::signal);
    let builder = RequestBuilder::new(url)
        .method(Method::POST)
        .mode(RequestMode::Cors)
        .credentials(RequestCredentials::Omit)
        .redirect(RequestRedirect::Error)
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .cache(RequestCache::NoStore)
        .abort_signal(signal.as_ref());
    let builder =
        headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    builder.body(body).ok()
}

async fn answer(request: Request, still_wanted: &Weak<Aborting>) -> Option<HttpAnswer> {
    let response = request.send().await.ok()?;
    let body = text(&response, still_wanted).await?;
    Some(HttpAnswer { status: response.status(), body, date: response.headers().get("date") })
}

/// The body as text; `None` if the connection broke, or at [`MAX_ANSWER_BYTES`].
async fn text(response: &Response, still_wanted: &Weak<Aborting>) -> Option<String> {
    let Some(stream) = response.body() else { return Some(String::new()) };
    let reader = stream.get_reader().dyn_into::<ReadableStreamDefaultReader>().ok()?;
    let mut bytes = Vec::new();
    loop {
        let step = JsFuture::from(reader.read()).await.ok()?;
        if field(&step, "done")?.is_truthy() {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        let chunk = field(&step, "value")?.dyn_into::<Uint8Array>().ok()?.to_vec();
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            // What has not been read would go on arriving.
            if let Some(controller) =
                still_wanted.upgrade().and_then(|pending| pending.controller.clone())
            {
                controller.abort();
            }
            return None;
        }
        bytes.extend(chunk);
    }
}

/// Browsers say the same of a dead network and of a blocked address; the page is told of the latter, soon.
async fn failure(violations: &Violations) -> HttpFailure {
    if !violations.seen() {
        TimeoutFuture::new(WORD_AFTER_ERROR).await;
    }
    if violations.seen() { HttpFailure::Blocked } else { HttpFailure::Network }
}

fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &JsValue::from_str(name)).ok()
}
