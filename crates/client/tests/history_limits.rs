//! History that is denied, fails, or has nothing to say: asked for with patience, and never taken for what it is not.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::Dialect;
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::*;
use serde_json::json;

/// What the widget does (src/ui/message_list.rs): a list that does not fill the view, or is at its top, reads on.
fn widget(ann: &mut Scenario) {
    let more = ann.client.history(&ann.room) == Some(History::More);
    if more {
        ann.command(Command::LoadOlder { room: ann.room.clone() });
    }
}

#[test]
fn an_older_page_that_is_refused_for_good_is_not_asked_for_again_and_again() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.answer_page(&[graphql_message("m1", 1, "one")], Some("c1"));
    let mut queries = 0;
    for _ in 0..200 {
        widget(&mut ann);
        for request in ann.requests() {
            queries += 1;
            ann.answer(&request, 200, &json!({"data": {"messages": null}, "errors": [{"errorType": "Unauthorized", "message": "Not Authorized to access messages on type Query"}]}));
        }
    }
    assert!(
        queries <= 3,
        "{queries} queries in no time, history {:?}",
        ann.client.history(&ann.room)
    );
}

#[test]
fn an_older_page_that_is_refused_for_good_at_the_gateway_is_not_asked_for_again_and_again() {
    let mut ann = Scenario::new(Dialect::Auto);
    ann.open();
    ann.receive(scenario::WELCOME);
    ann.answer_history(&[scenario::message("m1", 1, "one")], Some("c1"));
    let mut queries = 0;
    for _ in 0..200 {
        widget(&mut ann);
        for frame in ann.sent() {
            if frame["action"] == "history" {
                queries += 1;
                ann.receive(&json!({"type": "error", "code": "bad_request", "message": "no such cursor", "requestId": frame["requestId"], "roomId": "lobby"}).to_string());
            }
        }
    }
    assert!(
        queries <= 3,
        "{queries} queries in no time, history {:?}",
        ann.client.history(&ann.room)
    );
}

#[test]
fn what_was_missed_where_history_is_denied_leaves_a_row() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    let id = ann.start_ack();
    let denied = json!({"data": null, "errors": [{"errorType": "Unauthorized", "message": "Not Authorized to access messages on type Query"}]});
    let request = ann.request();
    ann.answer(&request, 200, &denied);
    ann.receive(&graphql_data(&id, &graphql_message("m1", 1, "before")));
    let mut queries = 0;
    for _ in 0..20 {
        ann.receive(&json!({"id": id, "type": "data", "payload": {"data": {"onNewMessage": null}, "errors": [{"message": "Cannot return null for non-nullable type"}]}}).to_string());
        for request in ann.requests() {
            queries += 1;
            ann.answer(&request, 200, &denied);
        }
    }
    ann.receive(&graphql_data(&id, &graphql_message("m9", 9, "after")));
    assert_eq!(
        (ann.rows(), queries),
        (vec!["Bo: before [Sent]".to_owned(), "interruption".into(), "Bo: after [Sent]".into()], 0)
    );
}

#[test]
fn broken_messages_of_others_do_not_make_a_query_each() {
    let mut ann = Scenario::graphql_full();
    let begin = ann.now;
    let mut queries = 0;
    while ann.now < begin + 60_000 {
        ann.receive(&json!({"id": "s1", "type": "data", "payload": {"data": {"onNewMessage": null}, "errors": [{"message": "Cannot return null for non-nullable type"}]}}).to_string());
        for request in ann.requests() {
            queries += 1;
            ann.answer(
                &request,
                200,
                &json!({"data": {"messages": {"messages": [], "nextCursor": null}}}),
            );
        }
        ann.pass(Duration::from_millis(250));
    }
    assert!(queries <= 60, "{queries} queries in a minute");
}

#[test]
fn history_that_always_fails_pauses_longer_while_sends_succeed() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    let id = ann.start_ack();
    let begin = ann.now;
    let (mut queries, mut sends, mut number) = (0, 0, 0);
    while ann.now < begin + 600_000 {
        for request in ann.requests() {
            if request.body.contains("sendMessage") {
                sends += 1;
                number += 1;
                let mut message =
                    graphql_message(&format!("m{number}"), 1, &request.variable("content"));
                message["clientMessageId"] = request.json()["variables"]["clientMessageId"].clone();
                ann.answer(&request, 200, &json!({"data": {"sendMessage": message}}));
            } else {
                queries += 1;
                ann.answer(
                    &request,
                    500,
                    &json!({"errors": [{"errorType": "InternalFailure", "message": "x"}]}),
                );
            }
        }
        if (ann.now / 1_000).is_multiple_of(3) {
            ann.send("x");
        }
        ann.pass(Duration::from_secs(1));
        ann.receive(KEEP_ALIVE);
    }
    let _ = id;
    assert!(queries <= 60, "{queries} queries, {sends} sends in ten minutes");
}

#[test]
fn a_page_that_is_empty_but_goes_on_is_not_the_beginning() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.answer_page(&[graphql_message("m5", 5, "five")], Some("c1"));
    widget(&mut ann);
    ann.answer_page(&[], Some("c2"));
    assert_ne!(ann.client.history(&ann.room), Some(History::Beginning), "there is more behind c2");
}

#[test]
fn history_that_a_firewall_has_refused_once_comes_back_when_the_person_asks() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    let request = ann.request();
    ann.answer(&request, 403, &json!("<html>Request blocked</html>"));
    ann.close(1006);
    ann.command(Command::Reconnect);
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    assert_eq!(
        ann.requests().len(),
        1,
        "history is never asked for again: {:?}",
        ann.client.history(&ann.room)
    );
}

#[test]
fn pages_that_are_empty_without_end_are_given_up() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.answer_page(&[graphql_message("m1", 1, "one")], Some("c0"));
    let mut queries = 0;
    for _ in 0..100 {
        widget(&mut ann);
        for request in ann.requests() {
            queries += 1;
            let page = json!({"messages": [], "nextCursor": format!("c{queries}")});
            ann.answer(&request, 200, &json!({"data": {"messages": page}}));
        }
    }
    assert!(queries < 25, "{queries} queries");
    assert_eq!(ann.client.history(&ann.room), Some(History::None), "not known to begin here");
}

#[test]
fn the_second_catch_up_reads_no_further_back_than_the_first() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    let page = [graphql_message("m1", 1, "one"), graphql_message("m2", 2, "two")];
    ann.answer_page(&page, Some("c1"));
    ann.pass(Duration::from_secs(3));
    ann.answer_page(&page, Some("c1"));
    assert!(ann.requests().is_empty(), "what is older was not missed, it is just not read yet");
    assert_eq!(ann.client.history(&ann.room), Some(History::More));
}

#[test]
fn older_messages_that_are_wanted_while_something_else_is_read_come_after_it() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    let page = [graphql_message("m2", 2, "two")];
    ann.answer_page(&page, Some("c1"));
    ann.pass(Duration::from_secs(3));
    widget(&mut ann);
    ann.answer_page(&page, Some("c1"));
    let request = ann.answer_page(&[graphql_message("m1", 1, "one")], None);
    assert_eq!(request.variable("before"), "c1");
    assert_eq!(ann.rows(), ["Bo: one [Sent]", "Bo: two [Sent]"]);

    let mut bo = Scenario::of(graphql(Dialect::Full), api_key());
    bo.open();
    bo.receive(ACK);
    bo.start_ack();
    bo.answer_page(&page, Some("c1"));
    bo.close(1006);
    widget(&mut bo);
    bo.wait_for_attempt();
    bo.open();
    bo.receive(ACK);
    bo.start_ack();
    bo.answer_page(&page, Some("c1"));
    let request = bo.answer_page(&[graphql_message("m1", 1, "one")], None);
    assert_eq!(request.variable("before"), "c1", "also over an outage");
}
