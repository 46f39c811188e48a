//! What a page asks for by attributes.

use roomlet_client::RoomId;
use roomlet_client::config::{Backend, Configuration};
use serde_json::{Map, Value};

use crate::driver::Keep;
use crate::i18n::{Direction, LOADER_TEXT_NAMES, Locale};

/// The attributes of the element and its property `texts`, by their names; absent ones are `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// An AppSync API key; only with `endpoint`.
    pub api_key: Option<String>,
    /// How people sign in; only with `endpoint`.
    pub auth_mode: Option<String>,
    /// One of the backends of the build.
    pub backend: Option<String>,
    /// `auto`, `basic` or `full`; only with `endpoint`.
    pub dialect: Option<String>,
    /// `ltr` or `rtl`; else as the language is written.
    pub dir: Option<String>,
    /// An endpoint of the page's own, where the build allows that.
    pub endpoint: Option<String>,
    /// `raw` or `stamped`; only with `endpoint`, of AppSync Events.
    pub events: Option<String>,
    /// `api-gateway`, `appsync-graphql` or `appsync-events`; only with `endpoint`.
    pub kind: Option<String>,
    /// The language; else the page's, else the browser's.
    pub lang: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The namespace of the rooms' channels; only with `endpoint`, of AppSync Events.
    pub namespace: Option<String>,
    /// Keeps several people of one origin apart.
    pub profile: Option<String>,
    /// The region that signatures are for; only with `endpoint`, and with the `auth-mode` `iam`.
    pub region: Option<String>,
    /// The room; else the backend's.
    pub room: Option<String>,
    /// `none` keeps nothing on the device.
    pub storage: Option<String>,
    /// The page's own texts by their names: an object, or `null`.
    pub texts: Value,
}

/// Why a page cannot have what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsError(String);

impl OptionsError {
    pub(super) fn new(sentence: &str) -> Self {
        Self(sentence.to_owned())
    }
}

impl std::fmt::Display for OptionsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionsError {}

impl Options {
    /// Reads what `roomlet.js` hands over.
    pub fn parse(json: &str) -> Result<Self, OptionsError> {
        let mut given = serde_json::from_str::<Map<String, Value>>(json)
            .map_err(|error| OptionsError(format!("unreadable options: {error}")))?;
        let texts = given.remove("texts").unwrap_or_default();
        let mut text = |name: &str| match given.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let options = Self {
            api_key: text("api-key"),
            auth_mode: text("auth-mode"),
            backend: text("backend"),
            dialect: text("dialect"),
            dir: text("dir"),
            endpoint: text("endpoint"),
            events: text("events"),
            kind: text("kind"),
            lang: text("lang"),
            name: text("name"),
            namespace: text("namespace"),
            profile: text("profile"),
            region: text("region"),
            room: text("room"),
            storage: text("storage"),
            texts,
        };
        match given.keys().next() {
            Some(name) => Err(OptionsError(format!("unreadable options: `{name}` is none"))),
            None => Ok(options),
        }
    }

    pub(super) fn backend(&self, configuration: &Configuration) -> Result<Backend, OptionsError> {
        let Some(endpoint) = &self.endpoint else {
            if let Some(attribute) = superfluous(self) {
                return Err(OptionsError(format!(
                    "The attribute `{attribute}` is for an `endpoint` of the page’s own: take it out, or add `endpoint`."
                )));
            }
            let backend = configuration.backend(self.backend.as_deref());
            return backend.cloned().map_err(|error| {
                OptionsError(format!("The attribute `backend` is wrong: {error}."))
            });
        };
        page_backend(self, endpoint)
    }

    pub(super) fn room(&self, backend: &Backend) -> Result<RoomId, OptionsError> {
        match self.room.as_deref() {
            None => Ok(backend.room.clone()),
            Some(room) => RoomId::parse(room)
                .map_err(|error| OptionsError(format!("The attribute `room` is wrong: {error}."))),
        }
    }

    pub(super) fn keep(&self) -> Keep {
        match self.storage.as_deref() {
            Some("none") => Keep::Nothing,
            _ => Keep::OnDevice { profile: self.profile.clone().unwrap_or_default() },
        }
    }

    /// What the widget says, and how: in the first language that it speaks of the attribute, the page and the browser, with
    /// the page's own texts. Each problem with these is a sentence.
    pub(super) fn locale(&self) -> (Locale, Vec<String>) {
        let window = web_sys::window();
        let page = window.as_ref().and_then(|window| window.document()?.document_element());
        let page = page.and_then(|root| root.get_attribute("lang"));
        let browser = window.map(|window| window.navigator().languages()).unwrap_or_default();
        let browser = browser.iter().filter_map(|tag| tag.as_string());
        let tags = [self.lang.clone(), page].into_iter().flatten().chain(browser);
        let tags = tags.collect::<Vec<_>>();
        let locale = Locale::of_tags(tags.iter().map(String::as_str));
        let direction = self.dir.as_deref().and_then(Direction::from_name);
        let locale = direction.map_or(locale, |direction| locale.in_direction(direction));
        let (own, mut problems) = own_texts(&self.texts);
        let (locale, of_texts) = locale.with_texts(own);
        problems.extend(of_texts);
        let sentence = |problem| format!("The property `texts` {problem}.");
        (locale, problems.into_iter().map(sentence).collect())
    }
}

/// The texts for the widget, and what is wrong with what the page has given; that reads on after "The property `texts`".
fn own_texts(given: &Value) -> (Vec<(&str, &str)>, Vec<String>) {
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    match given {
        Value::Null => {}
        Value::Object(given) => {
            // The script that loads the widget says some itself.
            let of_widget =
                given.iter().filter(|(name, _)| !LOADER_TEXT_NAMES.contains(&name.as_str()));
            for (name, value) in of_widget {
                match value {
                    Value::String(text) => texts.push((name.as_str(), text.as_str())),
                    _ => problems
                        .push(format!("has a text `{name}` that is no text: write a string")),
                }
            }
        }
        _ => problems
            .push("is no object: write it as in {placeholder: \"Say something\"}".to_owned()),
    }
    (texts, problems)
}

/// An attribute that has no meaning without `endpoint`.
fn superfluous(options: &Options) -> Option<&'static str> {
    let attributes = [
        ("api-key", &options.api_key),
        ("auth-mode", &options.auth_mode),
        ("events", &options.events),
        ("kind", &options.kind),
        ("namespace", &options.namespace),
        ("region", &options.region),
    ];
    attributes.into_iter().find(|(_, value)| value.is_some()).map(|(name, _)| name)
}

#[cfg(page_backend)]
fn page_backend(options: &Options, endpoint: &str) -> Result<Backend, OptionsError> {
    super::page_backend::read(options, endpoint)
        .map_err(|problem| OptionsError(format!("The attribute {problem}.")))
}

#[cfg(not(page_backend))]
fn page_backend(_: &Options, _: &str) -> Result<Backend, OptionsError> {
    Err(OptionsError::new(
        "This build does not let pages bring an `endpoint`: name a `backend` of the build, or build with ROOMLET_ALLOW_PAGE_BACKEND=true.",
    ))
}
