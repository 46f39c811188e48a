//! What people set, and what comes of it.

mod amplify;
mod mistakes;

use super::*;
use crate::config::{
    ApiKey, Backend, Dialect, NamespaceKind, Service, SignIn, TokenCarrier, TokenKind,
};

const FILE: &str = r#"
    [backends.default]
    kind = "api-gateway"
    endpoint = "ws://127.0.0.1:8787/prod"

    [backends.basic]
    kind = "api-gateway"
    endpoint = "ws://127.0.0.1:8787/basic"
    dialect = "basic"

    [backends.events]
    kind = "appsync-events"
    endpoint = "http://127.0.0.1:8787/event"
    api_key = "da2-local"
    namespace = "chat"
    events = "stamped"
"#;
const GATEWAY: &str = "wss://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod";
const GRAPHQL: &str = "https://a1b2c3.appsync-api.eu-west-1.amazonaws.com/graphql";
const EVENTS: &str = "https://a1b2c3.appsync-api.eu-west-1.amazonaws.com/event";

type Variables<'a> = [(&'a str, &'a str)];

/// Reads a file, and variables whose names are given without `ROOMLET_`.
fn read_with(
    file: &str,
    profile: Profile,
    amplify_outputs: Option<io::Result<String>>,
    variables: &Variables<'_>,
) -> Result<Reading, String> {
    let named = variables.iter().map(|(name, value)| (format!("ROOMLET_{name}"), (*value).into()));
    let other = ("HOME".to_owned(), "AKIAIOSFODNN7EXAMPLE".to_owned());
    let environment = named.chain([other]).collect();
    let source = Source { file: Some(file), amplify_outputs, environment, profile };
    source.read().map_err(|error| error.to_string())
}

fn read(profile: Profile, variables: &Variables<'_>) -> Result<Reading, String> {
    read_with(FILE, profile, None, variables)
}

/// The backend of pages that name none, in a release build with these variables.
fn default(variables: &Variables<'_>) -> Backend {
    let reading = read(Profile::Release, variables).unwrap();
    reading.configuration.backend(None).unwrap().clone()
}

fn names(reading: &Reading) -> Vec<&str> {
    reading.configuration.backends().iter().map(|backend| backend.name.as_str()).collect()
}

fn key(text: &str) -> SignIn {
    SignIn::ApiKey { key: ApiKey::parse(text).unwrap() }
}

fn iam(region: &str) -> SignIn {
    SignIn::Iam { region: region.to_owned() }
}

fn token(token: TokenKind) -> SignIn {
    SignIn::Token { token }
}

#[test]
fn the_file_alone_is_for_development() {
    let reading = read(Profile::Development, &[]).unwrap();
    assert_eq!(names(&reading), ["default", "basic", "events"]);
    let backend = |name| reading.configuration.backend(Some(name)).unwrap();
    assert_eq!(backend("basic").service.dialect(), Some(Dialect::Basic));
    assert_eq!(backend("events").sign_in, key("da2-local"));
    let Service::AppsyncEvents { api, namespace, events } = &backend("events").service else {
        panic!("events")
    };
    assert_eq!(api.realtime(), "ws://127.0.0.1:8787/event/realtime");
    assert_eq!((namespace.as_str(), *events), ("chat", NamespaceKind::Stamped));
    let error = reading.configuration.backend(Some("prod")).unwrap_err().to_string();
    assert_eq!(error, "this build has no backend `prod`: use one of `default`, `basic`, `events`");
}

#[test]
fn this_repositorys_own_file_has_the_local_backends() {
    let file = include_str!("../../../../../roomlet.toml");
    let reading = read_with(file, Profile::Development, None, &[]).unwrap();
    assert_eq!(
        names(&reading),
        ["default", "basic", "events", "events-raw", "graphql", "graphql-basic"]
    );
    assert!(reading.configuration.backends().iter().all(|backend| backend.service.is_loopback()));
    assert!(read_with(file, Profile::Release, None, &[]).is_err());
}

#[test]
fn variables_define_the_default_backend() {
    let variables = [
        ("BACKEND", "api-gateway"),
        ("ENDPOINT", GATEWAY),
        ("ROOM", "김치 방/1"),
        ("AUTH", "none"),
        ("ALLOW_PAGE_BACKEND", "true"),
    ];
    let reading = read(Profile::Release, &variables).unwrap();
    assert_eq!((names(&reading), &reading.warnings), (vec!["default"], &Vec::new()));
    assert!(reading.configuration.allow_page_backend);
    let backend = reading.configuration.backend(None).unwrap();
    assert_eq!((backend.service.address(), backend.room.as_str()), (GATEWAY, "김치 방/1"));
    let baked = serde_json::to_string(&reading.configuration).unwrap();
    assert_eq!(Configuration::from_baked(&baked), Some(reading.configuration));
}

#[test]
fn an_api_gateway_backend_has_its_ways_to_sign_in() {
    let sign_in = |variables: &Variables<'_>| {
        let own = [("BACKEND", "api-gateway"), ("ENDPOINT", GATEWAY)];
        default(&[&own, variables].concat()).sign_in
    };
    assert_eq!(sign_in(&[]), SignIn::None);
    for auth in ["token", "lambda", "AWS_LAMBDA"] {
        assert_eq!(sign_in(&[("AUTH", auth)]), token(TokenKind::Opaque));
    }
    assert_eq!(sign_in(&[("AUTH", "iam")]), iam("eu-west-1"));
    assert_eq!(sign_in(&[("AUTH", "AWS_IAM"), ("REGION", "eu-west-1")]), iam("eu-west-1"));
    let own = [("BACKEND", "api-gateway"), ("ENDPOINT", "wss://ws.example.com/chat")];
    let elsewhere = [("AUTH", "iam"), ("REGION", "ap-northeast-2")];
    assert_eq!(default(&[own, elsewhere].concat()).sign_in, iam("ap-northeast-2"));
}

#[test]
fn a_token_in_the_query_is_warned_of() {
    let of = |carrier| {
        let variables = [
            ("BACKEND", "api-gateway"),
            ("ENDPOINT", GATEWAY),
            ("AUTH", "token"),
            ("TOKEN_CARRIER", carrier),
        ];
        let reading = read(Profile::Release, &variables).unwrap();
        let Service::ApiGateway { token_carrier, .. } =
            reading.configuration.backend(None).unwrap().service
        else {
            panic!("API Gateway")
        };
        (token_carrier, reading.warnings)
    };
    assert_eq!(of("subprotocol"), (TokenCarrier::Subprotocol, vec![]));
    let (carrier, warnings) = of("query");
    assert_eq!(carrier, TokenCarrier::Query);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("ROOMLET_TOKEN_CARRIER is `query`: tokens stand in URLs"));
}

#[test]
fn an_appsync_backend_has_its_ways_to_sign_in() {
    for (kind, endpoint) in [("appsync-graphql", GRAPHQL), ("appsync-events", EVENTS)] {
        let sign_in = |variables: &Variables<'_>| {
            let own = [("BACKEND", kind), ("ENDPOINT", endpoint)];
            default(&[&own, variables].concat()).sign_in
        };
        let api_key = ("API_KEY", "da2-abcdefghijklmnopqrstuvwxyz");
        let with_key = key(api_key.1);
        assert_eq!(sign_in(&[api_key]), with_key);
        assert_eq!(sign_in(&[api_key, ("AUTH", "api-key")]), with_key);
        assert_eq!(sign_in(&[api_key, ("AUTH", "API_KEY")]), with_key);
        for (auth, expected) in [
            ("cognito", token(TokenKind::Cognito)),
            ("AMAZON_COGNITO_USER_POOLS", token(TokenKind::Cognito)),
            ("oidc", token(TokenKind::Oidc)),
            ("OPENID_CONNECT", token(TokenKind::Oidc)),
            ("lambda", token(TokenKind::Opaque)),
            ("AWS_LAMBDA", token(TokenKind::Opaque)),
            ("iam", iam("eu-west-1")),
            ("AWS_IAM", iam("eu-west-1")),
        ] {
            assert_eq!(sign_in(&[("AUTH", auth)]), expected, "{kind} {auth}");
        }
    }
}

#[test]
fn a_proxy_may_sign_people_in_to_appsync_itself() {
    for (kind, path) in [("appsync-graphql", "graphql"), ("appsync-events", "event")] {
        let of = |host: &str, variables: &Variables<'_>| {
            let endpoint = format!("{host}/{path}");
            let own = [("BACKEND", kind), ("ENDPOINT", &*endpoint)];
            let reading = read(Profile::Development, &[&own, variables].concat()).unwrap();
            reading.configuration.backend(None).unwrap().sign_in.clone()
        };
        for none in ["none", "NONE"] {
            for host in ["https://chat.example.com", "http://127.0.0.1:8787"] {
                assert_eq!(of(host, &[("AUTH", none)]), SignIn::None, "{kind} {host}");
            }
            let own_host = ("HOST", "a1b2c3.appsync-api.eu-west-1.amazonaws.com");
            let behind = of("https://chat.example.com", &[("AUTH", none), own_host]);
            assert_eq!(behind, SignIn::None, "{kind}");
        }
    }
}

#[test]
fn an_appsync_backend_may_stand_behind_a_proxy() {
    let backend = default(&[
        ("BACKEND", "appsync-graphql"),
        ("ENDPOINT", "https://chat.example.com/api"),
        ("REALTIME_ENDPOINT", "wss://live.example.com/api"),
        ("HOST", "a1b2c3.appsync-api.eu-west-1.amazonaws.com"),
        ("AUTH", "iam"),
        ("DIALECT", "full"),
    ]);
    assert_eq!(backend.sign_in, iam("eu-west-1"));
    let Service::AppsyncGraphql { api, dialect } = backend.service else { panic!("GraphQL") };
    assert_eq!(api.url(), "https://chat.example.com/api");
    assert_eq!(api.realtime(), "wss://live.example.com/api");
    assert_eq!(api.host(), "a1b2c3.appsync-api.eu-west-1.amazonaws.com");
    assert_eq!(dialect, Dialect::Full);
}

#[test]
fn events_have_a_namespace() {
    let of = |variables: &Variables<'_>| {
        let own = [("BACKEND", "appsync-events"), ("ENDPOINT", EVENTS), ("API_KEY", "da2-local")];
        match default(&[&own, variables].concat()).service {
            Service::AppsyncEvents { namespace, events, .. } => (String::from(namespace), events),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(of(&[]), ("default".into(), NamespaceKind::Raw));
    let chosen = of(&[("NAMESPACE", "chat"), ("EVENTS", "stamped")]);
    assert_eq!(chosen, ("chat".into(), NamespaceKind::Stamped));
}

#[test]
fn variables_change_the_default_backend_of_the_file() {
    let changes =
        [("DIALECT", "full"), ("ROOM", "r"), ("AUTH", "token"), ("TOKEN_CARRIER", "subprotocol")];
    let reading = read(Profile::Development, &changes).unwrap();
    let backend = reading.configuration.backend(None).unwrap();
    assert_eq!(backend.service.address(), "ws://127.0.0.1:8787/prod");
    assert_eq!(backend.service.dialect(), Some(Dialect::Full));
    assert_eq!((backend.room.as_str(), &backend.sign_in), ("r", &token(TokenKind::Opaque)));
    let other = reading.configuration.backend(Some("basic")).unwrap();
    assert_eq!((other.room.as_str(), &other.sign_in), ("lobby", &SignIn::None));

    // Another way to sign in leaves a key of the file behind; a key leaves another way behind.
    let keyed = "[backends.default]\nkind='appsync-events'\nendpoint='http://127.0.0.1:1/event'\napi_key='da2-local'";
    let sign_in = |file: &str, variables: &Variables<'_>| {
        let reading = read_with(file, Profile::Development, None, variables).unwrap();
        reading.configuration.backend(None).unwrap().sign_in.clone()
    };
    assert_eq!(sign_in(keyed, &[("AUTH", "cognito")]), token(TokenKind::Cognito));
    assert_eq!(sign_in(keyed, &[("AUTH", "api-key")]), key("da2-local"));
    let signed = keyed.replace("api_key='da2-local'", "auth='cognito'");
    assert_eq!(sign_in(&signed, &[("API_KEY", "da2-other")]), key("da2-other"));
}
