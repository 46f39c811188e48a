//! Answers over HTTP.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use futures_util::stream;
use serde_json::json;

use super::ServiceError;
use crate::backend::{Backend, random_bytes};
use crate::served_path::ServedPath;

/// Says which request an answer belongs to.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Says what went wrong.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// An answer with a JSON body.
pub(crate) fn json_answer(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    let id = u128::from_le_bytes(random_bytes());
    let id = format!("{id:032x}");
    let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// The answer that an operation was refused.
pub(crate) fn error_answer(error: &ServiceError) -> Response<Body> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = json_answer(status, json!({ "errors": [error.entry()] }).to_string());
    if let Ok(error_type) = HeaderValue::from_str(&error.error_type) {
        response.headers_mut().insert(ERROR_TYPE, error_type);
    }
    response
}

/// Where a request is lost on its way, waits as long as it is: nobody serves it then, and its
/// connection ends with this.
pub(crate) async fn lost_request(backend: &Backend, path: ServedPath) -> Option<Response<Body>> {
    if !backend.swallows(path) {
        return None;
    }
    backend.faults.swallowed(path).await;
    Some(no_answer())
}

/// Does to an answer what the fault switches have for it: makes it late, or lets its connection end
/// without a byte of it.
pub(crate) async fn finish_answer(
    backend: &Backend,
    path: ServedPath,
    response: Response<Body>,
) -> Response<Body> {
    let fate = backend.faults.answer(path);
    if !fate.delay.is_zero() {
        tokio::time::sleep(fate.delay).await;
    }
    if backend.faults.swallowed(path).await || fate.lost {
        return no_answer();
    }
    response
}

/// A body that fails at once ends the connection before its head is written.
fn no_answer() -> Response<Body> {
    let failure = std::io::Error::other("a fault switch drops this answer");
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(failure) })))
}
