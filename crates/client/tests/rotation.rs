//! Connections are replaced before their time is over, and nobody notices.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::time::Duration;

use proptest::prelude::*;
use roomlet_client::config::NamespaceKind;
use roomlet_client::*;
use scenario::appsync::*;
use scenario::sockets::Kind;
use scenario::{Scenario, broadcast};
use serde_json::json;

const FIRST: ConnectionId = ConnectionId(1);
const SECOND: ConnectionId = ConnectionId(2);
/// As long as the connection before stays at most.
const DRAIN: Duration = Duration::from_secs(16);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The first connection has lived until the second one is asked for.
fn until_second(kind: Kind) -> Scenario {
    let mut ann = kind.joined();
    let (second, _) = ann.live_until_next(kind, FIRST);
    assert_eq!(second, SECOND, "{kind:?}");
    ann
}

/// The second one has taken the place of the first.
fn change_over(kind: Kind, ann: &mut Scenario) {
    ann.opens(SECOND);
    kind.lets_in(ann, SECOND);
    // What nobody has asked for would be an error frame to what is in flight.
    if kind != Kind::Basic || ann.said(FIRST).last().is_some_and(|frame| frame["action"] == "ping")
    {
        ann.hear(FIRST, kind.sign_of_life());
    }
}

fn statuses(ann: &Scenario) -> Vec<Status> {
    let statuses = ann.events.iter().filter_map(|event| match event {
        Event::Status { status, .. } => Some(*status),
        _ => None,
    });
    statuses.collect()
}

#[test]
fn a_connection_is_replaced_before_the_service_ends_it() {
    for kind in Kind::ALL {
        let mut ann = kind.joined();
        let (_, minutes) = ann.live_until_next(kind, FIRST);
        let is_gateway = matches!(kind, Kind::Full | Kind::Basic);
        let planned = if is_gateway { 104..=116 } else { 1_349..=1_411 };
        assert!(planned.contains(&minutes), "{kind:?} after {minutes} minutes");
        assert_eq!(ann.given_up(), []);
    }
}

#[test]
fn the_next_one_joins_before_the_present_one_ends_and_nobody_notices() {
    for kind in Kind::ALL {
        let mut ann = until_second(kind);
        kind.delivers(&mut ann, FIRST, "m1", "one");
        ann.opens(SECOND);
        kind.delivers(&mut ann, FIRST, "m2", "two");
        kind.lets_in(&mut ann, SECOND);
        assert_eq!(ann.given_up(), [], "{kind:?}");
        kind.delivers(&mut ann, FIRST, "m3", "three");
        kind.delivers(&mut ann, SECOND, "m3", "three");
        kind.delivers(&mut ann, SECOND, "m4", "four");
        kind.delivers(&mut ann, FIRST, "m4", "four");
        ann.live_on(kind, SECOND, DRAIN);
        assert_eq!(ann.given_up(), [FIRST], "{kind:?}");
        kind.delivers(&mut ann, SECOND, "m5", "five");
        let rows = ["one", "two", "three", "four", "five"].map(|text| kind.row(text));
        assert_eq!(ann.rows(), rows, "{kind:?}");
        assert_eq!(statuses(&ann), [], "{kind:?}");
        ann.live_on(kind, SECOND, seconds(600));
        assert_eq!(ann.asked_for(), [FIRST, SECOND], "{kind:?}");
    }
}

#[test]
fn the_third_one_takes_the_place_of_the_second() {
    for kind in Kind::ALL {
        let mut ann = until_second(kind);
        change_over(kind, &mut ann);
        ann.live_on(kind, SECOND, DRAIN);
        let (third, minutes) = ann.live_until_next(kind, SECOND);
        assert!(minutes > 100, "{kind:?}");
        ann.opens(third);
        kind.lets_in(&mut ann, third);
        ann.hear(SECOND, kind.sign_of_life());
        ann.live_on(kind, third, DRAIN);
        assert_eq!(ann.given_up(), [FIRST, SECOND], "{kind:?}");
        assert_eq!(ann.rows(), <[String; 0]>::default(), "{kind:?}");
    }
}

#[test]
fn sends_go_to_the_present_connection_and_answers_of_the_one_before_count() {
    for kind in Kind::ALL {
        let mut ann = until_second(kind);
        ann.send("before");
        change_over(kind, &mut ann);
        // Its answer takes longer than things linger.
        ann.live_on(kind, SECOND, seconds(9));
        if kind != Kind::Graphql {
            assert_eq!(ann.given_up(), [], "{kind:?}");
        }
        kind.answers(&mut ann, FIRST);
        assert_eq!(ann.rows(), ["me: before [Sent]"], "{kind:?}");
        ann.live_on(kind, SECOND, seconds(1));
        assert_eq!(ann.given_up(), [FIRST], "{kind:?}: nothing more is due there");
        ann.send("after");
        match kind {
            Kind::Graphql => assert!(ann.requests().iter().any(|one| one.body.contains("after"))),
            _ => {
                let said = ann.said(SECOND);
                let said = said.last().map(ToString::to_string).unwrap_or_default();
                assert!(said.contains("after"), "{kind:?}: {said}");
            }
        }
        assert!(!ann.said(FIRST).iter().any(|frame| frame.to_string().contains("after")));
    }
}

#[test]
fn a_send_that_nobody_answers_keeps_the_connection_before_for_its_deadline() {
    let mut ann = until_second(Kind::Basic);
    ann.send("hi");
    ann.opens(SECOND);
    Kind::Basic.lets_in(&mut ann, SECOND);
    ann.live_on(Kind::Basic, SECOND, seconds(14));
    assert_eq!((ann.given_up(), ann.rows()), (vec![], vec!["me: hi [Sending]".to_owned()]));
    ann.live_on(Kind::Basic, SECOND, seconds(2));
    assert_eq!(ann.given_up(), [FIRST]);
    assert_eq!(ann.rows(), ["me: hi [NotConfirmed]"]);
}

#[test]
fn a_message_in_flight_that_the_service_takes_for_too_large_fails_on_its_own_connection() {
    for (closed, delivery) in [(FIRST, "Failed(TooLarge)"), (SECOND, "Sending")] {
        let mut ann = until_second(Kind::Full);
        ann.send("hi");
        change_over(Kind::Full, &mut ann);
        ann.closes(closed, 1009);
        assert_eq!(ann.rows(), [format!("me: hi [{delivery}]")], "{closed:?}");
    }
}

#[test]
fn credentials_that_expire_are_reason_to_replace_the_connection_in_time() {
    // Begins an hour before IN_AN_HOUR, and asks again so many seconds later.
    for (life, asked_after) in
        [(3_600, 3_480), (300, 180), (241, 121), (200, 100), (20, 10), (6, 5)]
    {
        let mut ann = Scenario::of(gateway(), cognito());
        ann.sign_in(jwt("ann", IN_AN_HOUR - 3_600 + life));
        ann.open();
        let opened = ann.now;
        Kind::Full.lets_in(&mut ann, FIRST);
        let reason = loop {
            ann.hear(FIRST, Kind::Full.sign_of_life());
            ann.pass(Duration::from_millis(500));
            if let Some((_, reason)) = ann.question() {
                break reason;
            }
            assert!(ann.now < 4_000_000, "the page is asked");
        };
        let after = (ann.now - opened) / 1_000;
        assert!(after.abs_diff(asked_after) <= 2, "{life}: {after}, not {asked_after}");
        assert_eq!(reason, AskReason::Connect);
        assert_eq!(ann.asked_for(), [FIRST], "not before the page has answered");
    }
}

#[test]
fn credentials_that_seem_to_have_expired_already_replace_nothing() {
    let mut ann = Scenario::of(gateway(), cognito());
    ann.sign_in(jwt("ann", IN_AN_HOUR - 7_200));
    ann.open();
    ann.live_on(Kind::Full, FIRST, seconds(12));
    assert_eq!((ann.asked_for(), ann.question()), (vec![FIRST], None), "the clock is wrong");
}

#[test]
fn a_connection_that_slept_past_its_time_is_replaced_on_waking() {
    for kind in [Kind::Full, Kind::Basic] {
        let mut ann = kind.joined();
        let wall = WallClock(1_761_710_760_000 + i64::try_from(ann.now).unwrap() + 118 * 60_000);
        let now = Now { monotonic: Timestamp(ann.now), wall };
        ann.client.handle(now, Input::Visibility(Visibility::Visible));
        let outputs = std::iter::from_fn(|| ann.client.poll_output()).collect::<Vec<_>>();
        let is_open = |output: &Output| matches!(output, Output::OpenSocket { .. });
        assert!(outputs.iter().any(is_open), "{kind:?}: {outputs:?}");
        assert!(!outputs.iter().any(|output| matches!(output, Output::CloseSocket { .. })));
    }
}

#[test]
fn a_next_one_that_comes_to_nothing_is_tried_again_ever_more_rarely() {
    for kind in Kind::ALL {
        let mut ann = kind.joined();
        let mut last = FIRST;
        let mut pauses = Vec::new();
        for number in 0..9 {
            let before = ann.now;
            let (next, _) = ann.live_until_next(kind, FIRST);
            pauses.push((ann.now - before) / 1_000);
            assert_eq!(next.0, last.0 + 1);
            last = next;
            match number % 3 {
                0 => ann.closes(next, 1006),
                1 => {
                    // Nobody answers the handshake.
                    ann.live_on(kind, FIRST, seconds(16));
                    assert!(ann.given_up().contains(&next), "{kind:?}");
                }
                _ => {
                    // It opens, and then nobody says anything.
                    ann.opens(next);
                    ann.live_on(kind, FIRST, seconds(31));
                    if kind != Kind::Basic {
                        assert!(ann.given_up().contains(&next), "{kind:?}");
                    } else if !ann.given_up().contains(&FIRST) {
                        panic!("a backend of the basic dialect owes no answer");
                    } else {
                        return;
                    }
                }
            }
        }
        let pauses = &pauses[1..];
        assert!(pauses[0] <= 40 && pauses.iter().all(|pause| *pause <= 480), "{pauses:?}");
        assert!(pauses[7] >= 240, "{pauses:?}");
        assert_eq!(ann.status(), Status::Online, "{kind:?}");
        assert_eq!(statuses(&ann), [], "{kind:?}");
        assert!(!ann.given_up().contains(&FIRST));
        assert_eq!(ann.rows(), <[String; 0]>::default(), "{kind:?}");
    }
}

#[test]
fn refused_credentials_are_renewed_once_and_cost_nobody_the_connection() {
    const REFUSED: &str = r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired.","errorCode":401}]}}"#;
    let mut ann = Scenario::signed_in();
    while ann.question().is_none() {
        ann.hear(FIRST, KEEP_ALIVE);
        ann.pass(seconds(10));
    }
    let mut asked = 0;
    let mut times = Vec::new();
    ann.events.clear();
    // The first question was taken out above; it is asked again where nobody answers.
    while times.len() < 4 {
        ann.hear(FIRST, KEEP_ALIVE);
        ann.pass(seconds(5));
        if let Some((question, reason)) = ann.question() {
            let answer = SignInAnswer::Credentials(jwt("ann", IN_AN_HOUR + 7_200 + asked));
            ann.input(Input::SignedIn { question, answer });
            asked += 1;
            let next = ann.connection();
            if next != FIRST {
                times.push((ann.now / 1_000, reason));
                ann.opens(next);
                ann.hear(next, REFUSED);
            }
        }
    }
    assert_eq!(times[0].1, AskReason::Connect);
    assert_eq!(times[1].1, AskReason::Refused);
    assert!(times[1].0 - times[0].0 <= 5, "other credentials at once: {times:?}");
    assert!(times[2].0 - times[1].0 >= 5, "then only after a pause: {times:?}");
    assert_eq!((ann.status(), statuses(&ann)), (Status::Online, vec![]));
    ann.hear(FIRST, &graphql_data("s1", &graphql_message("m1", 1, "still here")));
    assert_eq!(ann.rows(), ["Bo: still here [Sent]"]);
}

#[test]
fn where_the_present_one_is_lost_the_next_one_takes_its_place() {
    for kind in Kind::ALL {
        for has_opened in [false, true] {
            let mut ann = until_second(kind);
            kind.delivers(&mut ann, FIRST, "m1", "one");
            if has_opened {
                ann.opens(SECOND);
            }
            ann.closes(FIRST, 1006);
            ann.pass(seconds(1));
            assert_eq!(ann.asked_for(), [FIRST, SECOND], "{kind:?}: nobody tries beside it");
            if !has_opened {
                ann.opens(SECOND);
            }
            kind.lets_in(&mut ann, SECOND);
            assert_eq!(ann.status(), Status::Online, "{kind:?}");
            kind.delivers(&mut ann, SECOND, "m2", "two");
            let mut rows = vec![kind.row("one"), "interruption".into(), kind.row("two")];
            rows.retain(|row| row != "interruption" || !matches!(kind, Kind::Full | Kind::Graphql));
            assert_eq!(ann.rows(), rows, "{kind:?}");
        }
    }
}

#[test]
fn a_present_one_that_died_in_silence_leaves_its_row() {
    for kind in [Kind::Basic, Kind::Stamped, Kind::Raw] {
        let mut ann = until_second(kind);
        kind.delivers(&mut ann, FIRST, "m1", "one");
        ann.opens(SECOND);
        kind.lets_in(&mut ann, SECOND);
        ann.live_on(kind, SECOND, seconds(30));
        assert_eq!(ann.rows(), [kind.row("one"), "interruption".into()], "{kind:?}");
        assert_eq!((ann.given_up(), ann.asked_for()), (vec![FIRST], vec![FIRST, SECOND]));
        assert_eq!(statuses(&ann), [], "{kind:?}");
    }
}

#[test]
fn where_the_one_before_is_lost_nothing_happens() {
    for kind in Kind::ALL {
        let mut ann = until_second(kind);
        change_over(kind, &mut ann);
        ann.closes(FIRST, 1001);
        ann.live_on(kind, SECOND, DRAIN);
        assert_eq!((ann.given_up(), statuses(&ann)), (vec![], vec![]), "{kind:?}");
        assert_eq!(ann.asked_for(), [FIRST, SECOND], "{kind:?}");
    }
}

#[test]
fn an_own_message_of_the_basic_dialect_is_nobody_elses_for_a_moment() {
    for echoes in [[FIRST, SECOND], [SECOND, FIRST]] {
        let mut ann = until_second(Kind::Basic);
        ann.opens(SECOND);
        ann.send("hi");
        for socket in echoes {
            ann.hear(socket, &broadcast("me=", "hi"));
            assert_eq!(ann.rows(), ["me: hi [Sent]"], "{echoes:?}");
        }
        Kind::Basic.lets_in(&mut ann, SECOND);
        ann.hear(FIRST, Kind::Basic.sign_of_life());
        ann.send("ho");
        for socket in echoes {
            ann.hear(socket, &broadcast("me too=", "ho"));
            assert_eq!(ann.rows(), ["me: hi [Sent]", "me: ho [Sent]"], "{echoes:?}");
        }
        // A broadcast of old may be slow.
        ann.live_on(Kind::Basic, SECOND, DRAIN);
        let again = broadcast("me=", "hi").replace("04:06", "04:07");
        ann.hear(SECOND, &again);
        assert_eq!(ann.rows().last().unwrap(), "me: hi [Sent]");
    }
}

#[test]
fn an_own_message_of_the_basic_schema_is_nobody_elses_for_a_moment() {
    let mut ann = Scenario::graphql_basic();
    let (second, _) = ann.live_until_next(Kind::Graphql, FIRST);
    ann.requests();
    ann.send("hi");
    let request = ann.request();
    let message = json!({"id": "m1", "roomId": "lobby", "sender": "x", "content": "hi",
        "createdAt": "2025-10-29T04:00:02.000Z"});
    ann.opens(second);
    Kind::Graphql.lets_in(&mut ann, second);
    let subscription = ann.subscription(second);
    ann.hear(second, &graphql_data(&subscription, &message));
    ann.hear(FIRST, &graphql_data("s2", &message));
    assert_eq!(ann.rows(), ["me: hi [Sending]"]);
    ann.answer(&request, 200, &json!({"data": {"sendMessage": message}}));
    assert_eq!(ann.rows(), ["me: hi [Sent]"]);
}

#[test]
fn an_own_message_of_a_raw_namespace_is_shown_once() {
    for echoes in [[FIRST, SECOND], [SECOND, FIRST]] {
        let mut ann = until_second(Kind::Raw);
        ann.send("hi");
        change_over(Kind::Raw, &mut ann);
        let publish = ann.last_said(FIRST, "publish");
        let event = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
        for socket in echoes {
            let subscription = ann.subscription_or("s1", socket);
            ann.hear(socket, &event_data(&subscription, &event));
            assert_eq!(ann.rows(), ["me: hi [Sent]"], "{echoes:?}");
        }
    }
}

#[test]
fn what_cannot_be_told_apart_is_taken_from_the_present_connection() {
    let notice = r#"{"news":"of the backend"}"#;
    let timeless = r#"{"roomId":"lobby","text":"hi","senderConnectionId":"bo="}"#;
    let mut ann = until_second(Kind::Basic);
    ann.opens(SECOND);
    for socket in [FIRST, SECOND] {
        ann.hear(socket, notice);
        ann.hear(socket, timeless);
    }
    let rows = [format!("notice: {notice}"), "bo=: hi [Sent]".to_owned()];
    assert_eq!(ann.rows(), rows);
    Kind::Basic.lets_in(&mut ann, SECOND);
    ann.hear(FIRST, Kind::Basic.sign_of_life());
    for socket in [FIRST, SECOND] {
        ann.hear(socket, notice);
        ann.hear(socket, timeless);
    }
    assert_eq!(ann.rows(), [rows.clone(), rows].concat());
}

#[test]
fn two_equal_messages_at_one_time_stay_two() {
    let mut ann = until_second(Kind::Basic);
    ann.hear(FIRST, &broadcast("bo=", "hi"));
    ann.opens(SECOND);
    for socket in [FIRST, SECOND, SECOND] {
        ann.hear(socket, &broadcast("bo=", "hi"));
    }
    assert_eq!(ann.rows().len(), 2);
}

#[test]
fn history_is_looked_at_once_more_after_the_change() {
    let mut ann = until_second(Kind::Graphql);
    ann.requests();
    change_over(Kind::Graphql, &mut ann);
    ann.pass(seconds(4));
    ann.answer_page(&[graphql_message("m1", 1, "late")], None);
    assert_eq!(ann.rows(), ["Bo: late [Sent]"]);
}

#[test]
fn history_that_was_on_its_way_is_asked_for_on_the_next_connection() {
    let mut ann = until_second(Kind::Full);
    ann.close(1006);
    ann.closes(FIRST, 1006);
    ann.wait_for_attempt();
    let third = ann.connection();
    ann.opens(third);
    Kind::Full.lets_in(&mut ann, third);
    let (fourth, _) = ann.live_until_next(Kind::Full, third);
    ann.opens(fourth);
    Kind::Full.lets_in(&mut ann, fourth);
    ann.hear(third, Kind::Full.sign_of_life());
    ann.live_on(Kind::Full, fourth, seconds(5));
    assert_eq!(ann.last_said(fourth, "history")["action"], "history");
}

#[test]
fn whatever_ends_the_connection_ends_the_one_beside_it() {
    type End = fn(&mut Scenario);
    let ends: [(&str, bool, End); 3] = [
        ("sign-out", false, |ann| ann.command(Command::SignOut)),
        ("another name", true, |ann| ann.command(Command::SetName(DisplayName::parse("Anna")))),
        ("room closed", false, |ann| {
            for number in 0..MAX_ROOMS {
                let room = RoomId::parse(&format!("room {number}")).unwrap();
                ann.command(Command::OpenRoom(room));
            }
        }),
    ];
    for kind in Kind::ALL {
        let is_gateway = matches!(kind, Kind::Full | Kind::Basic);
        for (name, only_full, end) in ends {
            let concerns = match (name, only_full) {
                ("sign-out", _) => true,
                (_, true) => kind == Kind::Full,
                (_, false) => is_gateway,
            };
            for stage in 0..4 {
                let mut ann = until_second(kind);
                if stage > 0 {
                    ann.opens(SECOND);
                }
                if stage > 1 {
                    kind.lets_in(&mut ann, SECOND);
                }
                if stage > 2 {
                    ann.hear(FIRST, kind.sign_of_life());
                }
                if !concerns {
                    continue;
                }
                end(&mut ann);
                let mut closed = ann.given_up();
                closed.sort();
                assert_eq!(closed, [FIRST, SECOND], "{kind:?}, {name}, stage {stage}");
            }
        }
    }
}

#[test]
fn somebody_else_who_signs_in_for_the_next_connection_gets_connections_of_their_own() {
    let mut ann = Scenario::signed_in();
    ann.hear(FIRST, &graphql_data("s1", &graphql_message("m1", 1, "for Ann")));
    let question = loop {
        ann.hear(FIRST, KEEP_ALIVE);
        ann.pass(seconds(10));
        if let Some((question, _)) = ann.question() {
            break question;
        }
    };
    let answer = SignInAnswer::Credentials(jwt("bo", IN_AN_HOUR + 7_200));
    ann.input(Input::SignedIn { question, answer });
    assert_eq!((ann.given_up(), ann.asked_for()), (vec![FIRST], vec![FIRST, SECOND]));
    assert_eq!(ann.rows(), <[String; 0]>::default());
}

#[test]
fn a_room_that_is_opened_meanwhile_is_joined_on_both() {
    for kind in [Kind::Graphql, Kind::Stamped] {
        let mut ann = until_second(kind);
        ann.opens(SECOND);
        ann.command(Command::OpenRoom(RoomId::parse("tea").unwrap()));
        ann.hear(SECOND, if kind == Kind::Graphql { ACK } else { EVENTS_ACK });
        let starts = |ann: &Scenario, socket| {
            let said = ann.said(socket);
            let is_start = |kind: &str| kind == "start" || kind == "subscribe";
            said.iter().filter(|frame| frame["type"].as_str().is_some_and(is_start)).count()
        };
        assert_eq!((starts(&ann, FIRST) > 0, starts(&ann, SECOND)), (true, 2), "{kind:?}");
    }
}

#[test]
fn all_rooms_are_joined_before_the_places_change() {
    let tea = RoomId::parse("tea").unwrap();
    let mut ann = Scenario::events(NamespaceKind::Raw);
    ann.command(Command::OpenRoom(tea.clone()));
    ann.subscribe_success();
    let (second, _) = ann.live_until_next(Kind::Raw, FIRST);
    ann.opens(second);
    ann.hear(second, EVENTS_ACK);
    let ids = ann
        .said(second)
        .iter()
        .filter(|one| one["type"] == "subscribe")
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(ids.len(), 2);
    ann.hear(second, &json!({"type": "subscribe_success", "id": ids[0]["id"]}).to_string());
    ann.hear(FIRST, KEEP_ALIVE);
    ann.send("by the first");
    assert_eq!(ann.last_said(FIRST, "publish")["type"], "publish");
    ann.hear(second, &json!({"type": "subscribe_success", "id": ids[1]["id"]}).to_string());
    ann.hear(FIRST, KEEP_ALIVE);
    ann.command(Command::Send { room: tea, text: "by the second".into() });
    assert!(ann.last_said(second, "publish").to_string().contains("by the second"));
}

#[test]
fn a_room_that_the_next_connection_may_not_have_stays_with_the_present_one() {
    let mut ann = until_second(Kind::Graphql);
    ann.opens(SECOND);
    ann.hear(SECOND, ACK);
    let error = json!({"errorType": "Unauthorized", "message": "Not Authorized to access onNewMessage on type Subscription"});
    let id = ann.subscription(SECOND);
    let refused = json!({"id": id, "type": "error", "payload": {"errors": [error]}});
    ann.hear(SECOND, &refused.to_string());
    assert_eq!((ann.given_up(), ann.status()), (vec![SECOND], Status::Online));
    Kind::Graphql.delivers(&mut ann, FIRST, "m1", "still here");
    assert_eq!(ann.rows(), ["Bo: still here [Sent]"]);
}

#[test]
fn a_policy_that_blocks_the_next_connection_leaves_the_present_one() {
    for kind in Kind::ALL {
        let mut ann = until_second(kind);
        ann.input(Input::SocketBlocked { connection: SECOND });
        assert_eq!((ann.status(), ann.given_up()), (Status::Online, vec![]), "{kind:?}");
    }
}

#[test]
fn the_network_coming_back_is_a_good_moment_to_try_again() {
    let mut ann = until_second(Kind::Full);
    for _ in 0..6 {
        let last = ann.connection();
        ann.closes(last, 1006);
        ann.live_until_next(Kind::Full, FIRST);
    }
    let last = ann.connection();
    ann.closes(last, 1006);
    ann.live_on(Kind::Full, FIRST, seconds(3));
    assert_eq!(ann.connection(), last);
    ann.input(Input::Network(Network::Online));
    ann.pass(seconds(1));
    assert_ne!(ann.connection(), last);
}

#[test]
fn after_a_sleep_appsync_connects_anew_at_once_and_after_a_nap_it_does_not() {
    for kind in [Kind::Graphql, Kind::Stamped, Kind::Raw] {
        for (slept, connects) in [(62_000, false), (66_000, true), (8 * 3_600_000, true)] {
            let mut ann = kind.joined();
            ann.hear(FIRST, KEEP_ALIVE);
            let wall = WallClock(1_761_710_760_000 + i64::try_from(ann.now).unwrap() + slept);
            let now = Now { monotonic: Timestamp(ann.now), wall };
            ann.client.handle(now, Input::TimeDue);
            ann.outputs.clear();
            ann.outputs.extend(std::iter::from_fn(|| ann.client.poll_output()));
            let expected = if connects { (vec![FIRST], 1) } else { (vec![], 0) };
            assert_eq!((ann.given_up(), ann.asked_for().len()), expected, "{kind:?} {slept}");
        }
    }
}

#[test]
fn no_close_of_the_servers_is_final() {
    for kind in Kind::ALL {
        for code in [1000, 1001, 1005, 1006, 1008, 1011, 1012] {
            let mut ann = kind.joined();
            ann.closes(FIRST, code);
            ann.wait_for_attempt();
            assert_eq!(ann.asked_for(), [FIRST, SECOND], "{kind:?}: {code}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever comes in whatever order, nothing panics, there are two sockets at most, and none of them is forgotten.
    #[test]
    fn sockets_never_pile_up(
        kind in 0_usize..5,
        steps in prop::collection::vec((0_u8..15, 0_usize..8), 0..60),
    ) {
        let kind = Kind::ALL[kind];
        let mut ann = until_second(kind);
        let mut closed = Vec::new();
        for (step, number) in steps {
            let asked = ann.asked_for();
            // Mostly the newest, which is where something is going on.
            let socket = asked[asked.len() - 1 - number.min(asked.len() - 1) / 3];
            match step {
                0 | 1 => ann.opens(socket),
                2 | 3 => kind.lets_in(&mut ann, socket),
                4 | 5 => {
                    closed.push(socket);
                    ann.closes(socket, if number % 2 == 0 { 1006 } else { 1001 });
                }
                6 => ann.hear(socket, kind.sign_of_life()),
                7 => kind.delivers(&mut ann, socket, &format!("m{number}"), "hi"),
                8 => ann.send("ho"),
                9 => ann.pass(seconds(1 << number)),
                10 => ann.input(Input::Network(Network::Online)),
                11 => ann.input(Input::Visibility(Visibility::Visible)),
                12 => ann.now += 7_200_000,
                13 if number < 2 => ann.command(Command::SignOut),
                13 => ann.command(Command::Reconnect),
                _ if number < 2 => {
                    closed.push(socket);
                    ann.input(Input::SocketBlocked { connection: socket });
                }
                _ => ann.command(Command::SetName(DisplayName::parse(&number.to_string()))),
            }
            let mut live = ann.asked_for();
            let given_up = ann.given_up();
            live.retain(|socket| !given_up.contains(socket) && !closed.contains(socket));
            prop_assert!(live.len() <= 2, "{:?}: {:?} are live", kind, live);
        }
        ann.command(Command::SignOut);
        let given_up = ann.given_up();
        let mut live = ann.asked_for();
        live.retain(|socket| !given_up.contains(socket) && !closed.contains(socket));
        prop_assert!(live.is_empty(), "{:?}: {:?} are forgotten", kind, live);
    }
}

#[test]
fn equal_words_that_come_again_after_the_change_are_new_ones() {
    let mut ann = until_second(Kind::Basic);
    // The next connection is not open yet, and never hears of it.
    ann.hear(FIRST, "ok");
    ann.pass(seconds(3));
    change_over(Kind::Basic, &mut ann);
    ann.live_on(Kind::Basic, SECOND, seconds(6));
    assert_eq!(ann.given_up(), [FIRST]);
    ann.hear(SECOND, "ok");
    assert_eq!(ann.rows(), ["notice: ok", "notice: ok"]);
}

/// Another room is opened while the next connection is on its way, and the one before is the first to join it.
fn room_joined_by_the_one_before(kind: Kind) -> (Scenario, RoomId, String, String) {
    let mut ann = until_second(kind);
    ann.opens(SECOND);
    kind.lets_in(&mut ann, SECOND);
    let dance = RoomId::parse("dance").unwrap();
    ann.command(Command::OpenRoom(dance.clone()));
    let of = |socket| ann.last_said(socket, "subscribe")["id"].as_str().unwrap().to_owned();
    let (before, next) = (of(FIRST), of(SECOND));
    // It shows life, and its place is taken.
    ann.hear(FIRST, kind.sign_of_life());
    ann.hear(FIRST, &json!({"type": "subscribe_success", "id": before}).to_string());
    (ann, dance, before, next)
}

fn said_in_dance(subscription: &str, text: &str) -> String {
    event_data(
        subscription,
        &json!({
            "id": text, "roomId": "dance", "text": text, "createdAt": "2025-10-29T04:00:01.000Z",
            "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"},
        }),
    )
}

#[test]
fn a_room_that_the_connection_before_was_the_first_to_join_leaves_a_row_when_that_one_ends() {
    for kind in [Kind::Stamped, Kind::Raw] {
        let (mut ann, dance, before, next) = room_joined_by_the_one_before(kind);
        ann.hear(FIRST, &said_in_dance(&before, "one"));
        ann.pass(seconds(6));
        assert_eq!(ann.given_up(), [FIRST], "{kind:?}");
        // Nobody was in the room for a while.
        ann.hear(SECOND, &json!({"type": "subscribe_success", "id": next}).to_string());
        ann.hear(SECOND, &said_in_dance(&next, "two"));
        let rows = [kind.row("one"), "interruption".into(), kind.row("two")];
        assert_eq!(ann.rows_of(&dance), rows, "{kind:?}");
    }
}

#[test]
fn a_room_that_the_next_connection_was_the_first_to_join_was_never_left() {
    for kind in [Kind::Stamped, Kind::Raw] {
        let mut ann = until_second(kind);
        ann.opens(SECOND);
        kind.lets_in(&mut ann, SECOND);
        let dance = RoomId::parse("dance").unwrap();
        ann.command(Command::OpenRoom(dance.clone()));
        let next = ann.last_said(SECOND, "subscribe")["id"].as_str().unwrap().to_owned();
        ann.hear(SECOND, &json!({"type": "subscribe_success", "id": next}).to_string());
        ann.hear(SECOND, &said_in_dance(&next, "one"));
        // It takes the place of the other one, which has not got in.
        ann.hear(FIRST, kind.sign_of_life());
        ann.hear(SECOND, &said_in_dance(&next, "two"));
        ann.pass(DRAIN);
        assert_eq!(ann.given_up(), [FIRST], "{kind:?}");
        assert_eq!(ann.rows_of(&dance), [kind.row("one"), kind.row("two")], "{kind:?}");
    }
}
