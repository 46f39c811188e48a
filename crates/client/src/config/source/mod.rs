//! The readers of a build: `roomlet.toml`, then the file of an Amplify app, then `ROOMLET_*` variables. Later wins.

mod amplify;
mod backend;
mod environment;
mod file;
mod settings;
mod sign_in;

use std::collections::BTreeMap;
use std::io;

use super::Configuration;
use settings::Settings;

pub use environment::VARIABLES;

/// The backend of pages that name none, and the one that the variables define.
const DEFAULT_BACKEND: &str = "default";

/// Where a configuration is read from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The text of `roomlet.toml`, if there is one.
    pub file: Option<&'a str>,
    /// What came of reading the file that `ROOMLET_AMPLIFY_OUTPUTS` names; looked at only if that is set.
    pub amplify_outputs: Option<io::Result<String>>,
    /// The environment: names and values. Names that do not begin with `ROOMLET_` are ignored.
    pub environment: BTreeMap<String, String>,
    /// What kind of build it is for.
    pub profile: Profile,
}

/// What a build is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The configuration.
    pub configuration: Configuration,
    /// What works, but should be thought about; one sentence each.
    pub warnings: Vec<String>,
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
    /// The variable, or the key of a file.
    pub setting: String,
    /// The rest of the sentence.
    pub problem: String,
}

fn error(setting: impl Into<String>, problem: impl Into<String>) -> ConfigurationError {
    ConfigurationError { setting: one_line(&setting.into()), problem: one_line(&problem.into()) }
}

/// What is quoted may hold line breaks; a sentence is one line, to people and to cargo.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

impl Source<'_> {
    /// Reads everything, or says what is wrong first.
    pub fn read(&self) -> Result<Reading, ConfigurationError> {
        self.check_environment()?;
        let file = self.file.map(file::read).transpose()?.unwrap_or_default();
        let amplify = self.amplify_backends()?;
        let mut all = file.backends;
        let chosen = self.default_backend(&amplify)?;
        all.extend(amplify);
        if let Some(chosen) = &chosen {
            all.insert(DEFAULT_BACKEND.to_owned(), chosen.settings.clone());
        }
        // A release build leaves a default backend of `roomlet.toml` on this machine out: nobody means to change it.
        let is_left_out = |settings: &Settings| {
            chosen.is_none() && self.profile == Profile::Release && settings.is_loopback()
        };
        let default = all.get_mut(DEFAULT_BACKEND).filter(|settings| !is_left_out(settings));
        if let Some(changed) = self.change_default(default)? {
            // What the variables change, they change under its other name too.
            let twin = chosen.and_then(|chosen| chosen.twin);
            all.extend(twin.map(|twin| (twin, changed)));
        }
        let allow_page_backend =
            self.flag("ROOMLET_ALLOW_PAGE_BACKEND")?.or(file.allow_page_backend);
        self.build(all, allow_page_backend.unwrap_or(false))
    }

    fn build(
        &self,
        all: BTreeMap<String, Settings>,
        allow_page_backend: bool,
    ) -> Result<Reading, ConfigurationError> {
        let (mut backends, mut warnings) = (Vec::new(), Vec::new());
        let default_first = all.get_key_value(DEFAULT_BACKEND).into_iter();
        let others = all.iter().filter(|(name, _)| *name != DEFAULT_BACKEND);
        for (name, settings) in default_first.chain(others) {
            let backend = settings.backend(name)?;
            if self.profile == Profile::Release && backend.service.is_loopback() {
                continue;
            }
            backends.push(backend);
            let warning = settings.warning().map(|warning| one_line(&warning));
            warnings.extend(warning.filter(|warning| !warnings.contains(warning)));
        }
        let configuration =
            Configuration::new(backends, allow_page_backend).ok_or_else(|| self.no_backend())?;
        Ok(Reading { configuration, warnings })
    }

    fn no_backend(&self) -> ConfigurationError {
        match self.value("ROOMLET_ENDPOINT") {
            Some(_) => error(
                "ROOMLET_ENDPOINT",
                "is on this machine, which a release build cannot use: give the address of your API, or build the demo with `--demo`",
            ),
            None => error(
                "ROOMLET_BACKEND",
                "is not set, and a release build has no backend without it: set ROOMLET_BACKEND to `api-gateway`, `appsync-graphql` or `appsync-events` and ROOMLET_ENDPOINT to the address of your API, set ROOMLET_AMPLIFY_OUTPUTS, or build the demo with `--demo`",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
