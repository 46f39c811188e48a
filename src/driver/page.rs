//! What the page says of itself: in view or not, with a network or without.

use gloo_events::EventListener;
use roomlet_client::{Input, Network, Visibility};
use web_sys::{Document, VisibilityState, Window};

/// Listens for as long as it lives.
pub(super) struct PageListeners {
    window: Option<Window>,
    _listeners: Vec<EventListener>,
}

impl PageListeners {
    pub(super) fn new(feed: impl Fn(Input) + Clone + 'static) -> Self {
        let window = web_sys::window();
        let mut listeners = Vec::new();
        if let Some(window) = &window {
            for (event, network) in [("online", Network::Online), ("offline", Network::Offline)] {
                let feed = feed.clone();
                listeners.push(EventListener::new(window, event, move |_| {
                    feed(Input::Network(network))
                }));
            }
            if let Some(document) = window.document() {
                let target = document.clone();
                listeners.push(EventListener::new(&target, "visibilitychange", move |_| {
                    feed(Input::Visibility(visibility(&document)));
                }));
            }
        }
        Self { window, _listeners: listeners }
    }

    /// What an event would have said, had there been one.
    pub(super) fn present_state(&self) -> Vec<Input> {
        let Some(window) = &self.window else { return Vec::new() };
        let network = if window.navigator().on_line() { Network::Online } else { Network::Offline };
        let visibility = window.document().map(|document| Input::Visibility(visibility(&document)));
        visibility.into_iter().chain([Input::Network(network)]).collect()
    }
}

fn visibility(document: &Document) -> Visibility {
    if document.visibility_state() == VisibilityState::Hidden {
        Visibility::Hidden
    } else {
        Visibility::Visible
    }
}
