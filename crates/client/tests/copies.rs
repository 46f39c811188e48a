//! The id of a send is broadcast with it: whoever copies it is shown as who they are.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use roomlet_client::config::NamespaceKind::{Raw, Stamped};
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::*;
use serde_json::{Value, json};

fn published(ann: &mut Scenario) -> Value {
    let publish: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap()
}

fn stamped(id: &str, sender: &str, text: &str, client: &Value) -> Value {
    json!({"id": id, "createdAt": format!("2025-10-29T04:00:0{id}.000Z"), "roomId": "lobby", "text": text, "clientMessageId": client, "sender": {"id": sender, "name": sender, "kind": "guest"}})
}

#[test]
fn what_nobody_saw_come_back_proves_nothing_to_those_who_saw_it_raw() {
    let mut ann = Scenario::events(Raw);
    ann.send("hi");
    let event = published(&mut ann);
    ann.close(1006); // it was published, the echo was lost
    ann.wait_for_attempt();
    ann.open();
    ann.receive(EVENTS_ACK);
    let id = ann.subscribe_success();
    assert_eq!(ann.rows(), ["me: hi [NotConfirmed]"]);
    let mut copy = event;
    copy["text"] = "I resign".into();
    copy["sender"] = json!({"id": "g-mallory", "name": "Mallory", "kind": "guest"});
    ann.receive(&event_data(&id, &copy));
    assert!(ann.rows().iter().any(|row| row == "Mallory: I resign [Sent]"), "{:?}", ann.rows());
    assert!(ann.rows().iter().any(|row| row.starts_with("me: hi")), "{:?}", ann.rows());
}

#[test]
fn a_copy_that_overtakes_the_echo_is_nobody_elses_identity() {
    let mut ann = Scenario::events(Stamped);
    ann.send("hi");
    let event = published(&mut ann);
    let client = &event["clientMessageId"];
    ann.receive(&event_data("s1", &stamped("1", "g-mallory", "I resign", client)));
    ann.receive(&event_data("s1", &stamped("2", "g-ann", "hi", client)));
    ann.receive(&event_data("s1", &stamped("3", "g-mallory", "and I mean it", &Value::Null)));
    let known = ann
        .events
        .iter()
        .filter_map(|event| match event {
            Event::KnownAs(id) => Some(id.clone()),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert!(!known.contains(&"g-mallory".to_owned()), "known as {known:?}, rows {:?}", ann.rows());
}

#[test]
fn a_publish_that_was_confirmed_but_did_not_come_back_keeps_its_words() {
    let mut ann = Scenario::events(Stamped);
    ann.send("hi");
    let frame: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(frame["events"][0].as_str().unwrap()).unwrap();
    ann.receive(&json!({"type":"publish_success","id":frame["id"],"successful":[{"identifier":"x","index":0}],"failed":[]}).to_string());
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
    ann.receive(&event_data(
        "s1",
        &stamped("1", "g-mallory", "I resign", &event["clientMessageId"]),
    ));
    assert!(ann.rows().iter().any(|row| row.starts_with("me: hi")), "{:?}", ann.rows());
}

#[test]
fn a_stranger_who_repeats_my_words_with_the_id_of_my_send_is_a_stranger() {
    let mut ann = Scenario::events(Stamped);
    ann.send("yes");
    let event = published(&mut ann);
    let client = &event["clientMessageId"];
    ann.receive(&event_data("s1", &stamped("1", "g-ann", "yes", client)));
    ann.receive(&event_data("s1", &stamped("2", "g-bo", "Shall I delete it all?", &Value::Null)));
    ann.receive(&event_data("s1", &stamped("3", "g-mallory", "yes", client)));
    assert_eq!(ann.rows().last().unwrap(), "g-mallory: yes [Sent]", "{:?}", ann.rows());
}

#[test]
fn a_stranger_who_repeats_my_words_with_the_id_of_my_send_is_a_stranger_raw() {
    let mut ann = Scenario::events(Raw);
    ann.send("yes");
    let event = published(&mut ann);
    ann.receive(&event_data("s1", &event));
    let mut copy = event;
    copy["sender"] = json!({"id": "g-mallory", "name": "Mallory", "kind": "guest"});
    ann.receive(&event_data("s1", &copy));
    assert_eq!(ann.rows(), ["me: yes [Sent]", "Mallory: yes [Sent]"]);
}

#[test]
fn nobody_becomes_me_by_copying_the_id_of_my_send() {
    let mut ann = Scenario::events(Stamped);
    ann.send("hi");
    let publish: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    let stamped = |id: &str, sender: &str, text: &str, client: Value| json!({"id": id, "createdAt": format!("2025-10-29T04:00:0{}.000Z", id), "roomId": "lobby", "text": text, "clientMessageId": client, "sender": {"id": sender, "name": sender, "kind": "guest"}});
    ann.receive(&event_data("s1", &stamped("1", "g-ann", "hi", event["clientMessageId"].clone())));
    // Mallory has received it, and publishes something of his own with its clientMessageId.
    ann.receive(&event_data(
        "s1",
        &stamped("2", "g-mallory", "I resign", event["clientMessageId"].clone()),
    ));
    ann.receive(&event_data("s1", &stamped("3", "g-mallory", "and I mean it", Value::Null)));
    assert_eq!(
        ann.rows(),
        ["me: hi [Sent]", "g-mallory: I resign [Sent]", "g-mallory: and I mean it [Sent]"]
    );
}

#[test]
fn in_a_raw_namespace_nobody_speaks_as_me() {
    let mut ann = Scenario::events(Raw);
    ann.send("hi");
    let publish: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    ann.receive(&event_data("s1", &event));
    let mut copy = event.clone();
    copy["text"] = "I resign".into();
    copy["sender"] = json!({"id": "g-mallory", "name": "Mallory", "kind": "guest"});
    ann.receive(&event_data("s1", &copy));
    assert_eq!(ann.rows(), ["me: hi [Sent]", "Mallory: I resign [Sent]"]);
}

#[test]
fn a_stamped_echo_that_comes_twice_with_other_ids_is_one_row_for_the_sender() {
    let mut ann = Scenario::events(Stamped);
    ann.send("hi");
    let publish: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    for (id, second) in [("a", 1), ("b", 2)] {
        let stamped = json!({"id": id, "createdAt": format!("2025-10-29T04:00:0{second}.000Z"), "roomId": "lobby", "text": "hi", "clientMessageId": event["clientMessageId"], "sender": {"id": "g-ann", "name": "Ann", "kind": "guest"}});
        ann.receive(&event_data("s1", &stamped));
    }
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
}

#[test]
fn what_a_handler_without_a_memory_passes_on_twice_is_one_row_for_everybody() {
    let mut ann = Scenario::events(Stamped);
    let stamped = |id: &str, text: &str| {
        json!({"id": id, "createdAt": "2025-10-29T04:00:01.000Z", "roomId": "lobby", "text": text,
            "clientMessageId": "c1", "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"}})
    };
    for event in [stamped("1", "hi"), stamped("2", "hi"), stamped("3", "something else")] {
        ann.receive(&event_data("s1", &event));
    }
    assert_eq!(ann.rows(), ["Bo: hi [Sent]", "Bo: something else [Sent]"]);
}

#[test]
fn more_unsent_messages_than_are_remembered_are_not_doubled() {
    let mut ann = Scenario::events(Stamped);
    ann.send("first");
    let frame: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(frame["events"][0].as_str().unwrap()).unwrap();
    let b = RoomId::parse("b").unwrap();
    ann.command(Command::OpenRoom(b.clone()));
    for _ in 0..1_000 {
        ann.command(Command::Send { room: b.clone(), text: "later".into() });
    }
    ann.receive(&event_data("s1", &stamped("1", "g-ann", "first", &event["clientMessageId"])));
    ann.receive(
        &json!({"type":"publish_success","id":frame["id"],"successful":[{}],"failed":[]})
            .to_string(),
    );
    assert_eq!(ann.rows(), ["me: first [Sent]"]);
}

#[test]
fn where_each_event_gets_a_sender_of_its_own_a_message_is_one_row_all_the_same() {
    let mut ann = Scenario::events(Stamped);
    for (number, text) in [("1", "one"), ("2", "two"), ("3", "three")] {
        ann.send(text);
        let event = published(&mut ann);
        let sender = format!("c-{number}");
        ann.receive(&event_data("s1", &stamped(number, &sender, text, &event["clientMessageId"])));
    }
    assert_eq!(ann.rows(), ["me: one [Sent]", "me: two [Sent]", "me: three [Sent]"]);
}
