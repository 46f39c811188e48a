//! The list of messages, as somebody sees it who scrolls.

use roomlet::ui::STYLESHEET;
use roomlet_client::config::Dialect;
use serde_json::{Value, json};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use super::page::Page;
use crate::WELCOME;

/// A page with its looks, not high enough for what is said.
async fn open() -> Page {
    let page = Page::open(Dialect::Full).await;
    let document = page.root.owner_document().unwrap();
    let style = document.create_element("style").unwrap();
    style.set_text_content(Some(STYLESHEET));
    page.root.append_child(&style).unwrap();
    page.root.style().set_property("height", "400px").unwrap();
    page.root.style().set_property("display", "flow-root").unwrap();
    let chat: HtmlElement = page.all(".chat").remove(0).dyn_into().unwrap();
    chat.style().set_property("height", "400px").unwrap();
    page.sockets.open_last();
    page.receive(WELCOME).await;
    page
}

fn scroller(page: &Page) -> HtmlElement {
    page.all(".scroller").remove(0).dyn_into().unwrap()
}

fn message(author: &str, number: u32) -> Value {
    let (minute, second) = (number / 60, number % 60);
    json!({"id": format!("m{number:04}"), "roomId": "lobby", "text": format!("message {number}"),
        "createdAt": format!("2025-10-29T04:{minute:02}:{second:02}.000Z"),
        "sender": {"id": author, "name": author, "kind": "guest"}})
}

fn receive_live(page: &Page, author: &str, number: u32) {
    let mut frame = message(author, number);
    frame["type"] = "message".into();
    page.sockets.receive(&frame.to_string());
}

/// Answers the request for a page of history that was made last.
async fn answer_history(page: &Page, messages: Vec<Value>, next: Option<&str>) {
    let frames = page.sockets.sent();
    let mut frames = frames.iter().rev().map(|text| serde_json::from_str::<Value>(text).unwrap());
    let request = frames.find(|frame| frame["action"] == "history").unwrap();
    let answer = json!({"type": "history", "requestId": request["requestId"], "roomId": "lobby",
        "messages": messages, "nextCursor": next});
    page.receive(&answer.to_string()).await;
}

async fn scroll_to(page: &Page, top: i32) {
    scroller(page).set_scroll_top(top);
    page.settle().await;
}

fn is_at_end(page: &Page) -> bool {
    scroller(page).scroll_top() == 0 && page.all(".to-end").is_empty()
}

#[wasm_bindgen_test]
async fn only_what_is_written_here_leads_a_reader_to_the_end() {
    let page = open().await;
    answer_history(&page, (200..230).map(|number| message("g-bo", number)).collect(), Some("c"))
        .await;
    scroll_to(&page, -500).await;
    assert!(!is_at_end(&page));

    receive_live(&page, "g-me", 300);
    page.settle().await;
    assert!(!is_at_end(&page), "another tab's message leads nobody anywhere");

    scroll_to(&page, -scroller(&page).scroll_height()).await;
    answer_history(&page, (150..200).map(|number| message("g-me", number)).collect(), None).await;
    assert_eq!(page.texts(".text")[0], "message 150");
    assert!(!is_at_end(&page), "nor does what was said long ago");

    page.write("mine").await;
    page.press_enter().await;
    assert!(is_at_end(&page), "what is written here is seen");
}
