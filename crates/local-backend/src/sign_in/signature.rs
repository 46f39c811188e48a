//! AWS Signature Version 4, as a service verifies it (AWS general reference, "Signature Version 4
//! signing process"): from the request that came, never from what a client should have sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};

use super::{IamKey, equal};
use crate::rooms::Timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How far the clocks of both sides may be apart.
const SKEW_MINUTES: i64 = 5;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct SignedRequest<'a> {
    /// The service that the signature is for, as in `appsync`.
    pub(crate) service: &'static str,
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// The path.
    pub(crate) path: &'a str,
    /// The query as it was sent, without its question mark.
    pub(crate) query: &'a str,
    /// The headers by lower-case name.
    pub(crate) headers: &'a BTreeMap<String, String>,
    /// The bytes that were hashed.
    pub(crate) body: &'a [u8],
}

/// Why a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// It is no signature, or not all of one; says what is missing.
    Incomplete(String),
    /// Nobody has this access key.
    UnknownKey,
    /// It was made too long ago, or too far ahead; the service's sentence.
    OutOfTime(String),
    /// Another one was expected; the service's sentence with the canonical request.
    Mismatch(String),
}

/// Verifies a signature in the header `Authorization`.
pub(super) fn verify_headers(
    request: &SignedRequest<'_>,
    key: &IamKey,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let missing =
        |what: &str| SignatureError::Incomplete(format!("Authorization header requires {what}."));
    let authorization =
        request.headers.get("authorization").map(String::as_str).unwrap_or_default();
    let parameters = authorization.strip_prefix(ALGORITHM).unwrap_or_default();
    let parameter = |name: &str| {
        let found = parameters.split(',').find_map(|part| part.trim().strip_prefix(name));
        found.and_then(|rest| rest.strip_prefix('='))
    };
    let claim = Claim {
        credential: parameter("Credential").ok_or_else(|| missing("'Credential' parameter"))?,
        signed_headers: parameter("SignedHeaders")
            .ok_or_else(|| missing("'SignedHeaders' parameter"))?,
        signature: parameter("Signature").ok_or_else(|| missing("'Signature' parameter"))?,
        date: request
            .headers
            .get("x-amz-date")
            .ok_or_else(|| missing("existence of either a 'X-Amz-Date' or a 'Date' header"))?,
    };
    let scope = claim.scope(request.service, key)?;
    within_minutes(claim.date, now)?;
    claim.verify(request, &canonical_query(request.query), &scope, key)
}

/// Verifies a signature in the query parameters `X-Amz-…`.
pub(super) fn verify_query(
    request: &SignedRequest<'_>,
    key: &IamKey,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let decoded: BTreeMap<String, String> = pairs(request.query).collect();
    let parameter = |name: &str| {
        decoded.get(name).ok_or_else(|| {
            SignatureError::Incomplete(format!(
                "AWS query-string parameters must include '{name}'."
            ))
        })
    };
    if parameter("X-Amz-Algorithm")? != ALGORITHM {
        return Err(SignatureError::Incomplete(format!("X-Amz-Algorithm must be {ALGORITHM}.")));
    }
    let claim = Claim {
        credential: parameter("X-Amz-Credential")?,
        signed_headers: parameter("X-Amz-SignedHeaders")?,
        signature: parameter("X-Amz-Signature")?,
        date: parameter("X-Amz-Date")?,
    };
    let lasts: i64 = parameter("X-Amz-Expires")?.parse().unwrap_or(0);
    let scope = claim.scope(request.service, key)?;
    let signed_at = parse_date(claim.date).ok_or_else(bad_date)?;
    let ahead = signed_at - SKEW_MINUTES * 60;
    if now.0 / 1_000 > signed_at + lasts || now.0 / 1_000 < ahead {
        return Err(SignatureError::OutOfTime("Signature expired or not yet current.".to_owned()));
    }
    let query = request.query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature="));
    let query: Vec<&str> = query.collect();
    claim.verify(request, &canonical_query(&query.join("&")), &scope, key)
}

/// What a request says of its signature.
struct Claim<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
    date: &'a str,
}

/// Day, region and service of a credential.
struct Scope<'a> {
    day: &'a str,
    region: &'a str,
    service: &'a str,
}

impl Claim<'_> {
    fn scope(&self, service: &'static str, key: &IamKey) -> Result<Scope<'_>, SignatureError> {
        let parts: Vec<&str> = self.credential.split('/').collect();
        let &[id, day, region, named, "aws4_request"] = parts.as_slice() else {
            return Err(SignatureError::Incomplete(
                "Credential must have exactly 5 slash-delimited elements that end in \
                 'aws4_request'."
                    .to_owned(),
            ));
        };
        if id != key.id {
            return Err(SignatureError::UnknownKey);
        }
        if named != service {
            return Err(SignatureError::Incomplete(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        if region.is_empty() || !self.date.starts_with(day) {
            return Err(SignatureError::Incomplete(
                "Credential should be scoped to a region and to the day of its date.".to_owned(),
            ));
        }
        Ok(Scope { day, region, service: named })
    }

    fn verify(
        &self,
        request: &SignedRequest<'_>,
        query: &str,
        scope: &Scope<'_>,
        key: &IamKey,
    ) -> Result<(), SignatureError> {
        let canonical = self.canonical_request(request, query)?;
        let Scope { day, region, service } = scope;
        let hash = hex(&Sha256::digest(canonical.as_bytes()));
        let date = self.date;
        let to_sign = format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/aws4_request\n{hash}");
        let mut derived = format!("AWS4{}", key.secret).into_bytes();
        for part in [day, region, service, &"aws4_request"] {
            derived = keyed_hash(&derived, part.as_bytes());
        }
        let expected = hex(&keyed_hash(&derived, to_sign.as_bytes()));
        if equal(expected.as_bytes(), self.signature.as_bytes()) {
            return Ok(());
        }
        Err(SignatureError::Mismatch(format!(
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n\
             The String-to-Sign should have been\n'{to_sign}'\n"
        )))
    }

    fn canonical_request(
        &self,
        request: &SignedRequest<'_>,
        query: &str,
    ) -> Result<String, SignatureError> {
        let mut canonical =
            format!("{}\n{}\n{query}\n", request.method, canonical_path(request.path));
        for name in self.signed_headers.split(';') {
            let value = request.headers.get(name).ok_or_else(|| {
                SignatureError::Incomplete(format!(
                    "The signed header '{name}' is not part of the request."
                ))
            })?;
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            canonical.push_str(&format!("{name}:{}\n", words.join(" ")));
        }
        let body = hex(&Sha256::digest(request.body));
        canonical.push_str(&format!("\n{}\n{body}", self.signed_headers));
        Ok(canonical)
    }
}

/// The service accepts signatures from five minutes ago to five minutes ahead.
fn within_minutes(date: &str, now: Timestamp) -> Result<(), SignatureError> {
    let signed_at = parse_date(date).ok_or_else(bad_date)?;
    let now = now.0 / 1_000;
    let shown = show_date(now);
    if signed_at < now - SKEW_MINUTES * 60 {
        let edge = show_date(now - SKEW_MINUTES * 60);
        return Err(SignatureError::OutOfTime(format!(
            "Signature expired: {date} is now earlier than {edge} ({shown} - {SKEW_MINUTES} min.)"
        )));
    }
    if signed_at > now + SKEW_MINUTES * 60 {
        let edge = show_date(now + SKEW_MINUTES * 60);
        return Err(SignatureError::OutOfTime(format!(
            "Signature not yet current: {date} is still later than {edge} ({shown} + \
             {SKEW_MINUTES} min.)"
        )));
    }
    Ok(())
}

fn bad_date() -> SignatureError {
    SignatureError::Incomplete("Date must be in ISO-8601 'basic format'.".to_owned())
}

/// Seconds since the Unix epoch of a date like `20250102T030405Z`.
fn parse_date(date: &str) -> Option<i64> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_second())
}

fn show_date(seconds: i64) -> String {
    let instant = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The path, encoded once more than it was sent, as for every service but S3.
fn canonical_path(path: &str) -> String {
    path.split('/').map(|part| encode(part.as_bytes())).collect::<Vec<_>>().join("/")
}

fn canonical_query(query: &str) -> String {
    let mut encoded: Vec<(String, String)> = pairs(query)
        .map(|(name, value)| (encode(name.as_bytes()), encode(value.as_bytes())))
        .collect();
    encoded.sort();
    encoded.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn keyed_hash(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com";

    fn key() -> IamKey {
        IamKey {
            id: "AKIDEXAMPLE0000000AB".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        }
    }

    fn now() -> Timestamp {
        Timestamp(parse_date("20250102T030505Z").unwrap() * 1_000)
    }

    /// The headers of a realtime operation, with a signature that is known from elsewhere.
    fn headers(token: bool, signature: &str) -> BTreeMap<String, String> {
        let signed = if token { ";x-amz-security-token" } else { "" };
        let mut headers = BTreeMap::from(
            [
                ("accept", "application/json, text/javascript"),
                ("content-encoding", "amz-1.0"),
                ("content-type", "application/json; charset=UTF-8"),
                ("host", HOST),
                ("x-amz-date", "20250102T030405Z"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        if token {
            headers.insert("x-amz-security-token".to_owned(), "EXAMPLETOKEN==".to_owned());
        }
        headers.insert(
            "authorization".to_owned(),
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE0000000AB/20250102/us-east-1/appsync/\
                 aws4_request, SignedHeaders=accept;content-encoding;content-type;host;x-amz-date\
                 {signed}, Signature={signature}"
            ),
        );
        headers
    }

    fn request<'a>(
        path: &'a str,
        body: &'a str,
        headers: &'a BTreeMap<String, String>,
    ) -> SignedRequest<'a> {
        let body = body.as_bytes();
        SignedRequest { service: "appsync", method: "POST", path, query: "", headers, body }
    }

    #[test]
    fn signatures_made_elsewhere_are_accepted() {
        for (path, body, with_token, without) in [
            (
                "/graphql/connect",
                "{}",
                "efd44c5523b439157fa8e2f2c701bff40208e331d87d8c4069b08beb2c9cfb5a",
                "b9e0ac9685779c49400582078b4bd068f5ea7a31e9f019202d45b6b4d2ba4422",
            ),
            (
                "/graphql",
                r#"{"query":"subscription S($r:ID!){onMessage(roomId:$r){id body}}","variables":{"r":"r1"}}"#,
                "e7e6b7032cbc2a73b23b7fae6fe3dfb48ef078f60de284619916d84e224ba5ef",
                "53c8056e41fc5f9bf695f4e6a49dd32faecb81c685dd09017aded6714008081a",
            ),
            (
                "/event",
                "{}",
                "ca282579f93198d4777b9e2a6c8ca7a8ec85d3956564d6704ce093e1b7977a20",
                "d7e77de8e451817ed67214020871f2f416aba234aa50680c8e7266627a688560",
            ),
            (
                "/event",
                r#"{"channel":"/chat/room-1","events":["{\"body\":\"hi\"}"]}"#,
                "64f45f1c53b6c85f05bacd036f2fdfa92c12a752b2169758d6582d86a4232171",
                "89b6d0cdd7aacb0673890026f8c589e70bfd61d18315163e4ac5a09f12bcdfad",
            ),
        ] {
            for (token, signature) in [(true, with_token), (false, without)] {
                let headers = headers(token, signature);
                let verified = verify_headers(&request(path, body, &headers), &key(), now());
                assert_eq!(verified, Ok(()), "{path} {body}");
                let other = verify_headers(&request("/other", body, &headers), &key(), now());
                let Err(SignatureError::Mismatch(sentence)) = other else {
                    panic!("{other:?}");
                };
                assert!(
                    sentence.contains("should have been\n'POST\n/other\n\naccept:"),
                    "{sentence}"
                );
            }
        }
    }

    #[test]
    fn clocks_may_be_five_minutes_apart() {
        let signature = "b9e0ac9685779c49400582078b4bd068f5ea7a31e9f019202d45b6b4d2ba4422";
        let headers = headers(false, signature);
        let at = |date: &str| {
            let now = Timestamp(parse_date(date).unwrap() * 1_000);
            verify_headers(&request("/graphql/connect", "{}", &headers), &key(), now)
        };
        for date in ["20250102T025905Z", "20250102T030905Z"] {
            assert_eq!(at(date), Ok(()));
        }
        assert_eq!(
            at("20250102T030906Z"),
            Err(SignatureError::OutOfTime(
                "Signature expired: 20250102T030405Z is now earlier than 20250102T030406Z \
                 (20250102T030906Z - 5 min.)"
                    .to_owned()
            ))
        );
        assert_eq!(
            at("20250102T025904Z"),
            Err(SignatureError::OutOfTime(
                "Signature not yet current: 20250102T030405Z is still later than \
                 20250102T030404Z (20250102T025904Z + 5 min.)"
                    .to_owned()
            ))
        );
    }
}
