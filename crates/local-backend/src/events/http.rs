//! `POST /event` (Event API guide, "Publish events via HTTP").

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response, StatusCode};
use serde_json::{Map, Value};

use super::publishing::{self, Publish};
use super::wire::{Published, invalid_channel};
use super::{Events, SIGNED_PATH};
use crate::appsync::{
    Headers, Operation, ServiceError, authorize, error_answer, finish_answer, json_answer,
    lost_request,
};
use crate::backend::random_bytes;
use crate::faults::SendFate;
use crate::served_path::ServedPath;

/// Largest body that is read: the largest request (AppSync quotas: 1.2 MB) with its escapes.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Answers a publish.
pub(crate) async fn publish(events: &Arc<Events>, request: Request<Body>) -> Response<Body> {
    if let Some(lost) = lost_request(&events.endpoint.backend, ServedPath::Events).await {
        return lost;
    }
    let headers = Headers::of_request(request.headers());
    let served = match to_bytes(request.into_body(), MAX_BODY_BYTES).await {
        Ok(body) => serve(events, &headers, &body).await,
        Err(_) => {
            let sentence = "The request body is larger than any publish can be";
            Err(ServiceError::new("RequestEntityTooLargeException", sentence, 413))
        }
    };
    let response = match served {
        Ok(published) => {
            let text = serde_json::to_string(&published).unwrap_or_default();
            json_answer(StatusCode::OK, text)
        }
        // Who is known and may not is forbidden, who is not known is not authorized.
        Err(error) if error.error_type == "Unauthorized" => {
            error_answer(&ServiceError { status: 403, ..error })
        }
        Err(error) => error_answer(&error),
    };
    finish_answer(&events.endpoint.backend, ServedPath::Events, response).await
}

async fn serve(
    events: &Arc<Events>,
    headers: &Headers,
    body: &Bytes,
) -> Result<Published, ServiceError> {
    let backend = &events.endpoint.backend;
    backend.log.requested(ServedPath::Events, Some("publish"), body.len());
    let operation =
        Operation { path: ServedPath::Events, signed_path: SIGNED_PATH, body, needs_host: false };
    let caller = authorize(backend, headers, &operation)?;
    match backend.faults.send(ServedPath::Events) {
        SendFate::Served => {}
        SendFate::Throttled { .. } => return Err(ServiceError::limit_exceeded()),
        SendFate::Failed => return Err(ServiceError::internal()),
    }
    let fields: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| ServiceError::bad_request("The request body must be a JSON object"))?;
    let channel = fields.get("channel").and_then(Value::as_str).ok_or_else(invalid_channel)?;
    let request = Publish::read(channel, fields.get("events").unwrap_or(&Value::Null))?;
    // Nothing connects two requests of one person, so each of them is somebody else's.
    let anonymous = format!("{:032x}", u128::from_le_bytes(random_bytes()));
    publishing::publish(events, &caller, request, &anonymous).await
}
