//! A page's own texts, laid over the table of a language.

use super::template::{forms, placeholders};
use super::{Language, Texts, kept, texts};

/// Where pages read on.
const READ_ON: &str = "docs/languages.md has the names";

/// Lays a text over a table. An error reads on after "The property `texts`".
pub(super) fn lay(table: &mut Texts, name: &str, text: &str) -> Result<(), String> {
    let index = texts::index(name)
        .ok_or_else(|| format!("has a text `{name}`, which the chat does not know: {READ_ON}"))?;
    let known = Language::English.texts().all();
    let known = known.get(index).copied().unwrap_or_default();
    check(known, text).map_err(|problem| format!("has a text `{name}` {problem}"))?;
    let text = kept::text(text).ok_or_else(too_many)?;
    if let Some(place) = table.all_mut().into_iter().nth(index) {
        *place = text;
    }
    Ok(())
}

/// What to say to a page that has brought more than is kept.
pub(super) fn too_many() -> String {
    "has brought too many different texts: keep what changes out of them".to_owned()
}

/// Whether a text can stand where the widget's own stands.
fn check(known: &str, text: &str) -> Result<(), String> {
    if let Some(strange) =
        placeholders(text).find(|name| !placeholders(known).any(|other| other == *name))
    {
        return Err(format!("with {{{strange}}}, which stands for nothing there: {READ_ON}"));
    }
    let mut categories = forms(text).map(|(category, _)| category).peekable();
    if categories.peek().is_some() && !categories.any(|category| category == "other") {
        return Err("with plural forms, but none for `other`: add one".to_owned());
    }
    Ok(())
}
