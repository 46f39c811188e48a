//! What the engine answers, in the shape of the service.

use async_graphql::{PathSegment, Pos, Response, ServerError, Value};
use serde::Serialize;

use super::document::Document;
use super::validation::ValidationError;

/// `{"data": …, "errors": […]}`, over HTTP and in `data` frames.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    data: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<AnswerError>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum AnswerError {
    /// Of a field that failed.
    #[serde(rename_all = "camelCase")]
    Field {
        path: Vec<PathSegment>,
        data: Option<()>,
        error_type: String,
        error_info: Option<()>,
        locations: Vec<Location>,
        message: String,
    },
    /// Of a field that is null and may not be, and of a document that is not valid.
    Document { path: Option<Vec<PathSegment>>, locations: Option<Vec<Location>>, message: String },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    line: usize,
    column: usize,
    source_name: Option<()>,
}

impl From<Pos> for Location {
    fn from(position: Pos) -> Self {
        Self { line: position.line, column: position.column, source_name: None }
    }
}

impl Answer {
    /// What the engine made of a document.
    pub(super) fn of_engine(response: Response, document: &Document) -> Self {
        let errors = response.errors.into_iter().map(|error| of_engine(error, document)).collect();
        Self { data: response.data, errors }
    }

    /// That of a document which is not valid.
    pub(super) fn of_validation(errors: Vec<ValidationError>) -> Self {
        let errors = errors.into_iter().map(|error| AnswerError::Document {
            path: None,
            locations: Some(error.position.map(Location::from).into_iter().collect()),
            message: error.message,
        });
        Self { data: Value::Null, errors: errors.collect() }
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> String {
        // Numbers and texts, which there is no way to fail with.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn of_engine(error: ServerError, document: &Document) -> AnswerError {
    let error_type = error.extensions.as_ref().and_then(|extensions| extensions.get("errorType"));
    let at_root = if error.path.len() == 1 { root_position(document, &error.path) } else { None };
    let locations = at_root.map_or(error.locations, |position| vec![position]);
    let locations = locations.into_iter().map(Location::from).collect();
    match error_type {
        Some(Value::String(error_type)) => AnswerError::Field {
            path: error.path,
            data: None,
            error_type: error_type.clone(),
            error_info: None,
            locations,
            message: error.message,
        },
        _ if error.path.is_empty() => {
            let message = format!("Validation error of type InvalidSyntax: {}", error.message);
            AnswerError::Document { path: None, locations: Some(locations), message }
        }
        _ => AnswerError::Document {
            path: Some(error.path),
            locations: None,
            message: error.message,
        },
    }
}

/// The engine tells where the selection of a failed field begins; the service, where the field does.
fn root_position(document: &Document, path: &[PathSegment]) -> Option<Pos> {
    let [PathSegment::Field(key)] = path else {
        return None;
    };
    let operation = document.clone().with_plain_root();
    let items = &operation.operation()?.node.selection_set.node.items;
    items.iter().find_map(|item| match &item.node {
        async_graphql::parser::types::Selection::Field(field)
            if field.node.response_key().node == key.as_str() =>
        {
            Some(field.pos)
        }
        _ => None,
    })
}
