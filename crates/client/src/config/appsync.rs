//! Where an AppSync API is: its HTTP address, its realtime address, and the host that is signed for.

use serde::{Deserialize, Serialize};

use super::endpoint;

/// Which of the two AppSync products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKind {
    /// GraphQL with realtime subscriptions.
    Graphql,
    /// Events: channels, without a schema.
    Events,
}

/// The addresses of an AppSync API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    url: String,
    realtime: String,
    host: String,
    is_loopback: bool,
}

/// Why a text is no address of an AppSync API. Each reads on after the name of the setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// No `https:`.
    #[error("begins with `{0}://`: an AppSync API is written {1}")]
    Scheme(String, &'static str),
    /// No URL.
    #[error("is no URL: write it as {0}")]
    NotAUrl(&'static str),
    /// `http:` to another machine.
    #[error(
        "is not encrypted: use https://; http:// is only for this machine (127.0.0.1, [::1], localhost)"
    )]
    NotEncrypted,
    /// A user name, a query, a fragment.
    #[error("has `{0}` in it: take it out, an API's address has only host and path")]
    Superfluous(char),
    /// An odd host or port.
    #[error("has no valid host and port: write it as {0}")]
    Host(&'static str),
    /// A path that AppSync does not have.
    #[error("ends in `{0}`: the path of this kind of API ends in `{1}`")]
    Path(String, &'static str),
}

impl ApiKind {
    fn example(self) -> &'static str {
        match self {
            Self::Graphql => "https://{api-id}.appsync-api.{region}.amazonaws.com/graphql",
            Self::Events => "https://{api-id}.appsync-api.{region}.amazonaws.com/event",
        }
    }
}

impl Api {
    /// Derives the realtime address and the host from the HTTP address (AppSync developer guide, "Building a
    /// real-time WebSocket client" and "Custom domain names"; Event API guide, "Understanding the Event API
    /// WebSocket protocol").
    pub fn parse(kind: ApiKind, text: &str) -> Result<Self, ApiError> {
        let (scheme, rest) = text.split_once("://").ok_or(ApiError::NotAUrl(kind.example()))?;
        if !matches!(scheme, "https" | "http") {
            return Err(ApiError::Scheme(scheme.to_owned(), kind.example()));
        }
        if let Some(odd) = rest.chars().find(|&character| {
            "@?#\"<>\\^`{|}".contains(character) || !character.is_ascii_graphic()
        }) {
            return Err(ApiError::Superfluous(odd));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = endpoint::host(authority).ok_or(ApiError::Host(kind.example()))?;
        let is_loopback = endpoint::is_loopback(&host);
        if scheme == "http" && !is_loopback {
            return Err(ApiError::NotEncrypted);
        }
        let path = path.trim_end_matches('/');
        let secure = if scheme == "https" { "wss" } else { "ws" };
        let standard = host.strip_suffix(".cn").unwrap_or(&host).ends_with(".amazonaws.com")
            && host.contains(".appsync-api.");
        let realtime_authority = if standard {
            authority.to_ascii_lowercase().replacen(".appsync-api.", ".appsync-realtime-api.", 1)
        } else {
            authority.to_owned()
        };
        let realtime_path = match kind {
            ApiKind::Graphql if standard => path.to_owned(),
            ApiKind::Graphql | ApiKind::Events => format!("{path}/realtime"),
        };
        Ok(Self {
            url: format!("{scheme}://{authority}/{path}"),
            realtime: format!("{secure}://{realtime_authority}/{realtime_path}"),
            host: authority.to_owned(),
            is_loopback,
        })
    }

    /// The address for queries, mutations and HTTP publishing.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of the WebSocket.
    pub fn realtime(&self) -> &str {
        &self.realtime
    }

    /// The host that requests name and sign: the one of the HTTP address, whatever the socket's.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path of the HTTP address, for signing: `/graphql`, `/event`.
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/")
    }

    /// Host and port of the HTTP address, as they are written.
    pub fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Whether it is on this very machine.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

/// The namespace of an Event API that rooms are in; the first segment of their channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(String);

/// A text is no name of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a namespace: 1 to 50 letters, digits and inner hyphens")]
pub struct NamespaceError;

impl Namespace {
    /// Reads a name: one segment of a channel.
    pub fn parse(text: &str) -> Result<Self, NamespaceError> {
        is_segment(text).then(|| Self(text.to_owned())).ok_or(NamespaceError)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Namespace {
    type Error = NamespaceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0
    }
}

/// A segment of a channel: 1 to 50 letters, digits and inner hyphens (Event API guide, "channel namespaces").
pub(crate) fn is_segment(text: &str) -> bool {
    (1..=50).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What a namespace does with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamespaceKind {
    /// It passes on what the publisher wrote: who and when are claims.
    #[default]
    Raw,
    /// Its `onPublish` handler says who and when.
    Stamped,
}
