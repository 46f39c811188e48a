//! The browser's requests, with a `fetch` that the test brings.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Reflect};
use roomlet::driver::{BrowserHttp, Http, PendingRequest};
use roomlet_client::{HttpAnswer, HttpFailure};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

type Outcomes = Rc<RefCell<Vec<Result<HttpAnswer, HttpFailure>>>>;

/// Replaces the page's `fetch` until it is dropped.
struct FakeFetch(JsValue);

impl FakeFetch {
    /// `body` is that of `(request) => Response`; what it finds of interest it puts into `window.seen`.
    fn new(body: &str) -> Self {
        let window = JsValue::from(web_sys::window().unwrap());
        let before = Reflect::get(&window, &"fetch".into()).unwrap();
        let fetch = Function::new_with_args("request", body);
        Reflect::set(&window, &"fetch".into(), &fetch).unwrap();
        Reflect::set(&window, &"seen".into(), &JsValue::UNDEFINED).unwrap();
        Self(before)
    }

    fn seen(&self) -> String {
        let window = JsValue::from(web_sys::window().unwrap());
        Reflect::get(&window, &"seen".into()).unwrap().as_string().unwrap_or_default()
    }
}

impl Drop for FakeFetch {
    fn drop(&mut self) {
        let window = JsValue::from(web_sys::window().unwrap());
        Reflect::set(&window, &"fetch".into(), &self.0).unwrap();
    }
}

fn post(url: &str) -> (PendingRequest, Outcomes) {
    let outcomes = Outcomes::default();
    let heard = Rc::clone(&outcomes);
    let headers = [("x-api-key".to_owned(), "da2-test".to_owned())];
    let on_outcome = Box::new(move |outcome| heard.borrow_mut().push(outcome));
    let pending = BrowserHttp.post(url, &headers, "{\"query\":\"안녕\"}".to_owned(), on_outcome);
    assert!(outcomes.borrow().is_empty(), "nothing is reported from within the call");
    (pending, outcomes)
}

async fn until(condition: impl Fn() -> bool, what: &str) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        TimeoutFuture::new(10).await;
    }
    panic!("it did not happen within twenty seconds: {what}");
}

const DESCRIBE: &str = r#"
    const {method, mode, credentials, redirect, referrerPolicy, cache} = request;
    const fields = {method, mode, credentials, redirect, referrerPolicy, cache, key: request.headers.get("x-api-key")};
    return request.text().then((body) => {
        window.seen = JSON.stringify({...fields, body});
        return new Response("가", {status: 207, headers: {date: "Wed, 29 Oct 2025 04:06:00 GMT"}});
    });
"#;

#[wasm_bindgen_test]
async fn a_request_carries_nothing_of_the_page_and_its_answer_comes_whole() {
    let fetch = FakeFetch::new(DESCRIBE);
    let (_pending, outcomes) = post("https://api.example.com/graphql");
    until(|| !outcomes.borrow().is_empty(), "an answer").await;
    let date = Some("Wed, 29 Oct 2025 04:06:00 GMT".to_owned());
    let answer = HttpAnswer { status: 207, body: "가".to_owned(), date };
    assert_eq!(*outcomes.borrow(), [Ok(answer)]);
    let seen: serde_json::Value = serde_json::from_str(&fetch.seen()).unwrap();
    let expected = serde_json::json!({
        "method": "POST", "mode": "cors", "credentials": "omit", "redirect": "error",
        "referrerPolicy": "no-referrer", "cache": "no-store", "key": "da2-test", "body": "{\"query\":\"안녕\"}",
    });
    assert_eq!(seen, expected);
}

#[wasm_bindgen_test]
async fn an_answer_without_a_body_is_an_answer() {
    let _fetch = FakeFetch::new("return Promise.resolve(new Response(null, {status: 204}))");
    let (_pending, outcomes) = post("https://api.example.com/graphql");
    until(|| !outcomes.borrow().is_empty(), "an answer").await;
    let answer = HttpAnswer { status: 204, body: String::new(), date: None };
    assert_eq!(*outcomes.borrow(), [Ok(answer)]);
}

#[wasm_bindgen_test]
async fn a_request_that_nobody_wants_any_more_is_aborted_and_says_nothing() {
    let fetch = FakeFetch::new(
        "return new Promise((_, reject) => request.signal.onabort = () => { window.seen = 'aborted'; reject(request.signal.reason) })",
    );
    let (pending, outcomes) = post("https://api.example.com/graphql");
    TimeoutFuture::new(0).await;
    assert_eq!(fetch.seen(), "");
    drop(pending);
    until(|| fetch.seen() == "aborted", "an abort").await;
    TimeoutFuture::new(400).await;
    assert!(outcomes.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn an_answer_without_end_is_given_up() {
    let fetch = FakeFetch::new(
        r#"
        const chunk = new Uint8Array(4 * 1024 * 1024);
        const body = new ReadableStream({pull: (stream) => stream.enqueue(chunk)});
        request.signal.onabort = () => { window.seen = "aborted"; };
        return Promise.resolve(new Response(body));
        "#,
    );
    let (_pending, outcomes) = post("https://api.example.com/graphql");
    until(|| !outcomes.borrow().is_empty(), "an end").await;
    assert_eq!(*outcomes.borrow(), [Err(HttpFailure::Network)]);
    assert_eq!(fetch.seen(), "aborted");
}

#[wasm_bindgen_test]
async fn a_dead_network_and_a_broken_answer_are_failures_of_the_network() {
    for body in [
        "return Promise.reject(new TypeError('Failed to fetch'))",
        "return Promise.resolve(new Response(new ReadableStream({start: (s) => s.error(new TypeError('cut'))})))",
    ] {
        let _fetch = FakeFetch::new(body);
        let (_pending, outcomes) = post("https://api.example.com/graphql");
        until(|| !outcomes.borrow().is_empty(), "a failure").await;
        assert_eq!(*outcomes.borrow(), [Err(HttpFailure::Network)]);
    }
}

#[wasm_bindgen_test]
async fn what_the_pages_policy_blocks_is_told_apart() {
    let _fetch = FakeFetch::new(
        r#"
        const blockedURI = new URL(request.url).origin;
        setTimeout(() => document.dispatchEvent(new SecurityPolicyViolationEvent("securitypolicyviolation",
            {blockedURI, violatedDirective: "connect-src", effectiveDirective: "connect-src", documentURI: location.href,
             originalPolicy: "", disposition: "enforce", statusCode: 0})), 20);
        return Promise.reject(new TypeError("Failed to fetch"));
        "#,
    );
    let (_pending, outcomes) = post("https://blocked.example.com/graphql");
    until(|| !outcomes.borrow().is_empty(), "a failure").await;
    assert_eq!(*outcomes.borrow(), [Err(HttpFailure::Blocked)]);
}
