//! Numbers, times and plurals by the browser's `Intl`. What it makes is dear, and is made once for a locale and a kind.
//!
//! Formatters keep the time zone in which they were made: somebody who travels with an open page reads the old one until
//! the page is loaded again.

use std::cell::RefCell;

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// So many formatters are kept; a page in one language makes five.
const MAX_FORMATTERS: usize = 40;

/// What is formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// "October 29, 2025".
    Date,
    /// "Wednesday, October 29, 2025 at 9:41:00 AM".
    Exact,
    /// "1,234".
    Number,
    /// `one`, `other` and what else the language has.
    Plural,
    /// "9:41 AM".
    Time,
}

/// A number, or a time in milliseconds since 1970, within what a JavaScript date reaches; `None` where the browser cannot.
pub(crate) fn format(tag: &'static str, kind: Kind, number: f64) -> Option<String> {
    let formatter = formatter(tag, kind)?;
    formatter.call1(&JsValue::UNDEFINED, &JsValue::from_f64(number)).ok()?.as_string()
}

pub(super) fn number(tag: &'static str, number: usize) -> String {
    format(tag, Kind::Number, float(number)).unwrap_or_else(|| number.to_string())
}

/// The plural category of CLDR for a number.
pub(super) fn plural_category(tag: &'static str, number: usize) -> String {
    format(tag, Kind::Plural, float(number)).unwrap_or_else(|| "other".to_owned())
}

/// A BCP 47 tag as it is best written; `None` for what is none, at which `Intl` would throw.
pub(super) fn canonical(tag: &str) -> Option<String> {
    let tags = method(&intl()?, "getCanonicalLocales")?;
    let tags = tags.call1(&JsValue::UNDEFINED, &JsValue::from_str(&tag.replace('_', "-"))).ok()?;
    tags.dyn_into::<Array>().ok()?.get(0).as_string()
}

#[expect(clippy::cast_precision_loss, reason = "counts of messages, bytes and seconds fit 53 bits")]
fn float(number: usize) -> f64 {
    number as f64
}

thread_local! {
    static FORMATTERS: RefCell<Vec<(&'static str, Kind, Function)>> = const { RefCell::new(Vec::new()) };
}

fn formatter(tag: &'static str, kind: Kind) -> Option<Function> {
    FORMATTERS.with_borrow_mut(|formatters| {
        let is_it = |(of, kind_of, _): &&(&str, Kind, Function)| *of == tag && *kind_of == kind;
        if let Some((_, _, known)) = formatters.iter().find(is_it) {
            return Some(known.clone());
        }
        let made = make(tag, kind)?;
        if formatters.len() == MAX_FORMATTERS {
            formatters.clear();
        }
        formatters.push((tag, kind, made.clone()));
        Some(made)
    })
}

fn make(tag: &str, kind: Kind) -> Option<Function> {
    let (constructor, name, options): (_, _, &[(&str, &str)]) = match kind {
        Kind::Date => ("DateTimeFormat", "format", &[("dateStyle", "long")]),
        Kind::Exact => {
            ("DateTimeFormat", "format", &[("dateStyle", "full"), ("timeStyle", "medium")])
        }
        Kind::Number => ("NumberFormat", "format", &[]),
        Kind::Plural => ("PluralRules", "select", &[]),
        Kind::Time => ("DateTimeFormat", "format", &[("hour", "numeric"), ("minute", "2-digit")]),
    };
    let given = Object::new();
    for (name, value) in options {
        Reflect::set(&given, &JsValue::from_str(name), &JsValue::from_str(value)).ok()?;
    }
    let constructor = method(&intl()?, constructor)?;
    let arguments = Array::of2(&JsValue::from_str(tag), &given);
    let made = Reflect::construct(&constructor, &arguments).ok()?;
    Some(method(&made, name)?.bind0(&made))
}

fn intl() -> Option<JsValue> {
    Reflect::get(&js_sys::global(), &JsValue::from_str("Intl")).ok()
}

fn method(of: &JsValue, name: &str) -> Option<Function> {
    Reflect::get(of, &JsValue::from_str(name)).ok()?.dyn_into().ok()
}
