//! The upgrade of an HTTP request, which is the `$connect` route.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::upgrade::OnUpgrade;
use percent_encoding::percent_decode_str;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::connection::{Connection, Ending};
use super::limits::MAX_URL;
use super::{Dialect, Gateway, socket};
use crate::faults::SilentDeath;
use crate::rooms::RoomId;

/// The subprotocol that is answered.
const SUBPROTOCOL: &str = "roomlet.v1";

/// What the subprotocol that carries a token begins with.
const TOKEN_SUBPROTOCOL_PREFIX: &str = "token.";

/// Answers an upgrade, and starts the connection's task if it is accepted.
pub(crate) async fn upgrade(
    gateway: &Arc<Gateway>,
    dialect: Dialect,
    request: Request<Body>,
) -> Response<Body> {
    match accept(gateway, dialect, request).await {
        Ok(response) => response,
        Err((status, sentence)) => {
            gateway.log.refused(dialect, status.as_u16());
            let mut response = Response::new(Body::from(format!("{sentence}\n")));
            *response.status_mut() = status;
            response
        }
    }
}

type Refusal = (StatusCode, &'static str);

async fn accept(
    gateway: &Arc<Gateway>,
    dialect: Dialect,
    mut request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    if url_length(&request) > MAX_URL {
        return Err((StatusCode::URI_TOO_LONG, "The URL is longer than 4,096 characters."));
    }
    let accept_key = handshake_key(&request)?;
    if let Some(status) = gateway.faults.refusal(dialect) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        return Err((status, "A fault switch refuses this upgrade."));
    }
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let offered = subprotocols(request.headers());
    let token = offered.iter().find_map(|protocol| {
        let encoded = protocol.strip_prefix(TOKEN_SUBPROTOCOL_PREFIX)?;
        // What is no base64url is no token either, and must not pass for none.
        let decoded = URL_SAFE_NO_PAD.decode(encoded).ok();
        Some(decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())
    });
    let Some(admission) = gateway.access.admit(token.or(query.token)) else {
        return Err((StatusCode::UNAUTHORIZED, "This needs a token that the server knows."));
    };
    let first_room = match dialect {
        Dialect::Full => RoomId::parse(query.room_id.as_deref()),
        Dialect::Basic => match query.room_id.as_deref() {
            None | Some("") => Some(RoomId::lobby()),
            Some(id) => RoomId::parse_basic(id),
        },
    };
    let rate_limit = match dialect {
        Dialect::Full => gateway.limits.rate_limit,
        Dialect::Basic => 0,
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err((StatusCode::UPGRADE_REQUIRED, "This connection cannot be upgraded."));
    };
    let (connection, receiver) = Connection::new(dialect, admission, first_room, rate_limit);
    let connection = Arc::new(connection);
    if !gateway.registry.add(&connection) {
        return Err((StatusCode::TOO_MANY_REQUESTS, "There are too many connections."));
    }
    if let Err(error) = gateway.connect(&connection).await {
        eprintln!("roomlet-local: {error}");
        gateway.registry.remove(&connection.id);
        return Err((StatusCode::BAD_GATEWAY, "The $connect route failed."));
    }
    let switches = gateway.faults.get();
    let death = match dialect {
        Dialect::Full => switches.prod.silent_death,
        Dialect::Basic => switches.basic.silent_death,
    };
    if death == SilentDeath::All {
        connection.outbox.end(Ending::Silence);
    }
    gateway.log.connected(dialect, connection.id.as_str());
    tokio::spawn(socket::run(Arc::clone(gateway), connection, receiver, on_upgrade));

    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept_key);
    if offered.iter().any(|protocol| protocol == SUBPROTOCOL) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

/// The length of the URL as the client wrote it, of which a request has all but the scheme.
fn url_length(request: &Request<Body>) -> usize {
    let host = request.headers().get(HOST).map_or(0, HeaderValue::len);
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    "ws://".len() + host + path
}

fn handshake_key(request: &Request<Body>) -> Result<HeaderValue, Refusal> {
    let headers = request.headers();
    let names_token = |name, token: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    };
    let upgrades = request.method() == Method::GET
        && names_token(CONNECTION, "upgrade")
        && names_token(UPGRADE, "websocket");
    if !upgrades {
        return Err((StatusCode::UPGRADE_REQUIRED, "Open this address as a WebSocket."));
    }
    let version = headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    let key = headers.get(SEC_WEBSOCKET_KEY);
    let (Some(b"13"), Some(key)) = (version, key) else {
        return Err((
            StatusCode::BAD_REQUEST,
            "The handshake is not that of WebSocket version 13.",
        ));
    };
    HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| (StatusCode::BAD_REQUEST, "The handshake has no usable key."))
}

fn subprotocols(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|word| word.trim().to_owned()).collect()
}

/// The parameters of the URL that `$connect` looks at; of one given twice the last counts, as in
/// the `queryStringParameters` of the service.
#[derive(Default)]
struct Query {
    room_id: Option<String>,
    token: Option<String>,
}

impl Query {
    fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match decode(name).as_str() {
                "roomId" => parsed.room_id = Some(decode(value)),
                "token" => parsed.token = Some(decode(value)),
                _ => {}
            }
        }
        parsed
    }
}

fn decode(part: &str) -> String {
    let spaced = part.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}
