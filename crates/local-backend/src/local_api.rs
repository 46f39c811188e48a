//! `/__local/…`: the fault switches and what tests want to know, over HTTP.
//!
//! A page cannot send the header that these paths want without asking first, and they answer no
//! such question; so only programs on this machine get here.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::faults::Faults;
use crate::services::Services;

/// What all these paths begin with.
pub(crate) const PREFIX: &str = "/__local";

/// The header that they want.
const HEADER: &str = "x-roomlet-local";

pub(crate) fn router() -> Router<Arc<Services>> {
    Router::new()
        .route("/faults", get(get_faults).put(put_faults).post(merge_faults).delete(reset_faults))
        .route("/close", post(close))
        .route("/send", post(send))
        .route("/log", get(get_log).delete(clear_log))
        .route("/connections", get(connections))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "There is no such path.") })
        .layer(middleware::from_fn(want_header))
}

async fn want_header(request: Request, next: Next) -> Response<Body> {
    let given = request.headers().get(HEADER).is_some_and(|value| value.as_bytes() == b"1");
    if given {
        next.run(request).await
    } else {
        refuse(StatusCode::FORBIDDEN, "Send the header `x-roomlet-local: 1`.").into_response()
    }
}

type Handled = Result<Response<Body>, Refusal>;

/// A status and a sentence.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let text = json!({ "error": self.1 }).to_string();
        (self.0, [(CONTENT_TYPE, "application/json")], text).into_response()
    }
}

async fn get_faults(State(services): State<Arc<Services>>) -> Response<Body> {
    answer(&services.backend.faults.get())
}

/// Replaces all switches.
async fn put_faults(State(services): State<Arc<Services>>, body: Bytes) -> Handled {
    set_faults(&services, read(&body)?).await
}

/// Changes the switches that the body names and leaves the others as they are.
async fn merge_faults(State(services): State<Arc<Services>>, body: Bytes) -> Handled {
    let changes: Value = read(&body)?;
    let mut merged = json!(services.backend.faults.get());
    merge(&mut merged, changes);
    let faults = serde_json::from_value(merged).map_err(|error| unreadable(&error))?;
    set_faults(&services, faults).await
}

async fn reset_faults(State(services): State<Arc<Services>>) -> Handled {
    set_faults(&services, Faults::default()).await
}

async fn set_faults(services: &Services, faults: Faults) -> Handled {
    faults.validate().map_err(|sentence| refuse(StatusCode::BAD_REQUEST, &sentence))?;
    services
        .set_faults(faults)
        .await
        .map_err(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))?;
    Ok(answer(&services.backend.faults.get()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseRequest {
    code: u16,
    #[serde(default)]
    reason: String,
}

/// Longest reason of a close frame (RFC 6455, section 5.5: 125 bytes with the code).
const MAX_REASON_BYTES: usize = 123;

async fn close(State(services): State<Arc<Services>>, body: Bytes) -> Handled {
    let request: CloseRequest = read(&body)?;
    let sendable = matches!(request.code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    if !sendable || request.reason.len() > MAX_REASON_BYTES {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "Give a code that a close frame can carry and a reason of at most 123 bytes.",
        ));
    }
    Ok(answer(&json!({ "connections": services.close_all(request.code, &request.reason) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendRequest {
    room_id: String,
    text: String,
}

async fn send(State(services): State<Arc<Services>>, body: Bytes) -> Handled {
    let request: SendRequest = read(&body)?;
    let connections = services.send_raw(&request.room_id, &request.text);
    Ok(answer(&json!({ "connections": connections })))
}

async fn get_log(State(services): State<Arc<Services>>) -> Response<Body> {
    answer(&services.backend.log.get())
}

async fn clear_log(State(services): State<Arc<Services>>) -> Response<Body> {
    services.backend.log.clear();
    answer(&services.backend.log.get())
}

async fn connections(State(services): State<Arc<Services>>) -> Response<Body> {
    answer(&services.connections())
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    // By way of a map, because a struct could be read from an array too.
    let fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    serde_json::from_value(Value::Object(fields)).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Refusal {
    let sentence = format!("The body is not as docs/local-backend.md describes it: {error}.");
    refuse(StatusCode::BAD_REQUEST, &sentence)
}

/// A JSON merge patch (RFC 7396).
fn merge(target: &mut Value, changes: Value) {
    match (target, changes) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (name, change) in changes {
                if change.is_null() {
                    fields.remove(&name);
                } else {
                    merge(fields.entry(name).or_insert(Value::Null), change);
                }
            }
        }
        (target, changes) => *target = changes,
    }
}

fn answer(body: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(body).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

fn refuse(status: StatusCode, sentence: &str) -> Refusal {
    Refusal(status, sentence.to_owned())
}
