//! The HTTP side of a WebSocket: reading and answering an upgrade (RFC 6455, section 4.2).

use axum::body::Body;
use axum::http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A status and a sentence.
pub(crate) type Refusal = (StatusCode, &'static str);

/// The length of the URL as the client wrote it, of which a request has all but the scheme.
pub(crate) fn url_length(request: &Request<Body>) -> usize {
    let host = request.headers().get(HOST).map_or(0, HeaderValue::len);
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    "ws://".len() + host + path
}

/// Checks that a request is an upgrade, and gives the key that accepts it.
pub(crate) fn handshake_key(request: &Request<Body>) -> Result<HeaderValue, Refusal> {
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

/// The answer that accepts an upgrade, with the subprotocol that was chosen.
pub(crate) fn accept(key: HeaderValue, subprotocol: Option<&'static str>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    if let Some(subprotocol) = subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    response
}

/// The subprotocols that a client offers.
pub(crate) fn subprotocols(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|word| word.trim().to_owned()).collect()
}

/// The decoded parameters of a query, in their order.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(part: &str) -> String {
    let spaced = part.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}
