//! A backend that the page itself brings, for tests and playgrounds: the attributes that go with `endpoint`.

use roomlet_client::RoomId;
use roomlet_client::config::{
    Api, ApiKey, ApiKind, Backend, Dialect, Endpoint, Namespace, NamespaceKind, Service, SignIn,
    TokenKind,
};

use super::options::Options;

/// What pages may call a kind of backend.
const KINDS: &str = "use `api-gateway`, `appsync-graphql` or `appsync-events`";

/// Reads the attributes; an error reads on after "The attribute".
pub(super) fn read(options: &Options, endpoint: &str) -> Result<Backend, String> {
    let service = service(options, endpoint)?;
    let sign_in = sign_in(options, &service)?;
    Ok(Backend { name: "page".to_owned(), service, sign_in, room: RoomId::default() })
}

fn service(options: &Options, endpoint: &str) -> Result<Service, String> {
    match options.kind.as_deref() {
        None | Some("api-gateway") => {
            refuse("namespace", &options.namespace, "AppSync Events")?;
            refuse("events", &options.events, "AppSync Events")?;
            let endpoint =
                Endpoint::parse(endpoint).map_err(|error| format!("`endpoint` {error}"))?;
            Ok(Service::api_gateway(endpoint, dialect(options)?))
        }
        Some("appsync-graphql") => {
            refuse("namespace", &options.namespace, "AppSync Events")?;
            refuse("events", &options.events, "AppSync Events")?;
            let api = api(ApiKind::Graphql, endpoint)?;
            Ok(Service::AppsyncGraphql { api, dialect: dialect(options)? })
        }
        Some("appsync-events") => {
            refuse("dialect", &options.dialect, "API Gateway and AppSync GraphQL")?;
            let api = api(ApiKind::Events, endpoint)?;
            let namespace = options.namespace.as_deref().map(Namespace::parse).transpose();
            let namespace = namespace.map_err(|error| format!("`namespace` {error}"))?;
            let namespace = namespace.unwrap_or_default();
            let events = match options.events.as_deref() {
                None => NamespaceKind::default(),
                Some(text) => NamespaceKind::parse(text)
                    .ok_or_else(|| format!("`events` is `{text}`: use `raw` or `stamped`"))?,
            };
            Ok(Service::AppsyncEvents { api, namespace, events })
        }
        Some(other) => Err(format!("`kind` is `{other}`: {KINDS}")),
    }
}

fn api(kind: ApiKind, endpoint: &str) -> Result<Api, String> {
    Api::parse(kind, endpoint).map_err(|error| format!("`endpoint` {error}"))
}

fn dialect(options: &Options) -> Result<Dialect, String> {
    match options.dialect.as_deref() {
        None => Ok(Dialect::Auto),
        Some(text) => Dialect::parse(text)
            .ok_or_else(|| format!("`dialect` is `{text}`: use `auto`, `basic` or `full`")),
    }
}

fn sign_in(options: &Options, service: &Service) -> Result<SignIn, String> {
    let is_gateway = matches!(service, Service::ApiGateway { .. });
    let mode = match (options.auth_mode.as_deref(), &options.api_key) {
        (Some(mode), _) => mode,
        (None, Some(_)) => "api-key",
        (None, None) if is_gateway => "none",
        (None, None) => {
            return Err(
                "`auth-mode` is missing: use `api-key`, `cognito`, `oidc`, `lambda` or `iam`"
                    .to_owned(),
            );
        }
    };
    if mode != "api-key" {
        refuse("api-key", &options.api_key, "the `auth-mode` `api-key`")?;
    }
    if mode != "iam" {
        refuse("region", &options.region, "the `auth-mode` `iam`")?;
    }
    let token = |token| Ok(SignIn::Token { token });
    match (mode, is_gateway) {
        ("none", _) => Ok(SignIn::None),
        ("token", true) | ("lambda", _) => token(TokenKind::Opaque),
        ("cognito", false) => token(TokenKind::Cognito),
        ("oidc", false) => token(TokenKind::Oidc),
        ("api-key", false) => {
            let key = options.api_key.as_deref().and_then(ApiKey::parse);
            let key =
                key.ok_or_else(|| "`api-key` is no API key: it looks like `da2-…`".to_owned())?;
            Ok(SignIn::ApiKey { key })
        }
        ("iam", _) => {
            let region = options.region.clone();
            let region = region
                .ok_or_else(|| "`region` is missing: write it as in `eu-west-1`".to_owned())?;
            Ok(SignIn::Iam { region })
        }
        (other, true) => Err(format!("`auth-mode` is `{other}`: use `none`, `token` or `iam`")),
        (other, false) => Err(format!(
            "`auth-mode` is `{other}`: use `api-key`, `cognito`, `oidc`, `lambda`, `iam` or `none`"
        )),
    }
}

fn refuse(attribute: &str, value: &Option<String>, meant_for: &str) -> Result<(), String> {
    match value {
        None => Ok(()),
        Some(_) => Err(format!("`{attribute}` is for {meant_for}: take it out")),
    }
}
