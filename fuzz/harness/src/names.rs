//! Room ids with the channels and addresses that they become, and display names.

use roomlet_client::{Command, DisplayName, Input, RoomId};
use serde_json::json;

use crate::device::Device;
use crate::setting::{Kind, Setting, Way};

/// The longest segment of a channel (Event API guide, "channel namespaces").
const MAX_SEGMENT: usize = 50;

/// Two names, in two lines.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    check_name(one);
    let (Ok(one), Ok(other)) = (RoomId::parse(one), RoomId::parse(other)) else { return };
    let (channel, another) = (channel(&one), channel(&other));
    assert_eq!(channel == another, one == other, "{one} is {channel}, {other} is {another}");
    let (address, another) = (address(&one), address(&other));
    assert_eq!(address == another, one == other, "{one} is {address}, {other} is {another}");
}

fn check_name(text: &str) {
    let Some(name) = DisplayName::parse(text) else { return };
    let shown = name.as_str();
    assert!(!shown.chars().any(char::is_control), "{shown:?} has a control character");
    assert_eq!(shown, shown.trim(), "a name is trimmed");
    assert!(!shown.is_empty(), "a name has letters");
    assert_eq!(DisplayName::parse(shown), Some(name.clone()), "a name stays what it is");
}

/// What a client of Events subscribes to for a room.
fn channel(room: &RoomId) -> String {
    let mut device = opened(Kind::EventsStamped, room);
    if let Some(connection) = device.wire.sockets.last().map(|socket| socket.id) {
        let text = json!({"type": "connection_ack"}).to_string();
        device.feed(Input::Received { connection, text });
    }
    let subscription = device.wire.subscriptions.pop_back().expect("a room is subscribed to");
    let channel = subscription.room;
    let segment = channel.strip_prefix("/chat/").expect("a channel of the namespace");
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_segment = (1..=MAX_SEGMENT).contains(&segment.len())
        && segment.bytes().all(is_legal)
        && !segment.starts_with('-')
        && !segment.ends_with('-');
    assert!(is_segment, "{channel} is no channel");
    channel
}

/// Where a client of API Gateway connects to for a room.
fn address(room: &RoomId) -> String {
    let mut device = opened(Kind::GatewayFull, room);
    device.wire.sockets.pop().expect("a room has a socket").url
}

fn opened(kind: Kind, room: &RoomId) -> Device {
    let mut device = Device::new(Setting { kind, way: Way::ApiKey });
    device.command(Command::OpenRoom(room.clone()));
    if let Some(socket) = device.wire.sockets.last_mut() {
        socket.is_open = true;
        let connection = socket.id;
        device.feed(Input::SocketOpened { connection });
    }
    device
}
