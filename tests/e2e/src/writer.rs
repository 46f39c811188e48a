//! Somebody who writes by another program than the widget.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::deadline::until_within;

/// A mutation of the full schema with all fields, so that subscribers see them.
const SEND: &str = "\
    mutation Send($roomId: ID!, $content: String!, $clientMessageId: String, $guestKey: String, $guestName: String) { \
        sendMessage(roomId: $roomId, content: $content, clientMessageId: $clientMessageId, guestKey: $guestKey, guestName: $guestName) { \
            id roomId sender content createdAt senderName senderKind clientMessageId \
        } \
    }";
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How long the backend may be away.
const OUTAGE: Duration = Duration::from_secs(30);
/// What an event of AppSync may hold at once.
const BATCH: usize = 5;

/// A guest who sends by AppSync's HTTP endpoints, with the API key, to the room `lobby`.
#[derive(Debug)]
pub struct Writer {
    authority: String,
    api_key: String,
    name: String,
    client: Client,
    said: AtomicU32,
}

impl Writer {
    /// At the backend of this `host:port`.
    pub fn at(authority: &str, api_key: &str, name: &str) -> Self {
        let client = Client::builder().timeout(ATTEMPT).build().expect("a client without TLS");
        Self {
            authority: authority.to_owned(),
            api_key: api_key.to_owned(),
            name: name.to_owned(),
            client,
            said: AtomicU32::new(0),
        }
    }

    /// Says something, again and again until the backend has acknowledged it: each time as the same message.
    pub async fn say(&self, text: &str) {
        let number = self.said.fetch_add(1, Ordering::Relaxed);
        let variables = json!({
            "roomId": "lobby",
            "content": text,
            "clientMessageId": format!("{}-{number:04}-of-the-end-to-end-tests", self.name),
            "guestKey": format!("{:0<32}", self.name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()),
            "guestName": self.name,
        });
        let body = json!({"query": SEND, "variables": variables});
        let send = async || self.post("/graphql", &body).await;
        let is_taken = |answer: &Option<Value>| {
            answer.as_ref().is_some_and(|answer| answer["data"]["sendMessage"]["id"].is_string())
        };
        until_within(OUTAGE, &format!("{} has said `{text}`", self.name), send, is_taken).await;
    }

    /// Says many things, in this order, as quickly as the backend takes them.
    pub async fn say_all(&self, texts: &[String]) {
        for batch in texts.chunks(BATCH) {
            let event =
                |text| json!({"roomId": "lobby", "text": text, "guestName": self.name}).to_string();
            let events = batch.iter().map(event).collect::<Vec<_>>();
            let answer =
                self.post("/event", &json!({"channel": "/chat/lobby", "events": events})).await;
            let failed = answer.map(|answer| answer["failed"].clone());
            assert_eq!(failed, Some(json!([])), "all events are taken");
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let request = self.client.post(format!("http://{}{path}", self.authority));
        let answer =
            request.header("x-api-key", &self.api_key).body(body.to_string()).send().await.ok()?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }
}
