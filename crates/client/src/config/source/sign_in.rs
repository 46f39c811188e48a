//! How people sign in to a backend, from what is set.

use super::ConfigurationError;
use super::settings::{Field, Settings};
use crate::config::endpoint;
use crate::config::{ApiKey, SignIn, TokenCarrier, TokenKind};

/// A way to sign in, by our name or by AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    None,
    ApiKey,
    Cognito,
    Oidc,
    Lambda,
    Token,
    Iam,
}

impl Auth {
    /// AWS's names are those of AppSync's `AuthenticationType`, and `NONE` as Amplify has it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "none" | "NONE" => Some(Self::None),
            "api-key" | "API_KEY" => Some(Self::ApiKey),
            "cognito" | "AMAZON_COGNITO_USER_POOLS" => Some(Self::Cognito),
            "oidc" | "OPENID_CONNECT" => Some(Self::Oidc),
            "lambda" | "AWS_LAMBDA" => Some(Self::Lambda),
            "token" => Some(Self::Token),
            "iam" | "AWS_IAM" => Some(Self::Iam),
            _ => None,
        }
    }
}

impl Settings {
    /// API Gateway's ways: its WebSocket APIs know neither Cognito nor JWTs, only authorizers that take any token
    /// (API Gateway developer guide, "Control and manage access to WebSocket APIs").
    pub(super) fn gateway_sign_in(&self, authority: &str) -> Result<SignIn, ConfigurationError> {
        let sign_in = match self.get(Field::Auth).map(Auth::parse) {
            None | Some(Some(Auth::None)) => SignIn::None,
            Some(Some(Auth::Token | Auth::Lambda)) => SignIn::Token { token: TokenKind::Opaque },
            Some(Some(Auth::Iam)) => SignIn::Iam { region: self.region(authority, "execute-api")? },
            Some(Some(Auth::ApiKey | Auth::Cognito | Auth::Oidc) | None) => {
                let problem = "must be `none`, `token` or `iam` for an API Gateway backend; `token` carries tokens of every kind";
                return Err(self.error(Field::Auth, problem));
            }
        };
        self.refuse_superfluous_region(&sign_in)?;
        Ok(sign_in)
    }

    /// AppSync's ways, of which a backend must be given one.
    pub(super) fn appsync_sign_in(&self, host: &str) -> Result<SignIn, ConfigurationError> {
        let auth = match (self.get(Field::Auth), self.get(Field::ApiKey)) {
            (Some(text), _) => Auth::parse(text),
            (None, Some(_)) => Some(Auth::ApiKey),
            (None, None) => {
                let problem = format!(
                    "is not set: use `api-key` and set {}, or use `cognito`, `oidc`, `lambda` or `iam`",
                    self.name(Field::ApiKey)
                );
                return Err(self.error(Field::Auth, problem));
            }
        };
        let token = |token| SignIn::Token { token };
        let sign_in = match auth {
            Some(Auth::None) => SignIn::None,
            Some(Auth::ApiKey) => SignIn::ApiKey { key: self.api_key()? },
            Some(Auth::Cognito) => token(TokenKind::Cognito),
            Some(Auth::Oidc) => token(TokenKind::Oidc),
            Some(Auth::Lambda) => token(TokenKind::Opaque),
            Some(Auth::Iam) => SignIn::Iam { region: self.region(host, "appsync-api")? },
            Some(Auth::Token) => {
                let problem = "does not say which token: use `cognito`, `oidc` or `lambda`";
                return Err(self.error(Field::Auth, problem));
            }
            None => {
                let problem = "must be `api-key`, `cognito`, `oidc`, `lambda`, `iam` or `none`";
                return Err(self.error(Field::Auth, problem));
            }
        };
        if auth != Some(Auth::ApiKey) && self.is_deliberate(Field::ApiKey) {
            let problem = format!(
                "has no meaning with `{}`: remove it, or set {} to `api-key`",
                self.get(Field::Auth).unwrap_or_default(),
                self.name(Field::Auth),
            );
            return Err(self.error(Field::ApiKey, problem));
        }
        self.refuse_superfluous_region(&sign_in)?;
        Ok(sign_in)
    }

    /// How a token travels; only a token does.
    pub(super) fn token_carrier(
        &self,
        sign_in: &SignIn,
    ) -> Result<TokenCarrier, ConfigurationError> {
        let Some(text) = self.get(Field::TokenCarrier) else { return Ok(TokenCarrier::default()) };
        let carrier = TokenCarrier::parse(text).ok_or_else(|| {
            let problem = format!("is `{text}`: use `subprotocol` or `query`");
            self.error(Field::TokenCarrier, problem)
        })?;
        if matches!(sign_in, SignIn::Token { .. }) {
            return Ok(carrier);
        }
        let problem =
            format!("carries nothing: set {} to `token`, or remove it", self.name(Field::Auth));
        Err(self.error(Field::TokenCarrier, problem))
    }

    fn api_key(&self) -> Result<ApiKey, ConfigurationError> {
        let text = self.get(Field::ApiKey).ok_or_else(|| {
            let problem = format!(
                "is not set, though {} asks for it: give the API's key, which begins with `da2-`, or choose another way to sign in",
                self.name(Field::Auth)
            );
            self.error(Field::ApiKey, problem)
        })?;
        ApiKey::parse(text).ok_or_else(|| {
            let problem = "is no key of an AppSync API: it begins with `da2-`, and letters, digits and hyphens follow";
            self.error(Field::ApiKey, problem)
        })
    }

    /// The region that is signed for: the host's own where it says one.
    fn region(&self, authority: &str, service: &str) -> Result<String, ConfigurationError> {
        let host = endpoint::host(authority).unwrap_or_default();
        match (region_of(&host, service), self.get(Field::Region)) {
            (Some(region), Some(other)) if region != other && self.is_deliberate(Field::Region) => {
                let problem = format!("is `{other}`, but the API is in `{region}`: remove it");
                Err(self.error(Field::Region, problem))
            }
            (Some(region), _) => Ok(region.to_owned()),
            (None, Some(region)) if is_region(region) => Ok(region.to_owned()),
            (None, Some(region)) => {
                let problem = format!("is `{region}`: write a region such as `eu-west-1`");
                Err(self.error(Field::Region, problem))
            }
            (None, None) => {
                let problem = "is not set, and the address does not say it: give the region of the API, such as `eu-west-1`";
                Err(self.error(Field::Region, problem))
            }
        }
    }

    fn refuse_superfluous_region(&self, sign_in: &SignIn) -> Result<(), ConfigurationError> {
        if matches!(sign_in, SignIn::Iam { .. }) || !self.is_deliberate(Field::Region) {
            return Ok(());
        }
        let problem = format!(
            "has a meaning only where requests are signed: remove it, or set {} to `iam`",
            self.name(Field::Auth)
        );
        Err(self.error(Field::Region, problem))
    }
}

/// The region in a host of AWS's own: `{id}.{service}.{region}.amazonaws.com`.
fn region_of<'a>(host: &'a str, service: &str) -> Option<&'a str> {
    if !endpoint::is_aws(host, service) {
        return None;
    }
    let (_, rest) = host.split_once(&format!(".{service}."))?;
    let region = rest.strip_suffix(".cn").unwrap_or(rest).strip_suffix(".amazonaws.com")?;
    is_region(region).then_some(region)
}

/// `eu-west-1`, `us-gov-east-1`, `cn-north-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().unwrap_or_default();
    let words = parts.collect::<Vec<_>>();
    words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_aws_says_its_region() {
        for (host, service, region) in [
            ("a.appsync-api.eu-west-1.amazonaws.com", "appsync-api", Some("eu-west-1")),
            ("a.appsync-api.cn-north-1.amazonaws.com.cn", "appsync-api", Some("cn-north-1")),
            ("a.execute-api.us-gov-west-1.amazonaws.com", "execute-api", Some("us-gov-west-1")),
            ("a.execute-api.eu-west-1.amazonaws.com", "appsync-api", None),
            ("vpce-1.appsync-api.eu-west-1.vpce.amazonaws.com", "appsync-api", None),
            ("api.example.com", "appsync-api", None),
            ("a.appsync-api.eu-west-1.amazonaws.com.example.com", "appsync-api", None),
        ] {
            assert_eq!(region_of(host, service), region, "{host}");
        }
        for wrong in ["", "europe", "eu-west", "eu--1", "EU-WEST-1", "eu-west-1a", "eu-west-"] {
            assert!(!is_region(wrong), "{wrong}");
        }
    }
}
