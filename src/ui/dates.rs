//! Times and dates in the reader's own zone and manner.

use std::cell::Cell;

use gloo_timers::callback::Interval;
use js_sys::Date;
use leptos::prelude::*;
use roomlet_client::WallClock;
use wasm_bindgen::JsValue;

use crate::i18n::Locale;
use crate::i18n::format::{Kind, format};

const MILLISECONDS_OF_A_DAY: f64 = 86_400_000.0;
/// How often it is looked whether another day has begun: timers sleep with the device, so none waits for midnight.
const LOOK_AT_CALENDAR_MILLISECONDS: u32 = 60_000;

thread_local! {
    /// Today, as the labels of dates have it; it notifies when that is another day.
    static TODAY: (ArcTrigger, Cell<(u32, u32, u32)>) = (ArcTrigger::new(), Cell::new(today()));
}

/// For as long as the calling owner lives, "Today" becomes "Yesterday" when the day ends.
pub(super) fn follow_calendar() {
    let look = || {
        TODAY.with(|(changed, known)| {
            if known.replace(today()) != today() {
                changed.notify();
            }
        });
    };
    let looking = Interval::new(LOOK_AT_CALENDAR_MILLISECONDS, look);
    // Owned by the caller, and ended with it.
    StoredValue::new_local(looking);
}

/// A calendar day of the reader's zone; equal for two times of one day.
pub(super) fn day(time: WallClock) -> (u32, u32, u32) {
    day_of(&date(time))
}

/// "9:41 AM".
pub(super) fn time(time: WallClock, locale: Locale) -> String {
    written(time, locale, Kind::Time)
}

/// "Wednesday, October 29, 2025 at 9:41:00 AM".
pub(super) fn exact(time: WallClock, locale: Locale) -> String {
    written(time, locale, Kind::Exact)
}

/// Today. An effect that asks runs again when the day ends.
pub(super) fn track_today() -> (u32, u32, u32) {
    TODAY.with(|(changed, known)| {
        changed.track();
        known.get()
    })
}

/// "Today", "Yesterday", "October 29, 2025".
pub(super) fn date_label(time: WallClock, now: WallClock, locale: Locale) -> String {
    let texts = locale.texts();
    let yesterday = WallClock(now.0 - MILLISECONDS_OF_A_DAY as i64);
    if day(time) == day(now) {
        texts.today.to_owned()
    } else if day(time) == day(yesterday) {
        texts.yesterday.to_owned()
    } else {
        written(time, locale, Kind::Date)
    }
}

/// ISO 8601, for `<time datetime>`.
pub(super) fn machine(time: WallClock) -> String {
    date(time).to_iso_string().into()
}

fn written(time: WallClock, locale: Locale, kind: Kind) -> String {
    format(locale.tag(), kind, clamped(time)).unwrap_or_else(|| machine(time))
}

fn today() -> (u32, u32, u32) {
    day_of(&Date::new_0())
}

fn day_of(date: &Date) -> (u32, u32, u32) {
    (date.get_full_year(), date.get_month(), date.get_date())
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
