//! Reading a request of GraphQL, up to the one operation that it asks for.

use std::collections::HashMap;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use serde_json::{Map, Value};

use crate::appsync::ServiceError;

/// Longest query, in bytes; the service counts 15,000 tokens (AppSync quotas).
const MAX_QUERY_BYTES: usize = 64 * 1024;

/// A request whose query could be read.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// The parsed query; of its operations it has only the one that is asked for.
    pub(super) query: ExecutableDocument,
    /// The variables as they came.
    pub(super) variables: Map<String, Value>,
}

impl Document {
    /// Reads `{"query", "variables"?, "operationName"?}`.
    pub(super) fn read(text: &[u8]) -> Result<Self, ServiceError> {
        let malformed =
            |sentence| ServiceError::new("MalformedHttpRequestException", sentence, 400);
        let fields: Map<String, Value> = serde_json::from_slice(text)
            .map_err(|_| malformed("Request body is not a valid JSON object."))?;
        let query = fields
            .get("query")
            .and_then(Value::as_str)
            .filter(|query| query.len() <= MAX_QUERY_BYTES)
            .ok_or_else(|| malformed("Request body has no usable member 'query'."))?;
        let variables = match fields.get("variables") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables.clone(),
            Some(_) => return Err(malformed("Request member 'variables' is no JSON object.")),
        };
        let operation_name = fields.get("operationName").and_then(Value::as_str);
        let parsed = parse_query(query).map_err(|_| malformed("Unable to parse GraphQL query."))?;
        let operation = choose(parsed.operations, operation_name)
            .ok_or_else(|| malformed("Unknown operation named by 'operationName'."))?;
        let operations = DocumentOperations::Single(operation);
        let query = ExecutableDocument { operations, fragments: parsed.fragments };
        Ok(Self { query, variables })
    }

    /// The operation that is asked for.
    pub(super) fn operation(&self) -> Option<&Positioned<OperationDefinition>> {
        self.query.operations.iter().next().map(|(_, operation)| operation)
    }

    /// What kind of operation it is.
    pub(super) fn kind(&self) -> OperationType {
        self.operation().map_or(OperationType::Query, |operation| operation.node.ty)
    }

    /// The names of its root fields, for the log.
    pub(super) fn action(&self) -> String {
        let mut names = Vec::new();
        if let Some(operation) = self.operation() {
            let fragments = &self.query.fragments;
            collect_fields(&operation.node.selection_set.node, fragments, 0, &mut names);
        }
        names.join(" ")
    }

    /// A request for the engine. The variables are those of the operation alone.
    pub(super) fn request(&self) -> async_graphql::Request {
        let defined = self.operation().map(|operation| &operation.node.variable_definitions);
        let variables: Map<String, Value> = defined
            .into_iter()
            .flatten()
            .filter_map(|definition| {
                let name = definition.node.name.node.as_str();
                Some((name.to_owned(), self.variables.get(name)?.clone()))
            })
            .collect();
        let variables = Variables::from_json(Value::Object(variables));
        let mut request = async_graphql::Request::new(String::new()).variables(variables);
        request.set_parsed_query(self.query.clone());
        request
    }

    /// Puts the fields of fragments at the root in their place: the engine wants the fields of a
    /// subscription themselves.
    pub(super) fn with_plain_root(mut self) -> Self {
        let fragments = self.query.fragments.clone();
        if let DocumentOperations::Single(operation) = &mut self.query.operations {
            let items = &mut operation.node.selection_set.node.items;
            *items = flatten(std::mem::take(items), &fragments, 0);
        }
        // They are used no more, which the engine would not accept.
        let is_root = |on: &str| matches!(on, "Query" | "Mutation" | "Subscription");
        self.query
            .fragments
            .retain(|_, fragment| !is_root(&fragment.node.type_condition.node.on.node));
        self
    }
}

/// Fragments within fragments that are followed; the engine refuses cycles later.
const MAX_FRAGMENT_DEPTH: usize = 32;

fn choose(
    operations: DocumentOperations,
    name: Option<&str>,
) -> Option<Positioned<OperationDefinition>> {
    match (operations, name.filter(|name| !name.is_empty())) {
        // A single operation without a name has none to compare.
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(mut operations), Some(name)) => {
            operations.remove(&Name::new(name))
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.into_values().next()
        }
        (DocumentOperations::Multiple(_), None) => None,
    }
}

fn collect_fields<'a>(
    selection_set: &'a SelectionSet,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    depth: usize,
    names: &mut Vec<&'a str>,
) {
    if depth > MAX_FRAGMENT_DEPTH {
        return;
    }
    for item in &selection_set.items {
        match &item.node {
            Selection::Field(field) => names.push(&field.node.name.node),
            Selection::InlineFragment(fragment) => {
                collect_fields(&fragment.node.selection_set.node, fragments, depth + 1, names);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    collect_fields(&fragment.node.selection_set.node, fragments, depth + 1, names);
                }
            }
        }
    }
}

fn flatten(
    items: Vec<Positioned<Selection>>,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    depth: usize,
) -> Vec<Positioned<Selection>> {
    if depth > MAX_FRAGMENT_DEPTH {
        return Vec::new();
    }
    let mut plain = Vec::new();
    for item in items {
        match item.node {
            Selection::InlineFragment(fragment) if fragment.node.directives.is_empty() => {
                let inner = fragment.node.selection_set.node.items;
                plain.extend(flatten(inner, fragments, depth + 1));
            }
            Selection::FragmentSpread(spread) if spread.node.directives.is_empty() => {
                let fragment = fragments.get(&spread.node.fragment_name.node);
                let inner = fragment.map(|fragment| fragment.node.selection_set.node.items.clone());
                plain.extend(flatten(inner.unwrap_or_default(), fragments, depth + 1));
            }
            node @ (Selection::Field(_)
            | Selection::InlineFragment(_)
            | Selection::FragmentSpread(_)) => plain.push(Positioned::new(node, item.pos)),
        }
    }
    plain
}
