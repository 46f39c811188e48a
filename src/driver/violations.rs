//! What the page's security policy blocks: neither sockets nor requests say so themselves.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::SecurityPolicyViolationEvent;

/// How long after an error its reason may come, in milliseconds: the close of a socket, or the page's word that it
/// blocked something.
pub(super) const WORD_AFTER_ERROR: u32 = 250;

/// Hears whether the page's security policy blocks an address.
pub(super) struct Violations {
    seen: Rc<Cell<bool>>,
    _listener: Option<EventListener>,
}

impl Violations {
    pub(super) fn listen(url: &str) -> Self {
        let seen = Rc::new(Cell::new(false));
        let flag = Rc::clone(&seen);
        let address = url.split('?').next().unwrap_or(url).to_owned();
        let listener = web_sys::window().and_then(|window| window.document()).map(|document| {
            EventListener::new(&document, "securitypolicyviolation", move |event| {
                let blocked = event.dyn_ref::<SecurityPolicyViolationEvent>();
                let blocked = blocked.map(SecurityPolicyViolationEvent::blocked_uri);
                // The address may be told without its path, as an origin.
                if blocked.is_some_and(|uri| {
                    !uri.is_empty() && (uri.starts_with(&address) || address.starts_with(&uri))
                }) {
                    flag.set(true);
                }
            })
        });
        Self { seen, _listener: listener }
    }

    pub(super) fn seen(&self) -> bool {
        self.seen.get()
    }
}
