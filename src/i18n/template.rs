//! Templates: `{name}` stands for a value, and `one=…|other=…` has a form for each plural category.

/// The plural categories of CLDR, of which each language has some.
const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// Puts values into a template. What stands for none of them stays as it is.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, placeholder, after)) = next_placeholder(rest) {
        filled.push_str(before);
        match values.iter().find(|(name, _)| *name == placeholder) {
            Some((_, value)) => filled.push_str(value),
            None => filled.extend(["{", placeholder, "}"]),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A value that is written in whatever direction, as one piece: its letters do not rearrange the sentence around it.
pub(super) fn isolated(value: &str) -> String {
    // First strong isolate, pop directional isolate (Unicode UAX #9, 2.4.2 and 2.5).
    format!("\u{2068}{value}\u{2069}")
}

/// The form of a template for a plural category; its `other` where it has none for that; all of it where it has no forms.
pub(super) fn form<'t>(template: &'t str, category: &str) -> &'t str {
    let mut chosen = template;
    for (name, text) in forms(template) {
        if name == category {
            return text;
        }
        if name == "other" {
            chosen = text;
        }
    }
    chosen
}

/// The forms of a template with their categories; none where it is the same for all numbers.
pub(super) fn forms(template: &str) -> impl Iterator<Item = (&str, &str)> {
    let form = |part| str::split_once(part, '=').filter(|(name, _)| CATEGORIES.contains(name));
    template.split('|').filter_map(form)
}

/// What a template has placeholders for.
pub(super) fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let (_, name, after) = next_placeholder(rest)?;
        rest = after;
        Some(name)
    })
}

/// What stands before the next placeholder, its name, and what comes after it. Braces around anything but letters are text.
fn next_placeholder(template: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + template.get(from..)?.find('{')?;
        let inside = template.get(open + 1..)?;
        let length =
            inside.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(inside.len());
        if length > 0 && inside.get(length..)?.starts_with('}') {
            return Some((template.get(..open)?, inside.get(..length)?, inside.get(length + 1..)?));
        }
        from = open + 1;
    }
}
