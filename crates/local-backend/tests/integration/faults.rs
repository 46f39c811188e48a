//! Every fault switch.

use std::time::{Duration, Instant};

use roomlet_local::{DefaultRoute, Faults, PathFaults, Refuse, RunningServer, SilentDeath};
use serde_json::json;

use crate::client::{Client, basic_send, eventually, expect_gateway_error, send_message, server};

async fn prod(server: &RunningServer, prod: PathFaults) {
    server.set_faults(Faults { prod, ..Faults::default() }).await.unwrap();
}

async fn basic(server: &RunningServer, basic: PathFaults) {
    server.set_faults(Faults { basic, ..Faults::default() }).await.unwrap();
}

/// Sends numbers as raw frames and gives those that arrive before the marker.
async fn arrivals(server: &RunningServer, client: &mut Client, count: usize) -> Vec<String> {
    for number in 0..count {
        server.send_raw("a", &number.to_string());
    }
    server.set_faults(Faults::default()).await.unwrap();
    server.send_raw("a", "marker");
    let mut arrived = Vec::new();
    loop {
        match client.next_text().await {
            text if text == "marker" => return arrived,
            text => arrived.push(text),
        }
    }
}

#[tokio::test]
async fn frames_are_dropped_doubled_and_reordered_by_count() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    prod(&server, PathFaults { drop_next: 2, ..PathFaults::default() }).await;
    assert_eq!(arrivals(&server, &mut ann, 4).await, ["2", "3"]);
    prod(&server, PathFaults { duplicate_next: 2, ..PathFaults::default() }).await;
    assert_eq!(arrivals(&server, &mut ann, 3).await, ["0", "0", "1", "1", "2"]);
    prod(&server, PathFaults { reorder_next: 1, ..PathFaults::default() }).await;
    assert_eq!(arrivals(&server, &mut ann, 3).await, ["1", "0", "2"]);
    // The other path is left alone.
    basic(&server, PathFaults { drop_next: 2, ..PathFaults::default() }).await;
    assert_eq!(arrivals(&server, &mut ann, 2).await, ["0", "1"]);
}

#[tokio::test]
async fn chance_follows_its_seed() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        prod(&server, PathFaults { drop_probability: 0.5, seed, ..PathFaults::default() }).await;
        runs.push(arrivals(&server, &mut ann, 64).await);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!((16..48).contains(&runs[0].len()), "{}", runs[0].len());
    prod(&server, PathFaults { drop_probability: 1.0, ..PathFaults::default() }).await;
    assert!(arrivals(&server, &mut ann, 5).await.is_empty());
}

#[tokio::test]
async fn frames_are_late_in_order() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    prod(&server, PathFaults { delay_ms: 300, ..PathFaults::default() }).await;
    let asked = Instant::now();
    assert_eq!(arrivals(&server, &mut ann, 3).await, ["0", "1", "2"]);
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn upgrades_are_refused_by_count_or_until_reset() {
    let server = server().await;
    let url = server.url("/prod");
    let refuse = |status, next| Some(Refuse { status, next });
    prod(&server, PathFaults { refuse: refuse(503, Some(2)), ..PathFaults::default() }).await;
    assert_eq!(Client::open_with(&url, &[]).await.err(), Some(503));
    assert_eq!(Client::open_with(&url, &[]).await.err(), Some(503));
    assert!(Client::open_with(&url, &[]).await.is_ok());
    prod(&server, PathFaults { refuse: refuse(429, None), ..PathFaults::default() }).await;
    for _ in 0..3 {
        assert_eq!(Client::open_with(&url, &[]).await.err(), Some(429));
    }
    assert!(Client::open_with(&server.url("/basic"), &[]).await.is_ok());
    server.set_faults(Faults::default()).await.unwrap();
    assert!(Client::open_with(&url, &[]).await.is_ok());
}

#[tokio::test]
async fn sends_are_throttled_or_fail_before_anything_is_stored() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    let faults = PathFaults {
        throttle_next: 1,
        throttle_retry_after_ms: 77,
        fail_next_sends: 1,
        ..PathFaults::default()
    };
    server
        .set_faults(Faults { prod: faults.clone(), basic: faults, ..Faults::default() })
        .await
        .unwrap();
    let throttled = ann.ask(send_message("a", "x", "m1")).await;
    assert_eq!(throttled["code"], "rate_limited");
    assert_eq!(throttled["retryAfterMs"], 77);
    assert_eq!(throttled["clientMessageId"], "m1");
    let failed = ann.ask(send_message("a", "x", "m1")).await;
    assert_eq!(failed["code"], "internal");
    assert_eq!(failed["clientMessageId"], "m1");
    ann.say("a", "x", "m1").await;

    let mut bob = Client::basic(&server, "a").await;
    expect_gateway_error(&bob.ask(basic_send("a", "y")).await, "Too Many Requests");
    expect_gateway_error(&bob.ask(basic_send("a", "y")).await, "Internal server error");
    assert_eq!(bob.ask(basic_send("a", "y")).await["text"], "y");
    assert_eq!(ann.next().await["text"], "y");
    let history = ann.ask(json!({"action": "history", "requestId": "h", "roomId": "a"})).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_frames() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    prod(&server, PathFaults { cut_after_frames: Some(2), ..PathFaults::default() }).await;
    for number in 0..3 {
        server.send_raw("a", &number.to_string());
    }
    assert_eq!(ann.next_text().await, "0");
    assert_eq!(ann.next_text().await, "1");
    assert_eq!(ann.close_code().await, None);
    assert_eq!(server.faults(), Faults::default());
    let mut again = Client::hello(&server, "a", "Ann").await;
    again.expect_quiet().await;
}

#[tokio::test]
async fn a_dead_connection_stays_open_and_says_nothing() {
    let server = server().await;
    let mut dead = Client::hello(&server, "a", "Ann").await;
    prod(&server, PathFaults { silent_death: SilentDeath::Open, ..PathFaults::default() }).await;
    let mut alive = Client::hello(&server, "a", "Bob").await;
    let before = server.log().count("ping");
    dead.send(json!({"action": "ping"})).await;
    let (message, _) = alive.say("a", "hi", "m1").await;
    assert_eq!(message["text"], "hi");
    alive.expect_quiet().await;
    assert_eq!(server.connections().len(), 2);
    assert_eq!(server.log().count("ping"), before + 1);
    // All that ever reaches it is its end.
    assert_eq!(server.close_all(1012, "restart"), 2);
    assert!(!matches!(dead.next_message().await, Some(Ok(_))));
    assert_eq!(alive.close_code().await, Some(1012));

    prod(&server, PathFaults { silent_death: SilentDeath::All, ..PathFaults::default() }).await;
    let mut stillborn = Client::open(&server.url("/prod")).await;
    stillborn.send(json!({"action": "hello"})).await;
    server.set_faults(Faults::default()).await.unwrap();
    drop(stillborn);
    eventually(|| server.connections().is_empty()).await;
    assert_eq!(server.log().count("hello"), 2);
}

#[tokio::test]
async fn a_welcome_comes_late_and_nothing_but_messages_before_it() {
    let server = server().await;
    prod(&server, PathFaults { welcome_delay_ms: 300, ..PathFaults::default() }).await;
    let asked = Instant::now();
    let mut ann = Client::open(&server.url("/prod?roomId=a")).await;
    ann.send(json!({"action": "hello", "name": "Ann"})).await;
    ann.send(json!({"action": "ping"})).await;
    assert_eq!(ann.ask(send_message("a", "early", "m1")).await["type"], "message");
    let welcome = ann.next().await;
    assert_eq!(welcome["type"], "welcome");
    assert!(asked.elapsed() >= Duration::from_millis(300));
    ann.say("a", "late", "m2").await;
}

#[tokio::test]
async fn acknowledgements_are_lost_and_can_be_asked_for_again() {
    let server = server().await;
    let mut ann = Client::hello(&server, "a", "Ann").await;
    prod(&server, PathFaults { drop_acks: 1, ..PathFaults::default() }).await;
    let message = ann.ask(send_message("a", "x", "m1")).await;
    assert_eq!(message["type"], "message");
    ann.expect_quiet().await;
    let ack = ann.ask(send_message("a", "x", "m1")).await;
    assert_eq!(ack["type"], "ack");
    assert_eq!(ack["id"], message["id"]);
}

#[tokio::test]
async fn a_default_route_does_what_users_have_it_do() {
    let server = server().await;
    let mut ann = Client::basic(&server, "a").await;
    let mut bob = Client::basic(&server, "a").await;
    let route = |default_route| PathFaults { default_route, ..PathFaults::default() };
    let hello = json!({"action": "hello", "name": "Ann"});

    basic(&server, route(DefaultRoute::Answer)).await;
    ann.send(hello.clone()).await;
    let answer = ann.next_text().await;
    assert!(answer.starts_with("Use the sendMessage route"), "{answer}");
    basic(&server, route(DefaultRoute::Broadcast)).await;
    ann.send_text("no JSON").await;
    assert_eq!(ann.next_text().await, "no JSON");
    assert_eq!(bob.next_text().await, "no JSON");
    basic(&server, route(DefaultRoute::Error)).await;
    expect_gateway_error(&ann.ask(hello.clone()).await, "Internal server error");
    basic(&server, route(DefaultRoute::Silent)).await;
    ann.send(hello.clone()).await;
    assert_eq!(ann.ask(basic_send("a", "next")).await["text"], "next");
    assert_eq!(bob.next().await["text"], "next");
    basic(&server, route(DefaultRoute::None)).await;
    expect_gateway_error(&ann.ask(hello).await, "Forbidden");
}

#[tokio::test]
async fn a_disconnect_route_leaves_no_stale_row() {
    let server = server().await;
    basic(&server, PathFaults { disconnect_route: true, ..PathFaults::default() }).await;
    drop(Client::basic(&server, "a").await);
    let gone = || {
        let last = server.log().entries.back().cloned();
        matches!(last, Some(roomlet_local::LogEntry::Disconnect { .. }))
    };
    eventually(gone).await;
    let mut ann = Client::basic(&server, "a").await;
    assert_eq!(ann.ask(basic_send("a", "x")).await["text"], "x");
    ann.expect_quiet_by_marker(&server, "a").await;
}

#[tokio::test]
async fn switches_that_make_no_sense_are_refused() {
    let server = server().await;
    for prod in [
        PathFaults { drop_probability: 1.5, ..PathFaults::default() },
        PathFaults { drop_probability: f64::NAN, ..PathFaults::default() },
        PathFaults { delay_ms: u64::MAX, ..PathFaults::default() },
        PathFaults { refuse: Some(Refuse { status: 200, next: None }), ..PathFaults::default() },
        PathFaults { disconnect_route: true, ..PathFaults::default() },
    ] {
        assert!(server.set_faults(Faults { prod, ..Faults::default() }).await.is_err());
    }
    let basic = PathFaults { drop_acks: 1, ..PathFaults::default() };
    assert!(server.set_faults(Faults { basic, ..Faults::default() }).await.is_err());
    assert_eq!(server.faults(), Faults::default());
}
