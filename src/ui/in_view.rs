//! Whether somebody can see a part of the page: on the screen, and not in a page that is hidden itself.

use gloo_events::EventListener;
use js_sys::Array;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{IntersectionObserver, IntersectionObserverEntry, VisibilityState};

/// For as long as the component lives.
pub(super) fn in_view(element: NodeRef<html::Div>) -> Memo<bool> {
    // Where the browser cannot tell, it is on the screen.
    let on_screen = RwSignal::new(true);
    let page_shown = RwSignal::new(is_page_shown());
    let watching = StoredValue::new_local(None::<Watching>);
    Effect::new(move || {
        if let Some(element) = element.get() {
            watching.set_value(Watching::new(&element, on_screen));
        }
    });
    let listener = web_sys::window().and_then(|window| window.document()).map(|document| {
        EventListener::new(&document, "visibilitychange", move |_| {
            // What listens may be gone a moment later than who asked.
            let _ = page_shown.try_set(is_page_shown());
        })
    });
    let _listener = StoredValue::new_local(listener);
    Memo::new(move |_| on_screen.get() && page_shown.get())
}

fn is_page_shown() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_none_or(|document| document.visibility_state() != VisibilityState::Hidden)
}

/// Watches for as long as it lives.
struct Watching {
    observer: IntersectionObserver,
    _changed: Closure<dyn FnMut(Array)>,
}

impl Watching {
    fn new(element: &web_sys::Element, on_screen: RwSignal<bool>) -> Option<Self> {
        let changed = Closure::<dyn FnMut(Array)>::new(move |entries: Array| {
            // The last one is how it stands now.
            let last = entries.pop().unchecked_into::<IntersectionObserverEntry>();
            let _ = on_screen.try_set(last.is_intersecting());
        });
        let observer = IntersectionObserver::new(changed.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, _changed: changed })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
