//! A second net: what looks like a secret is not built in, wherever it stands.

/// What a value looks like, if it looks like a secret.
#[cfg_attr(not(feature = "readers"), allow(dead_code, reason = "only readers check values"))]
pub(super) fn looks_like_secret(value: &str) -> Option<&'static str> {
    if value.contains("-----BEGIN") {
        return Some("a private key or certificate");
    }
    let is_separator =
        |character: char| !(character.is_ascii_alphanumeric() || "-_.".contains(character));
    for word in value.split(is_separator) {
        if has_jwt(word) {
            return Some("a token (JWT)");
        }
        if word.starts_with("da2-") && word.len() > 20 {
            return Some("an AppSync API key, which only ROOMLET_API_KEY may hold");
        }
        if word.split(['-', '_', '.']).any(is_access_key) {
            return Some("an AWS access key");
        }
    }
    None
}

/// Three base64url parts, of which the first is a JSON object: RFC 7519, section 3.
fn has_jwt(word: &str) -> bool {
    word.find("eyJ").and_then(|start| word.get(start..)).is_some_and(|token| {
        let parts = token.split('.').collect::<Vec<_>>();
        matches!(parts.as_slice(), [header, body, ..] if header.len() > 8 && body.len() > 8)
    })
}

/// Long-term and temporary access key ids: IAM user guide, "unique identifiers".
fn is_access_key(word: &str) -> bool {
    let is_id = |rest: &str| {
        rest.len() >= 16
            && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    ["AKIA", "ASIA"].iter().any(|prefix| word.strip_prefix(prefix).is_some_and(is_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_tokens_keys_and_certificates() {
        for secret in [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
            "wss://example.com/prod/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
            "AKIAIOSFODNN7EXAMPLE",
            "da2-abcdefghijklmnopqrstuvwxyz",
            "wss://example.com/ASIAIOSFODNN7EXAMPLE/prod",
            "-----BEGIN PRIVATE KEY-----",
        ] {
            assert!(looks_like_secret(secret).is_some(), "{secret}");
        }
        for harmless in [
            "wss://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod",
            "lobby",
            "AKIA",
            "eyJ",
            "ASIA-PACIFIC",
        ] {
            assert_eq!(looks_like_secret(harmless), None, "{harmless}");
        }
    }
}
