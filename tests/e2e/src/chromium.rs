//! What only Chromium can: its capabilities, and commands of the Chrome DevTools Protocol.

use std::env;
use std::path::PathBuf;

use serde_json::{Value, json};
use thirtyfour::{Capabilities, ChromeCapabilities, ChromiumLikeCapabilities};

use crate::browser::Window;

/// A host that is not this machine, as far as the browser can tell.
pub const OTHER_HOST: &str = "evil.example";

/// No sandbox, for containers; no traffic of the browser's own, which a closed network answers with delays; and no
/// slowing down of windows that are not in front, since each belongs to somebody who looks at it.
const ARGUMENTS: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--window-size=900,760",
    "--host-resolver-rules=MAP evil.example 127.0.0.1",
];

pub(crate) fn driver_program() -> PathBuf {
    env::var_os("E2E_CHROMEDRIVER").map_or_else(|| "chromedriver".into(), PathBuf::from)
}

pub(crate) fn capabilities() -> Capabilities {
    let mut capabilities = ChromeCapabilities::new();
    let program = env::var("E2E_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    capabilities.set_binary(&program).expect("a path is a string");
    for argument in ARGUMENTS {
        capabilities.add_arg(argument).expect("an argument is a string");
    }
    capabilities.into()
}

/// Sends one command to a window; the protocol's reference names them and their parameters.
pub async fn command(window: &Window, method: &str, parameters: Value) -> Value {
    let attention = window.attention().await;
    let answer = attention.web_driver().cdp().send_raw(method, parameters).await;
    answer.unwrap_or_else(|error| panic!("{method}: {error}"))
}

/// Begins or goes on with a composition: the text is shown in the field, but not settled yet.
pub async fn compose(window: &Window, text: &str) {
    let end = text.encode_utf16().count();
    let parameters = json!({"text": text, "selectionStart": end, "selectionEnd": end});
    command(window, "Input.imeSetComposition", parameters).await;
}

/// Settles a composition with this text.
pub async fn commit(window: &Window, text: &str) {
    command(window, "Input.insertText", json!({"text": text})).await;
}

/// Takes the network away from a window, or gives it back.
pub async fn set_offline(window: &Window, offline: bool) {
    command(window, "Network.enable", json!({})).await;
    let conditions = json!({
        "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1
    });
    command(window, "Network.emulateNetworkConditions", conditions).await;
}

/// Makes the page believe that the person prefers `light` or `dark`.
pub async fn prefer_color_scheme(window: &Window, scheme: &str) {
    let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
    command(window, "Emulation.setEmulatedMedia", features).await;
}

/// Gives the page a screen of this size in CSS pixels, below what a window can be made to.
pub async fn set_viewport(window: &Window, width: u32, height: u32) {
    let metrics =
        json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
    command(window, "Emulation.setDeviceMetricsOverride", metrics).await;
}

/// Turns the wheel over the middle of an area, as (left, top, width, height), by so many pixels: negative is up.
pub async fn turn_wheel(window: &Window, area: [f64; 4], pixels: f64) {
    let [left, top, width, height] = area;
    let turn = json!({
        "type": "mouseWheel", "x": left + width / 2.0, "y": top + height / 2.0, "deltaX": 0, "deltaY": pixels
    });
    command(window, "Input.dispatchMouseEvent", turn).await;
}
