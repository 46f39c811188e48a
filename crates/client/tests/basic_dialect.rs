//! The basic dialect: echoes, what is not confirmed, what is no message.

mod scenario;

use std::time::Duration;

use roomlet_client::config::Dialect;
use roomlet_client::{Command, Event, History, Status};
use scenario::{FORBIDDEN, GUEST_KEY, Scenario, WELCOME, broadcast, live, message};
use serde_json::json;

#[test]
fn sends_the_exact_frame_and_settles_by_the_echo() {
    let mut scenario = Scenario::basic();
    assert_eq!(scenario.client.history(&scenario.room), Some(History::None));
    scenario.send("hi");
    assert_eq!(
        scenario.sent(),
        [json!({"action": "sendMessage", "roomId": "lobby", "text": "hi"})]
    );
    scenario.receive(&broadcast("them=", "hi"));
    assert_eq!(scenario.rows(), ["them=: hi [Sent]", "me: hi [Sending]"]);
    scenario.receive(&broadcast("me=", "hi"));
    assert_eq!(scenario.rows(), ["them=: hi [Sent]", "me: hi [Sent]"]);
}

#[test]
fn an_error_frame_silence_or_a_loss_leave_a_send_unconfirmed() {
    for way in ["error frame", "silence", "loss"] {
        let mut scenario = Scenario::basic();
        scenario.send("hi");
        scenario.sent();
        match way {
            "error frame" => scenario.receive(
                r#"{"message":"Internal server error","connectionId":"me=","requestId":"r="}"#,
            ),
            "silence" => scenario.pass(Duration::from_secs(15)),
            _ => scenario.close(1006),
        }
        assert_eq!(scenario.rows(), ["me: hi [NotConfirmed]"], "{way}");
        scenario.pass(Duration::from_secs(120));
        assert!(!scenario.sent().iter().any(|frame| frame["action"] == "sendMessage"), "{way}");
    }
}

#[test]
fn an_unconfirmed_message_can_be_tried_again_or_dismissed() {
    let mut scenario = Scenario::basic();
    scenario.send("hi");
    scenario.receive(FORBIDDEN);
    scenario.sent();
    assert_eq!(scenario.rows(), ["me: hi [NotConfirmed]"]);
    let (room, row) = (scenario.room.clone(), scenario.row_id(0));
    scenario.command(Command::Retry { room: room.clone(), row });
    assert_eq!(
        scenario.sent(),
        [json!({"action": "sendMessage", "roomId": "lobby", "text": "hi"})]
    );
    scenario.receive(FORBIDDEN);
    assert_eq!(scenario.rows(), ["me: hi [NotConfirmed]"]);
    scenario.command(Command::Discard { room, row });
    assert!(scenario.rows().is_empty());
}

#[test]
fn a_late_echo_settles_what_was_unconfirmed() {
    let mut scenario = Scenario::basic();
    scenario.send("hi");
    scenario.receive(&broadcast("them=", "meanwhile"));
    scenario.pass(Duration::from_secs(16));
    assert_eq!(scenario.rows(), ["them=: meanwhile [Sent]", "me: hi [NotConfirmed]"]);
    scenario.receive(&broadcast("me=", "hi"));
    assert_eq!(scenario.rows(), ["them=: meanwhile [Sent]", "me: hi [Sent]"]);
}

#[test]
fn a_connection_that_answers_nothing_at_all_is_given_up_before_it_eats_the_queue() {
    let mut scenario = Scenario::basic();
    let first = scenario.connection();
    for text in ["one", "two", "three"] {
        scenario.send(text);
    }
    scenario.pass(Duration::from_secs(15));
    assert_eq!(
        scenario.rows(),
        ["me: one [NotConfirmed]", "me: two [Queued]", "me: three [Queued]"]
    );
    scenario.wait_for_attempt();
    assert_ne!(scenario.connection(), first);
}

#[test]
fn two_sends_that_meet_with_silence_end_a_connection_that_has_no_pong() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.pass(Duration::from_secs(40));
    let first = scenario.connection();
    for text in ["one", "two", "three"] {
        scenario.send(text);
    }
    scenario.pass(Duration::from_secs(15));
    assert_eq!(scenario.connection(), first);
    scenario.pass(Duration::from_secs(15));
    scenario.wait_for_attempt();
    assert_ne!(scenario.connection(), first);
    assert_eq!(
        scenario.rows(),
        ["me: one [NotConfirmed]", "me: two [NotConfirmed]", "me: three [Queued]"]
    );
}

#[test]
fn what_is_no_message_is_shown_as_it_came_but_errors_and_hellos_are_not() {
    let mut scenario = Scenario::basic();
    let shown = [
        "no JSON at all",
        r#"{"message":"maintenance at noon"}"#,
        "[1,2]",
        r#"{"type":"confetti"}"#,
    ];
    for frame in shown {
        scenario.receive(frame);
    }
    for frame in [
        r#"{"message":"Forbidden","connectionId":"me=","requestId":"r="}"#,
        r#"{"action":"hello","guestKey":"0","name":"Bo"}"#,
        r#"{"roomId":"lobby","senderConnectionId":"x=","createdAt":"2025-10-29T04:06:00.000Z"}"#,
    ] {
        scenario.receive(frame);
    }
    assert_eq!(scenario.rows(), shown.map(|frame| format!("notice: {frame}")));
}

#[test]
fn hello_is_said_once_a_page_and_its_answer_is_not_shown() {
    for answer in [
        "Use the sendMessage route to send a message.",
        // AWS's own example of a default route says so.
        r#"Use the sendmessage route to send a message. Your info:{"connectedAt":"x","connectionId":"me="}"#,
    ] {
        let mut scenario = Scenario::new(Dialect::Auto);
        scenario.open();
        assert_eq!(scenario.sent()[0]["action"], "hello");
        scenario.receive(answer);
        scenario.pass(Duration::from_secs(3));
        for _ in 0..3 {
            scenario.close(1006);
            scenario.wait_for_attempt();
            scenario.open();
            scenario.pass(Duration::from_secs(4));
        }
        assert!(scenario.rows().is_empty(), "{:?}", scenario.rows());
        assert!(scenario.sent().is_empty(), "{answer}");
    }
}

#[test]
fn sends_wait_for_the_decision_three_seconds_at_most() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.send("hi");
    scenario.pass(Duration::from_millis(2_999));
    assert_eq!(scenario.sent().len(), 1, "hello alone");
    scenario.pass(Duration::from_millis(1));
    assert_eq!(
        scenario.sent(),
        [json!({"action": "sendMessage", "roomId": "lobby", "text": "hi"})]
    );
}

#[test]
fn a_late_welcome_upgrades_and_nothing_is_doubled() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.send("hi");
    scenario.pass(Duration::from_secs(5));
    scenario.receive(WELCOME);
    let mut echo: serde_json::Value = serde_json::from_str(&live("m1", 1, "hi")).unwrap();
    echo["senderConnectionId"] = "me=".into();
    scenario.answer_history(&[], None);
    scenario.receive(&echo.to_string());
    assert_eq!(scenario.rows(), ["me: hi [Sent]"]);
    scenario.send("again");
    assert!(scenario.sent().last().unwrap()["clientMessageId"].is_string());
}

#[test]
fn a_late_welcome_brings_what_an_interruption_may_have_cost() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.pass(Duration::from_secs(5));
    scenario.receive(&live("m1", 1, "before"));
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.pass(Duration::from_secs(5));
    assert_eq!(scenario.rows(), ["Bo: before [Sent]", "interruption"]);
    // Also where the question has to be asked once more.
    scenario.receive(&live("m3", 3, "after"));
    scenario.receive(WELCOME);
    let all = [("m1", 1, "before"), ("m2", 2, "meanwhile"), ("m3", 3, "after")];
    let all = all.map(|(id, second, text)| message(id, second, text));
    scenario.answer_history(&all, None);
    let rows = ["Bo: before [Sent]", "Bo: meanwhile [Sent]", "Bo: after [Sent]"];
    assert_eq!(scenario.rows(), rows);
}

#[test]
fn a_default_route_that_passes_everything_on_shows_nothing_and_costs_nothing() {
    let hello = format!(r#"{{"action":"hello","guestKey":"{GUEST_KEY}","name":"Ann"}}"#);
    let other = hello.replace(GUEST_KEY, "ffffffffffffffffffffffffffffffff");
    let empty = broadcast("me=", "");
    let as_text = broadcast("me=", &hello);
    let wrapped =
        json!({"from": "x=", "data": {"action": "hello", "guestKey": GUEST_KEY}}).to_string();
    let words = r#"{"text":"Use the sendMessage route"}"#.to_owned();
    for answer in [hello.clone(), other, empty, as_text, wrapped, words] {
        let mut scenario = Scenario::new(Dialect::Auto);
        scenario.open();
        scenario.receive(&answer);
        scenario.pass(Duration::from_secs(3));
        assert!(scenario.rows().is_empty(), "{answer}: {:?}", scenario.rows());
        scenario.send("hi");
        scenario.receive(&broadcast("me=", "hi"));
        assert_eq!(scenario.rows(), ["me: hi [Sent]"], "{answer}");
    }
}

#[test]
fn typed_frames_decide_nothing_where_hello_met_an_error_frame() {
    let mut scenario = Scenario::basic();
    for frame in [
        WELCOME.to_owned(),
        live("m1", 1, "typed"),
        r#"{"type":"error","code":"forbidden","message":"","roomId":"lobby"}"#.to_owned(),
    ] {
        scenario.receive(&frame);
    }
    assert_eq!(scenario.status(), Status::Online);
    scenario.send("hi");
    let hi = json!({"action": "sendMessage", "roomId": "lobby", "text": "hi"});
    assert_eq!(scenario.sent(), [hi]);
}

#[test]
fn a_message_like_the_full_dialects_is_no_welcome() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.receive(&live("m1", 1, "typed"));
    scenario.send("hi");
    scenario.pass(Duration::from_secs(3));
    assert_eq!(scenario.sent().last().unwrap()["text"], "hi");
}

#[test]
fn a_lost_question_is_asked_again_where_a_message_looks_full() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.pass(Duration::from_secs(3));
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    assert!(!scenario.sent().iter().skip(1).any(|frame| frame["action"] == "hello"));
    scenario.receive(&live("m1", 1, "hi"));
    assert_eq!(scenario.sent()[0]["action"], "hello");
    scenario.receive(WELCOME);
    scenario.answer_history(&[], None);
    assert_eq!(scenario.rows(), ["Bo: hi [Sent]"]);
}

#[test]
fn a_message_without_type_decides_at_once() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.send("hi");
    assert_eq!(scenario.sent().len(), 1);
    scenario.receive(&broadcast("them=", "good morning"));
    assert_eq!(scenario.sent()[0]["text"], "hi");
}

#[test]
fn pings_go_only_where_an_error_frame_answers_them() {
    let mut scenario = Scenario::basic();
    scenario.pass(Duration::from_secs(31));
    assert_eq!(scenario.sent(), [json!({"action": "ping"})]);
    scenario.receive(FORBIDDEN);
    let connection = scenario.connection();
    scenario.pass(Duration::from_secs(29));
    assert_eq!(scenario.connection(), connection);

    let mut silent = Scenario::new(Dialect::Auto);
    silent.open();
    silent.pass(Duration::from_secs(300));
    assert_eq!(silent.sent().len(), 1, "hello alone");
}

#[test]
fn a_new_connection_learns_its_id_by_a_ping() {
    let mut scenario = Scenario::basic();
    scenario.close(1001);
    scenario.wait_for_attempt();
    scenario.open();
    assert_eq!(scenario.sent(), [json!({"action": "ping"})]);
    scenario.receive(r#"{"message":"Forbidden","connectionId":"new=","requestId":"r="}"#);
    scenario.send("hi");
    scenario.receive(&broadcast("new=", "hi"));
    assert_eq!(scenario.rows(), ["me: hi [Sent]"]);
}

#[test]
fn an_interruption_leaves_one_row() {
    let mut scenario = Scenario::basic();
    scenario.receive(&broadcast("them=", "before"));
    for _ in 0..3 {
        scenario.close(1006);
        scenario.wait_for_attempt();
        scenario.open();
    }
    scenario.receive(&broadcast("them=", "after"));
    assert_eq!(scenario.rows(), ["them=: before [Sent]", "interruption", "them=: after [Sent]"]);
}

#[test]
fn equal_frames_of_one_socket_are_two_messages() {
    let mut scenario = Scenario::basic();
    scenario.receive(&broadcast("them=", "hi"));
    scenario.receive(&broadcast("them=", "hi"));
    assert_eq!(scenario.rows().len(), 2);
    let arrived = scenario.events.iter().filter(|event| matches!(event, Event::Arrived { .. }));
    assert_eq!(arrived.count(), 2);
}

#[test]
fn messages_of_other_rooms_are_not_shown() {
    let mut scenario = Scenario::basic();
    let frame = broadcast("them=", "hi").replace("lobby", "kitchen");
    scenario.receive(&frame);
    assert!(scenario.rows().is_empty());
}

#[test]
fn words_that_come_before_the_gateways_answer_cost_nobody_the_ping() {
    for words in ["Maintenance at noon", r#"{"text":"Maintenance at noon"}"#] {
        let mut scenario = Scenario::new(Dialect::Auto);
        scenario.open();
        scenario.receive(words);
        scenario.receive(FORBIDDEN);
        scenario.pass(Duration::from_secs(20));
        scenario.sent();
        scenario.pass(Duration::from_secs(20));
        assert_eq!(scenario.sent(), [json!({"action": "ping"})], "{words}");
    }
}
