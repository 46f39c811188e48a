//! HTTP requests, one after the other on one connection.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, HOST};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Longest answer: what is known of a thousand connections.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

pub(crate) struct Http {
    requests: SendRequest<Body>,
}

impl Http {
    /// Connects; there is nothing where the server has gone.
    pub(crate) async fn connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Self { requests })
    }

    /// Posts JSON to AppSync and gives the JSON of the answer, unless none came.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Option<Value> {
        self.ask("POST", path, ("x-api-key", "da2-local"), body.to_string()).await
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        (name, value): (&str, &str),
        body: String,
    ) -> Option<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .header(name, value)
            .body(Body::from(body))
            .unwrap();
        let answer = self.requests.send_request(request).await.ok()?;
        let (head, body) = answer.into_parts();
        let body = to_bytes(Body::new(body), MAX_ANSWER_BYTES).await.ok()?;
        assert_eq!(head.status.as_u16(), 200, "{}", String::from_utf8_lossy(&body));
        Some(serde_json::from_slice(&body).expect("answers are JSON"))
    }
}

/// Asks the fault switches of a server that runs.
pub(crate) async fn local(address: SocketAddr, method: &str, path: &str, body: &str) -> Value {
    let mut http = Http::connect(address).await.expect("the server runs");
    let path = format!("/__local/{path}");
    let answer = http.ask(method, &path, ("x-roomlet-local", "1"), body.to_owned()).await;
    answer.expect("the server answers")
}
