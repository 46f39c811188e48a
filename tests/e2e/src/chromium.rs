//! What only Chromium can: its capabilities, and commands of the Chrome DevTools Protocol.

use std::env;
use std::path::PathBuf;

use serde_json::{Value, json};
use thirtyfour::{
    BrowserLogEntry, Capabilities, ChromeCapabilities, ChromiumLikeCapabilities,
    LoggingPrefsLogLevel,
};

use crate::browser::Window;

/// A host that is not this machine, as far as the browser can tell.
pub const OTHER_HOST: &str = "evil.example";

/// No sandbox, for containers; no traffic of the browser's own, which a closed network answers with delays; and no
/// slowing down of windows that are not in front, since each belongs to somebody who looks at it.
const ARGUMENTS: [&str; 13] = [
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
];

/// What a browser has beyond the usual.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    /// The port that the demo page's backend is led to.
    pub(crate) demo_port: Option<u16>,
    /// Whether it writes down its requests and what pages say on the console.
    pub(crate) writes_down: bool,
}

/// The port of the local backend that the demo page is built for.
const DEMO_PORT: u16 = 8787;

pub(crate) fn driver_program() -> PathBuf {
    env::var_os("E2E_CHROMEDRIVER").map_or_else(|| "chromedriver".into(), PathBuf::from)
}

pub(crate) fn capabilities(extras: Extras) -> Capabilities {
    let mut capabilities = ChromeCapabilities::new();
    let program = env::var("E2E_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    capabilities.set_binary(&program).expect("a path is a string");
    for argument in ARGUMENTS {
        capabilities.add_arg(argument).expect("an argument is a string");
    }
    let mut rules = format!("--host-resolver-rules=MAP {OTHER_HOST} 127.0.0.1");
    if let Some(port) = extras.demo_port {
        rules.push_str(&format!(", MAP 127.0.0.1:{DEMO_PORT} 127.0.0.1:{port}"));
    }
    capabilities.add_arg(&rules).expect("an argument is a string");
    if extras.writes_down {
        for log in [REQUESTS, CONSOLE] {
            let asked = capabilities.set_logging_prefs(log, LoggingPrefsLogLevel::All);
            asked.expect("a log is a string");
        }
    }
    capabilities.into()
}

/// chromedriver's name for the events of the DevTools Protocol.
const REQUESTS: &str = "performance";
/// And for what pages say on the console, and what the browser says of them there.
const CONSOLE: &str = "browser";

/// Everything that a browser has written down.
#[derive(Clone, Debug, Default)]
pub struct WrittenDown {
    /// The addresses of all requests and sockets.
    pub urls: Vec<String>,
    /// What was said on consoles.
    pub console: Vec<String>,
}

/// What was written down since the last time, by a browser that [does so](crate::overheard_journey).
pub async fn written_down(window: &Window) -> WrittenDown {
    let attention = window.attention().await;
    let session = attention.web_driver();
    let read = async |log: &str| -> Vec<BrowserLogEntry> {
        session.get_log(log).await.unwrap_or_else(|error| panic!("the log {log}: {error}"))
    };
    let mut urls = Vec::new();
    for entry in read(REQUESTS).await {
        let event: Value = serde_json::from_str(&entry.message).expect("events are JSON");
        collect_urls(&event["message"]["params"], &mut urls);
    }
    let console = read(CONSOLE).await.into_iter().map(|entry| entry.message).collect();
    WrittenDown { urls, console }
}

/// Every `url` in an event, whatever the event is.
fn collect_urls(value: &Value, urls: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name.to_ascii_lowercase().ends_with("url") => {
                        urls.push(text.clone());
                    }
                    other => collect_urls(other, urls),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_urls(item, urls)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
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
