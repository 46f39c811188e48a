//! AppSync Events: frames, channels and limits.

use roomlet_local::{Faults, PathFaults};
use serde_json::{Value, json};

use crate::client::{Client, server, server_with};
use crate::events_client::{
    api_key, connect, event_of, expect_quiet, next_event, only_error, open, publish_frame,
    refused_publish, refused_subscription, subscribe, subscribe_frame,
};

#[tokio::test]
async fn an_event_arrives_byte_for_byte() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let mut bo = connect(&server).await;
    subscribe(&mut ann, "s1", "/default/room-1").await;
    subscribe(&mut bo, "s9", "default/room-1/").await;
    // Neither spaces nor escapes nor the order of members change.
    let event = "{ \"b\":1.50, \"a\" : \"\\u00e9é\\/\", \"b\":2 }";
    ann.send(publish_frame("p1", "/default/room-1", &[event])).await;
    let expected = json!({"type": "data", "id": "s1", "event": event});
    // The publisher gets its own event too.
    let data = ann.next_text().await;
    assert!(data.starts_with(r#"{"type":"data","id":"s1","event":"#), "{data}");
    assert_eq!(serde_json::from_str::<Value>(&data).unwrap(), expected);
    let success = ann.next_text().await;
    let identifier = success
        .strip_prefix(r#"{"type":"publish_success","id":"p1","successful":[{"identifier":""#)
        .and_then(|rest| rest.strip_suffix(r#"","index":0}],"failed":[]}"#))
        .unwrap_or_else(|| panic!("{success}"));
    assert_eq!(identifier.len(), 36);
    assert_eq!(event_of(&bo.next().await, "s9"), event);
}

#[tokio::test]
async fn frames_before_the_acknowledgement_are_ignored() {
    let server = server().await;
    let mut ann = open(&server, api_key()).await;
    ann.send(subscribe_frame("early", "/default/a", &api_key())).await;
    ann.send(json!({"type": "connection_init"})).await;
    assert_eq!(ann.next().await["type"], "connection_ack");
    // The id is free, since nobody looked at the frame that had it.
    subscribe(&mut ann, "early", "/default/a").await;
    expect_quiet(&mut ann).await;
}

#[tokio::test]
async fn a_batch_is_one_frame_an_event_and_one_answer() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    let events = ["1", "\"two\"", "[3]", "{\"four\":4}", "null"];
    ann.send(publish_frame("p", "/default/a", &events)).await;
    for event in events {
        assert_eq!(event_of(&ann.next().await, "s"), event);
    }
    let success = ann.next().await;
    assert_eq!(success["type"], "publish_success");
    let indexes: Vec<_> =
        success["successful"].as_array().unwrap().iter().map(|it| it["index"].clone()).collect();
    assert_eq!(indexes, [0, 1, 2, 3, 4]);
    assert_eq!(success["failed"], json!([]));
}

#[tokio::test]
async fn wildcards_get_all_depths_below_and_each_subscription_its_own_frame() {
    let server = server().await;
    let mut ann = connect(&server).await;
    for (id, channel) in [
        ("all", "/default/*"),
        ("deep", "/default/a/*"),
        ("exact", "/default/a/b"),
        ("other", "/default/c"),
    ] {
        subscribe(&mut ann, id, channel).await;
    }
    ann.send(publish_frame("p", "default/a/b", &["1"])).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let frame = ann.next().await;
        assert_eq!(frame["event"], "1");
        ids.push(frame["id"].as_str().unwrap().to_owned());
    }
    ids.sort();
    assert_eq!(ids, ["all", "deep", "exact"]);
    assert_eq!(ann.next().await["type"], "publish_success");
    ann.send(publish_frame("q", "default/a", &["2"])).await;
    assert_eq!(event_of(&ann.next().await, "all"), "2");
    assert_eq!(ann.next().await["type"], "publish_success");
    expect_quiet(&mut ann).await;
}

#[tokio::test]
async fn publishing_needs_no_subscription_and_reaches_nobody_else() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let mut bo = connect(&server).await;
    subscribe(&mut bo, "s", "/default/other").await;
    let success = ann.ask(publish_frame("p", "/default/a", &["1"])).await;
    assert_eq!(success["type"], "publish_success");
    expect_quiet(&mut ann).await;
    expect_quiet(&mut bo).await;
}

#[tokio::test]
async fn unsubscribing_ends_a_subscription_once() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    ann.send(json!({"type": "unsubscribe", "id": "s"})).await;
    assert_eq!(ann.next_text().await, r#"{"type":"unsubscribe_success","id":"s"}"#);
    ann.send(json!({"type": "unsubscribe", "id": "s"})).await;
    assert_eq!(
        ann.next_text().await,
        r#"{"type":"unsubscribe_error","id":"s","errors":[{"errorType":"UnknownOperationError","message":"Unknown operation id s"}]}"#
    );
    let success = ann.ask(publish_frame("p", "/default/a", &["1"])).await;
    assert_eq!(success["type"], "publish_success");
    // The id may be used again.
    subscribe(&mut ann, "s", "/default/a").await;
}

#[tokio::test]
async fn unsubscribing_before_the_success_is_ignored() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let events = PathFaults { registration_delay_ms: 300, ..PathFaults::default() };
    server.set_faults(Faults { events, ..Faults::default() }).await.unwrap();
    ann.send(subscribe_frame("s", "/default/a", &api_key())).await;
    ann.send(json!({"type": "unsubscribe", "id": "s"})).await;
    assert_eq!(ann.next_text().await, r#"{"type":"subscribe_success","id":"s"}"#);
    ann.send(publish_frame("p", "/default/a", &["1"])).await;
    assert_eq!(event_of(&ann.next().await, "s"), "1");
}

#[tokio::test]
async fn a_duplicate_id_is_refused_and_harms_nothing() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let mut bo = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    subscribe(&mut bo, "s", "/default/b").await;
    let again = ann.ask(subscribe_frame("s", "/default/b", &api_key())).await;
    assert_eq!(again["type"], "subscribe_error");
    assert_eq!(only_error(&again).0, "DuplicatedOperationError");
    ann.send(publish_frame("s", "/default/a", &["1"])).await;
    assert_eq!(event_of(&ann.next().await, "s"), "1");
    assert_eq!(ann.next().await["type"], "publish_success");
    expect_quiet(&mut bo).await;
}

#[tokio::test]
async fn channels_that_are_none_are_refused() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let bad = ("BadRequestException".to_owned(), "Invalid Channel Format".to_owned());
    for channel in [
        "",
        "/",
        "/default/a_b",
        "/default//a",
        "/default/-a",
        "/*",
        "/default/*/a",
        "/a/b/c/d/e/f",
    ] {
        assert_eq!(refused_subscription(&mut ann, channel, &api_key()).await, bad, "{channel}");
        assert_eq!(
            refused_publish(&mut ann, publish_frame("p", channel, &["1"])).await,
            bad,
            "{channel}"
        );
    }
    let wildcard = publish_frame("p", "/default/*", &["1"]);
    assert_eq!(refused_publish(&mut ann, wildcard).await, bad);
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_not_authorized() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let expected = (
        "UnauthorizedException".to_owned(),
        "You are not authorized to make this call.".to_owned(),
    );
    for channel in ["/nowhere/a", "/Default/a", "nowhere"] {
        assert_eq!(refused_subscription(&mut ann, channel, &api_key()).await, expected);
        assert_eq!(refused_publish(&mut ann, publish_frame("p", channel, &["1"])).await, expected);
    }
    assert_eq!(refused_subscription(&mut ann, "/nowhere/*", &api_key()).await, expected);
}

#[tokio::test]
async fn events_have_limits() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    let error = async |ann: &mut Client, events: Value| {
        let mut frame = publish_frame("p", "/default/a", &[]);
        frame["events"] = events;
        refused_publish(ann, frame).await
    };
    let missing = ("BadRequestException".to_owned(), "Missing events".to_owned());
    for events in [json!([]), json!(null), json!("1"), json!({"0": "1"})] {
        assert_eq!(error(&mut ann, events).await, missing);
    }
    let six = error(&mut ann, json!(["1", "2", "3", "4", "5", "6"])).await;
    assert_eq!(six.0, "InvalidInputError");
    for events in [json!([1]), json!(["1", {"a": 1}]), json!(["text"]), json!(["{"]), json!([""])] {
        assert_eq!(error(&mut ann, events.clone()).await.0, "BadRequestException", "{events}");
    }
    // One that is too large fails by itself.
    let largest = format!("\"{}\"", "a".repeat(240 * 1024 - 2));
    let larger = format!("\"{}\"", "a".repeat(240 * 1024 - 1));
    ann.send(publish_frame("p", "/default/a", &[&largest, &larger, "3"])).await;
    assert_eq!(event_of(&ann.next().await, "s").len(), largest.len());
    assert_eq!(event_of(&ann.next().await, "s"), "3");
    let success = ann.next().await;
    assert_eq!(success["type"], "publish_success");
    assert_eq!(success["successful"][1]["index"], 2);
    assert_eq!(success["failed"][0]["index"], 1);
    assert_eq!(success["failed"][0]["code"], 413);
    let message = success["failed"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("EventTooLargeException"), "{message}");
    assert_eq!(success["failed"].as_array().unwrap().len(), 1);
    // All together they have a limit too.
    let five = vec![json!(larger); 5];
    assert_eq!(error(&mut ann, json!(five)).await.0, "InvalidInputError");
    expect_quiet(&mut ann).await;
}

/// Publishes right behind a frame that succeeds, and gives the error of the second.
async fn refused_after(client: &mut Client, frame: Value) -> (String, String) {
    client.send(frame).await;
    assert_eq!(client.next().await["type"], "publish_success");
    let answer = client.next().await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("publish_error"), &json!("second")));
    only_error(&answer)
}

#[tokio::test]
async fn a_connection_has_a_publish_rate() {
    let server = server_with(|options| options.publish_rate = 1).await;
    let mut ann = connect(&server).await;
    let mut bo = connect(&server).await;
    // Both at once, so that no second passes between them.
    ann.send(publish_frame("first", "/default/a", &["1"])).await;
    let second = refused_after(&mut ann, publish_frame("second", "/default/a", &["1"])).await;
    assert_eq!(second, ("LimitExceededError".to_owned(), "Rate limit exceeded".to_owned()));
    // The other connection has its own.
    assert_eq!(bo.ask(publish_frame("p", "/default/a", &["1"])).await["type"], "publish_success");
}

#[tokio::test]
async fn a_connection_has_a_number_of_subscriptions() {
    let server = server_with(|options| options.max_subscriptions = 2).await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "1", "/default/a").await;
    subscribe(&mut ann, "2", "/default/*").await;
    let third = refused_subscription(&mut ann, "/default/b", &api_key()).await;
    let expected = "Max number of 2 subscriptions reached".to_owned();
    assert_eq!(third, ("MaxSubscriptionsReachedError".to_owned(), expected));
    ann.send(json!({"type": "unsubscribe", "id": "1"})).await;
    assert_eq!(ann.next().await["type"], "unsubscribe_success");
    subscribe(&mut ann, "3", "/default/b").await;
}

#[tokio::test]
async fn unknown_frames_are_unsupported_and_end_nothing() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let errors = r#""errors":[{"errorType":"UnsupportedOperation","message":"unknown not supported through the realtime channel"}]"#;
    for text in ["", "x", "[]", "1", "{}", r#"{"type":7}"#, r#"{"type":"start"}"#, "{\"type\":"] {
        ann.send_text(text).await;
        assert_eq!(ann.next_text().await, format!(r#"{{"type":"error",{errors}}}"#), "{text}");
    }
    ann.send_text(r#"{"type":"message","id":"m"}"#).await;
    assert_eq!(ann.next_text().await, format!(r#"{{"type":"error","id":"m",{errors}}}"#));
    subscribe(&mut ann, "s", "/default/a").await;
}

#[tokio::test]
async fn operation_ids_have_a_form() {
    let server = server().await;
    let mut ann = connect(&server).await;
    for id in ["a b", "é", "", "a.b", &"a".repeat(128)[..]] {
        let answer = ann.ask(subscribe_frame(id, "/default/a", &api_key())).await;
        if id.len() == 128 {
            assert_eq!(answer["type"], "subscribe_success");
        } else {
            assert_eq!(answer["type"], "subscribe_error", "{id}");
            assert_eq!(only_error(&answer).0, "BadRequestException");
        }
    }
    for id in [json!(7), json!(null), json!("a".repeat(129))] {
        let mut frame = publish_frame("", "/default/a", &["1"]);
        frame["id"] = id;
        let answer = ann.ask(frame).await;
        assert_eq!(answer["type"], "error", "{answer}");
        assert!(answer.get("id").is_none(), "{answer}");
    }
}

#[tokio::test]
async fn nothing_stays_of_a_connection_that_went() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let mut bo = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    subscribe(&mut bo, "s", "/default/*").await;
    drop(ann);
    crate::client::eventually(|| server.connections().len() == 1).await;
    bo.send(publish_frame("p", "/default/a", &["1"])).await;
    assert_eq!(next_event(&mut bo, "s").await, json!(1));
    assert_eq!(server.connections()[0].path, "/event");
}
