//! Many rooms on one connection: each lives and fails alone.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::Dialect;
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::*;
use serde_json::{Value, json};

fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

#[test]
fn a_room_left_during_a_renewal_and_opened_again_is_joined() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.requests();
    for number in 1..50 {
        ann.command(Command::OpenRoom(room(&format!("r{number}"))));
        ann.start_ack();
        ann.requests();
    }
    // After 70 seconds of silence the first room is renewed
    ann.frames();
    ann.pass(Duration::from_secs(71));
    let renewal = ann.started();
    // With one more room the lobby, shown longest ago, is closed
    ann.command(Command::OpenRoom(room("r50")));
    assert_eq!(ann.client.status(&RoomId::default()), None);
    ann.start_ack();
    // When that is shown again, r1 is closed.
    ann.command(Command::OpenRoom(RoomId::default()));
    ann.receive(&json!({"id": renewal, "type": "start_ack"}).to_string());
    ann.pass(Duration::from_secs(3));
    for _ in 0..5 {
        ann.pass(Duration::from_secs(10));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn a_room_left_while_it_starts_does_not_take_the_connection_with_it() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    // The lobby's start is not acknowledged; 49 others are
    ann.frames();
    for n in 1..50 {
        ann.command(Command::OpenRoom(room(&format!("r{n}"))));
        ann.start_ack();
        ann.requests();
    }
    ann.command(Command::OpenRoom(room("r50")));
    ann.start_ack();
    assert_eq!(ann.client.status(&RoomId::default()), None);
    ann.attempts();
    for _ in 0..20 {
        ann.pass(Duration::from_secs(1));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert_eq!(ann.attempts(), 1, "a new connection for fifty rooms");
}

#[test]
fn a_denied_room_stays_denied_over_a_reconnect_and_the_others_join() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.requests();
    for name in ["a", "b"] {
        ann.command(Command::OpenRoom(room(name)));
        if name == "a" {
            ann.refuse_start("Unauthorized", "no");
        } else {
            ann.start_ack();
        }
    }
    ann.requests();
    ann.close(1006);
    ann.wait_for_attempt();
    ann.open();
    ann.receive(ACK);
    let starts: Vec<Value> = ann
        .frames()
        .iter()
        .map(|f| serde_json::from_str::<Value>(f).unwrap())
        .filter(|f: &Value| f["type"] == "start")
        .collect();
    assert_eq!(starts.len(), 2);
    ann.command(Command::Reconnect);
    assert_eq!(ann.frames().len(), 1, "the denied one is tried again");
}

#[test]
fn a_send_survives_its_rooms_refusal_and_reconnect() {
    let mut ann = Scenario::graphql_full();
    ann.send("hi");
    let request = ann.request();
    ann.close(1006);
    ann.wait_for_attempt();
    ann.open();
    ann.receive(ACK);
    ann.refuse_start("Unauthorized", "no");
    ann.fail(&request, HttpFailure::Network);
    ann.pass(Duration::from_secs(60));
    assert_eq!(ann.rows(), ["me: hi [Queued]"]);
    ann.command(Command::Reconnect);
    ann.start_ack();
    ann.pass(Duration::from_secs(5));
    assert!(ann.requests().iter().any(|r| r.variable("content") == "hi"));
}

#[test]
fn a_throttled_probe_does_not_end_a_connection_that_lives() {
    let mut ann = Scenario::graphql_full();
    ann.frames();
    ann.attempts();
    ann.pass(Duration::from_secs(71));
    ann.started();
    ann.receive(r#"{"type":"error","payload":{"errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}}"#);
    for _ in 0..6 {
        ann.pass(Duration::from_secs(5));
        let c = ann.connection();
        ann.input(Input::Received { connection: c, text: KEEP_ALIVE.into() });
    }
    assert_eq!(ann.attempts(), 1, "given up though it speaks");
}

#[test]
fn a_room_left_while_its_renewal_is_refused_is_ended() {
    let mut ann = Scenario::graphql_full();
    for n in 1..50 {
        ann.command(Command::OpenRoom(RoomId::parse(&format!("r{n}")).unwrap()));
        ann.start_ack();
    }
    ann.pass(Duration::from_secs(71));
    let renewal = ann.started(); // of the first room
    ann.command(Command::OpenRoom(RoomId::parse("one more").unwrap())); // the first leaves
    ann.frames();
    let error = json!({"errorType": "MaxSubscriptionsReachedError", "message": "x"});
    ann.receive(
        &json!({"id": renewal, "type": "error", "payload": {"errors": [error]}}).to_string(),
    );
    ann.pass(Duration::from_secs(1));
    let frames = ann.frames();
    assert!(
        frames.iter().any(|f| f.contains(r#""id":"s1","type":"stop""#)),
        "s1 stays: {frames:?}"
    );
}

#[test]
fn who_asks_for_it_does_not_wait_for_the_pause_to_end() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    for _ in 0..6 {
        ann.refuse_start("LimitExceededError", "Rate limit exceeded");
        ann.command(Command::Reconnect);
    }
    ann.start_ack();
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn a_room_never_has_three_subscriptions() {
    let mut ann = Scenario::graphql_full();
    ann.frames();
    ann.pass(Duration::from_secs(71));
    let renewal = ann.started();
    ann.receive(&json!({"id": renewal, "type": "start_ack"}).to_string());
    // The subscription before is still there, for what is on its way, when somebody has reason to ask again.
    ann.wall_error += 60_000;
    ann.input(Input::Visibility(Visibility::Visible));
    let frames = ann.frames();
    assert!(frames.iter().all(|frame| !frame.contains(r#""type":"start""#)), "{frames:?}");
    // It ends, and then nothing is in the way.
    ann.pass(Duration::from_secs(5));
    let kinds = ann.frames().into_iter().map(|frame| {
        let frame = serde_json::from_str::<Value>(&frame).unwrap();
        frame["type"].as_str().unwrap().to_owned()
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["stop", "start"]);
}
