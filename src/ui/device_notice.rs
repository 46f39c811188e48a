//! Says that the device keeps nothing, until the person has taken note of it.

use leptos::html;
use leptos::prelude::*;

use super::{Context, icons};

#[component]
pub(super) fn DeviceNotice() -> impl IntoView {
    let context = expect_context::<Context>();
    let not_kept = context.screen.not_kept;
    let notice = NodeRef::<html::Div>::new();
    let dismiss = move |_| {
        // The button goes, and must not take the focus out of the chat.
        let chat = notice.get_untracked().and_then(|notice| notice.parent_element());
        let scroller = chat.and_then(|chat| chat.query_selector("[tabindex]").ok().flatten());
        if let Some(scroller) = scroller {
            let _ = wasm_bindgen::JsCast::unchecked_into::<web_sys::HtmlElement>(scroller).focus();
        }
        not_kept.set(false);
    };
    // The region is there before its words, so that they are announced.
    view! { class = "r",
        <div class="device-notice" part="device-notice" role="status" node_ref=notice>
            <Show when=move || not_kept.get()>
                {icons::warning()}
                <p>{move || context.texts().not_kept}</p>
                <button type="button" class="link" on:click=dismiss>
                    {move || context.texts().dismiss}
                </button>
            </Show>
        </div>
    }
}
