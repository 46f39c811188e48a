//! The full dialect: acknowledgements, history, names, catch-up.

mod scenario;

use std::time::Duration;

use roomlet_client::config::Dialect;
use roomlet_client::{Command, Event, History, Status};
use scenario::{GUEST_KEY, Scenario, WELCOME, live, message};
use serde_json::json;

#[test]
fn connects_says_hello_and_reads_the_newest_page() {
    let mut scenario = Scenario::new(Dialect::Auto);
    assert_eq!(scenario.open(), "wss://example.com/prod?roomId=lobby");
    let hello = json!({"action": "hello", "guestKey": GUEST_KEY, "name": "Ann"});
    assert_eq!(scenario.sent(), [hello]);
    assert_eq!(scenario.status(), Status::Connecting);
    scenario.receive(WELCOME);
    assert_eq!(scenario.status(), Status::Online);
    scenario.answer_history(&[message("a", 1, "one"), message("b", 2, "two")], Some("older"));
    assert_eq!(scenario.rows(), ["Bo: one [Sent]", "Bo: two [Sent]"]);
    assert_eq!(scenario.client.history(&scenario.room), Some(History::More));
}

#[test]
fn a_message_goes_from_queued_to_sent_and_stays_one_row() {
    let mut scenario = Scenario::full();
    scenario.send("hi");
    let sent = scenario.sent();
    let id = sent[0]["clientMessageId"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    assert_eq!(
        sent,
        [json!({"action": "sendMessage", "roomId": "lobby", "text": "hi", "clientMessageId": id})]
    );
    assert_eq!(scenario.rows(), ["me: hi [Sending]"]);
    let row = scenario.row_id(0);
    let ack = json!({"type": "ack", "clientMessageId": id, "id": "m1", "createdAt": "2025-10-29T04:06:00.000Z"});
    scenario.receive(&ack.to_string());
    assert_eq!(scenario.rows(), ["me: hi [Sent]"]);
    let mut echo: serde_json::Value = serde_json::from_str(&live("m1", 360, "hi")).unwrap();
    echo["clientMessageId"] = id.into();
    scenario.receive(&echo.to_string());
    assert_eq!(scenario.rows(), ["me: hi [Sent]"]);
    assert_eq!(scenario.row_id(0), row);
    let told = scenario.events.iter().filter(|event| matches!(event, Event::Sent { .. })).count();
    assert_eq!(told, 1);
}

#[test]
fn one_message_is_in_flight_at_a_time() {
    let mut scenario = Scenario::full();
    scenario.send("one");
    scenario.send("two");
    let sent = scenario.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(scenario.rows(), ["me: one [Sending]", "me: two [Queued]"]);
    let ack = json!({"type": "ack", "clientMessageId": sent[0]["clientMessageId"], "id": "m1", "createdAt": "2025-10-29T04:06:00.000Z"});
    scenario.receive(&ack.to_string());
    assert_eq!(scenario.sent()[0]["text"], "two");
}

#[test]
fn an_unanswered_send_goes_out_again_with_the_same_id() {
    let mut scenario = Scenario::full();
    scenario.send("hi");
    let first = scenario.sent();
    scenario.pass(Duration::from_secs(10));
    scenario.receive(r#"{"type":"pong"}"#);
    scenario.pass(Duration::from_secs(6));
    let again = scenario.sent();
    assert!(again.contains(&first[0]), "{again:?}");
}

#[test]
fn what_was_typed_in_an_outage_arrives_once_and_what_was_missed_is_read() {
    let mut scenario = Scenario::full();
    scenario.receive(&live("a", 1, "before"));
    scenario.send("in flight");
    let in_flight = scenario.sent()[0]["clientMessageId"].clone();
    scenario.close(1006);
    scenario.send("typed offline");
    assert_eq!(scenario.status(), Status::Online, "a short outage is not shown");
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    let frames = scenario.sent();
    let sends = frames.iter().filter(|frame| frame["action"] == "sendMessage").collect::<Vec<_>>();
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0]["clientMessageId"], in_flight);
    let request = frames.iter().find(|frame| frame["action"] == "history").unwrap();
    let mut mine = message("b", 2, "in flight");
    mine["clientMessageId"] = in_flight;
    mine["sender"]["id"] = "g-me".into();
    let page = json!({"type": "history", "requestId": request["requestId"], "nextCursor": null,
        "messages": [message("a", 1, "before"), mine, message("c", 3, "missed")]});
    scenario.receive(&page.to_string());
    assert_eq!(
        scenario.rows(),
        [
            "Bo: before [Sent]",
            "me: in flight [Sent]",
            "Bo: missed [Sent]",
            "me: typed offline [Sending]"
        ]
    );
}

#[test]
fn catch_up_pages_back_until_it_meets_what_is_known() {
    let mut scenario = Scenario::full();
    scenario.receive(&live("a", 1, "known"));
    caught_up(&mut scenario);
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    scenario.answer_history(&[message("d", 300, "d"), message("e", 301, "e")], Some("p2"));
    assert_eq!(scenario.rows(), ["Bo: known [Sent]", "hole", "Bo: d [Sent]", "Bo: e [Sent]"]);
    let before = scenario.sent();
    assert_eq!(before[0]["before"], "p2");
    let page = json!({"type": "history", "requestId": before[0]["requestId"], "nextCursor": null,
        "messages": [message("a", 1, "known"), message("b", 100, "b")]});
    scenario.receive(&page.to_string());
    assert_eq!(
        scenario.rows(),
        ["Bo: known [Sent]", "Bo: b [Sent]", "Bo: d [Sent]", "Bo: e [Sent]"]
    );
    assert_eq!(scenario.client.history(&scenario.room), Some(History::Beginning));
    scenario.pass(Duration::from_secs(4));
    let again = scenario.sent();
    assert!(again.iter().any(|frame| frame["action"] == "history"), "once more: {again:?}");
}

/// What the room has is contiguous.
fn caught_up(scenario: &mut Scenario) {
    scenario.pass(Duration::from_secs(3));
    scenario.answer_history(&[message("a", 1, "known")], None);
}

#[test]
fn a_hole_is_shown_until_it_is_filled_however_often_the_connection_is_lost() {
    let mut scenario = Scenario::full();
    scenario.receive(&live("a", 1, "known"));
    caught_up(&mut scenario);
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    scenario.receive(&live("z", 900, "new"));
    assert_eq!(scenario.rows(), ["Bo: known [Sent]", "Bo: new [Sent]"], "the page is on its way");
    let request = scenario.sent().pop().unwrap();
    let error = json!({"type": "error", "code": "internal", "message": "", "roomId": "lobby", "requestId": request["requestId"]});
    scenario.receive(&error.to_string());
    let with_hole = ["Bo: known [Sent]", "hole", "Bo: new [Sent]"];
    assert_eq!(scenario.rows(), with_hole);
    scenario.close(1006);
    assert_eq!(scenario.rows(), with_hole);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    assert_eq!(scenario.rows(), with_hole);
    scenario.answer_history(&[message("a", 1, "known"), message("z", 900, "new")], None);
    assert_eq!(scenario.rows(), ["Bo: known [Sent]", "Bo: new [Sent]"]);
}

#[test]
fn a_message_that_comes_before_the_welcome_does_not_hide_a_hole() {
    let mut scenario = Scenario::full();
    scenario.receive(&live("a", 1, "known"));
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(&live("z", 900, "early"));
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    scenario.answer_history(&[message("y", 800, "y"), message("z", 900, "early")], Some("p2"));
    let next = scenario.sent();
    assert_eq!(next[0]["before"], "p2", "what lies between is asked for");
}

#[test]
fn what_was_stored_before_the_pages_that_are_known_waits_for_its_own_page() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.receive(WELCOME);
    scenario.send("long ago");
    let send = scenario.sent().into_iter().find(|frame| frame["action"] == "sendMessage").unwrap();
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    scenario.answer_history(&[message("z", 300, "z")], Some("p2"));
    let ack = json!({"type": "ack", "clientMessageId": send["clientMessageId"], "id": "a",
        "createdAt": "2025-10-29T04:00:01.000Z"});
    scenario.receive(&ack.to_string());
    assert_eq!(scenario.rows(), ["Bo: z [Sent]"], "it would stand right above what it is far from");
    scenario.receive(&live("b", 2, "late"));
    assert_eq!(scenario.rows(), ["Bo: z [Sent]"]);
    scenario.pass(Duration::from_secs(3));
    scenario.answer_history(&[message("z", 300, "z")], Some("p2"));
    scenario.command(Command::LoadOlder { room: scenario.room.clone() });
    let mut mine = message("a", 1, "long ago");
    mine["clientMessageId"] = send["clientMessageId"].clone();
    mine["sender"]["id"] = "g-me".into();
    scenario.answer_history(&[mine, message("b", 2, "late")], None);
    assert_eq!(scenario.rows(), ["me: long ago [Sent]", "Bo: late [Sent]", "Bo: z [Sent]"]);
}

#[test]
fn a_hole_that_nobody_expected_is_shown_until_it_is_filled() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.receive(WELCOME);
    scenario.answer_history(&[message("a", 1, "a")], None);
    scenario.pass(Duration::from_secs(3));
    scenario.answer_history(&[message("z", 900, "z")], Some("p2"));
    assert_eq!(scenario.rows().len(), 3, "a row stands between: {:?}", scenario.rows());
    scenario.answer_history(&[message("a", 1, "a"), message("b", 2, "b")], None);
    assert_eq!(scenario.rows(), ["Bo: a [Sent]", "Bo: b [Sent]", "Bo: z [Sent]"]);
}

#[test]
fn what_was_read_from_the_beginning_stays_when_a_later_page_does_not_reach_it() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.receive(WELCOME);
    scenario.answer_history(&[], None);
    scenario.pass(Duration::from_secs(3));
    scenario.answer_history(&[], None);
    for (id, second) in [("a", 1), ("b", 300), ("c", 900)] {
        scenario.receive(&live(id, second, id));
    }
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    scenario.answer_history(&[message("b", 300, "b"), message("c", 900, "c")], Some("p2"));
    scenario.receive(&live("d", 901, "d"));
    assert_eq!(scenario.rows(), ["Bo: a [Sent]", "Bo: b [Sent]", "Bo: c [Sent]", "Bo: d [Sent]"]);
    assert_eq!(scenario.client.history(&scenario.room), Some(History::Beginning));
}

#[test]
fn older_messages_come_when_asked_for() {
    let mut scenario = Scenario::new(Dialect::Full);
    scenario.open();
    scenario.receive(WELCOME);
    scenario.answer_history(&[message("c", 3, "c")], Some("older"));
    scenario.command(Command::LoadOlder { room: scenario.room.clone() });
    scenario.command(Command::LoadOlder { room: scenario.room.clone() });
    assert_eq!(scenario.client.history(&scenario.room), Some(History::Loading));
    scenario.answer_history(&[message("a", 1, "a"), message("b", 2, "b")], None);
    assert_eq!(scenario.rows(), ["Bo: a [Sent]", "Bo: b [Sent]", "Bo: c [Sent]"]);
    assert_eq!(scenario.client.history(&scenario.room), Some(History::Beginning));
}

#[test]
fn errors_have_their_scope() {
    for (code, row) in [
        ("too_large", "me: hi [Failed(TooLarge)]"),
        ("forbidden", "me: hi [Failed(Forbidden)]"),
        ("conflict", "me: hi [Failed(Conflict)]"),
        ("unauthorized", "me: hi [Failed(Unauthorized)]"),
        ("confetti", "me: hi [Failed(BadRequest)]"),
        ("internal", "me: hi [Queued]"),
        ("rate_limited", "me: hi [Queued]"),
    ] {
        let mut scenario = Scenario::full();
        scenario.send("hi");
        let id = scenario.sent()[0]["clientMessageId"].clone();
        let error = json!({"type": "error", "code": code, "message": "", "clientMessageId": id, "retryAfterMs": 700});
        scenario.receive(&error.to_string());
        assert_eq!(scenario.rows(), [row], "{code}");
        assert_eq!(scenario.status(), Status::Online);
        scenario.pass(Duration::from_millis(701));
        let again = scenario.sent().iter().any(|frame| frame["clientMessageId"] == id);
        assert_eq!(again, row.contains("Queued"), "{code}");
    }
}

#[test]
fn a_failed_message_can_be_tried_again_or_deleted() {
    let mut scenario = Scenario::full();
    for text in ["one", "two"] {
        scenario.send(text);
        let id = scenario.sent()[0]["clientMessageId"].clone();
        let error =
            json!({"type": "error", "code": "forbidden", "clientMessageId": id, "message": ""});
        scenario.receive(&error.to_string());
    }
    let (room, row) = (scenario.room.clone(), scenario.row_id(0));
    scenario.command(Command::Discard { room: room.clone(), row });
    assert_eq!(scenario.rows(), ["me: two [Failed(Forbidden)]"]);
    let row = scenario.row_id(0);
    scenario.command(Command::Retry { room, row });
    assert_eq!(scenario.rows(), ["me: two [Sending]"]);
    assert_eq!(scenario.sent()[0]["text"], "two");
}

#[test]
fn a_room_that_may_not_be_entered_is_final_until_asked_again() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.receive(WELCOME);
    scenario.receive(
        r#"{"type":"error","code":"forbidden","message":"no such room","roomId":"lobby"}"#,
    );
    assert!(matches!(scenario.status(), Status::Refused(_)), "{:?}", scenario.status());
    scenario.pass(Duration::from_secs(600));
    let first = scenario.connection();
    scenario.command(Command::Reconnect);
    assert_ne!(scenario.connection(), first);
}

#[test]
fn a_silent_connection_is_given_up_and_replaced() {
    let mut scenario = Scenario::full();
    let first = scenario.connection();
    scenario.pass(Duration::from_secs(31));
    assert!(scenario.sent().contains(&json!({"action": "ping"})));
    scenario.receive(r#"{"type":"pong"}"#);
    scenario.pass(Duration::from_secs(31));
    assert_eq!(scenario.connection(), first);
    scenario.pass(Duration::from_secs(11));
    scenario.wait_for_attempt();
    assert_ne!(scenario.connection(), first);
}

#[test]
fn an_outage_is_shown_after_two_seconds_and_counts_down() {
    let mut scenario = Scenario::full();
    for _ in 0..6 {
        scenario.close(1006);
        scenario.wait_for_attempt();
    }
    scenario.close(1006);
    scenario.pass(Duration::from_millis(1));
    assert!(matches!(scenario.status(), Status::Reconnecting { .. }), "{:?}", scenario.status());
    scenario.wait_for_attempt();
    scenario.open();
    scenario.receive(WELCOME);
    assert_eq!(scenario.status(), Status::Online);
}

#[test]
fn a_frame_that_was_too_large_for_the_gateway_is_not_sent_again() {
    let mut scenario = Scenario::full();
    scenario.send("hi");
    scenario.sent();
    scenario.close(1009);
    assert_eq!(scenario.rows(), ["me: hi [Failed(TooLarge)]"]);
}

#[test]
fn a_text_above_the_limit_is_handed_back() {
    let mut scenario = Scenario::full();
    let text = "가".repeat(11_000);
    assert!(scenario.client.text_size(&scenario.room, &text).is_too_large());
    scenario.send(&text);
    assert!(
        matches!(&scenario.events[..], [Event::SendRefused { text: back, .. }] if *back == text)
    );
    assert!(scenario.rows().is_empty() && scenario.sent().is_empty());
}

#[test]
fn own_messages_are_recognised_after_a_reload_by_the_sender_id() {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    scenario.receive(WELCOME);
    let mut mine = message("a", 1, "from yesterday");
    mine["sender"]["id"] = "g-me".into();
    scenario.answer_history(&[mine], None);
    assert_eq!(scenario.rows(), ["me: from yesterday [Sent]"]);
}

#[test]
fn two_people_who_say_the_same_are_two_people() {
    let mut scenario = Scenario::full();
    scenario.send("hi");
    let id = scenario.sent()[0]["clientMessageId"].clone();
    scenario.receive(&live("a", 1, "hi"));
    assert_eq!(scenario.rows(), ["Bo: hi [Sent]", "me: hi [Sending]"]);
    let ack = json!({"type": "ack", "clientMessageId": id, "id": "b", "createdAt": "2025-10-29T04:00:01.000Z"});
    scenario.receive(&ack.to_string());
    assert_eq!(scenario.rows(), ["Bo: hi [Sent]", "me: hi [Sent]"]);
}
