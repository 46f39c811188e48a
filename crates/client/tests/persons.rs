//! Whose a message is: nobody speaks as somebody else, and nothing of one person reaches the next.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::NamespaceKind::{Raw, Stamped};
use roomlet_client::config::{Dialect, Endpoint, Service, SignIn, TokenCarrier, TokenKind};
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::*;
use serde_json::{Value, json};

/// An hour after the scenarios begin, in seconds since 1970.
const IN_AN_HOUR: u64 = 1_761_714_360;

fn signed_in() -> Scenario {
    let mut ann = Scenario::of(graphql(Dialect::Auto), cognito());
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.answer_page(&[], None);
    ann.requests();
    ann.sent();
    ann
}

fn gateway() -> Service {
    let endpoint = Endpoint::parse("wss://a1.execute-api.us-east-1.amazonaws.com/prod").unwrap();
    let (dialect, token_carrier) = (Dialect::Full, TokenCarrier::Subprotocol);
    Service::ApiGateway { endpoint, dialect, token_carrier }
}

/// A token of a person, perhaps with their name.
fn jwt_of(subject: &str, name: Option<&str>) -> Credentials {
    let encode =
        |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let mut claims = json!({"sub": subject, "exp": IN_AN_HOUR});
    if let Some(name) = name {
        claims["name"] = name.into();
    }
    let token = format!("{}.{}.c2ln", encode(&json!({"alg": "none"})), encode(&claims));
    Credentials::Token { token: Secret::parse(&token).unwrap(), expires_at: None }
}

#[test]
fn nobody_becomes_me_by_copying_the_id_of_my_send() {
    let mut ann = Scenario::events(Stamped);
    ann.send("hi");
    let publish: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    let stamped = |id: &str, sender: &str, text: &str, client: Value| json!({"id": id, "createdAt": format!("2025-10-29T04:00:0{}.000Z", id), "roomId": "lobby", "text": text, "clientMessageId": client, "sender": {"id": sender, "name": sender, "kind": "guest"}});
    ann.receive(&event_data("s1", &stamped("1", "g-ann", "hi", event["clientMessageId"].clone())));
    // Mallory has received it, and publishes something of his own with its clientMessageId.
    ann.receive(&event_data(
        "s1",
        &stamped("2", "g-mallory", "I resign", event["clientMessageId"].clone()),
    ));
    ann.receive(&event_data("s1", &stamped("3", "g-mallory", "and I mean it", Value::Null)));
    assert_eq!(
        ann.rows(),
        ["me: hi [Sent]", "g-mallory: I resign [Sent]", "g-mallory: and I mean it [Sent]"]
    );
}

#[test]
fn in_a_raw_namespace_nobody_speaks_as_me() {
    let mut ann = Scenario::events(Raw);
    ann.send("hi");
    let publish: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    ann.receive(&event_data("s1", &event));
    let mut copy = event.clone();
    copy["text"] = "I resign".into();
    copy["sender"] = json!({"id": "g-mallory", "name": "Mallory", "kind": "guest"});
    ann.receive(&event_data("s1", &copy));
    assert_eq!(ann.rows(), ["me: hi [Sent]", "Mallory: I resign [Sent]"]);
}

#[test]
fn a_stamped_echo_that_comes_twice_with_other_ids_is_one_row_for_the_sender() {
    let mut ann = Scenario::events(Stamped);
    ann.send("hi");
    let publish: Value = serde_json::from_str(&ann.frames().pop().unwrap()).unwrap();
    let event: Value = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    for (id, second) in [("a", 1), ("b", 2)] {
        let stamped = json!({"id": id, "createdAt": format!("2025-10-29T04:00:0{second}.000Z"), "roomId": "lobby", "text": "hi", "clientMessageId": event["clientMessageId"], "sender": {"id": "g-ann", "name": "Ann", "kind": "guest"}});
        ann.receive(&event_data("s1", &stamped));
    }
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
}

#[test]
fn the_name_of_a_token_goes_with_the_token() {
    let mut ann = Scenario::of(events(Raw), cognito());
    ann.command(Command::SetName(None));
    ann.sign_in(jwt_of("ann", Some("Ann Smith")));
    ann.open();
    ann.receive(EVENTS_ACK);
    ann.subscribe_success();
    ann.close(1006);
    ann.wait_for_question();
    ann.sign_in(jwt_of("bo", None));
    ann.open();
    ann.receive(EVENTS_ACK);
    ann.subscribe_success();
    ann.send("hi");
    let publish = ann.frames().pop().unwrap();
    assert!(publish.contains(r#"\"id\":\"bo\""#), "{publish}");
    assert!(!publish.contains("Ann Smith"), "Bo says his name is Ann Smith: {publish}");
}

#[test]
fn another_person_at_the_gateway_does_not_send_the_words_of_the_first() {
    let mut ann = Scenario::of(gateway(), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    ann.open();
    ann.receive(r#"{"type":"welcome","features":["history"],"connectionId":"me=","sender":{"id":"ann","name":"Ann","kind":"user"}}"#);
    ann.close(1006);
    ann.send("unsent of Ann");
    ann.wait_for_question();
    ann.sign_in(jwt("bo", IN_AN_HOUR));
    ann.open();
    ann.receive(r#"{"type":"welcome","features":["history"],"connectionId":"me2=","sender":{"id":"bo","name":"Bo","kind":"user"}}"#);
    ann.pass(Duration::from_secs(1));
    let sent = ann.sent();
    assert!(sent.iter().all(|f| f["text"] != "unsent of Ann"), "{sent:?}");
}

#[test]
fn another_person_behind_a_lambda_authorizer_does_not_send_the_words_of_the_first() {
    let mut ann = Scenario::of(graphql(Dialect::Full), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.requests();
    ann.close(1006);
    ann.send("unsent of Ann");
    ann.wait_for_question();
    ann.sign_in(jwt("bo", IN_AN_HOUR));
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    assert!(ann.requests().iter().all(|r| !r.body.contains("unsent of Ann")));
}

#[test]
fn what_is_written_after_signing_out_is_not_sent_as_somebody_else() {
    let mut ann = signed_in();
    ann.command(Command::SignOut);
    ann.send("a secret of Ann's");
    ann.outputs.retain(|o| matches!(o, Output::OpenSocket { .. }));
    ann.command(Command::Reconnect);
    ann.sign_in(jwt("bo", IN_AN_HOUR));
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    assert!(ann.requests().iter().all(|r| !r.body.contains("a secret of Ann")), "sent as Bo");
}

#[test]
fn a_late_answer_of_another_person_opens_nothing_behind_a_refusal() {
    let mut ann = signed_in();
    // The token is in its last minute, so that the operation asks.
    ann.now += 3_560_000;
    ann.send("hi");
    let (question, _) = ann.question().unwrap();
    ann.receive(r#"{"type":"connection_error","payload":{"errors":[{"errorType":"HttpNotFoundException","message":""}]}}"#);
    assert_eq!(ann.status(), Status::Refused(Refusal::Misconfigured));
    ann.attempts();
    ann.input(Input::SignedIn {
        question,
        answer: SignInAnswer::Credentials(jwt("bo", IN_AN_HOUR + 7200)),
    });
    let opened = ann.outputs.iter().filter(|o| matches!(o, Output::OpenSocket { .. })).count();
    assert_eq!((opened, ann.status()), (1, Status::Refused(Refusal::Misconfigured)));
}

#[test]
fn what_others_say_is_not_held_back_while_a_send_waits_for_credentials() {
    let mut ann = Scenario::of(graphql(Dialect::Basic), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(opaque("1"));
    ann.open();
    ann.receive(ACK);
    ann.sign_in(opaque("2"));
    let id = ann.start_ack();
    ann.send("ok");
    assert!(ann.question().is_some());
    ann.receive(&graphql_data(&id, &graphql_message("m1", 1, "ok")));
    ann.pass(Duration::from_secs(600));
    assert_eq!(ann.rows().len(), 2, "{:?}", ann.rows());
}

#[test]
fn another_person_whom_only_the_gateway_knows_does_not_send_the_words_of_the_first() {
    let welcome = |id: &str| {
        json!({"type": "welcome", "features": ["history"], "connectionId": "me=",
            "sender": {"id": id, "name": id, "kind": "user"}})
        .to_string()
    };
    let mut ann = Scenario::of(gateway(), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(opaque("of Ann"));
    ann.open();
    ann.receive(&welcome("ann"));
    ann.close(1006);
    ann.send("unsent of Ann");
    ann.wait_for_question();
    ann.sign_in(opaque("of Bo"));
    ann.open();
    ann.receive(&welcome("bo"));
    assert_eq!(ann.rows(), [""; 0]);
    ann.sign_in(opaque("of Bo"));
    ann.open();
    ann.receive(&welcome("bo"));
    assert_eq!(ann.status(), Status::Online);
    ann.send("of Bo");
    let sent = ann.sent();
    assert!(sent.iter().any(|frame| frame["text"] == "of Bo"));
    assert!(sent.iter().all(|frame| frame["text"] != "unsent of Ann"));
}

#[test]
fn what_a_handler_without_a_memory_passes_on_twice_is_one_row_for_everybody() {
    let mut ann = Scenario::events(Stamped);
    let stamped = |id: &str, text: &str| {
        json!({"id": id, "createdAt": "2025-10-29T04:00:01.000Z", "roomId": "lobby", "text": text,
            "clientMessageId": "c1", "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"}})
    };
    for event in [stamped("1", "hi"), stamped("2", "hi"), stamped("3", "something else")] {
        ann.receive(&event_data("s1", &event));
    }
    assert_eq!(ann.rows(), ["Bo: hi [Sent]", "Bo: something else [Sent]"]);
}
