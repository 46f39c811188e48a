//! Several tabs of one person, and several persons of one device.

mod scenario;

use std::time::Duration;

use roomlet_client::config::{NamespaceKind, SignIn};
use roomlet_client::{
    Command, Credentials, Event, Input, Output, RoomId, StorageAnswer, Visibility, WallClock,
};
use scenario::appsync::{EVENTS_ACK, IN_AN_HOUR, api_key, cognito, event_data, events, jwt};
use scenario::disk::{Disk, Tab, gateway};
use scenario::{FORBIDDEN, WELCOME, broadcast, live};
use serde_json::json;

#[test]
fn of_several_tabs_one_takes_over_what_another_has_left() {
    let disk = Disk::default();
    let mut gone = Tab::full(&disk, 1);
    gone.scenario.close(1006);
    gone.scenario.send("hi");
    let (mut one, mut two) = (Tab::full(&disk, 2), Tab::full(&disk, 3));
    gone.run_disk();
    let told = gone.told.clone();
    for tab in [&mut one, &mut two] {
        for news in told.clone() {
            tab.scenario.input(Input::HeardTab { news });
        }
        tab.run_disk();
        assert_eq!(tab.watched.len(), 1);
    }
    drop(gone);
    one.others_are_gone();
    two.others_are_gone();
    assert_eq!((one.sends().len(), two.sends().len()), (1, 0));
    assert_eq!(two.rows(), [""; 0]);
    drop(one);
    two.run_disk();
    assert_eq!(disk.unsent(), 1);
}

#[test]
fn who_takes_over_says_so_that_somebody_watches() {
    let disk = Disk::default();
    let mut gone = Tab::guest(&disk, 1);
    gone.scenario.send("hi");
    gone.run_disk();
    let mut heir = Tab::guest(&disk, 2);
    let mut third = Tab::guest(&disk, 3);
    heir.others_are_gone();
    third.watched.clear();
    third.hear(&mut heir);
    assert_eq!(third.watched, heir.id.clone().into_iter().collect::<Vec<_>>());
    drop(heir);
    third.others_are_gone();
    assert_eq!(third.rows(), ["me: hi [Queued]"]);
}

#[test]
fn what_a_person_has_not_sent_is_never_anothers() {
    let disk = Disk::default();
    let mut tab = Tab::new(&disk, 1, gateway(), cognito());
    tab.scenario.sign_in(jwt("ann", IN_AN_HOUR));
    tab.run_disk();
    tab.scenario.send("of ann");
    tab.run_disk();
    assert_eq!(disk.unsent(), 1);
    drop(tab);

    let mut tab = Tab::new(&disk, 2, gateway(), cognito());
    tab.scenario.sign_in(jwt("bo", IN_AN_HOUR));
    tab.run_disk();
    tab.others_are_gone();
    assert_eq!(tab.rows(), [""; 0]);
    tab.scenario.send("of bo");
    tab.run_disk();
    drop(tab);

    let mut tab = Tab::new(&disk, 3, gateway(), cognito());
    tab.scenario.sign_in(jwt("ann", IN_AN_HOUR));
    tab.run_disk();
    tab.others_are_gone();
    assert_eq!(tab.rows(), ["me: of ann [Queued]"]);
    assert_eq!(disk.unsent(), 2);
}

#[test]
fn who_comes_back_in_the_same_page_finds_what_they_had_not_sent() {
    let disk = Disk::default();
    let mut tab = Tab::new(&disk, 1, gateway(), cognito());
    tab.scenario.sign_in(jwt("ann", IN_AN_HOUR));
    tab.run_disk();
    tab.scenario.send("of ann");
    tab.write_draft("ann is thinking");
    tab.run_disk();
    tab.scenario.input(Input::Visibility(Visibility::Hidden));
    tab.run_disk();
    for (subject, rows, draft) in
        [("bo", vec![], ""), ("ann", vec!["me: of ann [Queued]"], "ann is thinking")]
    {
        tab.scenario.open();
        tab.scenario.close(1006);
        tab.scenario.wait_for_question();
        tab.scenario.sign_in(jwt(subject, IN_AN_HOUR));
        tab.run_disk();
        tab.others_are_gone();
        assert_eq!(tab.rows(), rows, "{subject}");
        assert_eq!(tab.draft(), draft, "{subject}");
        let forgotten = tab.scenario.events.extract_if(.., |event| *event == Event::Forgotten);
        assert_eq!(forgotten.count(), 1, "{subject}");
    }
}

#[test]
fn signing_out_deletes_what_the_device_has_and_other_tabs_keep_nothing_any_more() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    let mut other = Tab::full(&disk, 2);
    for one in [&mut tab, &mut other] {
        one.scenario.close(1006);
        one.scenario.send("hi");
        one.write_draft("half");
        one.run_disk();
    }
    tab.scenario.command(Command::SignOut);
    other.hear(&mut tab);
    assert_eq!(disk.names(|_| true), [""; 0]);
    assert_eq!(tab.rows(), [""; 0]);
    assert_eq!(other.rows(), ["me: hi [Queued]"], "its own page says when it ends");
    other.write_draft("half of another");
    other.scenario.send("more");
    other.scenario.pass(Duration::from_secs(5));
    other.run_disk();
    assert_eq!(disk.names(|_| true), [""; 0]);
}

#[test]
fn a_message_of_another_tab_is_ones_own() {
    let disk = Disk::default();
    let mut tabs = [1, 2].map(|seed| {
        let mut tab = Tab::new(&disk, seed, events(NamespaceKind::Raw), api_key());
        tab.run_disk();
        tab.scenario.open();
        tab.scenario.receive(r#"{"type":"connection_ack","connectionTimeoutMs":300000}"#);
        tab.scenario.subscribe_success();
        tab
    });
    let [writer, reader] = &mut tabs;
    writer.scenario.send("hi");
    reader.hear(writer);
    let publish = writer.scenario.frames().into_iter().find(|frame| frame.contains("publish"));
    let publish: serde_json::Value = serde_json::from_str(&publish.unwrap()).unwrap();
    let event: serde_json::Value =
        serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    reader.scenario.receive(&event_data("s1", &event));
    assert_eq!(reader.rows(), ["me: hi [Sent]"]);
}

#[test]
fn an_echo_that_comes_before_the_message_is_taken_over_is_ones_own() {
    let disk = Disk::default();
    let open = |seed| {
        let mut tab = Tab::new(&disk, seed, events(NamespaceKind::Raw), api_key());
        tab.run_disk();
        tab.scenario.open();
        tab.scenario.receive(r#"{"type":"connection_ack","connectionTimeoutMs":300000}"#);
        tab.scenario.subscribe_success();
        tab
    };
    let mut tab = open(1);
    tab.scenario.send("hi");
    tab.run_disk();
    let publish = tab.scenario.frames().into_iter().find(|frame| frame.contains("publish"));
    let publish: serde_json::Value = serde_json::from_str(&publish.unwrap()).unwrap();
    let event: serde_json::Value =
        serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    drop(tab);
    let mut tab = open(2);
    tab.scenario.receive(&event_data("s1", &event));
    tab.others_are_gone();
    assert_eq!(tab.rows(), ["me: hi [Sent]"]);
    assert_eq!(disk.unsent(), 0);
}

#[test]
fn what_one_has_sent_is_ones_own_after_a_reload() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.send("hi");
    tab.run_disk();
    let send = tab.sends().remove(0);
    tab.acknowledge(&send, "m1");
    drop(tab);
    // The backend does not say who we are.
    let mut tab = Tab::guest(&disk, 2);
    tab.connect(r#"{"type":"welcome","features":["history"],"connectionId":"me="}"#);
    let message = json!({
        "id": "m1", "roomId": "lobby", "text": "hi", "createdAt": "2025-10-29T04:06:00.000Z",
        "clientMessageId": send["clientMessageId"],
        "sender": {"id": "g-me", "name": "Ann", "kind": "guest"},
    });
    tab.scenario.answer_history(&[message], None);
    assert_eq!(tab.rows(), ["me: hi [Sent]"]);
}

#[test]
fn a_draft_is_kept_and_shared() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    let mut other = Tab::guest(&disk, 2);
    tab.write_draft("half a th");
    tab.write_draft("half a thought");
    assert_eq!(disk.names(|_| true).len(), 0);
    tab.scenario.pass(Duration::from_millis(300));
    other.hear(&mut tab);
    assert_eq!(other.draft(), "half a thought");
    let heard =
        |event: &Event| matches!(event, Event::Draft { text, .. } if text == "half a thought");
    assert!(other.scenario.events.iter().any(heard));
    assert!(!tab.scenario.events.iter().any(heard), "the writer's own screen has it");
    drop((tab, other));
    let mut tab = Tab::guest(&disk, 3);
    assert_eq!(tab.draft(), "half a thought");
    tab.write_draft("");
    tab.scenario.input(Input::Visibility(Visibility::Hidden));
    tab.run_disk();
    assert_eq!(disk.names(|_| true), [""; 0], "a page that goes may not come back");
}

#[test]
fn a_draft_that_was_sent_is_none_in_any_tab() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    let mut other = Tab::full(&disk, 2);
    tab.write_draft("hello");
    tab.run_disk();
    tab.scenario.pass(Duration::from_millis(300));
    other.hear(&mut tab);
    assert_eq!(other.draft(), "hello");
    // As the composer does it: the field is empty once the message is taken.
    tab.scenario.send("hello");
    tab.write_draft("");
    tab.run_disk();
    tab.scenario.pass(Duration::from_millis(300));
    other.hear(&mut tab);
    assert_eq!((tab.draft(), other.draft()), ("", ""));
}

#[test]
fn unread_messages_are_counted_until_they_are_read_in_any_tab_and_after_a_reload() {
    let disk = Disk::default();
    let mut tabs = [Tab::full(&disk, 1), Tab::full(&disk, 2)];
    for tab in &mut tabs {
        for second in 1..=3 {
            tab.scenario.receive(&live(&format!("m{second}"), second, "news"));
        }
        assert_eq!(tab.scenario.client.unread(&RoomId::default()), 3);
    }
    let [tab, other] = &mut tabs;
    let (room, row) = (RoomId::default(), tab.scenario.row_id(1));
    tab.scenario.command(Command::MarkRead { room, row });
    assert_eq!(tab.scenario.client.unread(&RoomId::default()), 1);
    tab.scenario.pass(Duration::from_millis(300));
    other.hear(tab);
    assert_eq!(other.scenario.client.unread(&RoomId::default()), 1);
    // It only moves on.
    let (room, row) = (RoomId::default(), tab.scenario.row_id(0));
    tab.scenario.command(Command::MarkRead { room, row });
    assert_eq!(tab.scenario.client.unread(&RoomId::default()), 1);
    drop(tabs);
    let mut tab = Tab::guest(&disk, 3);
    tab.connect(WELCOME);
    let history = (1..=4).map(|second| scenario::message(&format!("m{second}"), second, "news"));
    tab.scenario.answer_history(&history.collect::<Vec<_>>(), None);
    assert_eq!(tab.scenario.client.unread(&RoomId::default()), 2);
    let told = Event::Unread { room: RoomId::default(), count: 2 };
    assert_eq!(tab.scenario.events.iter().filter(|event| **event == told).count(), 1);
}

#[test]
fn who_comes_for_the_first_time_has_missed_nothing() {
    let mut tab = Tab::guest(&Disk::default(), 1);
    tab.connect(WELCOME);
    tab.scenario.answer_history(&[scenario::message("m1", 1, "old")], None);
    assert_eq!(tab.scenario.client.unread(&RoomId::default()), 0);
    tab.scenario.receive(&live("m2", 2, "new"));
    assert_eq!(tab.scenario.client.unread(&RoomId::default()), 1);
}

#[test]
fn where_nothing_has_a_place_tabs_tell_what_was_read_by_when_it_came() {
    let disk = Disk::default();
    let mut tabs = [Tab::basic(&disk, 1), Tab::basic(&disk, 2)];
    for tab in &mut tabs {
        tab.scenario.receive(&broadcast("bo=", "early"));
        tab.scenario.now += 60_000;
        tab.scenario.receive(&broadcast("cy=", "late"));
        tab.scenario.receive(FORBIDDEN);
        assert_eq!(tab.scenario.client.unread(&RoomId::default()), 2);
    }
    let [tab, other] = &mut tabs;
    let (room, row) = (RoomId::default(), tab.scenario.row_id(0));
    tab.scenario.command(Command::MarkRead { room, row });
    tab.scenario.pass(Duration::from_millis(300));
    other.hear(tab);
    assert_eq!(other.scenario.client.unread(&RoomId::default()), 1);
}

#[test]
fn a_tab_that_is_heard_while_the_disk_is_being_opened_is_watched() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    let mut late = Tab::new(&disk, 2, gateway(), SignIn::None);
    // What the disk has is read before the message is there, and reported after the news of it.
    tab.scenario.send("hi");
    tab.run_disk();
    for news in std::mem::take(&mut tab.told) {
        late.scenario.input(Input::HeardTab { news });
    }
    late.answer_opening(Vec::new());
    late.run_disk();
    assert_eq!(late.watched, tab.id.clone().into_iter().collect::<Vec<_>>());
    drop(tab);
    late.others_are_gone();
    assert_eq!(late.rows(), ["me: hi [Queued]"]);
}

/// Where there are no locks, a tab that the browser has slowed down looks like one that is gone.
#[test]
fn a_tab_that_was_taken_for_gone_is_watched_again_once_it_has_something_to_lose() {
    let disk = Disk::default();
    let mut slow = Tab::guest(&disk, 1);
    slow.scenario.send("one");
    slow.run_disk();
    let mut other = Tab::guest(&disk, 2);
    other.others_are_gone();
    assert_eq!(other.rows(), ["me: one [Queued]"]);
    slow.told.clear();
    slow.scenario.send("two");
    other.hear(&mut slow);
    drop(slow);
    other.others_are_gone();
    assert_eq!(other.rows(), ["me: one [Queued]", "me: two [Queued]"]);
}

/// The same: whoever wakes up in it must not send what the other tab may have sent.
#[test]
fn what_another_tab_has_taken_over_is_not_sent_by_trying_again_here() {
    for asleep in [0, 3_600_000] {
        let disk = Disk::default();
        let mut slow = Tab::basic(&disk, 1);
        slow.scenario.send("hi");
        slow.run_disk();
        assert_eq!(slow.sends().len(), 1);
        slow.scenario.close(1006);
        slow.run_disk();
        slow.scenario.wait_for_attempt();
        slow.connect(FORBIDDEN);
        assert_eq!(slow.rows(), ["me: hi [NotConfirmed]"]);
        let mut other = Tab::basic(&disk, 2);
        other.others_are_gone();
        let retry = |tab: &mut Tab| {
            let (room, row) = (tab.scenario.room.clone(), tab.scenario.row_id(0));
            tab.scenario.command(Command::Retry { room, row });
            tab.run_disk();
            tab.sends().len()
        };
        assert_eq!(retry(&mut other), 1);
        slow.scenario.wall_error = asleep;
        assert_eq!(retry(&mut slow), 0);
        assert_eq!(slow.rows(), [""; 0], "it is shown where it is now");
    }
}

/// The same, of what waited for credentials in the page that slept.
#[test]
fn what_waited_for_credentials_is_not_sent_before_the_disk_says_whose_it_is() {
    for kind in [NamespaceKind::Stamped, NamespaceKind::Raw] {
        let disk = Disk::default();
        let mut slow = waiting_for_credentials(&disk, kind);
        let mut other = signed_in(&disk, kind);
        slow.scenario.now += 60_000;
        other.others_are_silent(Duration::from_secs(60));
        other.pass(Duration::from_secs(10));
        assert_eq!(other.rows().len(), 1, "it is the other one's now");
        slow.scenario.sign_in(expired());
        slow.run_disk();
        assert_eq!((slow.rows().len(), slow.scenario.sent().len()), (0, 0));
    }
}

/// The same, where the disk has failed since, and does what it is asked even so.
#[test]
fn what_the_disk_says_is_anothers_does_not_wait_for_credentials_any_more() {
    for kind in [NamespaceKind::Stamped, NamespaceKind::Raw] {
        let disk = Disk::default();
        let mut slow = waiting_for_credentials(&disk, kind);
        slow.write_draft("half a thought");
        slow.scenario.pass(Duration::from_secs(1));
        while let Some(output) = slow.scenario.storage.pop_front() {
            if let Output::WriteStorage { request, .. } = output {
                let answer = StorageAnswer::Failed;
                slow.scenario.input(Input::StorageAnswered { request, answer });
            }
        }
        assert_eq!(slow.was_told_that_nothing_is_kept(), 1);
        let mut other = signed_in(&disk, kind);
        other.others_are_silent(Duration::from_secs(60));
        other.pass(Duration::from_secs(10));
        assert_eq!(other.rows().len(), 1, "it is the other one's now");
        slow.hear(&mut other);
        slow.scenario.sign_in(expired());
        slow.run_disk();
        assert_eq!((slow.rows().len(), slow.scenario.sent().len()), (0, 0));
    }
}

/// A tab of Ann's that is connected to an Event API, and has a message that waits for credentials.
fn waiting_for_credentials(disk: &Disk, kind: NamespaceKind) -> Tab {
    let mut tab = Tab::new(disk, 1, events(kind), cognito());
    tab.scenario.sign_in(expired());
    tab.run_disk();
    tab.scenario.open();
    tab.scenario.receive(EVENTS_ACK);
    tab.scenario.sign_in(expired());
    tab.scenario.subscribe_success();
    tab.scenario.sent();
    tab.scenario.send("hi");
    tab.run_disk();
    tab
}

/// Another one of hers.
fn signed_in(disk: &Disk, kind: NamespaceKind) -> Tab {
    let mut tab = Tab::new(disk, 2, events(kind), cognito());
    tab.scenario.sign_in(jwt("ann", IN_AN_HOUR));
    tab.run_disk();
    tab
}

/// Credentials that are good for once.
fn expired() -> Credentials {
    match jwt("ann", IN_AN_HOUR) {
        Credentials::Token { token, .. } => {
            Credentials::Token { token, expires_at: Some(WallClock(0)) }
        }
        Credentials::Aws { .. } => unreachable!("it is a token"),
    }
}

/// The same, of what goes by itself.
#[test]
fn what_waited_for_long_is_not_sent_before_the_disk_says_whose_it_is() {
    let disk = Disk::default();
    let mut slow = Tab::basic(&disk, 1);
    slow.scenario.send("first");
    slow.run_disk();
    assert_eq!(slow.sends().len(), 1);
    slow.scenario.send("second");
    slow.run_disk();
    // Its turn comes, and the disk knows that, just as the tab falls asleep.
    slow.scenario.receive(&broadcast("me=", "first"));
    let mut other = Tab::basic(&disk, 2);
    while slow.scenario.storage.len() > 1 {
        slow.step_disk();
    }
    slow.scenario.wall_error = 3_600_000;
    slow.step_disk();
    other.others_are_gone();
    assert_eq!(slow.sends().len(), 0);
    slow.run_disk();
    assert_eq!((slow.sends().len(), slow.rows().len()), (0, 1));
}

#[test]
fn a_row_that_is_no_message_is_read_with_what_stands_before_it() {
    let disk = Disk::default();
    let mut tabs = [1, 2].map(|seed| {
        let mut tab = Tab::new(&disk, seed, events(NamespaceKind::Stamped), api_key());
        tab.run_disk();
        let subscription = tab.subscribe();
        let event = scenario::message("m1", 1, "news");
        tab.scenario.receive(&event_data(&subscription, &event));
        tab.scenario.close(1006);
        tab.scenario.wait_for_attempt();
        tab.subscribe();
        assert_eq!(tab.rows(), ["Bo: news [Sent]", "interruption"]);
        assert_eq!(tab.scenario.client.unread(&RoomId::default()), 1);
        tab
    });
    let [tab, other] = &mut tabs;
    let (room, row) = (RoomId::default(), tab.scenario.row_id(1));
    tab.scenario.command(Command::MarkRead { room, row });
    assert_eq!(tab.scenario.client.unread(&RoomId::default()), 0);
    tab.scenario.pass(Duration::from_millis(300));
    other.hear(tab);
    assert_eq!(other.scenario.client.unread(&RoomId::default()), 0);
}

#[test]
fn a_disk_that_answers_late_still_says_what_is_unread() {
    let disk = Disk::default();
    let history = |count: u32| {
        let messages =
            (1..=count).map(|second| scenario::message(&format!("m{second}"), second, "news"));
        messages.collect::<Vec<_>>()
    };
    let mut tab = Tab::guest(&disk, 1);
    tab.connect(WELCOME);
    tab.scenario.answer_history(&history(1), None);
    tab.scenario.pass(Duration::from_millis(300));
    tab.run_disk();
    let mut slow = Tab::new(&disk, 2, gateway(), SignIn::None);
    slow.scenario.pass(Duration::from_secs(1));
    slow.connect(WELCOME);
    slow.scenario.answer_history(&history(3), None);
    slow.scenario.pass(Duration::from_secs(1));
    slow.run_disk();
    assert_eq!(slow.scenario.client.unread(&RoomId::default()), 2);
    tab.scenario.receive(&live("m2", 2, "news"));
    tab.hear(&mut slow);
    assert_eq!(tab.scenario.client.unread(&RoomId::default()), 1);
}
