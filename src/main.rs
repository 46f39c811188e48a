//! The WebAssembly behind `<roomlet-chat>`: what `src/embed/roomlet.js` loads and calls.

use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{HtmlElement, ShadowRoot};

use roomlet::embed::{Handle, Options};

fn main() {
    console_error_panic_hook::set_once();
}

/// Puts a chat into the shadow root of `host`. `options` is JSON; see [`Options`].
#[wasm_bindgen]
pub fn mount(host: HtmlElement, root: &ShadowRoot, options: &str) -> Result<Handle, JsError> {
    Ok(Handle::mount(host, root, &Options::parse(options)?)?)
}
