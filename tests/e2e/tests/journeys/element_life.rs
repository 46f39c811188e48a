//! The element comes, moves and goes.

use roomlet_e2e::{Backend, Chat, journey};
use serde_json::json;

const KEEP: &str = "window.kept = host;";

#[test]
fn removing_the_element_closes_its_connection_and_adding_it_again_works() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.say("hello").await;
        ann.until_sent("hello").await;
        backend.until_connections(1).await;

        ann.run::<()>("window.kept = host; host.remove();", Vec::new()).await;
        backend.until_connections(0).await;
        ann.run::<()>("document.querySelector('main').append(window.kept);", Vec::new()).await;

        let seen = ann.until_messages(&["hello"]).await;
        assert!(seen.messages[0].own);
        ann.say("again").await;
        ann.until_sent("again").await;
        assert_eq!(backend.connections(), 1);
    });
}

#[test]
fn an_element_that_is_removed_while_it_draws_harms_nobody() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann").with("chats", "2")).await;
        let bystander = ann.second();
        bystander.until_online().await;

        let script = "\
            const input = root.querySelector('.input'); \
            input.value = 'last words'; \
            input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true})); \
            input.form.requestSubmit(); \
            host.remove();";
        ann.run::<()>(script, Vec::new()).await;
        backend.until_connections(1).await;

        // What was the second element is now the first.
        ann.say("still here").await;
        ann.until("sent", |screen| screen.sent_once("still here")).await;
        assert_eq!(ann.recorded("errors").await, Vec::<serde_json::Value>::new());
    });
}

#[test]
fn removing_and_adding_in_one_go_is_a_move() {
    moving_keeps_everything("host.remove(); document.querySelector('aside').append(window.kept);");
}

#[test]
fn appending_elsewhere_keeps_the_connection_and_the_draft() {
    moving_keeps_everything("document.querySelector('aside').append(host);");
}

#[test]
fn inserting_before_another_element_keeps_the_connection_and_the_draft() {
    moving_keeps_everything("document.body.insertBefore(host, document.body.firstChild);");
}

#[test]
fn move_before_keeps_the_connection_and_the_draft() {
    moving_keeps_everything("document.querySelector('aside').moveBefore(host, null);");
}

fn moving_keeps_everything(move_it: &str) {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        ann.say("said").await;
        ann.until_sent("said").await;
        ann.write("unsaid").await;

        ann.run::<()>(&format!("{KEEP}{move_it}"), Vec::new()).await;

        let seen = ann.look().await;
        assert_eq!((seen.draft.as_str(), seen.texts()), ("unsaid", vec!["said"]));
        ann.press_enter().await;
        ann.until_sent("unsaid").await;
        assert_eq!(backend.log().connects, 1, "it is still the first connection");
    });
}

#[test]
fn an_element_that_was_there_before_the_script_starts_when_it_comes() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.open(&backend.full().by("Ann").on_page("late.html")).await;
        assert_eq!(backend.log().connects, 0);

        ann.window.run::<()>("loadWidget();", Vec::new()).await;

        ann.until_online().await;
        ann.say("better late").await;
        ann.until_sent("better late").await;
    });
}

#[test]
fn two_elements_on_a_page_do_not_know_each_other() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let left = stage.enter(&backend.full().by("Ann").with("chats", "2")).await;
        let right = left.second();
        right.until_online().await;
        right.set_attribute("room", "other").await;
        right.until("the other room", |screen| screen.title == "other").await;
        left.write("left draft").await;

        right.say("right").await;
        right.until_sent("right").await;

        let seen = left.look().await;
        assert_eq!((seen.draft.as_str(), seen.messages.len()), ("left draft", 0));
        left.press_enter().await;
        left.until_messages(&["left draft"]).await;
        right.until_messages(&["right"]).await;
        left.run::<()>("host.remove();", Vec::new()).await;
        // What was the second element is now the first.
        left.say("alone").await;
        left.until_messages(&["right", "alone"]).await;
    });
}

#[test]
fn the_room_can_change_while_it_runs() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann").in_room("a")).await;
        ann.say("in a").await;
        ann.until_sent("in a").await;

        ann.set_attribute("room", "b").await;
        ann.until("room b, connected", |screen| is_in(screen, "b")).await;
        ann.say("in b").await;
        let seen = ann.until_sent("in b").await;
        assert_eq!(seen.texts(), ["in b"]);
        ann.set_attribute("room", "a").await;

        let seen = ann.until("room a, connected", |screen| is_in(screen, "a")).await;
        assert_eq!(seen.texts(), ["in a"]);
        ann.say("back in a").await;
        ann.until_messages(&["in a", "back in a"]).await;
    });
}

#[test]
fn the_name_can_change_while_it_runs() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        ann.say("as Ann").await;
        bo.until_messages(&["as Ann"]).await;

        ann.set_attribute("name", "Anna").await;
        backend.until_received("hello", 3).await;
        ann.until_online().await;
        ann.say("as Anna").await;

        let seen = bo.until_messages(&["as Ann", "as Anna"]).await;
        assert_eq!(seen.messages[1].author, "Anna");
    });
}

#[test]
fn a_change_of_the_backend_starts_a_new_conversation() {
    journey(async |stage| {
        let here = Backend::start().await;
        let there = Backend::start().await;
        let ann = stage.enter(&here.full().by("Ann")).await;
        ann.say("here").await;
        ann.until_sent("here").await;

        let endpoint = format!("ws://{}/prod", there.authority());
        ann.set_attribute("endpoint", &endpoint).await;

        there.until_connections(1).await;
        here.until_connections(0).await;
        let seen = ann.until_online().await;
        assert_eq!(seen.messages, []);
    });
}

#[test]
fn the_page_hears_of_messages_and_of_the_status() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.full().by("Ann")).await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        bo.say("for Ann's page").await;
        ann.until_messages(&["for Ann's page"]).await;
        ann.say("for Bo").await;
        ann.until_sent("for Bo").await;

        let message = details(&ann, "roomlet-message").await;
        assert_eq!(message.len(), 1, "one's own message is not news: {message:?}");
        assert_eq!(message[0]["text"], "for Ann's page");
        assert_eq!(message[0]["author"], "Bo");
        assert_eq!(message[0]["room"], "lobby");
        assert_eq!(details(&ann, "roomlet-sent").await.len(), 1);
        assert_eq!(details(&ann, "roomlet-ready").await.len(), 1);
        let status = details(&ann, "roomlet-status").await;
        assert_eq!(status.last().map(|detail| &detail["status"]), Some(&json!("online")));
    });
}

/// The details of the events of this type that the page has heard.
async fn details(chat: &Chat, event: &str) -> Vec<serde_json::Value> {
    let events = chat.recorded("events").await;
    events
        .into_iter()
        .filter(|heard| heard["type"] == event)
        .map(|heard| heard["detail"].clone())
        .collect()
}

fn is_in(screen: &roomlet_e2e::Screen, room: &str) -> bool {
    screen.title == room && screen.status == "online"
}
