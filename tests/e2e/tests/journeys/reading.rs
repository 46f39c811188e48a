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

        say_ten_things(&bo).await;
        // They wait below, and are counted.
        until_counted(&ann, 10).await;

        assert_still(&ann, &row, before).await;
        // One's own message is always brought into view, and so is what the button leads to.
        ann.click(".to-end").await;
        until_at_the_end(&ann).await;
        let script = "return root.activeElement?.className ?? '';";
        let focused = ann.run::<String>(script, Vec::new()).await;
        assert!(focused.contains("scroller"), "the focus stays in the chat: {focused}");
        scroll_up(&ann, 400.0).await;
        ann.say("mine").await;
        ann.until_sent("mine").await;
        ann.until("what had waited", |screen| has(screen, "new 10\nwith a second line")).await;
        until_at_the_end(&ann).await;
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

        say_ten_things(&bo).await;
        until_counted(&ann, 10).await;
        assert_still(&ann, &row, before).await;
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
        writer.say_all(&numbered("old", 45)).await;
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

        writer.say_all(&numbered("new", 500)).await;
        until_counted(&ann, 500).await;

        let farthest: f64 = ann.run("return window.farthest;", Vec::new()).await;
        assert!(farthest < STILL, "the row moved by {farthest} pixels");
        assert_still(&ann, &row, before).await;
        ann.click(".to-end").await;
        let seen = ann.until("all of them", |screen| screen.messages.len() == 545).await;
        let different = seen.texts().into_iter().collect::<HashSet<_>>();
        assert_eq!(different.len(), 545, "nothing twice");
        until_at_the_end(&ann).await;
    });
}

#[test]
fn where_messages_are_missing_a_row_says_so_until_they_have_been_fetched() {
    journey(async |stage| {
        for way in [Backend::full, Backend::graphql] {
            let backend = Backend::start().await;
            let writer = backend.writer("Dora");
            let ann = stage.enter(&way(&backend).by("Ann")).await;
            writer.say_all(&numbered("before", 5)).await;
            ann.until("what was before", |screen| screen.messages.len() == 5).await;
            let refuse = Some(Refuse { status: 503, next: None });
            let away = PathFaults { refuse, ..PathFaults::default() };
            backend
                .trouble(Faults { prod: away.clone(), graphql: away, ..Faults::default() })
                .await;
            backend.close_all(1001);
            ann.until("no connection", |screen| screen.status == "reconnecting").await;
            writer.say_all(&numbered("meanwhile", 130)).await;
            remember_holes(&ann).await;
            let prod = PathFaults { delay_ms: 700, ..PathFaults::default() };
            let graphql = PathFaults { answer_delay_ms: 700, ..PathFaults::default() };
            backend.trouble(Faults { prod, graphql, ..Faults::default() }).await;

            let is_so = |screen: &Screen| screen.holes == 0 && screen.messages.len() >= 135;
            let seen = ann.until("all of them", is_so).await;
            assert_eq!(seen.interruptions, 0, "{seen:#?}");
            assert_eq!(seen.messages.len(), 135, "nothing twice");
            let holes: usize = ann.run("return window.mostHoles;", Vec::new()).await;
            assert_eq!(holes, 1, "a row where messages were missing");
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
        // Frames with what is older come late enough to be drawn without them first.
        backend.trouble_full(PathFaults { delay_ms: 1_500, ..PathFaults::default() }).await;

        // In one script, so that nothing comes in between.
        let script = format!(
            "{TO_THE_BEGINNING} return [...(() => {{ {MIDDLE} }})(), root.querySelectorAll('.message').length];"
        );
        let (row, before, known): (String, f64, usize) = ann.run(&script, Vec::new()).await;
        ann.until("older messages", |screen| screen.messages.len() > known).await;
        assert_still(&ann, &row, before).await;

        backend.heal().await;
        let look = async || {
            ann.run::<()>(TO_THE_BEGINNING, Vec::new()).await;
            ann.look().await
        };
        let is_so = |screen: &Screen| screen.top == "This is the beginning of the room";
        let seen = roomlet_e2e::until("the beginning of the room", look, is_so).await;
        assert_eq!(seen.texts()[0], "message 1");
        let different = seen.texts().into_iter().collect::<HashSet<_>>();
        assert_eq!(different.len(), 120, "nothing twice");
    });
}

/// Says so many things, as quickly as a script can, and waits until they have arrived.
async fn fill_room(chat: &Chat, count: usize) {
    let texts = numbered("message", count);
    chat.say_all(&texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let is_so = |screen: &Screen| screen.messages.len() == count && screen.all_own_sent();
    chat.until("a full room", is_so).await;
}

/// Says what whoever is scrolled up must not be moved by.
async fn say_ten_things(chat: &Chat) {
    for number in 1..=10 {
        chat.paste(&format!("new {number}\nwith a second line")).await;
        chat.press_enter().await;
    }
}

fn numbered(what: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{what} {number}")).collect()
}

/// Waits until so many messages wait below, and are counted.
async fn until_counted(chat: &Chat, count: usize) {
    let look = async || {
        let script = "return root.querySelector('.to-end span')?.textContent ?? '';";
        chat.run::<String>(script, Vec::new()).await
    };
    let expected = format!("{count} new messages");
    roomlet_e2e::until("the count", look, |shown| *shown == expected).await;
}

async fn until_at_the_end(chat: &Chat) {
    let look = async || distance_to_end(chat).await;
    roomlet_e2e::until("at the end of the list", look, |distance| *distance < 2.0).await;
}

/// From now on the page remembers how many rows have said that messages are being fetched, however short that was.
async fn remember_holes(chat: &Chat) {
    let script = "\
        window.mostHoles = 0; \
        new MutationObserver(() => { \
            window.mostHoles = Math.max(window.mostHoles, root.querySelectorAll('.row .hole').length); \
        }).observe(root, {childList: true, subtree: true});";
    chat.run::<()>(script, Vec::new()).await;
}

async fn assert_still(chat: &Chat, row: &str, before: f64) {
    let after = top_of(chat, row).await;
    assert!((after - before).abs() <= STILL, "the row moved from {before} to {after}");
}

/// Turns the wheel over the list until it has moved so far, and waits until it rests. A wheel that is turned while the
/// list is still on its way somewhere else moves nothing.
async fn scroll_up(chat: &Chat, pixels: f64) {
    let script = "\
        const {left, top, width, height} = root.querySelector('.scroller').getBoundingClientRect(); \
        return [left, top, width, height];";
    let area: [f64; 4] = chat.run(script, Vec::new()).await;
    let goal = distance_to_end(chat).await + pixels;
    let turn = async || {
        let missing = goal - distance_to_end(chat).await;
        chromium::turn_wheel(&chat.window, area, -missing).await;
        chat.window.run_until_told::<f64>(RESTS, Vec::new()).await
    };
    roomlet_e2e::until("the list has moved", turn, |rests| *rests > goal - 2.0).await;
}

/// Tells how far from its end the list is, once it has been drawn there a dozen times.
const RESTS: &str = "\
    const tell = arguments[0]; \
    const list = document.querySelector('roomlet-chat').shadowRoot.querySelector('.scroller'); \
    let [last, same] = [NaN, 0]; \
    const look = () => { \
        [last, same] = [list.scrollTop, list.scrollTop === last ? same + 1 : 0]; \
        if (same < 12) requestAnimationFrame(look); else tell(Math.abs(last)); \
    }; \
    look();";

/// Goes to the first row that is there, as pulling the scroll bar does.
const TO_THE_BEGINNING: &str =
    "const list = root.querySelector('.scroller'); list.scrollTop = -list.scrollHeight;";

async fn distance_to_end(chat: &Chat) -> f64 {
    chat.run("return Math.abs(root.querySelector('.scroller').scrollTop);", Vec::new()).await
}

/// The row in the middle of the list, and where its top is.
async fn row_in_the_middle(chat: &Chat) -> (String, f64) {
    chat.run(MIDDLE, Vec::new()).await
}

const MIDDLE: &str = "\
    const area = root.querySelector('.scroller').getBoundingClientRect(); \
    const middle = area.top + area.height / 2; \
    const row = [...root.querySelectorAll('.row')].find((row) => row.getBoundingClientRect().bottom >= middle); \
    return [row.dataset.row, row.getBoundingClientRect().top];";

async fn top_of(chat: &Chat, row: &str) -> f64 {
    let script =
        "return root.querySelector(`[data-row=\"${arguments[1]}\"]`).getBoundingClientRect().top;";
    chat.run(script, vec![json!(row)]).await
}

fn has(screen: &Screen, text: &str) -> bool {
    screen.messages.iter().any(|message| message.text == text)
}
