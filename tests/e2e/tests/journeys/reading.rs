//! Scrolling through what was written.

use std::collections::HashSet;

use roomlet_e2e::{Backend, Chat, Screen, chromium, journey};
use roomlet_local::{Faults, PathFaults, Refuse};
use serde_json::json;

/// How far a row that is being read may move, in pixels.
const STILL: f64 = 1.0;

#[test]
fn the_row_being_read_holds_still_while_messages_arrive() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        fill_room(&bo, 40).await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.until("the history", |screen| screen.messages.len() == 40).await;
        scroll_up(&ann, 400.0).await;
        let (row, before) = row_in_the_middle(&ann).await;

        for number in 1..=10 {
            bo.paste(&format!("new {number}\nwith a second line")).await;
            bo.press_enter().await;
        }
        // They wait below, and are counted.
        let count = async || {
            let script = "return root.querySelector('.to-end span')?.textContent ?? '';";
            ann.run::<String>(script, Vec::new()).await
        };
        roomlet_e2e::until("the count", count, |count| count == "10 new messages").await;

        let after = top_of(&ann, &row).await;
        assert!((after - before).abs() <= STILL, "the row moved from {before} to {after}");
        // One's own message is always brought into view, and so is what the button leads to.
        ann.click(".to-end").await;
        let look = async || distance_to_end(&ann).await;
        roomlet_e2e::until("at the end of the list", look, |distance| *distance < 2.0).await;
        let script = "return root.activeElement?.className ?? '';";
        let focused = ann.run::<String>(script, Vec::new()).await;
        assert!(focused.contains("scroller"), "the focus stays in the chat: {focused}");
        scroll_up(&ann, 400.0).await;
        ann.say("mine").await;
        ann.until_sent("mine").await;
        ann.until("what had waited", |screen| has(screen, "new 10\nwith a second line")).await;
        let look = async || distance_to_end(&ann).await;
        roomlet_e2e::until("at the end of the list", look, |distance| *distance < 2.0).await;
    });
}

#[test]
fn a_message_of_ones_own_that_failed_does_not_let_the_row_being_read_move() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        let ann = stage.enter(&backend.basic().by("Ann")).await;
        fill_room(&bo, 40).await;
        ann.until("all of it", |screen| screen.messages.len() == 40).await;
        backend.trouble_basic(PathFaults { fail_next_sends: 1, ..PathFaults::default() }).await;
        ann.say("mine").await;
        let is_so = |screen: &Screen| {
            screen.messages.last().is_some_and(|one| one.delivery == "not-confirmed")
        };
        ann.until("not confirmed", is_so).await;
        scroll_up(&ann, 400.0).await;
        let (row, before) = row_in_the_middle(&ann).await;

        for number in 1..=10 {
            bo.paste(&format!("new {number}\nwith a second line")).await;
            bo.press_enter().await;
        }
        let count = async || {
            let script = "return root.querySelector('.to-end span')?.textContent ?? '';";
            ann.run::<String>(script, Vec::new()).await
        };
        roomlet_e2e::until("the count", count, |count| count == "10 new messages").await;
        let after = top_of(&ann, &row).await;
        assert!((after - before).abs() <= STILL, "the row moved from {before} to {after}");
        ann.click(".to-end").await;
        ann.until("what had waited", |screen| has(screen, "new 10\nwith a second line")).await;
    });
}

#[test]
fn at_the_end_of_the_list_new_messages_come_into_view() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        fill_room(&bo, 30).await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.until("the history", |screen| screen.messages.len() == 30).await;

        bo.paste("the newest\nis seen").await;
        bo.press_enter().await;

        ann.until("the newest", |screen| has(screen, "the newest\nis seen")).await;
        assert!(distance_to_end(&ann).await < 2.0);
        let script = "\
            const last = [...root.querySelectorAll('.row')].at(-1).getBoundingClientRect(); \
            const list = root.querySelector('.scroller').getBoundingClientRect(); \
            return last.top >= list.top && last.bottom <= list.bottom;";
        assert!(ann.run::<bool>(script, Vec::new()).await, "the last row is in view");
    });
}

#[test]
fn a_reader_scrolled_up_does_not_move_while_hundreds_of_messages_arrive() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let writer = backend.writer("Dora");
        let texts = |what: &str, count: usize| {
            (1..=count).map(|number| format!("{what} {number}")).collect::<Vec<_>>()
        };
        writer.say_all(&texts("old", 45)).await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.until("the history", |screen| screen.messages.len() == 45).await;
        scroll_up(&ann, 400.0).await;
        let (row, before) = row_in_the_middle(&ann).await;
        // Looks at each frame, since nobody must see it move and come back.
        let follow = "\
            const row = root.querySelector(`[data-row=\"${arguments[1]}\"]`); \
            window.farthest = 0; \
            const look = () => { \
                window.farthest = Math.max(window.farthest, Math.abs(row.getBoundingClientRect().top - arguments[2])); \
                requestAnimationFrame(look); \
            }; \
            look();";
        ann.run::<()>(follow, vec![json!(row), json!(before)]).await;

        writer.say_all(&texts("new", 500)).await;
        let count = async || {
            let script = "return root.querySelector('.to-end span')?.textContent ?? '';";
            ann.run::<String>(script, Vec::new()).await
        };
        roomlet_e2e::until("the count", count, |count| count == "500 new messages").await;

        let farthest: f64 = ann.run("return window.farthest;", Vec::new()).await;
        assert!(farthest < STILL, "the row moved by {farthest} pixels");
        let after = top_of(&ann, &row).await;
        assert!((after - before).abs() < STILL, "the row moved from {before} to {after}");
        ann.click(".to-end").await;
        let seen = ann.until("all of them", |screen| screen.messages.len() == 545).await;
        let different = seen.texts().into_iter().collect::<HashSet<_>>();
        assert_eq!(different.len(), 545, "nothing twice");
        let look = async || distance_to_end(&ann).await;
        roomlet_e2e::until("at the end of the list", look, |distance| *distance < 2.0).await;
    });
}

#[test]
fn where_messages_are_missing_a_row_says_so_until_they_have_been_fetched() {
    journey(async |stage| {
        let texts = |what: &str, count: usize| {
            (1..=count).map(|number| format!("{what} {number}")).collect::<Vec<_>>()
        };
        for way in [Backend::full, Backend::graphql] {
            let backend = Backend::start().await;
            let writer = backend.writer("Dora");
            let ann = stage.enter(&way(&backend).by("Ann")).await;
            writer.say_all(&texts("before", 5)).await;
            ann.until("what was before", |screen| screen.messages.len() == 5).await;
            let refuse = Some(Refuse { status: 503, next: None });
            let away = PathFaults { refuse, ..PathFaults::default() };
            backend
                .trouble(Faults { prod: away.clone(), graphql: away, ..Faults::default() })
                .await;
            backend.close_all(1001);
            ann.until("no connection", |screen| screen.status == "reconnecting").await;
            writer.say_all(&texts("meanwhile", 130)).await;
            let prod = PathFaults { delay_ms: 700, ..PathFaults::default() };
            let graphql = PathFaults { answer_delay_ms: 700, ..PathFaults::default() };
            backend.trouble(Faults { prod, graphql, ..Faults::default() }).await;

            ann.until("a row where messages are missing", |screen| screen.holes == 1).await;
            backend.heal().await;
            let is_so = |screen: &Screen| screen.holes == 0 && screen.messages.len() >= 135;
            let seen = ann.until("all of them", is_so).await;
            assert_eq!(seen.interruptions, 0, "{seen:#?}");
            assert_eq!(seen.messages.len(), 135, "nothing twice");
            ann.window.close().await;
        }
    });
}

#[test]
fn scrolling_up_loads_older_messages_and_keeps_the_place() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        fill_room(&bo, 120).await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let first = ann.until("the newest page", |screen| has(screen, "message 120")).await;
        assert!(first.messages.len() < 120, "not everything at once: {}", first.messages.len());
        let known = first.messages.len();
        // Frames with what is older come late enough to see where the reader is before they come.
        let late = roomlet_local::PathFaults { delay_ms: 1_500, ..Default::default() };
        backend.trouble_full(late).await;

        scroll_to_beginning(&ann).await;
        let (row, before) = row_in_the_middle(&ann).await;
        assert_eq!(ann.look().await.messages.len(), known, "the older ones are still on their way");
        ann.until("older messages", |screen| screen.messages.len() > known).await;
        let after = top_of(&ann, &row).await;
        assert!((after - before).abs() <= STILL, "the row moved from {before} to {after}");

        backend.heal().await;
        let look = async || {
            scroll_to_beginning(&ann).await;
            ann.look().await
        };
        let is_so = |screen: &Screen| screen.top == "This is the beginning of the room";
        let seen = roomlet_e2e::until("the beginning of the room", look, is_so).await;
        assert_eq!(seen.texts()[0], "message 1");
        let different = seen.texts().into_iter().collect::<HashSet<_>>();
        assert_eq!(different.len(), 120, "nothing twice");
    });
}

/// Says so many things, as quickly as a paste buffer does.
async fn fill_room(chat: &Chat, count: usize) {
    let script = "\
        const input = root.querySelector('.input'); \
        for (let number = 1; number <= arguments[1]; number += 1) { \
            input.value = `message ${number}`; \
            input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true})); \
            input.form.requestSubmit(); \
        }";
    chat.run::<()>(script, vec![json!(count)]).await;
    let is_so = |screen: &Screen| screen.messages.len() == count && screen.all_own_sent();
    chat.until("a full room", is_so).await;
}

/// Turns the wheel over the list and waits until it has moved so far.
async fn scroll_up(chat: &Chat, pixels: f64) {
    let script = "\
        const {left, top, width, height} = root.querySelector('.scroller').getBoundingClientRect(); \
        return [left, top, width, height];";
    let area: [f64; 4] = chat.run(script, Vec::new()).await;
    let goal = distance_to_end(chat).await + pixels;
    chromium::turn_wheel(&chat.window, area, -pixels).await;
    let look = async || distance_to_end(chat).await;
    let arrived = |distance: &f64| (distance - goal).abs() < 2.0;
    roomlet_e2e::until("the list has moved", look, arrived).await;
}

/// Goes to the first row that is there, as pulling the scroll bar does.
async fn scroll_to_beginning(chat: &Chat) {
    let script =
        "const list = root.querySelector('.scroller'); list.scrollTop = -list.scrollHeight;";
    chat.run::<()>(script, Vec::new()).await;
}

async fn distance_to_end(chat: &Chat) -> f64 {
    chat.run("return Math.abs(root.querySelector('.scroller').scrollTop);", Vec::new()).await
}

/// The row in the middle of the list, and where its top is.
async fn row_in_the_middle(chat: &Chat) -> (String, f64) {
    let script = "\
        const list = root.querySelector('.scroller').getBoundingClientRect(); \
        const middle = list.top + list.height / 2; \
        const row = [...root.querySelectorAll('.row')].find((row) => row.getBoundingClientRect().bottom >= middle); \
        return [row.dataset.row, row.getBoundingClientRect().top];";
    chat.run(script, Vec::new()).await
}

async fn top_of(chat: &Chat, row: &str) -> f64 {
    let script =
        "return root.querySelector(`[data-row=\"${arguments[1]}\"]`).getBoundingClientRect().top;";
    chat.run(script, vec![json!(row)]).await
}

fn has(screen: &Screen, text: &str) -> bool {
    screen.messages.iter().any(|message| message.text == text)
}
