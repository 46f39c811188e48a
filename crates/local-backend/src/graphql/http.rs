//! `POST /graphql`.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};

use super::GraphQl;
use super::answer::Answer;
use super::document::Document;
use super::schema::Asker;
use crate::appsync::{
    Headers, Operation, ServiceError, authorize, error_answer, finish_answer, json_answer,
    lost_request,
};
use crate::faults::SendFate;

/// Longest body (AppSync quotas: a request has at most 1 MB).
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Serves a request, from its authorization to what the fault switches do with its answer.
pub(crate) async fn answer(graphql: &Arc<GraphQl>, request: Request<Body>) -> Response<Body> {
    if let Some(lost) = lost_request(graphql.backend(), graphql.path()).await {
        return lost;
    }
    let answered = serve(graphql, request).await;
    let response = answered.unwrap_or_else(|error| error_answer(&error));
    finish_answer(graphql.backend(), graphql.path(), response).await
}

async fn serve(
    graphql: &Arc<GraphQl>,
    request: Request<Body>,
) -> Result<Response<Body>, ServiceError> {
    let (backend, path) = (graphql.backend(), graphql.path());
    let headers = Headers::of_request(request.headers());
    let body = to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(|_| {
        ServiceError::new("RequestEntityTooLargeException", "Send at most 1 MB at once.", 413)
    })?;
    let operation = Operation { path, signed_path: path.as_str(), body: &body, needs_host: false };
    let document = Document::read(&body);
    let action = document.as_ref().ok().map(Document::action);
    backend.log.requested(path, action.as_deref(), body.len());
    if backend.faults.throttles(path) {
        return Err(ServiceError::limit_exceeded());
    }
    let caller = authorize(backend, &headers, &operation)?;
    let document = document?;
    match document.kind() {
        OperationType::Query => {}
        OperationType::Mutation => {
            if backend.faults.send(path) == SendFate::Failed {
                return Err(ServiceError::internal());
            }
        }
        OperationType::Subscription => {
            return Err(ServiceError::new(
                "UnsupportedOperation",
                "Subscribe through the realtime endpoint.",
                400,
            ));
        }
    }
    let errors = graphql.types.validate(&document);
    if !errors.is_empty() {
        return Ok(json_answer(StatusCode::OK, Answer::of_validation(errors).to_json()));
    }
    let asker = Asker { backend: Arc::clone(backend), path, caller };
    let response = graphql.schema.execute(document.request(), asker).await;
    Ok(json_answer(StatusCode::OK, Answer::of_engine(response, &document).to_json()))
}
