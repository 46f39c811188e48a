//! Frames that no client of ours sends.

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, send_message, server, server_with};

/// Every prefix of some frames, every frame with one byte garbled, and every frame with one value
/// replaced. Whatever comes, each gets one error or its due answer, and the connection goes on.
#[tokio::test]
async fn a_sweep_of_garbled_frames_ends_no_connection() {
    let server = server_with(|options| options.rate_limit = 0).await;
    let mut full = Client::hello(&server, "a", "Ann").await;
    let mut basic = Client::basic(&server, "b").await;
    let frames = [
        json!({"action": "hello", "guestKey": "0".repeat(32), "name": "Ann"}),
        send_message("elsewhere", "hi \u{1F600}", "m1"),
        json!({"action": "history", "requestId": "h", "roomId": "a", "before": "c.YQ", "limit": 5}),
        json!({"action": "join", "roomId": "a"}),
        json!({"action": "leave", "roomId": "z"}),
    ];
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!([]),
        json!({}),
        json!("\u{0}"),
        json!("\u{202e}"),
        json!("x".repeat(5_000)),
        json!([[[[]]]]),
    ];
    let mut sweep: Vec<String> = Vec::new();
    for frame in &frames {
        let text = frame.to_string();
        for (end, _) in text.char_indices() {
            sweep.push(text[..end].to_owned());
            let next = text[end..].chars().next().map_or(0, char::len_utf8);
            for garble in ["\u{0}", "\"", "}", "\\", "é", "9"] {
                sweep.push(format!("{}{garble}{}", &text[..end], &text[end + next..]));
            }
        }
        for key in frame.as_object().unwrap().keys() {
            for value in &odd {
                let mut changed = frame.clone();
                changed[key] = value.clone();
                sweep.push(changed.to_string());
            }
        }
    }
    sweep.push("[".repeat(10_000));
    sweep.push(format!("{}1{}", "{\"a\":".repeat(3_000), "}".repeat(3_000)));
    sweep.push("{\"action\":\"ping\",\"action\":\"nonsense\"}".to_owned());
    sweep.push("{\"action\":\"\\ud800\"}".to_owned());
    for text in &sweep {
        full.send_text(text).await;
        full.send(json!({"action": "ping"})).await;
        loop {
            let answer = full.next().await;
            match answer["type"].as_str() {
                Some("pong") => break,
                Some("error" | "ack" | "message" | "welcome" | "joined" | "left" | "history") => {}
                _ => panic!("{text} was answered with {answer}"),
            }
            // A read runs on the database's thread and may answer after the ping.
        }
        basic.send_text(text).await;
        basic.send_text("barrier").await;
        loop {
            let answer: Value = basic.next().await;
            if answer["message"] == "Forbidden" {
                break;
            }
        }
    }
    let mut ann = Client::hello(&server, "sane", "Ann").await;
    ann.say("sane", "still here", "m").await;
}

#[tokio::test]
async fn bytes_that_are_no_websocket_frames_close_only_their_connection() {
    let server = server().await;
    // Reserved bits, an unmasked frame, text that is no UTF-8 (masked with zeros).
    for (bytes, code) in [
        (vec![0xf1, 0x80, 0, 0, 0, 0], 1002),
        (vec![0x81, 0x01, b'x'], 1002),
        (vec![0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),
    ] {
        let mut client = Client::open(&server.url("/prod")).await;
        let MaybeTlsStream::Plain(stream) = client.socket.get_mut() else {
            panic!("loopback has no TLS")
        };
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(client.close_code().await, Some(code));
    }
    let mut pinging = Client::open(&server.url("/prod")).await;
    pinging.socket.send(Message::Ping(vec![1].into())).await.unwrap();
    match pinging.next_message().await {
        Some(Ok(Message::Pong(payload))) => assert_eq!(&payload[..], [1]),
        other => panic!("expected a pong, got {other:?}"),
    }
}
