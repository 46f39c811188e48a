//! A room's past, page by page.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::member::{Message, Protocol, ask};

/// Everything that was ever said in a room, oldest first.
pub(crate) async fn read_all(address: SocketAddr, room: &str) -> Vec<Message> {
    let mut reader = Protocol::Gateway.enter(address, room, &"0".repeat(32), None).await;
    let mut pages: Vec<Vec<Message>> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let mut request =
            json!({"action": "history", "requestId": "h", "roomId": room, "limit": 100});
        if !cursor.is_null() {
            request["before"] = cursor;
        }
        let page = ask(&mut reader, &request).await;
        assert_eq!(page["type"], "history", "{page}");
        let messages = page["messages"].as_array().unwrap();
        pages.push(messages.iter().map(|message| Message::read(message, "text")).collect());
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    pages.into_iter().rev().flatten().collect()
}
