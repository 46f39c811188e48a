//! A page that is loaded again, while another one of the same person is open.

mod scenario;

use std::time::Duration;

use roomlet_client::config::SignIn;
use roomlet_client::{Command, Input, Output, RoomId, StorageAnswer};
use scenario::disk::{Disk, Tab, gateway};

/// Longer than any of that.
const A_WHILE: Duration = Duration::from_secs(10);
/// How long others leave a page to be loaded again.
const LOADING: Duration = Duration::from_secs(4);

/// A tab in the lobby whose message nobody can tell the fate of.
fn failed(disk: &Disk, seed: u8) -> Tab {
    let mut tab = Tab::basic(disk, seed);
    tab.scenario.send("lost");
    tab.run_disk();
    tab.scenario.close(1006);
    tab.run_disk();
    assert_eq!(tab.rows(), ["me: lost [NotConfirmed]"]);
    tab
}

#[test]
fn a_page_that_is_loaded_again_shows_what_it_had_though_another_one_is_open() {
    for is_opened_first in [true, false] {
        let disk = Disk::default();
        let (mut page, mut other) = if is_opened_first {
            let other = Tab::guest(&disk, 2);
            (failed(&disk, 1), other)
        } else {
            (failed(&disk, 1), Tab::guest(&disk, 2))
        };
        other.hear(&mut page);
        other.pass(A_WHILE);
        drop(page);
        other.others_are_gone();
        assert_eq!(other.rows(), [""; 0], "it leaves the page the time to be loaded again");
        other.pass(Duration::from_secs(1));
        let mut again = Tab::guest(&disk, 3);
        again.others_are_gone();
        assert_eq!(again.rows(), ["me: lost [NotConfirmed]"]);
        other.hear(&mut again);
        other.pass(A_WHILE);
        assert_eq!(other.rows(), [""; 0]);
        drop(again);
        other.others_are_gone();
        other.pass(LOADING);
        assert_eq!(other.rows(), ["me: lost [NotConfirmed]"], "it is the other one's at last");
    }
}

#[test]
fn what_a_page_leaves_that_is_closed_for_good_goes_out_after_a_moment() {
    let disk = Disk::default();
    let mut closed = Tab::full(&disk, 1);
    closed.scenario.close(1006);
    closed.scenario.send("hi");
    let mut other = Tab::full(&disk, 2);
    other.hear(&mut closed);
    other.pass(A_WHILE);
    drop(closed);
    other.others_are_gone();
    other.pass(LOADING - Duration::from_millis(1));
    assert_eq!(other.sends().len(), 0);
    other.pass(Duration::from_millis(1));
    assert_eq!(other.sends().len(), 1);
}

#[test]
fn without_locks_a_page_that_was_loaded_again_comes_before_those_that_had_been_open() {
    let disk = Disk::default();
    let mut page = failed(&disk, 1);
    let mut other = Tab::guest(&disk, 2);
    other.hear(&mut page);
    other.pass(A_WHILE);
    drop(page);
    let mut again = Tab::guest(&disk, 3);
    // The one hears of the silence of the page up to five seconds before the other.
    other.pass(Duration::from_secs(31));
    other.others_are_silent(Duration::from_secs(31));
    other.pass(Duration::from_secs(5));
    assert_eq!(other.rows(), [""; 0]);
    again.pass(Duration::from_secs(35));
    again.others_are_silent(Duration::from_secs(36));
    assert_eq!(again.rows(), ["me: lost [NotConfirmed]"]);
    other.pass(LOADING);
    assert_eq!(other.rows(), [""; 0]);
}

#[test]
fn without_locks_what_a_page_leaves_that_is_closed_for_good_is_found_too() {
    let disk = Disk::default();
    let mut page = failed(&disk, 1);
    let mut other = Tab::guest(&disk, 2);
    other.hear(&mut page);
    other.pass(A_WHILE);
    drop(page);
    other.others_are_silent(Duration::from_secs(34));
    other.pass(LOADING + Duration::from_secs(5));
    assert_eq!(other.rows(), ["me: lost [NotConfirmed]"]);
}

#[test]
fn what_waits_for_the_person_is_shown_as_soon_as_they_open_its_room() {
    let disk = Disk::default();
    let mut page = failed(&disk, 1);
    let mut other = Tab::of_room(&disk, 2, "side");
    other.hear(&mut page);
    other.pass(A_WHILE);
    drop(page);
    other.others_are_gone();
    other.pass(A_WHILE);
    let lobby = RoomId::default();
    assert_eq!(other.scenario.client.status(&lobby), None, "nobody wants to see it");
    assert_eq!(disk.unsent(), 1);
    other.scenario.command(Command::OpenRoom(lobby.clone()));
    other.scenario.room = lobby;
    assert_eq!(other.rows(), ["me: lost [NotConfirmed]"]);
}

/// It may be that the news of a message is later than that of the end of its tab.
#[test]
fn who_is_heard_of_again_is_waited_for_again() {
    let disk = Disk::default();
    let mut page = Tab::full(&disk, 1);
    page.scenario.close(1006);
    page.scenario.send("one");
    let mut other = Tab::full(&disk, 2);
    other.hear(&mut page);
    other.pass(A_WHILE);
    other.others_are_gone();
    page.scenario.send("two");
    other.hear(&mut page);
    assert_eq!(other.watched.len(), 1);
    other.pass(A_WHILE);
    assert_eq!(other.sends().len(), 0);
    drop(page);
    other.others_are_gone();
    other.pass(LOADING);
    assert_eq!(other.rows(), ["me: one [Sending]", "me: two [Queued]"]);
}

#[test]
fn somebody_elses_shelf_is_left_alone_once_the_person_has_gone() {
    let disk = Disk::default();
    let mut page = failed(&disk, 1);
    let mut other = Tab::guest(&disk, 2);
    other.hear(&mut page);
    other.pass(A_WHILE);
    drop(page);
    other.others_are_gone();
    other.scenario.command(Command::SignOut);
    other.pass(A_WHILE);
    assert_eq!(other.rows(), [""; 0]);
}

#[test]
fn what_is_left_when_the_storage_is_taken_away_waits_for_the_next_page() {
    let disk = Disk::default();
    let mut page = failed(&disk, 1);
    let mut other = Tab::guest(&disk, 2);
    other.hear(&mut page);
    other.pass(A_WHILE);
    drop(page);
    other.others_are_gone();
    other.scenario.input(Input::StorageLost);
    other.pass(A_WHILE);
    assert_eq!((other.rows().len(), disk.unsent()), (0, 1));
    let mut again = Tab::new(&disk, 3, gateway(), SignIn::None);
    again.run_disk();
    again.others_are_gone();
    assert_eq!(again.rows(), ["me: lost [NotConfirmed]"]);
}

/// Where there are no locks, one that slept may have been taken for gone.
#[test]
fn what_another_tab_has_taken_over_is_not_shown_in_the_one_that_wakes() {
    let disk = Disk::default();
    let mut slept = failed(&disk, 1);
    slept.told.clear();
    let mut other = Tab::guest(&disk, 2);
    other.pass(A_WHILE);
    other.others_are_silent(Duration::from_secs(60));
    other.pass(A_WHILE);
    assert_eq!(other.rows(), ["me: lost [NotConfirmed]"]);
    slept.hear(&mut other);
    assert_eq!(slept.rows(), [""; 0]);
    let mut third = Tab::guest(&disk, 3);
    third.scenario.send("its own");
    third.hear(&mut other);
    assert_eq!(third.rows(), ["me: its own [Queued]"], "it was another one's shelf");
}

/// The same, where its storage was taken away, and with it what would say that it lives.
#[test]
fn what_another_tab_has_taken_over_is_not_shown_in_one_without_a_storage() {
    let disk = Disk::default();
    let mut page = failed(&disk, 1);
    page.scenario.input(Input::StorageLost);
    page.run_disk();
    page.scenario.send("since then");
    let mut other = Tab::guest(&disk, 2);
    other.pass(A_WHILE);
    other.others_are_silent(Duration::from_secs(60));
    other.pass(A_WHILE);
    assert_eq!(other.rows(), ["me: lost [NotConfirmed]"]);
    page.hear(&mut other);
    assert_eq!(page.rows(), ["me: since then [Queued]"]);
}

#[test]
fn what_a_full_disk_does_not_let_one_adopt_is_adopted_later() {
    let disk = Disk::default();
    let page = failed(&disk, 1);
    let mut other = Tab::guest(&disk, 2);
    drop(page);
    let tab = other.watched.remove(0);
    other.scenario.input(Input::TabGone { tab, silent: Duration::ZERO });
    while let Some(output) = other.scenario.storage.pop_front() {
        if let Output::AdoptUnsent { request, .. } = output {
            let answer = StorageAnswer::Failed;
            other.scenario.input(Input::StorageAnswered { request, answer });
        }
    }
    assert_eq!((other.rows().len(), disk.unsent()), (0, 1));
    other.pass(Duration::from_secs(30));
    assert_eq!(other.rows(), ["me: lost [NotConfirmed]"]);
}
