//! The backends that a client may have, and its person.

use arbitrary::Arbitrary;
use data_encoding::BASE64URL_NOPAD;
use roomlet_client::config::{
    Api, ApiKey, ApiKind, Backend, Dialect, Endpoint, Namespace, NamespaceKind, Service, SignIn,
    TokenCarrier, TokenKind,
};
use roomlet_client::{
    AccessKeyId, Credentials, DisplayName, GuestKey, Person, RoomId, Secret, WallClock,
};
use serde_json::json;

const HOST: &str = "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com";

/// A backend, and how people sign in to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub(crate) struct Setting {
    pub(crate) kind: Kind,
    pub(crate) way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub(crate) enum Kind {
    Gateway,
    GatewayBasic,
    GatewayFull,
    Graphql,
    GraphqlBasic,
    GraphqlFull,
    EventsRaw,
    EventsStamped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub(crate) enum Way {
    Nobody,
    ApiKey,
    Cognito,
    Opaque,
    OpaqueInQuery,
    Iam,
}

impl Setting {
    pub(crate) fn backend(self) -> Backend {
        let room = RoomId::default();
        Backend { name: "default".into(), service: self.service(), sign_in: self.sign_in(), room }
    }

    pub(crate) fn person() -> Person {
        let guest_key = GuestKey::parse("0123456789abcdef0123456789abcdef");
        Person {
            guest_key: guest_key.expect("32 hexadecimal digits"),
            name: DisplayName::parse("Ann"),
            known_as: None,
        }
    }

    fn service(self) -> Service {
        let graphql = |dialect| {
            let api = Api::parse(ApiKind::Graphql, &format!("https://{HOST}/graphql"));
            Service::AppsyncGraphql { api: api.expect("an address"), dialect }
        };
        match self.kind {
            Kind::Gateway => self.gateway(Dialect::Auto),
            Kind::GatewayBasic => self.gateway(Dialect::Basic),
            Kind::GatewayFull => self.gateway(Dialect::Full),
            Kind::Graphql => graphql(Dialect::Auto),
            Kind::GraphqlBasic => graphql(Dialect::Basic),
            Kind::GraphqlFull => graphql(Dialect::Full),
            Kind::EventsRaw => events(NamespaceKind::Raw),
            Kind::EventsStamped => events(NamespaceKind::Stamped),
        }
    }

    fn gateway(self, dialect: Dialect) -> Service {
        let endpoint = Endpoint::parse("wss://a1.execute-api.us-east-1.amazonaws.com/prod");
        let token_carrier = match self.way {
            Way::OpaqueInQuery => TokenCarrier::Query,
            _ => TokenCarrier::Subprotocol,
        };
        Service::ApiGateway { endpoint: endpoint.expect("an address"), dialect, token_carrier }
    }

    fn sign_in(self) -> SignIn {
        match self.way {
            Way::Nobody => SignIn::None,
            Way::ApiKey => {
                let key = ApiKey::parse("da2-abcdefghijklmnopqrstuvwxyz");
                SignIn::ApiKey { key: key.expect("a key") }
            }
            Way::Cognito => SignIn::Token { token: TokenKind::Cognito },
            Way::Opaque | Way::OpaqueInQuery => SignIn::Token { token: TokenKind::Opaque },
            Way::Iam => SignIn::Iam { region: "us-east-1".into() },
        }
    }
}

fn events(kind: NamespaceKind) -> Service {
    let api = Api::parse(ApiKind::Events, &format!("https://{HOST}/event"));
    let namespace = Namespace::parse("chat").expect("a namespace");
    Service::AppsyncEvents { api: api.expect("an address"), namespace, events: kind }
}

/// A token that speaks of somebody, until a time in seconds since 1970.
pub(crate) fn jwt(subject: &str, expires_at: i64) -> Credentials {
    let claims = json!({"sub": subject, "exp": expires_at, "name": "Ann of the token"});
    let claims = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    token(&format!("e30.{claims}.c2ln"))
}

pub(crate) fn token(text: &str) -> Credentials {
    let token = Secret::parse(text).expect("visible ASCII");
    Credentials::Token { token, expires_at: None }
}

/// AWS credentials until a time in milliseconds since 1970.
pub(crate) fn aws(expires_at: i64) -> Credentials {
    let secret = Secret::parse("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    Credentials::Aws {
        access_key_id: AccessKeyId::parse("AKIDEXAMPLE0000000AB").expect("letters and digits"),
        secret_access_key: secret.expect("visible ASCII"),
        session_token: None,
        expires_at: Some(WallClock(expires_at)),
    }
}
