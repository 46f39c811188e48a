//! What the page hears: `roomlet-…` events at the element. They bubble, and they leave shadow roots.

use js_sys::{Object, Reflect};
use roomlet_client::{Author, Event, RoomId, RowId};
use wasm_bindgen::JsValue;
use web_sys::{CustomEvent, CustomEventInit, HtmlElement};

use crate::driver::Chat;
use crate::i18n::Locale;
use crate::ui::{author_name, refusal_name, status_name};

/// Tells the page what an event of the client means to it, if anything.
pub(super) fn tell(host: &HtmlElement, chat: &Chat, locale: Locale, event: &Event) {
    match event {
        Event::Status { room, status } => {
            let mut details = vec![("room", room.as_str()), ("status", status_name(*status))];
            details.extend(refusal_name(*status).map(|reason| ("reason", reason)));
            dispatch(host, "roomlet-status", &details);
        }
        Event::Arrived { room, row } => message(host, chat, locale, room, *row),
        Event::Sent { room, row } => {
            let row = row.0.to_string();
            dispatch(host, "roomlet-sent", &[("room", room.as_str()), ("id", &row)]);
        }
        Event::Unread { room, count } => {
            let count = JsValue::from(u32::try_from(*count).unwrap_or(u32::MAX));
            fire(host, "roomlet-unread", &[("room", room.as_str().into()), ("unread", count)]);
        }
        _ => {}
    }
}

fn message(host: &HtmlElement, chat: &Chat, locale: Locale, room: &RoomId, row: RowId) {
    let found = chat.row(room, row);
    let Some(message) = found.as_ref().and_then(|row| row.message()) else { return };
    if message.author == Author::Me {
        return;
    }
    let author = author_name(&message.author, locale.texts());
    let details = [
        ("room", room.as_str()),
        ("id", &row.0.to_string()),
        ("author", &author),
        ("text", &message.text),
    ];
    dispatch(host, "roomlet-message", &details);
}

/// Fires an event whose `detail` is a plain object of strings.
pub(super) fn dispatch(host: &HtmlElement, name: &str, details: &[(&str, &str)]) {
    let details = details.iter().map(|(key, value)| (*key, JsValue::from_str(value)));
    fire(host, name, &details.collect::<Vec<_>>());
}

fn fire(host: &HtmlElement, name: &str, details: &[(&str, JsValue)]) {
    let detail = Object::new();
    for (key, value) in details {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&detail, &JsValue::from_str(key), value);
    }
    let options = CustomEventInit::new();
    options.set_bubbles(true);
    options.set_composed(true);
    options.set_detail(&detail);
    if let Ok(event) = CustomEvent::new_with_event_init_dict(name, &options) {
        // Fails only for events that are being dispatched already.
        let _ = host.dispatch_event(&event);
    }
}
