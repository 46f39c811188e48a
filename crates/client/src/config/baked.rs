//! Reads what a build has baked in. By hand, since readers that are derived weigh more in the browser than the rest of
//! the configuration.

use serde_json::Value;

use super::{
    Api, ApiKey, Backend, Configuration, Dialect, Endpoint, Namespace, NamespaceKind, Service,
    SignIn, TokenCarrier, TokenKind,
};
use crate::chat::ids::RoomId;

impl Configuration {
    /// Reads a configuration as `serde_json` has written it; `None` of anything else.
    pub fn from_baked(json: &str) -> Option<Self> {
        let value = serde_json::from_str::<Value>(json).ok()?;
        let backends = value.get("backends")?.as_array()?.iter().map(backend);
        Self::new(backends.collect::<Option<_>>()?, value.get("allow_page_backend")?.as_bool()?)
    }
}

fn backend(value: &Value) -> Option<Backend> {
    Some(Backend {
        name: text(value, "name")?.to_owned(),
        service: service(value.get("service")?)?,
        sign_in: sign_in(value.get("sign_in")?)?,
        room: RoomId::parse(text(value, "room")?).ok()?,
    })
}

fn service(value: &Value) -> Option<Service> {
    let dialect = |value| Dialect::parse(text(value, "dialect")?);
    match variant(value)? {
        ("api-gateway", value) => Some(Service::ApiGateway {
            endpoint: Endpoint::from_baked(value.get("endpoint")?)?,
            dialect: dialect(value)?,
            token_carrier: TokenCarrier::parse(text(value, "token_carrier")?)?,
        }),
        ("appsync-graphql", value) => Some(Service::AppsyncGraphql {
            api: Api::from_baked(value.get("api")?)?,
            dialect: dialect(value)?,
        }),
        ("appsync-events", value) => Some(Service::AppsyncEvents {
            api: Api::from_baked(value.get("api")?)?,
            namespace: Namespace::parse(text(value, "namespace")?).ok()?,
            events: NamespaceKind::parse(text(value, "events")?)?,
        }),
        _ => None,
    }
}

fn sign_in(value: &Value) -> Option<SignIn> {
    if value.as_str() == Some("none") {
        return Some(SignIn::None);
    }
    match variant(value)? {
        ("api-key", value) => Some(SignIn::ApiKey { key: ApiKey::parse(text(value, "key")?)? }),
        ("token", value) => Some(SignIn::Token { token: token_kind(text(value, "token")?)? }),
        ("iam", value) => Some(SignIn::Iam { region: text(value, "region")?.to_owned() }),
        _ => None,
    }
}

fn token_kind(text: &str) -> Option<TokenKind> {
    match text {
        "cognito" => Some(TokenKind::Cognito),
        "oidc" => Some(TokenKind::Oidc),
        "opaque" => Some(TokenKind::Opaque),
        _ => None,
    }
}

/// The name and the fields of an enum's variant.
fn variant(value: &Value) -> Option<(&str, &Value)> {
    value.as_object()?.iter().next().map(|(name, fields)| (name.as_str(), fields))
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::super::ApiKind;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let endpoint = || Endpoint::parse("ws://127.0.0.1:8787/ws?a=1").unwrap();
        let graphql = || Api::parse(ApiKind::Graphql, "http://127.0.0.1:8787/graphql").unwrap();
        let events = || Api::parse(ApiKind::Events, "http://127.0.0.1:8787/event").unwrap();
        let mut services = Vec::new();
        for dialect in [Dialect::Auto, Dialect::Basic, Dialect::Full] {
            for token_carrier in [TokenCarrier::Subprotocol, TokenCarrier::Query] {
                let endpoint = endpoint();
                services.push(Service::ApiGateway { endpoint, dialect, token_carrier });
            }
            services.push(Service::AppsyncGraphql { api: graphql(), dialect });
        }
        for kind in [NamespaceKind::Raw, NamespaceKind::Stamped] {
            let (api, namespace) = (events(), Namespace::default());
            services.push(Service::AppsyncEvents { api, namespace, events: kind });
        }
        let key = ApiKey::parse("da2-abcdefghijklmnopqrstuvwxyz").unwrap();
        let tokens = [TokenKind::Cognito, TokenKind::Oidc, TokenKind::Opaque];
        let mut ways = vec![SignIn::None, SignIn::ApiKey { key }];
        ways.extend(tokens.map(|token| SignIn::Token { token }));
        ways.push(SignIn::Iam { region: "eu-west-1".into() });
        for service in services {
            for sign_in in &ways {
                let (name, sign_in) = ("김치 \"1\"".to_owned(), sign_in.clone());
                let room = RoomId::parse("a/b \\ c").unwrap();
                let backend = Backend { name, service: service.clone(), sign_in, room };
                let written = Configuration::new(vec![backend.clone(), backend], true).unwrap();
                let json = serde_json::to_string(&written).unwrap();
                assert_eq!(Configuration::from_baked(&json), Some(written), "{json}");
            }
        }
    }

    #[test]
    fn anything_else_is_none() {
        for json in ["", "{}", "[]", r#"{"backends":[],"allow_page_backend":false}"#] {
            assert_eq!(Configuration::from_baked(json), None, "{json}");
        }
    }
}
