//! The basic dialect on `/basic`, to the letter.

use roomlet_local::{Faults, Options, PathFaults, Server, StalePosition, StaleRow};
use serde_json::json;

use crate::client::{
    Client, basic_send, eventually, expect_gateway_error, send_message, server, server_with,
};

#[tokio::test]
async fn a_message_is_posted_to_the_room_the_sender_included() {
    let server = server().await;
    let mut ann = Client::basic(&server, "123").await;
    let mut bob = Client::basic(&server, "123").await;
    let mut eve = Client::open(&server.url("/basic")).await;
    let own = ann.ask(basic_send("123", "hi")).await;
    let keys: Vec<&String> = own.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["createdAt", "roomId", "senderConnectionId", "text"]);
    assert_eq!(own["roomId"], "123");
    assert_eq!(own["text"], "hi");
    assert_eq!(bob.next().await, own);
    let forbidden = ann.ask(json!({"action": "hello"})).await;
    let connection_id = expect_gateway_error(&forbidden, "Forbidden");
    assert_eq!(own["senderConnectionId"], connection_id);
    let lobby = eve.ask(basic_send("lobby", "here")).await;
    assert_eq!(lobby["text"], "here");
    // Equal texts are two messages, as the tutorial has it.
    ann.send(basic_send("123", "hi")).await;
    assert_eq!(ann.next().await["text"], "hi");
}

#[tokio::test]
async fn whatever_no_route_matches_is_forbidden() {
    let server = server().await;
    let mut ann = Client::basic(&server, "a").await;
    for text in [
        "no JSON",
        "",
        "5",
        "null",
        "[]",
        "{}",
        "{\"action\":5}",
        "{\"action\":\"sendmessage\"}",
        "{\"action\":\"$default\"}",
        "{\"action\":\"$connect\"}",
        "{\"action\":\"ping\"}",
    ] {
        ann.send_text(text).await;
        expect_gateway_error(&ann.next().await, "Forbidden");
    }
}

#[tokio::test]
async fn what_makes_the_lambda_throw_is_an_internal_server_error() {
    let server = server().await;
    let mut ann = Client::basic(&server, "a").await;
    for frame in [
        json!({"action": "sendMessage"}),
        json!({"action": "sendMessage", "roomId": "a"}),
        json!({"action": "sendMessage", "text": "x"}),
        json!({"action": "sendMessage", "roomId": "", "text": "x"}),
        json!({"action": "sendMessage", "roomId": 1, "text": "x"}),
        json!({"action": "sendMessage", "roomId": "a", "text": null}),
    ] {
        expect_gateway_error(&ann.ask(frame).await, "Internal server error");
    }
}

#[tokio::test]
async fn a_reload_leaves_a_row_behind_at_which_the_loop_stops() {
    let server = server().await;
    let mut bob = Client::basic(&server, "a").await;
    let mut ann = Client::basic(&server, "a").await;
    ann.socket.close(None).await.unwrap();
    assert_eq!(ann.close_code().await, None);
    eventually(|| server.connections().len() == 1).await;
    let mut ann = Client::basic(&server, "a").await;
    // Newest first: Ann's new row, her stale one, Bob's.
    let own = ann.ask(basic_send("a", "hi")).await;
    assert_eq!(own["text"], "hi");
    expect_gateway_error(&ann.next().await, "Internal server error");
    let answer = bob.ask(basic_send("a", "hello?")).await;
    expect_gateway_error(&answer, "Internal server error");
    assert_eq!(ann.next().await["text"], "hello?");
    bob.expect_quiet_by_marker(&server, "a").await;
}

#[tokio::test]
async fn a_stale_row_goes_first_or_last() {
    for (position, reached) in [(StalePosition::First, false), (StalePosition::Last, true)] {
        let server = server().await;
        let mut ann = Client::basic(&server, "a").await;
        let row = StaleRow { room_id: "a".to_owned(), position };
        let basic = PathFaults { stale_rows: vec![row], ..PathFaults::default() };
        server.set_faults(Faults { basic, ..Faults::default() }).await.unwrap();
        let mut answer = ann.ask(basic_send("a", "hi")).await;
        if reached {
            assert_eq!(answer["text"], "hi");
            answer = ann.next().await;
        }
        expect_gateway_error(&answer, "Internal server error");
    }
}

#[tokio::test]
async fn both_dialects_share_their_rooms() {
    let server = server().await;
    let mut basic = Client::basic(&server, "a").await;
    let mut full = Client::hello(&server, "a", "Ann").await;

    let own = basic.ask(basic_send("a", "from basic")).await;
    let seen = full.next().await;
    assert_eq!(seen["type"], "message");
    assert_eq!(seen["text"], "from basic");
    assert_eq!(seen["senderConnectionId"], own["senderConnectionId"]);
    assert_eq!(seen["createdAt"], own["createdAt"]);
    assert_eq!(seen["sender"]["kind"], "guest");
    assert_eq!(seen["sender"]["name"], json!(null));
    assert!(seen["sender"]["id"].as_str().unwrap().starts_with("c-"));
    assert!(seen.get("clientMessageId").is_none());

    let (message, _) = full.say("a", "from full", "m1").await;
    assert_eq!(
        basic.next().await,
        json!({
            "roomId": "a", "text": "from full", "createdAt": message["createdAt"],
            "senderConnectionId": message["senderConnectionId"],
        })
    );

    // A stale row stops the loop for basic members; the full sender hears nothing of it.
    let row = StaleRow { room_id: "a".to_owned(), position: StalePosition::First };
    let faults = PathFaults { stale_rows: vec![row], ..PathFaults::default() };
    server.set_faults(Faults { basic: faults, ..Faults::default() }).await.unwrap();
    full.say("a", "unheard", "m2").await;
    full.expect_quiet().await;
    basic.expect_quiet_by_marker(&server, "a").await;

    full.send(json!({"action": "history", "requestId": "h", "roomId": "a"})).await;
    assert_eq!(full.next_text().await, "marker");
    let history = full.next().await;
    let texts: Vec<&str> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["from basic", "from full", "unheard"]);
}

#[tokio::test]
async fn a_restart_forgets_stale_rows_unless_told_to_keep_them() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("rooms.sqlite");
    let options = |keep_stale| Options {
        memory: false,
        database: database.clone(),
        keep_stale,
        ..Options::in_memory()
    };
    let first = Server::start(options(false)).await.unwrap();
    let mut ann = Client::basic(&first, "a").await;
    ann.ask(basic_send("a", "before")).await;
    first.shutdown().await;
    assert_eq!(ann.close_code().await, Some(1001));

    let kept = Server::start(options(true)).await.unwrap();
    let mut ann = Client::basic(&kept, "a").await;
    assert_eq!(ann.ask(basic_send("a", "x")).await["text"], "x");
    expect_gateway_error(&ann.next().await, "Internal server error");
    kept.shutdown().await;

    let cleaned = Server::start(options(false)).await.unwrap();
    let mut ann = Client::basic(&cleaned, "a").await;
    assert_eq!(ann.ask(basic_send("a", "after")).await["text"], "after");
    // The tables of the tutorial can be looked into by their names.
    cleaned.shutdown().await;
    let opened = rusqlite::Connection::open(&database).unwrap();
    let item: (String, String, String, String) = opened
        .query_row(
            "SELECT messageId, roomId, senderId, createdAt FROM ChatMessages WHERE text = 'after'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert!(item.0.parse::<u64>().is_ok() && item.2.ends_with('=') && item.3.ends_with('Z'));
    assert_eq!(item.1, "a");
}

#[tokio::test]
async fn a_send_counts_by_its_own_room_and_has_no_rate_limit() {
    let server = server_with(|options| options.rate_limit = 1).await;
    let mut ann = Client::basic(&server, "a").await;
    let mut bob = Client::basic(&server, "b").await;
    for number in 0..20 {
        ann.send(send_message("b", &number.to_string(), "ignored")).await;
    }
    for number in 0..20 {
        assert_eq!(bob.next().await["text"], number.to_string());
    }
    ann.expect_quiet_by_marker(&server, "a").await;
}
