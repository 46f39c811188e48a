//! What the frames of both products have in common. GraphQL has errors and timeouts in `payload`, Events beside it; the
//! service is not known to mix them up, other servers are.

use super::errors::WireErrors;
use crate::object::Object;

/// A frame, as far as it is the same for both.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Option<String>,
    /// Connection-wide errors come with an empty id, or without any.
    pub(crate) id: Option<String>,
    pub(crate) errors: WireErrors,
    /// `connectionTimeoutMs`.
    pub(crate) timeout: Option<u64>,
    pub(crate) fields: Object,
    pub(crate) payload: Object,
}

impl Frame {
    /// Reads a frame; `None` of what is no JSON object.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const TIMEOUT: &str = "connectionTimeoutMs";
        let mut fields = Object::parse(text)?;
        let mut payload = fields.object("payload").unwrap_or_default();
        Some(Self {
            kind: fields.text("type"),
            id: fields.word("id"),
            errors: WireErrors::read(payload.take("errors").or_else(|| fields.take("errors"))),
            timeout: payload.number(TIMEOUT).or_else(|| fields.number(TIMEOUT)),
            fields,
            payload,
        })
    }
}
