//! The files that Amplify writes for front ends: `amplify_outputs.json` of Gen 2; `aws-exports.js` and
//! `amplifyconfiguration.json` of Gen 1. Only what a backend needs is taken out of them.

mod document;

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value};

use super::settings::{AmplifyObject, Field, Place, Settings};
use super::{ConfigurationError, error};

/// What is wrong with the file as a whole, or with something in it.
pub(super) enum Problem {
    /// Reads on after the name of the variable that names the file.
    Whole(String),
    /// A sentence of its own.
    Inner(ConfigurationError),
}

impl Problem {
    pub(super) fn unwrap_or_setting(self, variable: &str) -> ConfigurationError {
        match self {
            Self::Whole(problem) => error(variable, problem),
            Self::Inner(error) => error,
        }
    }
}

/// The backends of a file, by the names that pages may use.
pub(super) fn read(
    file: &str,
    text: Option<&io::Result<String>>,
) -> Result<BTreeMap<String, Settings>, Problem> {
    let found = backends(file, &document::read(file, text)?)?;
    if found.is_empty() {
        return Err(Problem::Whole(format!(
            "names `{file}`, which has no backend for chat: it needs `data`, `custom.events` or `custom.roomlet` (Gen 2), or a GraphQL API (Gen 1)"
        )));
    }
    Ok(found)
}

fn backends(file: &str, root: &Map<String, Value>) -> Result<BTreeMap<String, Settings>, Problem> {
    if root.keys().any(|key| key == "aws_project_region" || key.starts_with("aws_appsync_")) {
        return flat(file, root);
    }
    match root.get("api").and_then(|api| api.get("plugins")) {
        Some(plugins) => nested(file, plugins),
        None => second_generation(file, root),
    }
}

/// Gen 2 (its JSON schema is published as `client-config-schema/schema_v1.json`). `custom` is free: `custom.events` is
/// what Amplify's own documentation uses for Event APIs, `custom.roomlet` is ours, for API Gateway.
fn second_generation(
    file: &str,
    root: &Map<String, Value>,
) -> Result<BTreeMap<String, Settings>, Problem> {
    match root.get("version").and_then(Value::as_str) {
        Some(version) if version.starts_with('1') => {}
        Some(version) => {
            return Err(Problem::Whole(format!(
                "names `{file}`, which has version `{version}`: only versions that begin with 1 can be read"
            )));
        }
        None => {
            return Err(Problem::Whole(format!(
                "names `{file}`, which has no `version`: name an `amplify_outputs.json`, `aws-exports.js` or `amplifyconfiguration.json`"
            )));
        }
    }
    let custom = root.get("custom");
    let mut found = BTreeMap::new();
    for (path, object, name, kind, keys) in [
        ("data", root.get("data"), "graphql", "appsync-graphql", [Field::ApiKey].as_slice()),
        (
            "custom.events",
            custom.and_then(|custom| custom.get("events")),
            "events",
            "appsync-events",
            &[Field::ApiKey, Field::Namespace, Field::Events],
        ),
        (
            "custom.roomlet",
            custom.and_then(|custom| custom.get("roomlet")),
            "api-gateway",
            "api-gateway",
            &[Field::Dialect, Field::TokenCarrier],
        ),
    ] {
        let object = match object {
            None | Some(Value::Null) => continue,
            Some(Value::Object(object)) => object,
            Some(_) => {
                let name = format!("`{path}` of {file}");
                return Err(Problem::Inner(error(
                    name,
                    "must be an object: generate the file again",
                )));
            }
        };
        let source = AmplifyObject {
            file: file.to_owned(),
            path: format!("{path}."),
            names: second_generation_name,
            is_ours: path == "custom.roomlet",
        };
        found.insert(name.to_owned(), settings(source, kind, object, keys)?);
    }
    Ok(found)
}

fn second_generation_name(key: Field) -> &'static str {
    match key {
        Field::Endpoint => "url",
        Field::Region => "aws_region",
        Field::Auth => "default_authorization_type",
        _ => key.name(),
    }
}

/// Gen 1, one object for everything.
fn flat(file: &str, root: &Map<String, Value>) -> Result<BTreeMap<String, Settings>, Problem> {
    if root.get("aws_appsync_graphqlEndpoint").is_none_or(Value::is_null) {
        return Ok(BTreeMap::new());
    }
    let source = AmplifyObject {
        file: file.to_owned(),
        path: String::new(),
        names: flat_name,
        is_ours: false,
    };
    let settings = settings(source, "appsync-graphql", root, &[Field::ApiKey])?;
    Ok(BTreeMap::from([("graphql".to_owned(), settings)]))
}

fn flat_name(key: Field) -> &'static str {
    match key {
        Field::Endpoint => "aws_appsync_graphqlEndpoint",
        Field::Region => "aws_appsync_region",
        Field::Auth => "aws_appsync_authenticationType",
        Field::ApiKey => "aws_appsync_apiKey",
        _ => key.name(),
    }
}

/// Gen 1 as its native libraries read it: `api.plugins.awsAPIPlugin.{name}`, of which one is a GraphQL API.
fn nested(file: &str, plugins: &Value) -> Result<BTreeMap<String, Settings>, Problem> {
    let apis = plugins.get("awsAPIPlugin").and_then(Value::as_object);
    let is_graphql = |api: &Value| {
        let kind = api.get("endpointType").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("graphql"))
    };
    let mut graphql = apis
        .into_iter()
        .flatten()
        .filter(|(_, api)| is_graphql(api))
        .filter_map(|(name, api)| Some((name, api.as_object()?)));
    let Some((name, api)) = graphql.next() else { return Ok(BTreeMap::new()) };
    if let Some((other, _)) = graphql.next() {
        return Err(Problem::Whole(format!(
            "names `{file}`, which has several GraphQL APIs (`{name}`, `{other}`): remove it, and set ROOMLET_BACKEND and ROOMLET_ENDPOINT instead"
        )));
    }
    let path = format!("api.plugins.awsAPIPlugin.{name}.");
    let source = AmplifyObject { file: file.to_owned(), path, names: nested_name, is_ours: false };
    let settings = settings(source, "appsync-graphql", api, &[Field::ApiKey])?;
    Ok(BTreeMap::from([("graphql".to_owned(), settings)]))
}

fn nested_name(key: Field) -> &'static str {
    match key {
        Field::Auth => "authorizationType",
        Field::ApiKey => "apiKey",
        _ => key.name(),
    }
}

/// The address, the way to sign in, and `keys`, under the names of the format.
fn settings(
    source: AmplifyObject,
    kind: &str,
    object: &Map<String, Value>,
    keys: &[Field],
) -> Result<Settings, Problem> {
    let (names, is_ours) = (source.names, source.is_ours);
    let keys = [&[Field::Endpoint, Field::Auth, Field::Region], keys].concat();
    if is_ours {
        refuse_unknown(&source, object, &keys)?;
    }
    let place = &Place::Amplify(source);
    let mut settings = Settings::new(place.clone());
    settings.set(Field::Kind, kind, place).map_err(Problem::Inner)?;
    for key in keys {
        let text = match object.get(names(key)) {
            None | Some(Value::Null) => continue,
            // Amplify's Gen 1 command line writes what it does not have in these ways.
            Some(Value::String(text)) if !is_ours && matches!(text.as_str(), "" | "null") => {
                continue;
            }
            Some(Value::String(text)) => text,
            Some(_) => {
                let problem = "must be a text: generate the file again";
                return Err(Problem::Inner(error(place.name(key), problem)));
            }
        };
        settings.set(key, text, place).map_err(Problem::Inner)?;
    }
    match settings.get(Field::Endpoint) {
        Some(_) => Ok(settings),
        None => Err(Problem::Inner(error(
            place.name(Field::Endpoint),
            "is not set: generate the file again",
        ))),
    }
}

/// A key that is passed over may be the one that says how people sign in.
fn refuse_unknown(
    source: &AmplifyObject,
    object: &Map<String, Value>,
    known: &[Field],
) -> Result<(), Problem> {
    let AmplifyObject { file, path, names, .. } = source;
    let is_known = |key: &str| known.iter().any(|field| names(*field) == key);
    let Some(unknown) = object.keys().find(|key| !is_known(key)) else { return Ok(()) };
    let problem = match known.iter().find(|field| field.name() == unknown) {
        Some(&field) => {
            format!("is called `{}` there: rename it in `backend.addOutput`", names(field))
        }
        None => {
            let all = known.iter().map(|field| format!("`{}`", names(*field))).collect::<Vec<_>>();
            format!(
                "is nothing that Roomlet knows: take it out of `backend.addOutput`, or use one of {}",
                all.join(", ")
            )
        }
    };
    Err(Problem::Inner(error(format!("`{path}{unknown}` of {file}"), problem)))
}
