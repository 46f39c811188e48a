//! The other tabs of a person: whether one lives, and what they say.

use gloo_events::EventListener;
use js_sys::{Array, Function, Object, Promise, Reflect};
use roomlet_client::{TabId, Whose};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

#[wasm_bindgen]
extern "C" {
    /// `LockManager` of the Web Locks API, which web-sys counts as unstable.
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        callback: &Function,
    ) -> Result<Promise, JsValue>;
}

/// The sign of life of a tab: a lock that it holds until it ends, however it ends. Dropping it ends it, and all waiting
/// for others.
pub(super) struct Presence {
    locks: LockManager,
    waiting: AbortController,
    /// A page may be one person's tab and then another's: its lock for the first ends with them.
    whose: Whose,
    /// The lock is held until this comes.
    end: Promise,
    release: Function,
}

impl Presence {
    /// `None` where the browser has no locks: on insecure origins.
    pub(super) fn new(whose: &Whose) -> Option<Self> {
        let navigator = web_sys::window()?.navigator();
        let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
        let locks = locks.is_object().then(|| locks.unchecked_into())?;
        let waiting = AbortController::new().ok()?;
        let (end, release) = promise();
        Some(Self { locks, waiting, whose: whose.clone(), end, release })
    }

    /// Takes the lock of this tab; `false` if others cannot tell that it lives.
    pub(super) fn hold(&self, tab: &TabId) -> impl Future<Output = bool> + use<> {
        let (granted, grant) = promise();
        let end = self.end.clone();
        let on_lock = Closure::once_into_js(move || {
            settle(&grant);
            end
        });
        // What is asked for ends with the lock, unless it is refused.
        let asked = self.ask(tab, &on_lock);
        is_kept(asked.map(|asked| Promise::race(&Array::of2(&granted, &asked))))
    }

    /// Waits until a tab lives no more; `false` if that cannot be told.
    pub(super) fn gone(&self, tab: &TabId) -> impl Future<Output = bool> + use<> {
        // A lock that is granted to somebody who does nothing is free again at once.
        is_kept(self.ask(tab, &Closure::once_into_js(|| {})))
    }

    fn ask(&self, tab: &TabId, on_lock: &JsValue) -> Result<Promise, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"signal".into(), &self.waiting.signal())?;
        let name = format!("roomlet:{}:{}", self.whose.as_str(), tab.0);
        self.locks.request(&name, &options, on_lock.unchecked_ref())
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.waiting.abort();
        settle(&self.release);
    }
}

/// A promise, and what keeps it.
fn promise() -> (Promise, Function) {
    let mut keep = None;
    let promise = Promise::new(&mut |resolve, _| keep = Some(resolve));
    // The function above has been called by now.
    (promise, keep.unwrap_or_default())
}

fn settle(keep: &Function) {
    // The functions of a promise never throw.
    let _ = keep.call0(&JsValue::UNDEFINED);
}

async fn is_kept(promise: Result<Promise, JsValue>) -> bool {
    match promise {
        Ok(promise) => JsFuture::from(promise).await.is_ok(),
        Err(_) => false,
    }
}

/// What the tabs of a person say to each other. Dropping it ends that.
pub(super) struct Talk {
    channel: BroadcastChannel,
    _listener: EventListener,
}

impl Talk {
    /// `None` where the browser has no such channels: each tab is alone then until the next reload.
    pub(super) fn new(whose: &Whose, hear: impl Fn(String) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(&format!("roomlet:{}", whose.as_str())).ok()?;
        let listener = EventListener::new(&channel, "message", move |event| {
            let event = event.dyn_ref::<MessageEvent>();
            if let Some(news) = event.and_then(|event| event.data().as_string()) {
                hear(news);
            }
        });
        Some(Self { channel, _listener: listener })
    }

    pub(super) fn tell(&self, news: &str) {
        // Strings can always be sent.
        let _ = self.channel.post_message(&JsValue::from_str(news));
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.channel.close();
    }
}
