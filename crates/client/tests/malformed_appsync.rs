//! Whatever AppSync says, or somebody in its place, the client neither panics nor loses count: frames and answers are
//! fed whole, cut at each length, with each byte replaced, and in any order.
#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use roomlet_client::config::{Dialect, NamespaceKind, Service, SignIn};
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::{ACK, EVENTS_ACK, cognito, events, graphql, jwt};

const FRAMES: [&str; 24] = [
    ACK,
    EVENTS_ACK,
    r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":-1}}"#,
    r#"{"type":"connection_ack","connectionTimeoutMs":18446744073709551615}"#,
    r#"{"type":"ka"}"#,
    r#"{"id":"s1","type":"start_ack"}"#,
    r#"{"id":"s1","type":"data","payload":{"data":{"onNewMessage":{"id":"m1","roomId":"lobby","sender":"s","content":"hi","createdAt":"2025-10-29T04:06:00.000Z","senderName":"Bo","senderKind":"guest","clientMessageId":"c"}}}}"#,
    r#"{"id":"s1","type":"data","payload":{"data":null,"errors":[{"message":"x"}]}}"#,
    r#"{"id":"s1","type":"data","payload":{"data":{"onNewMessage":[]},"errors":{}}}"#,
    r#"{"id":"","type":"error","payload":{"errors":{"errorType":"LimitExceededError","message":""}}}"#,
    r#"{"id":"s1","type":"error","payload":{"errors":[{"errorType":"MaxSubscriptionsReachedError"}]}}"#,
    r#"{"id":"s1","type":"error","payload":{"errors":[{"errorType":"UnauthorizedException"}]}}"#,
    r#"{"id":"s1","type":"error","payload":{"errors":[{"message":"Validation error of type FieldUndefined"}]}}"#,
    r#"{"type":"connection_error","payload":{"errors":[{"errorType":"BadRequestException","message":"Signature expired: 99999999T999999Z is now earlier than x (99999999T999999Z - 5 min.)","errorCode":400}]}}"#,
    r#"{"type":"connection_error","errors":[{"errorType":5,"message":[],"errorCode":"x"}]}"#,
    r#"{"id":"s1","type":"complete"}"#,
    r#"{"type":"subscribe_success","id":"s1"}"#,
    r#"{"type":"subscribe_error","id":"s1","errors":[{"errorType":"Unauthorized"}]}"#,
    r#"{"type":"data","id":"s1","event":"{\"id\":\"m\",\"createdAt\":\"2025-10-29T04:06:00.000Z\",\"text\":\"hi\",\"sender\":{\"id\":\"x\"}}"}"#,
    r#"{"type":"data","id":"s1","event":[null,5,{"text":"x"},"plain"]}"#,
    r#"{"type":"broadcast_error","id":"s1","errors":[]}"#,
    r#"{"type":"publish_success","id":"p1","successful":[],"failed":[{"index":0,"code":"EventTooLargeException"}]}"#,
    r#"{"type":"publish_error","id":"p1","errors":[{"errorType":"LimitExceededError"}]}"#,
    r#"{"type":"error","errors":[{"errorType":"UnsupportedOperation","message":"x"}]}"#,
];

const ANSWERS: [(u16, &str); 10] = [
    (
        200,
        r#"{"data":{"sendMessage":{"id":"m1","roomId":"lobby","sender":"s","content":"hi","createdAt":"2025-10-29T04:06:00.000Z"}}}"#,
    ),
    (
        200,
        r#"{"data":{"messages":{"messages":[{"id":"m1","content":"x","createdAt":"2025-10-29T04:06:00.000Z"},5,{}],"nextCursor":"c"}}}"#,
    ),
    (200, r#"{"data":{"messages":{"messages":[],"nextCursor":null}}}"#),
    (200, r#"{"data":null,"errors":[{"errorType":"Unauthorized","message":"x"}]}"#),
    (200, r#"{"successful":[{"identifier":"u","index":0}],"failed":[]}"#),
    (200, "<!doctype html>"),
    (401, r#"{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired."}]}"#),
    (429, ""),
    (503, "[[[["),
    (0, ""),
];

fn services() -> [Service; 4] {
    [
        graphql(Dialect::Auto),
        graphql(Dialect::Basic),
        events(NamespaceKind::Raw),
        events(NamespaceKind::Stamped),
    ]
}

/// A client that is connected, joined and has something in flight.
fn busy(service: &Service) -> Scenario {
    let mut scenario = Scenario::of(service.clone(), SignIn::None);
    scenario.open();
    for frame in
        [ACK, r#"{"id":"s1","type":"start_ack"}"#, r#"{"type":"subscribe_success","id":"s1"}"#]
    {
        scenario.receive(frame);
    }
    scenario.send("in flight");
    scenario
}

fn variants(text: &str) -> Vec<String> {
    let cuts = (0..=text.len()).filter(|end| text.is_char_boundary(*end));
    let mut variants = cuts.map(|end| text[..end].to_owned()).collect::<Vec<_>>();
    for at in 0..text.len() {
        for byte in *b"\"{}[],:0\\" {
            let mut garbled = text.as_bytes().to_vec();
            garbled[at] = byte;
            variants.extend(String::from_utf8(garbled));
        }
    }
    variants
}

#[test]
fn no_cut_or_garbled_frame_panics() {
    for service in services() {
        let mut scenario = busy(&service);
        for variant in FRAMES.iter().flat_map(|frame| variants(frame)) {
            let fed = catch_unwind(AssertUnwindSafe(|| {
                scenario.receive(&variant);
                // A refusal ends the connection, or the room; the next variant needs both.
                if scenario.status() != Status::Online {
                    scenario = busy(&service);
                }
            }));
            assert!(fed.is_ok(), "{variant}");
            assert!(scenario.events.len() < 200_000);
        }
    }
}

#[test]
fn no_cut_or_garbled_answer_panics() {
    for service in services() {
        for (status, answer) in ANSWERS {
            for variant in variants(answer) {
                let mut scenario = busy(&service);
                for request in scenario.requests() {
                    let body = variant.clone();
                    let date = Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
                    let answer = HttpAnswer { status, body, date };
                    scenario.input(Input::Answered { request: request.id, answer });
                }
                let rows = scenario.rows();
                assert_eq!(
                    rows.iter().filter(|row| row.contains("in flight")).count(),
                    1,
                    "{variant}: {rows:?}"
                );
            }
        }
    }
}

fn operation() -> impl Strategy<Value = (u8, u32, u64)> {
    (0_u8..22, 0_u32..6, 0_u64..40_000)
}

proptest! {
    /// Inputs in any order, also ones that make no sense: nothing panics, deadlines move on, and the client stays bounded.
    #[test]
    fn inputs_in_any_order_do_no_harm(
        which_service in 0_usize..4,
        signs_in in any::<bool>(),
        operations in prop::collection::vec(operation(), 0..120),
    ) {
        let service = services()[which_service].clone();
        let sign_in = if signs_in { cognito() } else { SignIn::None };
        let mut scenario = Scenario::of(service, sign_in);
        for (kind, which, wait) in operations {
            let connection = ConnectionId(which);
            let row = RowId(u64::from(which));
            let pick = usize::try_from(wait).unwrap();
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
                14 => Input::Command(Command::SignOut),
                15 => Input::SignedIn { question: QuestionId(which), answer: match which % 3 {
                    0 => SignInAnswer::SignedOut,
                    1 => SignInAnswer::Failed,
                    _ => SignInAnswer::Credentials(jwt(&which.to_string(), 1_761_710_760 + wait)),
                } },
                16 => Input::RequestFailed { request: HttpRequestId(which), failure: if wait % 2 == 0 { HttpFailure::Network } else { HttpFailure::Blocked } },
                17 => {
                    let (status, body) = ANSWERS[pick % ANSWERS.len()];
                    Input::Answered { request: HttpRequestId(which), answer: HttpAnswer { status, body: body.to_owned(), date: None } }
                }
                _ => Input::Received { connection, text: FRAMES[pick % FRAMES.len()].to_owned() },
            });
            prop_assert!(scenario.outputs.len() < 10_000);
            let mut turns = 0;
            while let Some(deadline) = scenario.client.poll_timeout().filter(|deadline| deadline.at.0 <= scenario.now) {
                scenario.input(Input::TimeDue);
                turns += 1;
                prop_assert!(turns < 50, "a deadline that does not move on: {}", deadline.reason);
            }
        }
    }
}
