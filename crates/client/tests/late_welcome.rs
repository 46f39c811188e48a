//! A full backend that is slow to say so, and what an earlier page has tried.

mod scenario;

use std::time::Duration;

use roomlet_client::Command;
use scenario::disk::{Disk, Tab};
use scenario::{WELCOME, broadcast};
use serde_json::Value;

/// What an earlier page has tried, and a page whose `hello` has met with silence so far.
fn after_a_reload(disk: &Disk) -> (Value, Tab) {
    let mut tab = Tab::full(disk, 1);
    tab.scenario.send("hi");
    tab.run_disk();
    let first = tab.sends().remove(0);
    drop(tab);
    (first, in_silence(disk, 2))
}

fn in_silence(disk: &Disk, seed: u8) -> Tab {
    let mut tab = Tab::guest(disk, seed);
    tab.others_are_gone();
    tab.scenario.open();
    tab.scenario.pass(Duration::from_secs(4));
    tab.run_disk();
    assert_eq!(tab.sends().len(), 0);
    tab
}

fn retry(tab: &mut Tab) {
    let (room, row) = (tab.scenario.room.clone(), tab.scenario.row_id(0));
    tab.scenario.command(Command::Retry { room, row });
    tab.run_disk();
}

#[test]
fn what_was_tried_before_a_reload_is_repeated_however_late_the_welcome_comes() {
    let disk = Disk::default();
    let (first, mut tab) = after_a_reload(&disk);
    assert_eq!(tab.rows(), ["me: hi [NotConfirmed]"], "nobody can tell yet");
    tab.scenario.receive(WELCOME);
    tab.run_disk();
    let sends = tab.sends();
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0]["clientMessageId"], first["clientMessageId"]);
    assert_eq!(tab.rows(), ["me: hi [Sending]"]);
    tab.acknowledge(&sends[0], "m1");
    assert_eq!((tab.rows(), disk.unsent()), (vec!["me: hi [Sent]".into()], 0));
}

#[test]
fn a_doubt_of_one_page_does_not_bind_the_next_one() {
    let disk = Disk::default();
    let (first, tab) = after_a_reload(&disk);
    drop(tab);
    let mut tab = Tab::full(&disk, 3);
    tab.others_are_gone();
    assert_eq!(tab.sends()[0]["clientMessageId"], first["clientMessageId"]);
}

#[test]
fn what_the_person_has_sent_again_meanwhile_is_not_repeated() {
    let disk = Disk::default();
    let (_, mut tab) = after_a_reload(&disk);
    retry(&mut tab);
    assert_eq!(tab.sends().len(), 1);
    tab.scenario.receive(&broadcast("me=", "hi"));
    tab.scenario.receive(WELCOME);
    tab.run_disk();
    assert_eq!(tab.sends().len(), 0);
}

#[test]
fn what_this_page_has_sent_without_its_id_is_not_repeated() {
    let disk = Disk::default();
    let mut tab = in_silence(&disk, 1);
    tab.scenario.send("hi");
    tab.run_disk();
    assert_eq!(tab.sends().len(), 1);
    tab.scenario.pass(Duration::from_secs(16));
    tab.run_disk();
    assert_eq!(tab.rows(), ["me: hi [NotConfirmed]"]);
    tab.scenario.receive(WELCOME);
    tab.run_disk();
    assert_eq!((tab.sends().len(), tab.rows()), (0, vec!["me: hi [NotConfirmed]".into()]));
}
