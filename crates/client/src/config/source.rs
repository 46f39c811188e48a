//! The readers of a build: `roomlet.toml`, then `ROOMLET_*` variables. Later wins.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::endpoint::Endpoint;
use super::secrets::looks_like_secret;
use super::{Backend, Configuration, Dialect, Service, SignIn};
use crate::chat::ids::RoomId;

/// Every variable there is. Together they define the backend `default`.
pub const VARIABLES: [&str; 14] = [
    "ROOMLET_ALLOW_PAGE_BACKEND",
    "ROOMLET_AMPLIFY_OUTPUTS",
    "ROOMLET_API_KEY",
    "ROOMLET_AUTH",
    "ROOMLET_BACKEND",
    "ROOMLET_DIALECT",
    "ROOMLET_ENDPOINT",
    "ROOMLET_EVENTS",
    "ROOMLET_HOST",
    "ROOMLET_NAMESPACE",
    "ROOMLET_REALTIME_ENDPOINT",
    "ROOMLET_REGION",
    "ROOMLET_ROOM",
    "ROOMLET_TOKEN_CARRIER",
];

/// The name of the backend that the variables define.
const DEFAULT_BACKEND: &str = "default";

/// Where a configuration is read from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The text of `roomlet.toml`, if there is one.
    pub file: Option<&'a str>,
    /// The environment: names and values. Names that do not begin with `ROOMLET_` are ignored.
    pub environment: BTreeMap<String, String>,
    /// What kind of build it is for.
    pub profile: Profile,
}

/// Which backends a build may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For work on this machine, and for demonstrations: loopback backends stay.
    Development,
    /// For other people: loopback backends are dropped.
    Release,
}

/// One sentence that names the setting and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}")]
pub struct ConfigurationError {
    /// The variable, or the key of `roomlet.toml`.
    pub setting: String,
    /// The rest of the sentence.
    pub problem: String,
}

fn error(setting: impl Into<String>, problem: impl Into<String>) -> ConfigurationError {
    ConfigurationError { setting: setting.into(), problem: problem.into() }
}

impl Source<'_> {
    /// Reads everything, or says what is wrong first.
    pub fn read(&self) -> Result<Configuration, ConfigurationError> {
        self.check_environment()?;
        let file = self.file.map(read_file).transpose()?.unwrap_or_default();
        let mut settings = file.backends;
        self.apply_environment(&mut settings)?;
        let mut backends = Vec::new();
        for (name, fields) in settings {
            let of_variables = name == DEFAULT_BACKEND && self.value("BACKEND").is_some();
            backends.push(fields.into_backend(&name, of_variables)?);
        }
        backends.sort_by_key(|backend| backend.name != DEFAULT_BACKEND);
        if self.profile == Profile::Release {
            backends.retain(|backend| !backend.service.is_loopback());
        }
        let allow_page_backend = self.flag("ALLOW_PAGE_BACKEND")?.or(file.allow_page_backend);
        let configuration = Configuration::new(backends, allow_page_backend.unwrap_or(false));
        configuration.ok_or_else(|| match self.value("ENDPOINT") {
            Some(_) => error(
                "ROOMLET_ENDPOINT",
                "is on this machine, which a release build cannot use: give the address of your API, or build the demo with `--demo`",
            ),
            None => error(
                "ROOMLET_BACKEND",
                "is not set, and a release build has no backend without it: set ROOMLET_BACKEND=api-gateway and ROOMLET_ENDPOINT to the address of your API, or build the demo with `--demo`",
            ),
        })
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.environment.get(&format!("ROOMLET_{name}")).map(String::as_str)
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, ConfigurationError> {
        match self.value(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(error(format!("ROOMLET_{name}"), "must be `true` or `false`")),
        }
    }

    fn check_environment(&self) -> Result<(), ConfigurationError> {
        for (name, value) in &self.environment {
            if !name.starts_with("ROOMLET_") {
                continue;
            }
            if !VARIABLES.contains(&name.as_str()) {
                let nearest = VARIABLES.iter().max_by(|a, b| {
                    strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name))
                });
                let hint =
                    nearest.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
                return Err(error(name, format!("is no variable of Roomlet{hint}")));
            }
            check_value(name, value)?;
        }
        Ok(())
    }

    /// The variables define the backend `default`, or change the one of the file.
    fn apply_environment(
        &self,
        settings: &mut BTreeMap<String, Fields>,
    ) -> Result<(), ConfigurationError> {
        for (name, reason) in [
            (
                "AMPLIFY_OUTPUTS",
                "is for AppSync backends, which this version does not have: remove it",
            ),
            ("API_KEY", "has no meaning for an API Gateway backend: remove it"),
            ("EVENTS", "has no meaning for an API Gateway backend: remove it"),
            ("HOST", "has no meaning for an API Gateway backend: remove it"),
            ("NAMESPACE", "has no meaning for an API Gateway backend: remove it"),
            (
                "REALTIME_ENDPOINT",
                "has no meaning for an API Gateway backend: put its address into ROOMLET_ENDPOINT",
            ),
            (
                "REGION",
                "has no meaning for an API Gateway backend, whose region stands in its address: remove it",
            ),
            (
                "TOKEN_CARRIER",
                "needs a backend with sign-in, which this version does not have: remove it",
            ),
        ] {
            if self.value(name).is_some() {
                return Err(error(format!("ROOMLET_{name}"), reason));
            }
        }
        if self.value("AUTH").is_some_and(|auth| auth != "none") {
            return Err(error("ROOMLET_AUTH", "must be `none`: this version has no sign-in"));
        }
        match (self.value("BACKEND"), self.value("ENDPOINT")) {
            (Some(kind), Some(endpoint)) => {
                let kind = Some(kind.to_owned());
                let endpoint = Some(endpoint.to_owned());
                let fields = Fields { kind, endpoint, ..Fields::default() };
                settings.insert(DEFAULT_BACKEND.to_owned(), fields);
            }
            (Some(_), None) => {
                return Err(error(
                    "ROOMLET_ENDPOINT",
                    "is not set: give the address of your API, as in wss://{api-id}.execute-api.{region}.amazonaws.com/{stage}",
                ));
            }
            (None, Some(_)) => {
                return Err(error(
                    "ROOMLET_BACKEND",
                    "is not set, though ROOMLET_ENDPOINT is: set it to `api-gateway`",
                ));
            }
            (None, None) => {}
        }
        for (name, set) in [
            ("DIALECT", (|fields, value| fields.dialect = Some(value)) as fn(&mut Fields, String)),
            ("ROOM", |fields, value| fields.room = Some(value)),
        ] {
            if let Some(value) = self.value(name) {
                let fields = settings.get_mut(DEFAULT_BACKEND).ok_or_else(|| {
                    error(
                        format!("ROOMLET_{name}"),
                        "needs ROOMLET_BACKEND and ROOMLET_ENDPOINT: set them",
                    )
                })?;
                set(fields, value.to_owned());
            }
        }
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    backends: BTreeMap<String, Fields>,
    allow_page_backend: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: Option<String>,
    endpoint: Option<String>,
    dialect: Option<String>,
    room: Option<String>,
}

fn read_file(text: &str) -> Result<File, ConfigurationError> {
    let file = toml::from_str::<File>(text).map_err(|problem| {
        error("roomlet.toml", format!("cannot be read: {}", one_line(&problem)))
    })?;
    for (name, fields) in &file.backends {
        let values = [&fields.kind, &fields.endpoint, &fields.dialect, &fields.room];
        for value in values.into_iter().flatten() {
            check_value(&format!("`backends.{name}` of roomlet.toml"), value)?;
        }
    }
    Ok(file)
}

fn one_line(problem: &toml::de::Error) -> String {
    problem.message().replace('\n', " ")
}

fn check_value(setting: &str, value: &str) -> Result<(), ConfigurationError> {
    if value.is_empty() {
        return Err(error(setting, "is empty: give it a value or remove it"));
    }
    match looks_like_secret(value) {
        Some(what) => {
            let problem = format!("looks like {what}: take it out, what is built in is public");
            Err(error(setting, problem))
        }
        None => Ok(()),
    }
}

impl Fields {
    fn into_backend(self, name: &str, of_variables: bool) -> Result<Backend, ConfigurationError> {
        let setting = |key: &str| {
            if of_variables || (name == DEFAULT_BACKEND && key != "endpoint" && key != "kind") {
                let key = if key == "kind" { "backend" } else { key };
                format!("ROOMLET_{}", key.to_ascii_uppercase())
            } else {
                format!("`backends.{name}.{key}` of roomlet.toml")
            }
        };
        match self.kind.as_deref() {
            Some("api-gateway") => {}
            Some(kind @ ("appsync-graphql" | "appsync-events")) => {
                let problem =
                    format!("is `{kind}`, which this version does not have: use `api-gateway`");
                return Err(error(setting("kind"), problem));
            }
            Some(kind) => {
                let problem =
                    format!("is `{kind}`, which is no kind of backend: use `api-gateway`");
                return Err(error(setting("kind"), problem));
            }
            None => return Err(error(setting("kind"), "is not set: use `api-gateway`")),
        }
        let endpoint = self.endpoint.ok_or_else(|| error(setting("endpoint"), "is not set"))?;
        let endpoint = Endpoint::parse(&endpoint)
            .map_err(|problem| error(setting("endpoint"), problem.to_string()))?;
        let dialect = match self.dialect {
            None => Dialect::Auto,
            Some(text) => Dialect::parse(&text).ok_or_else(|| {
                error(setting("dialect"), format!("is `{text}`: use `auto`, `basic` or `full`"))
            })?,
        };
        let room = RoomId::parse(self.room.as_deref().unwrap_or_default())
            .map_err(|problem| error(setting("room"), format!("is no room id: {problem}")))?;
        let service = Service::api_gateway(endpoint, dialect);
        Ok(Backend { name: name.to_owned(), service, sign_in: SignIn::None, room })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [backends.default]
        kind = "api-gateway"
        endpoint = "ws://127.0.0.1:8787/prod"

        [backends.basic]
        kind = "api-gateway"
        endpoint = "ws://127.0.0.1:8787/basic"
        dialect = "basic"
    "#;
    const REAL: &str = "wss://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod";

    fn read(profile: Profile, variables: &[(&str, &str)]) -> Result<Configuration, String> {
        let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let source = Source { file: Some(FILE), environment: environment.collect(), profile };
        source.read().map_err(|error| error.to_string())
    }

    fn names(configuration: &Configuration) -> Vec<&str> {
        configuration.backends().iter().map(|backend| backend.name.as_str()).collect()
    }

    #[test]
    fn the_file_alone_is_for_development() {
        let configuration = read(Profile::Development, &[]).unwrap();
        assert_eq!(names(&configuration), ["default", "basic"]);
        assert_eq!(
            configuration.backend(Some("basic")).unwrap().service.dialect(),
            Some(Dialect::Basic)
        );
        let error = configuration.backend(Some("prod")).unwrap_err().to_string();
        assert_eq!(error, "this build has no backend `prod`: use one of `default`, `basic`");
    }

    #[test]
    fn variables_define_the_default_backend() {
        let variables = [
            ("ROOMLET_BACKEND", "api-gateway"),
            ("ROOMLET_ENDPOINT", REAL),
            ("ROOMLET_ROOM", "김치 방/1"),
            ("ROOMLET_AUTH", "none"),
            ("HOME", "AKIAIOSFODNN7EXAMPLE"),
        ];
        let configuration = read(Profile::Release, &variables).unwrap();
        assert_eq!(names(&configuration), ["default"]);
        let backend = configuration.backend(None).unwrap();
        assert_eq!((backend.service.address(), backend.room.as_str()), (REAL, "김치 방/1"));
        let baked = serde_json::to_string(&configuration).unwrap();
        assert_eq!(serde_json::from_str::<Configuration>(&baked).unwrap(), configuration);
    }

    #[test]
    fn each_mistake_is_one_sentence_that_names_its_variable() {
        let real = ("ROOMLET_ENDPOINT", REAL);
        let kind = ("ROOMLET_BACKEND", "api-gateway");
        let endpoint = |value| [kind, ("ROOMLET_ENDPOINT", value)];
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ROOMLET_BACKEND is not set, and a release build"),
            (&[kind], "ROOMLET_ENDPOINT is not set"),
            (&[real], "ROOMLET_BACKEND is not set, though"),
            (
                &[real, ("ROOMLET_BACKEND", "pusher")],
                "ROOMLET_BACKEND is `pusher`, which is no kind",
            ),
            (
                &endpoint("wss://a.execute-api.eu-west-1.amazonaws.com"),
                "ROOMLET_ENDPOINT has no stage",
            ),
            (&endpoint("http://example.com/prod"), "ROOMLET_ENDPOINT begins with `http://`"),
            (&endpoint("ws://127.0.0.1:1/prod"), "ROOMLET_ENDPOINT is on this machine"),
            (
                &endpoint("wss://e.com/AKIAIOSFODNN7EXAMPLE"),
                "ROOMLET_ENDPOINT looks like an AWS access key",
            ),
            (&endpoint(""), "ROOMLET_ENDPOINT is empty"),
            (
                &[kind, real, ("ROOMLET_ENDPONT", "x")],
                "ROOMLET_ENDPONT is no variable of Roomlet: did you mean ROOMLET_ENDPOINT?",
            ),
            (&[kind, real, ("ROOMLET_DIALECT", "klingon")], "ROOMLET_DIALECT is `klingon`"),
            (&[kind, real, ("ROOMLET_ROOM", "a\nb")], "ROOMLET_ROOM is no room id"),
            (&[kind, real, ("ROOMLET_AUTH", "cognito")], "ROOMLET_AUTH must be `none`"),
            (&[kind, real, ("ROOMLET_API_KEY", "da2-x")], "ROOMLET_API_KEY has no meaning"),
            (
                &[kind, real, ("ROOMLET_ALLOW_PAGE_BACKEND", "yes")],
                "ROOMLET_ALLOW_PAGE_BACKEND must be",
            ),
        ];
        for (variables, expected) in cases {
            let message = read(Profile::Release, variables).unwrap_err();
            assert!(message.starts_with(expected), "{message} / {expected}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn a_wrong_file_is_one_sentence_too() {
        for (file, expected) in [
            ("backends = 5", "roomlet.toml cannot be read"),
            (
                "[backends.x]\nkind='api-gateway'",
                "`backends.x.endpoint` of roomlet.toml is not set",
            ),
            (
                "[backends.x]\nkind='api-gateway'\nendpoint='wss://e.com/p'\ntoken='t'",
                "roomlet.toml cannot be read",
            ),
        ] {
            let source = Source {
                file: Some(file),
                environment: BTreeMap::new(),
                profile: Profile::Release,
            };
            let message = source.read().unwrap_err().to_string();
            assert!(message.starts_with(expected) && !message.contains('\n'), "{message}");
        }
    }
}
