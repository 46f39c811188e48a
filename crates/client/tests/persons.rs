//! Whose a message is: nobody speaks as somebody else, and nothing of one person reaches the next.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::NamespaceKind::Raw;
use roomlet_client::config::{Backend, Dialect, SignIn, TokenKind};
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::*;
use serde_json::{Value, json};

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
    let mut ann = Scenario::signed_in();
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
    let mut ann = Scenario::signed_in();
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
fn an_opaque_token_after_a_jwt_is_another_person_when_the_backend_says_so() {
    let welcome = |id: &str| {
        json!({"type": "welcome", "features": ["history"], "connectionId": "me=", "sender": {"id": id, "name": id, "kind": "user"}}).to_string()
    };
    let mut ann = Scenario::of(gateway(), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    ann.open();
    ann.receive(&welcome("ann"));
    ann.close(1006);
    ann.send("unsent of Ann");
    ann.wait_for_question();
    ann.sign_in(opaque("of Bo"));
    ann.open();
    ann.receive(&welcome("bo"));
    assert!(ann.sent().iter().all(|frame| frame["text"] != "unsent of Ann"), "sent as Bo");
}

#[test]
fn a_backend_that_names_people_anew_on_each_connection_is_usable() {
    let welcome = |n: u32| {
        json!({"type": "welcome", "features": ["history"], "connectionId": "me=", "sender": {"id": format!("c-{n}"), "name": "x", "kind": "guest"}}).to_string()
    };
    let mut ann = Scenario::of(gateway(), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(opaque("t"));
    ann.open();
    ann.receive(&welcome(0));
    ann.close(1006);
    let begin = ann.now;
    let mut connects = 0;
    ann.wait_for_question();
    let mut n = 1;
    while ann.now < begin + 600_000 {
        if let Some((question, _)) = ann.question() {
            ann.input(Input::SignedIn { question, answer: SignInAnswer::Credentials(opaque("t")) });
            ann.open();
            connects += 1;
            ann.receive(&welcome(n));
            n += 1;
        } else if ann.status() == Status::Online {
            ann.receive(r#"{"type":"pong"}"#);
        }
        ann.pass(Duration::from_millis(500));
    }
    assert!(connects <= 5, "{connects} connections in ten minutes, {:?}", ann.status());
}

#[test]
fn a_page_that_says_nobody_is_signed_in_means_that_the_next_one_may_be_another() {
    let mut ann = Scenario::of(graphql(Dialect::Full), SignIn::Token { token: TokenKind::Opaque });
    ann.sign_in(opaque("of Ann"));
    ann.open();
    ann.receive(ACK);
    ann.sign_in(opaque("of Ann"));
    ann.start_ack();
    ann.close(1006);
    ann.send("unsent of Ann");
    ann.wait_for_question();
    let (question, _) = ann.question().unwrap();
    ann.input(Input::SignedIn { question, answer: SignInAnswer::SignedOut });
    assert_eq!(ann.status(), Status::Refused(Refusal::Unauthorized));
    ann.requests();
    ann.command(Command::Reconnect);
    ann.sign_in(opaque("of Bo"));
    ann.open();
    ann.receive(ACK);
    while ann.question().is_some_and(|(question, _)| {
        ann.input(Input::SignedIn { question, answer: SignInAnswer::Credentials(opaque("of Bo")) });
        true
    }) {}
    ann.start_ack();
    while ann.question().is_some_and(|(question, _)| {
        ann.input(Input::SignedIn { question, answer: SignInAnswer::Credentials(opaque("of Bo")) });
        true
    }) {}
    assert!(ann.requests().iter().all(|r| !r.body.contains("unsent of Ann")), "sent as Bo");
}

#[test]
fn a_text_written_before_the_sign_in_is_answered_is_not_lost() {
    let backend = Backend {
        name: "default".into(),
        service: graphql(Dialect::Full),
        sign_in: cognito(),
        room: RoomId::default(),
    };
    let mut ann = Scenario::of(graphql(Dialect::Full), cognito());
    // The page is loaded again: last time the backend called Ann by her user name.
    let person = Person {
        guest_key: GuestKey::parse(scenario::GUEST_KEY).unwrap(),
        name: None,
        known_as: Some("ann@example.com".into()),
    };
    ann.client = Client::new(backend, person, [7; 32]);
    ann.outputs.clear();
    ann.command(Command::OpenRoom(RoomId::default()));
    ann.send("hello");
    ann.sign_in(jwt("ann", IN_AN_HOUR));
    assert_eq!(ann.rows(), ["me: hello [Queued]"]);
}
