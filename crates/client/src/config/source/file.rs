//! `roomlet.toml`: `[backends.NAME]` tables, and whether a page may bring a backend of its own.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::settings::{Field, Place, Settings};
use super::{ConfigurationError, error};

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) backends: BTreeMap<String, Settings>,
    pub(super) allow_page_backend: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    backends: BTreeMap<String, BTreeMap<String, String>>,
    allow_page_backend: Option<bool>,
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<File, ConfigurationError> {
    let document = toml::from_str::<Document>(text).map_err(|problem| {
        error("roomlet.toml", format!("cannot be read: {}", problem.message()))
    })?;
    let mut backends = BTreeMap::new();
    for (name, table) in document.backends {
        let place = Place::Table(name.clone());
        let mut settings = Settings::new(place.clone());
        for (key, value) in &table {
            let known = Field::ALL.into_iter().find(|known| known.name() == key);
            let known = known.ok_or_else(|| unknown(&name, key))?;
            settings.set(known, value, &place)?;
        }
        backends.insert(name, settings);
    }
    Ok(File { backends, allow_page_backend: document.allow_page_backend })
}

fn unknown(backend: &str, key: &str) -> ConfigurationError {
    let hint = nearest(key, Field::ALL.map(Field::name)).unwrap_or_default();
    error(
        format!("`backends.{backend}.{key}` of roomlet.toml"),
        format!("is no setting of a backend: did you mean `{hint}`?"),
    )
}

/// The name that looks most like a mistaken one.
pub(super) fn nearest<'a>(
    mistaken: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    names.into_iter().max_by(|one, other| {
        let likeness = |name: &str| strsim::jaro_winkler(name, mistaken);
        likeness(one).total_cmp(&likeness(other))
    })
}
