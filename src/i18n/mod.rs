//! The words of the widget, one table a language, and the reader's way to write numbers and times.
//!
//! ```text
//! language ──► texts (a table) ──► template
//!     └──► locale ──► page_texts, kept
//!             └──► format (Intl)
//! ```
//!
//! A [`Locale`] is what the components get: a language, the reader's own variety of it, and the page's own texts laid over
//! the table. Whoever adds a text adds its name in `texts.rs`, and the compiler says which languages lack it.

mod ar;
mod de;
mod en;
mod es;
pub(crate) mod format;
mod ja;
mod kept;
mod ko;
mod language;
mod locale;
mod page_texts;
mod template;
mod texts;

pub use language::{Direction, LANGUAGES, Language};
pub use locale::Locale;
pub(crate) use texts::Texts;
pub use texts::{LOADER_TEXT_NAMES, text_names};
