//! AppSync GraphQL: the words of the protocol to the byte, and what the client does on each turn.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use roomlet_client::config::{Dialect, Service, SignIn};
use roomlet_client::*;
use scenario::appsync::{ACK, UNKNOWN_FIELD, api_key, graphql, graphql_data, graphql_message};
use scenario::{GUEST_KEY, Scenario};
use serde_json::{Value, json};

const FULL_FIELDS: &str =
    "id roomId sender content createdAt senderName senderKind clientMessageId";

fn errors(kind: &str, message: &str) -> Value {
    json!({"data": null, "errors": [{"errorType": kind, "message": message}]})
}

/// The message that a mutation has stored.
fn stored(request: &scenario::appsync::Request, id: &str, second: u32) -> Value {
    let mut message = graphql_message(id, second, &request.variable("content"));
    message["sender"] = "g-me".into();
    message["senderName"] = "Ann".into();
    message["clientMessageId"] = request.json()["variables"]["clientMessageId"].clone();
    message
}

#[test]
fn the_handshake_to_the_byte() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    let header = "header-eyJob3N0IjoiYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXouYXBwc3luYy1hcGkudXMtZWFzdC0xLmFtYXpvbmF3cy5jb20iLCJ4LWFwaS1rZXkiOiJkYTItYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoifQ";
    assert_eq!(ann.subprotocols(), ["graphql-ws", header]);
    let url = ann.open();
    assert_eq!(
        url,
        "wss://abcdefghijklmnopqrstuvwxyz.appsync-realtime-api.us-east-1.amazonaws.com/graphql"
    );
    assert_eq!(ann.frames(), [r#"{"type":"connection_init"}"#]);
    ann.receive(r#"{"type":"ka"}"#);
    assert_eq!(ann.frames(), [""; 0], "nothing before the acknowledgement");
    ann.receive(ACK);
    let start = format!(
        r#"{{"id":"s1","type":"start","payload":{{"data":"{{\"query\":\"subscription OnNewMessage($roomId: ID!) {{ onNewMessage(roomId: $roomId) {{ {FULL_FIELDS} }} }}\",\"variables\":{{\"roomId\":\"lobby\"}}}}","extensions":{{"authorization":{{"host":"abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com","x-api-key":"da2-abcdefghijklmnopqrstuvwxyz"}}}}}}}}"#
    );
    assert_eq!(ann.frames(), [start]);
    ann.pass(Duration::from_secs(3));
    assert_ne!(ann.status(), Status::Online, "not before the subscription is acknowledged");
    ann.receive(r#"{"id":"s1","type":"start_ack"}"#);
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn requests_to_the_byte() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    let newest = ann.answer_page(&[graphql_message("m5", 5, "five")], Some("c.5"));
    assert_eq!(
        newest.url,
        "https://abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com/graphql"
    );
    assert_eq!(newest.header("content-type"), Some("application/json"));
    assert_eq!(newest.header("x-api-key"), Some("da2-abcdefghijklmnopqrstuvwxyz"));
    assert_eq!(
        newest.body,
        format!(
            r#"{{"query":"query Messages($roomId: ID!, $limit: Int) {{ messages(roomId: $roomId, limit: $limit) {{ messages {{ {FULL_FIELDS} }} nextCursor }} }}","variables":{{"roomId":"lobby","limit":50}}}}"#
        )
    );
    ann.command(Command::LoadOlder { room: ann.room.clone() });
    assert_eq!(
        ann.request().body,
        format!(
            r#"{{"query":"query Messages($roomId: ID!, $before: String, $limit: Int) {{ messages(roomId: $roomId, before: $before, limit: $limit) {{ messages {{ {FULL_FIELDS} }} nextCursor }} }}","variables":{{"roomId":"lobby","before":"c.5","limit":50}}}}"#
        )
    );
    ann.send("hi \"there\"");
    let send = ann.request();
    let id = send.variable("clientMessageId");
    assert_eq!(id.len(), 32);
    assert_eq!(
        send.body,
        format!(
            r#"{{"query":"mutation SendMessage($roomId: ID!, $content: String!, $clientMessageId: String, $guestKey: String, $guestName: String) {{ sendMessage(roomId: $roomId, content: $content, clientMessageId: $clientMessageId, guestKey: $guestKey, guestName: $guestName) {{ {FULL_FIELDS} }} }}","variables":{{"roomId":"lobby","content":"hi \"there\"","clientMessageId":"{id}","guestKey":"{GUEST_KEY}","guestName":"Ann"}}}}"#
        )
    );
}

#[test]
fn the_basic_schema_is_found_out_and_its_words_are_basic() {
    let mut ann = Scenario::of(graphql(Dialect::Auto), api_key());
    ann.open();
    ann.receive(ACK);
    ann.refuse_start("", UNKNOWN_FIELD);
    let frames = ann.frames();
    assert_eq!(frames.len(), 1);
    let data = r#"\"query\":\"subscription OnNewMessage($roomId: ID!) { onNewMessage(roomId: $roomId) { id roomId sender content createdAt } }\""#;
    assert!(frames[0].contains(data) && frames[0].contains(r#""id":"s2""#), "{frames:?}");
    ann.receive(r#"{"id":"s2","type":"start_ack"}"#);
    assert_eq!(ann.client.history(&ann.room), Some(History::None));
    assert!(ann.requests().is_empty(), "there is no history to ask for");
    ann.send("hi");
    assert_eq!(
        ann.request().body,
        r#"{"query":"mutation SendMessage($roomId: ID!, $content: String!) { sendMessage(roomId: $roomId, content: $content) { id roomId sender content createdAt } }","variables":{"roomId":"lobby","content":"hi"}}"#
    );
}

#[test]
fn only_an_unknown_field_makes_a_schema_basic() {
    for (kind, message) in [
        ("UnauthorizedException", "Validation error of type FieldUndefined: Token has expired."),
        ("LimitExceededError", "Rate limit exceeded"),
        ("SubscriptionProcessingError", "Field 'x' is undefined in the resolver"),
    ] {
        let service = graphql(Dialect::Auto);
        let mut ann = Scenario::of(service, scenario::appsync::cognito());
        ann.sign_in(scenario::appsync::jwt("ann", 1_900_000_000));
        ann.open();
        ann.receive(ACK);
        ann.refuse_start(kind, message);
        if ann.question().is_some_and(|(_, reason)| reason == AskReason::Refused) {
            continue;
        }
        ann.pass(Duration::from_secs(5));
        let frames = ann.frames();
        assert!(frames.iter().any(|frame| frame.contains("senderName")), "{kind}: {frames:?}");
    }
}

#[test]
fn a_schema_that_is_fixed_stays_what_it_is() {
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.refuse_start("", UNKNOWN_FIELD);
    assert_eq!(ann.status(), Status::Refused(Refusal::Misconfigured));
    assert!(ann.frames().is_empty());
    let mut ann = Scenario::of(graphql(Dialect::Basic), api_key());
    ann.open();
    ann.receive(ACK);
    assert!(ann.frames().iter().all(|frame| !frame.contains("senderName")));
}

#[test]
fn a_message_arrives_in_the_servers_order() {
    let mut ann = Scenario::graphql_full();
    for (id, second) in [("m2", 2), ("m1", 1), ("m2", 2)] {
        ann.receive(&graphql_data("s1", &graphql_message(id, second, id)));
    }
    assert_eq!(ann.rows(), ["Bo: m1 [Sent]", "Bo: m2 [Sent]"]);
}

#[test]
fn the_echo_may_come_before_the_answer_and_after_it() {
    for echo_first in [true, false] {
        let mut ann = Scenario::graphql_full();
        ann.send("hi");
        assert_eq!(ann.rows(), ["me: hi [Sending]"]);
        let (row, request) = (ann.row_id(0), ann.request());
        let message = stored(&request, "m1", 1);
        let answer = json!({"data": {"sendMessage": message}});
        if echo_first {
            ann.receive(&graphql_data("s1", &message));
            assert_eq!(ann.rows(), ["me: hi [Sent]"]);
            ann.answer(&request, 200, &answer);
        } else {
            ann.answer(&request, 200, &answer);
            assert_eq!(ann.rows(), ["me: hi [Sent]"]);
            ann.receive(&graphql_data("s1", &message));
        }
        assert_eq!(ann.rows(), ["me: hi [Sent]"]);
        assert_eq!(ann.row_id(0), row);
        let sent = ann.events.iter().filter(|event| matches!(event, Event::Sent { .. })).count();
        assert_eq!(sent, 1);
        assert!(ann.events.contains(&Event::KnownAs("g-me".into())));
    }
}

#[test]
fn in_the_basic_schema_the_answer_says_which_echo_is_ones_own() {
    for echo_first in [true, false] {
        let mut ann = Scenario::graphql_basic();
        ann.send("hi");
        let request = ann.request();
        let basic = |id: &str| {
            json!({"id": id, "roomId": "lobby", "sender": "anonymous", "content": "hi",
                "createdAt": "2025-10-29T04:00:01.000Z"})
        };
        let answer = json!({"data": {"sendMessage": basic("m1")}});
        let echoes = [graphql_data("s2", &basic("m0")), graphql_data("s2", &basic("m1"))];
        if !echo_first {
            ann.answer(&request, 200, &answer);
        }
        echoes.iter().for_each(|echo| ann.receive(echo));
        if echo_first {
            assert_eq!(ann.rows(), ["me: hi [Sending]"], "whose it is is not known yet");
            ann.answer(&request, 200, &answer);
        }
        assert_eq!(ann.rows(), ["anonymous: hi [Sent]", "me: hi [Sent]"]);
        ann.receive(&graphql_data("s2", &basic("m2")));
        assert_eq!(ann.rows().len(), 3, "another one by the same name is not ours");
        assert!(ann.rows()[2].starts_with("anonymous"));
    }
}

#[test]
fn a_send_without_an_answer_is_repeated_only_where_that_does_no_harm() {
    let outcomes: [fn(&mut Scenario, &scenario::appsync::Request); 4] = [
        |ann, request| ann.fail(request, HttpFailure::Network),
        |ann, request| ann.answer(request, 500, &json!(null)),
        |ann, request| ann.answer(request, 200, &json!({"data": {"sendMessage": null}})),
        |ann, _| ann.pass(Duration::from_secs(15)),
    ];
    for outcome in outcomes {
        let mut ann = Scenario::graphql_full();
        ann.send("hi");
        let first = ann.request();
        outcome(&mut ann, &first);
        ann.pass(Duration::from_secs(40));
        let again = ann.requests();
        let again = again.iter().filter(|request| request.body.contains("mutation"));
        let ids = again.map(|request| request.variable("clientMessageId")).collect::<Vec<_>>();
        assert!(!ids.is_empty() && ids.iter().all(|id| *id == first.variable("clientMessageId")));

        let mut ann = Scenario::graphql_basic();
        ann.send("hi");
        let first = ann.request();
        outcome(&mut ann, &first);
        assert_eq!(ann.rows(), ["me: hi [NotConfirmed]"]);
        ann.pass(Duration::from_secs(60));
        assert!(ann.requests().is_empty());
        ann.command(Command::Retry { room: ann.room.clone(), row: ann.row_id(0) });
        ann.pass(Duration::from_secs(40));
        assert!(!ann.requests().is_empty(), "the person may");
    }
}

#[test]
fn what_was_refused_has_failed_and_says_why() {
    for (status, body, reason) in [
        (
            200,
            errors("Unauthorized", "Not Authorized to access sendMessage"),
            FailReason::Forbidden,
        ),
        (200, errors("Conflict", "The id is taken."), FailReason::Conflict),
        (400, errors("MalformedHttpRequestException", ""), FailReason::BadRequest),
        (401, errors("UnauthorizedException", "You are not authorized"), FailReason::Misconfigured),
        (403, json!(null), FailReason::Forbidden),
        (413, json!(null), FailReason::TooLarge),
    ] {
        for mut ann in [Scenario::graphql_full(), Scenario::graphql_basic()] {
            ann.send("hi");
            let request = ann.request();
            ann.answer(&request, status, &body);
            assert_eq!(ann.rows(), [format!("me: hi [Failed({reason:?})]")], "{body}");
        }
    }
}

#[test]
fn a_partial_success_is_a_success() {
    let mut ann = Scenario::graphql_full();
    ann.send("hi");
    let request = ann.request();
    let message = stored(&request, "m1", 1);
    let partial = json!({"data": {"sendMessage": message}, "errors": [{"message": "senderName"}]});
    ann.answer(&request, 200, &partial);
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
}

#[test]
fn throttling_holds_sends_back_and_loses_none() {
    let mut ann = Scenario::graphql_full();
    ann.send("one");
    ann.send("two");
    let request = ann.request();
    ann.answer(&request, 429, &json!(null));
    assert_eq!(ann.rows(), ["me: one [Queued]", "me: two [Queued]"]);
    assert!(ann.requests().is_empty());
    ann.pass(Duration::from_millis(999));
    assert!(ann.requests().iter().all(|request| !request.body.contains("mutation")));
    ann.pass(Duration::from_secs(1));
    assert!(ann.requests().iter().any(|request| request.variable("content") == "one"));
    ann.receive(r#"{"type":"error","id":"","payload":{"errors":[{"errorType":"LimitExceededError","message":"Rate limit exceeded"}]}}"#);
    assert_eq!(ann.status(), Status::Online);
}

#[test]
fn a_pause_that_ends_while_a_send_is_in_flight_is_over() {
    let mut ann = Scenario::graphql_full();
    ann.send("one");
    ann.send("two");
    ann.receive(r#"{"type":"error","id":"","payload":{"errors":[{"errorType":"LimitExceededError","message":""}]}}"#);
    ann.pass(Duration::from_millis(1_100));
    let next = ann.client.poll_timeout().unwrap();
    assert!(next.at.0 > ann.now, "{next:?}");
}

#[test]
fn a_mutation_without_the_argument_makes_sends_basic() {
    let mut ann = Scenario::graphql_full();
    ann.send("hi");
    let request = ann.request();
    let message = "Validation error of type UnknownArgument: Unknown field argument clientMessageId @ 'sendMessage'";
    ann.answer(&request, 200, &errors("", message));
    let again = ann.request();
    assert!(!again.body.contains("clientMessageId"), "{}", again.body);
    let message = graphql_message("m1", 1, "hi");
    ann.answer(&again, 200, &json!({"data": {"sendMessage": message}}));
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
}

#[test]
fn all_rooms_share_one_connection_and_a_denied_one_fails_alone() {
    let mut ann = Scenario::graphql_full();
    for room in ["team", "secret"] {
        ann.command(Command::OpenRoom(RoomId::parse(room).unwrap()));
    }
    assert_eq!(ann.attempts(), 1, "one connection for all");
    let starts = ann.frames();
    assert!(starts[0].contains(r#""id":"s2""#) && starts[1].contains(r#""id":"s3""#));
    ann.receive(r#"{"id":"s2","type":"start_ack"}"#);
    ann.receive(r#"{"id":"s3","type":"error","payload":{"errors":[{"errorType":"Unauthorized","message":"Not Authorized to access onNewMessage on type Subscription"}]}}"#);
    let status = |ann: &Scenario, room: &str| ann.client.status(&RoomId::parse(room).unwrap());
    assert_eq!(status(&ann, "lobby"), Some(Status::Online));
    assert_eq!(status(&ann, "team"), Some(Status::Online));
    assert_eq!(status(&ann, "secret"), Some(Status::Refused(Refusal::Forbidden)));
    ann.pass(Duration::from_secs(30));
    assert!(ann.frames().is_empty(), "nobody hammers");
    ann.receive(&graphql_data("s1", &graphql_message("m1", 1, "still here")));
    assert_eq!(ann.rows(), ["Bo: still here [Sent]"]);
    ann.command(Command::Reconnect);
    assert!(ann.started().starts_with('s'), "asked for, the room is tried again");
}

#[test]
fn stop_waits_for_the_acknowledgement() {
    let mut ann = Scenario::graphql_full();
    let bound = MAX_ROOMS_OF_A_CONNECTION;
    for number in 0..bound {
        ann.command(Command::OpenRoom(RoomId::parse(&format!("room-{number}")).unwrap()));
    }
    // The lobby was shown longest ago, and is left; its subscription is acknowledged.
    let frames = ann.frames();
    assert!(frames.contains(&r#"{"id":"s1","type":"stop"}"#.to_owned()), "{frames:?}");
    // The next one is still starting.
    ann.command(Command::OpenRoom(RoomId::parse("one-more").unwrap()));
    assert!(ann.frames().iter().all(|frame| !frame.contains("stop")));
    ann.receive(r#"{"id":"s2","type":"start_ack"}"#);
    assert_eq!(ann.frames(), [r#"{"id":"s2","type":"stop"}"#]);
}

#[test]
fn a_message_that_cannot_be_read_is_fetched_where_there_is_history() {
    let unreadable = r#"{"id":"s1","type":"data","payload":{"data":null,"errors":[{"message":"Cannot return null for non-nullable type: 'String' within parent 'Message' (/onNewMessage/content)"}]}}"#;
    let mut ann = Scenario::graphql_full();
    ann.receive(&graphql_data("s1", &graphql_message("m1", 1, "before")));
    ann.receive(unreadable);
    let first = ann.request();
    // Live messages do not hide the gap from the catch-up that fails and is made again.
    ann.receive(&graphql_data("s1", &graphql_message("m300", 300, "after")));
    ann.answer(&first, 500, &json!(null));
    ann.pass(Duration::from_secs(4));
    let recent = [graphql_message("m200", 200, "gap"), graphql_message("m300", 300, "after")];
    ann.answer_page(&recent, Some("c"));
    let older = [graphql_message("m1", 1, "before"), graphql_message("m100", 100, "gap too")];
    ann.answer_page(&older, None);
    assert_eq!(ann.rows().len(), 4);
    let mut ann = Scenario::graphql_basic();
    ann.receive(&graphql_data("s2", &graphql_message("m1", 1, "hi")));
    ann.receive(&unreadable.replace("s1", "s2"));
    assert_eq!(ann.rows(), ["Bo: hi [Sent]", "interruption"]);
}

#[test]
fn a_history_of_large_pages_is_read_to_where_it_meets_what_is_known() {
    let mut ann = Scenario::graphql_full();
    let text = "x".repeat(30_000);
    ann.receive(&graphql_data("s1", &graphql_message("m000", 0, "known")));
    ann.pass(Duration::from_secs(4));
    ann.requests();
    ann.close(1006);
    ann.wait_for_attempt();
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    // Three messages of 30 KB are a page.
    for page in (0..33).rev() {
        let messages = (1..=3).map(|number| {
            let number = page * 3 + number;
            graphql_message(&format!("m{number:03}"), 60 + number, &text)
        });
        let next = format!("c.{page}");
        ann.answer_page(&messages.collect::<Vec<_>>(), Some(&next));
    }
    ann.answer_page(&[graphql_message("m000", 0, "known")], None);
    assert_eq!(ann.rows().len(), 100);
    assert!(ann.rows()[0].starts_with("Bo: known"));
    assert!(ann.requests().is_empty());
}

#[test]
fn a_history_that_goes_round_in_circles_ends() {
    let same = || [graphql_message("m1", 1, "one"), graphql_message("m2", 2, "two")];
    for messages in [&same()[..], &[]] {
        let mut ann = Scenario::graphql_full();
        ann.receive(&graphql_data("s1", &graphql_message("m9", 900, "nine")));
        ann.close(1006);
        ann.wait_for_attempt();
        ann.open();
        ann.receive(ACK);
        ann.start_ack();
        ann.answer_page(messages, Some("again"));
        if let Some(request) = ann.requests().first() {
            let page = json!({"messages": messages, "nextCursor": "again"});
            ann.answer(request, 200, &json!({"data": {"messages": page}}));
        }
        assert!(ann.requests().is_empty(), "catching up");
        assert_ne!(ann.client.history(&ann.room), Some(History::More));
    }
    let mut ann = Scenario::of(graphql(Dialect::Full), api_key());
    ann.open();
    ann.receive(ACK);
    ann.start_ack();
    ann.answer_page(&same(), Some("again"));
    ann.command(Command::LoadOlder { room: ann.room.clone() });
    ann.answer_page(&same(), Some("another"));
    assert_eq!(ann.client.history(&ann.room), Some(History::Beginning));
}

#[test]
fn what_is_said_in_another_room_stays_there() {
    let mut ann = Scenario::graphql_full();
    let mut message = graphql_message("m1", 1, "elsewhere");
    message["roomId"] = "another".into();
    ann.receive(&graphql_data("s1", &message));
    message["roomId"] = Value::Null;
    message["content"] = "perhaps here".into();
    ann.receive(&graphql_data("s1", &message));
    assert_eq!(ann.rows(), ["Bo: perhaps here [Sent]"]);
}

#[test]
fn a_time_with_an_offset_has_its_place() {
    let mut ann = Scenario::graphql_basic();
    for (id, time) in [
        ("m2", "2025-10-29T04:00:02.000Z"),
        ("m1", "2025-10-29T13:00:01.000+09:00"),
        ("m3", "2025-10-28T23:30:03-04:30"),
    ] {
        let mut message = graphql_message(id, 0, id);
        message["createdAt"] = time.into();
        ann.receive(&graphql_data("s2", &message));
    }
    assert_eq!(ann.rows(), ["Bo: m1 [Sent]", "Bo: m2 [Sent]", "Bo: m3 [Sent]"]);
    assert!(ann.client.rows(&ann.room).all(|row| row.message().unwrap().time.is_some()));
}

#[test]
fn in_the_basic_schema_a_sender_is_a_name_unless_it_looks_like_an_id() {
    let mut ann = Scenario::graphql_basic();
    for (number, (sender, shown)) in [
        ("Andrea", Some("Andrea")),
        ("ann@example.com", Some("ann@example.com")),
        ("us-east-1:3fa85f64-5717-4562-b3fc-2c963f66afa6", None),
        ("3fa85f64-5717-4562-b3fc-2c963f66afa6", None),
        ("g-0f5ac46c", None),
    ]
    .into_iter()
    .enumerate()
    {
        let second = u32::try_from(number).unwrap();
        let mut message = graphql_message(&number.to_string(), second, "hi");
        message["sender"] = sender.into();
        message["senderName"] = Value::Null;
        message["senderKind"] = Value::Null;
        ann.receive(&graphql_data("s2", &message));
        let author = &ann.client.rows(&ann.room).last().and_then(Row::message).unwrap().author;
        let Author::Other { id, name, .. } = author else { panic!("{author:?}") };
        assert_eq!((id.as_str(), name.as_deref()), (sender, shown));
    }
}

#[test]
fn a_text_that_is_too_long_never_leaves() {
    let mut ann = Scenario::graphql_full();
    let text = "가".repeat(90_000);
    ann.send(&text);
    assert!(ann.requests().is_empty());
    assert!(matches!(
        ann.events.last(),
        Some(Event::SendRefused { reason: SendRefusal::TooLarge, text: back, .. }) if *back == text
    ));
    assert!(ann.client.text_size(&ann.room, &"a".repeat(235_000)).bytes < 240_000);
}

#[test]
fn requests_outlive_the_connection() {
    let mut ann = Scenario::graphql_full();
    ann.send("hi");
    let request = ann.request();
    ann.close(1006);
    let message = stored(&request, "m1", 1);
    ann.answer(&request, 200, &json!({"data": {"sendMessage": message}}));
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
}

#[test]
fn a_page_that_forbids_the_address_is_told() {
    let mut ann = Scenario::graphql_full();
    ann.send("hi");
    let request = ann.request();
    ann.fail(&request, HttpFailure::Blocked);
    assert_eq!(ann.rows(), ["me: hi [Failed(BlockedByPage)]"]);
}

#[test]
fn a_custom_domain_is_signed_for_its_own_host() {
    let api = config::Api::parse(config::ApiKind::Graphql, "https://api.example.com/graphql");
    let service = Service::AppsyncGraphql { api: api.unwrap(), dialect: Dialect::Auto };
    let mut ann = Scenario::of(service, SignIn::None);
    assert_eq!(ann.open(), "wss://api.example.com/graphql/realtime");
    assert_eq!(ann.subprotocols()[1], "header-eyJob3N0IjoiYXBpLmV4YW1wbGUuY29tIn0");
}
