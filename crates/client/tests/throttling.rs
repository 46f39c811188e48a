//! Sends and starts that are throttled, rejected or not answered.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::Dialect;
use roomlet_client::config::NamespaceKind::{Raw, Stamped};
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::*;
use serde_json::{Value, json};

#[test]
fn throttled_starts_without_an_id_have_pauses_that_grow() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    let begin = ann.now;
    let mut starts = 0;
    while ann.now < begin + 600_000 {
        let frames = ann.frames();
        if frames.iter().any(|f| f.contains(r#""type":"start""#)) {
            starts += 1;
            ann.receive(r#"{"type":"error","payload":{"errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}}"#);
        }
        ann.pass(Duration::from_millis(250));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert!(starts <= 60, "{starts} starts in ten minutes of throttling");
}

#[test]
fn throttled_publishes_without_an_id_have_pauses_that_grow() {
    let mut ann = Scenario::events(Stamped);
    ann.frames();
    ann.send("hi");
    let begin = ann.now;
    let mut publishes = 0;
    while ann.now < begin + 600_000 {
        for frame in ann.frames() {
            if frame.contains(r#""type":"publish""#) {
                publishes += 1;
                ann.receive(LIMIT_EXCEEDED);
            }
        }
        ann.pass(Duration::from_millis(250));
        ann.receive(KEEP_ALIVE);
    }
    assert!(publishes <= 60, "{publishes} publishes in ten minutes of throttling");
}

#[test]
fn throttled_publishes_without_an_id_have_pauses_that_grow_raw() {
    let mut ann = Scenario::events(Raw);
    ann.frames();
    ann.send("hi");
    let begin = ann.now;
    let mut publishes = 0;
    while ann.now < begin + 600_000 {
        for frame in ann.frames() {
            if frame.contains(r#""type":"publish""#) {
                publishes += 1;
                ann.receive(LIMIT_EXCEEDED);
            }
        }
        ann.pass(Duration::from_millis(250));
        ann.receive(KEEP_ALIVE);
    }
    assert!(publishes <= 60, "{publishes} publishes in ten minutes of throttling");
}

#[test]
fn sends_that_are_throttled_pause_longer_though_history_can_be_read() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.send("hi");
    let begin = ann.now;
    let (mut sends, mut since) = (0, ann.now);
    while ann.now < begin + 600_000 {
        for request in ann.requests() {
            if request.body.contains("sendMessage") {
                sends += 1;
                ann.answer(&request, 429, &json!({}));
            } else {
                ann.answer(
                    &request,
                    200,
                    &json!({"data": {"messages": {"messages": [], "nextCursor": null}}}),
                );
            }
        }
        // The subscription of the room is ended every 11 seconds: each time the history is read again.
        if ann.now >= since + 11_000 {
            since = ann.now;
            let ids = (1..100).map(|n| format!("s{n}"));
            for id in ids {
                ann.receive(&json!({"id": id, "type": "complete"}).to_string());
            }
        }
        if ann.outputs.iter().any(
            |o| matches!(o, Output::SendText { text, .. } if text.contains(r#""type":"start""#)),
        ) {
            ann.start_ack();
        }
        ann.pass(Duration::from_millis(250));
        ann.receive(KEEP_ALIVE);
    }
    assert!(sends <= 60, "{sends} throttled sends in ten minutes");
}

#[test]
fn in_the_basic_schema_an_error_of_the_resolver_is_a_failure() {
    let mut ann = Scenario::graphql_basic();
    ann.send("hi");
    let request = ann.request();
    ann.answer(&request, 200, &json!({"data": {"sendMessage": null}, "errors": [{"errorType": "Lambda:Unhandled", "message": "boom"}]}));
    assert!(ann.rows()[0].contains("Failed"), "{:?}", ann.rows());
}

#[test]
fn in_the_full_schema_an_error_of_the_resolver_does_not_block_the_room_for_ever() {
    let mut ann = Scenario::graphql_full();
    ann.send("first");
    ann.send("second");
    let begin = ann.now;
    let mut tries = 0;
    while ann.now < begin + 3_600_000 {
        for request in ann.requests() {
            if request.variable("content") == "first" {
                tries += 1;
                ann.answer(&request, 200, &json!({"data": {"sendMessage": null}, "errors": [{"errorType": "RoomReadOnly", "message": "This room is read-only."}]}));
            }
        }
        ann.pass(Duration::from_secs(1));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert!(ann.rows()[0].contains("Failed"), "{tries} tries in an hour, {:?}", ann.rows());
}

#[test]
fn publishes_that_are_never_answered_do_not_reconnect_for_ever() {
    let mut ann = Scenario::events(Stamped);
    ann.frames();
    ann.send("hi");
    let begin = ann.now;
    let (mut publishes, mut connects) = (0, 0);
    ann.attempts();
    while ann.now < begin + 3_600_000 {
        if ann.attempts() > 1 {
            connects += 1;
            ann.open();
            ann.receive(EVENTS_ACK);
        }
        for frame in ann.frames() {
            let frame: Value = serde_json::from_str(&frame).unwrap();
            if frame["type"] == "subscribe" {
                ann.receive(&json!({"type":"subscribe_success","id":frame["id"]}).to_string());
            }
            if frame["type"] == "publish" {
                publishes += 1;
                ann.receive(
                    r#"{"type":"error","errors":[{"errorType":"InternalFailure","message":"x"}]}"#,
                );
            }
        }
        for request in ann.requests() {
            ann.answer(&request, 500, &json!({}));
        }
        ann.pass(Duration::from_millis(500));
        let c = ann.connection();
        ann.input(Input::Received { connection: c, text: KEEP_ALIVE.into() });
    }
    assert!(
        connects <= 60,
        "{connects} connections, {publishes} publishes in an hour, {:?} {:?}",
        ann.status(),
        ann.rows().iter().filter(|r| *r == "interruption").count()
    );
}
