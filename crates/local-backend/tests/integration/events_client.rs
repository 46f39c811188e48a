//! What the tests of AppSync Events are written with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roomlet_local::RunningServer;
use serde_json::{Value, json};

use crate::client::{Client, HttpAnswer, http};

/// The subprotocol that the service answers.
pub(crate) const PROTOCOL: &str = "aws-appsync-event-ws";

/// The authorization that everybody has.
pub(crate) fn api_key() -> Value {
    json!({"x-api-key": "da2-local"})
}

/// Opens a socket with this authorization and says nothing.
pub(crate) async fn open(server: &RunningServer, mut authorization: Value) -> Client {
    if authorization.get("host").is_none() {
        authorization["host"] = json!("localhost");
    }
    let header = URL_SAFE_NO_PAD.encode(authorization.to_string());
    let protocols = format!("{PROTOCOL}, header-{header}");
    let url = server.url("/event/realtime");
    let client = Client::open_with(&url, &[("sec-websocket-protocol", &protocols)]).await.unwrap();
    assert_eq!(client.subprotocol.as_deref(), Some(PROTOCOL));
    client
}

/// Opens a socket with this authorization and begins the session.
pub(crate) async fn connect_as(server: &RunningServer, authorization: Value) -> Client {
    let mut client = open(server, authorization).await;
    client.send_text(r#"{"type":"connection_init"}"#).await;
    let ack = client.next_text().await;
    assert_eq!(ack, r#"{"type":"connection_ack","connectionTimeoutMs":300000}"#);
    client
}

/// Opens a socket with the API key and begins the session.
pub(crate) async fn connect(server: &RunningServer) -> Client {
    connect_as(server, api_key()).await
}

pub(crate) fn subscribe_frame(id: &str, channel: &str, authorization: &Value) -> Value {
    json!({"type": "subscribe", "id": id, "channel": channel, "authorization": authorization})
}

pub(crate) fn publish_frame(id: &str, channel: &str, events: &[&str]) -> Value {
    json!({
        "type": "publish", "id": id, "channel": channel, "events": events, "authorization": api_key()
    })
}

/// Subscribes with the API key and waits until the subscription stands.
pub(crate) async fn subscribe(client: &mut Client, id: &str, channel: &str) {
    client.send(subscribe_frame(id, channel, &api_key())).await;
    let answer = client.next_text().await;
    assert_eq!(answer, format!(r#"{{"type":"subscribe_success","id":"{id}"}}"#));
}

/// Tries to subscribe and gives the type of the error and its message.
pub(crate) async fn refused_subscription(
    client: &mut Client,
    channel: &str,
    authorization: &Value,
) -> (String, String) {
    let answer = client.ask(subscribe_frame("refused", channel, authorization)).await;
    assert_eq!(answer["type"], "subscribe_error", "{answer}");
    assert_eq!(answer["id"], "refused");
    only_error(&answer)
}

/// Tries to publish and gives the type of the error and its message.
pub(crate) async fn refused_publish(client: &mut Client, frame: Value) -> (String, String) {
    let id = frame["id"].clone();
    let answer = client.ask(frame).await;
    assert_eq!(answer["type"], "publish_error", "{answer}");
    assert_eq!(answer["id"], id);
    only_error(&answer)
}

/// The type and the message of the one error of a frame or an answer.
pub(crate) fn only_error(answer: &Value) -> (String, String) {
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer}");
    let word = |name: &str| errors[0][name].as_str().unwrap().to_owned();
    (word("errorType"), word("message"))
}

/// Asserts a `data` frame of a subscription and gives its event.
pub(crate) fn event_of(frame: &Value, id: &str) -> String {
    assert_eq!(frame["type"], "data", "{frame}");
    assert_eq!(frame["id"], id, "{frame}");
    frame["event"].as_str().unwrap().to_owned()
}

/// Takes the next frame, which is an event of a subscription that is itself JSON.
pub(crate) async fn next_event(client: &mut Client, id: &str) -> Value {
    let frame = client.next().await;
    serde_json::from_str(&event_of(&frame, id)).unwrap()
}

/// Nothing waits for this client: the next frame answers what is asked now.
pub(crate) async fn expect_quiet(client: &mut Client) {
    let answer = client.ask(json!({"type": "unsubscribe", "id": "nobody"})).await;
    assert_eq!(answer["type"], "unsubscribe_error", "{answer}");
}

/// Publishes over HTTP with these headers.
pub(crate) async fn post(
    server: &RunningServer,
    headers: &[(&str, &str)],
    body: &Value,
) -> HttpAnswer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    http(server, "POST", "/event", &all, &body.to_string()).await
}

/// Publishes over HTTP with the API key and gives the answer's body.
pub(crate) async fn post_ok(server: &RunningServer, channel: &str, events: &[&str]) -> Value {
    let body = json!({"channel": channel, "events": events});
    let answer = post(server, &[("x-api-key", "da2-local")], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}
