//! Frames that have come to harm on their way may have been messages.

mod scenario;

use roomlet_client::config::NamespaceKind;
use scenario::{Scenario, message};

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
