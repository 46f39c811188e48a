//! Somebody in a room, by any of the full protocols.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::in_time;

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// What a full client of GraphQL selects of a message.
const ALL: &str = "id roomId sender senderName senderKind content createdAt clientMessageId";

/// Bytes that the library reads at once; a thousand sockets have such a buffer each.
const READ_BUFFER_BYTES: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Gateway,
    GraphQl,
    Events,
}

/// A message as somebody got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) created_at: String,
    pub(crate) text: String,
    pub(crate) client_message_id: String,
}

impl Message {
    /// Reads a message whose words are under `text`.
    pub(crate) fn read(fields: &Value, text: &str) -> Self {
        let word = |name: &str| match &fields[name] {
            Value::String(word) => word.clone(),
            other => panic!("{name} is {other}"),
        };
        Self {
            id: word("id"),
            created_at: word("createdAt"),
            text: word(text),
            client_message_id: word("clientMessageId"),
        }
    }
}

impl Protocol {
    /// Connects, and enters a room. A `receive_buffer` is how many bytes the system keeps for a
    /// client that does not read.
    pub(crate) async fn enter(
        self,
        address: SocketAddr,
        room: &str,
        guest_key: &str,
        receive_buffer: Option<u32>,
    ) -> Socket {
        let authorization = json!({"host": "localhost", "x-api-key": "da2-local"});
        let header = URL_SAFE_NO_PAD.encode(authorization.to_string());
        match self {
            Self::Gateway => {
                let path = format!("/prod?roomId={room}");
                let mut socket = connect(address, &path, None, receive_buffer).await;
                let hello = json!({"action": "hello", "guestKey": guest_key});
                let mut frame = ask(&mut socket, &hello).await;
                // The connection is in its room already, where others speak.
                while frame["type"] == "message" {
                    frame = next(&mut socket).await;
                }
                assert_eq!(frame["type"], "welcome");
                socket
            }
            Self::GraphQl => {
                let offer = format!("graphql-ws, header-{header}");
                let path = "/graphql/realtime";
                let mut socket = connect(address, path, Some(&offer), receive_buffer).await;
                let ack = ask(&mut socket, &json!({"type": "connection_init"})).await;
                assert_eq!(ack["type"], "connection_ack");
                let query =
                    format!("subscription S($r: ID!) {{ onNewMessage(roomId: $r) {{ {ALL} }} }}");
                let data = json!({"query": query, "variables": {"r": room}}).to_string();
                let extensions = json!({"authorization": authorization});
                let payload = json!({"data": data, "extensions": extensions});
                let start = json!({"id": "s", "type": "start", "payload": payload});
                assert_eq!(ask(&mut socket, &start).await["type"], "start_ack");
                socket
            }
            Self::Events => {
                let offer = format!("aws-appsync-event-ws, header-{header}");
                let path = "/event/realtime";
                let mut socket = connect(address, path, Some(&offer), receive_buffer).await;
                let ack = ask(&mut socket, &json!({"type": "connection_init"})).await;
                assert_eq!(ack["type"], "connection_ack");
                let subscribe = json!({
                    "type": "subscribe", "id": "s", "channel": format!("/chat/{room}"),
                    "authorization": {"x-api-key": "da2-local"},
                });
                assert_eq!(ask(&mut socket, &subscribe).await["type"], "subscribe_success");
                socket
            }
        }
    }

    /// The message of a frame that delivers one.
    pub(crate) fn delivered(self, frame: &Value) -> Option<Message> {
        match self {
            Self::Gateway => (frame["type"] == "message").then(|| Message::read(frame, "text")),
            Self::GraphQl => (frame["type"] == "data")
                .then(|| Message::read(&frame["payload"]["data"]["onNewMessage"], "content")),
            Self::Events => (frame["type"] == "data").then(|| {
                let event = frame["event"].as_str().expect("an event is text");
                Message::read(&serde_json::from_str(event).unwrap(), "text")
            }),
        }
    }
}

/// The mutation that sends a message and selects all of it.
pub(crate) fn mutation(room: &str, message: (&str, &str), guest_key: &str) -> Value {
    let (client_message_id, text) = message;
    let query = format!(
        "mutation M($r: ID!, $c: String!, $m: String, $k: String) {{ \
         sendMessage(roomId: $r, content: $c, clientMessageId: $m, guestKey: $k) {{ {ALL} }} }}"
    );
    let variables = json!({"r": room, "c": text, "m": client_message_id, "k": guest_key});
    json!({"query": query, "variables": variables})
}

/// Sends a frame and gives the next one that comes.
pub(crate) async fn ask(socket: &mut Socket, frame: &Value) -> Value {
    socket.send(Frame::text(frame.to_string())).await.unwrap();
    next(socket).await
}

async fn next(socket: &mut Socket) -> Value {
    match in_time("an answer", socket.next()).await {
        Some(Ok(Frame::Text(text))) => serde_json::from_str(&text).unwrap(),
        other => panic!("expected an answer, got {other:?}"),
    }
}

async fn connect(
    address: SocketAddr,
    path: &str,
    subprotocols: Option<&str>,
    receive_buffer: Option<u32>,
) -> Socket {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    if let Some(subprotocols) = subprotocols {
        request.headers_mut().insert("sec-websocket-protocol", subprotocols.parse().unwrap());
    }
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    let stream = in_time("a connection", socket.connect(address)).await.unwrap();
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let upgrade = client_async_with_config(request, stream, Some(config));
    in_time("an upgrade", upgrade).await.unwrap().0
}
