//! The other ends of a client's connections: what it has asked for, and what was not answered yet.

use std::collections::{BTreeSet, VecDeque};

use roomlet_client::{ConnectionId, HttpRequestId, Output, QuestionId};
use serde_json::Value;

/// Frames that wait for an answer, and sends to answer about; older ones are forgotten.
const MAX_KEPT: usize = 64;
/// Live sockets, at most: each of five rooms of an API Gateway has one, and a second while it changes over.
const MAX_SOCKETS: usize = 10;

#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) requests: Vec<Request>,
    pub(crate) questions: Vec<QuestionId>,
    /// What was said and not answered, the oldest first.
    pub(crate) frames: VecDeque<Frame>,
    /// Subscriptions, the newest last.
    pub(crate) subscriptions: VecDeque<Subscription>,
    /// Sends, the newest last.
    pub(crate) sends: VecDeque<Send>,
    /// The id of the history request that was sent last on a socket.
    pub(crate) history: String,
    seen: BTreeSet<(Kind, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Socket,
    Request,
    Question,
}

/// A connection that neither end has given up.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) id: ConnectionId,
    pub(crate) url: String,
    pub(crate) is_open: bool,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: HttpRequestId,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) connection: ConnectionId,
    pub(crate) body: Value,
}

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) connection: ConnectionId,
    pub(crate) id: String,
    pub(crate) room: String,
}

/// What a client says when it sends a message.
#[derive(Debug)]
pub(crate) struct Send {
    pub(crate) text: String,
    pub(crate) id: Option<String>,
}

impl Wire {
    pub(crate) fn take(&mut self, output: Output) {
        match output {
            Output::OpenSocket { connection, url, subprotocols } => {
                self.see(Kind::Socket, connection.0);
                assert!(url.starts_with("wss://") && is_visible(&url), "no address: {url}");
                let are_tokens = subprotocols.iter().all(|one| is_token(one));
                assert!(are_tokens, "no subprotocols: {subprotocols:?}");
                self.sockets.push(Socket { id: connection, url, is_open: false });
                assert!(self.sockets.len() <= MAX_SOCKETS, "too many sockets");
            }
            Output::SendText { connection, text } => {
                let socket = self.sockets.iter().find(|socket| socket.id == connection);
                assert!(socket.is_some_and(|one| one.is_open), "a frame goes to no open socket");
                let body = serde_json::from_str(&text).expect("a frame is JSON");
                self.said(connection, body);
            }
            Output::CloseSocket { connection } => {
                assert!(self.end(connection), "a socket is closed that there is not");
            }
            Output::SendRequest { request, url, headers, body } => {
                self.see(Kind::Request, request.0);
                assert!(url.starts_with("https://") && is_visible(&url), "no address: {url}");
                let are_headers =
                    headers.iter().all(|(name, value)| is_token(name) && is_header_value(value));
                assert!(are_headers, "no headers: {headers:?}");
                let body = serde_json::from_str(&body).expect("a body is JSON");
                self.note_send(&body);
                self.requests.push(Request { id: request, headers, body });
            }
            Output::CancelRequest { request } => {
                let before = self.requests.len();
                self.requests.retain(|one| one.id != request);
                assert!(self.requests.len() < before, "a request is aborted that there is not");
            }
            Output::AskForCredentials { question, .. } => {
                self.see(Kind::Question, question.0);
                self.questions.push(question);
                // A later question makes an earlier one void.
                if self.questions.len() > MAX_KEPT {
                    self.questions.remove(0);
                }
            }
            _ => {}
        }
    }

    /// Ends a socket; says whether there was one.
    pub(crate) fn end(&mut self, connection: ConnectionId) -> bool {
        let before = self.sockets.len();
        self.sockets.retain(|socket| socket.id != connection);
        self.frames.retain(|frame| frame.connection != connection);
        self.subscriptions.retain(|one| one.connection != connection);
        self.sockets.len() < before
    }

    pub(crate) fn take_question(&mut self) -> Option<QuestionId> {
        self.questions.pop()
    }

    fn see(&mut self, kind: Kind, id: u32) {
        assert!(self.seen.insert((kind, id)), "an id is used twice: {kind:?} {id}");
    }

    fn said(&mut self, connection: ConnectionId, body: Value) {
        if body["action"] == "history" {
            text(&body["requestId"]).clone_into(&mut self.history);
        }
        let room = match text(&body["type"]) {
            "start" => {
                let operation = text(&body["payload"]["data"]);
                let operation = serde_json::from_str::<Value>(operation).unwrap_or_default();
                Some(text(&operation["variables"]["roomId"]).to_owned())
            }
            "subscribe" => Some(text(&body["channel"]).to_owned()),
            _ => None,
        };
        if let Some(room) = room {
            let id = text(&body["id"]).to_owned();
            self.subscriptions.push_back(Subscription { connection, id, room });
            keep(&mut self.subscriptions);
        }
        self.note_send(&body);
        self.frames.push_back(Frame { connection, body });
        keep(&mut self.frames);
    }

    /// Remembers what is said of a message, in whichever protocol.
    fn note_send(&mut self, body: &Value) {
        let event = body["events"][0].as_str().map(serde_json::from_str::<Value>);
        let (said, words) = match event {
            Some(event) => (event.expect("an event is JSON"), "text"),
            None if body["variables"]["content"].is_string() => {
                (body["variables"].clone(), "content")
            }
            None => (body.clone(), "text"),
        };
        if let Some(words) = said[words].as_str() {
            let id = said["clientMessageId"].as_str().map(str::to_owned);
            self.sends.push_back(Send { text: words.to_owned(), id });
            keep(&mut self.sends);
        }
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn keep<T>(queue: &mut VecDeque<T>) {
    while queue.len() > MAX_KEPT {
        queue.pop_front();
    }
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_legal)
}

fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
