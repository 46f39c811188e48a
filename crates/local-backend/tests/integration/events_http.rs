//! `POST /event`.

use roomlet_local::{Faults, PathFaults};
use serde_json::{Value, json};

use crate::client::{http, server, server_with};
use crate::events_client::{connect, event_of, next_event, only_error, post, post_ok, subscribe};

const KEY: (&str, &str) = ("x-api-key", "da2-local");

#[tokio::test]
async fn a_post_publishes() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    let body = json!({"channel": "default/a", "events": ["{ \"a\" : 1 }", "2"]});
    let answer = post(&server, &[KEY, ("Origin", "http://localhost:8080")], &body).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers["content-type"].starts_with("application/json"));
    assert!(answer.headers.contains_key("x-amzn-requestid"));
    assert_eq!(answer.headers["access-control-allow-origin"], "http://localhost:8080");
    assert!(answer.headers["access-control-expose-headers"].contains("x-amzn-errortype"));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["failed"], json!([]));
    assert_eq!(body["successful"][1]["index"], 1);
    assert_eq!(event_of(&ann.next().await, "s"), "{ \"a\" : 1 }");
    assert_eq!(event_of(&ann.next().await, "s"), "2");
    assert_eq!(server.log().count("publish"), 1);
}

#[tokio::test]
async fn a_chat_event_can_fail_in_an_answer_that_is_ok() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/chat/a").await;
    let body = post_ok(&server, "/chat/a", &["{}", r#"{"text":"hi"}"#]).await;
    assert_eq!(body["failed"][0]["index"], 0);
    assert_eq!(body["successful"][0]["index"], 1);
    assert_eq!(next_event(&mut ann, "s").await["text"], "hi");
}

#[tokio::test]
async fn who_is_not_known_is_not_authorized() {
    let server = server().await;
    let body = json!({"channel": "/default/a", "events": ["1"]});
    for (headers, message) in [
        (&[][..], "Valid authorization header not provided."),
        (&[("x-api-key", "da2-wrong")], "You are not authorized to make this call."),
        (&[("authorization", "nonsense")], "You are not authorized to make this call."),
    ] {
        let answer = post(&server, headers, &body).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.headers["x-amzn-errortype"], "UnauthorizedException");
        let error = only_error(&serde_json::from_str(&answer.body).unwrap());
        assert_eq!(error, ("UnauthorizedException".to_owned(), message.to_owned()));
    }
}

#[tokio::test]
async fn what_cannot_be_published_is_refused() {
    let server = server_with(|options| options.publish_rate = 1).await;
    for (body, status, error_type) in [
        (json!({"channel": "/nowhere/a", "events": ["1"]}), 401, "UnauthorizedException"),
        (json!({"channel": "/chat/a/b", "events": ["1"]}), 403, "Unauthorized"),
        (json!({"channel": "/default/a_b", "events": ["1"]}), 400, "BadRequestException"),
        (json!({"channel": "/default/*", "events": ["1"]}), 400, "BadRequestException"),
        (json!({"channel": 7, "events": ["1"]}), 400, "BadRequestException"),
        (json!({"events": ["1"]}), 400, "BadRequestException"),
        (json!({"channel": "/default/a"}), 400, "BadRequestException"),
        (json!({"channel": "/default/a", "events": []}), 400, "BadRequestException"),
        (json!({"channel": "/default/a", "events": [{"a": 1}]}), 400, "BadRequestException"),
        (
            json!({"channel": "/default/a", "events": ["1", "1", "1", "1", "1", "1"]}),
            400,
            "InvalidInputError",
        ),
        (json!([1]), 400, "BadRequestException"),
    ] {
        let answer = post(&server, &[KEY], &body).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.headers["x-amzn-errortype"], error_type, "{body}");
        assert_eq!(only_error(&serde_json::from_str(&answer.body).unwrap()).0, error_type);
    }
    // The rate is that of a socket; there is none over HTTP.
    for _ in 0..3 {
        post_ok(&server, "/default/a", &["1"]).await;
    }
    assert_eq!(http(&server, "GET", "/event", &[KEY], "").await.status, 405);
}

#[tokio::test]
async fn a_request_has_a_size() {
    let server = server().await;
    let event = format!("\"{}\"", "a".repeat(240 * 1024));
    let body = json!({"channel": "/default/a", "events": vec![event; 5]});
    assert_eq!(post(&server, &[KEY], &body).await.status, 413);
    let body =
        json!({"channel": "/default/a", "events": ["1"], "more": "a".repeat(5 * 1024 * 1024)});
    assert_eq!(post(&server, &[KEY], &body).await.status, 413);
}

#[tokio::test]
async fn switches_refuse_and_lose_answers() {
    let server = server().await;
    let mut ann = connect(&server).await;
    subscribe(&mut ann, "s", "/default/a").await;
    let body = json!({"channel": "/default/a", "events": ["1"]});
    let events = PathFaults { throttle_next: 1, fail_next_sends: 1, ..PathFaults::default() };
    server.set_faults(Faults { events, ..Faults::default() }).await.unwrap();
    let throttled = post(&server, &[KEY], &body).await;
    assert_eq!(throttled.status, 429);
    assert_eq!(throttled.headers["x-amzn-errortype"], "LimitExceededError");
    assert_eq!(post(&server, &[KEY], &body).await.status, 500);
    let failing = PathFaults { fail_next_events: 1, ..PathFaults::default() };
    server.set_faults(Faults { events: failing, ..Faults::default() }).await.unwrap();
    let partial = post_ok(&server, "/default/a", &["1", "2"]).await;
    assert_eq!(partial["failed"][0]["code"], 500);
    assert_eq!(partial["successful"][0]["index"], 1);
    assert_eq!(event_of(&ann.next().await, "s"), "2");
}
