//! The widget in a browser, with sockets that the test holds.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a page that goes wrong is a failed test"
)]

mod web {
    pub mod sockets;
}

use std::sync::atomic::{AtomicU32, Ordering};

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use roomlet::driver::GuestKeys;
use roomlet::{ChatWidget, Language};
use roomlet_client::RoomId;
use roomlet_client::config::{Backend, Dialect, Endpoint, Service, SignIn};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web::sockets::HeldSockets;
use web_sys::{Element, HtmlElement, HtmlTextAreaElement, KeyboardEvent, KeyboardEventInit};

wasm_bindgen_test_configure!(run_in_browser);

const WELCOME: &str = r#"{"type":"welcome","features":["history"],"connectionId":"me=","sender":{"id":"g-me","name":"Ann","kind":"guest"}}"#;

/// A mounted widget; it is unmounted when the test ends.
struct Page {
    root: HtmlElement,
    sockets: HeldSockets,
    room: RwSignal<RoomId>,
    language: RwSignal<Language>,
    mounted: Option<Box<dyn std::any::Any>>,
}

impl Page {
    /// With a backend of its own: what pages find out about one is kept for as long as the page lives.
    async fn open(dialect: Dialect) -> Self {
        static BACKENDS: AtomicU32 = AtomicU32::new(0);
        let number = BACKENDS.fetch_add(1, Ordering::Relaxed);
        Self::open_at(&format!("ws://127.0.0.1:1/{number}"), dialect).await
    }

    async fn open_at(endpoint: &str, dialect: Dialect) -> Self {
        let document = web_sys::window().unwrap().document().unwrap();
        let root: HtmlElement = document.create_element("section").unwrap().dyn_into().unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let backend = Backend {
            name: "test".into(),
            service: Service::api_gateway(Endpoint::parse(endpoint).unwrap(), dialect),
            sign_in: SignIn::None,
            room: RoomId::default(),
        };
        let sockets = HeldSockets::default();
        let for_widget = sockets.clone();
        let room = RwSignal::new(RoomId::default());
        let language = RwSignal::new(Language::English);
        let mounted = leptos::mount::mount_to(root.clone(), move || {
            view! {
                <ChatWidget
                    backend
                    room
                    name=Signal::stored(Some("Ann".to_owned()))
                    language
                    guest_keys=GuestKeys::Nowhere
                    sockets=Box::new(for_widget)
                />
            }
        });
        let page = Self { root, sockets, room, language, mounted: Some(Box::new(mounted)) };
        page.settle().await;
        page
    }

    /// Effects run a tick after what caused them, and some wait for a frame.
    async fn settle(&self) {
        TimeoutFuture::new(40).await;
    }

    async fn receive(&self, text: &str) {
        self.sockets.receive(text);
        self.settle().await;
    }

    fn all(&self, selector: &str) -> Vec<Element> {
        let found = self.root.query_selector_all(selector).unwrap();
        (0..found.length()).map(|index| found.item(index).unwrap().dyn_into().unwrap()).collect()
    }

    fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(|one| one.text_content().unwrap()).collect()
    }

    fn input(&self) -> HtmlTextAreaElement {
        self.all("textarea").remove(0).dyn_into().unwrap()
    }

    async fn write(&self, text: &str) {
        self.input().set_value(text);
        self.input().dispatch_event(&web_sys::Event::new("input").unwrap()).unwrap();
        self.settle().await;
    }

    async fn press(&self, key: &KeyboardEventInit) {
        key.set_bubbles(true);
        key.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", key).unwrap();
        self.input().dispatch_event(&event).unwrap();
        self.settle().await;
    }

    async fn press_enter(&self) {
        let key = KeyboardEventInit::new();
        key.set_key("Enter");
        self.press(&key).await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.mounted.take();
        self.root.remove();
    }
}

fn broadcast(connection: &str, second: u32, text: &str) -> String {
    serde_json::json!({"roomId": "lobby", "text": text, "senderConnectionId": connection,
        "createdAt": format!("2025-10-29T04:06:{second:02}.000Z")})
    .to_string()
}

#[wasm_bindgen_test]
async fn messages_appear_as_text_and_in_order() {
    let page = Page::open(Dialect::Basic).await;
    page.sockets.open_last();
    page.receive(&broadcast("bo=", 1, "<img src=x onerror=alert(1)>")).await;
    page.receive(&broadcast("bo=", 2, "second")).await;
    assert_eq!(page.texts(".text"), ["<img src=x onerror=alert(1)>", "second"]);
    assert!(page.all("img").is_empty());
    assert_eq!(page.all(".message.continues").len(), 1, "the second one is grouped");
}

#[wasm_bindgen_test]
async fn enter_sends_and_the_row_goes_from_sending_to_sent() {
    let page = Page::open(Dialect::Auto).await;
    page.sockets.open_last();
    page.receive(WELCOME).await;
    page.write("hi").await;
    page.press_enter().await;
    assert_eq!(page.input().value(), "");
    assert_eq!(page.all("[data-delivery=sending]").len(), 1);
    let row = page.all("li").remove(0);
    let sent = page.sockets.sent();
    let frame: serde_json::Value = serde_json::from_str(sent.last().unwrap()).unwrap();
    let ack = serde_json::json!({"type": "ack", "clientMessageId": frame["clientMessageId"], "id": "m",
        "createdAt": "2025-10-29T04:06:00.000Z"});
    page.receive(&ack.to_string()).await;
    assert_eq!(page.all("[data-delivery=sent]").len(), 1);
    assert_eq!(page.all("li").remove(0), row, "the row stays the same element");
}

#[wasm_bindgen_test]
async fn two_widgets_of_one_backend_ask_it_once() {
    let endpoint = "ws://127.0.0.1:1/shared";
    let first = Page::open_at(endpoint, Dialect::Auto).await;
    let second = Page::open_at(endpoint, Dialect::Auto).await;
    first.sockets.open_last();
    second.sockets.open_last();
    assert_eq!((first.sockets.sent().len(), second.sockets.sent().len()), (1, 0));
    first.receive(WELCOME).await;
    assert!(second.sockets.sent()[0].contains("hello"), "the other one hears that it is full");
    drop(first);
    drop(second);
    let third = Page::open_at(endpoint, Dialect::Auto).await;
    third.sockets.open_last();
    assert_eq!(third.sockets.sent().len(), 1, "what is known stays known");
}

#[wasm_bindgen_test]
async fn enter_while_an_input_method_composes_never_sends() {
    let page = Page::open(Dialect::Basic).await;
    page.sockets.open_last();
    page.write("안녕").await;
    let composing = KeyboardEventInit::new();
    composing.set_key("Enter");
    composing.set_is_composing(true);
    page.press(&composing).await;
    let safari = KeyboardEventInit::new();
    safari.set_key("Enter");
    safari.set_key_code(229);
    page.press(&safari).await;
    let shift = KeyboardEventInit::new();
    shift.set_key("Enter");
    shift.set_shift_key(true);
    page.press(&shift).await;
    assert_eq!(page.input().value(), "안녕");
    assert!(page.all(".message").is_empty());
    page.press_enter().await;
    assert_eq!(page.texts(".own .text"), ["안녕"]);
}

#[wasm_bindgen_test]
async fn an_unconfirmed_message_offers_retry_and_dismiss() {
    let page = Page::open(Dialect::Basic).await;
    page.sockets.open_last();
    page.write("hi").await;
    page.press_enter().await;
    page.receive(r#"{"message":"Internal server error","connectionId":"me=","requestId":"r"}"#)
        .await;
    assert_eq!(page.all("[data-delivery=not-confirmed]").len(), 1);
    let before = page.sockets.sent().len();
    page.all("[data-action=retry]").remove(0).dyn_into::<HtmlElement>().unwrap().click();
    page.settle().await;
    assert_eq!(page.sockets.sent().len(), before + 1);
    page.receive(r#"{"message":"Internal server error","connectionId":"me=","requestId":"r"}"#)
        .await;
    page.all("[data-action=discard]").remove(0).dyn_into::<HtmlElement>().unwrap().click();
    page.settle().await;
    assert!(page.all("li").is_empty());
}

#[wasm_bindgen_test]
async fn each_room_has_its_messages_and_its_draft() {
    let page = Page::open(Dialect::Basic).await;
    page.sockets.open_last();
    page.receive(&broadcast("bo=", 1, "in the lobby")).await;
    page.write("draft").await;
    page.room.set(RoomId::parse("김치 방/1").unwrap());
    page.settle().await;
    assert!(page.texts(".text").is_empty());
    assert_eq!(page.input().value(), "");
    assert_eq!(page.texts(".title"), ["김치 방/1"]);
    page.room.set(RoomId::default());
    page.settle().await;
    assert_eq!(page.texts(".text"), ["in the lobby"]);
    assert_eq!(page.input().value(), "draft");
    assert_eq!(page.texts(".status-text"), ["Connected"]);
}

#[wasm_bindgen_test]
fn a_language_is_read_from_its_tag() {
    assert_eq!(Language::from_tag("ko-KR"), Some(Language::Korean));
    assert_eq!(Language::from_tag("EN_us"), Some(Language::English));
    assert_eq!(Language::from_tag("tlh"), None);
    assert_eq!(Language::from_tag(""), None);
}

#[wasm_bindgen_test]
async fn the_language_changes_while_the_widget_runs() {
    let page = Page::open(Dialect::Basic).await;
    page.sockets.open_last();
    page.settle().await;
    assert_eq!(page.texts(".status-text"), ["Connected"]);
    page.language.set(Language::Korean);
    page.settle().await;
    assert_eq!(page.texts(".status-text"), ["연결됨"]);
}

#[wasm_bindgen_test]
async fn a_socket_that_the_page_blocks_is_said_and_not_tried_again() {
    let page = Page::open(Dialect::Basic).await;
    page.sockets.block_last();
    page.settle().await;
    assert!(page.texts(".status-text").remove(0).contains("security policy"));
    assert_eq!(page.sockets.opened(), 1);
}

#[wasm_bindgen_test]
async fn unmounting_ends_the_sockets_and_empties_the_place() {
    let mut page = Page::open(Dialect::Basic).await;
    page.sockets.open_last();
    assert_eq!(page.sockets.alive(), 1);
    page.mounted.take();
    page.settle().await;
    assert_eq!(page.sockets.alive(), 0);
    assert_eq!(page.root.child_element_count(), 0);
    // What still arrives meets nobody, and does no harm.
    page.receive(&broadcast("bo=", 1, "late")).await;
}

#[wasm_bindgen_test]
async fn rows_survive_insertion_reordering_replacement_and_emptying() {
    let page = Page::open(Dialect::Full).await;
    page.sockets.open_last();
    page.receive(WELCOME).await;
    for (id, second) in [("c", 3), ("a", 1), ("b", 2), ("a", 1)] {
        let frame = serde_json::json!({"type": "message", "id": id, "roomId": "lobby", "text": id,
            "createdAt": format!("2025-10-29T04:06:{second:02}.000Z"),
            "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"}});
        page.receive(&frame.to_string()).await;
    }
    assert_eq!(page.texts(".text"), ["a", "b", "c"]);
    page.room.set(RoomId::parse("empty").unwrap());
    page.settle().await;
    assert!(page.all("li").is_empty());
    page.room.set(RoomId::default());
    page.settle().await;
    assert_eq!(page.texts(".text"), ["a", "b", "c"]);
}
