//! AWS Signature Version 4 (IAM user guide, "Create a signed AWS API request").

use data_encoding::HEXLOWER;

use super::authorization::Authorization;
use super::calendar::amz_date;
use super::digest::{hmac_sha256, sha256};
use crate::time::WallClock;

/// The content type of a POST.
pub(super) const HTTP_CONTENT_TYPE: &str = "application/json";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How long a signed URL is good, in seconds: it is opened at once, and clocks may differ by as much.
const URL_LIFETIME: &str = "300";

/// AWS credentials and the region they are used in.
pub(super) struct Keys<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    pub(super) session_token: Option<&'a str>,
    pub(super) region: &'a str,
}

impl Keys<'_> {
    /// The auth object of AppSync's WebSockets. The values are those of the documentation's own example (AppSync
    /// developer guide, "Building a real-time WebSocket client"); the service signs what the object says.
    pub(super) fn websocket_authorization(
        &self,
        host: &str,
        path: &str,
        body: &str,
        wall: WallClock,
    ) -> Authorization {
        let date = amz_date(wall);
        let mut headers = vec![
            ("accept", "application/json, text/javascript".to_owned()),
            ("content-encoding", "amz-1.0".to_owned()),
            ("content-type", "application/json; charset=UTF-8".to_owned()),
            ("host", host.to_owned()),
            ("x-amz-date", date.clone()),
        ];
        if let Some(token) = self.session_token {
            headers.push(("X-Amz-Security-Token", token.to_owned()));
        }
        let authorization = self.authorization_header(path, body, &headers, &date);
        headers.push(("Authorization", authorization));
        Authorization::new(headers)
    }

    /// The headers that a POST needs beside its content type, `host` left out.
    pub(super) fn http_headers(
        &self,
        host: &str,
        path: &str,
        body: &str,
        wall: WallClock,
    ) -> Vec<(&'static str, String)> {
        let date = amz_date(wall);
        let mut headers = vec![
            ("content-type", HTTP_CONTENT_TYPE.to_owned()),
            ("host", host.to_owned()),
            ("x-amz-date", date.clone()),
        ];
        if let Some(token) = self.session_token {
            headers.push(("x-amz-security-token", token.to_owned()));
        }
        let authorization = self.authorization_header(path, body, &headers, &date);
        headers.push(("authorization", authorization));
        headers.into_iter().filter(|(name, _)| !matches!(*name, "content-type" | "host")).collect()
    }

    /// The URL of an API Gateway WebSocket with its signature in the query (API Gateway developer guide, "Use IAM
    /// authorization" of WebSocket APIs). What the query had already stays in it, in the canonical form and order.
    pub(super) fn presigned_url(&self, url: &str, wall: WallClock) -> String {
        let date = amz_date(wall);
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = address.split_once("://").unwrap_or(("wss", address));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = format!("/{path}");
        let host = without_default_port(scheme, &authority.to_ascii_lowercase());
        let scope = self.scope(&date, "execute-api");
        let credential = format!("{}/{scope}", self.access_key_id);
        let mut parameters = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (canonical_parameter(name), canonical_parameter(value)))
            .collect::<Vec<_>>();
        let own = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", URL_LIFETIME),
            ("X-Amz-SignedHeaders", "host"),
        ];
        let token = self.session_token.map(|token| ("X-Amz-Security-Token", token));
        parameters.extend(
            own.into_iter()
                .chain(token)
                .map(|(name, value)| (name.to_owned(), percent_encoded(value))),
        );
        parameters.sort_unstable();
        let pairs = parameters.iter().map(|(name, value)| format!("{name}={value}"));
        let query = pairs.collect::<Vec<_>>().join("&");
        let request = CanonicalRequest {
            method: "GET",
            path: &path,
            query: &query,
            headers: &[("host", host)],
            body: "",
        };
        let signature = self.signature(&request, &date, "execute-api");
        format!("{scheme}://{authority}{path}?{query}&X-Amz-Signature={signature}")
    }

    fn authorization_header(
        &self,
        path: &str,
        body: &str,
        headers: &[(&str, String)],
        date: &str,
    ) -> String {
        let request = CanonicalRequest { method: "POST", path, query: "", headers, body };
        format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
            self.access_key_id,
            self.scope(date, "appsync"),
            request.signed_headers(),
            self.signature(&request, date, "appsync"),
        )
    }

    fn scope(&self, date: &str, service: &str) -> String {
        format!("{}/{}/{service}/aws4_request", day(date), self.region)
    }

    fn signature(&self, request: &CanonicalRequest<'_>, date: &str, service: &str) -> String {
        let scope = self.scope(date, service);
        let hash = HEXLOWER.encode(&sha256(request.text().as_bytes()));
        let secret = format!("AWS4{}", self.secret_access_key);
        let key = [day(date), self.region, service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, part| hmac_sha256(&key, part.as_bytes()).to_vec());
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
        HEXLOWER.encode(&hmac_sha256(&key, text.as_bytes()))
    }
}

/// What is signed. The headers are in the order of their lower-case names, the query is canonical already.
struct CanonicalRequest<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: &'a [(&'a str, String)],
    body: &'a str,
}

impl CanonicalRequest<'_> {
    fn text(&self) -> String {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| format!("{}:{value}\n", name.to_ascii_lowercase()))
            .collect::<String>();
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            self.method,
            canonical_path(self.path),
            self.query,
            self.signed_headers(),
            HEXLOWER.encode(&sha256(self.body.as_bytes())),
        )
    }

    fn signed_headers(&self) -> String {
        let names = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        names.collect::<Vec<_>>().join(";")
    }
}

/// Every character but the unreserved ones of RFC 3986 as `%XX`.
pub(super) fn percent_encoded(text: &str) -> String {
    encoded(text.as_bytes(), b"-._~")
}

/// The path as it is sent, encoded once more, without empty and dot segments: what every service but S3 signs.
fn canonical_path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let end = if !segments.is_empty() && path.ends_with('/') { "/" } else { "" };
    encoded(format!("/{}{end}", segments.join("/")).as_bytes(), b"-._~/")
}

/// A name or value of a query as it stands in a URL, in the one form that is signed.
fn canonical_parameter(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        bytes.push(match (escaped, first) {
            (Some((high, low)), _) => {
                rest = tail.get(2..).unwrap_or_default();
                high * 16 + low
            }
            (None, b'+') => b' ',
            (None, other) => *other,
        });
    }
    encoded(&bytes, b"-._~")
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn encoded(bytes: &[u8], as_they_are: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || as_they_are.contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    text
}

fn without_default_port(scheme: &str, authority: &str) -> String {
    let port = if scheme == "ws" { ":80" } else { ":443" };
    authority.strip_suffix(port).unwrap_or(authority).to_owned()
}

fn day(date: &str) -> &str {
    date.get(..8).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_request_is_the_documented_one() {
        let host = "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com";
        let headers = [
            ("accept", "application/json, text/javascript".to_owned()),
            ("content-encoding", "amz-1.0".to_owned()),
            ("content-type", "application/json; charset=UTF-8".to_owned()),
            ("host", host.to_owned()),
            ("x-amz-date", "20250102T030405Z".to_owned()),
            ("X-Amz-Security-Token", "EXAMPLETOKEN==".to_owned()),
        ];
        let path = "/graphql/connect";
        let request =
            CanonicalRequest { method: "POST", path, query: "", headers: &headers, body: "{}" };
        let expected = "POST
/graphql/connect

accept:application/json, text/javascript
content-encoding:amz-1.0
content-type:application/json; charset=UTF-8
host:abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com
x-amz-date:20250102T030405Z
x-amz-security-token:EXAMPLETOKEN==

accept;content-encoding;content-type;host;x-amz-date;x-amz-security-token
44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(request.text(), expected);
        assert_eq!(
            HEXLOWER.encode(&sha256(expected.as_bytes())),
            "144feb7a9e45ad190fe447198d68741f9b6c96cd17240beac9929312afbb0ade"
        );
    }

    #[test]
    fn bodies_are_hashed_as_they_are_sent() {
        for (body, hash) in [
            (
                r#"{"query":"subscription S($r:ID!){onMessage(roomId:$r){id body}}","variables":{"r":"r1"}}"#,
                "3f3b067ccb452ddf2735f57cf05f8a9f3dfe36122bad9c415311380bcd9364c5",
            ),
            (
                r#"{"query":"mutation M($b:String!){send(body:$b){id roomId body}}","variables":{"b":"hi"}}"#,
                "3a0866775c3b5d2f4497d4f9f85fa5e11e3ac8afc25634580a5dca7af3c316c6",
            ),
            (
                r#"{"channel":"/chat/room-1"}"#,
                "95353698b576f86b96df809a6e25ff8231023c02806870b0ba2ca1f7e37687ef",
            ),
            (
                r#"{"channel":"/chat/room-1","events":["{\"body\":\"hi\"}"]}"#,
                "9b72d45966f7ad451d3105e7dc23e5b27ce36bd90af7177bedbab4007179a3a4",
            ),
        ] {
            assert_eq!(HEXLOWER.encode(&sha256(body.as_bytes())), hash, "{body}");
        }
    }

    #[test]
    fn paths_and_parameters_have_one_form() {
        for (path, canonical) in
            [("", "/"), ("//a/./b/../c/", "/a/c/"), ("/a%20b", "/a%2520b"), ("/..", "/")]
        {
            assert_eq!(canonical_path(path), canonical);
        }
        for (text, canonical) in
            [("a%2fb", "a%2Fb"), ("100%", "100%25"), ("%zz%4", "%25zz%254"), ("%7E+", "~%20")]
        {
            assert_eq!(canonical_parameter(text), canonical);
        }
    }

    #[test]
    fn a_default_port_is_not_signed() {
        let strip = without_default_port;
        assert_eq!(strip("wss", "e.com:443"), "e.com");
        assert_eq!(strip("ws", "e.com:443"), "e.com:443");
        assert_eq!(strip("ws", "[::1]:80"), "[::1]");
    }
}
