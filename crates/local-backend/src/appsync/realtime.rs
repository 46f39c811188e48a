//! The socket loop that both protocols share: upgrade, authorization, acknowledgement, `ka`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::connection::{Connection, Subscription};
use super::endpoint::Endpoint;
use super::{Caller, Operation, ServiceError, authorize, handshake};
use crate::backend::random_bytes;
use crate::faults::{FrameKind, SilentDeath};
use crate::socket::{self, Ending, Outbox, Peer, Refusal, SocketLimits};

/// Longest frame that is read: the largest publish request (AppSync Events quotas: 1.2 MB), its
/// escapes and its authorization.
const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;

/// The code with which the service ends connections, whatever the reason.
const CLOSE_CODE: u16 = 1000;

/// What a signature of a connection covers.
const CONNECT_BODY: &[u8] = b"{}";

/// A frame from a client.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Its `type`.
    pub(crate) kind: String,
    /// Its `id`, if that is text.
    pub(crate) id: Option<String>,
    /// All of its members.
    pub(crate) fields: Map<String, Value>,
}

/// A realtime protocol of AppSync.
pub(crate) trait Realtime: Send + Sync + Sized + 'static {
    /// What its clients subscribe to.
    type Subscription: Subscription;

    /// The subprotocol that its clients offer and that is answered.
    const SUBPROTOCOL: &'static str;

    /// Its sockets.
    fn endpoint(&self) -> &Endpoint<Self::Subscription>;

    /// The path that a signature of a connection covers.
    fn signed_connect_path(&self) -> &'static str;

    /// The frame that acknowledges a connection.
    fn acknowledgement(timeout_ms: u64) -> String;

    /// The frame that refuses one.
    fn connection_error(error: &ServiceError) -> String;

    /// The frame that answers a frame which cannot be served.
    fn error(id: Option<&str>, error: &ServiceError) -> String;

    /// Serves a frame, of a connection that is acknowledged.
    fn receive(
        self: &Arc<Self>,
        connection: &Arc<Connection<Self::Subscription>>,
        frame: Frame,
    ) -> impl Future<Output = ()> + Send;

    /// Forgets a connection that ended.
    fn closed(&self, _connection: &Connection<Self::Subscription>) {}
}

/// Answers an upgrade, and starts the connection's task. Who may not connect is not told here but by
/// the first frame, as by the service.
pub(crate) async fn upgrade<P: Realtime>(
    protocol: &Arc<P>,
    request: Request<Body>,
) -> Response<Body> {
    match accept(protocol, request) {
        Ok(response) => response,
        Err((status, sentence)) => {
            let endpoint = protocol.endpoint();
            endpoint.backend.log.refused(endpoint.path, status.as_u16());
            let mut response = Response::new(Body::from(format!("{sentence}\n")));
            *response.status_mut() = status;
            response
        }
    }
}

fn accept<P: Realtime>(
    protocol: &Arc<P>,
    mut request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let endpoint = protocol.endpoint();
    let backend = &endpoint.backend;
    let key = socket::handshake_key(&request)?;
    if let Some(status) = backend.faults.refusal(endpoint.path) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        return Err((status, "A fault switch refuses this upgrade."));
    }
    let offer = handshake::read(&request, P::SUBPROTOCOL);
    let subprotocol = offer.offers_protocol.then_some(P::SUBPROTOCOL);
    let judged = judge(protocol, &offer);
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err((StatusCode::UPGRADE_REQUIRED, "This connection cannot be upgraded."));
    };
    let id = format!("{:032x}", u128::from_le_bytes(random_bytes()));
    let label = judged.as_ref().map_or_else(|_| "nobody".to_owned(), Caller::label);
    let (connection, receiver) =
        Connection::new(id, endpoint.path, label, endpoint.limits.max_backlog);
    let connection = Arc::new(connection);
    if !endpoint.add(&connection) {
        return Err((StatusCode::TOO_MANY_REQUESTS, "There are too many connections."));
    }
    let faults = backend.faults.get();
    if let Err(error) = &judged {
        let frame = P::connection_error(error);
        let fate = backend.faults.outgoing(endpoint.path, FrameKind::Other);
        connection.outbox.queue_last(frame, fate, CLOSE_CODE);
    } else if faults.path(endpoint.path).silent_death == SilentDeath::All {
        connection.outbox.end(Ending::Silence);
    }
    backend.log.connected(endpoint.path, &connection.id);
    let socket =
        RealtimePeer { protocol: Arc::clone(protocol), connection, refused: judged.is_err() };
    tokio::spawn(socket::run(Arc::new(socket), receiver, on_upgrade));
    Ok(socket::accept(key, subprotocol))
}

fn judge<P: Realtime>(protocol: &Arc<P>, offer: &handshake::Offer) -> Result<Caller, ServiceError> {
    let endpoint = protocol.endpoint();
    if let Some(error) = endpoint.backend.faults.connection_error(endpoint.path) {
        return Err(error);
    }
    if !offer.offers_protocol {
        let sentence = format!("Offer the WebSocket subprotocol {}.", P::SUBPROTOCOL);
        return Err(ServiceError::new("NoProtocolError", sentence, 400));
    }
    let operation = Operation {
        path: endpoint.path,
        signed_path: protocol.signed_connect_path(),
        body: CONNECT_BODY,
        needs_host: true,
    };
    let headers = offer.headers.as_ref().map_err(ServiceError::clone)?;
    authorize(&endpoint.backend, headers, &operation)
}

/// A connection together with its protocol.
struct RealtimePeer<P: Realtime> {
    protocol: Arc<P>,
    connection: Arc<Connection<P::Subscription>>,
    refused: bool,
}

impl<P: Realtime> RealtimePeer<P> {
    fn post(&self, text: String, kind: FrameKind) {
        self.connection.post(&self.protocol.endpoint().backend.faults, text, kind);
    }

    fn acknowledge(&self) {
        self.connection.acknowledged.store(true, Ordering::Relaxed);
        let timeout_ms = self.protocol.endpoint().limits.connection_timeout_ms();
        self.post(P::acknowledgement(timeout_ms), FrameKind::Other);
    }
}

impl<P: Realtime> Peer for RealtimePeer<P> {
    fn outbox(&self) -> &Outbox {
        &self.connection.outbox
    }

    fn limits(&self) -> SocketLimits {
        let limits = &self.protocol.endpoint().limits;
        SocketLimits {
            max_frame: MAX_FRAME_BYTES,
            max_message: MAX_FRAME_BYTES,
            idle_timeout: None,
            lifetime: limits.lifetime,
            end_of_life: (CLOSE_CODE, ""),
            keep_alive: Some(limits.keep_alive),
        }
    }

    fn running(&self) -> watch::Receiver<()> {
        self.protocol.endpoint().backend.running()
    }

    async fn receive(self: &Arc<Self>, text: &str) {
        let connection = &self.connection;
        connection.frames_in.fetch_add(1, Ordering::Relaxed);
        self.protocol.endpoint().backend.log.received(connection.path, &connection.id, text);
        if self.refused {
            return;
        }
        let acknowledged = connection.acknowledged.load(Ordering::Relaxed);
        match read(text) {
            Some(frame) if frame.kind == "connection_init" => self.acknowledge(),
            // What comes before the acknowledgement is ignored (AppSync developer guide).
            _ if !acknowledged => {}
            Some(frame) => self.protocol.receive(connection, frame).await,
            None => {
                let error = ServiceError::unsupported("unknown");
                self.post(P::error(None, &error), FrameKind::Other);
            }
        }
    }

    fn swallows_frame(&self) -> bool {
        self.protocol.endpoint().backend.swallows(self.connection.path)
    }

    fn keep_alive(&self) {
        if self.connection.acknowledged.load(Ordering::Relaxed) {
            self.post(r#"{"type":"ka"}"#.to_owned(), FrameKind::KeepAlive);
        }
    }

    async fn closed(self: &Arc<Self>, code: Option<u16>) {
        let endpoint = self.protocol.endpoint();
        endpoint.remove(&self.connection.id);
        self.protocol.closed(&self.connection);
        endpoint.backend.log.disconnected(endpoint.path, &self.connection.id, code);
    }
}

fn read(text: &str) -> Option<Frame> {
    let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    let kind = fields.get("type")?.as_str()?.to_owned();
    let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
    Some(Frame { kind, id, fields })
}
