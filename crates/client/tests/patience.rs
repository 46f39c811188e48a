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

#[test]
fn failures_hours_ago_do_not_lengthen_the_pause() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    for _ in 0..8 {
        ann.refuse_start("MaxSubscriptionsReachedError", "x");
        while ann.outputs.iter().all(|output| !matches!(output, Output::SendText { .. })) {
            ann.receive(KEEP_ALIVE);
            ann.pass(Duration::from_millis(100));
        }
    }
    ann.start_ack();
    for _ in 0..60 {
        ann.pass(Duration::from_secs(60));
        ann.receive(KEEP_ALIVE);
    }
    let mut longest = 0;
    for _ in 0..6 {
        ann.close(1006);
        ann.wait_for_attempt();
        ann.open();
        ann.receive(ACK);
        ann.refuse_start("MaxSubscriptionsReachedError", "x");
        let before = ann.now;
        while ann.outputs.iter().all(|output| !matches!(output, Output::SendText { .. })) {
            ann.receive(KEEP_ALIVE);
            ann.pass(Duration::from_millis(100));
        }
        longest = longest.max(ann.now - before);
        ann.start_ack();
        for _ in 0..10 {
            ann.pass(Duration::from_secs(60));
            ann.receive(KEEP_ALIVE);
        }
    }
    assert!(longest <= 3_000, "{longest} ms after hours of peace");
}

#[test]
fn starts_refused_as_malformed_without_an_id_do_not_reconnect_for_ever() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    let begin = ann.now;
    ann.open();
    ann.receive(ACK);
    let (mut starts, mut connects) = (0, 1);
    while ann.now < begin + 3_600_000 {
        if ann.attempts() > 1 {
            connects += 1;
            ann.open();
            ann.receive(ACK);
        }
        for frame in ann.frames() {
            if frame.contains(r#""type":"start""#) {
                starts += 1;
                ann.receive(r#"{"type":"error","id":"","payload":{"errors":[{"errorType":"UnsupportedOperation","message":"unknown not supported through the realtime channel"}]}}"#);
            }
        }
        ann.pass(Duration::from_millis(500));
        if ann.status() != Status::Online {
            let c = ann.connection();
            ann.input(Input::Received { connection: c, text: KEEP_ALIVE.into() });
        }
    }
    assert!(
        connects <= 20,
        "{connects} connections, {starts} starts in an hour, {:?}",
        ann.status()
    );
}

fn turned_away_after(life: u64, sign_in: SignIn) -> (usize, usize, Status) {
    let mut ann = Scenario::of(graphql(Dialect::Full), sign_in);
    let begin = ann.now;
    let (mut connects, mut questions) = (0, 0);
    let mut seen = None;
    while ann.now < begin + 600_000 {
        if let Some((question, _)) = ann.question() {
            questions += 1;
            ann.input(Input::SignedIn {
                question,
                answer: SignInAnswer::Credentials(jwt("ann", IN_AN_HOUR * 2)),
            });
        }
        if ann.attempts() == 0 || seen == Some(ann.connection().0) {
            ann.pass(Duration::from_millis(100));
            continue;
        }
        seen = Some(ann.connection().0);
        connects += 1;
        ann.open();
        ann.receive(ACK);
        ann.start_ack();
        for request in ann.requests() {
            ann.answer(
                &request,
                200,
                &json!({"data": {"messages": {"messages": [], "nextCursor": null}}}),
            );
        }
        ann.pass(Duration::from_millis(life));
        ann.receive(r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired.","errorCode":401}]}}"#);
    }
    (connects, questions, ann.status())
}

#[test]
fn a_connection_that_is_turned_away_after_six_seconds_each_time_does_not_hammer() {
    let (connects, questions, status) = turned_away_after(6_000, cognito());
    assert!(
        connects <= 30,
        "{connects} connections, {questions} questions to the page in ten minutes, {status:?}"
    );
}
