//! The storage is taken away, or hangs, and memory goes on: what is sent from there must not be sent again by whoever
//! reads the disk later, unless that does no harm.

mod scenario;

use std::time::Duration;

use roomlet_client::{Command, Input, Output, StorageAnswer, StorageRequestId};
use scenario::disk::{Disk, Tab};
use scenario::{FORBIDDEN, WELCOME};

/// A tab without a connection that has written something, and the disk has it as never tried.
fn with_one_untried(disk: &Disk) -> Tab {
    let mut tab = Tab::guest(disk, 1);
    tab.scenario.send("hi");
    tab.run_disk();
    assert_eq!(disk.unsent(), 1);
    tab
}

/// What the next page sends by itself, and what it shows.
fn after_a_crash(disk: &Disk, answer: &str) -> (usize, Vec<String>) {
    let mut tab = Tab::guest(disk, 2);
    tab.others_are_gone();
    tab.connect(answer);
    tab.run_disk();
    (tab.sends().len(), tab.rows())
}

fn refuse_all(tab: &mut Tab) -> usize {
    let mut refused = 0;
    while let Some(request) = next_write(tab) {
        tab.scenario.input(Input::StorageAnswered { request, answer: StorageAnswer::Failed });
        refused += 1;
    }
    refused
}

fn next_write(tab: &mut Tab) -> Option<StorageRequestId> {
    while let Some(output) = tab.scenario.storage.pop_front() {
        if let Output::WriteStorage { request, .. } = output {
            return Some(request);
        }
    }
    None
}

#[test]
fn what_goes_on_from_memory_counts_as_tried_on_the_disk_that_is_taken_away() {
    let disk = Disk::default();
    let mut tab = with_one_untried(&disk);
    tab.scenario.input(Input::StorageLost);
    tab.connect(FORBIDDEN);
    assert_eq!(tab.sends().len(), 0, "the disk may still say that it was never tried");
    tab.run_disk();
    assert_eq!(tab.sends().len(), 1);
    drop(tab);
    assert_eq!(after_a_crash(&disk, FORBIDDEN), (0, vec!["me: hi [NotConfirmed]".into()]));
}

#[test]
fn what_the_disk_was_still_to_take_counts_as_tried_as_well() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    tab.scenario.send("hi");
    tab.scenario.input(Input::StorageLost);
    tab.connect(FORBIDDEN);
    tab.run_disk();
    assert_eq!(tab.sends().len(), 1);
    drop(tab);
    assert_eq!(after_a_crash(&disk, FORBIDDEN), (0, vec!["me: hi [NotConfirmed]".into()]));
}

#[test]
fn a_disk_that_is_gone_and_says_untried_leaves_the_message_to_the_person() {
    let disk = Disk::default();
    let mut tab = with_one_untried(&disk);
    tab.scenario.input(Input::StorageLost);
    tab.connect(FORBIDDEN);
    assert_eq!(refuse_all(&mut tab), 1);
    assert_eq!((tab.sends().len(), tab.rows()), (0, vec!["me: hi [NotConfirmed]".into()]));
    tab.scenario.send("not on the disk");
    assert_eq!(tab.sends().len(), 1);
    tab.scenario.receive(&scenario::broadcast("me=", "not on the disk"));
    let (room, row) = (tab.scenario.room.clone(), tab.scenario.row_id(1));
    tab.scenario.command(Command::Retry { room, row });
    assert_eq!(tab.sends()[0]["text"], "hi");
}

#[test]
fn a_last_wish_that_nobody_answers_is_not_waited_for_without_end() {
    let disk = Disk::default();
    let mut tab = with_one_untried(&disk);
    tab.scenario.input(Input::StorageLost);
    tab.connect(FORBIDDEN);
    tab.scenario.pass(Duration::from_secs(11));
    assert_eq!((tab.sends().len(), tab.rows()), (0, vec!["me: hi [NotConfirmed]".into()]));
}

#[test]
fn where_sending_twice_does_no_harm_nobody_waits_for_a_disk_that_is_gone() {
    let disk = Disk::default();
    let mut tab = with_one_untried(&disk);
    tab.scenario.input(Input::StorageLost);
    tab.connect(WELCOME);
    let first = tab.sends().remove(0);
    drop(tab);
    let mut tab = Tab::guest(&disk, 2);
    tab.others_are_gone();
    tab.connect(WELCOME);
    tab.run_disk();
    assert_eq!(tab.sends()[0]["clientMessageId"], first["clientMessageId"]);
}

#[test]
fn what_a_slow_disk_does_not_know_as_tried_yet_is_not_sent_before_it_does() {
    for crashes in [true, false] {
        let disk = Disk::default();
        let mut tab = with_one_untried(&disk);
        tab.connect(FORBIDDEN);
        tab.scenario.pass(Duration::from_secs(2));
        assert_eq!((tab.sends().len(), tab.was_told_that_nothing_is_kept()), (0, 1));
        if crashes {
            drop(tab);
            assert_eq!(after_a_crash(&disk, FORBIDDEN), (1, vec!["me: hi [Sending]".into()]));
        } else {
            tab.run_disk();
            assert_eq!(tab.sends().len(), 1);
            drop(tab);
            assert_eq!(after_a_crash(&disk, FORBIDDEN).0, 0);
        }
    }
}

#[test]
fn a_disk_that_hangs_for_long_leaves_the_message_to_the_person_and_the_next_one_passes() {
    let disk = Disk::default();
    let mut tab = with_one_untried(&disk);
    tab.connect(FORBIDDEN);
    tab.scenario.pass(Duration::from_secs(2));
    tab.scenario.send("next");
    assert_eq!(tab.sends().len(), 0, "order is kept");
    tab.scenario.pass(Duration::from_secs(10));
    assert_eq!(tab.sends()[0]["text"], "next");
    assert_eq!(tab.rows(), ["me: hi [NotConfirmed]", "me: next [Sending]"]);
    tab.run_disk();
    drop(tab);
    let rows = ["me: hi [NotConfirmed]", "me: next [NotConfirmed]"].map(str::to_owned);
    assert_eq!(after_a_crash(&disk, FORBIDDEN), (0, rows.into()));
}

#[test]
fn what_is_written_while_the_disk_hangs_waits_for_nothing() {
    let disk = Disk::default();
    let mut tab = Tab::guest(&disk, 1);
    tab.write_draft("hangs");
    tab.scenario.pass(Duration::from_secs(2));
    for text in ["one", "two"] {
        tab.scenario.send(text);
    }
    tab.connect(FORBIDDEN);
    assert_eq!(tab.sends()[0]["text"], "one");
    tab.scenario.receive(&scenario::broadcast("me=", "one"));
    assert_eq!(tab.sends()[0]["text"], "two");
    tab.run_disk();
    drop(tab);
    assert_eq!(after_a_crash(&disk, FORBIDDEN), (0, vec!["me: two [NotConfirmed]".into()]));
}

#[test]
fn a_record_that_can_be_neither_corrected_nor_deleted_leaves_the_message_to_the_person() {
    let disk = Disk::default();
    let mut tab = with_one_untried(&disk);
    tab.connect(FORBIDDEN);
    assert_eq!(refuse_all(&mut tab), 2);
    assert_eq!((tab.sends().len(), tab.rows()), (0, vec!["me: hi [NotConfirmed]".into()]));
}
