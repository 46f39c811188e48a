//! A live message whose time came to harm on its way.

mod scenario;

use roomlet_client::config::Dialect;
use scenario::{Scenario, WELCOME, live, message};
use serde_json::Value;

fn history(numbers: std::ops::RangeInclusive<u32>) -> Vec<Value> {
    numbers.map(|number| message(&format!("m{number:03}"), 10 * number, "news")).collect()
}

/// A room with two messages that has caught up, got a third one live, and then one of the year 2125.
fn harmed(id: &str) -> Scenario {
    let mut ann = Scenario::new(Dialect::Full);
    ann.open();
    ann.receive(WELCOME);
    ann.answer_history(&history(1..=2), None);
    ann.pass(std::time::Duration::from_secs(3));
    ann.answer_history(&history(1..=2), None);
    ann.receive(&live("m003", 30, "news"));
    ann.receive(&live(id, 40, "news").replace("2025-", "2125-"));
    assert_eq!(ann.rows().len(), 4);
    ann.close(1006);
    ann.wait_for_attempt();
    ann.open();
    ann.receive(WELCOME);
    ann
}

#[test]
fn what_was_missed_is_fetched_back_to_where_the_message_stands_in_the_history() {
    let mut ann = harmed("m004");
    ann.answer_history(&history(61..=110), Some("61"));
    ann.answer_history(&history(11..=60), Some("11"));
    ann.answer_history(&history(1..=10), None);
    assert_eq!(ann.rows().len(), 110);
    ann.pass(std::time::Duration::from_secs(3));
    ann.answer_history(&history(61..=110), Some("61"));
    assert!(!ann.sent().iter().any(|frame| frame["action"] == "history"), "it is met at once");
}

#[test]
fn what_was_missed_is_fetched_though_the_history_never_had_the_message() {
    let mut ann = harmed("nobody-knows-it");
    ann.answer_history(&history(61..=110), Some("61"));
    ann.answer_history(&history(11..=60), Some("11"));
    ann.answer_history(&history(1..=10), None);
    assert_eq!(ann.rows().len(), 111);
}
