//! AppSync GraphQL: connections that die, are refused or run slowly.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::{Dialect, NamespaceKind};
use roomlet_client::*;
use scenario::Scenario;
use scenario::appsync::{ACK, api_key, graphql, graphql_data, graphql_message};
use serde_json::json;

#[test]
fn a_late_keep_alive_is_looked_into_and_a_dead_connection_replaced() {
    let mut ann = Scenario::graphql_full();
    for _ in 0..5 {
        ann.pass(Duration::from_secs(60));
        ann.receive(r#"{"type":"ka"}"#);
    }
    assert!(ann.frames().is_empty(), "a connection that is kept alive is left alone");
    ann.pass(Duration::from_secs(69));
    assert!(ann.frames().is_empty());
    ann.pass(Duration::from_secs(1));
    let id = ann.started();
    ann.receive(&json!({"id": id, "type": "start_ack"}).to_string());
    assert!(ann.frames().is_empty());
    ann.receive(&graphql_data("s1", &graphql_message("m0", 0, "on its way by the old one")));
    ann.receive(&graphql_data(&id, &graphql_message("m1", 1, "hi")));
    assert_eq!(ann.rows(), ["Bo: on its way by the old one [Sent]", "Bo: hi [Sent]"]);
    ann.pass(Duration::from_secs(5));
    assert_eq!(ann.frames(), [r#"{"id":"s1","type":"stop"}"#], "the new one has its place");
    ann.receive(r#"{"id":"s1","type":"complete"}"#);
    assert_eq!(ann.status(), Status::Online);
    ann.pass(Duration::from_secs(70));
    ann.started();
    assert_eq!(ann.attempts(), 1);
    ann.pass(Duration::from_secs(30));
    assert_eq!(ann.attempts(), 2, "nobody answered: another connection");
}

#[test]
fn the_servers_own_timeout_counts() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":20000}}"#);
    ann.start_ack();
    ann.answer_page(&[], None);
    ann.pass(Duration::from_secs(19));
    assert_eq!(ann.attempts(), 1);
    ann.pass(Duration::from_secs(3));
    assert_eq!(ann.attempts(), 2);
}

#[test]
fn a_connection_that_is_not_acknowledged_is_given_up() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.pass(Duration::from_secs(17));
    assert_eq!(ann.attempts(), 2);
}

#[test]
fn a_start_without_an_answer_is_tried_once_more_with_another_id() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(ACK);
    assert_eq!(ann.started(), "s1");
    ann.pass(Duration::from_secs(15));
    ann.receive(r#"{"type":"ka"}"#);
    ann.pass(Duration::from_secs(2));
    assert_eq!(ann.started(), "s2");
    ann.pass(Duration::from_secs(17));
    assert_eq!(ann.attempts(), 2, "then the connection is given up");
}

#[test]
fn a_start_that_is_throttled_without_its_name_is_made_again_soon() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(ACK);
    assert_eq!(ann.started(), "s1");
    ann.receive(r#"{"type":"error","payload":{"errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}}"#);
    ann.pass(Duration::from_secs(2));
    assert_eq!(ann.started(), "s2");
    ann.receive(r#"{"id":"s1","type":"start_ack"}"#);
    assert_eq!(ann.frames(), [r#"{"id":"s1","type":"stop"}"#], "it has begun after all");
    ann.receive(r#"{"id":"s2","type":"start_ack"}"#);
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn too_many_subscriptions_are_waited_out() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(ACK);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        ann.refuse_start("MaxSubscriptionsReachedError", "Max number of 200 subscriptions reached");
        let before = ann.now;
        while ann.outputs.iter().all(|output| !matches!(output, Output::SendText { .. })) {
            ann.receive(r#"{"type":"ka"}"#);
            ann.pass(Duration::from_millis(100));
        }
        pauses.push(ann.now - before);
    }
    assert!(pauses.iter().all(|pause| (1_000..=31_100).contains(pause)), "{pauses:?}");
    assert_eq!(ann.attempts(), 1);
}

#[test]
fn a_subscription_that_the_server_ends_begins_again() {
    let mut ann = Scenario::graphql_full();
    ann.receive(r#"{"id":"s1","type":"complete"}"#);
    ann.pass(Duration::from_secs(2));
    let id = ann.start_ack();
    assert_ne!(id, "s1");
    assert_eq!(ann.requests().len(), 1, "what was missed is fetched");
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn errors_of_the_whole_connection() {
    let refused = |kind: &str, message: &str| {
        let error = json!({"errorType": kind, "message": message, "errorCode": 400});
        json!({"type": "connection_error", "payload": {"errors": [error]}}).to_string()
    };
    for (kind, message, refusal) in [
        (
            "UnauthorizedException",
            "You are not authorized to make this call.",
            Refusal::Misconfigured,
        ),
        ("com.amazon.coral.service.http#HttpNotFoundException", "", Refusal::Misconfigured),
        (
            "BadRequestException",
            "The request signature we calculated does not match",
            Refusal::Misconfigured,
        ),
    ] {
        let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
        ann.open();
        ann.receive(&refused(kind, message));
        assert_eq!(ann.status(), Status::Refused(refusal), "{kind}");
        ann.pass(Duration::from_secs(3_600));
        assert_eq!(ann.attempts(), 1, "nobody hammers");
    }
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(&refused("LimitExceededError", "Rate limit exceeded"));
    ann.pass(Duration::from_secs(9));
    assert_eq!(ann.attempts(), 1);
    ann.pass(Duration::from_secs(30));
    assert_eq!(ann.attempts(), 2, "after a long pause");
}

#[test]
fn an_outage_where_history_is_denied_leaves_a_row() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(ACK);
    let id = ann.start_ack();
    let request = ann.request();
    ann.answer(&request, 200, &json!({"data": null, "errors": [{"errorType": "Unauthorized", "message": "Not Authorized to access messages on type Query"}]}));
    assert_eq!(ann.client.history(&RoomId::default()), Some(History::None));
    ann.receive(&graphql_data(&id, &graphql_message("m1", 1, "before")));
    ann.close(1006);
    ann.wait_for_attempt();
    ann.open();
    ann.receive(ACK);
    let id = ann.start_ack();
    if let Some(request) = ann.requests().first() {
        ann.answer(request, 200, &json!({"data": null, "errors": [{"errorType": "Unauthorized", "message": "Not Authorized to access messages on type Query"}]}));
    }
    ann.pass(Duration::from_secs(10));
    ann.receive(&graphql_data(&id, &graphql_message("m9", 9, "after")));
    assert_eq!(ann.rows(), ["Bo: before [Sent]", "interruption", "Bo: after [Sent]"]);
}

#[test]
fn a_page_that_wakes_after_hours_comes_back_by_itself() {
    let full = Scenario::graphql_full();
    for (name, mut ann) in [("graphql", full), ("events", Scenario::events(NamespaceKind::Stamped))]
    {
        ann.input(Input::Visibility(Visibility::Hidden));
        ann.now += 8 * 3_600_000;
        ann.input(Input::Visibility(Visibility::Visible));
        ann.input(Input::TimeDue);
        let mut guard = 0;
        while ann.client.poll_timeout().is_some_and(|d| d.at.0 <= ann.now) {
            ann.input(Input::TimeDue);
            guard += 1;
            assert!(guard < 20, "{name}: {:?}", ann.client.poll_timeout());
        }
        ann.pass(Duration::from_secs(5));
        let back = ann.question().is_some() || ann.attempts() > 1;
        assert!(back, "{name}: {:?}", ann.status());
    }
}

#[test]
fn a_sleep_that_only_the_wall_clock_saw_leads_to_a_probe() {
    let mut ann = Scenario::graphql_full();
    ann.frames();
    let now = Now {
        monotonic: Timestamp(ann.now + 1000),
        wall: WallClock(1_761_710_760_000 + 8 * 3_600_000),
    };
    ann.client.handle(now, Input::Visibility(Visibility::Visible));
    let mut outputs = Vec::new();
    while let Some(o) = ann.client.poll_output() {
        outputs.push(o);
    }
    assert!(!outputs.is_empty(), "neither a probe nor a new connection");
}
