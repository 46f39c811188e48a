//! What the tests of AppSync GraphQL are written with.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roomlet_local::{Faults, PathFaults, RunningServer};
use serde_json::{Value, json};

use crate::client::{Client, http};

/// The subprotocol that the service answers.
pub(crate) const PROTOCOL: &str = "graphql-ws";

/// What a full client selects of a message.
pub(crate) const ALL: &str =
    "id roomId sender senderName senderKind content createdAt clientMessageId";

/// The authorization that everybody has.
pub(crate) fn api_key() -> Value {
    json!({"host": "localhost", "x-api-key": "da2-local"})
}

/// Opens a socket with this authorization and says nothing.
pub(crate) async fn open(server: &RunningServer, path: &str, authorization: &Value) -> Client {
    let header = URL_SAFE_NO_PAD.encode(authorization.to_string());
    let protocols = format!("{PROTOCOL}, header-{header}");
    let url = server.url(&format!("{path}/realtime"));
    let client = Client::open_with(&url, &[("sec-websocket-protocol", &protocols)]).await.unwrap();
    assert_eq!(client.subprotocol.as_deref(), Some(PROTOCOL));
    client
}

/// Opens a socket with the API key and begins the session.
pub(crate) async fn connect(server: &RunningServer, path: &str) -> Client {
    let mut client = open(server, path, &api_key()).await;
    client.send_text(r#"{"type":"connection_init"}"#).await;
    let ack = client.next_text().await;
    assert_eq!(ack, r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}"#);
    client
}

/// The document of a subscription to a room.
pub(crate) fn subscription(room: &str, selection: &str) -> String {
    let query = format!("subscription S($r: ID!) {{ onNewMessage(roomId: $r) {{ {selection} }} }}");
    json!({"query": query, "variables": {"r": room}}).to_string()
}

/// A frame that starts a subscription.
pub(crate) fn start(id: &str, data: &str, authorization: &Value) -> Value {
    json!({
        "id": id,
        "type": "start",
        "payload": {"data": data, "extensions": {"authorization": authorization}},
    })
}

/// Subscribes with the API key and waits until the subscription stands.
pub(crate) async fn subscribe(client: &mut Client, id: &str, room: &str, selection: &str) {
    client.send(start(id, &subscription(room, selection), &api_key())).await;
    assert_eq!(client.next_text().await, format!(r#"{{"id":"{id}","type":"start_ack"}}"#));
}

/// The error frame of a start that is refused with an `errorType`.
pub(crate) fn refusal(id: &str, error_type: &str, message: &str) -> Value {
    json!({
        "id": id,
        "type": "error",
        "payload": {"errors": [{"errorType": error_type, "message": message}]},
    })
}

pub(crate) struct Posted {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

/// Posts a body with these headers.
pub(crate) async fn post(
    server: &RunningServer,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Posted {
    let answer = http(server, "POST", path, headers, body).await;
    let body = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body));
    Posted { status: answer.status, headers: answer.headers, body }
}

/// Posts an operation with the API key; the answer is that of HTTP 200.
pub(crate) async fn execute(
    server: &RunningServer,
    path: &str,
    query: &str,
    variables: Value,
) -> Value {
    execute_as(server, path, &[("x-api-key", "da2-local")], query, variables).await
}

/// Posts an operation with these headers; the answer is that of HTTP 200.
pub(crate) async fn execute_as(
    server: &RunningServer,
    path: &str,
    headers: &[(&str, &str)],
    query: &str,
    variables: Value,
) -> Value {
    let body = json!({"query": query, "variables": variables}).to_string();
    let posted = post(server, path, headers, &body).await;
    assert_eq!(posted.status, 200, "{}", posted.body);
    posted.body
}

/// Sends a message over the full schema and gives what was selected of it.
pub(crate) async fn say(server: &RunningServer, room: &str, text: &str, selection: &str) -> Value {
    let query = format!(
        "mutation M($r: ID!, $c: String!) {{ sendMessage(roomId: $r, content: $c) {{ {selection} }} }}"
    );
    let answer = execute(server, "/graphql", &query, json!({"r": room, "c": text})).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["sendMessage"].clone()
}

/// Sets the fault switches of `/graphql`.
pub(crate) async fn trouble(server: &RunningServer, graphql: PathFaults) {
    server.set_faults(Faults { graphql, ..Faults::default() }).await.unwrap();
}
