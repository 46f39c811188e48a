//! What a page asks for by attributes.

use roomlet_client::RoomId;
use roomlet_client::config::{Backend, Configuration, Dialect, Endpoint, Service, SignIn};
use serde::Deserialize;

use crate::driver::GuestKeys;
use crate::i18n::Language;

/// The attributes of the element, by their names; absent ones are `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// One of the backends of the build.
    pub backend: Option<String>,
    /// `auto`, `basic` or `full`; only with `endpoint`.
    pub dialect: Option<String>,
    /// An endpoint of the page's own, where the build allows that.
    pub endpoint: Option<String>,
    /// The language; else the page's, else the browser's.
    pub lang: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// Keeps several people of one origin apart.
    pub profile: Option<String>,
    /// The room; else the backend's.
    pub room: Option<String>,
    /// `none` keeps nothing on the device.
    pub storage: Option<String>,
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
        serde_json::from_str(json)
            .map_err(|error| OptionsError(format!("unreadable options: {error}")))
    }

    pub(super) fn backend(&self, configuration: &Configuration) -> Result<Backend, OptionsError> {
        let Some(endpoint) = &self.endpoint else {
            let backend = configuration.backend(self.backend.as_deref());
            return backend.cloned().map_err(|error| {
                OptionsError(format!("The attribute `backend` is wrong: {error}."))
            });
        };
        if !configuration.allow_page_backend {
            let sentence = "This build does not let pages bring an `endpoint`: name a `backend` of the build, or build with ROOMLET_ALLOW_PAGE_BACKEND=true.";
            return Err(OptionsError(sentence.to_owned()));
        }
        let endpoint = Endpoint::parse(endpoint)
            .map_err(|error| OptionsError(format!("The attribute `endpoint` {error}.")))?;
        let dialect = match self.dialect.as_deref() {
            None => Dialect::Auto,
            Some(text) => Dialect::parse(text).ok_or_else(|| {
                OptionsError(format!(
                    "The attribute `dialect` is `{text}`: use `auto`, `basic` or `full`."
                ))
            })?,
        };
        let name = "page".to_owned();
        let service = Service::api_gateway(endpoint, dialect);
        Ok(Backend { name, service, sign_in: SignIn::None, room: RoomId::default() })
    }

    pub(super) fn room(&self, backend: &Backend) -> Result<RoomId, OptionsError> {
        match self.room.as_deref() {
            None => Ok(backend.room.clone()),
            Some(room) => RoomId::parse(room)
                .map_err(|error| OptionsError(format!("The attribute `room` is wrong: {error}."))),
        }
    }

    pub(super) fn guest_keys(&self) -> GuestKeys {
        match self.storage.as_deref() {
            Some("none") => GuestKeys::Nowhere,
            _ => GuestKeys::OnDevice { profile: self.profile.clone().unwrap_or_default() },
        }
    }

    /// The first language that the widget speaks of: the attribute, the page, the browser.
    pub(super) fn language(&self) -> Language {
        let window = web_sys::window();
        let page = window.as_ref().and_then(|window| window.document()?.document_element());
        let page = page.and_then(|root| root.get_attribute("lang"));
        let browser = window.and_then(|window| window.navigator().language());
        let tags = [self.lang.clone(), page, browser];
        tags.iter().flatten().find_map(|tag| Language::from_tag(tag)).unwrap_or_default()
    }
}
