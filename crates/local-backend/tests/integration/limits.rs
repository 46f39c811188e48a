//! Sizes, lifetimes and slow readers.

use std::time::Duration;

use futures_util::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::client::{Client, basic_send, eventually, http, server, server_with};

/// A send whose frame has exactly this many bytes.
fn send_of(bytes: usize) -> String {
    let empty = basic_send("a", "").to_string().len();
    basic_send("a", &"x".repeat(bytes - empty)).to_string()
}

#[tokio::test]
async fn a_frame_of_32_kb_passes_and_one_byte_more_closes() {
    let server = server().await;
    for path in ["/prod?roomId=a", "/basic?roomId=a"] {
        let mut client = Client::open(&server.url(path)).await;
        client.send_text(&send_of(32 * 1024)).await;
        assert!(client.next().await["text"].as_str().unwrap().len() > 32_000);
        let mut client = Client::open(&server.url(path)).await;
        client.send_text(&send_of(32 * 1024 + 1)).await;
        assert_eq!(client.close_code().await, Some(1009), "{path}");
        let mut client = Client::open(&server.url(path)).await;
        client.send_text(&send_of(3 * 1024 * 1024)).await;
        assert_eq!(client.close_code().await, Some(1009), "{path}");
    }
}

#[tokio::test]
async fn a_message_of_128_kb_passes_in_frames_and_a_longer_one_closes() {
    let server = server().await;
    for (length, code) in [(128 * 1024, None), (128 * 1024 + 1, Some(1009))] {
        let mut client = Client::open(&server.url("/basic?roomId=a")).await;
        let text = send_of(length).into_bytes();
        let last = text.len().div_ceil(32 * 1024) - 1;
        for (number, chunk) in text.chunks(32 * 1024).enumerate() {
            let opcode = if number == 0 { Data::Text } else { Data::Continue };
            let frame = Frame::message(chunk.to_vec(), OpCode::Data(opcode), number == last);
            client.socket.send(Message::Frame(frame)).await.unwrap();
        }
        if code.is_some() {
            assert_eq!(client.close_code().await, code);
        } else {
            let empty = basic_send("a", "").to_string().len();
            assert_eq!(client.next().await["text"].as_str().unwrap().len() + empty, length);
        }
    }
}

#[tokio::test]
async fn a_binary_frame_closes() {
    let server = server().await;
    for path in ["/prod", "/basic"] {
        let mut client = Client::open(&server.url(path)).await;
        client.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
        assert_eq!(client.close_code().await, Some(1003));
    }
}

#[tokio::test]
async fn an_idle_connection_closes_and_traffic_keeps_it_open() {
    let server = server_with(|options| options.idle_timeout = Duration::from_millis(500)).await;
    let mut idle = Client::open(&server.url("/basic")).await;
    let mut busy = Client::hello(&server, "a", "Ann").await;
    let idle_end = idle.close_code();
    let keep_busy = async {
        let mut pings = 0;
        loop {
            busy.expect_quiet().await;
            pings += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
            if pings == 20 {
                break;
            }
        }
    };
    let (code, ()) = tokio::join!(idle_end, keep_busy);
    assert_eq!(code, Some(1001));
    busy.expect_quiet().await;
    assert_eq!(busy.close_code().await, Some(1001));
}

#[tokio::test]
async fn a_lifetime_ends_however_busy_the_connection_is() {
    let server = server_with(|options| options.lifetime = Duration::from_millis(400)).await;
    let mut client = Client::hello(&server, "a", "Ann").await;
    let code = loop {
        client.socket.send(Message::text(json!({"action": "ping"}).to_string())).await.ok();
        match client.next_message().await {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => {}
            _ => break None,
        }
    };
    assert_eq!(code, Some(1001));
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_and_nobody_waits_for_it() {
    let server = server().await;
    let slow = Client::basic(&server, "a").await;
    let mut quick = Client::hello(&server, "a", "Ann").await;
    let large = "x".repeat(100 * 1024);
    let mut sent = 0;
    while server.connections().len() == 2 {
        server.send_raw("a", &large);
        assert_eq!(quick.next_text().await.len(), large.len());
        sent += 1;
        assert!(sent < 2_000, "the slow reader is still there");
    }
    quick.expect_quiet().await;
    drop(slow);
}

#[tokio::test]
async fn a_url_has_at_most_4096_characters() {
    let server = server().await;
    let longest = 4_096 - server.url("/prod?x=").len();
    let fits = server.url(&format!("/prod?x={}", "y".repeat(longest)));
    let longer = format!("{fits}y");
    assert!(Client::open_with(&fits, &[]).await.is_ok());
    assert_eq!(Client::open_with(&longer, &[]).await.err(), Some(414));
}

#[tokio::test]
async fn what_is_no_upgrade_is_told_so() {
    let server = server().await;
    assert_eq!(http(&server, "GET", "/prod", &[], "").await.status, 426);
    assert_eq!(http(&server, "POST", "/basic", &[], "{}").await.status, 426);
    assert_eq!(http(&server, "GET", "/nowhere", &[], "").await.status, 404);
}

#[tokio::test]
async fn a_connection_that_ends_leaves_its_rooms() {
    let server = server().await;
    let client = Client::hello(&server, "a", "Ann").await;
    assert_eq!(server.connections().len(), 1);
    drop(client);
    eventually(|| server.connections().is_empty()).await;
    assert_eq!(server.send_raw("a", "x"), 0);
}
