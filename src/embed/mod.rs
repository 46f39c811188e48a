//! The element `<roomlet-chat>`, behind the script that defines it (`roomlet.js`).

mod dom_events;
mod handle;
mod options;
#[cfg(page_backend)]
mod page_backend;
mod stylesheet;

pub use handle::Handle;
pub use options::{Options, OptionsError};
