//! Where an AppSync API is: its HTTP address, its realtime address, and the host that is signed for.

use serde::Serialize;
use serde_json::Value;

use super::{baked, endpoint};

/// Which of the two AppSync products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKind {
    /// GraphQL with realtime subscriptions.
    Graphql,
    /// Events: channels, without a schema.
    Events,
}

/// The addresses of an AppSync API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// Neither `https:` nor what people write instead of it.
    #[error("begins with `{0}://`: write it as {1}")]
    Scheme(String, &'static str),
    /// The WebSocket's address where the HTTP address is wanted.
    #[error("is the address of the WebSocket: use the HTTP address, {0}")]
    Realtime(String),
    /// An address of the other AWS service.
    #[error("is the address of an API Gateway API: use the kind `api-gateway`, or write it as {0}")]
    ApiGateway(&'static str),
    /// No URL.
    #[error("is no URL: write it as {0}")]
    NotAUrl(&'static str),
    /// `http:` or `ws:` to another machine.
    #[error(
        "is not encrypted: use https:// and wss://; http:// and ws:// are only for this machine (127.0.0.1, [::1], localhost)"
    )]
    NotEncrypted,
    /// A user name, a query, a fragment.
    #[error("has `{0}` in it: take it out, an API's address has only host and path")]
    Superfluous(char),
    /// An odd host or port.
    #[error("has no valid host and port: write it as {0}")]
    Host(&'static str),
    /// The WebSocket's host where the API's own is wanted.
    #[error("is the host of the WebSocket: requests name and sign the API's own, {0}")]
    RealtimeHost(String),
    /// A path that this kind of API does not have.
    #[error("ends in `{0}`: the path of this kind of API is `{1}`")]
    Path(String, &'static str),
}

/// What a realtime address looks like, for those who must give one.
const REALTIME_EXAMPLE: &str = "wss://{host}/{path}";
const HOST_EXAMPLE: &str = "{api-id}.appsync-api.{region}.amazonaws.com";

impl ApiKind {
    fn example(self) -> &'static str {
        match self {
            Self::Graphql => "https://{api-id}.appsync-api.{region}.amazonaws.com/graphql",
            Self::Events => "https://{api-id}.appsync-api.{region}.amazonaws.com/event",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Graphql => "/graphql",
            Self::Events => "/event",
        }
    }
}

impl Api {
    /// Takes what `parse` has read in the build.
    pub(super) fn from_baked(value: &Value) -> Option<Self> {
        let text = |name| baked::text(value, name).map(str::to_owned);
        let (url, realtime, host) = (text("url")?, text("realtime")?, text("host")?);
        Some(Self { url, realtime, host, is_loopback: value.get("is_loopback")?.as_bool()? })
    }

    /// Derives the realtime address and the host from the HTTP address (AppSync developer guide, "Building a
    /// real-time WebSocket client" and "Custom domain names"; Event API guide, "Understanding the Event API
    /// WebSocket protocol").
    pub fn parse(kind: ApiKind, text: &str) -> Result<Self, ApiError> {
        let url = Url::parse(text, kind.example())?;
        if let Url { scheme: "wss" | "ws", .. } = url {
            return Err(ApiError::Realtime(url.http_address()));
        }
        if !matches!(url.scheme, "https" | "http") {
            return Err(ApiError::Scheme(url.scheme.to_owned(), kind.example()));
        }
        if url.is_aws("appsync-realtime-api") || url.path.ends_with("/realtime") {
            return Err(ApiError::Realtime(url.http_address()));
        }
        if url.is_aws("execute-api") {
            return Err(ApiError::ApiGateway(kind.example()));
        }
        if url.scheme == "http" && !url.is_loopback() {
            return Err(ApiError::NotEncrypted);
        }
        let is_standard = url.is_aws("appsync-api");
        let of_the_other_kind = match kind {
            ApiKind::Graphql => url.path.ends_with("/event"),
            ApiKind::Events => url.path.ends_with("/graphql"),
        };
        let is_wrong = is_standard && url.path != kind.path();
        if is_wrong || of_the_other_kind || url.path.is_empty() {
            let path = if url.path.is_empty() { "/" } else { url.path };
            return Err(ApiError::Path(path.to_owned(), kind.path()));
        }
        let Url { scheme, path, ref authority, .. } = url;
        let secure = if scheme == "https" { "wss" } else { "ws" };
        let realtime = if is_standard {
            authority.replacen(".appsync-api.", ".appsync-realtime-api.", 1)
        } else {
            authority.clone()
        };
        let suffix = if kind == ApiKind::Graphql && is_standard { "" } else { "/realtime" };
        Ok(Self {
            url: format!("{scheme}://{authority}{path}"),
            realtime: format!("{secure}://{realtime}{path}{suffix}"),
            host: authority.clone(),
            is_loopback: url.is_loopback(),
        })
    }

    /// The same API with a WebSocket elsewhere than at the derived address, as behind a proxy.
    pub fn with_realtime(mut self, text: &str) -> Result<Self, ApiError> {
        let url = Url::parse(text, REALTIME_EXAMPLE)?;
        if !matches!(url.scheme, "wss" | "ws") {
            return Err(ApiError::Scheme(url.scheme.to_owned(), REALTIME_EXAMPLE));
        }
        if url.scheme == "ws" && !url.is_loopback() {
            return Err(ApiError::NotEncrypted);
        }
        self.is_loopback |= url.is_loopback();
        self.realtime = format!("{}://{}{}", url.scheme, url.authority, url.path);
        Ok(self)
    }

    /// The same API behind a proxy: requests name and sign `text`, the host of the API itself, never that of its
    /// WebSocket.
    pub fn with_host(mut self, text: &str) -> Result<Self, ApiError> {
        let text = text.to_ascii_lowercase();
        let host = endpoint::host(&text).ok_or(ApiError::Host(HOST_EXAMPLE))?;
        if endpoint::is_aws(&host, "appsync-realtime-api") {
            let own = text.replacen(".appsync-realtime-api.", ".appsync-api.", 1);
            return Err(ApiError::RealtimeHost(own));
        }
        if endpoint::is_aws(&host, "execute-api") {
            return Err(ApiError::ApiGateway(HOST_EXAMPLE));
        }
        self.host = text;
        Ok(self)
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

    /// Host and port of the HTTP address.
    pub fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Whether it is on this very machine.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Whether requests or the socket go to a host of AWS's own, with no proxy between that could sign people in.
    pub fn is_direct(&self) -> bool {
        let is_aws = |url, service| {
            let host = endpoint::host_of(url);
            host.is_some_and(|host| endpoint::is_aws(&host, service))
        };
        is_aws(&self.url, "appsync-api") || is_aws(&self.realtime, "appsync-realtime-api")
    }
}

/// A URL of scheme, host, port and path, as browsers read it: the host in lower case, no port where it is the
/// scheme's own, so that the host that is signed is the host that is sent.
struct Url<'a> {
    scheme: &'a str,
    authority: String,
    host: String,
    /// Begins with `/` and does not end with it; or is empty.
    path: &'a str,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str, example: &'static str) -> Result<Self, ApiError> {
        let (scheme, rest) = text.split_once("://").ok_or(ApiError::NotAUrl(example))?;
        if let Some(odd) = rest.chars().find(|&character| {
            "@?#\"<>\\^`{|}".contains(character) || !character.is_ascii_graphic()
        }) {
            return Err(ApiError::Superfluous(odd));
        }
        let path = rest.find('/').and_then(|start| rest.get(start..)).unwrap_or_default();
        let authority = rest.strip_suffix(path).unwrap_or(rest).to_ascii_lowercase();
        let host = endpoint::host(&authority).ok_or(ApiError::Host(example))?;
        let port = if matches!(scheme, "https" | "wss") { ":443" } else { ":80" };
        let authority = authority.strip_suffix(port).unwrap_or(&authority).to_owned();
        Ok(Self { scheme, authority, host, path: path.trim_end_matches('/') })
    }

    fn is_loopback(&self) -> bool {
        endpoint::is_loopback(&self.host)
    }

    fn is_aws(&self, service: &str) -> bool {
        endpoint::is_aws(&self.host, service)
    }

    /// The HTTP address that this realtime address belongs to.
    fn http_address(&self) -> String {
        let scheme = if matches!(self.scheme, "ws" | "http") { "http" } else { "https" };
        let authority = self.authority.replacen(".appsync-realtime-api.", ".appsync-api.", 1);
        let path = self.path.strip_suffix("/realtime").unwrap_or(self.path);
        format!("{scheme}://{authority}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ApiKind::{Events, Graphql};

    const GRAPHQL: &str = "https://a1b2c3.appsync-api.eu-west-1.amazonaws.com/graphql";
    const EVENTS: &str = "https://a1b2c3.appsync-api.eu-west-1.amazonaws.com/event";

    #[test]
    fn derives_the_realtime_address_and_the_host() {
        for (kind, text, realtime, host) in [
            (
                Graphql,
                GRAPHQL,
                "wss://a1b2c3.appsync-realtime-api.eu-west-1.amazonaws.com/graphql",
                "a1b2c3.appsync-api.eu-west-1.amazonaws.com",
            ),
            (
                Events,
                EVENTS,
                "wss://a1b2c3.appsync-realtime-api.eu-west-1.amazonaws.com/event/realtime",
                "a1b2c3.appsync-api.eu-west-1.amazonaws.com",
            ),
            (
                Graphql,
                "https://A1.appsync-api.cn-north-1.amazonaws.com.cn:443/graphql/",
                "wss://a1.appsync-realtime-api.cn-north-1.amazonaws.com.cn/graphql",
                "a1.appsync-api.cn-north-1.amazonaws.com.cn",
            ),
            (
                Graphql,
                "https://api.example.com/graphql",
                "wss://api.example.com/graphql/realtime",
                "api.example.com",
            ),
            (
                Graphql,
                "https://chat.example.com:8443/proxied/api",
                "wss://chat.example.com:8443/proxied/api/realtime",
                "chat.example.com:8443",
            ),
            (
                Events,
                "https://api.example.com/event",
                "wss://api.example.com/event/realtime",
                "api.example.com",
            ),
            (
                Events,
                "http://127.0.0.1:8787/event",
                "ws://127.0.0.1:8787/event/realtime",
                "127.0.0.1:8787",
            ),
            (
                Graphql,
                "http://[::1]:8787/basic/graphql",
                "ws://[::1]:8787/basic/graphql/realtime",
                "[::1]:8787",
            ),
        ] {
            let api = Api::parse(kind, text).unwrap();
            assert_eq!((api.realtime(), api.host()), (realtime, host), "{text}");
            assert_eq!(api.is_loopback(), text.starts_with("http:"), "{text}");
            assert_eq!(Api::parse(kind, api.url()).unwrap(), api);
            assert!(api.url().ends_with(&format!("{}{}", api.authority(), api.path())));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        use ApiError as E;
        let example = Graphql.example();
        let standard = "https://a1.appsync-api.eu-west-1.amazonaws.com";
        for (text, error) in [
            ("", E::NotAUrl(example)),
            ("api.example.com/graphql", E::NotAUrl(example)),
            ("ftp://api.example.com/graphql", E::Scheme("ftp".into(), example)),
            (
                "wss://a1.appsync-realtime-api.eu-west-1.amazonaws.com/graphql",
                E::Realtime(format!("{standard}/graphql")),
            ),
            (
                "https://a1.appsync-realtime-api.eu-west-1.amazonaws.com/graphql",
                E::Realtime(format!("{standard}/graphql")),
            ),
            (
                "https://api.example.com/graphql/realtime",
                E::Realtime("https://api.example.com/graphql".into()),
            ),
            (
                "ws://127.0.0.1:8787/graphql/realtime",
                E::Realtime("http://127.0.0.1:8787/graphql".into()),
            ),
            ("https://a1.execute-api.eu-west-1.amazonaws.com/prod", E::ApiGateway(example)),
            ("http://api.example.com/graphql", E::NotEncrypted),
            ("https://ann@api.example.com/graphql", E::Superfluous('@')),
            ("https://api.example.com/graphql?a=b", E::Superfluous('?')),
            ("https://api.example.com/graph ql", E::Superfluous(' ')),
            ("https://api.example.com/그래프", E::Superfluous('그')),
            ("https:///graphql", E::Host(example)),
            ("https://api.example.com:0/graphql", E::Host(example)),
            (standard, E::Path("/".into(), "/graphql")),
            (&format!("{standard}/event"), E::Path("/event".into(), "/graphql")),
            (&format!("{standard}/GraphQL"), E::Path("/GraphQL".into(), "/graphql")),
            ("https://api.example.com", E::Path("/".into(), "/graphql")),
            ("https://api.example.com/event", E::Path("/event".into(), "/graphql")),
        ] {
            assert_eq!(Api::parse(Graphql, text), Err(error), "{text}");
        }
        assert_eq!(Api::parse(Events, GRAPHQL), Err(E::Path("/graphql".into(), "/event")));
        assert_eq!(
            Api::parse(
                Events,
                "wss://a1b2c3.appsync-realtime-api.eu-west-1.amazonaws.com/event/realtime"
            ),
            Err(E::Realtime(EVENTS.into()))
        );
    }

    #[test]
    fn a_proxy_has_addresses_of_its_own() {
        let api = || Api::parse(Graphql, "https://chat.example.com/graphql").unwrap();
        let behind = api()
            .with_realtime("wss://live.example.com/socket/")
            .unwrap()
            .with_host("A1.appsync-api.eu-west-1.amazonaws.com")
            .unwrap();
        assert_eq!(behind.url(), "https://chat.example.com/graphql");
        assert_eq!(behind.realtime(), "wss://live.example.com/socket");
        assert_eq!(behind.host(), "a1.appsync-api.eu-west-1.amazonaws.com");
        assert!(!behind.is_loopback() && !behind.is_direct());
        assert!(api().with_realtime("ws://127.0.0.1:1/x").unwrap().is_loopback());
        for (text, error) in [
            ("https://e.com/x", ApiError::Scheme("https".into(), REALTIME_EXAMPLE)),
            ("ws://e.com/x", ApiError::NotEncrypted),
            ("wss://e.com/x?token=1", ApiError::Superfluous('?')),
            ("e.com", ApiError::NotAUrl(REALTIME_EXAMPLE)),
        ] {
            assert_eq!(api().with_realtime(text), Err(error), "{text}");
        }
        for host in ["", "https://e.com", "e.com/graphql", "a b", "e.com:0"] {
            assert_eq!(api().with_host(host), Err(ApiError::Host(HOST_EXAMPLE)), "{host}");
        }
    }

    #[test]
    fn the_host_of_the_websocket_is_never_the_one_that_is_signed_for() {
        let api = || Api::parse(Events, "https://chat.example.com/event").unwrap();
        for (host, own) in [
            (
                "A1.appsync-realtime-api.eu-west-1.amazonaws.com",
                "a1.appsync-api.eu-west-1.amazonaws.com",
            ),
            (
                "a1.appsync-realtime-api.cn-north-1.amazonaws.com.cn",
                "a1.appsync-api.cn-north-1.amazonaws.com.cn",
            ),
        ] {
            assert_eq!(api().with_host(host), Err(ApiError::RealtimeHost(own.into())));
            assert_eq!(api().with_host(own).unwrap().host(), own);
        }
        assert_eq!(
            api().with_host("a1.execute-api.eu-west-1.amazonaws.com"),
            Err(ApiError::ApiGateway(HOST_EXAMPLE))
        );
    }

    #[test]
    fn knows_what_goes_to_aws_directly() {
        let proxied = || Api::parse(Graphql, "https://chat.example.com/graphql").unwrap();
        let realtime = "wss://a1.appsync-realtime-api.eu-west-1.amazonaws.com/graphql";
        assert!(proxied().with_realtime(realtime).unwrap().is_direct());
        assert!(!proxied().is_direct());
        assert!(!Api::parse(Graphql, "http://127.0.0.1:8787/graphql").unwrap().is_direct());
        let direct = Api::parse(Graphql, GRAPHQL).unwrap();
        assert!(direct.is_direct());
        assert!(direct.with_realtime("wss://live.example.com/socket").unwrap().is_direct());
    }
}
