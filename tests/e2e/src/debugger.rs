//! Chromium's own debugger, beside WebDriver: for what chromedriver ends a session over.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// Lets the program behind a window crash, and closes the window. `address` is the browser's debugger, `target` the
/// window's handle, which is its name there too.
pub(crate) async fn crash(address: &str, target: &str) {
    let connected = connect_async(format!("ws://{address}/devtools/page/{target}")).await;
    let (mut page, _) = connected.expect("the debugger takes connections");
    let commands =
        [json!({"id": 1, "method": "Inspector.enable"}), json!({"id": 2, "method": "Page.crash"})];
    for command in commands {
        let sent = page.send(Message::text(command.to_string())).await;
        sent.expect("the debugger takes commands");
    }
    // There is no answer to the second one.
    while let Some(Ok(said)) = page.next().await {
        if said.to_text().is_ok_and(|said| said.contains("Inspector.targetCrashed")) {
            break;
        }
    }
    let closed = reqwest::get(format!("http://{address}/json/close/{target}")).await;
    closed.expect("the debugger closes what has crashed");
}
