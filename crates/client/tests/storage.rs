//! Unsent messages outlive the page.

mod scenario;

use std::time::Duration;

use roomlet_client::config::{NamespaceKind, SignIn, TokenKind};
use roomlet_client::{Command, Event, Input, Output, RoomId, Shelf, StorageAnswer, StorageChange};
use scenario::appsync::{IN_AN_HOUR, api_key, cognito, event_data, events, jwt, opaque};
use scenario::disk::{Disk, Tab, gateway};
use scenario::{FORBIDDEN, WELCOME, broadcast};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn nothing_is_sent_before_the_disk_has_it() {
    let disk = Disk::default();
    for mut tab in [Tab::full(&disk, 1), Tab::basic(&disk, 2)] {
        tab.scenario.send("hi");
        assert_eq!(tab.sends().len(), 0);
        assert_eq!(tab.rows(), ["me: hi [Queued]"]);
        tab.run_disk();
        assert_eq!(tab.sends().len(), 1);
        assert_eq!(tab.rows(), ["me: hi [Sending]"]);
    }
}

#[test]
fn one_change_of_the_disk_is_enough_for_what_can_go_at_once() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.send("hi");
    assert_eq!(writes(&tab), 1);
    tab.run_disk();
    assert_eq!(writes(&tab), 0);
    assert_eq!(tab.sends().len(), 1);
}

#[test]
fn what_could_not_be_sent_is_sent_after_a_reload_under_the_same_id() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.send("one");
    tab.run_disk();
    let first = tab.sends().remove(0);
    tab.scenario.send("two");
    tab.run_disk();
    drop(tab);
    assert_eq!(disk.unsent(), 2);

    let mut tab = Tab::guest(&disk, 2);
    tab.others_are_gone();
    assert_eq!(tab.rows(), ["me: one [Queued]", "me: two [Queued]"]);
    tab.connect(WELCOME);
    tab.run_disk();
    let sends = tab.sends();
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0]["clientMessageId"], first["clientMessageId"]);
    tab.acknowledge(&sends[0], "m1");
    let sends = tab.sends();
    assert_eq!(sends[0]["text"], "two");
    tab.acknowledge(&sends[0], "m2");
    assert_eq!(disk.unsent(), 0);
    assert_eq!(tab.rows(), ["me: one [Sent]", "me: two [Sent]"]);
}

#[test]
fn where_nobody_can_tell_whether_it_arrived_the_person_decides_after_a_reload() {
    let disk = Disk::default();
    let mut tab = Tab::basic(&disk, 1);
    tab.scenario.send("tried");
    tab.run_disk();
    assert_eq!(tab.sends().len(), 1);
    tab.scenario.send("not tried");
    tab.run_disk();
    drop(tab);

    let mut tab = Tab::guest(&disk, 2);
    tab.others_are_gone();
    tab.connect(FORBIDDEN);
    tab.run_disk();
    assert_eq!(tab.rows(), ["me: tried [NotConfirmed]", "me: not tried [Sending]"]);
    let sends = tab.sends();
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0]["text"], "not tried");
    tab.scenario.receive(&broadcast("me=", "not tried"));
    let (room, row) = (tab.scenario.room.clone(), tab.scenario.row_id(1));
    tab.scenario.command(Command::Retry { room, row });
    tab.run_disk();
    assert_eq!(tab.sends()[0]["text"], "tried");
    tab.scenario.receive(&broadcast("me=", "tried"));
    tab.run_disk();
    assert_eq!(disk.unsent(), 0);
}

#[test]
fn what_waits_for_the_person_waits_for_them_after_a_reload_too() {
    let disk = Disk::default();
    let mut tab = Tab::basic(&disk, 1);
    tab.scenario.send("lost");
    tab.run_disk();
    tab.scenario.close(1006);
    tab.run_disk();
    assert_eq!(tab.rows(), ["me: lost [NotConfirmed]"]);
    drop(tab);
    let mut tab = Tab::guest(&disk, 2);
    tab.others_are_gone();
    assert_eq!(tab.rows(), ["me: lost [NotConfirmed]"]);
    let (room, row) = (tab.scenario.room.clone(), tab.scenario.row_id(0));
    tab.scenario.command(Command::Discard { room, row });
    tab.run_disk();
    assert_eq!(disk.unsent(), 0);
}

#[test]
fn a_disk_that_does_not_answer_keeps_nobody_waiting() {
    for is_open in [false, true] {
        let disk = Disk::default();
        let mut tab = if is_open {
            Tab::full(&disk, 1)
        } else {
            let mut tab = Tab::new(&disk, 1, gateway(), SignIn::None);
            tab.connect(WELCOME);
            tab.scenario.answer_history(&[], None);
            tab
        };
        tab.scenario.send("hi");
        tab.scenario.pass(Duration::from_millis(999));
        assert_eq!((tab.sends().len(), tab.was_told_that_nothing_is_kept()), (0, 0));
        tab.scenario.pass(Duration::from_millis(1));
        assert_eq!((tab.sends().len(), tab.was_told_that_nothing_is_kept()), (1, 1), "{is_open}");
        tab.scenario.send("again");
        tab.scenario.pass(Duration::from_secs(5));
        assert_eq!(tab.was_told_that_nothing_is_kept(), 0, "it was said once");
    }
}

/// How many changes of its device the client waits for, or has asked for in vain.
fn writes(tab: &Tab) -> usize {
    let is_write = |output: &&Output| matches!(output, Output::WriteStorage { .. });
    tab.scenario.storage.iter().filter(is_write).count()
}

#[test]
fn what_a_disk_that_hangs_does_not_do_does_not_pile_up() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.write_draft("0");
    tab.scenario.pass(Duration::from_secs(3));
    assert_eq!(tab.was_told_that_nothing_is_kept(), 1);
    for number in 0..500 {
        tab.scenario.send("hi");
        let send = tab.sends().remove(0);
        let ack = json!({"type": "ack", "clientMessageId": send["clientMessageId"],
            "id": format!("m{number:03}"), "createdAt": "2025-10-29T04:06:00.000Z"});
        tab.scenario.receive(&ack.to_string());
    }
    assert!(writes(&tab) <= 300, "messages: {}", writes(&tab));
    let before = writes(&tab);
    for number in 1..500 {
        tab.write_draft(&number.to_string());
        tab.scenario.pass(Duration::from_secs(1));
    }
    assert_eq!(writes(&tab), before, "drafts");
    tab.run_disk();
    assert_eq!(disk.unsent(), 0);
    tab.write_draft("at last");
    tab.scenario.pass(Duration::from_secs(1));
    tab.run_disk();
    drop(tab);
    assert_eq!(Tab::guest(&disk, 2).draft(), "at last");
}

#[test]
fn a_disk_that_comes_to_itself_gets_the_latest_draft() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    for text in ["first", "second", "third"] {
        tab.write_draft(text);
        tab.scenario.pass(Duration::from_secs(3));
    }
    tab.run_disk();
    drop(tab);
    assert_eq!(Tab::guest(&disk, 2).draft(), "third");
}

#[test]
fn a_disk_that_refuses_is_not_waited_for() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.send("hi");
    let is_write = |output: &Output| match output {
        Output::WriteStorage { request, .. } => Some(*request),
        _ => None,
    };
    let request = tab.scenario.storage.iter().find_map(is_write).unwrap();
    tab.scenario.input(Input::StorageAnswered { request, answer: StorageAnswer::Failed });
    assert_eq!((tab.sends().len(), tab.was_told_that_nothing_is_kept()), (1, 1));
}

#[test]
fn a_disk_that_refuses_everything_is_asked_once_for_each_message() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.send("hi");
    tab.scenario.send("again");
    let mut asked = 0;
    while let Some(output) = tab.scenario.storage.pop_front() {
        if let Output::WriteStorage { request, .. } = output {
            asked += 1;
            assert!(asked < 10, "it is asked without end");
            let answer = StorageAnswer::Failed;
            tab.scenario.input(Input::StorageAnswered { request, answer });
        }
    }
    assert_eq!(tab.sends().len(), 1);
}

#[test]
fn a_record_that_cannot_say_that_it_was_tried_is_deleted() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    tab.scenario.send("hi");
    tab.run_disk();
    assert_eq!(disk.unsent(), 1);
    tab.connect(FORBIDDEN);
    let Some(Output::WriteStorage { request, .. }) = tab.scenario.storage.pop_front() else {
        panic!("it is to be marked as tried");
    };
    tab.scenario.input(Input::StorageAnswered { request, answer: StorageAnswer::Failed });
    assert_eq!(tab.sends().len(), 0, "it would be sent once more after a crash");
    tab.run_disk();
    assert_eq!((tab.sends().len(), disk.unsent()), (1, 0), "from memory");
}

#[test]
fn a_storage_that_is_taken_away_leaves_the_memory() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.input(Input::StorageLost);
    assert_eq!(tab.was_told_that_nothing_is_kept(), 1);
    tab.scenario.storage.clear();
    tab.scenario.send("hi");
    assert_eq!(tab.sends().len(), 1);
    assert!(tab.scenario.storage.is_empty(), "{:?}", tab.scenario.storage);
}

#[test]
fn a_sleep_is_no_proof_against_the_disk() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.send("hi");
    tab.scenario.now += 3_600_000;
    tab.scenario.input(Input::TimeDue);
    assert_eq!(tab.was_told_that_nothing_is_kept(), 0, "the answer may be next in the queue");
    tab.run_disk();
    tab.scenario.pass(Duration::from_secs(2));
    assert_eq!(tab.was_told_that_nothing_is_kept(), 0);
}

#[test]
fn a_disk_that_answers_late_still_gives_back_what_it_has() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.close(1006);
    tab.scenario.send("kept");
    tab.run_disk();
    drop(tab);
    let mut tab = Tab::new(&disk, 2, gateway(), SignIn::None);
    tab.scenario.pass(Duration::from_secs(1));
    assert_eq!(tab.was_told_that_nothing_is_kept(), 1);
    tab.run_disk();
    tab.others_are_gone();
    assert_eq!(tab.rows(), ["me: kept [Queued]"]);
}

#[test]
fn what_another_tab_has_taken_over_is_not_sent_here() {
    let disk = Disk::default();
    let mut frozen = Tab::full(&disk, 1);
    frozen.scenario.close(1006);
    frozen.scenario.send("hi");
    frozen.run_disk();
    let mut other = Tab::full(&disk, 2);
    other.others_are_gone();
    let send = other.sends().remove(0);
    other.acknowledge(&send, "m1");

    frozen.scenario.wait_for_attempt();
    frozen.connect(WELCOME);
    frozen.run_disk();
    assert_eq!(frozen.sends().len(), 0);
    assert_eq!(frozen.rows(), [""; 0]);
}

#[test]
fn after_thirty_days_nothing_goes_by_itself() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.scenario.close(1006);
    tab.scenario.send("old");
    tab.run_disk();
    drop(tab);
    for (days, rows) in [(29, "me: old [Sending]"), (31, "me: old [Failed(Expired)]")] {
        let mut tab = Tab::new(&disk, days, gateway(), SignIn::None);
        tab.scenario.now += u64::try_from(DAY.as_millis()).unwrap() * u64::from(days);
        tab.run_disk();
        tab.others_are_gone();
        tab.connect(WELCOME);
        tab.run_disk();
        assert_eq!(tab.rows(), [rows]);
    }
}

#[test]
fn a_room_that_nobody_has_opened_is_opened_for_what_it_is_owed() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    let side = RoomId::parse("side").unwrap();
    tab.scenario.command(Command::OpenRoom(side.clone()));
    for text in ["one", "two"] {
        tab.scenario.command(Command::Send { room: side.clone(), text: text.into() });
    }
    tab.run_disk();
    drop(tab);
    let mut tab = Tab::guest(&disk, 2);
    assert_eq!(tab.scenario.client.status(&side), None);
    tab.others_are_gone();
    assert!(tab.scenario.client.status(&side).is_some());
    assert_eq!(tab.scenario.client.rows(&side).count(), 2);
    tab.scenario.open();
    tab.scenario.receive(WELCOME);
    tab.run_disk();
    for (text, id) in [("one", "m1"), ("two", "m2")] {
        let send = tab.sends().remove(0);
        assert_eq!(send["text"], text);
        tab.acknowledge(&send, id);
    }
    assert_eq!(tab.scenario.client.status(&side), None, "what it was opened for is done");
    let is_close = |output: &Output| matches!(output, Output::CloseSocket { .. });
    assert!(tab.scenario.outputs.iter().any(is_close));
    assert_eq!(disk.unsent(), 0);
}

#[test]
fn a_message_that_waits_for_the_person_waits_for_its_room_as_well() {
    let disk = Disk::default();
    let mut tab = Tab::basic(&disk, 1);
    tab.scenario.send("lost");
    tab.run_disk();
    tab.scenario.close(1006);
    tab.run_disk();
    drop(tab);
    let mut tab = Tab::guest(&disk, 2);
    let side = RoomId::parse("side").unwrap();
    tab.scenario.command(Command::OpenRoom(side.clone()));
    tab.others_are_gone();
    assert_eq!(tab.rows(), ["me: lost [NotConfirmed]"]);
    assert_eq!(tab.scenario.client.rows(&side).count(), 0);
}

#[test]
fn a_clock_that_is_set_back_changes_no_order() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    tab.scenario.send("first");
    tab.scenario.wall_error = -3_600_000;
    tab.scenario.send("second");
    tab.run_disk();
    assert_eq!(tab.rows(), ["me: first [Queued]", "me: second [Queued]"]);
    drop(tab);
    let mut tab = Tab::guest(&disk, 2);
    tab.scenario.now += 1_000;
    tab.scenario.send("third");
    tab.others_are_gone();
    assert_eq!(tab.rows(), ["me: first [Queued]", "me: second [Queued]", "me: third [Queued]"]);
}

#[test]
fn what_the_disk_says_and_no_client_has_written_is_left_alone() {
    let record = |value: &str| roomlet_client::Record {
        shelf: roomlet_client::Shelf::Draft,
        name: "lobby".into(),
        value: value.into(),
    };
    let mut wild = Tab::new(&Disk::default(), 3, gateway(), SignIn::None);
    let Some(Output::OpenStorage { request, .. }) = wild.scenario.storage.pop_front() else {
        panic!("the storage is opened first");
    };
    let records = ["", "null", "{}", "[", r#"{"text":"a"}"#].map(record).into();
    wild.scenario.input(Input::StorageAnswered { request, answer: StorageAnswer::Opened(records) });
    assert_eq!(wild.draft(), "a");
    assert_eq!(wild.was_told_that_nothing_is_kept(), 0);
}

#[test]
fn a_draft_that_is_sent_leaves_the_disk_in_the_same_step() {
    let disk = Disk::default();
    let mut tab = Tab::full(&disk, 1);
    tab.write_draft("hello");
    tab.scenario.pass(Duration::from_millis(300));
    tab.run_disk();
    tab.scenario.send("hello");
    let changes = tab.scenario.storage.iter().find_map(|output| match output {
        Output::WriteStorage { changes, .. } => Some(changes.clone()),
        _ => None,
    });
    let changes = changes.unwrap();
    assert!(
        matches!(changes[..], [StorageChange::Put(_), StorageChange::Delete { .. }]),
        "{changes:?}"
    );
    assert_eq!(tab.draft(), "");
    assert!(!tab.scenario.events.iter().any(|event| matches!(event, Event::Draft { .. })));
}

/// A timer that is due at once, again and again, would keep the browser busy for as long as the disk takes.
#[test]
fn a_draft_waits_for_the_disk_without_a_deadline_that_has_passed() {
    let disk = Disk::default();
    let mut tab = Tab::new(&disk, 1, gateway(), SignIn::None);
    tab.write_draft("hal");
    tab.scenario.now += 500;
    tab.scenario.input(Input::TimeDue);
    let deadline = tab.scenario.client.poll_timeout().expect("the disk is waited for");
    assert!(deadline.at.0 > tab.scenario.now, "{deadline:?}");
    tab.run_disk();
    assert_eq!(disk.names(|shelf| *shelf == Shelf::Draft), ["lobby"]);
}

#[test]
fn nothing_is_sent_before_the_disk_has_it_where_the_backend_says_who_the_person_is() {
    let disk = Disk::default();
    let opaque_token = SignIn::Token { token: TokenKind::Opaque };
    let mut tab = Tab::new(&disk, 1, gateway(), opaque_token);
    tab.scenario.sign_in(opaque("of ann"));
    tab.scenario.send("hi");
    tab.connect(&WELCOME.replace("guest", "user"));
    assert_eq!(tab.sends().len(), 0);
    tab.run_disk();
    assert_eq!(tab.sends().len(), 1);
}

#[test]
fn nothing_is_on_its_way_by_http_before_it_is_known_who_the_person_is() {
    let disk = Disk::default();
    let mut tab = Tab::new(&disk, 1, events(NamespaceKind::Stamped), cognito());
    tab.scenario.send("hi");
    tab.pass(Duration::from_secs(40));
    tab.scenario.sign_in(jwt("ann", IN_AN_HOUR));
    assert_eq!(tab.scenario.requests().len(), 0);
    tab.run_disk();
    assert_eq!((disk.unsent(), tab.scenario.requests().len()), (1, 1));
}

#[test]
fn a_draft_of_somebody_who_is_not_known_yet_waits_for_the_disk() {
    let disk = Disk::default();
    let mut tab = Tab::new(&disk, 1, gateway(), cognito());
    tab.write_draft("half a thought");
    tab.scenario.pass(Duration::from_secs(1));
    tab.scenario.sign_in(jwt("ann", IN_AN_HOUR));
    tab.run_disk();
    assert_eq!(disk.names(|shelf| *shelf == Shelf::Draft), ["lobby"]);
}

#[test]
fn a_clock_that_is_set_back_over_a_reload_changes_no_order() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    for second in 1..10 {
        tab.scenario.now += 1_000 * second;
        tab.scenario.input(Input::TimeDue);
    }
    tab.scenario.send("first");
    tab.run_disk();
    drop(tab);
    let mut tab = Tab::guest(&disk, 2);
    tab.scenario.wall_error = -3_600_000;
    tab.others_are_gone();
    tab.scenario.send("second");
    assert_eq!(tab.rows(), ["me: first [Queued]", "me: second [Queued]"]);
}

#[test]
fn ones_own_message_that_is_quicker_than_the_disk_becomes_ones_own() {
    let disk = Disk::default();
    let page = |seed| Tab::new(&disk, seed, events(NamespaceKind::Raw), api_key());
    let mut tab = page(1);
    tab.run_disk();
    tab.subscribe();
    tab.scenario.send("hi");
    tab.run_disk();
    let publish = tab.scenario.frames().remove(0);
    let publish: Value = serde_json::from_str(&publish).unwrap();
    let answer = json!({"type": "publish_success", "id": publish["id"],
        "successful": [{"identifier": "x", "index": 0}], "failed": []});
    tab.scenario.receive(&answer.to_string());
    tab.run_disk();
    assert_eq!(tab.rows(), ["me: hi [Sent]"]);
    drop(tab);

    // It comes late, to the page that has taken the place of the other, before the disk has said what there is.
    let event: Value = serde_json::from_str(publish["events"][0].as_str().unwrap()).unwrap();
    let mut tab = page(2);
    let subscription = tab.subscribe();
    tab.scenario.receive(&event_data(&subscription, &event));
    assert_eq!(tab.rows(), ["Ann: hi [Sent]"]);
    tab.run_disk();
    assert_eq!(tab.rows(), ["me: hi [Sent]"]);
}
