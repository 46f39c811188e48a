//! What is set for one backend, each value with the place where a person can change it.

use std::collections::BTreeMap;

use super::{ConfigurationError, error};
use crate::config::endpoint;
use crate::config::secrets::looks_like_secret;

/// What can be set for a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Kind,
    Endpoint,
    RealtimeEndpoint,
    Host,
    Region,
    Auth,
    ApiKey,
    Dialect,
    Events,
    Namespace,
    Room,
    TokenCarrier,
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A `ROOMLET_*` variable.
    Variable,
    /// The table of a backend in `roomlet.toml`.
    Table(String),
    /// A file that Amplify wrote.
    Amplify(AmplifyObject),
}

/// An object in a file that Amplify wrote.
#[derive(Debug, Clone)]
pub(super) struct AmplifyObject {
    pub(super) file: String,
    /// Its path, with a dot at the end; empty for the whole file.
    pub(super) path: String,
    /// What the format calls each key.
    pub(super) names: fn(Field) -> &'static str,
    /// Whether a person writes it for this widget (through `backend.addOutput`), rather than Amplify for everybody:
    /// then it has our keys and our words, and nothing in it is passed over.
    pub(super) is_ours: bool,
}

/// One value.
#[derive(Debug, Clone)]
struct Setting {
    text: String,
    place: Place,
}

/// The values of one backend.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Where what is missing should be added.
    place: Place,
    values: BTreeMap<Field, Setting>,
}

impl Field {
    pub(super) const ALL: [Self; 12] = [
        Self::Kind,
        Self::Endpoint,
        Self::RealtimeEndpoint,
        Self::Host,
        Self::Region,
        Self::Auth,
        Self::ApiKey,
        Self::Dialect,
        Self::Events,
        Self::Namespace,
        Self::Room,
        Self::TokenCarrier,
    ];

    /// Its name in `roomlet.toml`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Endpoint => "endpoint",
            Self::RealtimeEndpoint => "realtime_endpoint",
            Self::Host => "host",
            Self::Region => "region",
            Self::Auth => "auth",
            Self::ApiKey => "api_key",
            Self::Dialect => "dialect",
            Self::Events => "events",
            Self::Namespace => "namespace",
            Self::Room => "room",
            Self::TokenCarrier => "token_carrier",
        }
    }

    /// Its name in the environment.
    pub(super) fn variable(self) -> String {
        let name = if self == Self::Kind { "backend" } else { self.name() };
        format!("ROOMLET_{}", name.to_ascii_uppercase())
    }
}

impl Place {
    /// What a person looks for to find a value.
    pub(super) fn name(&self, key: Field) -> String {
        match self {
            Self::Variable => key.variable(),
            Self::Table(backend) => format!("`backends.{backend}.{}` of roomlet.toml", key.name()),
            Self::Amplify(AmplifyObject { file, path, names, .. }) => {
                format!("`{path}{}` of {file}", names(key))
            }
        }
    }
}

impl Settings {
    pub(super) fn new(place: Place) -> Self {
        Self { place, values: BTreeMap::new() }
    }

    /// The same values; what is missing should be added to the environment.
    pub(super) fn for_variables(&self) -> Self {
        Self { place: Place::Variable, values: self.values.clone() }
    }

    pub(super) fn set(
        &mut self,
        key: Field,
        text: &str,
        place: &Place,
    ) -> Result<(), ConfigurationError> {
        check_value(Some(key), &place.name(key), text)?;
        self.values.insert(key, Setting { text: text.to_owned(), place: place.clone() });
        Ok(())
    }

    pub(super) fn remove(&mut self, key: Field) {
        self.values.remove(&key);
    }

    pub(super) fn get(&self, key: Field) -> Option<&str> {
        self.values.get(&key).map(|setting| setting.text.as_str())
    }

    /// Whether a value was written by a person, for this widget; Amplify writes more than a backend needs.
    pub(super) fn is_deliberate(&self, key: Field) -> bool {
        let setting = self.values.get(&key);
        setting.is_some_and(|setting| !matches!(setting.place, Place::Amplify(_)))
    }

    /// What a person looks for to change a value, or to add it.
    pub(super) fn name(&self, key: Field) -> String {
        self.place(key).name(key)
    }

    /// Where a value stands, or should be added.
    pub(super) fn place(&self, key: Field) -> &Place {
        self.values.get(&key).map_or(&self.place, |setting| &setting.place)
    }

    /// Whether a value is for Amplify to write, in AWS's words.
    pub(super) fn is_generated(&self, key: Field) -> bool {
        matches!(self.place(key), Place::Amplify(AmplifyObject { is_ours: false, .. }))
    }

    /// Whether its addresses are on this very machine, so far as they can be read.
    pub(super) fn is_loopback(&self) -> bool {
        [Field::Endpoint, Field::RealtimeEndpoint].into_iter().any(|key| {
            let host = self.get(key).and_then(endpoint::host_of);
            host.is_some_and(|host| endpoint::is_loopback(&host))
        })
    }

    pub(super) fn error(&self, key: Field, problem: impl Into<String>) -> ConfigurationError {
        error(self.name(key), problem)
    }
}

/// Refuses empty values and what looks like a secret. An API key is public, but has one place only.
pub(super) fn check_value(
    key: Option<Field>,
    name: &str,
    value: &str,
) -> Result<(), ConfigurationError> {
    if value.is_empty() {
        return Err(error(name, "is empty: give it a value or remove it"));
    }
    let checked = match key {
        Some(Field::ApiKey) => value.strip_prefix("da2-").unwrap_or(value),
        _ => value,
    };
    match looks_like_secret(checked) {
        Some(what) => {
            let problem = format!("looks like {what}: take it out, what is built in is public");
            Err(error(name, problem))
        }
        None => Ok(()),
    }
}
