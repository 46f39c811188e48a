//! Frames that have come to harm on their way may have been messages.

mod scenario;

use std::time::Duration;

use roomlet_client::config::NamespaceKind;
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
