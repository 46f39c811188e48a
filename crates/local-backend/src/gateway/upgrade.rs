//! The upgrade of an HTTP request, which is the `$connect` route.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::upgrade::OnUpgrade;

use super::connection::Connection;
use super::limits::MAX_URL;
use super::peer::GatewayPeer;
use super::{Dialect, Gateway};
use crate::access::Admission;
use crate::appsync::Headers;
use crate::backend::now;
use crate::faults::SilentDeath;
use crate::rooms::RoomId;
use crate::sign_in::{SignedRequest, looks_like_jwt};
use crate::socket::{self, Ending, Refusal, handshake_key, query_pairs, subprotocols, url_length};

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
            gateway.backend.log.refused(dialect.served(), status.as_u16());
            let mut response = Response::new(Body::from(format!("{sentence}\n")));
            *response.status_mut() = status;
            response
        }
    }
}

async fn accept(
    gateway: &Arc<Gateway>,
    dialect: Dialect,
    mut request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    if url_length(&request) > MAX_URL {
        return Err((StatusCode::URI_TOO_LONG, "The URL is longer than 4,096 characters."));
    }
    let accept_key = handshake_key(&request)?;
    if let Some(status) = gateway.backend.faults.refusal(dialect.served()) {
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
    let token = token.or(query.token);
    let admission = if query.is_signed {
        admit_signed(gateway, &request)?
    } else {
        admit_token(gateway, token)?
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
    let (connection, receiver) =
        Connection::new(dialect, admission, first_room, rate_limit, gateway.limits.max_backlog);
    let connection = Arc::new(connection);
    if !gateway.registry.add(&connection) {
        return Err((StatusCode::TOO_MANY_REQUESTS, "There are too many connections."));
    }
    if let Err(error) = gateway.connect(&connection).await {
        eprintln!("roomlet-local: {error}");
        gateway.registry.remove(&connection.id);
        return Err((StatusCode::BAD_GATEWAY, "The $connect route failed."));
    }
    let backend = &gateway.backend;
    if backend.faults.get().path(dialect.served()).silent_death == SilentDeath::All {
        connection.outbox.end(Ending::Silence);
    }
    backend.log.connected(dialect.served(), connection.id.as_str());
    let peer = GatewayPeer { gateway: Arc::clone(gateway), connection };
    tokio::spawn(socket::run(Arc::new(peer), receiver, on_upgrade));

    let answers = offered.iter().any(|protocol| protocol == SUBPROTOCOL);
    Ok(socket::accept(accept_key, answers.then_some(SUBPROTOCOL)))
}

/// What a Lambda authorizer does: knows tokens, and reads those of a user pool.
fn admit_token(gateway: &Gateway, token: Option<String>) -> Result<Admission, Refusal> {
    let backend = &gateway.backend;
    if let Some(jwt) = token.as_deref().filter(|token| looks_like_jwt(token))
        && backend.access.admit_known(jwt).is_none()
    {
        return match backend.sign_in.verify_jwt(jwt, now()) {
            Ok(user) => Ok(Admission::of_user(user)),
            Err(_) => Err((StatusCode::UNAUTHORIZED, "This token is not valid, or not any more.")),
        };
    }
    let refused = (StatusCode::UNAUTHORIZED, "This needs a token that the server knows.");
    backend.access.admit(token).ok_or(refused)
}

/// What IAM authorization does: verifies a signature in the query (API Gateway developer guide,
/// "Control access to a WebSocket API with IAM authorization").
fn admit_signed(gateway: &Gateway, request: &Request<Body>) -> Result<Admission, Refusal> {
    let headers = Headers::of_request(request.headers());
    let signed = SignedRequest {
        service: "execute-api",
        method: "GET",
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: headers.all(),
        body: b"",
    };
    let verified = gateway.backend.sign_in.verify_query(&signed, now());
    let refused = (StatusCode::FORBIDDEN, "The signature of this URL is not valid.");
    verified.map(|()| Admission::default()).map_err(|_| refused)
}

/// The parameters of the URL that `$connect` looks at; of one given twice the last counts, as in
/// the `queryStringParameters` of the service.
#[derive(Default)]
struct Query {
    room_id: Option<String>,
    token: Option<String>,
    is_signed: bool,
}

impl Query {
    fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in query_pairs(query) {
            match name.as_str() {
                "roomId" => parsed.room_id = Some(value),
                "token" => parsed.token = Some(value),
                "X-Amz-Signature" => parsed.is_signed = true,
                _ => {}
            }
        }
        parsed
    }
}
