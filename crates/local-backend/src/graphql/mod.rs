//! AppSync GraphQL: queries and mutations over HTTP, subscriptions over a socket.
//!
//! A subscriber gets what the mutation selected and no more, and only if the mutation selected the
//! field that the subscription filters by (AppSync developer guide, "Real-time data"). Each delivery
//! executes the document of the subscription once more, on that one message.

mod answer;
mod document;
mod http;
mod schema;
mod subscriptions;
mod validation;

pub(crate) use http::answer;
pub(crate) use schema::SchemaKind;

use std::sync::Arc;

use crate::appsync::{Endpoint, RealtimeLimits};
use crate::backend::{Audience, Backend};
use crate::served_path::ServedPath;
use schema::ChatSchema;
use subscriptions::Subscribed;
use validation::Types;

/// One GraphQL API.
#[derive(Debug)]
pub(crate) struct GraphQl {
    pub(crate) endpoint: Endpoint<Subscribed>,
    kind: SchemaKind,
    schema: ChatSchema,
    types: Types,
}

impl GraphQl {
    pub(crate) fn new(
        backend: &Arc<Backend>,
        kind: SchemaKind,
        limits: RealtimeLimits,
    ) -> Arc<Self> {
        let path = match kind {
            SchemaKind::Full => ServedPath::Graphql,
            SchemaKind::Basic => ServedPath::BasicGraphql,
        };
        let schema = ChatSchema::new(kind);
        let graphql = Arc::new(Self {
            endpoint: Endpoint::new(Arc::clone(backend), path, limits),
            kind,
            types: Types::of_schema(&schema.definition()),
            schema,
        });
        let audience: Arc<dyn Audience> = Arc::clone(&graphql) as Arc<dyn Audience>;
        backend.add_audience(Arc::downgrade(&audience));
        graphql
    }

    fn backend(&self) -> &Arc<Backend> {
        &self.endpoint.backend
    }

    fn path(&self) -> ServedPath {
        self.endpoint.path
    }
}
