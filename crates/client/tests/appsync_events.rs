//! AppSync Events: the words of the protocol to the byte, and what the client does on each turn.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::NamespaceKind::{Raw, Stamped};
use roomlet_client::*;
use scenario::appsync::{EVENTS_ACK, api_key, event_data, events};
use scenario::{GUEST_KEY, Scenario};
use serde_json::{Value, json};

/// The frames of one kind that were sent since the last call.
fn said(scenario: &mut Scenario, kind: &str) -> Vec<Value> {
    let frames = scenario.frames().into_iter();
    let frames = frames.map(|frame| serde_json::from_str::<Value>(&frame).unwrap());
    frames.filter(|frame| frame["type"] == kind).collect()
}

/// The event of a publish.
fn event(frame: &Value) -> Value {
    serde_json::from_str(frame["events"][0].as_str().unwrap()).unwrap()
}

/// The event as the handler of a stamped namespace passes it on.
fn stamped(event: &Value, id: &str, second: u32) -> Value {
    json!({
        "id": id,
        "createdAt": format!("2025-10-29T04:00:{second:02}.000Z"),
        "roomId": event["roomId"],
        "text": event["text"],
        "clientMessageId": event["clientMessageId"],
        "sender": {"id": "g-me", "name": "Ann", "kind": "guest"},
    })
}

fn of_bo(id: &str, second: u32, text: &str) -> Value {
    json!({
        "id": id,
        "createdAt": format!("2025-10-29T04:00:{second:02}.000Z"),
        "roomId": "lobby",
        "text": text,
        "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"},
    })
}

fn published(ann: &mut Scenario, publish: &Value) {
    let frame = json!({"type": "publish_success", "id": publish["id"],
        "successful": [{"identifier": "u", "index": 0}], "failed": []});
    ann.receive(&frame.to_string());
}

#[test]
fn the_handshake_to_the_byte() {
    let mut ann = Scenario::of(events(Stamped), api_key());
    let header = "header-eyJob3N0IjoiYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXouYXBwc3luYy1hcGkudXMtZWFzdC0xLmFtYXpvbmF3cy5jb20iLCJ4LWFwaS1rZXkiOiJkYTItYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoifQ";
    assert_eq!(ann.subprotocols(), ["aws-appsync-event-ws", header]);
    assert_eq!(
        ann.open(),
        "wss://abcdefghijklmnopqrstuvwxyz.appsync-realtime-api.us-east-1.amazonaws.com/event/realtime"
    );
    assert_eq!(ann.frames(), [r#"{"type":"connection_init"}"#]);
    ann.receive(EVENTS_ACK);
    assert_eq!(
        ann.frames(),
        [
            r#"{"type":"subscribe","id":"s1","channel":"/chat/lobby","authorization":{"host":"abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com","x-api-key":"da2-abcdefghijklmnopqrstuvwxyz"}}"#
        ]
    );
    ann.pass(Duration::from_secs(3));
    assert_ne!(ann.status(), Status::Online);
    ann.receive(r#"{"type":"subscribe_success","id":"s1"}"#);
    assert_eq!(ann.status(), Status::Online);
    assert_eq!(ann.client.history(&ann.room), Some(History::None));
}

#[test]
fn a_publish_to_the_byte() {
    let mut ann = Scenario::events(Stamped);
    ann.send("hi \"there\"");
    let frames = ann.frames();
    let frame = serde_json::from_str::<Value>(&frames[0]).unwrap();
    let id = event(&frame)["clientMessageId"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    let expected = format!(
        r#"{{"type":"publish","id":"p1","channel":"/chat/lobby","events":["{{\"roomId\":\"lobby\",\"text\":\"hi \\\"there\\\"\",\"clientMessageId\":\"{id}\",\"guestKey\":\"{GUEST_KEY}\",\"guestName\":\"Ann\"}}"],"authorization":{{"host":"abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com","x-api-key":"da2-abcdefghijklmnopqrstuvwxyz"}}}}"#
    );
    assert_eq!(frames, [expected]);
}

#[test]
fn a_raw_namespace_learns_no_secret_and_believes_nobody() {
    let mut ann = Scenario::events(Raw);
    ann.send("hi");
    let frames = ann.frames();
    assert!(!frames[0].contains(GUEST_KEY), "{frames:?}");
    let frame = serde_json::from_str::<Value>(&frames[0]).unwrap();
    let own = event(&frame);
    assert_eq!(own["id"], own["clientMessageId"]);
    assert_eq!(own["createdAt"], "2025-10-29T04:06:01.000Z");
    assert!(own["sender"]["id"].as_str().unwrap().starts_with("g-"));
    ann.receive(&event_data("s1", &own));
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
    published(&mut ann, &frame);
    let mut pretender = own.clone();
    pretender["text"] = "I owe you money".into();
    pretender["id"] = "other".into();
    pretender["clientMessageId"] = "other".into();
    ann.receive(&event_data("s1", &pretender));
    assert_eq!(ann.rows(), ["me: hi [Sent]", "Ann: I owe you money [Sent]"]);
    let row = ann.client.rows(&ann.room).nth(1).and_then(Row::message).unwrap().clone();
    assert!(matches!(row.author, Author::Other { standing: Standing::Unverified, .. }));
    // The same id with other words hides nothing.
    let mut other = own;
    other["text"] = "other words".into();
    ann.receive(&event_data("s1", &other));
    assert_eq!(ann.rows().len(), 3);
}

#[test]
fn in_a_stamped_namespace_order_is_the_servers_and_the_echo_finds_its_row() {
    for echo_first in [true, false] {
        let mut ann = Scenario::events(Stamped);
        ann.send("mine");
        let row = ann.row_id(0);
        let publish = said(&mut ann, "publish").remove(0);
        let echo = event_data("s1", &stamped(&event(&publish), "m2", 2));
        if echo_first {
            ann.receive(&echo);
        }
        published(&mut ann, &publish);
        assert_eq!(ann.rows(), ["me: mine [Sent]"]);
        ann.receive(&event_data("s1", &of_bo("m3", 3, "later")));
        if !echo_first {
            ann.receive(&echo);
        }
        ann.receive(&event_data("s1", &of_bo("m1", 1, "earlier")));
        ann.receive(&event_data("s1", &of_bo("m1", 1, "earlier")));
        assert_eq!(
            ann.rows(),
            ["Bo: earlier [Sent]", "me: mine [Sent]", "Bo: later [Sent]"],
            "{echo_first}"
        );
        assert_eq!(ann.row_id(1), row);
        assert!(ann.events.contains(&Event::KnownAs("g-me".into())));
        let sent = ann.events.iter().filter(|event| matches!(event, Event::Sent { .. })).count();
        assert_eq!(sent, 1);
    }
}

#[test]
fn an_event_may_be_a_string_an_array_or_a_bare_value() {
    let mut ann = Scenario::events(Stamped);
    let one = of_bo("m1", 1, "one");
    let two = of_bo("m2", 2, "two");
    let three = of_bo("m3", 3, "three");
    let frame = |event: Value| json!({"type": "data", "id": "s1", "event": event}).to_string();
    ann.receive(&frame(one.to_string().into()));
    ann.receive(&frame(json!([two.to_string(), three])));
    ann.receive(&frame(of_bo("m4", 4, "four")));
    let texts = ["one", "two", "three", "four"];
    assert_eq!(ann.rows(), texts.map(|text| format!("Bo: {text} [Sent]")));
}

#[test]
fn what_is_no_message_is_shown_as_it_came() {
    for kind in [Raw, Stamped] {
        let mut ann = Scenario::events(kind);
        for event in ["42", "plain words", r#"{"body":"x"}"#, r#"{"text":5}"#, "", "  "] {
            let frame = json!({"type": "data", "id": "s1", "event": event}).to_string();
            ann.receive(&frame);
        }
        assert_eq!(
            ann.rows(),
            [
                "notice: 42",
                "notice: plain words",
                r#"notice: {"body":"x"}"#,
                r#"notice: {"text":5}"#
            ]
        );
    }
    // A message without what a handler gives it is not believed.
    let mut ann = Scenario::events(Stamped);
    ann.receive(&event_data("s1", &json!({"text": "hi"})));
    assert_eq!(ann.rows(), [r#"notice: {"text":"hi"}"#]);
    // Two without an id are two.
    let mut ann = Scenario::events(Raw);
    ann.receive(&event_data("s1", &json!({"text": "hi"})));
    ann.receive(&event_data("s1", &json!({"text": "hi"})));
    assert_eq!(ann.rows().len(), 2);
}

#[test]
fn a_failed_event_is_a_failed_message_though_the_publish_succeeded() {
    for (error, reason) in [
        (json!({"code": "EventTooLargeException", "message": ""}), FailReason::TooLarge),
        (json!({"errorType": "Unauthorized", "message": ""}), FailReason::Forbidden),
        (json!({"errorType": "Conflict", "message": ""}), FailReason::Conflict),
        (json!({"code": 401, "message": ""}), FailReason::Misconfigured),
    ] {
        let mut ann = Scenario::events(Stamped);
        ann.send("hi");
        let publish = said(&mut ann, "publish").remove(0);
        let frame = json!({"type": "publish_success", "id": publish["id"], "successful": [],
            "failed": [error]});
        ann.receive(&frame.to_string());
        assert_eq!(ann.rows(), [format!("me: hi [Failed({reason:?})]")]);
    }
}

#[test]
fn a_refused_publish_fails_alone_and_a_throttled_one_waits() {
    for (kind, expected) in [
        ("Unauthorized", "me: hi [Failed(Forbidden)]"),
        ("UnauthorizedException", "me: hi [Failed(Misconfigured)]"),
        ("BadRequestException", "me: hi [Failed(BadRequest)]"),
        ("LimitExceededError", "me: hi [Queued]"),
    ] {
        let mut ann = Scenario::events(Stamped);
        ann.send("hi");
        let publish = said(&mut ann, "publish").remove(0);
        let frame = json!({"type": "publish_error", "id": publish["id"],
            "errors": [{"errorType": kind, "message": "no"}]});
        ann.receive(&frame.to_string());
        assert_eq!(ann.rows(), [expected]);
        assert_eq!(ann.status(), Status::Online);
        ann.pass(Duration::from_secs(2));
        assert_eq!(said(&mut ann, "publish").len(), usize::from(expected.contains("Queued")));
    }
}

#[test]
fn a_publish_whose_fate_is_unknown_is_repeated_only_where_it_is_stamped() {
    for (kind, expected) in [(Raw, "me: hi [NotConfirmed]"), (Stamped, "me: hi [Sending]")] {
        let mut ann = Scenario::events(kind);
        ann.send("hi");
        let first = said(&mut ann, "publish").remove(0);
        ann.close(1000);
        ann.wait_for_attempt();
        ann.open();
        ann.receive(EVENTS_ACK);
        let id = ann.subscribe_success();
        assert_eq!(ann.rows()[0], expected);
        let again = said(&mut ann, "publish");
        assert_eq!(again.len(), usize::from(kind == Stamped));
        for frame in again {
            assert_eq!(event(&frame)["clientMessageId"], event(&first)["clientMessageId"]);
        }
        // Its echo may still come.
        let echo = match kind {
            Raw => event(&first),
            Stamped => stamped(&event(&first), "m1", 1),
        };
        ann.receive(&event_data(&id, &echo));
        assert_eq!(ann.rows().iter().filter(|row| *row == "me: hi [Sent]").count(), 1);
        assert!(!ann.rows().iter().any(|row| row.contains("NotConfirmed")));
    }
}

#[test]
fn a_publish_without_an_answer_ends_the_connection() {
    let mut ann = Scenario::events(Raw);
    ann.send("hi");
    ann.pass(Duration::from_secs(15));
    assert_eq!(ann.rows(), ["me: hi [NotConfirmed]"]);
    ann.pass(Duration::from_secs(2));
    assert_eq!(ann.attempts(), 2);
}

#[test]
fn a_publish_that_is_throttled_without_its_name_goes_again() {
    for kind in [Raw, Stamped] {
        let mut ann = Scenario::events(kind);
        ann.send("hi");
        let first = said(&mut ann, "publish").remove(0);
        ann.receive(r#"{"type":"error","errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}"#);
        assert_eq!(ann.rows(), ["me: hi [Queued]"]);
        ann.pass(Duration::from_secs(2));
        let again = said(&mut ann, "publish").remove(0);
        assert_eq!(event(&again)["clientMessageId"], event(&first)["clientMessageId"]);
        assert_eq!(ann.attempts(), 1);
    }
}

#[test]
fn a_sender_that_is_only_a_text_is_a_name() {
    let mut ann = Scenario::events(Raw);
    ann.receive(&event_data("s1", &json!({"text": "hi", "sender": "Bob"})));
    assert_eq!(ann.rows(), ["Bob: hi [Sent]"]);
}

#[test]
fn no_more_than_twenty_publishes_go_at_once() {
    let mut ann = Scenario::events(Stamped);
    let mut instants = Vec::new();
    for number in 0..60 {
        ann.send(&number.to_string());
    }
    let start = ann.now;
    while instants.len() < 60 {
        for publish in said(&mut ann, "publish") {
            instants.push(ann.now - start);
            published(&mut ann, &publish);
        }
        if ann.outputs.iter().all(|output| !matches!(output, Output::SendText { .. })) {
            ann.pass(Duration::from_millis(10));
        }
        assert!(ann.now < start + 10_000, "{instants:?}");
    }
    assert_eq!(instants.iter().filter(|at| **at == 0).count(), 20);
    for from in 0..3_000 {
        let within = instants.iter().filter(|at| (from..from + 1_000).contains(*at)).count();
        assert!(within <= if from == 0 { 40 } else { 25 }, "{within} from {from}");
    }
}

#[test]
fn without_a_connection_events_are_published_by_http() {
    let mut ann = Scenario::events(Stamped);
    ann.close(1006);
    ann.send("hi");
    assert!(ann.requests().is_empty(), "the connection may be back at once");
    for _ in 0..3 {
        ann.wait_for_attempt();
        ann.close(1006);
    }
    ann.pass(Duration::from_secs(3));
    let request = ann.request();
    assert_eq!(
        request.url,
        "https://abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com/event"
    );
    assert_eq!(request.header("x-api-key"), Some("da2-abcdefghijklmnopqrstuvwxyz"));
    assert_eq!(request.json()["channel"], "/chat/lobby");
    assert_eq!(event(&request.json())["text"], "hi");
    let good = json!({"successful": [{"identifier": "u", "index": 0}], "failed": []});
    ann.answer(&request, 200, &good);
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
    ann.send("two");
    let request = ann.request();
    let refused = json!({"successful": [], "failed": [{"code": "EventTooLargeException"}]});
    ann.answer(&request, 200, &refused);
    assert_eq!(ann.rows()[1], "me: two [Failed(TooLarge)]");
}

#[test]
fn http_that_fails_too_is_left_alone() {
    let mut ann = Scenario::events(Raw);
    ann.close(1006);
    for text in ["one", "two", "three"] {
        ann.send(text);
    }
    ann.wait_for_attempt();
    ann.close(1006);
    ann.pass(Duration::from_secs(4));
    let request = ann.request();
    ann.fail(&request, HttpFailure::Network);
    assert_eq!(ann.rows(), ["me: one [NotConfirmed]", "me: two [Queued]", "me: three [Queued]"]);
    ann.pass(Duration::from_secs(10));
    assert!(ann.requests().is_empty());
}

#[test]
fn offline_nothing_is_tried() {
    let mut ann = Scenario::events(Raw);
    ann.close(1006);
    ann.input(Input::Network(Network::Offline));
    ann.send("hi");
    ann.pass(Duration::from_secs(60));
    assert!(ann.requests().is_empty());
    assert_eq!(ann.rows()[0], "me: hi [Queued]");
}

#[test]
fn rooms_have_channels_of_their_own_and_a_denied_one_fails_alone() {
    let mut ann = Scenario::events(Stamped);
    for room in ["김치 방/1", "x-1", "team"] {
        ann.command(Command::OpenRoom(RoomId::parse(room).unwrap()));
    }
    let channels = said(&mut ann, "subscribe");
    let channels = channels.iter().map(|frame| frame["channel"].as_str().unwrap());
    let expected = ["/chat/x-5k4yb3fztaqoxmfjf4yq", "/chat/x-pawtc", "/chat/team"];
    assert_eq!(channels.collect::<Vec<_>>(), expected);
    ann.receive(r#"{"type":"subscribe_success","id":"s2"}"#);
    ann.receive(r#"{"type":"subscribe_error","id":"s3","errors":[{"errorType":"Unauthorized","message":"no"}]}"#);
    ann.receive(r#"{"type":"subscribe_error","id":"s4","errors":[{"errorType":"SubscriptionProcessingError","message":"x"}]}"#);
    let status = |ann: &Scenario, room: &str| ann.client.status(&RoomId::parse(room).unwrap());
    assert_eq!(status(&ann, "김치 방/1"), Some(Status::Online));
    assert_eq!(status(&ann, "x-1"), Some(Status::Refused(Refusal::Forbidden)));
    ann.pass(Duration::from_secs(3));
    let again = said(&mut ann, "subscribe");
    assert_eq!(again.len(), 1, "one that failed for the backend's sake is tried again: {again:?}");
    assert_eq!((&again[0]["channel"], &again[0]["id"]), (&"/chat/team".into(), &"s5".into()));
    assert_eq!(ann.attempts(), 1);
}

#[test]
fn a_broadcast_error_leaves_its_row() {
    let mut ann = Scenario::events(Stamped);
    ann.receive(&event_data("s1", &of_bo("m1", 1, "hi")));
    let frame = r#"{"type":"broadcast_error","id":"s1","errors":[{"errorType":"MessageProcessingError","message":"x"}]}"#;
    ann.receive(frame);
    ann.receive(frame);
    assert_eq!(ann.rows(), ["Bo: hi [Sent]", "interruption"]);
}

#[test]
fn a_close_with_1000_after_an_error_is_judged_by_the_error() {
    let mut ann = Scenario::of(events(Stamped), api_key());
    ann.open();
    ann.receive(r#"{"type":"connection_error","errors":[{"errorType":"UnauthorizedException","message":"You are not authorized to make this call.","errorCode":401}]}"#);
    assert_eq!(ann.status(), Status::Refused(Refusal::Misconfigured));
    ann.close(1000);
    ann.pass(Duration::from_secs(600));
    assert_eq!((ann.attempts(), ann.status()), (1, Status::Refused(Refusal::Misconfigured)));
}

#[test]
fn a_late_keep_alive_is_looked_into() {
    let mut ann = Scenario::events(Stamped);
    ann.frames();
    ann.pass(Duration::from_secs(70));
    assert_eq!(ann.frames(), [r#"{"type":"unsubscribe","id":"ping"}"#]);
    ann.receive(r#"{"type":"unsubscribe_error","id":"ping","errors":[{"errorType":"UnknownOperationError","message":"Unknown operation id ping"}]}"#);
    ann.pass(Duration::from_secs(69));
    assert_eq!((ann.attempts(), ann.status()), (1, Status::Online));
    ann.pass(Duration::from_secs(1));
    ann.pass(Duration::from_secs(12));
    assert_eq!(ann.attempts(), 2, "nobody answered");
}
