//! Where an API Gateway WebSocket API is.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;
use serde_json::Value;

use super::baked;
use crate::chat::ids::RoomId;

/// A `wss:` URL, or a `ws:` URL of this very machine.
///
/// What a build bakes in has been read by [`parse`](Self::parse) already, and is taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    url: String,
    is_loopback: bool,
}

/// Why a text is no endpoint. Each reads on after the name of the setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No `wss:`.
    #[error(
        "begins with `{0}://`: a WebSocket API is written wss://{{api-id}}.execute-api.{{region}}.amazonaws.com/{{stage}}"
    )]
    Scheme(String),
    /// No scheme at all.
    #[error(
        "is no URL: write it as wss://{{api-id}}.execute-api.{{region}}.amazonaws.com/{{stage}}"
    )]
    NotAUrl,
    /// `ws:` to another machine.
    #[error(
        "is not encrypted: use wss://; ws:// is only for this machine (127.0.0.1, [::1], localhost)"
    )]
    NotEncrypted,
    /// An address of the other AWS service.
    #[error(
        "is the address of an AppSync API: use the kind `appsync-graphql` or `appsync-events`, and the https:// address"
    )]
    AppSync,
    /// A user name or password.
    #[error("has a user name or password in it: take it out, what is built in is public")]
    UserInfo,
    /// An odd host or port.
    #[error("has no valid host and port: write it as wss://host/stage or wss://host:port/stage")]
    Host,
    /// No stage.
    #[error("has no stage: add it, as in wss://{0}/prod")]
    NoStage(String),
    /// The callback URL.
    #[error("is the callback URL for servers: leave out `/@connections` and what follows it")]
    Callback,
    /// `#…`.
    #[error("has a fragment: take out `#` and what follows it")]
    Fragment,
    /// A query that the widget sets itself, or that has no place in a public build.
    #[error("has `{0}` in its query: take it out")]
    Query(String),
    /// Spaces, control characters, other alphabets.
    #[error("has characters that no URL has: percent-encode them")]
    Characters,
    /// The gateway takes 4,096 characters, of which a room id may need 400.
    #[error("has {0} characters: at most 2,048 are possible")]
    TooLong(usize),
}

impl Endpoint {
    /// Takes what `parse` has read in the build.
    pub(super) fn from_baked(value: &Value) -> Option<Self> {
        let url = baked::text(value, "url")?.to_owned();
        Some(Self { url, is_loopback: value.get("is_loopback")?.as_bool()? })
    }

    const MAX_CHARACTERS: usize = 2_048;

    /// Reads the URL of a WebSocket API.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        if text.len() > Self::MAX_CHARACTERS {
            return Err(EndpointError::TooLong(text.len()));
        }
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::NotAUrl)?;
        if !matches!(scheme, "wss" | "ws") {
            return Err(EndpointError::Scheme(scheme.to_owned()));
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
            return Err(EndpointError::Characters);
        }
        if rest.contains('#') {
            return Err(EndpointError::Fragment);
        }
        let (before_query, query) =
            rest.split_once('?').map_or((rest, None), |(a, b)| (a, Some(b)));
        let (authority, path) = before_query.split_once('/').unwrap_or((before_query, ""));
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        let host = host(authority).ok_or(EndpointError::Host)?;
        let is_loopback = is_loopback(&host);
        if scheme == "ws" && !is_loopback {
            return Err(EndpointError::NotEncrypted);
        }
        if is_aws(&host, "appsync-api") || is_aws(&host, "appsync-realtime-api") {
            return Err(EndpointError::AppSync);
        }
        let path = path.trim_end_matches('/');
        if path.split('/').any(|segment| matches!(segment, "@connections" | "%40connections")) {
            return Err(EndpointError::Callback);
        }
        if path.is_empty() && is_aws(&host, "execute-api") {
            return Err(EndpointError::NoStage(host));
        }
        if let Some(query) = query {
            check_query(query)?;
        }
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        let query = query.filter(|query| !query.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Self { url: format!("{scheme}://{authority}{path}{query}"), is_loopback })
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Its host and port, as they are written.
    pub fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or(rest)
    }

    /// Whether it is on this very machine.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// The URL of a connection to a room. An empty path is written `/`, as browsers do.
    pub(crate) fn with_room(&self, room: &RoomId) -> String {
        let has_path = self.url.splitn(4, '/').nth(3).is_some();
        let separator = match (self.url.contains('?'), has_path) {
            (true, _) => "&",
            (false, true) => "?",
            (false, false) => "/?",
        };
        format!("{}{separator}roomId={}", self.url, percent_encoded(room.as_str()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        Self::parse(&text)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.url
    }
}

/// The host of `host`, `host:port` or `[address]:port`, in lower case.
pub(super) fn host(authority: &str) -> Option<String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (format!("[{address}]"), port.strip_prefix(':').or(port.is_empty().then_some("")))
        }
        None => {
            let (host, port) = authority.split_once(':').map_or((authority, ""), |pair| pair);
            is_host_name(host).then_some(())?;
            let colon_alone = authority.ends_with(':');
            (host.to_ascii_lowercase(), (!colon_alone).then_some(port))
        }
    };
    let port = port?;
    (port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(host)
}

/// Labels of letters, digits and inner hyphens; a name whose last label is a number must be an IPv4 address, as
/// the URL standard has it (browsers read `127.1` as one).
fn is_host_name(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.split('.').all(is_label) && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// An address of this machine, however it is written; the unspecified address leads here too.
pub(super) fn is_loopback(host: &str) -> bool {
    let v4 = |address: Ipv4Addr| address.is_loopback() || address.is_unspecified();
    let v6 = |address: Ipv6Addr| {
        address.is_loopback()
            || address.is_unspecified()
            || address.to_ipv4_mapped().is_some_and(v4)
    };
    let inner = host.trim_start_matches('[').trim_end_matches(']');
    host.parse().is_ok_and(v4)
        || inner.parse().is_ok_and(v6)
        || host == "localhost"
        || host.ends_with(".localhost")
}

/// The host of a URL, as [`host`] reads it.
pub(super) fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    host(rest.split(['/', '?', '#']).next()?)
}

/// Whether a host is AWS's own for a service: `{id}.{service}.{region}.amazonaws.com`, or `.com.cn` in China.
pub(super) fn is_aws(host: &str, service: &str) -> bool {
    let host = host.strip_suffix(".cn").unwrap_or(host);
    host.ends_with(".amazonaws.com") && host.contains(&format!(".{service}."))
}

/// A query is for what a gateway itself needs; rooms are the widget's, and secrets do not belong here.
fn check_query(query: &str) -> Result<(), EndpointError> {
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let refused = [
            "token",
            "key",
            "secret",
            "auth",
            "password",
            "pwd",
            "sig",
            "credential",
            "jwt",
            "session",
        ];
        if lower == "roomid" || refused.iter().any(|word| lower.contains(word)) {
            return Err(EndpointError::Query(name.to_owned()));
        }
    }
    Ok(())
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_websocket_api_looks_like() {
        for (text, url, loopback) in [
            (
                "wss://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod",
                "wss://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod",
                false,
            ),
            (
                "wss://a1.execute-api.cn-north-1.amazonaws.com.cn/prod/",
                "wss://a1.execute-api.cn-north-1.amazonaws.com.cn/prod",
                false,
            ),
            ("wss://ws.example.com", "wss://ws.example.com", false),
            ("wss://ws.example.com/chat?version=2", "wss://ws.example.com/chat?version=2", false),
            ("ws://127.0.0.1:8787/prod", "ws://127.0.0.1:8787/prod", true),
            ("ws://[::1]:3001", "ws://[::1]:3001", true),
            ("ws://chat.localhost:3001/", "ws://chat.localhost:3001", true),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.as_str(), endpoint.is_loopback()), (url, loopback));
            assert!(url.split('/').any(|part| part == endpoint.authority()), "{url}");
        }
    }

    #[test]
    fn knows_this_machine_however_it_is_written() {
        for host in
            ["127.8.9.1", "0.0.0.0", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::]", "LOCALHOST"]
        {
            let endpoint = Endpoint::parse(&format!("wss://{host}/prod")).unwrap();
            assert!(endpoint.is_loopback(), "{host}");
        }
        for host in ["example.com", "10.0.0.1", "[2001:db8::1]", "localhost.example.com"] {
            let endpoint = Endpoint::parse(&format!("wss://{host}/prod")).unwrap();
            assert!(!endpoint.is_loopback(), "{host}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        use EndpointError as E;
        let cases = [
            ("", E::NotAUrl),
            ("example.com/prod", E::NotAUrl),
            ("http://example.com/prod", E::Scheme("http".into())),
            ("https://a.execute-api.eu-west-1.amazonaws.com/prod", E::Scheme("https".into())),
            ("ws://example.com/prod", E::NotEncrypted),
            ("ws://127.0.0.1.example.com/prod", E::NotEncrypted),
            ("wss://ann:secret@example.com/prod", E::UserInfo),
            ("wss:///prod", E::Host),
            ("wss://example.com:0/prod", E::Host),
            ("wss://example.com:99999/prod", E::Host),
            ("wss://[::zz]/prod", E::Host),
            ("wss://127.1/prod", E::Host),
            ("wss://2130706433/prod", E::Host),
            ("wss://localhost./prod", E::Host),
            ("wss://../prod", E::Host),
            ("wss://-.example.com/prod", E::Host),
            (
                "wss://a.execute-api.eu-west-1.amazonaws.com/",
                E::NoStage("a.execute-api.eu-west-1.amazonaws.com".into()),
            ),
            ("wss://a.execute-api.eu-west-1.amazonaws.com/prod/@connections/x", E::Callback),
            ("wss://a.appsync-realtime-api.eu-west-1.amazonaws.com/graphql", E::AppSync),
            ("wss://example.com/prod#top", E::Fragment),
            ("wss://example.com/prod?roomId=1", E::Query("roomId".into())),
            (
                "wss://example.com/prod?X-Amz-Security-Token=1",
                E::Query("X-Amz-Security-Token".into()),
            ),
            ("wss://example.com/prod?jwt=1", E::Query("jwt".into())),
            ("wss://example.com/a b", E::Characters),
            ("wss://예시.kr/prod", E::Characters),
        ];
        for (text, error) in cases {
            assert_eq!(Endpoint::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_room_goes_into_the_query() {
        let room = RoomId::parse("김치 방/1").unwrap();
        for (text, url) in [
            ("wss://e.com/prod", "wss://e.com/prod?roomId=%EA%B9%80%EC%B9%98%20%EB%B0%A9%2F1"),
            ("wss://e.com", "wss://e.com/?roomId=%EA%B9%80%EC%B9%98%20%EB%B0%A9%2F1"),
            ("wss://e.com/a?b=c", "wss://e.com/a?b=c&roomId=%EA%B9%80%EC%B9%98%20%EB%B0%A9%2F1"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().with_room(&room), url);
        }
    }
}
