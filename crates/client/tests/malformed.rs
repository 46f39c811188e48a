//! Whatever arrives, the client neither panics nor loses count: every frame below is fed whole, cut at each
//! length, and with each byte replaced.

mod scenario;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use roomlet_client::config::Dialect;
use roomlet_client::*;
use scenario::{FORBIDDEN, Scenario, WELCOME, broadcast, live};

fn frames() -> Vec<String> {
    vec![
        WELCOME.into(),
        FORBIDDEN.into(),
        broadcast("them=", "hi \u{1F468}\u{200D}\u{1F469}"),
        live("m1", 1, "hi"),
        r#"{"type":"ack","clientMessageId":"c","id":"m","createdAt":"2025-10-29T04:06:00.000Z"}"#.into(),
        r#"{"type":"history","requestId":"1","roomId":"lobby","messages":[{"id":"m","text":"t"}],"nextCursor":null}"#.into(),
        r#"{"type":"error","code":"rate_limited","message":"","clientMessageId":"c","retryAfterMs":18446744073709551615}"#.into(),
        r#"{"type":"message","text":"","id":"","createdAt":"9999-99-99T99:99:99.999Z"}"#.into(),
        r#"{"type":"message","text":"x","id":"y","createdAt":"ééééééééééééééééééééééééZ"}"#.into(),
        "[[[[[[[[[[[[".repeat(2_000),
        "{\"a\":".repeat(2_000),
        "\u{0}\u{FEFF}".into(),
    ]
}

#[test]
fn no_cut_or_garbled_frame_panics() {
    let mut failures = Vec::new();
    for frame in frames() {
        let cuts = (0..=frame.len()).filter(|end| frame.is_char_boundary(*end));
        let mut variants = cuts.map(|end| frame[..end].to_owned()).collect::<Vec<_>>();
        if frame.len() < 1_000 {
            for at in 0..frame.len() {
                for byte in *b"\"{}[],:0e-\\\0" {
                    let mut garbled = frame.clone().into_bytes();
                    garbled[at] = byte;
                    variants.extend(String::from_utf8(garbled));
                }
            }
        } else {
            variants = vec![frame];
        }
        for state in [Scenario::full as fn() -> Scenario, Scenario::basic] {
            let mut scenario = state();
            scenario.send("in flight");
            for variant in &variants {
                let fed = catch_unwind(AssertUnwindSafe(|| {
                    let connection = scenario.connection();
                    scenario.input(Input::Received { connection, text: variant.clone() });
                    // A refusal ends the connection; the next variant needs one.
                    if matches!(scenario.status(), Status::Refused(_)) {
                        scenario.command(Command::Reconnect);
                        scenario.open();
                    }
                }));
                if fed.is_err() {
                    failures.push(variant.clone());
                    scenario = state();
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn operation() -> impl Strategy<Value = (u8, u32, u64)> {
    (0_u8..16, 0_u32..6, 0_u64..40_000)
}

proptest! {
    /// Inputs in any order, also ones that make no sense: nothing panics, and the client stays bounded.
    #[test]
    fn inputs_in_any_order_do_no_harm(operations in prop::collection::vec(operation(), 0..120)) {
        let mut scenario = Scenario::new(Dialect::Auto);
        let frames = frames();
        for (kind, which, wait) in operations {
            let connection = ConnectionId(which);
            let row = RowId(u64::from(which));
            let room = if which % 2 == 0 { RoomId::default() } else { RoomId::parse(&which.to_string()).unwrap() };
            scenario.now += wait;
            scenario.input(match kind {
                0 | 1 => Input::SocketOpened { connection },
                2 => Input::SocketClosed { connection, close: Close { code: 1000 + u16::try_from(which).unwrap(), reason: String::new() } },
                3 => Input::SocketBlocked { connection },
                4 => Input::Network(if which % 2 == 0 { Network::Online } else { Network::Offline }),
                5 => Input::Visibility(if which % 2 == 0 { Visibility::Visible } else { Visibility::Hidden }),
                6 => Input::TimeDue,
                7 => Input::Command(Command::OpenRoom(room)),
                8 => Input::Command(Command::Send { room, text: which.to_string() }),
                9 => Input::Command(Command::Retry { room, row }),
                10 => Input::Command(Command::Discard { room, row }),
                11 => Input::Command(Command::LoadOlder { room }),
                12 => Input::Command(Command::Reconnect),
                13 => Input::Command(Command::SetName(DisplayName::parse(&which.to_string()))),
                _ => Input::Received { connection, text: frames[usize::try_from(wait).unwrap() % 9].clone() },
            });
            prop_assert!(scenario.outputs.len() < 10_000);
            if let Some(deadline) = scenario.client.poll_timeout() {
                prop_assert!(!deadline.reason.is_empty());
            }
        }
    }
}
