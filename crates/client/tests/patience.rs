//! What is refused again and again is tried ever more rarely, or not at all.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::NamespaceKind::Stamped;
use roomlet_client::config::{Dialect, SignIn};
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::*;
use serde_json::{Value, json};

/// An hour after the scenarios begin, in seconds since 1970.
const IN_AN_HOUR: u64 = 1_761_714_360;

/// Good for years.
fn aws() -> Credentials {
    Credentials::Aws {
        access_key_id: AccessKeyId::parse("AKIDEXAMPLE0000000AB").unwrap(),
        secret_access_key: Secret::parse("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap(),
        session_token: None,
        expires_at: Some(WallClock(1_900_000_000_000)),
    }
}

#[test]
fn a_network_that_is_down_at_first_is_no_bad_credential_on_appsync() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    let start = ann.now;
    for _ in 0..6 {
        ann.wait_for_question();
        if ann.outputs.iter().any(|o| matches!(o, Output::AskForCredentials { .. })) {
            ann.sign_in(jwt("ann", IN_AN_HOUR));
            ann.close(1006);
        }
    }
    assert!(
        !matches!(ann.status(), Status::Refused(_)),
        "{:?} after {} ms",
        ann.status(),
        ann.now - start
    );
}

#[test]
fn a_refusal_after_the_ack_does_not_hammer() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    let mut connections = 0;
    for _ in 0..50 {
        let Some((question, _)) = ann.question() else { break };
        ann.input(Input::SignedIn {
            question,
            answer: SignInAnswer::Credentials(jwt("ann", IN_AN_HOUR)),
        });
        if ann.attempts() == 0 {
            break;
        }
        connections += 1;
        ann.open();
        ann.receive(ACK);
        ann.receive(r#"{"type":"error","id":"","payload":{"errors":[{"errorType":"UnauthorizedException","message":"You are not authorized to make this call.","errorCode":401}]}}"#);
        if matches!(ann.status(), Status::Refused(_)) {
            break;
        }
    }
    assert!(connections <= 2, "{connections} connections in no time, status {:?}", ann.status());
}

#[test]
fn a_connection_error_after_the_ack_does_not_hammer() {
    let mut ann = Scenario::of(events(Stamped), cognito());
    let mut connections = 0;
    for _ in 0..50 {
        let Some((question, _)) = ann.question() else { break };
        ann.input(Input::SignedIn {
            question,
            answer: SignInAnswer::Credentials(jwt("ann", IN_AN_HOUR)),
        });
        if ann.attempts() == 0 {
            break;
        }
        connections += 1;
        ann.open();
        ann.receive(EVENTS_ACK);
        ann.receive(r#"{"type":"connection_error","errors":[{"errorType":"UnauthorizedException","message":"x","errorCode":401}]}"#);
        if matches!(ann.status(), Status::Refused(_)) {
            break;
        }
    }
    assert!(connections <= 2, "{connections} connections in no time, status {:?}", ann.status());
}

#[test]
fn a_signature_that_stays_wrong_does_not_hammer() {
    let mut ann = Scenario::of(graphql(Dialect::Full), SignIn::Iam { region: "us-east-1".into() });
    let mut connections = 0;
    for _ in 0..50 {
        let Some((question, _)) = ann.question() else { break };
        ann.input(Input::SignedIn { question, answer: SignInAnswer::Credentials(aws()) });
        if ann.attempts() == 0 {
            break;
        }
        connections += 1;
        ann.open();
        ann.receive(ACK);
        if matches!(ann.status(), Status::Refused(_)) {
            break;
        }
        ann.refuse_start("BadRequestException", "Signature expired: 20251029T040601Z is now earlier than 20251029T050100Z (20251029T050600Z - 5 min.)");
        if matches!(ann.status(), Status::Refused(_)) {
            break;
        }
    }
    assert!(connections <= 3, "{connections} connections in no time, {:?}", ann.status());
}

#[test]
fn a_start_that_is_refused_as_a_duplicate_again_and_again_pauses() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    let mut starts = 0;
    for _ in 0..100 {
        let frames = ann.frames();
        let Some(id) = frames
            .iter()
            .filter_map(|f| serde_json::from_str::<Value>(f).ok())
            .filter(|f| f["type"] == "start")
            .map(|f| f["id"].as_str().unwrap().to_owned())
            .next_back()
        else {
            break;
        };
        starts += 1;
        let error = json!({"errorType": "Custom", "message": "Duplicate login: somebody sits on this seat"});
        ann.receive(
            &json!({"id": id, "type": "error", "payload": {"errors": [error]}}).to_string(),
        );
    }
    assert!(starts <= 3, "{starts} starts in no time");
}

#[test]
fn throttled_starts_without_an_id_have_pauses_that_grow() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    let begin = ann.now;
    let mut starts = 0;
    while ann.now < begin + 600_000 {
        let frames = ann.frames();
        if frames.iter().any(|f| f.contains(r#""type":"start""#)) {
            starts += 1;
            ann.receive(r#"{"type":"error","payload":{"errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}}"#);
        }
        ann.pass(Duration::from_millis(250));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert!(starts <= 60, "{starts} starts in ten minutes of throttling");
}

#[test]
fn a_subscription_that_ends_at_once_each_time_pauses_longer() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    let begin = ann.now;
    let (mut starts, mut queries) = (0, 0);
    while ann.now < begin + 600_000 {
        let frames = ann.frames();
        if let Some(frame) = frames.iter().find(|f| f.contains(r#""type":"start""#)) {
            starts += 1;
            let id =
                serde_json::from_str::<Value>(frame).unwrap()["id"].as_str().unwrap().to_owned();
            ann.receive(&json!({"id": id, "type": "start_ack"}).to_string());
            ann.receive(&json!({"id": id, "type": "complete"}).to_string());
        }
        queries += ann.requests().len();
        ann.pass(Duration::from_millis(250));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert!(starts <= 60, "{starts} starts, {queries} queries in ten minutes");
}

#[test]
fn a_subscription_that_fails_once_it_is_there_pauses_longer() {
    let mut ann = Scenario::of(events(Stamped), api_key());
    ann.open();
    ann.receive(EVENTS_ACK);
    let begin = ann.now;
    let mut starts = 0;
    while ann.now < begin + 600_000 {
        for f in ann.frames() {
            let f: Value = serde_json::from_str(&f).unwrap();
            if f["type"] == "subscribe" {
                starts += 1;
                ann.receive(&json!({"type":"subscribe_success","id":f["id"]}).to_string());
                ann.receive(&json!({"type":"subscribe_error","id":f["id"],"errors":[{"errorType":"SubscriptionProcessingError","message":"x"}]}).to_string());
            }
        }
        ann.pass(Duration::from_millis(500));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert!(starts <= 60, "{starts}");
}

#[test]
fn in_the_basic_schema_an_error_of_the_resolver_is_a_failure() {
    let mut ann = Scenario::graphql_basic();
    ann.send("hi");
    let request = ann.request();
    ann.answer(&request, 200, &json!({"data": {"sendMessage": null}, "errors": [{"errorType": "Lambda:Unhandled", "message": "boom"}]}));
    assert!(ann.rows()[0].contains("Failed"), "{:?}", ann.rows());
}

#[test]
fn in_the_full_schema_an_error_of_the_resolver_does_not_block_the_room_for_ever() {
    let mut ann = Scenario::graphql_full();
    ann.send("first");
    ann.send("second");
    let begin = ann.now;
    let mut tries = 0;
    while ann.now < begin + 3_600_000 {
        for request in ann.requests() {
            if request.variable("content") == "first" {
                tries += 1;
                ann.answer(&request, 200, &json!({"data": {"sendMessage": null}, "errors": [{"errorType": "RoomReadOnly", "message": "This room is read-only."}]}));
            }
        }
        ann.pass(Duration::from_secs(1));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert!(ann.rows()[0].contains("Failed"), "{tries} tries in an hour, {:?}", ann.rows());
}

#[test]
fn tokens_that_live_half_a_minute_do_not_loop() {
    let mut ann = Scenario::of(graphql(Dialect::Full), cognito());
    let mut asked = 0;
    for _ in 0..200 {
        if let Some((question, _)) = ann.question() {
            asked += 1;
            let exp = (1_761_710_760_000 + ann.now) / 1000 + 30;
            ann.input(Input::SignedIn {
                question,
                answer: SignInAnswer::Credentials(jwt("ann", exp)),
            });
        }
        if ann.attempts() == 1 && asked == 1 && ann.now == 1000 {
            ann.open();
            ann.receive(ACK);
            ann.now += 1;
        }
        if ann
            .outputs
            .iter()
            .any(|o| matches!(o, Output::SendText { text, .. } if text.contains("start")))
        {
            ann.start_ack();
        }
        for r in ann.requests() {
            ann.answer(&r, 200, &json!({"data":{"messages":{"messages":[],"nextCursor":null}}}));
        }
    }
    assert!(asked <= 4, "{asked}");
}

#[test]
fn a_subscription_that_ends_before_it_is_acknowledged_starts_again() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    let id = ann.started();
    ann.receive(&json!({"id": id, "type": "complete"}).to_string());
    ann.receive(&json!({"id": id, "type": "start_ack"}).to_string());
    assert_ne!(ann.status(), Status::Online);
    assert!(ann.frames().iter().any(|frame| frame.contains(r#""type":"stop""#)));
    ann.pass(Duration::from_secs(3));
    ann.start_ack();
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn a_subscription_that_ends_while_its_successor_starts_leaves_the_room_to_that_one() {
    let mut ann = Scenario::graphql_basic();
    ann.pass(Duration::from_secs(70));
    let renewal = ann.started();
    ann.receive(r#"{"id":"s2","type":"complete"}"#);
    ann.receive(&graphql_data(&renewal, &graphql_message("m1", 1, "early")));
    ann.receive(&json!({"id": renewal, "type": "start_ack"}).to_string());
    assert!(ann.frames().is_empty(), "neither ended nor started again");
    assert_eq!(ann.rows(), ["Bo: early [Sent]", "interruption"]);
    assert_eq!(ann.status(), Status::Online);
}
