//! The headers that authorize an operation, wherever they come from.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde_json::{Map, Value};

/// Headers by lower-case name: of an HTTP request, or of the JSON object that stands for them on a
/// socket (AppSync developer guide, "Building a real-time WebSocket client").
#[derive(Clone, Default)]
pub(crate) struct Headers(BTreeMap<String, String>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Headers {
    /// Those of a request.
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        let pairs = headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Self(pairs.collect())
    }

    /// Those of an authorization object; members that are no text are left out.
    pub(crate) fn of_object(object: &Map<String, Value>) -> Self {
        let pairs = object.iter().filter_map(|(name, value)| {
            Some((name.to_ascii_lowercase(), value.as_str()?.to_owned()))
        });
        Self(pairs.collect())
    }

    /// One of them, by its lower-case name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same with a `host` that has lost its port. `None`: it has none.
    pub(crate) fn without_port(&self) -> Option<Self> {
        let (host, port) = self.get("host")?.rsplit_once(':')?;
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let mut headers = self.0.clone();
        headers.insert("host".to_owned(), host.to_owned());
        is_port.then_some(Self(headers))
    }

    /// All of them.
    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}
