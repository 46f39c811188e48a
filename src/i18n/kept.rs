//! Texts and tags from the page, kept for as long as it lives: so the components hold them as they hold the widget's own.

use std::cell::RefCell;

use super::Texts;

/// So many bytes of texts and tables a page may bring in all. Pages bring the same ones again and again, which costs
/// nothing; only one that writes what changes into its texts could come here.
const MAX_BYTES: usize = 256 * 1024;

#[derive(Default)]
struct Kept {
    texts: Vec<&'static str>,
    tables: Vec<&'static Texts>,
    bytes: usize,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// Keeps a text; `None` where the page has brought too many.
pub(super) fn text(text: &str) -> Option<&'static str> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(known) = kept.texts.iter().find(|known| **known == text) {
            return Some(*known);
        }
        kept.take(text.len())?;
        let text: &'static str = Box::leak(text.into());
        kept.texts.push(text);
        Some(text)
    })
}

/// Keeps a table, the same one for the same texts; `None` where the page has brought too many.
pub(super) fn table(table: &Texts) -> Option<&'static Texts> {
    KEPT.with_borrow_mut(|kept| {
        let is_same = |known: &&&Texts| known.tag == table.tag && known.all() == table.all();
        if let Some(known) = kept.tables.iter().find(is_same) {
            return Some(*known);
        }
        kept.take(size_of::<Texts>())?;
        let table: &'static Texts = Box::leak(Box::new(*table));
        kept.tables.push(table);
        Some(table)
    })
}

impl Kept {
    fn take(&mut self, bytes: usize) -> Option<()> {
        let bytes = self.bytes + bytes;
        (bytes <= MAX_BYTES).then(|| self.bytes = bytes)
    }
}
