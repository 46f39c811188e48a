//! The widget in a browser, with sockets, requests and questions that the test holds.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a page that goes wrong is a failed test"
)]

mod web {
    mod asking_the_page;
    mod device_storage;
    pub mod http;
    mod keeping;
    mod languages;
    mod list;
    pub mod overridden;
    pub mod page;
    mod requests;
    pub mod sign_in;
    mod signing_in;
    pub mod sockets;
}

use leptos::prelude::*;
use roomlet::Language;
use roomlet_client::RoomId;
use roomlet_client::config::Dialect;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web::page::Page;
use web_sys::{HtmlElement, KeyboardEventInit};

wasm_bindgen_test_configure!(run_in_browser);

const WELCOME: &str = r#"{"type":"welcome","features":["history"],"connectionId":"me=","sender":{"id":"g-me","name":"Ann","kind":"guest"}}"#;

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
    let row = page.all(".row").remove(0);
    let sent = page.sockets.sent();
    let frame: serde_json::Value = serde_json::from_str(sent.last().unwrap()).unwrap();
    let ack = serde_json::json!({"type": "ack", "clientMessageId": frame["clientMessageId"], "id": "m",
        "createdAt": "2025-10-29T04:06:00.000Z"});
    page.receive(&ack.to_string()).await;
    assert_eq!(page.all("[data-delivery=sent]").len(), 1);
    assert_eq!(page.all(".row").remove(0), row, "the row stays the same element");
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
    assert!(page.all(".row").is_empty());
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
    page.language.set(Language::Korean.into());
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
    assert!(page.all(".row").is_empty());
    page.room.set(RoomId::default());
    page.settle().await;
    assert_eq!(page.texts(".text"), ["a", "b", "c"]);
}

#[wasm_bindgen_test]
async fn a_row_that_stays_is_not_taken_out_of_the_document() {
    let page = Page::open(Dialect::Full).await;
    page.sockets.open_last();
    page.receive(WELCOME).await;
    let receive = |id: &str, second: u32| {
        let frame = serde_json::json!({"type": "message", "id": id, "roomId": "lobby", "text": id,
            "createdAt": format!("2025-10-29T04:06:{second:02}.000Z"),
            "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"}});
        page.sockets.receive(&frame.to_string());
    };
    receive("d", 4);
    page.settle().await;
    let row: HtmlElement = page.all(".row").remove(0).dyn_into().unwrap();
    row.set_tab_index(0);
    row.focus().unwrap();
    let focused = || web_sys::window().unwrap().document().unwrap().active_element();

    // Several before it, as a page of history comes, and several around it.
    for (id, second) in [("c", 3), ("b", 2)] {
        receive(id, second);
    }
    page.settle().await;
    assert_eq!(page.texts(".text"), ["b", "c", "d"]);
    assert_eq!(focused().as_ref(), Some(&*row), "it has kept the focus");
    for (id, second) in [("e", 5), ("a", 1), ("f", 6)] {
        receive(id, second);
    }
    page.settle().await;
    assert_eq!(page.texts(".text"), ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(focused().as_ref(), Some(&*row), "it has kept the focus");
}
