//! The `ROOMLET_*` variables. They define the backend `default`, or change the one that a file defines.

use std::collections::BTreeMap;

use super::amplify;
use super::file::nearest;
use super::settings::{Field, Place, Settings, check_value};
use super::sign_in::Auth;
use super::{ConfigurationError, Source, error};

/// Every variable there is.
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

const AMPLIFY_OUTPUTS: &str = "ROOMLET_AMPLIFY_OUTPUTS";

/// The backend of pages that name none, where it is not the one of `roomlet.toml`.
pub(super) struct Chosen {
    pub(super) settings: Settings,
    /// The other name of it that pages may use.
    pub(super) twin: Option<String>,
}

impl Source<'_> {
    pub(super) fn value(&self, variable: &str) -> Option<&str> {
        self.environment.get(variable).map(String::as_str)
    }

    pub(super) fn flag(&self, variable: &str) -> Result<Option<bool>, ConfigurationError> {
        match self.value(variable) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(error(variable, "must be `true` or `false`")),
        }
    }

    pub(super) fn check_environment(&self) -> Result<(), ConfigurationError> {
        for (name, value) in &self.environment {
            if !name.starts_with("ROOMLET_") {
                continue;
            }
            if !VARIABLES.contains(&name.as_str()) {
                let near = nearest(name, VARIABLES).unwrap_or_default();
                let problem = format!("is no variable of Roomlet: did you mean {near}?");
                return Err(error(name, problem));
            }
            let key = Field::ALL.into_iter().find(|key| key.variable() == *name);
            check_value(key, name, value)?;
        }
        Ok(())
    }

    /// The backends of the file that a variable names.
    pub(super) fn amplify_backends(
        &self,
    ) -> Result<BTreeMap<String, Settings>, ConfigurationError> {
        let Some(file) = self.value(AMPLIFY_OUTPUTS) else { return Ok(BTreeMap::new()) };
        amplify::read(file, self.amplify_outputs.as_ref())
            .map_err(|problem| problem.unwrap_or_setting(AMPLIFY_OUTPUTS))
    }

    /// The backend `default`, unless it is the one of `roomlet.toml`.
    pub(super) fn default_backend(
        &self,
        amplify: &BTreeMap<String, Settings>,
    ) -> Result<Option<Chosen>, ConfigurationError> {
        let kind = self.value("ROOMLET_BACKEND");
        match (kind, self.value("ROOMLET_ENDPOINT")) {
            (Some(kind), Some(endpoint)) => {
                let mut settings = Settings::new(Place::Variable);
                settings.set(Field::Kind, kind, &Place::Variable)?;
                settings.set(Field::Endpoint, endpoint, &Place::Variable)?;
                Ok(Some(Chosen { settings, twin: None }))
            }
            (None, Some(endpoint)) => Err(error(
                "ROOMLET_BACKEND",
                format!(
                    "is not set, though ROOMLET_ENDPOINT is: set it to `{}`",
                    likely_kind(endpoint)
                ),
            )),
            (Some(_), None) if amplify.is_empty() => Err(error(
                "ROOMLET_ENDPOINT",
                "is not set: give the address of your API, as in wss://{api-id}.execute-api.{region}.amazonaws.com/{stage} or https://{api-id}.appsync-api.{region}.amazonaws.com/graphql",
            )),
            (kind, None) => self.default_of_amplify(kind, amplify),
        }
    }

    fn default_of_amplify(
        &self,
        kind: Option<&str>,
        amplify: &BTreeMap<String, Settings>,
    ) -> Result<Option<Chosen>, ConfigurationError> {
        let kinds = || amplify.values().filter_map(|settings| settings.get(Field::Kind));
        let choices = || kinds().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
        let file = self.value(AMPLIFY_OUTPUTS).unwrap_or_default();
        let mut matching = amplify.iter().filter(|(_, settings)| {
            kind.is_none_or(|kind| settings.get(Field::Kind) == Some(kind))
        });
        match (kind, matching.next(), matching.next()) {
            (_, Some((name, only)), None) => {
                Ok(Some(Chosen { settings: only.for_variables(), twin: Some(name.clone()) }))
            }
            (Some(kind), ..) => Err(error(
                "ROOMLET_BACKEND",
                format!(
                    "is `{kind}`, which {file} does not have: use one of {}, or set ROOMLET_ENDPOINT too",
                    choices()
                ),
            )),
            (None, Some(_), Some(_)) => Err(error(
                "ROOMLET_BACKEND",
                format!(
                    "is not set, and {file} has several backends: set it to one of {}",
                    choices()
                ),
            )),
            (None, None, _) => Ok(None),
        }
    }

    /// The other variables change the backend `default`, whoever defined it. Returns it if they did.
    pub(super) fn change_default(
        &self,
        default: Option<&mut Settings>,
    ) -> Result<Option<Settings>, ConfigurationError> {
        let mut changes = Field::ALL
            .into_iter()
            .filter(|key| !matches!(key, Field::Kind | Field::Endpoint))
            .filter_map(|key| Some((key, self.value(&key.variable())?)))
            .peekable();
        let Some((first, _)) = changes.peek() else { return Ok(None) };
        let default = default.ok_or_else(|| {
            let problem = format!(
                "is not set, though {} is: set it to `api-gateway`, `appsync-graphql` or `appsync-events`, and ROOMLET_ENDPOINT to the address of your API",
                first.variable()
            );
            error("ROOMLET_BACKEND", problem)
        })?;
        // Another way to sign in makes the key of a file superfluous; a key of one's own is a way to sign in.
        match (self.value("ROOMLET_AUTH").map(Auth::parse), self.value("ROOMLET_API_KEY")) {
            (Some(auth), None) if auth != Some(Auth::ApiKey) => default.remove(Field::ApiKey),
            (None, Some(_)) => default.remove(Field::Auth),
            (Some(_), _) | (None, None) => {}
        }
        for (key, value) in changes {
            default.set(key, value, &Place::Variable)?;
        }
        Ok(Some(default.clone()))
    }
}

fn likely_kind(endpoint: &str) -> &'static str {
    let path = endpoint.trim_end_matches('/').trim_end_matches("/realtime");
    if path.ends_with("/graphql") {
        "appsync-graphql"
    } else if path.ends_with("/event") {
        "appsync-events"
    } else {
        "api-gateway"
    }
}
