//! How people sign in to a backend, from what is set.

use super::ConfigurationError;
use super::settings::{Field, Settings};
use crate::config::endpoint;
use crate::config::{Api, ApiKey, SignIn, TokenCarrier, TokenKind};

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
    const ALL: [Self; 7] =
        [Self::None, Self::ApiKey, Self::Cognito, Self::Oidc, Self::Lambda, Self::Token, Self::Iam];
    /// Those of the service (AppSync API reference, `AuthenticationType`).
    const OF_APPSYNC: [Self; 5] =
        [Self::ApiKey, Self::Cognito, Self::Oidc, Self::Lambda, Self::Iam];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|auth| text == auth.name() || Some(text) == auth.name_of_aws())
    }

    /// Our name.
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey => "api-key",
            Self::Cognito => "cognito",
            Self::Oidc => "oidc",
            Self::Lambda => "lambda",
            Self::Token => "token",
            Self::Iam => "iam",
        }
    }

    /// AWS's name: that of AppSync's `AuthenticationType`, and `NONE` as Amplify has it.
    fn name_of_aws(self) -> Option<&'static str> {
        match self {
            Self::None => Some("NONE"),
            Self::ApiKey => Some("API_KEY"),
            Self::Cognito => Some("AMAZON_COGNITO_USER_POOLS"),
            Self::Oidc => Some("OPENID_CONNECT"),
            Self::Lambda => Some("AWS_LAMBDA"),
            Self::Token => None,
            Self::Iam => Some("AWS_IAM"),
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

    /// AppSync's ways, of which a backend must be given one. `none` is for a proxy, or another backend that speaks like
    /// AppSync: the service itself has no such way.
    pub(super) fn appsync_sign_in(&self, api: &Api) -> Result<SignIn, ConfigurationError> {
        let auth = match (self.get(Field::Auth), self.get(Field::ApiKey)) {
            (Some(text), _) => Auth::parse(text),
            (None, Some(_)) => Some(Auth::ApiKey),
            (None, None) => {
                let problem = format!(
                    "is not set: use {} and set {}, or use {}",
                    self.words(&[Auth::ApiKey]),
                    self.name(Field::ApiKey),
                    self.words(&[Auth::Cognito, Auth::Oidc, Auth::Lambda, Auth::Iam])
                );
                return Err(self.error(Field::Auth, problem));
            }
        };
        let token = |token| SignIn::Token { token };
        let sign_in = match auth {
            Some(Auth::None) if api.is_direct() => {
                let problem = format!(
                    "is {}, which AppSync itself does not have: use {}",
                    self.words(&[Auth::None]),
                    self.words(&Auth::OF_APPSYNC)
                );
                return Err(self.error(Field::Auth, problem));
            }
            Some(Auth::None) => SignIn::None,
            Some(Auth::ApiKey) => SignIn::ApiKey { key: self.api_key()? },
            Some(Auth::Cognito) => token(TokenKind::Cognito),
            Some(Auth::Oidc) => token(TokenKind::Oidc),
            Some(Auth::Lambda) => token(TokenKind::Opaque),
            Some(Auth::Iam) => SignIn::Iam { region: self.region(api.host(), "appsync-api")? },
            Some(Auth::Token) => {
                let kinds = self.words(&[Auth::Cognito, Auth::Oidc, Auth::Lambda]);
                let problem = format!("does not say which token: use {kinds}");
                return Err(self.error(Field::Auth, problem));
            }
            None => {
                let mut ways = Auth::OF_APPSYNC.to_vec();
                if !api.is_direct() && !self.is_generated(Field::Auth) {
                    ways.push(Auth::None);
                }
                return Err(self.error(Field::Auth, format!("must be {}", self.words(&ways))));
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
            (Some(region), Some(other)) if region != other => {
                let generated = self.is_generated(Field::Region);
                let remedy = if generated { "generate the file again" } else { "remove it" };
                let problem = format!("is `{other}`, but the API is in `{region}`: {remedy}");
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
            "has a meaning only where requests are signed: remove it, or set {} to {}",
            self.name(Field::Auth),
            self.words(&[Auth::Iam])
        );
        Err(self.error(Field::Region, problem))
    }

    /// Ways to sign in, as a choice in the words of the place where one is to be written.
    fn words(&self, ways: &[Auth]) -> String {
        let is_generated = self.is_generated(Field::Auth);
        let word = |way: &Auth| {
            let of_aws = is_generated.then(|| way.name_of_aws()).flatten();
            format!("`{}`", of_aws.unwrap_or(way.name()))
        };
        let words = ways.iter().map(word).collect::<Vec<_>>();
        match words.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
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
