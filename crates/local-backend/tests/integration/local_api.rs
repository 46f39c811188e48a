//! `/__local/…` over HTTP.

use roomlet_local::RunningServer;
use serde_json::{Value, json};

use crate::client::{Client, http, server};

async fn local(server: &RunningServer, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let path = format!("/__local/{path}");
    let answer = http(server, method, &path, &[("x-roomlet-local", "1")], &body).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[tokio::test]
async fn the_header_is_wanted_everywhere() {
    let server = server().await;
    for path in ["faults", "close", "send", "log", "connections", "nowhere"] {
        let path = format!("/__local/{path}");
        for headers in [&[][..], &[("x-roomlet-local", "0")]] {
            assert_eq!(http(&server, "GET", &path, headers, "").await.status, 403, "{path}");
        }
    }
    assert_eq!(local(&server, "GET", "nowhere", &json!(null)).await.0, 404);
}

#[tokio::test]
async fn faults_are_put_merged_read_and_reset() {
    let server = server().await;
    let put = json!({"prod": {"drop_next": 3, "refuse": {"status": 503}}});
    let (status, faults) = local(&server, "PUT", "faults", &put).await;
    assert_eq!(status, 200);
    assert_eq!(faults["prod"]["drop_next"], 3);
    let merged = json!({"prod": {"refuse": null}, "basic": {"default_route": "silent"}});
    local(&server, "POST", "faults", &merged).await;
    let (_, faults) = local(&server, "GET", "faults", &json!(null)).await;
    assert_eq!(faults["prod"]["drop_next"], 3);
    assert_eq!(faults["prod"]["refuse"], json!(null));
    assert_eq!(faults["basic"]["default_route"], "silent");
    local(&server, "PUT", "faults", &json!({"prod": {"delay_ms": 1}})).await;
    assert_eq!(server.faults().prod.drop_next, 0);
    local(&server, "DELETE", "faults", &json!(null)).await;
    assert_eq!(server.faults(), roomlet_local::Faults::default());
    for wrong in [
        json!({"prod": {"drop_nxt": 1}}),
        json!({"prod": {"drop_next": -1}}),
        json!({"prod": {"stale_rows": [{"room_id": "a", "position": "first"}]}}),
        json!([]),
        json!(null),
    ] {
        for method in ["PUT", "POST"] {
            let (status, answer) = local(&server, method, "faults", &wrong).await;
            assert_eq!(status, 400, "{method} {wrong}");
            assert!(answer["error"].is_string());
        }
    }
    let stale = json!({"basic": {"stale_rows": [{"room_id": "a", "position": "first"}]}});
    let (status, faults) = local(&server, "POST", "faults", &stale).await;
    assert_eq!((status, &faults["basic"]["stale_rows"]), (200, &json!([])));
}

#[tokio::test]
async fn raw_frames_are_sent_and_connections_closed() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let raw = json!({"room_id": "a", "text": "{\"type\":"});
    assert_eq!(local(&server, "POST", "send", &raw).await, (200, json!({"connections": 1})));
    assert_eq!(ann.next_text().await, "{\"type\":");
    let (_, connections) = local(&server, "GET", "connections", &json!(null)).await;
    assert_eq!(connections[0]["path"], "/prod");
    assert_eq!(connections[0]["rooms"], json!(["a"]));
    assert_eq!(connections[0]["hello"], true);
    for wrong in [json!({"code": 1005}), json!({"code": 1000, "reason": "x".repeat(124)})] {
        assert_eq!(local(&server, "POST", "close", &wrong).await.0, 400);
    }
    let close = json!({"code": 4000, "reason": "test"});
    assert_eq!(local(&server, "POST", "close", &close).await, (200, json!({"connections": 1})));
    assert_eq!(ann.close_code().await, Some(4000));
}

#[tokio::test]
async fn the_log_has_actions_and_sizes_but_no_bodies() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    ann.say("a", "a secret text", "m1").await;
    let (_, log) = local(&server, "GET", "log", &json!(null)).await;
    assert_eq!(log["actions"], json!({"hello": 1, "sendMessage": 1}));
    assert_eq!(log["connects"], 1);
    let last = log["entries"].as_array().unwrap().last().unwrap();
    assert_eq!(last["event"], "frame");
    assert_eq!(last["keys"], json!(["action", "clientMessageId", "roomId", "text"]));
    let text = log.to_string();
    assert!(!text.contains("secret") && !text.contains(crate::client::KEY));
    for _ in 0..1_100 {
        ann.send(json!({"action": "ping"})).await;
        ann.next().await;
    }
    let log = server.log();
    assert_eq!(log.entries.len(), 1_000);
    assert_eq!(log.count("ping"), 1_100);
    let (_, cleared) = local(&server, "DELETE", "log", &json!(null)).await;
    assert_eq!(cleared["actions"], json!({}));
}
