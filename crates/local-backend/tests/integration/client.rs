//! The client of these tests.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use roomlet_local::{Options, RunningServer, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longest wait for something that should come.
const DEADLINE: Duration = Duration::from_secs(20);

/// The guest key of everybody who does not bring one.
pub(crate) const KEY: &str = "00112233445566778899aabbccddeeff";

pub(crate) async fn server() -> RunningServer {
    Server::start(Options::in_memory()).await.unwrap()
}

pub(crate) async fn server_with(change: impl FnOnce(&mut Options)) -> RunningServer {
    let mut options = Options::in_memory();
    change(&mut options);
    Server::start(options).await.unwrap()
}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The `Sec-WebSocket-Protocol` of the answer.
    pub(crate) subprotocol: Option<String>,
}

impl Client {
    /// Connects to a URL.
    pub(crate) async fn open(url: &str) -> Self {
        Self::open_with(url, &[]).await.unwrap()
    }

    /// Connects with these headers; the error is the status of the refusal.
    pub(crate) async fn open_with(
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match timeout(DEADLINE, connect_async(request)).await.expect("no answer to the upgrade") {
            Ok((socket, response)) => {
                let subprotocol = response.headers().get("sec-websocket-protocol");
                let subprotocol = subprotocol.map(|value| value.to_str().unwrap().to_owned());
                Ok(Self { socket, subprotocol })
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            // The library wants one of the subprotocols it offered; the gateway need not give one.
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects to `/prod` and says `hello`.
    pub(crate) async fn hello(server: &RunningServer, room: &str, name: &str) -> Self {
        let mut client = Self::open(&server.url(&format!("/prod?roomId={room}"))).await;
        let welcome = client.ask(json!({"action": "hello", "guestKey": KEY, "name": name})).await;
        assert_eq!(welcome["type"], "welcome");
        client
    }

    /// Connects to `/basic`.
    pub(crate) async fn basic(server: &RunningServer, room: &str) -> Self {
        Self::open(&server.url(&format!("/basic?roomId={room}"))).await
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next_message(&mut self) -> Option<Result<Message, Error>> {
        timeout(DEADLINE, self.socket.next()).await.expect("nothing came")
    }

    pub(crate) async fn next_text(&mut self) -> String {
        match self.next_message().await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("expected a text frame, got {other:?}"),
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        let text = self.next_text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// Sends a frame and gives the next one that comes.
    pub(crate) async fn ask(&mut self, frame: Value) -> Value {
        self.send(frame).await;
        self.next().await
    }

    /// Sends a message with a client message id, and gives its broadcast and its acknowledgement.
    pub(crate) async fn say(&mut self, room: &str, text: &str, id: &str) -> (Value, Value) {
        let message = self.ask(send_message(room, text, id)).await;
        assert_eq!(message["type"], "message", "{message}");
        let ack = self.next().await;
        assert_eq!(ack["type"], "ack", "{ack}");
        (message, ack)
    }

    /// Nothing waits for this client, who has said `hello`: the next frame answers a ping.
    pub(crate) async fn expect_quiet(&mut self) {
        let pong = self.ask(json!({"action": "ping"})).await;
        assert_eq!(pong, json!({"type": "pong"}));
    }

    /// Nothing waits for this client of any kind: the next frame is one that is sent now.
    pub(crate) async fn expect_quiet_by_marker(&mut self, server: &RunningServer, room: &str) {
        assert!(server.send_raw(room, "marker") > 0);
        assert_eq!(self.next_text().await, "marker");
    }

    /// Waits for the end; `None` is an end without a close frame.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.next_message().await {
                Some(Ok(Message::Close(frame))) => {
                    return Some(frame.expect("a close frame has a code").code.into());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

pub(crate) fn send_message(room: &str, text: &str, id: &str) -> Value {
    json!({"action": "sendMessage", "roomId": room, "text": text, "clientMessageId": id})
}

pub(crate) fn basic_send(room: &str, text: &str) -> Value {
    json!({"action": "sendMessage", "roomId": room, "text": text})
}

/// Asserts a frame of the gateway itself, and gives the connection id it tells.
pub(crate) fn expect_gateway_error(frame: &Value, message: &str) -> String {
    let keys: Vec<&String> = frame.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["connectionId", "message", "requestId"], "{frame}");
    assert_eq!(frame["message"], message);
    let connection_id = frame["connectionId"].as_str().unwrap();
    assert!(connection_id.ends_with('='), "{connection_id}");
    connection_id.to_owned()
}

pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// One HTTP request, written by hand so that every header is ours.
pub(crate) async fn http(
    server: &RunningServer,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> HttpAnswer {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = body.len();
    request.push_str(&format!("Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    HttpAnswer { status, headers, body: body.to_owned() }
}

/// Waits until the server has what is asked for; each look is a turn of the runtime, not a sleep.
pub(crate) async fn eventually(mut reached: impl FnMut() -> bool) {
    let looking = async {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, looking).await.expect("it did not come to that");
}
