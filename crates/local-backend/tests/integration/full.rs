//! The full dialect on `/prod`.

use serde_json::json;

use crate::client::{Client, KEY, basic_send, send_message, server, server_with};

#[tokio::test]
async fn hello_is_answered_with_who_and_where_one_is() {
    let server = server().await;
    let mut ann = Client::open(&server.url("/prod")).await;
    let welcome =
        ann.ask(json!({"action": "hello", "guestKey": KEY, "name": "  A\u{202e}nn "})).await;
    assert_eq!(welcome["type"], "welcome");
    assert_eq!(welcome["features"], json!(["history", "idempotency"]));
    assert!(welcome["connectionId"].as_str().unwrap().ends_with('='));
    assert_eq!(welcome["sender"]["name"], "Ann");
    assert_eq!(welcome["sender"]["kind"], "guest");
    let id = welcome["sender"]["id"].as_str().unwrap();
    assert!(id.starts_with("g-") && id.len() >= 28, "{id}");
    assert!(!welcome.to_string().contains(KEY));

    let again = ann.ask(json!({"action": "hello", "guestKey": KEY, "name": "Anna"})).await;
    assert_eq!(again["sender"], json!({"id": id, "name": "Anna", "kind": "guest"}));
    let (message, _) = ann.say("", "hi", "m1").await;
    assert_eq!(message["sender"]["name"], "Anna");
    assert_eq!(message["roomId"], "lobby");
}

#[tokio::test]
async fn a_guest_key_is_an_identity_and_its_absence_is_a_connection() {
    let server = server().await;
    let mut ids = Vec::new();
    for hello in [
        json!({"action": "hello", "guestKey": KEY, "name": "A"}),
        json!({"action": "hello", "guestKey": KEY, "name": "B"}),
        json!({"action": "hello", "guestKey": "f".repeat(32)}),
        json!({"action": "hello"}),
        json!({"action": "hello"}),
    ] {
        let mut client = Client::open(&server.url("/prod")).await;
        ids.push(client.ask(hello).await["sender"]["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
    assert_ne!(ids[3], ids[4]);
    assert!(ids[3].starts_with("c-"));
}

#[tokio::test]
async fn a_message_reaches_its_room_with_its_sender_in_it_and_nobody_else() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let mut bob = Client::hello(&server, "a", "Bob").await;
    let mut eve = Client::hello(&server, "b", "Eve").await;

    let (message, ack) = ann.say("a", "<b>hi</b>", "m1").await;
    assert_eq!(bob.next().await, message);
    assert_eq!(
        message,
        json!({
            "type": "message", "id": ack["id"], "createdAt": ack["createdAt"], "roomId": "a",
            "text": "<b>hi</b>", "clientMessageId": "m1", "sender": message["sender"],
            "senderConnectionId": message["senderConnectionId"],
        })
    );
    assert_eq!(
        ack,
        json!({
            "type": "ack", "clientMessageId": "m1", "roomId": "a", "id": message["id"],
            "createdAt": message["createdAt"],
        })
    );
    let created_at = message["createdAt"].as_str().unwrap();
    assert_eq!(created_at.len(), "2025-10-29T04:06:00.000Z".len(), "{created_at}");
    assert!(created_at.ends_with('Z'));
    bob.expect_quiet().await;
    eve.expect_quiet().await;
}

#[tokio::test]
async fn rooms_are_joined_and_left() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let mut bob = Client::hello(&server, "b", "Bob").await;
    let joined = ann.ask(json!({"action": "join", "roomId": "b"})).await;
    assert_eq!(joined, json!({"type": "joined", "roomId": "b"}));
    let (message, _) = bob.say("b", "one", "m1").await;
    assert_eq!(ann.next().await, message);
    let left = ann.ask(json!({"action": "leave", "roomId": "b"})).await;
    assert_eq!(left, json!({"type": "left", "roomId": "b"}));
    bob.say("b", "two", "m2").await;
    ann.expect_quiet().await;

    // One may send to a room that one is not in, and learns from the ack alone that it is there.
    let ack = ann.ask(send_message("b", "three", "m3")).await;
    assert_eq!(ack["type"], "ack");
    assert_eq!(bob.next().await["text"], "three");

    for number in 0..99 {
        ann.ask(json!({"action": "join", "roomId": format!("r{number}")})).await;
    }
    let refused = ann.ask(json!({"action": "join", "roomId": "one-too-many"})).await;
    assert_eq!(refused["code"], "bad_request");
}

#[tokio::test]
async fn the_same_send_again_is_acknowledged_again_and_nothing_else() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let mut bob = Client::hello(&server, "a", "Bob").await;
    let (message, ack) = ann.say("a", "hi", "m1").await;
    assert_eq!(bob.next().await, message);
    assert_eq!(ann.ask(send_message("a", "hi", "m1")).await, ack);

    let conflict = ann.ask(send_message("a", "changed", "m1")).await;
    assert_eq!(conflict["type"], "error");
    assert_eq!(conflict["code"], "conflict");
    assert_eq!(conflict["clientMessageId"], "m1");
    assert!(!conflict.to_string().contains("changed") && !conflict.to_string().contains("\"hi\""));

    let mut eve = Client::open(&server.url("/prod?roomId=a")).await;
    eve.ask(json!({"action": "hello", "guestKey": "e".repeat(32)})).await;
    let stolen = eve.ask(send_message("a", "hi", "m1")).await;
    assert_eq!(stolen["code"], "conflict");

    // The id is free in another room.
    assert_eq!(ann.ask(send_message("b", "other", "m1")).await["type"], "ack");
    bob.expect_quiet().await;
    let history = ann.ask(json!({"action": "history", "requestId": "h", "roomId": "a"})).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_equal_sends_in_parallel_are_one_message() {
    let server = server_with(|options| options.rate_limit = 0).await;
    let mut witness = Client::hello(&server, "a", "Witness").await;
    let mut one = Client::hello(&server, "a", "Ann").await;
    let mut two = Client::hello(&server, "b", "Ann").await;
    for number in 0..50 {
        let frame = send_message("a", "hi", &format!("m{number}"));
        tokio::join!(one.send(frame.clone()), two.send(frame));
        let message = witness.next().await;
        // The first is in the room and sees the message too, before or without its ack before it.
        assert_eq!(one.next().await, message);
        let (ack_one, ack_two) = (one.next().await, two.next().await);
        assert_eq!(ack_one["type"], "ack");
        assert_eq!(ack_one, ack_two);
        assert_eq!(ack_one["id"], message["id"]);
    }
    witness.expect_quiet().await;
}

#[tokio::test]
async fn people_who_talk_at_once_see_one_order_which_is_that_of_the_history() {
    let server = server_with(|options| options.rate_limit = 0).await;
    let mut people = Vec::new();
    for name in ["a", "b", "c"] {
        people.push(Client::hello(&server, "x", name).await);
    }
    for (number, person) in people.iter_mut().enumerate() {
        for turn in 0..30 {
            person.send(basic_send("x", &format!("{number}-{turn}"))).await;
        }
    }
    let mut seen = Vec::new();
    for person in &mut people {
        let mut order = Vec::new();
        for _ in 0..90 {
            let message = person.next().await;
            let key = (message["createdAt"].clone(), message["id"].clone());
            order.push((key.0.to_string(), key.1.to_string()));
        }
        seen.push(order);
    }
    let mut sorted = seen[0].clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 90);
    for order in &seen {
        assert_eq!(*order, sorted);
    }
    let history = people[0]
        .ask(json!({"action": "history", "requestId": "h", "roomId": "x", "limit": 100}))
        .await;
    let stored: Vec<(String, String)> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["createdAt"].to_string(), message["id"].to_string()))
        .collect();
    assert_eq!(stored, sorted);
}

#[tokio::test]
async fn without_hello_there_are_messages_and_silence() {
    let server = server().await;
    let mut plain = Client::open(&server.url("/prod?roomId=a")).await;
    for frame in [
        json!({"action": "ping"}).to_string(),
        json!({"action": "history", "requestId": "h"}).to_string(),
        json!({"action": "join", "roomId": "b"}).to_string(),
        json!({"action": "sendMessage", "roomId": "a", "text": ""}).to_string(),
        json!({"action": "nonsense"}).to_string(),
        "no JSON".to_owned(),
    ] {
        plain.send_text(&frame).await;
    }
    let message = plain.ask(send_message("a", "hi", "m1")).await;
    assert_eq!(message["type"], "message");
    assert_eq!(message["text"], "hi");
    assert!(message["sender"]["id"].as_str().unwrap().starts_with("c-"));
    // Silent, but done: it is in room b now.
    let mut ann = Client::hello(&server, "b", "Ann").await;
    let (from_ann, _) = ann.say("b", "hello b", "m2").await;
    assert_eq!(plain.next().await, from_ann);
    plain.expect_quiet_by_marker(&server, "a").await;
}

#[tokio::test]
async fn a_hello_that_cannot_be_read_is_told_so() {
    let server = server().await;
    let mut client = Client::open(&server.url("/prod")).await;
    for hello in [
        json!({"action": "hello", "guestKey": "short"}),
        json!({"action": "hello", "guestKey": 5}),
        json!({"action": "hello", "name": ["x"]}),
    ] {
        let error = client.ask(hello).await;
        assert_eq!(error["code"], "bad_request");
    }
    client.send(json!({"action": "ping"})).await;
    client.expect_quiet_by_marker(&server, "lobby").await;
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_what_names_it() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let long = "x".repeat(129);
    let refused = [
        json!({"action": "sendMessage", "roomId": "a", "text": "", "clientMessageId": "m"}),
        json!({"action": "sendMessage", "roomId": "a", "clientMessageId": "m"}),
        json!({"action": "sendMessage", "roomId": "a", "text": 7, "clientMessageId": "m"}),
        json!({"action": "sendMessage", "roomId": long, "text": "x", "clientMessageId": "m"}),
        json!({"action": "sendMessage", "roomId": "a\u{7}", "text": "x", "clientMessageId": "m"}),
        json!({"action": "sendMessage", "roomId": 1, "text": "x", "clientMessageId": "m"}),
    ];
    for frame in refused {
        let error = ann.ask(frame.clone()).await;
        assert_eq!(error["type"], "error", "{frame}");
        assert_eq!(error["code"], "bad_request", "{frame}");
        assert_eq!(error["clientMessageId"], "m", "{frame}");
    }
    for frame in [
        json!({"action": "join", "roomId": long}),
        json!({"action": "leave", "roomId": {}}),
        json!({"action": "sendMessage", "text": "x", "clientMessageId": ""}),
        json!({"action": "sendMessage", "text": "x", "clientMessageId": long}),
        json!({"action": "nonsense"}),
        json!({"action": ["ping"]}),
        json!({"text": "no action"}),
        json!([1]),
    ] {
        assert_eq!(ann.ask(frame.clone()).await["code"], "bad_request", "{frame}");
    }
    // Nobody is told of typing yet, and nobody is scolded for it.
    ann.send(json!({"action": "typing", "roomId": "a"})).await;
    ann.expect_quiet().await;
}

#[tokio::test]
async fn a_room_with_a_difficult_name_is_a_room() {
    let server = server().await;
    let mut ann = Client::hello(&server, "%EA%B9%80%EC%B9%98%20%EB%B0%A9%2F1", "Ann").await;
    let (message, _) = ann.say("김치 방/1", "👨‍👩‍👧‍👦", "m1").await;
    assert_eq!(message["roomId"], "김치 방/1");
    assert_eq!(message["text"], "👨‍👩‍👧‍👦");

    let mut bad = Client::open(&server.url(&format!("/prod?roomId={}", "x".repeat(129)))).await;
    assert_eq!(bad.ask(json!({"action": "hello"})).await["type"], "welcome");
    assert_eq!(bad.next().await["code"], "bad_request");
    bad.expect_quiet().await;
}

#[tokio::test]
async fn too_many_sends_are_told_when_to_try_again() {
    let server = server_with(|options| options.rate_limit = 2).await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let mut refused = None;
    for number in 0..10 {
        ann.send(send_message("elsewhere", "x", &format!("m{number}"))).await;
    }
    let mut accepted = 0;
    for _ in 0..10 {
        let answer = ann.next().await;
        match answer["type"].as_str().unwrap() {
            "ack" => accepted += 1,
            _ => refused = Some(answer),
        }
    }
    assert!((2..9).contains(&accepted), "{accepted}");
    let refused = refused.unwrap();
    assert_eq!(refused["code"], "rate_limited");
    assert!((1..=500).contains(&refused["retryAfterMs"].as_u64().unwrap()), "{refused}");
    assert!(refused["clientMessageId"].is_string());
}
