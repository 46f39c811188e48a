//! Fault switches of AppSync Events.

use roomlet_local::{Faults, PathFaults, RunningServer, SilentDeath};
use serde_json::{Value, json};

use crate::client::{Client, server, server_with};
use crate::events_client::{
    api_key, connect, event_of, expect_quiet, only_error, open, publish_frame, refused_publish,
    refused_subscription, subscribe, subscribe_frame,
};

async fn set(server: &RunningServer, events: PathFaults) {
    server.set_faults(Faults { events, ..Faults::default() }).await.unwrap();
}

#[tokio::test]
async fn broadcasts_break_and_events_are_arrays() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    set(&server, PathFaults { broadcast_errors: 1, event_as_array: true, ..PathFaults::default() })
        .await;
    ann.send(publish_frame("p", "/default/a", &["1", "2"])).await;
    assert_eq!(
        ann.next_text().await,
        r#"{"type":"broadcast_error","id":"s","errors":[{"errorType":"MessageProcessingError","message":"There was an error processing the message"}]}"#
    );
    assert_eq!(ann.next_text().await, r#"{"type":"data","id":"s","event":["2"]}"#);
    assert_eq!(ann.next().await["type"], "publish_success");
}

#[tokio::test]
async fn publishes_are_throttled_fail_and_go_unanswered() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    set(
        &server,
        PathFaults { throttle_next: 1, fail_next_sends: 1, drop_acks: 1, ..PathFaults::default() },
    )
    .await;
    ann.send(publish_frame("p1", "/default/a", &["1"])).await;
    // As seen of the service, without an id.
    assert_eq!(
        ann.next_text().await,
        r#"{"type":"error","errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}"#
    );
    let failed = refused_publish(&mut ann, publish_frame("p2", "/default/a", &["2"])).await;
    assert_eq!(failed.0, "InternalFailure");
    ann.send(publish_frame("p3", "/default/a", &["3"])).await;
    assert_eq!(event_of(&ann.next().await, "s"), "3");
    expect_quiet(&mut ann).await;
}

#[tokio::test]
async fn subscriptions_are_throttled_and_go_unanswered() {
    let server = server().await;
    let mut ann = connect(&server).await;
    set(&server, PathFaults { throttle_next: 1, drop_start_acks: 1, ..PathFaults::default() })
        .await;
    let throttled = ann.ask(subscribe_frame("s", "/default/a", &api_key())).await;
    assert_eq!((&throttled["type"], throttled.get("id")), (&json!("error"), None));
    assert_eq!(only_error(&throttled).0, "LimitExceededError");
    // Its success is lost; it stands all the same.
    ann.send(subscribe_frame("s", "/default/a", &api_key())).await;
    crate::client::eventually(|| {
        server.connections().iter().any(|connection| connection.rooms == ["a"])
    })
    .await;
    ann.send(publish_frame("p", "/default/a", &["1"])).await;
    assert_eq!(event_of(&ann.next().await, "s"), "1");
}

#[tokio::test]
async fn rooms_are_denied_and_tokens_expire() {
    let server = server_with(|options| options.token = Some("sesame".to_owned())).await;
    let mut ann = connect(&server).await;
    let long = "r".repeat(60);
    let deny_rooms = vec!["a".to_owned(), long];
    set(&server, PathFaults { deny_rooms, expire_next: 1, ..PathFaults::default() }).await;
    for channel in ["/chat/a", "/default/a", "/chat/*"] {
        let refused = refused_subscription(&mut ann, channel, &api_key()).await;
        assert_eq!(refused.0, "Unauthorized", "{channel}");
    }
    subscribe(&mut ann, "b", "/chat/b").await;
    let token = json!({"Authorization": "sesame"});
    let expired = refused_subscription(&mut ann, "/chat/c", &token).await;
    assert_eq!(expired, ("UnauthorizedException".to_owned(), "Token has expired.".to_owned()));
    let again = ann.ask(subscribe_frame("c", "/chat/c", &token)).await;
    assert_eq!(again["type"], "subscribe_success");
}

#[tokio::test]
async fn a_room_that_is_denied_is_denied_by_its_hash_too() {
    let server = server().await;
    let mut ann = connect(&server).await;
    let long = "ü".repeat(64);
    set(&server, PathFaults { deny_rooms: vec![long], ..PathFaults::default() }).await;
    let denied = "/chat/h-jly46n6yp6iqnrseorddlpsveuicmuzexhjryi3svsmfk";
    assert_eq!(refused_subscription(&mut ann, denied, &api_key()).await.0, "Unauthorized");
    subscribe(&mut ann, "s", "/chat/h-77qfj7t24dfw3rs4hl43mhksbh2dtbi5wq6qxjmzom356").await;
}

#[tokio::test]
async fn frames_are_lost_doubled_reordered_and_cut() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    set(&server, PathFaults { drop_next: 1, duplicate_next: 1, ..PathFaults::default() }).await;
    ann.send(publish_frame("p", "/default/a", &["1", "2"])).await;
    assert_eq!(event_of(&ann.next().await, "s"), "2");
    assert_eq!(event_of(&ann.next().await, "s"), "2");
    assert_eq!(ann.next().await["type"], "publish_success");
    set(&server, PathFaults { reorder_next: 1, ..PathFaults::default() }).await;
    ann.send(publish_frame("p", "/default/a", &["1", "2"])).await;
    assert_eq!(event_of(&ann.next().await, "s"), "2");
    assert_eq!(event_of(&ann.next().await, "s"), "1");
    assert_eq!(ann.next().await["type"], "publish_success");
    set(&server, PathFaults { cut_after_frames: Some(1), ..PathFaults::default() }).await;
    ann.send(publish_frame("p", "/default/a", &["1", "2"])).await;
    assert_eq!(event_of(&ann.next().await, "s"), "1");
    assert_eq!(ann.close_code().await, None);
}

#[tokio::test]
async fn connections_are_refused_in_both_ways() {
    let server = server().await;
    let faults: Value = json!({
        "refuse": {"status": 503, "next": 1},
        "connection_errors": {"error_type": "HttpNotFoundException", "message": "no", "error_code": 404, "next": 1}
    });
    set(&server, serde_json::from_value(faults).unwrap()).await;
    let header = "aws-appsync-event-ws, header-e30";
    let url = server.url("/event/realtime");
    let refused = Client::open_with(&url, &[("sec-websocket-protocol", header)]).await;
    assert_eq!(refused.err(), Some(503));
    let mut ann = open(&server, api_key()).await;
    assert_eq!(
        ann.next_text().await,
        r#"{"type":"connection_error","errors":[{"errorType":"HttpNotFoundException","message":"no","errorCode":404}]}"#
    );
    assert_eq!(ann.close_code().await, Some(1000));
    connect(&server).await;
}

#[tokio::test]
async fn a_silent_connection_gets_nothing_and_is_cut_at_the_end() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    set(&server, PathFaults { silent_death: SilentDeath::Open, ..PathFaults::default() }).await;
    let mut bo = connect(&server).await;
    assert_eq!(bo.ask(publish_frame("p", "/default/a", &["1"])).await["type"], "publish_success");
    assert_eq!(server.close_all(1012, "restart"), 2);
    assert_eq!(ann.close_code().await, None);
    assert_eq!(bo.close_code().await, Some(1012));
}

#[tokio::test]
async fn switches_of_events_belong_to_events() {
    let on = PathFaults { broadcast_errors: 1, ..PathFaults::default() };
    let problem = Faults { graphql: on, ..Faults::default() }.validate().unwrap_err();
    assert_eq!(problem, "`broadcast_errors` belongs under \"events\".");
}

#[tokio::test]
async fn signs_of_life_come_and_the_life_ends() {
    let quarter = std::time::Duration::from_millis(250);
    let server = server_with(|options| {
        options.keep_alive = quarter;
        options.appsync_lifetime = 6 * quarter;
    })
    .await;
    let mut ann = open(&server, api_key()).await;
    ann.send(json!({"type": "connection_init"})).await;
    assert_eq!(ann.next_text().await, r#"{"type":"connection_ack","connectionTimeoutMs":1250}"#);
    assert_eq!(ann.next_text().await, r#"{"type":"ka"}"#);
    assert_eq!(ann.next_text().await, r#"{"type":"ka"}"#);
    assert_eq!(ann.close_code().await, Some(1000));
}
