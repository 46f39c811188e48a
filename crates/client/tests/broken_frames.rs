//! Frames that have come to harm on their way may have been messages.

mod scenario;

use std::time::Duration;

use roomlet_client::Status;
use roomlet_client::config::{Dialect, NamespaceKind};
use scenario::appsync::{ACK, EVENTS_ACK, api_key, event_data, events, graphql};
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

#[test]
fn a_subscription_that_brings_something_needs_no_acknowledgement() {
    let mut scenario = Scenario::of(events(NamespaceKind::Stamped), api_key());
    scenario.open();
    scenario.receive(EVENTS_ACK);
    let first = scenario.started();
    scenario.receive(r#"{"type":"subscribe_success"}"id":"s1"}"#);
    assert_ne!(scenario.status(), Status::Online);
    scenario.receive(&event_data(&first, &event("e1")));
    assert_eq!(scenario.status(), Status::Online);
    scenario.pass(Duration::from_secs(20));
    assert_eq!(scenario.frames(), Vec::<String>::new(), "no other subscription");
    scenario.receive(&serde_json::json!({"type": "subscribe_success", "id": first}).to_string());
    assert_eq!(scenario.rows(), ["Bo: e1 [Sent]"], "nothing is missing");
    // What was said in between is.
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(EVENTS_ACK);
    let second = scenario.subscribe_success();
    scenario.receive(&event_data(&second, &event("e3")));
    assert_eq!(scenario.rows(), ["Bo: e1 [Sent]", "interruption", "Bo: e3 [Sent]"]);
}

#[test]
fn where_there_is_a_history_it_is_read_once_a_subscription_brings_something() {
    let mut scenario = Scenario::of(graphql(Dialect::Auto), api_key());
    scenario.open();
    scenario.receive(ACK);
    let id = scenario.started();
    scenario.receive(r#"{"id":"s1","type"}"start_ack"}"#);
    assert_eq!(scenario.requests().len(), 0);
    let data = serde_json::json!({"id": id, "type": "data", "payload": {"data": {"onNewMessage": {
        "id": "m2", "roomId": "lobby", "sender": "g-bo", "content": "two",
        "createdAt": "2025-10-29T04:06:02.000Z", "senderName": "Bo", "senderKind": "guest",
    }}}});
    scenario.receive(&data.to_string());
    assert_eq!(scenario.requests().len(), 1, "a page of history");
    assert_eq!(scenario.rows(), ["Bo: two [Sent]"]);
}
