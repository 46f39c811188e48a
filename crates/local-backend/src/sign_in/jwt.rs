//! JSON Web Tokens (RFC 7519), signed with HS256, which stand in for those of user pools and OIDC.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::rooms::Timestamp;

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The claim `sub`.
    pub(crate) subject: String,
    /// The claim `name`, else `preferred_username`, else `cognito:username`.
    pub(crate) name: Option<String>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JwtError {
    /// It is no token with the claims that are needed.
    Unreadable,
    /// Its signature is not by our secret.
    WrongSignature,
    /// Its time is over.
    Expired,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    name: Option<String>,
    preferred_username: Option<String>,
    #[serde(rename = "cognito:username")]
    cognito_username: Option<String>,
}

/// Whether a text has the three parts of a token and a header that can be read.
pub(crate) fn looks_like_jwt(token: &str) -> bool {
    let mut parts = token.split('.');
    let header = parts.next().unwrap_or_default();
    parts.count() == 2 && decode::<Header>(header).is_some()
}

/// Judges a token.
pub(super) fn verify(token: &str, secret: &[u8], now: Timestamp) -> Result<User, JwtError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Unreadable)?;
    let (header, claims) = signed.split_once('.').ok_or(JwtError::Unreadable)?;
    let header: Header = decode(header).ok_or(JwtError::Unreadable)?;
    let claims: Claims = decode(claims).ok_or(JwtError::Unreadable)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwtError::Unreadable)?;
    if header.alg != "HS256" || claims.sub.is_empty() {
        return Err(JwtError::Unreadable);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| JwtError::WrongSignature)?;
    mac.update(signed.as_bytes());
    mac.verify_slice(&signature).map_err(|_| JwtError::WrongSignature)?;
    if claims.exp * 1_000.0 <= now.0 as f64 {
        return Err(JwtError::Expired);
    }
    let name = claims.name.or(claims.preferred_username).or(claims.cognito_username);
    Ok(User { subject: claims.sub, name })
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7515, appendix A.1, whose key is not ours.
    const OF_THE_RFC: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn signed(header: &str, claims: &str, secret: &str) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    #[test]
    fn a_token_is_judged_by_signature_time_and_claims() {
        let hs256 = r#"{"alg":"HS256"}"#;
        let judge = |header: &str, claims: &str, secret: &str| {
            verify(&signed(header, claims, secret), b"s", Timestamp(1_000_000))
        };
        let ann = User { subject: "ann".to_owned(), name: Some("Ann".to_owned()) };
        let claims =
            r#"{"sub":"ann","exp":1001,"cognito:username":"a","preferred_username":"Ann"}"#;
        assert_eq!(judge(hs256, claims, "s"), Ok(ann));
        assert_eq!(judge(hs256, claims, "t"), Err(JwtError::WrongSignature));
        assert_eq!(judge(r#"{"alg":"none"}"#, claims, "s"), Err(JwtError::Unreadable));
        assert_eq!(judge(hs256, r#"{"sub":"ann","exp":1000}"#, "s"), Err(JwtError::Expired));
        assert_eq!(judge(hs256, r#"{"sub":"ann"}"#, "s"), Err(JwtError::Unreadable));
        assert_eq!(judge(hs256, r#"{"sub":"","exp":1001}"#, "s"), Err(JwtError::Unreadable));
        for text in ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", OF_THE_RFC] {
            assert_eq!(verify(text, b"s", Timestamp(0)), Err(JwtError::Unreadable), "{text}");
        }
        assert!(looks_like_jwt(OF_THE_RFC));
        assert!(!looks_like_jwt("a.b.c") && !looks_like_jwt("sesame"));
    }
}
