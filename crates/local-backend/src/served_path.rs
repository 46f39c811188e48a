//! The paths that are served, for faults and logs to tell them apart.

/// A path with the protocol and dialect that is spoken there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ServedPath {
    /// API Gateway, full dialect.
    Prod,
    /// API Gateway, basic dialect.
    Basic,
    /// AppSync GraphQL, full schema.
    Graphql,
    /// AppSync GraphQL, basic schema.
    BasicGraphql,
    /// AppSync Events.
    Events,
}

impl ServedPath {
    /// All of them, in the order of their index.
    pub(crate) const ALL: [Self; 5] =
        [Self::Prod, Self::Basic, Self::Graphql, Self::BasicGraphql, Self::Events];

    /// The path of its requests; realtime sockets of AppSync are at `/realtime` below it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Prod => "/prod",
            Self::Basic => "/basic",
            Self::Graphql => "/graphql",
            Self::BasicGraphql => "/basic/graphql",
            Self::Events => "/event",
        }
    }

    /// The name of its fault switches.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prod => "prod",
            Self::Basic => "basic",
            Self::Graphql => "graphql",
            Self::BasicGraphql => "basic_graphql",
            Self::Events => "events",
        }
    }

    /// Its place in [`ServedPath::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Whether AppSync serves it.
    pub(crate) fn is_appsync(self) -> bool {
        matches!(self, Self::Graphql | Self::BasicGraphql | Self::Events)
    }
}
