//! Credentials: asked for when they are needed, renewed once when they are refused, and never worn out.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::{
    Dialect, Endpoint, NamespaceKind, Service, SignIn, TokenCarrier, TokenKind,
};
use roomlet_client::*;
use scenario::appsync::{
    ACK, EVENTS_ACK, IN_AN_HOUR, Request, cognito, events, graphql, graphql_data, graphql_message,
    jwt, opaque,
};
use scenario::{GUEST_KEY, Scenario, WELCOME};
use serde_json::{Value, json};

const IN_TWO_MINUTES: u64 = IN_AN_HOUR - 3_480;
const REFUSED: &str = r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired.","errorCode":401}]}}"#;

fn signed_in_until(expires_at: u64) -> Scenario {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    assert_eq!(ann.sign_in(jwt("ann", expires_at)), AskReason::Connect);
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.answer_page(&[], None);
    ann.requests();
    ann.sent();
    ann
}

fn unauthorized(ann: &mut Scenario, request: &Request) {
    let error = json!({"errorType": "UnauthorizedException", "message": "Token has expired."});
    ann.answer(request, 401, &json!({"errors": [error]}));
}

fn message_of(request: &Request) -> Value {
    let mut message = graphql_message("m1", 1, &request.variable("content"));
    message["clientMessageId"] = request.variable("clientMessageId").into();
    json!({"data": {"sendMessage": message}})
}

#[test]
fn nothing_is_opened_before_the_page_has_answered() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    assert!(ann.outputs.iter().all(|output| !matches!(output, Output::OpenSocket { .. })));
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    assert_eq!(ann.attempts(), 1);
    assert_eq!(ann.subprotocols()[0], "graphql-ws");
}

#[test]
fn who_is_signed_in_is_no_guest() {
    let mut ann = Scenario::signed_in();
    ann.receive(&graphql_data("s1", &{
        let mut message = graphql_message("m1", 1, "from my other tab");
        message["sender"] = "ann".into();
        message
    }));
    assert_eq!(ann.rows(), ["me: from my other tab [Sent]"]);
    ann.send("hi");
    let request = ann.request();
    assert!(!request.body.contains("guestKey") && !request.body.contains(GUEST_KEY));
    assert_eq!(request.variable("guestName"), "Ann", "for an identity without a name");
    assert!(request.header("authorization").unwrap().starts_with("ey"));
}

#[test]
fn credentials_that_last_are_asked_for_once_a_connection() {
    let mut ann = Scenario::signed_in();
    ann.send("hi");
    assert_eq!(ann.question(), None);
    assert_eq!(ann.requests().len(), 1);
    ann.close(1006);
    ann.pass(Duration::from_secs(31));
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR)), AskReason::Connect, "each attempt anew");
}

#[test]
fn credentials_that_do_not_say_how_long_they_last_are_asked_for_each_time() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(opaque("one"));
    ann.open();
    ann.receive(ACK);
    assert_eq!(ann.sign_in(opaque("two")), AskReason::Operation);
    assert!(ann.frames().last().unwrap().contains(r#""Authorization":"two""#));
}

#[test]
fn credentials_in_their_last_minute_are_renewed_before_they_are_used() {
    let mut ann = signed_in_until(IN_TWO_MINUTES);
    ann.pass(Duration::from_secs(58));
    ann.requests();
    ann.send("hi");
    let request = ann.request();
    let answer = message_of(&request);
    ann.answer(&request, 200, &answer);
    ann.pass(Duration::from_secs(2));
    ann.send("hi");
    assert!(ann.requests().is_empty());
    // The page is being asked already, for the connection that is to replace this one.
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR + 3_600)), AskReason::Connect);
    assert_eq!(ann.requests().len(), 1);
}

#[test]
fn a_refused_connection_is_tried_with_new_credentials_once() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    ann.open();
    ann.receive(REFUSED);
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR)), AskReason::Refused);
    assert_eq!(ann.attempts(), 2);
    ann.open();
    ann.receive(REFUSED);
    assert_eq!(ann.status(), Status::Refused(Refusal::Unauthorized));
    ann.pass(Duration::from_secs(86_400));
    assert_eq!((ann.attempts(), ann.question()), (1, None), "nobody hammers");
    ann.command(Command::Reconnect);
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR + 200_000)), AskReason::Connect);
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn a_token_that_expires_in_mid_session_is_renewed_and_nothing_is_lost() {
    let mut ann = Scenario::signed_in();
    ann.send("hi");
    let request = ann.request();
    unauthorized(&mut ann, &request);
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR + 1)), AskReason::Refused);
    let again = ann.request();
    assert_eq!(again.body, request.body);
    assert_ne!(again.header("authorization"), request.header("authorization"));
    let answer = message_of(&again);
    ann.answer(&again, 200, &answer);
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
    assert_eq!((ann.attempts(), ann.status()), (1, Status::Online));
}

#[test]
fn a_send_that_is_refused_twice_has_failed() {
    let mut ann = Scenario::signed_in();
    ann.send("hi");
    let request = ann.request();
    unauthorized(&mut ann, &request);
    ann.sign_in(jwt("ann", IN_AN_HOUR + 1));
    let request = ann.request();
    unauthorized(&mut ann, &request);
    assert_eq!(ann.rows(), ["me: hi [Failed(Unauthorized)]"]);
    assert_eq!(ann.question(), None);
}

#[test]
fn a_subscription_that_is_refused_is_renewed_once_and_fails_alone() {
    let mut ann = Scenario::signed_in();
    ann.command(Command::OpenRoom(RoomId::parse("team").unwrap()));
    ann.refuse_start("UnauthorizedException", "Token has expired.");
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR + 1)), AskReason::Refused);
    ann.refuse_start("UnauthorizedException", "Token has expired.");
    let team = ann.client.status(&RoomId::parse("team").unwrap());
    assert_eq!(team, Some(Status::Refused(Refusal::Unauthorized)));
    assert_eq!(ann.status(), Status::Online);
    ann.pass(Duration::from_secs(30));
    assert_eq!((ann.question(), ann.attempts()), (None, 1));
}

#[test]
fn an_expired_token_that_looks_like_a_schema_error_does_not_make_the_schema_basic() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    ann.open();
    ann.receive(ACK);
    ann.refuse_start(
        "UnauthorizedException",
        "Validation error of type FieldUndefined: Field 'clientMessageId' is undefined. Token has expired.",
    );
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR + 1)), AskReason::Refused);
    let frame = ann.frames().pop().unwrap();
    assert!(frame.contains("clientMessageId") && frame.contains(r#""id":"s2""#), "{frame}");
}

#[test]
fn nobody_signed_in_is_told_and_not_asked_again() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    let (question, _) = ann.question().unwrap();
    ann.input(Input::SignedIn { question, answer: SignInAnswer::SignedOut });
    assert_eq!(ann.status(), Status::Refused(Refusal::Unauthorized));
    ann.pass(Duration::from_secs(3_600));
    assert_eq!(ann.question(), None);
    ann.command(Command::Reconnect);
    assert!(ann.question().is_some());
}

#[test]
fn a_page_that_cannot_say_is_asked_again_after_pauses_that_grow() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let (question, _) = ann.question().expect("asked again");
        ann.input(Input::SignedIn { question, answer: SignInAnswer::Failed });
        let before = ann.now;
        while ann.outputs.is_empty() {
            ann.pass(Duration::from_millis(500));
        }
        pauses.push((ann.now - before) / 1_000);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn history_is_asked_for_once_however_long_the_page_takes_to_answer() {
    let mut ann = Scenario::of(graphql(Dialect::Full), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(opaque("one"));
    ann.open();
    ann.receive(ACK);
    ann.sign_in(opaque("two"));
    ann.start_ack();
    for _ in 0..4 {
        ann.pass(Duration::from_secs(15));
        ann.receive(r#"{"type":"ka"}"#);
    }
    ann.requests();
    ann.sign_in(opaque("three"));
    assert_eq!(ann.requests().len(), 1);
}

#[test]
fn a_page_that_never_answers_is_asked_again_and_its_late_answer_is_void() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    let (first, _) = ann.question().unwrap();
    ann.pass(Duration::from_secs(32));
    let (second, _) = ann.question().expect("asked again");
    assert_ne!(first, second);
    let late = SignInAnswer::Credentials(jwt("ann", IN_AN_HOUR));
    ann.input(Input::SignedIn { question: first, answer: late.clone() });
    assert!(ann.outputs.is_empty());
    ann.input(Input::SignedIn { question: second, answer: late });
    assert_eq!(ann.attempts(), 1);
}

#[test]
fn what_waits_when_nobody_is_signed_in_any_more_waits_on() {
    let mut ann = signed_in_until(IN_TWO_MINUTES);
    ann.pass(Duration::from_secs(61));
    ann.requests();
    ann.send("hi");
    let (question, _) = ann.question().unwrap();
    ann.input(Input::SignedIn { question, answer: SignInAnswer::SignedOut });
    assert_eq!(ann.rows(), ["me: hi [Queued]"]);
    ann.command(Command::Reconnect);
    ann.sign_in(jwt("ann", IN_AN_HOUR + 7_200));
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.pass(Duration::from_secs(32));
    assert!(ann.requests().iter().any(|request| request.variable("content") == "hi"));
}

#[test]
fn signing_out_ends_everything_and_leaves_nothing() {
    let mut ann = Scenario::signed_in();
    ann.receive(&graphql_data("s1", &graphql_message("m1", 1, "secret")));
    ann.send("mine");
    ann.command(Command::SignOut);
    assert_eq!(ann.rows(), [""; 0]);
    assert_eq!(ann.status(), Status::Refused(Refusal::SignedOut));
    let ended = |output: &Output| matches!(output, Output::CloseSocket { .. });
    assert!(ann.outputs.iter().any(ended));
    let cancelled = |output: &Output| matches!(output, Output::CancelRequest { .. });
    assert!(ann.outputs.iter().any(cancelled));
    ann.pass(Duration::from_secs(3_600));
    assert_eq!((ann.attempts(), ann.question()), (1, None));
    ann.requests();
    ann.command(Command::Reconnect);
    ann.sign_in(jwt("bo", IN_AN_HOUR + 7_200));
    ann.open();
    ann.receive(ACK);
    let id = ann.start_ack();
    ann.answer_page(&[graphql_message("m1", 1, "secret")], None);
    assert!(ann.requests().is_empty(), "nothing of hers is sent as his");
    let mut message = graphql_message("m2", 2, "hers");
    message["sender"] = "ann".into();
    ann.receive(&graphql_data(&id, &message));
    assert_eq!(ann.rows(), ["Bo: secret [Sent]", "Bo: hers [Sent]"]);
}

#[test]
fn another_person_gets_nothing_of_the_one_before() {
    let mut ann = Scenario::signed_in();
    ann.close(1006);
    ann.send("unsent");
    ann.pass(Duration::from_secs(2));
    ann.sign_in(jwt("bo", IN_AN_HOUR));
    assert_eq!(ann.rows(), [""; 0]);
}

#[test]
fn iam_signs_each_request_and_corrects_its_clock_once() {
    let iam = SignIn::Iam { region: "us-east-1".into() };
    let aws = || Credentials::Aws {
        access_key_id: AccessKeyId::parse("AKIDEXAMPLE0000000AB").unwrap(),
        secret_access_key: Secret::parse("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap(),
        session_token: Some(Secret::parse("EXAMPLETOKEN==").unwrap()),
        expires_at: Some(WallClock(1_900_000_000_000)),
    };
    let expired = r#"{"type":"connection_error","payload":{"errors":[{"errorType":"BadRequestException","message":"Signature expired: 20251029T040601Z is now earlier than 20251029T050100Z (20251029T050600Z - 5 min.)","errorCode":400}]}}"#;
    let mut ann = Scenario::of(graphql(Dialect::Full), iam);
    ann.sign_in(aws());
    ann.open();
    ann.receive(expired);
    ann.sign_in(aws());
    assert_eq!(ann.attempts(), 2);
    ann.open();
    ann.receive(ACK);
    let frame = ann.frames().pop().unwrap();
    assert!(
        frame.contains(r#""x-amz-date":"20251029T050601Z""#) || frame.contains("20251029T0506"),
        "{frame}"
    );
    assert!(frame.contains("X-Amz-Security-Token") && frame.contains("AWS4-HMAC-SHA256"));
    ann.receive(r#"{"id":"s1","type":"start_ack"}"#);
    ann.close(1006);
    ann.wait_for_question();
    ann.sign_in(aws());
    ann.open();
    ann.receive(expired);
    ann.wait_for_question();
    ann.sign_in(aws());
    ann.open();
    ann.receive(expired);
    assert_eq!(ann.status(), Status::Refused(Refusal::Misconfigured), "a second time is no clock");
}

#[test]
fn the_wrong_kind_of_credentials_is_a_mistake_of_the_page() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), SignIn::Iam { region: "us-east-1".into() });
    ann.sign_in(opaque("token"));
    assert_eq!(ann.status(), Status::Refused(Refusal::Misconfigured));
    ann.pass(Duration::from_secs(600));
    assert_eq!(ann.question(), None);
}

fn gateway(carrier: TokenCarrier) -> Scenario {
    let endpoint = Endpoint::parse("wss://a1.execute-api.us-east-1.amazonaws.com/prod").unwrap();
    let service = Service::ApiGateway { endpoint, dialect: Dialect::Auto, token_carrier: carrier };
    Scenario::of(service, SignIn::Token { token: TokenKind::Opaque })
}

#[test]
fn a_token_reaches_api_gateway_as_a_subprotocol_or_in_the_query() {
    let mut ann = gateway(TokenCarrier::Subprotocol);
    ann.sign_in(opaque("s3same+/="));
    assert_eq!(ann.subprotocols(), ["roomlet.v1", "token.czNzYW1lKy89"]);
    assert_eq!(ann.open(), "wss://a1.execute-api.us-east-1.amazonaws.com/prod?roomId=lobby");
    let mut ann = gateway(TokenCarrier::Query);
    ann.sign_in(opaque("s3same+/="));
    assert!(ann.subprotocols().is_empty());
    assert_eq!(
        ann.open(),
        "wss://a1.execute-api.us-east-1.amazonaws.com/prod?roomId=lobby&token=s3same%2B%2F%3D"
    );
    ann.receive(WELCOME);
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn a_gateway_that_refuses_twice_gets_new_credentials_and_then_the_person_is_told() {
    let mut ann = gateway(TokenCarrier::Subprotocol);
    for expected in [AskReason::Connect, AskReason::Connect, AskReason::Refused, AskReason::Refused]
    {
        assert_eq!(ann.sign_in(opaque("wrong")), expected);
        ann.close(1006);
        ann.wait_for_question();
    }
    assert_eq!(ann.status(), Status::Refused(Refusal::Unauthorized));
    ann.pass(Duration::from_secs(3_600));
    assert_eq!(ann.question(), None);
}

#[test]
fn a_gateway_that_was_open_before_is_taken_to_be_down() {
    let mut ann = gateway(TokenCarrier::Subprotocol);
    ann.sign_in(opaque("good"));
    ann.open();
    ann.receive(WELCOME);
    for _ in 0..10 {
        ann.close(1006);
        ann.wait_for_question();
        ann.sign_in(opaque("good"));
    }
    assert!(matches!(ann.status(), Status::Reconnecting { .. }));
    ann.open();
    ann.receive(WELCOME);
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn events_renew_a_refused_publish() {
    let mut ann = Scenario::of(events(NamespaceKind::Stamped), cognito());
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    ann.open();
    ann.receive(EVENTS_ACK);
    ann.subscribe_success();
    ann.send("hi");
    let publish = serde_json::from_str::<Value>(&ann.frames()[0]).unwrap();
    assert!(!publish.to_string().contains("guestKey"));
    let error = json!({"errorType": "UnauthorizedException", "message": "Token has expired."});
    ann.receive(
        &json!({"type": "publish_error", "id": publish["id"], "errors": [error]}).to_string(),
    );
    assert_eq!(ann.sign_in(jwt("ann", IN_AN_HOUR + 1)), AskReason::Refused);
    let again = serde_json::from_str::<Value>(&ann.frames()[0]).unwrap();
    assert_eq!(again["events"], publish["events"]);
    assert_ne!(again["authorization"], publish["authorization"]);
    assert_ne!(again["id"], publish["id"]);
}

#[test]
fn no_secret_is_printed() {
    let mut ann = Scenario::signed_in();
    ann.send("hi");
    let shown = format!("{:?} {:?}", ann.client, jwt("ann", IN_AN_HOUR));
    assert!(!shown.contains("c2ln") && !shown.contains(GUEST_KEY));
}
