//! The list of messages, as somebody sees it who scrolls.

use leptos::prelude::Set;
use roomlet::Language;
use roomlet::ui::STYLESHEET;
use roomlet_client::config::Dialect;
use serde_json::{Value, json};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use super::page::Page;
use crate::WELCOME;

/// A page with its looks, not high enough for what is said.
async fn open(dialect: Dialect) -> Page {
    let page = Page::open(dialect).await;
    let document = page.root.owner_document().unwrap();
    let style = document.create_element("style").unwrap();
    style.set_text_content(Some(STYLESHEET));
    page.root.append_child(&style).unwrap();
    page.root.style().set_property("height", "400px").unwrap();
    page.root.style().set_property("display", "flow-root").unwrap();
    let chat: HtmlElement = page.all(".chat").remove(0).dyn_into().unwrap();
    chat.style().set_property("height", "400px").unwrap();
    page.sockets.open_last();
    page
}

/// The same, in a room with thirty messages, the first of which is the two hundredth.
async fn open_room() -> Page {
    let page = open(Dialect::Full).await;
    page.receive(WELCOME).await;
    answer_history(&page, (200..230).map(|number| message("g-bo", number)).collect(), Some("c"))
        .await;
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
    let page = open_room().await;
    scroll_to(&page, -500).await;
    assert!(!is_at_end(&page));

    receive_live(&page, "g-me", 300);
    page.settle().await;
    assert!(!is_at_end(&page), "another tab's message leads nobody anywhere");

    scroll_to(&page, -scroller(&page).scroll_height()).await;
    let before = top_of(&page, "message 203");
    // The last of them takes the name from above the message that was first.
    let author = |number| if number == 199 { "g-bo" } else { "g-me" };
    let older = (150..200).map(|number| message(author(number), number)).collect();
    answer_history(&page, older, None).await;
    assert_eq!(page.texts(".text")[0], "message 150");
    assert!(!is_at_end(&page), "nor does what was said long ago");
    let moved = top_of(&page, "message 203") - before;
    assert!(moved.abs() <= 1.0, "the date and the name have gone, and it moved by {moved}");

    page.write("mine").await;
    page.press_enter().await;
    assert!(is_at_end(&page), "what is written here is seen");
}

/// How high on the page the row with this text stands.
fn top_of(page: &Page, text: &str) -> f64 {
    let texts = page.all(".text");
    let row = texts.iter().find(|one| one.text_content().as_deref() == Some(text)).unwrap();
    row.get_bounding_client_rect().top()
}

#[wasm_bindgen_test]
async fn what_was_held_back_goes_below_whoever_comes_to_the_end() {
    let page = open_room().await;
    scroll_to(&page, -300).await;
    for number in 300..500 {
        receive_live(&page, "g-cy", number);
    }
    page.settle().await;
    assert_eq!(page.texts(".text").len(), 30, "it waits");
    let before = top_of(&page, "message 225");
    scroll_to(&page, -20).await;
    assert_eq!(page.texts(".text").len(), 230);
    let moved = top_of(&page, "message 225") - before;
    assert!((moved + 280.0).abs() <= 1.0, "it moved by {moved}, the reader by 280");
    assert!(!is_at_end(&page), "there is more below now");
    page.all(".to-end").remove(0).dyn_into::<HtmlElement>().unwrap().click();
    page.settle().await;
    assert!(is_at_end(&page));
}

#[wasm_bindgen_test]
async fn groups_that_nobody_sees_stay_as_high_as_they_were() {
    let page = open_room().await;
    for number in 300..600 {
        receive_live(&page, if number % 3 == 0 { "g-cy" } else { "g-dee" }, number);
    }
    page.settle().await;
    let heights =
        || page.all(".group").iter().map(web_sys::Element::client_height).collect::<Vec<_>>();
    let laid_out = heights();
    page.settle().await;
    page.settle().await;
    assert_eq!(page.all(".group").len(), 7);
    assert_eq!(page.all(".group.settled").len(), 6, "but for the last");
    assert_eq!(heights(), laid_out);
    assert!(is_at_end(&page));
    // Seen from far above they are the same, and so they are when all are laid out.
    scroll_to(&page, -scroller(&page).scroll_height()).await;
    assert_eq!(heights(), laid_out);
    for group in page.all(".group") {
        group.class_list().remove_1("settled").unwrap();
    }
    assert_eq!(heights(), laid_out);
}

#[wasm_bindgen_test]
async fn a_row_that_grows_below_moves_nobody() {
    let page = open(Dialect::Basic).await;
    for number in 0..30 {
        page.sockets.receive(&crate::broadcast("bo=", number, &format!("message {number}")));
    }
    page.settle().await;
    page.write("mine").await;
    page.press_enter().await;
    scroll_to(&page, -300).await;
    let before = top_of(&page, "message 20");
    page.receive(r#"{"message":"Internal server error","connectionId":"me=","requestId":"r"}"#)
        .await;
    assert_eq!(page.all(".problem").len(), 1);
    let moved = top_of(&page, "message 20") - before;
    assert!(moved.abs() <= 1.0, "it moved by {moved}");
}

#[wasm_bindgen_test]
async fn a_message_changes_the_rows_beside_it_and_no_others() {
    let page = open_room().await;
    let rows = page.all(".row");
    assert_eq!(page.texts(".date"), ["October 29, 2025"]);
    receive_live(&page, "g-bo", 230);
    receive_live(&page, "g-cy", 215);
    page.settle().await;
    assert_eq!(page.texts(".text").len(), 31, "the one of that second is known");
    assert!(page.all(".row").starts_with(&rows));
    page.language.set(Language::Korean.into());
    page.settle().await;
    assert_eq!(page.texts(".date"), ["2025년 10월 29일"]);
    assert_eq!(page.texts(".text").len(), 31);
}
