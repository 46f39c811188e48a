//! Gives a shadow root the widget's stylesheet, in a way that strict pages allow.

use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use web_sys::{CssStyleSheet, ShadowRoot};

use crate::ui::STYLESHEET;

/// A constructed stylesheet; where the browser has none, a `<style>` element.
pub(super) fn adopt(root: &ShadowRoot) {
    let sheet =
        CssStyleSheet::new().and_then(|sheet| sheet.replace_sync(STYLESHEET).map(|()| sheet));
    let adopted = sheet.and_then(|sheet| {
        let sheets = Array::of1(&sheet);
        Reflect::set(root, &JsValue::from_str("adoptedStyleSheets"), &sheets)
    });
    if adopted == Ok(true) {
        return;
    }
    let style = root.owner_document().and_then(|document| document.create_element("style").ok());
    if let Some(style) = style {
        style.set_text_content(Some(STYLESHEET));
        // A root that takes no child shows the words without the looks.
        let _ = root.prepend_with_node_1(&style);
    }
}
