//! An answer to `hello` that has come to harm on its way: the question is asked again, but not for ever.

mod scenario;

use std::time::Duration;

use roomlet_client::config::Dialect;
use roomlet_client::{Command, History};
use scenario::{FORBIDDEN, GUEST_KEY, Scenario, WELCOME, broadcast, live, message};
use serde_json::{Value, json};

/// Ways in which a welcome comes to harm.
const HARMED: [&str; 5] = [
    r#"{"type":"welcome","features":["history"],"connectionId":"me=","sen"#,
    "{\"type\":\"welcome\",\"features\":[\"history\u{1}]}",
    r#"#"type":"welcome","connectionId":"me="}"#,
    r#"{"type":"wel}ome","features":["history"],"connectionId":"me=","sender":{"id":"g-me"}}"#,
    r#"{"ty}e":"welcome","features":["history"],"connectionId":"me=","sender":{"id":"g-me"}}"#,
];

fn asked() -> Scenario {
    let mut scenario = Scenario::new(Dialect::Auto);
    scenario.open();
    assert_eq!(hellos(&mut scenario), 1);
    scenario
}

/// How often the question was asked since the last look.
fn hellos(scenario: &mut Scenario) -> usize {
    scenario.sent().iter().filter(|frame| frame["action"] == "hello").count()
}

fn reconnect(scenario: &mut Scenario) {
    scenario.close(1006);
    scenario.wait_for_attempt();
    scenario.open();
}

fn is_full(scenario: &mut Scenario) {
    scenario.receive(WELCOME);
    scenario.answer_history(&[message("m1", 1, "before")], None);
    assert_eq!(scenario.rows(), ["Bo: before [Sent]"]);
    scenario.send("hi");
    let sent = scenario.sent();
    assert!(sent[0]["clientMessageId"].is_string(), "{sent:?}");
}

#[test]
fn where_the_answer_has_come_to_harm_the_question_is_asked_again() {
    for harmed in HARMED {
        let mut scenario = asked();
        scenario.receive(harmed);
        assert!(scenario.rows().is_empty(), "{harmed}");
        assert_eq!(hellos(&mut scenario), 0, "not at once: {harmed}");
        scenario.pass(Duration::from_secs(2));
        assert_eq!(hellos(&mut scenario), 1, "{harmed}");
        is_full(&mut scenario);
    }
}

#[test]
fn an_answer_that_comes_late_and_broken_is_asked_for_again_too() {
    let mut scenario = asked();
    scenario.pass(Duration::from_secs(12));
    assert_eq!(scenario.client.history(&scenario.room), Some(History::None));
    scenario.receive(HARMED[0]);
    scenario.pass(Duration::from_secs(2));
    assert_eq!(hellos(&mut scenario), 1);
    scenario.receive(WELCOME);
    scenario.answer_history(&[], None);
}

#[test]
fn the_next_connection_asks_where_the_first_one_has_brought_a_broken_answer() {
    let mut scenario = asked();
    scenario.receive(HARMED[0]);
    reconnect(&mut scenario);
    scenario.pass(Duration::from_secs(2));
    assert_eq!(hellos(&mut scenario), 1);
    scenario.receive(HARMED[1]);
    reconnect(&mut scenario);
    scenario.pass(Duration::from_secs(5));
    assert_eq!(hellos(&mut scenario), 1);
    is_full(&mut scenario);
}

#[test]
fn a_welcome_that_comes_after_all_needs_no_second_question() {
    let mut scenario = asked();
    scenario.receive(HARMED[0]);
    scenario.receive(WELCOME);
    scenario.answer_history(&[], None);
    scenario.pass(Duration::from_secs(20));
    assert_eq!(hellos(&mut scenario), 0);
}

#[test]
fn a_hello_that_the_backend_could_not_read_is_said_again() {
    let mut scenario = asked();
    scenario.receive(r#"{"type":"error","code":"bad_request","message":"no JSON"}"#);
    scenario.pass(Duration::from_secs(2));
    assert_eq!(hellos(&mut scenario), 1);
    is_full(&mut scenario);
}

#[test]
fn a_message_that_looks_full_has_the_question_repeated_on_the_same_connection() {
    let mut scenario = asked();
    scenario.pass(Duration::from_secs(5));
    scenario.receive(&live("m1", 1, "before"));
    assert_eq!(hellos(&mut scenario), 0, "a welcome may come yet");
    scenario.pass(Duration::from_secs(10));
    scenario.receive(&live("m2", 2, "more"));
    assert_eq!(hellos(&mut scenario), 1);
    scenario.receive(&live("m3", 3, "and more"));
    assert_eq!(hellos(&mut scenario), 0, "one question at a time");
    scenario.receive(WELCOME);
    let history = [(1, "before"), (2, "more"), (3, "and more")];
    let history = history.map(|(second, text)| message(&format!("m{second}"), second, text));
    scenario.answer_history(&history, None);
    assert_eq!(scenario.rows().len(), 3);
}

#[test]
fn a_message_that_lost_its_type_does_not_end_the_search() {
    let mut scenario = asked();
    scenario.receive(&live("m1", 1, "before").replace("\"type\"", "\"ty}e\""));
    scenario.pass(Duration::from_secs(15));
    scenario.receive(&live("m2", 2, "more"));
    assert_eq!(hellos(&mut scenario), 1);
}

#[test]
fn whoever_answers_with_junk_for_ever_is_asked_more_and_more_rarely_and_then_no_more() {
    let mut scenario = asked();
    let mut asked_at: Vec<u64> = vec![scenario.now];
    for second in 0..3_600 {
        scenario.receive("{junk");
        scenario.pass(Duration::from_secs(1));
        if second % 600 == 599 {
            reconnect(&mut scenario);
        }
        let times = hellos(&mut scenario);
        asked_at.extend(std::iter::repeat_n(scenario.now, times));
    }
    assert_eq!(asked_at.len(), 9, "{asked_at:?}");
    let pauses: Vec<u64> = asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert!(pauses[7] >= 60_000, "{pauses:?}");
}

#[test]
fn a_basic_backend_is_not_asked_again_whatever_its_people_say() {
    let hello = format!(r#"{{"action":"hello","guestKey":"{GUEST_KEY}","name":"Ann"}}"#);
    let answers: [&[&str]; 6] = [
        &[FORBIDDEN],
        &["What is that?"],
        &[r#"{"error":"unknown action"}"#],
        &[&hello],
        &[&broadcast("me=", &hello)],
        &[],
    ];
    for answer in answers {
        let mut scenario = asked();
        for frame in answer {
            scenario.receive(frame);
        }
        scenario.pass(Duration::from_secs(31));
        for _ in 0..3 {
            for frame in ["junk", "{junk", &broadcast("them=", "{hi"), r#"{"type":"typing"}"#] {
                scenario.receive(frame);
            }
            scenario.pass(Duration::from_secs(40));
            scenario.receive(FORBIDDEN);
            reconnect(&mut scenario);
        }
        assert_eq!(hellos(&mut scenario), 0, "{answer:?}");
    }
}

#[test]
fn a_hello_that_came_back_is_not_said_again_for_a_message_that_looks_full() {
    let mut scenario = asked();
    scenario.receive(&format!(r#"{{"action":"hello","guestKey":"{GUEST_KEY}"}}"#));
    scenario.pass(Duration::from_secs(15));
    scenario.receive(&live("m1", 1, "typed"));
    reconnect(&mut scenario);
    scenario.receive(&live("m2", 2, "typed"));
    scenario.pass(Duration::from_secs(15));
    assert_eq!(hellos(&mut scenario), 0);
}

#[test]
fn what_was_sent_before_the_second_answer_is_not_repeated() {
    let mut scenario = asked();
    scenario.send("hi");
    scenario.pass(Duration::from_secs(4));
    let sent = scenario.sent();
    assert_eq!(sent, [json!({"action": "sendMessage", "roomId": "lobby", "text": "hi"})]);
    scenario.receive(HARMED[0]);
    scenario.pass(Duration::from_secs(13));
    assert_eq!(hellos(&mut scenario), 0, "an error frame would be taken for the send's");
    scenario.pass(Duration::from_secs(2));
    assert_eq!(hellos(&mut scenario), 1);
    assert_eq!(scenario.rows(), ["me: hi [NotConfirmed]"]);
    scenario.receive(WELCOME);
    scenario.pass(Duration::from_secs(3));
    let again: Vec<Value> =
        scenario.sent().into_iter().filter(|frame| frame["action"] == "sendMessage").collect();
    assert_eq!(again, Vec::<Value>::new());
    let (room, row) = (scenario.room.clone(), scenario.row_id(0));
    scenario.command(Command::Discard { room, row });
    assert!(scenario.rows().is_empty());
}
