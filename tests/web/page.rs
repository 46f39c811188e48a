//! A page with a widget in it.

use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use gloo_timers::future::TimeoutFuture;
use js_sys::Promise;
use leptos::prelude::*;
use roomlet::driver::{BrowserStorage, Keep, Ports};
use roomlet::ui::Remote;
use roomlet::{ChatWidget, Language, Locale};
use roomlet_client::RoomId;
use roomlet_client::config::{Backend, Dialect, Endpoint, Service, SignIn as BackendSignIn};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlElement, HtmlTextAreaElement, KeyboardEvent, KeyboardEventInit};

use super::http::HeldHttp;
use super::overridden::evaluate;
use super::sign_in::HeldSignIn;
use super::sockets::HeldSockets;

/// A mounted widget; it is unmounted when the test ends.
pub struct Page {
    pub root: HtmlElement,
    pub sockets: HeldSockets,
    pub http: HeldHttp,
    pub sign_in: HeldSignIn,
    pub remote: Remote,
    pub room: RwSignal<RoomId>,
    pub language: RwSignal<Locale>,
    pub mounted: Option<Box<dyn std::any::Any>>,
}

impl Page {
    /// With a backend of its own: what pages find out about one is kept for as long as the page lives.
    pub async fn open(dialect: Dialect) -> Self {
        static BACKENDS: AtomicU32 = AtomicU32::new(0);
        let number = BACKENDS.fetch_add(1, Ordering::Relaxed);
        Self::open_at(&format!("ws://127.0.0.1:1/{number}"), dialect).await
    }

    pub async fn open_at(endpoint: &str, dialect: Dialect) -> Self {
        let service = Service::api_gateway(Endpoint::parse(endpoint).unwrap(), dialect);
        Self::open_backend(service, BackendSignIn::None, Keep::Nothing).await
    }

    pub async fn open_backend(service: Service, sign_in: BackendSignIn, keep: Keep) -> Self {
        let backend = Backend { name: "test".into(), service, sign_in, room: RoomId::default() };
        let document = web_sys::window().unwrap().document().unwrap();
        let root: HtmlElement = document.create_element("section").unwrap().dyn_into().unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let sockets = HeldSockets::default();
        let (http, sign_in) = (HeldHttp::default(), HeldSignIn::default());
        let ports = Ports {
            sockets: Rc::new(sockets.clone()),
            http: Rc::new(http.clone()),
            sign_in: Rc::new(sign_in.clone()),
            storage: Rc::new(BrowserStorage),
        };
        let remote = Remote::default();
        let room = RwSignal::new(RoomId::default());
        let language = RwSignal::new(Language::English.into());
        let mounted = leptos::mount::mount_to(root.clone(), move || {
            view! {
                <ChatWidget
                    backend
                    room
                    name=Signal::stored(Some("Ann".to_owned()))
                    language
                    keep
                    ports
                    remote
                />
            }
        });
        let page = Self {
            root,
            sockets,
            http,
            sign_in,
            remote,
            room,
            language,
            mounted: Some(Box::new(mounted)),
        };
        page.settle().await;
        page
    }

    /// Effects run a tick after what caused them, and some wait for a frame, which a busy machine draws late.
    pub async fn settle(&self) {
        let frames =
            "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))";
        let frames = JsFuture::from(evaluate(frames).unchecked_into::<Promise>());
        let (drawn, ()) = futures::join!(frames, TimeoutFuture::new(40));
        drawn.unwrap();
    }

    pub async fn receive(&self, text: &str) {
        self.sockets.receive(text);
        self.settle().await;
    }

    pub fn all(&self, selector: &str) -> Vec<Element> {
        let found = self.root.query_selector_all(selector).unwrap();
        (0..found.length()).map(|index| found.item(index).unwrap().dyn_into().unwrap()).collect()
    }

    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(|one| one.text_content().unwrap()).collect()
    }

    pub fn input(&self) -> HtmlTextAreaElement {
        self.all("textarea").remove(0).dyn_into().unwrap()
    }

    pub async fn write(&self, text: &str) {
        self.input().set_value(text);
        self.input().dispatch_event(&web_sys::Event::new("input").unwrap()).unwrap();
        self.settle().await;
    }

    pub async fn press(&self, key: &KeyboardEventInit) {
        key.set_bubbles(true);
        key.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", key).unwrap();
        self.input().dispatch_event(&event).unwrap();
        self.settle().await;
    }

    pub async fn press_enter(&self) {
        let key = KeyboardEventInit::new();
        key.set_key("Enter");
        self.press(&key).await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.mounted.take();
        self.root.remove();
    }
}
