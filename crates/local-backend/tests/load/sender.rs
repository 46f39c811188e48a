//! Somebody who sends as fast as the server answers, and writes down what it was told.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::http::Http;
use crate::in_time;
use crate::ledger::{Ledger, Sent};
use crate::member::{Message, Protocol, Socket, mutation};

/// Messages of one socket that wait for their acknowledgement.
const WINDOW: usize = 8;

/// How many messages each sender has had acknowledged.
pub(crate) type Progress = watch::Sender<Vec<usize>>;

#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// Its place among the senders.
    pub(crate) number: usize,
    pub(crate) protocol: Protocol,
    pub(crate) room: &'static str,
}

/// What a sender has to say.
pub(crate) struct Errand {
    /// What it sends first, since it does not know of all of it whether it arrived.
    pub(crate) again: VecDeque<Sent>,
    /// What comes then; `None` if that is all.
    pub(crate) fresh: Option<Fresh>,
}

/// New messages, without end.
pub(crate) struct Fresh {
    /// What their ids begin with.
    pub(crate) prefix: String,
    pub(crate) count: usize,
}

impl Sender {
    /// Sends until the server goes away, or until all of a finite errand is acknowledged.
    pub(crate) async fn run(
        &self,
        address: SocketAddr,
        mut errand: Errand,
        progress: &Progress,
    ) -> Ledger {
        let mut ledger = Ledger::default();
        match self.protocol {
            Protocol::Gateway | Protocol::Events => {
                let key = self.guest_key();
                let mut socket = self.protocol.enter(address, self.room, &key, None).await;
                self.run_socket(&mut socket, &mut errand, &mut ledger, progress).await;
            }
            Protocol::GraphQl => {
                self.run_requests(address, &mut errand, &mut ledger, progress).await;
            }
        }
        ledger
    }

    async fn run_socket(
        &self,
        socket: &mut Socket,
        errand: &mut Errand,
        ledger: &mut Ledger,
        progress: &Progress,
    ) {
        let mut waiting = 0;
        loop {
            while waiting < WINDOW
                && let Some(next) = errand.next()
            {
                ledger.sent.insert(next.client_message_id.clone(), next.text.clone());
                let frame = Frame::text(self.frame(&next).to_string());
                if in_time("room to send", socket.send(frame)).await.is_err() {
                    return;
                }
                waiting += 1;
            }
            if waiting == 0 {
                return;
            }
            let frame = match in_time("an acknowledgement", socket.next()).await {
                Some(Ok(Frame::Text(text))) => serde_json::from_str::<Value>(&text).unwrap(),
                Some(Ok(_) | Err(_)) | None => return,
            };
            if let Some(message) = self.protocol.delivered(&frame) {
                ledger.seen.push(message);
            } else {
                ledger.acknowledged.push(acknowledgement(&frame));
                waiting -= 1;
                self.count(progress);
            }
        }
    }

    async fn run_requests(
        &self,
        address: SocketAddr,
        errand: &mut Errand,
        ledger: &mut Ledger,
        progress: &Progress,
    ) {
        let Some(mut http) = Http::connect(address).await else {
            return;
        };
        while let Some(next) = errand.next() {
            ledger.sent.insert(next.client_message_id.clone(), next.text.clone());
            let message = (next.client_message_id.as_str(), next.text.as_str());
            let body = mutation(self.room, message, &self.guest_key());
            let posted = http.post("/graphql", &body);
            let Some(answer) = in_time("an answer", posted).await else {
                return;
            };
            assert!(answer.get("errors").is_none(), "{answer}");
            let message = Message::read(&answer["data"]["sendMessage"], "content");
            let told = (message.id.clone(), message.created_at.clone());
            ledger.acknowledged.push((message.client_message_id.clone(), Some(told)));
            ledger.seen.push(message);
            self.count(progress);
        }
    }

    fn frame(&self, sent: &Sent) -> Value {
        let Sent { client_message_id, text } = sent;
        if self.protocol == Protocol::Gateway {
            return json!({
                "action": "sendMessage", "roomId": self.room, "text": text,
                "clientMessageId": client_message_id,
            });
        }
        let event = json!({
            "text": text, "clientMessageId": client_message_id, "guestKey": self.guest_key(),
        });
        json!({
            "type": "publish", "id": client_message_id, "channel": format!("/chat/{}", self.room),
            "events": [event.to_string()], "authorization": {"x-api-key": "da2-local"},
        })
    }

    fn guest_key(&self) -> String {
        format!("{:032x}", self.number + 1)
    }

    fn count(&self, progress: &Progress) {
        progress.send_modify(|counts| counts[self.number] += 1);
    }
}

/// The client message id of an acknowledgement, with the id and time of the message if it has them.
fn acknowledgement(frame: &Value) -> (String, Option<(String, String)>) {
    let word = |name: &str| frame[name].as_str().expect("an acknowledgement is whole").to_owned();
    if frame["type"] == "ack" {
        return (word("clientMessageId"), Some((word("id"), word("createdAt"))));
    }
    assert_eq!(frame["type"], "publish_success", "{frame}");
    assert_eq!(frame["failed"], json!([]), "{frame}");
    assert_eq!(frame["successful"].as_array().map(Vec::len), Some(1), "{frame}");
    (word("id"), None)
}

impl Errand {
    fn next(&mut self) -> Option<Sent> {
        if let Some(again) = self.again.pop_front() {
            return Some(again);
        }
        let fresh = self.fresh.as_mut()?;
        fresh.count += 1;
        let client_message_id = format!("{}-{}", fresh.prefix, fresh.count);
        let text = format!("{client_message_id} {}", "words ".repeat(fresh.count % 40));
        Some(Sent { client_message_id, text })
    }
}
