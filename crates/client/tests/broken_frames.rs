//! Frames that have come to harm on their way may have been messages.

mod scenario;

use std::time::Duration;

use roomlet_client::config::NamespaceKind;
use scenario::appsync::{EVENTS_ACK, api_key, event_data, events};
use scenario::{Scenario, live, message};

const BROKEN: &str = r#"{"type":"mess#ge","id":"m1"#;

#[test]
fn what_cannot_be_read_is_looked_for_in_the_history() {
    let mut scenario = Scenario::full();
    scenario.receive(BROKEN);
    scenario.answer_history(&[message("m1", 1, "hi")], None);
    assert_eq!(scenario.rows(), ["Bo: hi [Sent]"]);

    let mut scenario = Scenario::graphql_full();
    let before = scenario.requests().len();
    scenario.receive(BROKEN);
    assert_eq!((before, scenario.requests().len()), (0, 1), "a page of history");
}

#[test]
fn what_was_changed_on_its_way_is_put_right_by_the_history() {
    let mut scenario = Scenario::full();
    scenario.receive(&live("m1", 1, "one"));
    scenario.receive(&live("m2", 59, "twX"));
    scenario.receive(&live("m3", 3, "three"));
    let row = scenario.row_id(2);
    scenario.pass(Duration::from_secs(3));
    let history = [(1, "one"), (2, "two"), (3, "three")];
    let history = history.map(|(second, text)| message(&format!("m{second}"), second, text));
    scenario.answer_history(&history, None);
    assert_eq!(scenario.rows(), ["Bo: one [Sent]", "Bo: two [Sent]", "Bo: three [Sent]"]);
    assert_eq!(scenario.row_id(1), row, "it is the same row");
}

#[test]
fn where_there_is_no_history_something_may_be_missing() {
    let mut scenario = Scenario::events(NamespaceKind::Stamped);
    let event = serde_json::json!({
        "id": "e1", "text": "before", "createdAt": "2025-10-29T04:06:00.000Z",
        "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"},
    });
    scenario.receive(&scenario::appsync::event_data("s1", &event));
    scenario.receive(BROKEN);
    assert_eq!(scenario.rows(), ["Bo: before [Sent]", "interruption"]);
}

fn event(id: &str) -> serde_json::Value {
    serde_json::json!({
        "id": id, "text": id, "createdAt": format!("2025-10-29T04:06:0{}.000Z", &id[1..]),
        "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"},
    })
}

/// Subscribed, and heard of Bo, but the acknowledgement has come to harm.
fn heard_without_acknowledgement() -> Scenario {
    let mut scenario = Scenario::of(events(NamespaceKind::Stamped), api_key());
    scenario.open();
    scenario.receive(EVENTS_ACK);
    let first = scenario.started();
    scenario.receive(r#"{"type":"subscribe_success"}"id":"s1"}"#);
    scenario.receive(&event_data(&first, &event("e1")));
    assert_eq!(scenario.rows(), ["Bo: e1 [Sent]"]);
    scenario
}

#[test]
fn what_was_said_after_a_room_was_heard_without_an_acknowledgement_may_be_missing() {
    let mut scenario = heard_without_acknowledgement();
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(EVENTS_ACK);
    let second = scenario.subscribe_success();
    scenario.receive(&event_data(&second, &event("e3")));
    assert_eq!(scenario.rows(), ["Bo: e1 [Sent]", "interruption", "Bo: e3 [Sent]"]);
}

#[test]
fn what_was_said_while_a_subscription_was_given_up_for_another_one_may_be_missing() {
    let mut scenario = heard_without_acknowledgement();
    scenario.pass(Duration::from_secs(20));
    let second = scenario.subscribe_success();
    scenario.receive(&event_data(&second, &event("e3")));
    assert_eq!(scenario.rows(), ["Bo: e1 [Sent]", "interruption", "Bo: e3 [Sent]"]);
}

#[test]
fn nothing_is_missing_where_the_acknowledgement_comes_after_what_is_acknowledged() {
    let mut scenario = Scenario::of(events(NamespaceKind::Stamped), api_key());
    scenario.open();
    scenario.receive(EVENTS_ACK);
    let first = scenario.started();
    scenario.receive(&event_data(&first, &event("e1")));
    scenario.receive(&serde_json::json!({"type": "subscribe_success", "id": first}).to_string());
    assert_eq!(scenario.rows(), ["Bo: e1 [Sent]"]);
}
