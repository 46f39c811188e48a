//! Times: of messages, of the header `Date`, and of the service's complaints about a signature.

use std::time::Duration;

use roomlet_client::{Close, Command, HttpAnswer, Input, RoomId, RowContent, WallClock};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::device::Device;
use crate::setting::{self, Kind, Setting, Way};
use crate::wire::text;

/// One text, read as each of them.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let expected = second_opinion(text);
    for kind in [Kind::GatewayFull, Kind::GraphqlFull] {
        let time = time_of_message(kind, text);
        // API Gateway's own backends write UTC; an offset is AppSync's.
        if let Some(expected) =
            expected.filter(|_| kind == Kind::GraphqlFull || text.ends_with('Z'))
        {
            assert_eq!(time, Some(expected), "{text} of {kind:?}");
        }
    }
    time_of_service(text);
}

/// What the library `time` makes of it, in the forms and years that both know.
fn second_opinion(text: &str) -> Option<WallClock> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    // A leap second, a lower-case letter and a space are legal there, and nobody writes them.
    let is_plain = text.is_ascii() && text.as_bytes().get(10) == Some(&b'T');
    let is_leap = text.get(17..19) == Some("60");
    let is_usual = (1970..=9999).contains(&time.to_utc().year());
    let since = Duration::try_from(time - OffsetDateTime::UNIX_EPOCH).ok()?;
    let milliseconds = i64::try_from(since.as_millis()).ok()?;
    (is_plain && is_usual && !is_leap && !text.ends_with('z')).then_some(WallClock(milliseconds))
}

/// The time of the row that a message of this time becomes.
fn time_of_message(kind: Kind, created_at: &str) -> Option<WallClock> {
    let mut device = Device::new(Setting { kind, way: Way::ApiKey });
    let room = RoomId::default();
    device.command(Command::OpenRoom(room.clone()));
    open(&mut device);
    let frames = match kind {
        Kind::GatewayFull => vec![
            json!({"type": "message", "id": "m", "roomId": "lobby", "text": "hi", "createdAt": created_at}),
        ],
        _ => {
            receive(&mut device, &json!({"type": "connection_ack"}).to_string());
            let id = device.wire.subscriptions.back().map(|one| one.id.clone());
            let message = json!({"id": "m", "content": "hi", "createdAt": created_at});
            let payload = json!({"data": {"onNewMessage": message}});
            vec![
                json!({"type": "start_ack", "id": id}),
                json!({"type": "data", "id": id, "payload": payload}),
            ]
        }
    };
    for frame in frames {
        receive(&mut device, &frame.to_string());
    }
    device.rows(&room).iter().find_map(|row| match &row.content {
        RowContent::Message(message) => message.time,
        _ => None,
    })
}

/// A service whose clock is another one: requests are signed with its time from then on, in the form that AWS has.
fn time_of_service(said: &str) {
    let mut device = Device::new(Setting { kind: Kind::GraphqlFull, way: Way::Iam });
    let room = RoomId::default();
    device.command(Command::OpenRoom(room.clone()));
    device.sign_in(setting::aws(i64::MAX));
    open(&mut device);
    let complaint = format!("Signature expired: ({said} - 5 min.)");
    let errors = json!([{"errorType": "BadRequestException", "message": complaint}]);
    let refusal = json!({"type": "connection_error", "payload": {"errors": errors}});
    receive(&mut device, &refusal.to_string());
    device.pass_to_deadline();
    open(&mut device);
    receive(&mut device, &json!({"type": "connection_ack"}).to_string());
    let id = device.wire.subscriptions.back().map(|one| one.id.clone());
    receive(&mut device, &json!({"type": "start_ack", "id": id}).to_string());
    device.command(Command::Send { room, text: "hi".into() });
    for _ in 0..3 {
        let Some(request) = device.wire.requests.pop() else { return };
        let date = request.headers.iter().find(|(name, _)| name == "x-amz-date");
        let (_, date) = date.expect("a request is signed");
        let is_amazons = date.len() == 16 && date.ends_with('Z') && date.is_char_boundary(8);
        assert!(is_amazons, "{date} is no time of AWS");
        let body =
            json!({"errors": [{"errorType": "InvalidSignatureException", "message": complaint}]});
        let answer =
            HttpAnswer { status: 401, body: body.to_string(), date: Some(said.to_owned()) };
        device.feed(Input::Answered { request: request.id, answer });
        device.pass_to_deadline();
    }
    let last = device.wire.sockets.last().map(|socket| socket.id);
    if let Some(connection) = last {
        device.wire.end(connection);
        let close = Close { code: 1006, reason: text(&json!(said)).to_owned() };
        device.feed(Input::SocketClosed { connection, close });
    }
}

fn open(device: &mut Device) {
    if let Some(socket) = device.wire.sockets.last_mut() {
        socket.is_open = true;
        let connection = socket.id;
        device.feed(Input::SocketOpened { connection });
    }
}

fn receive(device: &mut Device, frame: &str) {
    if let Some(connection) = device.wire.sockets.last().map(|socket| socket.id) {
        device.feed(Input::Received { connection, text: frame.to_owned() });
    }
}
