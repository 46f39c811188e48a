//! Roomlet: a chat widget for web pages that talks straight to AWS realtime backends.
//!
//! ```text
//! embed ──► ui ──► driver ──► roomlet-client
//! ```
//!
//! - `embed` is the element `<roomlet-chat>`: its options, its handle, its DOM events.
//! - `ui` renders what the client says and hands it what the person does. It decides nothing.
//! - `driver` is the only place with I/O: sockets, clock, storage, the page's own events.
//! - `roomlet-client` is the chat itself, without a browser.
//!
//! Leptos programs use [`ChatWidget`] as a component.

#[cfg(feature = "page")]
pub mod config;
pub mod driver;
#[cfg(feature = "page")]
pub mod embed;
pub mod i18n;
pub mod ui;

pub use i18n::{Language, Locale};
pub use roomlet_client as client;
pub use ui::ChatWidget;
