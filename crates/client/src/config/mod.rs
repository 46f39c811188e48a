//! The configuration, parsed once into types that cannot be wrong.

mod appsync;
mod baked;
mod endpoint;
mod namespace;
mod secrets;
mod sign_in;
#[cfg(feature = "readers")]
mod source;

use serde::Serialize;

use crate::chat::ids::RoomId;

pub use appsync::{Api, ApiError, ApiKind};
pub use endpoint::{Endpoint, EndpointError};
pub(crate) use namespace::is_segment;
pub use namespace::{Namespace, NamespaceError, NamespaceKind};
pub use sign_in::{ApiKey, SignIn, TokenCarrier, TokenKind};
#[cfg(feature = "readers")]
pub use source::{ConfigurationError, Profile, Reading, Source, VARIABLES};

/// What is baked into a build: public, all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// The backends a page may name; the first is used by pages that name none.
    backends: Vec<Backend>,
    /// Whether a page may bring an endpoint of its own.
    pub allow_page_backend: bool,
}

/// One backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backend {
    /// What pages call it.
    pub name: String,
    /// What it is, and where.
    pub service: Service,
    /// How people sign in.
    pub sign_in: SignIn,
    /// The room of those who name none.
    pub room: RoomId,
}

/// What a backend is, with what is peculiar to its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// An API Gateway WebSocket API.
    ApiGateway {
        /// Where it is.
        endpoint: Endpoint,
        /// What it is known to speak.
        dialect: Dialect,
        /// How a token reaches it.
        token_carrier: TokenCarrier,
    },
    /// An AppSync GraphQL API.
    AppsyncGraphql {
        /// Where it is.
        api: Api,
        /// What its schema is known to have.
        dialect: Dialect,
    },
    /// An AppSync Event API.
    AppsyncEvents {
        /// Where it is.
        api: Api,
        /// The namespace of the rooms' channels.
        namespace: Namespace,
        /// What the namespace does with an event.
        events: NamespaceKind,
    },
}

impl Service {
    /// An API Gateway WebSocket API whose token, if there is one, travels as a subprotocol.
    pub fn api_gateway(endpoint: Endpoint, dialect: Dialect) -> Self {
        Self::ApiGateway { endpoint, dialect, token_carrier: TokenCarrier::default() }
    }

    /// Host and port of the address that people know it by.
    pub fn authority(&self) -> &str {
        match self {
            Self::ApiGateway { endpoint, .. } => endpoint.authority(),
            Self::AppsyncGraphql { api, .. } | Self::AppsyncEvents { api, .. } => api.authority(),
        }
    }

    /// The address that people know it by.
    pub fn address(&self) -> &str {
        match self {
            Self::ApiGateway { endpoint, .. } => endpoint.as_str(),
            Self::AppsyncGraphql { api, .. } | Self::AppsyncEvents { api, .. } => api.url(),
        }
    }

    /// What is known of its dialect; Events has none.
    pub fn dialect(&self) -> Option<Dialect> {
        match self {
            Self::ApiGateway { dialect, .. } | Self::AppsyncGraphql { dialect, .. } => {
                Some(*dialect)
            }
            Self::AppsyncEvents { .. } => None,
        }
    }

    /// Whether it is on this very machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::ApiGateway { endpoint, .. } => endpoint.is_loopback(),
            Self::AppsyncGraphql { api, .. } | Self::AppsyncEvents { api, .. } => api.is_loopback(),
        }
    }
}

/// The dialect of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// To be found out.
    #[default]
    Auto,
    /// Messages, and nothing else.
    Basic,
    /// Acknowledgements, history, names.
    Full,
}

impl Dialect {
    /// Reads `auto`, `basic` or `full`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "basic" => Some(Self::Basic),
            "full" => Some(Self::Full),
            _ => None,
        }
    }
}

/// A page has named a backend that the build does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this build has no backend `{name}`: use one of {known}")]
pub struct NoSuchBackend {
    /// What the page wrote.
    pub name: String,
    /// The names there are, for people.
    pub known: String,
}

impl Configuration {
    /// A configuration of at least one backend; `None` without any.
    pub fn new(backends: Vec<Backend>, allow_page_backend: bool) -> Option<Self> {
        (!backends.is_empty()).then_some(Self { backends, allow_page_backend })
    }

    /// All backends; the first is the default.
    pub fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// The backend of that name, or the default one.
    pub fn backend(&self, name: Option<&str>) -> Result<&Backend, NoSuchBackend> {
        let found = match name {
            Some(name) => self.backends.iter().find(|backend| backend.name == name),
            None => self.backends.first(),
        };
        found.ok_or_else(|| {
            let names = self.backends.iter().map(|backend| format!("`{}`", backend.name));
            NoSuchBackend {
                name: name.unwrap_or_default().to_owned(),
                known: names.collect::<Vec<_>>().join(", "),
            }
        })
    }
}
