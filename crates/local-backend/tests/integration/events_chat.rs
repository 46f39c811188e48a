//! The stamped namespace of AppSync Events: rooms, identity, idempotency.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::client::{Client, KEY, basic_send, send_message, server, server_with};
use crate::events_client::{
    api_key, connect, connect_as, event_of, expect_quiet, next_event, post_ok, publish_frame,
    refused_publish, refused_subscription, subscribe, subscribe_frame,
};

/// Publishes one chat event and gives the `publish_success`, which comes before anything else.
async fn publish(client: &mut Client, channel: &str, event: &Value) -> Value {
    let answer = client.ask(publish_frame("p", channel, &[&event.to_string()])).await;
    assert_eq!(answer["type"], "publish_success", "{answer}");
    answer
}

/// Publishes one chat event that fails by itself, and gives its code and message.
async fn failing(client: &mut Client, channel: &str, event: &Value) -> (u64, String) {
    let success = publish(client, channel, event).await;
    assert_eq!(success["successful"], json!([]));
    let failed = &success["failed"][0];
    assert_eq!(failed["index"], 0);
    assert!(failed["identifier"].is_string());
    (failed["code"].as_u64().unwrap(), failed["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_handler_stamps_id_time_and_sender_and_takes_the_key_out() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let mut bo = connect(&server).await;
    subscribe(&mut bo, "s", "/chat/a").await;
    let event = json!({
        "id": "mine", "createdAt": "1999-01-01T00:00:00.000Z", "text": "hi", "roomId": "a",
        "sender": {"id": "me", "name": "Ann", "kind": "user"}, "guestKey": KEY,
        "clientMessageId": "m1", "extra": true
    });
    publish(&mut ann, "/chat/a", &event).await;
    let text = event_of(&bo.next().await, "s");
    let stamped: Value = serde_json::from_str(&text).unwrap();
    let (id, created_at) = (&stamped["id"], &stamped["createdAt"]);
    let sender = &stamped["sender"]["id"];
    // The fields, in this order, and no others.
    assert_eq!(
        text,
        format!(
            r#"{{"id":{id},"createdAt":{created_at},"roomId":"a","text":"hi","clientMessageId":"m1","sender":{{"id":{sender},"name":"Ann","kind":"guest"}}}}"#
        )
    );
    assert_ne!(id, "mine");
    let created_at = created_at.as_str().unwrap();
    assert!(
        created_at.len() == 24 && created_at.ends_with('Z') && created_at > "2026",
        "{created_at}"
    );

    // The same key is the same person on /prod, whose history has the message.
    let mut prod = Client::hello(&server, "a", "Ann").await;
    let (message, _) = prod.say("a", "from prod", "m2").await;
    assert_eq!(&message["sender"]["id"], sender);
    let history = prod.ask(json!({"action": "history", "requestId": "h", "roomId": "a"})).await;
    assert_eq!(history["messages"][0]["id"], *id);
    assert_eq!(history["messages"][0]["text"], "hi");
}

#[tokio::test]
async fn a_repeated_send_succeeds_and_delivers_nothing() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/chat/a").await;
    let event = json!({"text": "once", "clientMessageId": "m1", "guestKey": KEY});
    ann.send(publish_frame("p", "/chat/a", &[&event.to_string()])).await;
    assert_eq!(next_event(&mut ann, "s").await["text"], "once");
    assert_eq!(ann.next().await["type"], "publish_success");

    let again = publish(&mut ann, "/chat/a", &event).await;
    assert_eq!(again["successful"][0]["index"], 0);
    // Over HTTP it is the same person with the same message.
    assert_eq!(post_ok(&server, "/chat/a", &[&event.to_string()]).await["failed"], json!([]));
    for other in [
        json!({"text": "other", "clientMessageId": "m1", "guestKey": KEY}),
        json!({"text": "once", "clientMessageId": "m1", "guestKey": "ff".repeat(16)}),
    ] {
        let (code, message) = failing(&mut ann, "/chat/a", &other).await;
        assert_eq!(code, 409);
        assert!(message.contains("Conflict") && !message.contains("once"), "{message}");
    }
    expect_quiet(&mut ann).await;
    // In another room the id is free.
    subscribe(&mut ann, "t", "/chat/b").await;
    ann.send(publish_frame("p", "/chat/b", &[&event.to_string()])).await;
    assert_eq!(next_event(&mut ann, "t").await["roomId"], "b");
}

#[tokio::test]
async fn a_send_without_a_key_can_be_repeated_on_another_connection() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let event = json!({"text": "once", "clientMessageId": "m1"});
    publish(&mut ann, "/chat/a", &event).await;
    let mut again = connect(&server).await;
    assert_eq!(publish(&mut again, "/chat/a", &event).await["failed"], json!([]));
}

#[tokio::test]
async fn all_protocols_share_the_rooms() {
    let server = server().await;
    let mut prod = Client::hello(&server, "a", "Bo").await;
    let mut basic = Client::basic(&server, "a").await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/chat/a").await;
    subscribe(&mut ann, "all", "/chat/*").await;

    let event = json!({"text": "from events", "guestKey": KEY, "guestName": "Ann"});
    ann.send(publish_frame("p", "/chat/a", &[&event.to_string()])).await;
    let message = prod.next().await;
    assert_eq!((&message["type"], &message["text"]), (&json!("message"), &json!("from events")));
    assert_eq!(message["sender"]["name"], "Ann");
    assert_eq!(basic.next().await["text"], "from events");
    assert_eq!(next_event(&mut ann, "all").await["text"], "from events");
    assert_eq!(next_event(&mut ann, "s").await["text"], "from events");
    assert_eq!(ann.next().await["type"], "publish_success");

    prod.send(send_message("a", "from prod", "m1")).await;
    let stamped = next_event(&mut ann, "all").await;
    assert_eq!(stamped, next_event(&mut ann, "s").await);
    assert_eq!(stamped["text"], "from prod");
    assert_eq!(stamped["clientMessageId"], "m1");
    assert!(stamped.get("senderConnectionId").is_none());

    basic.send(basic_send("a", "from basic")).await;
    assert_eq!(next_event(&mut ann, "all").await["text"], "from basic");
    assert_eq!(next_event(&mut ann, "s").await["text"], "from basic");
    expect_quiet(&mut ann).await;
}

#[tokio::test]
async fn raw_events_are_no_messages() {
    let server = server().await;
    let mut prod = Client::hello(&server, "a", "Bo").await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/chat/a").await;
    let event = json!({"text": "raw", "guestKey": KEY});
    publish(&mut ann, "/default/a", &event).await;
    expect_quiet(&mut ann).await;
    prod.expect_quiet().await;
}

#[tokio::test]
async fn rooms_have_their_segments() {
    let server = server().await;
    let mut prod = Client::hello(&server, "a", "Bo").await;
    let mut ann = connect(&server).await;
    let long = "ü".repeat(64);
    let long_segment = "h-jly46n6yp6iqnrseorddlpsveuicmuzexhjryi3svsmfk";
    for (id, room, segment) in
        [("x", "team 7", "x-orswc3jag4"), ("y", "x-1", "x-pawtc"), ("z", &long, long_segment)]
    {
        prod.ask(json!({"action": "join", "roomId": room})).await;
        subscribe(&mut ann, id, &format!("/chat/{segment}")).await;
        prod.send(send_message(room, "from prod", id)).await;
        let stamped = next_event(&mut ann, id).await;
        assert_eq!((&stamped["roomId"], &stamped["text"]), (&json!(room), &json!("from prod")));
        while prod.next().await["type"] != "ack" {}

        let event = json!({"text": "from events", "roomId": room}).to_string();
        ann.send(publish_frame("p", &format!("/chat/{segment}"), &[&event])).await;
        assert_eq!(next_event(&mut ann, id).await["text"], "from events");
        assert_eq!(ann.next().await["type"], "publish_success");
        let message = prod.next().await;
        assert_eq!((&message["roomId"], &message["text"]), (&json!(room), &json!("from events")));
    }
    // A hash says nothing of its room.
    let event = json!({"text": "hi"});
    let channel = format!("/chat/{long_segment}");
    assert_eq!(failing(&mut ann, &channel, &event).await.0, 400);
}

#[tokio::test]
async fn the_channel_and_the_room_must_agree() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let (code, message) = failing(&mut ann, "/chat/a", &json!({"text": "hi", "roomId": "b"})).await;
    assert_eq!(code, 400);
    assert!(message.contains("roomId"), "{message}");
    let expected = "Unauthorized".to_owned();
    // Deeper channels, other spellings of a room and hashes that are none are no rooms.
    for channel in ["/chat", "/chat/a/b", "/chat/x-nrxwey3z", "/chat/h-abc"] {
        let refused = refused_publish(&mut ann, publish_frame("p", channel, &["{}"])).await;
        assert_eq!(refused.0, expected, "{channel}");
        let refused = refused_subscription(&mut ann, channel, &api_key()).await;
        assert_eq!(refused.0, expected, "{channel}");
    }
    assert_eq!(refused_subscription(&mut ann, "/chat/a/*", &api_key()).await.0, expected);
}

#[tokio::test]
async fn events_without_text_fail_by_themselves() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/chat/a").await;
    let events =
        [r#"{"text":"1"}"#, "{}", "7", r#"{"text":"4"}"#, r#"{"text":"5","guestKey":"x"}"#];
    ann.send(publish_frame("p", "/chat/a", &events)).await;
    assert_eq!(next_event(&mut ann, "s").await["text"], "1");
    assert_eq!(next_event(&mut ann, "s").await["text"], "4");
    let success = ann.next().await;
    let indexes = |list: &Value| -> Vec<u64> {
        list.as_array().unwrap().iter().map(|it| it["index"].as_u64().unwrap()).collect()
    };
    assert_eq!(indexes(&success["successful"]), [0, 3]);
    assert_eq!(indexes(&success["failed"]), [1, 2, 4]);
    // What is too large only once it is stamped is too large as well.
    let text = "a".repeat(240 * 1024 - 20);
    assert_eq!(failing(&mut ann, "/chat/a", &json!({"text": text})).await.0, 413);
    expect_quiet(&mut ann).await;
}

#[tokio::test]
async fn a_closed_room_is_denied_by_itself() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let rules = json!({"public": true, "rooms": {"team": {"tokens": ["alpha"]}, "closed 1": {"tokens": []}}});
    write!(file, "{rules}").unwrap();
    let path = file.path().to_owned();
    let server = server_with(|options| options.rooms = Some(path)).await;
    let token = json!({"Authorization": "alpha"});
    let mut ann = connect_as(&server, token.clone()).await;
    subscribe(&mut ann, "open", "/chat/open").await;
    let denied = "Unauthorized".to_owned();
    for channel in [
        "/chat/team",
        "/chat/x-mnwg643fmqqdc",
        "/default/team",
        "/default/team/deep",
        "/default/team/*",
    ] {
        assert_eq!(
            refused_subscription(&mut ann, channel, &api_key()).await.0,
            denied,
            "{channel}"
        );
    }
    // A wildcard covers rooms that are closed even to this token.
    for channel in ["/chat/*", "/default/*"] {
        assert_eq!(refused_subscription(&mut ann, channel, &token).await.0, denied, "{channel}");
    }
    for channel in ["/chat/team", "/default/team"] {
        let event = json!({"text": "hi"}).to_string();
        let refused = refused_publish(&mut ann, publish_frame("p", channel, &[&event])).await;
        assert_eq!(refused.0, denied, "{channel}");
    }
    // The token opens its room, and the socket lives on all the while.
    assert_eq!(
        ann.ask(subscribe_frame("team", "/chat/team", &token)).await["type"],
        "subscribe_success"
    );
    let mut frame = publish_frame("p", "/chat/team", &[r#"{"text":"inside"}"#]);
    frame["authorization"] = token;
    ann.send(frame).await;
    assert_eq!(next_event(&mut ann, "team").await["text"], "inside");
    assert_eq!(ann.next().await["type"], "publish_success");
    ann.send(publish_frame("p", "/chat/open", &[r#"{"text":"outside"}"#])).await;
    assert_eq!(next_event(&mut ann, "open").await["text"], "outside");
}
