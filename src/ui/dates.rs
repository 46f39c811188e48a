//! Times and dates in the reader's own zone and manner, by the browser's `Intl`.

use js_sys::{Date, Intl, Object, Reflect};
use roomlet_client::WallClock;
use wasm_bindgen::{JsCast, JsValue};

use crate::i18n::Language;

const MILLISECONDS_OF_A_DAY: f64 = 86_400_000.0;

/// A calendar day of the reader's zone; equal for two times of one day.
pub(super) fn day(time: WallClock) -> (u32, u32, u32) {
    let date = date(time);
    (date.get_full_year(), date.get_month(), date.get_date())
}

/// "9:41 AM".
pub(super) fn time(time: WallClock, language: Language) -> String {
    format(time, language, &[("hour", "numeric"), ("minute", "2-digit")])
}

/// "Wednesday, October 29, 2025 at 9:41:00 AM".
pub(super) fn exact(time: WallClock, language: Language) -> String {
    format(time, language, &[("dateStyle", "full"), ("timeStyle", "medium")])
}

/// "Today", "Yesterday", "October 29, 2025".
pub(super) fn date_label(time: WallClock, now: WallClock, language: Language) -> String {
    let texts = language.texts();
    let yesterday = WallClock(now.0 - MILLISECONDS_OF_A_DAY as i64);
    if day(time) == day(now) {
        texts.today.to_owned()
    } else if day(time) == day(yesterday) {
        texts.yesterday.to_owned()
    } else {
        format(time, language, &[("dateStyle", "long")])
    }
}

/// ISO 8601, for `<time datetime>`.
pub(super) fn machine(time: WallClock) -> String {
    date(time).to_iso_string().into()
}

fn date(time: WallClock) -> Date {
    Date::new(&JsValue::from_f64(clamped(time)))
}

/// A JavaScript date reaches 100,000,000 days from 1970; beyond, formatting throws.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a date fit 53 bits")]
fn clamped(time: WallClock) -> f64 {
    let limit = 100_000_000.0 * MILLISECONDS_OF_A_DAY;
    (time.0 as f64).clamp(-limit, limit)
}

fn format(time: WallClock, language: Language, options: &[(&str, &str)]) -> String {
    let object = Object::new();
    for (name, value) in options {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    let locales = js_sys::Array::of1(&JsValue::from_str(language.tag()));
    let format = Intl::DateTimeFormat::new(&locales, &object);
    let text = format.format().call1(&JsValue::UNDEFINED, &date(time));
    text.ok()
        .and_then(|text| text.dyn_into::<js_sys::JsString>().ok())
        .map(String::from)
        .unwrap_or_default()
}
