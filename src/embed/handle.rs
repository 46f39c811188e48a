//! The handle that the element's script holds.

use std::any::Any;
use std::cell::RefCell;

use leptos::mount::mount_to;
use leptos::prelude::*;
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsError};
use web_sys::{HtmlElement, ShadowRoot};

use super::options::{Options, OptionsError};
use super::{dom_events, stylesheet};
use crate::driver::{PageSignIn, Ports};
use crate::i18n::Locale;
use crate::ui::{ChatWidget, ChatWidgetProps, Remote};
use roomlet_client::RoomId;
use roomlet_client::config::Backend;

/// One mounted widget. Freeing it ends its sockets, timers and listeners and empties its root.
#[wasm_bindgen]
pub struct Handle {
    backend: Backend,
    room: RwSignal<RoomId>,
    name: RwSignal<Option<String>>,
    language: RwSignal<Locale>,
    /// The page's own texts as they were given last: what is wrong with them is said once.
    texts: RefCell<Value>,
    host: HtmlElement,
    remote: Remote,
    _mounted: Box<dyn Any>,
}

impl Handle {
    /// Puts a widget into `root`, the open shadow root of `host`.
    pub fn mount(
        host: HtmlElement,
        root: &ShadowRoot,
        options: &Options,
    ) -> Result<Self, OptionsError> {
        let configuration = crate::config::configuration()
            .ok_or_else(|| OptionsError::new("This build has no configuration."))?;
        let backend = options.backend(&configuration)?;
        let room = RwSignal::new(options.room(&backend)?);
        let name = RwSignal::new(options.name.clone());
        let (locale, problems) = options.locale();
        let language = RwSignal::new(locale);
        let remote = Remote::default();
        let keep = options.keep();
        let complaining = host.clone();
        let sign_in = PageSignIn::new(host.clone(), &backend.sign_in, move |problem: &str| {
            dom_events::dispatch(&complaining, "roomlet-error", &[("message", problem)]);
        });
        let ports = Ports::of_browser(sign_in);
        stylesheet::adopt(root);
        let of_widget = backend.clone();
        let place = root
            .owner_document()
            .and_then(|document| document.create_element("div").ok())
            .and_then(|place| place.dyn_into::<HtmlElement>().ok())
            .ok_or_else(|| OptionsError::new("The page has no document."))?;
        place.set_class_name("mount");
        root.append_child(&place)
            .map_err(|_| OptionsError::new("The element takes no content."))?;
        let target = StoredValue::new_local(host.clone());
        let mounted = mount_to(place, move || {
            let on_event = Callback::new(move |(chat, event)| {
                target.with_value(|host| {
                    dom_events::tell(host, &chat, language.get_untracked(), &event);
                });
            });
            ChatWidget(ChatWidgetProps {
                backend: of_widget,
                room: room.into(),
                name: name.into(),
                language: language.into(),
                keep,
                ports,
                remote: Some(remote),
                on_event: Some(on_event),
            })
        });
        dom_events::dispatch(&host, "roomlet-ready", &[("backend", &backend.name)]);
        complain(&host, &problems);
        let texts = RefCell::new(options.texts.clone());
        let _mounted = Box::new(mounted);
        Ok(Self { backend, room, name, language, texts, host, remote, _mounted })
    }
}

#[wasm_bindgen]
impl Handle {
    /// Takes over attributes that may change while the widget runs: `room`, `name`, `lang`, `dir`,
    /// and the page's own texts.
    pub fn update(&self, options: &str) -> Result<(), JsError> {
        let options = Options::parse(options)?;
        let room = options.room(&self.backend)?;
        if self.room.get_untracked() != room {
            self.room.set(room);
        }
        if self.name.get_untracked() != options.name {
            self.name.set(options.name.clone());
        }
        let (locale, problems) = options.locale();
        if self.language.get_untracked() != locale {
            self.language.set(locale);
        }
        if self.texts.replace(options.texts.clone()) != options.texts {
            complain(&self.host, &problems);
        }
        Ok(())
    }

    /// Connects now, whatever the reason for waiting was; after a sign-out as somebody new.
    pub fn reconnect(&self) {
        self.remote.reconnect();
    }

    /// Ends the connections and deletes what is kept of this person.
    #[wasm_bindgen(js_name = signOut)]
    pub fn sign_out(&self) {
        self.remote.sign_out();
    }

    /// How many messages of others in the shown room the person has not seen.
    #[wasm_bindgen(getter)]
    pub fn unread(&self) -> u32 {
        u32::try_from(self.remote.unread()).unwrap_or(u32::MAX)
    }

    /// The element's property `auth` has changed.
    #[wasm_bindgen(js_name = authChanged)]
    pub fn auth_changed(&self) {
        self.remote.sign_in_changed();
    }
}

/// Tells the page what cannot be used of what it has given; the widget does without.
fn complain(host: &HtmlElement, problems: &[String]) {
    for problem in problems {
        dom_events::dispatch(host, "roomlet-error", &[("message", problem)]);
    }
}
