//! What outlives the page, and what tabs share, as a person sees it.

use std::sync::atomic::{AtomicU32, Ordering};

use js_sys::Promise;
use roomlet::driver::Keep;
use roomlet_client::config::{Dialect, Endpoint, Service, SignIn};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use super::overridden::{Overridden, evaluate};
use super::page::Page;

const WELCOME: &str = r#"{"type":"welcome","features":[],"connectionId":"me=","sender":{"id":"g-me","name":"Ann","kind":"guest"}}"#;

/// A guest of a backend whom nobody has met.
struct Guest(String);

impl Guest {
    fn new() -> Self {
        static GUESTS: AtomicU32 = AtomicU32::new(0);
        let number = GUESTS.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{number}", js_sys::Date::now()))
    }

    /// One of their tabs.
    async fn open(&self) -> Page {
        let endpoint = Endpoint::parse(&format!("ws://127.0.0.1:1/{}", self.0)).unwrap();
        let service = Service::api_gateway(endpoint, Dialect::Full);
        let keep = Keep::OnDevice { profile: "keeping".into() };
        Page::open_backend(service, SignIn::None, keep).await
    }

    async fn online(&self) -> Page {
        let page = self.open().await;
        page.sockets.open_last();
        page.receive(WELCOME).await;
        page
    }
}

async fn until(page: &Page, condition: impl Fn() -> bool, what: &str) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        page.settle().await;
    }
    panic!("it did not happen: {what}");
}

/// Waits until so many records of a shelf have this in their value.
async fn until_kept(shelf: &str, words: &str, count: usize) {
    let found = evaluate(&format!(
        "(async () => {{
            const end = Date.now() + 20000;
            const result = (request) => new Promise((resolve, reject) => {{
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(request.error);
            }});
            const database = await result(indexedDB.open('roomlet'));
            database.onversionchange = () => database.close();
            for (;;) {{
                const transaction = database.transaction('records');
                const ended = new Promise((resolve) => {{ transaction.oncomplete = resolve; }});
                const store = transaction.objectStore('records');
                const [keys, values] = await Promise.all([result(store.getAllKeys()), result(store.getAll())]);
                // Until then a closed database counts as open.
                await ended;
                const found = values.filter((value, index) => keys[index][1] === '{shelf}' && value.includes('{words}'));
                if (found.length === {count} || Date.now() > end) {{
                    database.close();
                    return found.length;
                }}
            }}
        }})()"
    ));
    let found = JsFuture::from(found.unchecked_into::<Promise>()).await.unwrap();
    assert_eq!(found.as_f64(), Some(f64::from(u32::try_from(count).unwrap())), "{shelf}: {words}");
}

fn message(id: &str, text: &str) -> String {
    serde_json::json!({"type": "message", "id": id, "roomId": "lobby", "text": text,
        "createdAt": "2025-10-29T04:06:00.000Z", "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"}})
    .to_string()
}

#[wasm_bindgen_test]
async fn a_message_that_could_not_be_sent_and_a_draft_are_there_after_a_reload() {
    let ann = Guest::new();
    let page = ann.open().await;
    page.write("first of reload").await;
    page.press_enter().await;
    until_kept("unsent", "first of reload", 1).await;
    page.write("half of reload").await;
    until_kept("draft", "half of reload", 1).await;
    drop(page);

    let page = ann.open().await;
    until(&page, || page.texts(".own .text") == ["first of reload"], "the message").await;
    assert_eq!(page.all("[data-delivery=queued]").len(), 1);
    assert_eq!(page.input().value(), "half of reload");
    page.sockets.open_last();
    page.receive(WELCOME).await;
    let frame = || page.sockets.sent().into_iter().find(|one| one.contains("first of reload"));
    until(&page, || frame().is_some(), "the send").await;
    let frame: serde_json::Value = serde_json::from_str(&frame().unwrap()).unwrap();
    let ack = serde_json::json!({"type": "ack", "clientMessageId": frame["clientMessageId"], "id": "m",
        "createdAt": "2025-10-29T04:06:00.000Z"});
    page.receive(&ack.to_string()).await;
    assert_eq!(page.all("[data-delivery=sent]").len(), 1);
    until_kept("unsent", "first of reload", 0).await;
    page.press_enter().await;
    until_kept("unsent", "half of reload", 1).await;
    until_kept("draft", "half of reload", 0).await;
    assert!(page.all(".device-notice p").is_empty());
}

#[wasm_bindgen_test]
async fn one_of_two_tabs_sends_what_a_third_one_leaves_behind() {
    let ann = Guest::new();
    let gone = ann.open().await;
    gone.write("left behind").await;
    gone.press_enter().await;
    until_kept("unsent", "left behind", 1).await;
    let (first, second) = (ann.online().await, ann.online().await);
    let shown = || first.texts(".text").len() + second.texts(".text").len();
    assert_eq!(shown(), 0, "it is the other one's as long as that lives");
    drop(gone);
    until(&first, || shown() > 0, "adoption").await;
    let sent = || {
        let mut all = first.sockets.sent();
        all.extend(second.sockets.sent());
        all.iter().filter(|frame| frame.contains("left behind")).count()
    };
    until(&first, || sent() > 0, "the send").await;
    first.settle().await;
    assert_eq!((shown(), sent()), (1, 1));
}

#[wasm_bindgen_test]
async fn a_draft_is_shared_by_tabs_but_not_forced_upon_who_is_writing() {
    let ann = Guest::new();
    let (first, second) = (ann.online().await, ann.online().await);
    first.write("shared words").await;
    until(&second, || second.input().value() == "shared words", "the draft").await;
    second.input().focus().unwrap();
    first.write("shared words, more").await;
    until_kept("draft", "shared words, more", 1).await;
    second.settle().await;
    assert_eq!(second.input().value(), "shared words");
    second.write("").await;
    until(&first, || first.input().value().is_empty(), "an empty draft").await;
}

#[wasm_bindgen_test]
async fn a_message_leaves_after_a_second_though_the_database_never_opens_and_the_person_is_told() {
    let hanging = Overridden::with_hanging_database();
    let page = Guest::new().online().await;
    page.write("from memory").await;
    page.press_enter().await;
    let sent = |text: &str| page.sockets.sent().iter().any(|frame| frame.contains(text));
    until(&page, || sent("from memory"), "the send").await;
    until(&page, || page.all(".device-notice p").len() == 1, "the notice").await;
    drop(hanging);
    let dismiss: HtmlElement = page.all(".device-notice button").remove(0).unchecked_into();
    dismiss.click();
    page.settle().await;
    assert!(page.all(".device-notice p").is_empty());
}

#[wasm_bindgen_test]
async fn a_browser_that_forbids_the_database_is_said_and_the_chat_works() {
    let forbidden = Overridden::without_database();
    let page = Guest::new().online().await;
    until(&page, || page.all(".device-notice p").len() == 1, "the notice").await;
    page.write("nowhere kept").await;
    page.press_enter().await;
    assert!(page.sockets.sent().iter().any(|frame| frame.contains("nowhere kept")));
    drop(forbidden);
}

#[wasm_bindgen_test]
async fn a_full_disk_is_said_once_and_the_chat_works() {
    let page = Guest::new().online().await;
    page.write("room for this").await;
    until_kept("draft", "room for this", 1).await;
    let full = Overridden::with_full_disk();
    page.write("no room left").await;
    page.press_enter().await;
    let sent = || page.sockets.sent().iter().any(|frame| frame.contains("no room left"));
    until(&page, sent, "the send").await;
    until(&page, || page.all(".device-notice p").len() == 1, "the notice").await;
    drop(full);
}

#[wasm_bindgen_test]
async fn a_newer_page_takes_the_database_and_the_chat_goes_on() {
    let page = Guest::new().online().await;
    page.write("before the upgrade").await;
    until_kept("draft", "before the upgrade", 1).await;
    let upgrade = |version: &str| {
        evaluate(&format!(
            "new Promise((resolve, reject) => {{
                const request = {version};
                request.onblocked = request.onerror = () => reject('the chat does not let go');
                request.onsuccess = () => {{ request.result?.close(); resolve(); }};
            }})"
        ))
    };
    let upgraded = upgrade("indexedDB.open('roomlet', 2)").unchecked_into::<Promise>();
    JsFuture::from(upgraded).await.unwrap();
    until(&page, || page.all(".device-notice p").len() == 1, "the notice").await;
    page.write("after the upgrade").await;
    page.press_enter().await;
    assert!(page.sockets.sent().iter().any(|frame| frame.contains("after the upgrade")));
    let deleted = upgrade("indexedDB.deleteDatabase('roomlet')").unchecked_into::<Promise>();
    JsFuture::from(deleted).await.unwrap();
}

#[wasm_bindgen_test]
async fn what_goes_on_from_memory_counts_as_tried_for_a_newer_page() {
    let page = Guest::new().open().await;
    page.write("left to memory").await;
    page.press_enter().await;
    until_kept("unsent", "left to memory", 1).await;
    until_kept("unsent", r#"left to memory","tried":true"#, 0).await;
    let upgraded = evaluate(
        "new Promise((resolve, reject) => {
            const request = indexedDB.open('roomlet', 2);
            request.onblocked = request.onerror = () => reject('the chat does not let go');
            request.onsuccess = () => { request.result.close(); resolve(); };
        })",
    );
    JsFuture::from(upgraded.unchecked_into::<Promise>()).await.unwrap();
    until_kept("unsent", r#"left to memory","tried":true"#, 1).await;
    page.sockets.open_last();
    page.receive(WELCOME).await;
    let sent = || page.sockets.sent().iter().any(|frame| frame.contains("left to memory"));
    until(&page, sent, "the send").await;
    let deleted = evaluate(
        "new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase('roomlet');
            request.onblocked = request.onerror = () => reject('the chat does not let go');
            request.onsuccess = resolve;
        })",
    );
    JsFuture::from(deleted.unchecked_into::<Promise>()).await.unwrap();
}

#[wasm_bindgen_test]
async fn signing_out_deletes_what_is_kept() {
    let page = Guest::new().open().await;
    page.write("to be forgotten").await;
    page.press_enter().await;
    until_kept("unsent", "to be forgotten", 1).await;
    page.write("as well, forgotten").await;
    until_kept("draft", "as well, forgotten", 1).await;
    page.remote.sign_out();
    until_kept("unsent", "to be forgotten", 0).await;
    until_kept("draft", "as well, forgotten", 0).await;
    page.settle().await;
    assert_eq!(page.input().value(), "");
}

#[wasm_bindgen_test]
async fn what_nobody_can_see_stays_unread() {
    let page = Guest::new().online().await;
    page.root.scroll_into_view();
    // Nothing is counted before the storage has said what was read earlier.
    page.write("open for reading").await;
    until_kept("draft", "open for reading", 1).await;
    page.receive(&message("m1", "seen")).await;
    until(&page, || page.remote.unread() == 0, "reading").await;
    page.root.set_attribute("hidden", "").unwrap();
    let hidden = evaluate(
        "new Promise((resolve) => {
            new IntersectionObserver((entries, observer) => {
                if (entries.at(-1).isIntersecting) return;
                observer.disconnect();
                resolve();
            }).observe([...document.querySelectorAll('.scroller')].at(-1));
        })",
    );
    JsFuture::from(hidden.unchecked_into::<Promise>()).await.unwrap();
    page.settle().await;
    page.receive(&message("m2", "unseen")).await;
    until(&page, || page.remote.unread() == 1, "one unread message").await;
    page.settle().await;
    assert_eq!(page.remote.unread(), 1);
    page.root.remove_attribute("hidden").unwrap();
    page.root.scroll_into_view();
    until(&page, || page.remote.unread() == 0, "reading").await;
}
