//! How people sign in.

use std::fmt;

use serde::Serialize;

/// How people sign in. Only an API key is built in: it is public by design. Everything else is asked of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignIn {
    /// Not at all: everybody is a guest.
    #[default]
    None,
    /// AppSync's API key: everybody is a guest.
    ApiKey {
        /// The key.
        key: ApiKey,
    },
    /// A token that the page gets from whoever signs people in.
    Token {
        /// What kind of token.
        token: TokenKind,
    },
    /// AWS credentials that the page gets, as from a Cognito identity pool; requests are signed (SigV4).
    Iam {
        /// The region of the API, such as `eu-west-1`.
        region: String,
    },
}

impl SignIn {
    /// Whether the page is asked for credentials.
    pub fn asks_the_page(&self) -> bool {
        matches!(self, Self::Token { .. } | Self::Iam { .. })
    }
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// A JWT of a Cognito user pool.
    Cognito,
    /// A JWT of an OpenID Connect provider.
    Oidc,
    /// Anything that an authorizer (a Lambda function) understands.
    Opaque,
}

/// How a token reaches an API Gateway WebSocket API: browsers cannot set headers on a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenCarrier {
    /// As a subprotocol, which enters no access log.
    #[default]
    Subprotocol,
    /// In the query string, as `token`, which access logs and proxies see.
    Query,
}

impl TokenCarrier {
    /// Reads `subprotocol` or `query`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "subprotocol" => Some(Self::Subprotocol),
            "query" => Some(Self::Query),
            _ => None,
        }
    }
}

/// An AppSync API key.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads a key: `da2-` and letters, digits or hyphens. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("da2-")?;
        let valid = (1..=64).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        valid.then(|| Self(text.to_owned()))
    }

    /// The key, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl TryFrom<String> for ApiKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("an API key looks like da2-…")
    }
}

impl From<ApiKey> for String {
    fn from(key: ApiKey) -> Self {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_begins_with_da2_and_is_not_printed() {
        let key = ApiKey::parse("da2-abcdefghijklmnopqrstuvwxyz").unwrap();
        assert_eq!(format!("{key:?} {}", key.expose().len()), "ApiKey(…) 30");
        assert!(ApiKey::parse("da2-local").is_some());
        for wrong in ["", "da2-", "da1-abc", "DA2-abc", "da2-a b", "da2-ä", " da2-a"] {
            assert_eq!(ApiKey::parse(wrong), None, "{wrong}");
        }
    }
}
