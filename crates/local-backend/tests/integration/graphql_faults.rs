//! The fault switches of AppSync GraphQL.

use std::time::{Duration, Instant};

use roomlet_local::{ConnectionErrors, Faults, PathFaults, Refuse, SilentDeath};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, eventually, server, server_with};
use crate::graphql_client::{
    ALL, api_key, connect, execute, open, post, refusal, say, start, subscribe, subscription,
    trouble,
};

const KEYED: &[(&str, &str)] = &[("x-api-key", "da2-local")];

fn heard(frame: &Value) -> &str {
    frame["payload"]["data"]["onNewMessage"]["content"].as_str().unwrap_or_default()
}

/// Says numbers, and gives those that are heard before the marker.
async fn arrivals(
    server: &roomlet_local::RunningServer,
    client: &mut Client,
    count: usize,
) -> Vec<String> {
    for number in 0..count {
        say(server, "a", &number.to_string(), ALL).await;
    }
    server.set_faults(Faults::default()).await.unwrap();
    say(server, "a", "marker", ALL).await;
    let mut arrived = Vec::new();
    loop {
        let frame = client.next().await;
        match heard(&frame) {
            "marker" => return arrived,
            text => arrived.push(text.to_owned()),
        }
    }
}

#[tokio::test]
async fn frames_are_dropped_doubled_and_reordered() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    subscribe(&mut ann, "S", "a", "content").await;
    trouble(&server, PathFaults { drop_next: 2, ..PathFaults::default() }).await;
    assert_eq!(arrivals(&server, &mut ann, 3).await, ["2"]);
    trouble(&server, PathFaults { duplicate_next: 1, ..PathFaults::default() }).await;
    assert_eq!(arrivals(&server, &mut ann, 2).await, ["0", "0", "1"]);
    trouble(&server, PathFaults { reorder_next: 1, ..PathFaults::default() }).await;
    assert_eq!(arrivals(&server, &mut ann, 3).await, ["1", "0", "2"]);
    // The switches of another path change nothing here.
    let basic_graphql = PathFaults { drop_next: 9, ..PathFaults::default() };
    server.set_faults(Faults { basic_graphql, ..Faults::default() }).await.unwrap();
    assert_eq!(arrivals(&server, &mut ann, 2).await, ["0", "1"]);
}

#[tokio::test]
async fn sockets_are_refused_cut_and_silenced() {
    let server = server().await;
    let refuse = Some(Refuse { status: 503, next: Some(1) });
    trouble(&server, PathFaults { refuse, ..PathFaults::default() }).await;
    let url = server.url("/graphql/realtime");
    assert_eq!(Client::open_with(&url, &[]).await.err(), Some(503));

    let mut cut = connect(&server, "/graphql").await;
    subscribe(&mut cut, "S", "a", "content").await;
    trouble(&server, PathFaults { cut_after_frames: Some(1), ..PathFaults::default() }).await;
    say(&server, "a", "last", ALL).await;
    assert_eq!(heard(&cut.next().await), "last");
    assert_eq!(cut.close_code().await, None);

    let mut dead = connect(&server, "/graphql").await;
    subscribe(&mut dead, "S", "a", "content").await;
    trouble(&server, PathFaults { silent_death: SilentDeath::Open, ..PathFaults::default() }).await;
    let mut alive = connect(&server, "/graphql").await;
    subscribe(&mut alive, "S", "a", "content").await;
    say(&server, "a", "hi", ALL).await;
    assert_eq!(heard(&alive.next().await), "hi");
    assert_eq!(server.close_all(1012, "restart"), 2);
    assert_eq!(alive.close_code().await, Some(1012));
    // What is dead hears nothing to its end.
    assert_eq!(dead.close_code().await, None);
}

#[tokio::test]
async fn connections_are_refused_by_a_frame() {
    let server = server().await;
    let errors = ConnectionErrors {
        error_type: "UnauthorizedException".to_owned(),
        message: "Token has expired.".to_owned(),
        error_code: 401,
        next: Some(1),
    };
    trouble(&server, PathFaults { connection_errors: Some(errors), ..PathFaults::default() }).await;
    let mut refused = open(&server, "/graphql", &api_key()).await;
    let error = json!({"errorType": "UnauthorizedException", "message": "Token has expired.", "errorCode": 401});
    let expected = json!({"type": "connection_error", "payload": {"errors": [error]}});
    assert_eq!(refused.next().await, expected);
    assert_eq!(refused.close_code().await, Some(1000));
    connect(&server, "/graphql").await;
}

#[tokio::test]
async fn tokens_expire_by_count_or_for_good() {
    let server = server_with(|options| options.token = Some("sesame".to_owned())).await;
    let token = [("Authorization", "sesame")];
    let ping = r#"{"query":"{ ping }"}"#;
    trouble(&server, PathFaults { expire_next: 1, ..PathFaults::default() }).await;
    let refused = post(&server, "/graphql", &token, ping).await;
    assert_eq!(
        (refused.status, &refused.body["errors"][0]["message"]),
        (401, &json!("Token has expired."))
    );
    assert_eq!(post(&server, "/graphql", &token, ping).await.status, 200);
    let mut ann = connect(&server, "/graphql").await;
    trouble(&server, PathFaults { expire_tokens: true, ..PathFaults::default() }).await;
    for id in ["1", "2"] {
        let frame = start(id, &subscription("a", "id"), &json!({"Authorization": "sesame"}));
        let expected = refusal(id, "UnauthorizedException", "Token has expired.");
        assert_eq!(ann.ask(frame).await, expected);
    }
    // An API key is no token.
    subscribe(&mut ann, "3", "a", "id").await;
}

#[tokio::test]
async fn an_expired_token_can_read_like_a_schema_error() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    trouble(&server, PathFaults { expired_as_schema_error: 1, ..PathFaults::default() }).await;
    let refused = ann.ask(start("1", &subscription("a", ALL), &api_key())).await;
    let error = &refused["payload"]["errors"][0];
    assert_eq!(error["errorType"], "UnauthorizedException");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("Validation error: field 'clientMessageId'"), "{message}");
    assert!(message.ends_with("Token has expired."), "{message}");
    subscribe(&mut ann, "1", "a", ALL).await;
}

#[tokio::test]
async fn rooms_are_denied_one_by_one() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    let deny_rooms = vec!["b".to_owned()];
    trouble(&server, PathFaults { deny_rooms, ..PathFaults::default() }).await;
    subscribe(&mut ann, "a", "a", "content").await;
    let sentence = "Not Authorized to access onNewMessage on type Subscription";
    let denied = ann.ask(start("b", &subscription("b", "content"), &api_key())).await;
    assert_eq!(denied, refusal("b", "Unauthorized", sentence));
    say(&server, "a", "still here", ALL).await;
    assert_eq!(heard(&ann.next().await), "still here");
    let query = "mutation { sendMessage(roomId: \"b\", content: \"x\") { id } }";
    let denied = execute(&server, "/graphql", query, json!({})).await;
    assert_eq!(denied["errors"][0]["errorType"], "Unauthorized");
}

#[tokio::test]
async fn the_service_throttles_and_fails() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    trouble(&server, PathFaults { throttle_next: 2, fail_next_sends: 1, ..PathFaults::default() })
        .await;
    let throttled = ann.ask(start("1", &subscription("a", "content"), &api_key())).await;
    let error = json!({"errorType": "LimitExceededError", "message": "Rate limit exceeded"});
    assert_eq!(throttled, json!({"type": "error", "payload": {"errors": [error]}}));
    let body = json!({"query": "mutation { sendMessage(roomId: \"a\", content: \"x\") { id } }"});
    let throttled = post(&server, "/graphql", KEYED, &body.to_string()).await;
    assert_eq!(
        (throttled.status, throttled.headers["x-amzn-errortype"].as_str()),
        (429, "LimitExceededError")
    );
    let failed = post(&server, "/graphql", KEYED, &body.to_string()).await;
    assert_eq!(
        (failed.status, failed.headers["x-amzn-errortype"].as_str()),
        (500, "InternalFailure")
    );
    // Nothing of that was stored.
    let page =
        execute(&server, "/graphql", "{ messages(roomId: \"a\") { messages { id } } }", json!({}))
            .await;
    assert_eq!(page["data"]["messages"]["messages"], json!([]));
    subscribe(&mut ann, "1", "a", "content").await;
}

#[tokio::test]
async fn an_answer_is_lost_after_the_send() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    subscribe(&mut ann, "S", "a", "content").await;
    trouble(&server, PathFaults { drop_answers: 1, ..PathFaults::default() }).await;
    let body = json!({"query": "mutation { sendMessage(roomId: \"a\", content: \"lost?\") { roomId content } }"});
    let body = body.to_string();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nx-api-key: da2-local\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The connection ends, by a close or a reset, without a byte.
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(String::from_utf8_lossy(&answer), "");
    assert_eq!(heard(&ann.next().await), "lost?");
    say(&server, "a", "answered", ALL).await;
}

#[tokio::test]
async fn an_answer_can_come_behind_its_echo() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    subscribe(&mut ann, "S", "a", "content").await;
    trouble(&server, PathFaults { answer_delay_ms: 400, ..PathFaults::default() }).await;
    let begun = Instant::now();
    let echo = async {
        let frame = ann.next().await;
        (heard(&frame).to_owned(), begun.elapsed())
    };
    let answer = async {
        say(&server, "a", "echo", ALL).await;
        begun.elapsed()
    };
    let ((text, echoed), answered) = tokio::join!(echo, answer);
    assert_eq!(text, "echo");
    assert!(echoed < answered && answered >= Duration::from_millis(400));
}

#[tokio::test]
async fn acknowledgements_of_subscriptions_are_lost() {
    let server = server().await;
    let mut ann = connect(&server, "/graphql").await;
    trouble(&server, PathFaults { drop_start_acks: 1, ..PathFaults::default() }).await;
    ann.send(start("1", &subscription("a", "content"), &api_key())).await;
    eventually(|| server.connections().iter().any(|one| one.rooms == ["a"])).await;
    say(&server, "a", "heard all the same", ALL).await;
    assert_eq!(heard(&ann.next().await), "heard all the same");
}

#[tokio::test]
async fn signs_of_life_come_and_stop() {
    let server = server_with(|options| options.keep_alive = Duration::from_millis(50)).await;
    let mut ann = open(&server, "/graphql", &api_key()).await;
    let ack = ann.ask(json!({"type": "connection_init"})).await;
    assert_eq!(ack["payload"]["connectionTimeoutMs"], 250);
    for _ in 0..3 {
        assert_eq!(ann.next_text().await, r#"{"type":"ka"}"#);
    }
    // A sign of life uses no switch up that counts frames.
    trouble(&server, PathFaults { stop_ka: true, drop_next: 1, ..PathFaults::default() }).await;
    let frames_out = |server: &roomlet_local::RunningServer| server.connections()[0].frames_out;
    let seen = frames_out(&server);
    eventually(|| frames_out(&server) > seen + 2).await;
    assert_eq!(server.faults().graphql.drop_next, 1);
    trouble(&server, PathFaults { stop_ka: true, ..PathFaults::default() }).await;
    ann.send(start("1", &subscription("a", "content"), &api_key())).await;
    // Those that were on their way before come first.
    loop {
        let frame = ann.next().await;
        if frame["type"] != "ka" {
            assert_eq!(frame["type"], "start_ack");
            break;
        }
    }
    let seen = frames_out(&server);
    eventually(|| frames_out(&server) > seen + 2).await;
    say(&server, "a", "not a sign of life came before this", ALL).await;
    assert_eq!(ann.next().await["type"], "data");
}

#[tokio::test]
async fn a_connection_has_a_lifetime() {
    let server = server_with(|options| options.appsync_lifetime = Duration::from_millis(300)).await;
    let mut ann = connect(&server, "/graphql").await;
    assert_eq!(ann.close_code().await, Some(1000));
}

#[tokio::test]
async fn switches_stand_where_they_belong() {
    let server = server().await;
    let misplaced = [
        (
            Faults {
                prod: PathFaults { stop_ka: true, ..PathFaults::default() },
                ..Faults::default()
            },
            "stop_ka",
        ),
        (
            Faults {
                graphql: PathFaults { welcome_delay_ms: 1, ..PathFaults::default() },
                ..Faults::default()
            },
            "welcome_delay_ms",
        ),
        (
            Faults {
                graphql: PathFaults { broadcast_errors: 1, ..PathFaults::default() },
                ..Faults::default()
            },
            "broadcast_errors",
        ),
        (
            Faults {
                events: PathFaults { expired_as_schema_error: 1, ..PathFaults::default() },
                ..Faults::default()
            },
            "expired_as_schema_error",
        ),
        (
            Faults {
                graphql: PathFaults { answer_delay_ms: 600_001, ..PathFaults::default() },
                ..Faults::default()
            },
            "600000",
        ),
        (
            Faults {
                graphql: PathFaults { clock_skew_ms: i64::MIN, ..PathFaults::default() },
                ..Faults::default()
            },
            "clock_skew_ms",
        ),
    ];
    for (faults, word) in misplaced {
        let sentence = server.set_faults(faults).await.unwrap_err();
        assert!(sentence.contains(word), "{sentence}");
    }
}
