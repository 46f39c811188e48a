//! Where the person writes.

use leptos::html;
use leptos::prelude::*;
use roomlet_client::{Command, SendRefusal};
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

use super::{Context, icons};

/// Safari ends a composition before the keydown of the Enter that ended it, which then bears this code.
const KEY_CODE_OF_COMPOSITION: u32 = 229;
/// The counter shows from this part of the limit on.
const COUNTER_FROM: usize = 80;

#[component]
pub(super) fn Composer() -> impl IntoView {
    let context = expect_context::<Context>();
    let screen = context.screen;
    let input = NodeRef::<html::Textarea>::new();
    let text = RwSignal::new(String::new());
    let note = RwSignal::new(None::<SendRefusal>);
    let composing = StoredValue::new(false);
    let size = Memo::new(move |_| {
        let room = screen.room.get();
        text.with(|text| context.chat.with_value(|chat| chat.text_size(&room, text)))
    });
    let write = move |value: String| {
        if let Some(element) = input.get_untracked() {
            element.set_value(&value);
            fit(&element);
        }
        text.set(value);
    };

    let keep = move || {
        context.command(Command::SetDraft { room: context.room(), text: text.get_untracked() });
    };

    // Each room has its draft.
    Effect::new(move || {
        let room = screen.room.get();
        write(context.chat.with_value(|chat| chat.draft(&room)));
    });
    // What was kept, or written in another tab, is shown where nobody is writing.
    Effect::new(move || {
        screen.draft.track();
        let draft = context.chat.with_value(|chat| chat.draft(&context.room()));
        if !input.get_untracked().is_some_and(|element| is_writing(&element)) {
            write(draft);
        }
    });
    // What somebody was writing who has gone is nobody else's.
    Effect::new(move || {
        screen.forgotten.track();
        write(context.chat.with_value(|chat| chat.draft(&context.room())));
    });
    // What somebody wrote who has signed out is nobody's.
    Effect::new(move || {
        if context.remote.is_signed_out() {
            note.set(None);
            write(String::new());
        }
    });
    // A text that was not taken comes back, before what was written since.
    Effect::new(move || {
        if let Some((refused, reason)) = screen.refused.get() {
            note.set(Some(reason));
            if reason != SendRefusal::Empty {
                let since = text.get_untracked();
                write(if since.is_empty() { refused } else { format!("{refused}\n{since}") });
                keep();
            }
        }
    });

    let send = move || {
        let value = text.get_untracked();
        if value.trim().is_empty() || size.get_untracked().is_too_large() {
            return;
        }
        note.set(None);
        write(String::new());
        // In this order: what is sent stops being a draft in the moment in which it is stored as a message.
        context.command(Command::Send { room: context.room(), text: value });
        keep();
        screen.written.notify();
    };
    let on_key = move |event: KeyboardEvent| {
        let composes = composing.get_value()
            || event.is_composing()
            || event.key_code() == KEY_CODE_OF_COMPOSITION;
        if event.key() == "Enter" && !event.shift_key() && !composes {
            event.prevent_default();
            send();
        }
    };
    let on_input = move |_| {
        if let Some(element) = input.get_untracked() {
            fit(&element);
            text.set(element.value());
            note.set(None);
            keep();
        }
    };
    let counter = move || {
        let size = size.get();
        let shown = size.bytes * 100 >= size.limit * COUNTER_FROM;
        shown.then(|| context.texts().byte_count(size.bytes, size.limit))
    };
    let problem = move || {
        let texts = context.texts();
        match note.get() {
            Some(SendRefusal::TooManyUnconfirmed) => texts.too_many_unsent,
            Some(SendRefusal::SignedOut) => texts.refused_signed_out,
            _ if size.get().is_too_large() => texts.too_long,
            _ => "",
        }
    };
    let cannot_send = move || text.with(|text| text.trim().is_empty()) || size.get().is_too_large();
    view! { class = "r",
        <form
            class="composer"
            part="composer"
            class:too-long=move || size.get().is_too_large()
            on:submit=move |event| {
                event.prevent_default();
                send();
                if let Some(element) = input.get_untracked() {
                    // The send button must not keep the focus: the next message is written here.
                    let _ = element.focus();
                }
            }
        >
            <div class="notes">
                <span class="problem-text" role="alert">{problem}</span>
                <span class="counter" part="counter">{counter}</span>
            </div>
            <div class="entry">
                <textarea
                    class="input"
                    part="input"
                    rows="1"
                    dir="auto"
                    autocomplete="off"
                    enterkeyhint="send"
                    node_ref=input
                    aria-label=move || context.texts().placeholder
                    placeholder=move || context.texts().placeholder
                    disabled=move || context.remote.is_signed_out()
                    on:input=on_input
                    on:keydown=on_key
                    on:compositionstart=move |_| composing.set_value(true)
                    on:compositionend=move |_| composing.set_value(false)
                ></textarea>
                <button
                    type="submit"
                    class="send"
                    part="send"
                    aria-label=move || context.texts().send
                    title=move || context.texts().send
                    disabled=cannot_send
                >
                    {icons::send()}
                </button>
            </div>
        </form>
    }
}

fn is_writing(element: &HtmlTextAreaElement) -> bool {
    !element.value().is_empty() && element.matches(":focus").unwrap_or(false)
}

/// As high as its text; the stylesheet says where that ends.
fn fit(element: &HtmlTextAreaElement) {
    let style = web_sys::HtmlElement::style(element);
    // CSSOM, which strict pages allow; failing to set a height costs a scroll bar.
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", element.scroll_height()));
}
