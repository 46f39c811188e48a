//! Credentials that were refused: who is concerned, how often the page is asked, and what the person hears.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::{Dialect, NamespaceKind, SignIn, TokenKind};
use roomlet_client::*;
use scenario::appsync::*;
use scenario::{Scenario, WELCOME};
use serde_json::json;

const REFUSED: &str = r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired.","errorCode":401}]}}"#;

fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

#[test]
fn several_operations_refused_with_one_token_ask_once() {
    let mut ann = Scenario::signed_in();
    let mut rooms = Vec::new();
    for number in 0..5 {
        ann.command(Command::OpenRoom(room(&format!("r{number}"))));
        rooms.push(ann.started());
    }
    let mut asked = 0;
    for id in rooms {
        let error = json!({"errorType": "UnauthorizedException", "message": "Token has expired."});
        ann.receive(
            &json!({"id": id, "type": "error", "payload": {"errors": [error]}}).to_string(),
        );
        if let Some((question, _)) = ann.question() {
            asked += 1;
            ann.input(Input::SignedIn {
                question,
                answer: SignInAnswer::Credentials(jwt("ann", IN_AN_HOUR + asked)),
            });
        }
    }
    assert_eq!(asked, 1, "times the page had to get new credentials");
}

#[test]
fn after_credentials_were_taken_again_the_reason_is_not_refused() {
    let mut ann = Scenario::of(graphql(Dialect::Full), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(opaque("1"));
    ann.open();
    ann.receive(ACK);
    ann.sign_in(opaque("2"));
    ann.start_ack();
    ann.sign_in(opaque("3"));
    ann.answer_page(&[], None);
    ann.send("one");
    ann.sign_in(opaque("4"));
    let request = ann.request();
    let error = json!({"errorType": "UnauthorizedException", "message": "Token has expired."});
    ann.answer(&request, 401, &json!({"errors": [error]}));
    assert_eq!(ann.sign_in(opaque("5")), AskReason::Refused);
    let request = ann.request();
    let mut message = graphql_message("m1", 1, "one");
    message["clientMessageId"] = request.variable("clientMessageId").into();
    ann.answer(&request, 200, &json!({"data": {"sendMessage": message}}));
    ann.send("two");
    assert_eq!(ann.sign_in(opaque("6")), AskReason::Operation, "the last ones were taken");
}

#[test]
fn a_request_that_was_refused_once_does_not_cost_the_next_connection_its_second_try() {
    let mut ann = Scenario::signed_in();
    ann.send("hi");
    let request = ann.request();
    let error = json!({"errorType": "UnauthorizedException", "message": "Token has expired."});
    ann.answer(&request, 401, &json!({"errors": [error]}));
    ann.sign_in(jwt("ann", IN_AN_HOUR + 1));
    let request = ann.request();
    let mut message = graphql_message("m1", 1, "hi");
    message["clientMessageId"] = request.variable("clientMessageId").into();
    ann.answer(&request, 200, &json!({"data": {"sendMessage": message}}));
    ann.close(1006);
    ann.wait_for_question();
    ann.sign_in(jwt("ann", IN_AN_HOUR + 2));
    ann.open();
    ann.receive(REFUSED);
    assert!(!matches!(ann.status(), Status::Refused(_)), "no second try: {:?}", ann.status());
}

#[test]
fn a_clock_that_jumps_twice_in_one_connection_is_corrected_twice() {
    let mut ann = Scenario::of(graphql(Dialect::Basic), SignIn::Iam { region: "us-east-1".into() });
    ann.sign_in(aws());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    for (number, server) in ["20251029T060000Z", "20251029T080000Z"].iter().enumerate() {
        ann.send("hi");
        let request = ann.request();
        let error = json!({"errorType": "InvalidSignatureException", "message": format!("Signature expired: 20251029T040601Z is now earlier than 20251029T050100Z ({server} - 5 min.)")});
        ann.answer(&request, 403, &json!({"errors": [error]}));
        let request = ann.request();
        let date = request.header("x-amz-date").unwrap().to_owned();
        assert!(date.starts_with(&server[..13]), "{number}: {date} against {server}");
        ann.answer(
            &request,
            200,
            &json!({"data": {"sendMessage": graphql_message(&format!("m{number}"), 1, "hi")}}),
        );
    }
}

#[test]
fn one_room_refused_in_words_of_signatures_leaves_its_neighbours_alive() {
    let mut ann = Scenario::signed_in();
    ann.command(Command::OpenRoom(room("team")));
    ann.refuse_start("BadRequestException", "The room's signature is missing");
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn signature_refused_twice_on_http_is_not_sign_in_again() {
    let mut ann = Scenario::of(graphql(Dialect::Basic), SignIn::Iam { region: "us-east-1".into() });
    ann.sign_in(aws());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.send("hi");
    let error = json!({"errors": [{"errorType": "InvalidSignatureException", "message": "The request signature we calculated does not match the signature you provided."}]});
    let request = ann.request();
    ann.answer(&request, 403, &error);
    assert_eq!(
        ann.rows(),
        ["me: hi [Failed(Misconfigured)]"],
        "contract: else not set up correctly"
    );
}

#[test]
fn what_waits_for_credentials_is_not_being_sent_yet() {
    let mut graphql =
        Scenario::of(graphql(Dialect::Full), SignIn::Token { token: TokenKind::Opaque });
    graphql.sign_in(opaque("1"));
    graphql.open();
    graphql.receive(ACK);
    graphql.sign_in(opaque("2"));
    graphql.start_ack();
    let mut events =
        Scenario::of(events(NamespaceKind::Raw), SignIn::Token { token: TokenKind::Opaque });
    events.sign_in(opaque("1"));
    events.open();
    events.receive(EVENTS_ACK);
    events.sign_in(opaque("2"));
    events.subscribe_success();
    for mut ann in [graphql, events] {
        ann.send("hi");
        ann.send("this");
        assert_eq!(ann.rows(), ["me: hi [Queued]", "me: this [Queued]"]);
        ann.command(Command::Discard { room: ann.room.clone(), row: ann.row_id(0) });
        ann.sign_in(opaque("3"));
        assert_eq!(ann.rows(), ["me: this [Sending]"]);
        ann.command(Command::Discard { room: ann.room.clone(), row: ann.row_id(0) });
        assert_eq!(ann.rows(), ["me: this [Sending]"], "too late");
    }
}

#[test]
fn a_page_that_does_not_answer_is_asked_again_after_a_reconnect() {
    let mut ann = Scenario::of(graphql(Dialect::Full), cognito());
    ann.question();
    ann.command(Command::Reconnect);
    ann.pass(Duration::from_secs(40));
    assert!(ann.question().is_some());
}

#[test]
fn a_gateway_that_seemed_to_refuse_is_tried_again_when_the_network_comes_back() {
    let mut ann = Scenario::of(gateway(), SignIn::Token { token: TokenKind::Opaque });
    for _ in 0..4 {
        ann.sign_in(opaque("good"));
        ann.close(1006);
        ann.wait_for_question();
    }
    assert_eq!(ann.status(), Status::Refused(Refusal::Unauthorized));
    ann.input(Input::Network(Network::Online));
    assert_eq!(ann.sign_in(opaque("good")), AskReason::Connect);
    ann.open();
    ann.receive(WELCOME);
    assert_eq!(ann.status(), Status::Online);
}

fn graphql_signed_in() -> Scenario {
    let mut ann = Scenario::of(graphql(Dialect::Full), cognito());
    ann.sign_in(jwt("ann", IN_AN_HOUR * 2));
    ann.open();
    ann.receive(ACK);
    ann
}

#[test]
fn a_renewal_hours_ago_is_no_reason_to_refuse_the_room() {
    let mut ann = graphql_signed_in();
    ann.refuse_start("UnauthorizedException", "Token has expired.");
    ann.sign_in(jwt("ann", IN_AN_HOUR * 2));
    ann.start_ack();
    ann.answer_page(&[], None);
    ann.pass(Duration::from_secs(3));
    ann.answer_page(&[], None);
    for _ in 0..60 {
        ann.pass(Duration::from_secs(60));
        ann.receive(KEEP_ALIVE);
    }
    assert_eq!(ann.status(), Status::Online);
    ann.close(1006);
    ann.wait_for_question();
    ann.sign_in(jwt("ann", IN_AN_HOUR * 2));
    ann.open();
    ann.receive(ACK);
    ann.refuse_start("UnauthorizedException", "Token has expired.");
    assert!(ann.question().is_some(), "{:?}", ann.status());
}

#[test]
fn a_guessed_refusal_is_not_tried_because_the_network_goes_away() {
    let mut ann = Scenario::of(gateway(), SignIn::Token { token: TokenKind::Opaque });
    for _ in 0..8 {
        if matches!(ann.status(), Status::Refused(_)) {
            break;
        }
        ann.wait_for_question();
        ann.sign_in(opaque("t"));
        ann.close(1006);
    }
    assert!(matches!(ann.status(), Status::Refused(Refusal::Unauthorized)), "{:?}", ann.status());
    ann.input(Input::Network(Network::Offline));
    assert!(ann.question().is_none(), "the page is asked since the network is gone");
}

/// `exp` may be any number, and a page's own time too.
#[test]
fn credentials_that_expired_before_all_time_are_asked_for_anew() {
    let mut scenario = Scenario::of(graphql(Dialect::Full), cognito());
    let token = Secret::parse("opaque").unwrap();
    let expires_at = Some(WallClock(i64::MIN));
    scenario.sign_in(Credentials::Token { token, expires_at });
    scenario.open();
    scenario.receive(ACK);
    assert_eq!(scenario.question().map(|(_, reason)| reason), Some(AskReason::Operation));
}
