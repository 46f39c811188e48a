//! Rooms that are open for what they are owed, and the person who wants their places.

mod scenario;

use roomlet_client::{
    Command, ConnectionId, Delivery, Event, Input, Output, Refusal, RoomId, Status,
};
use scenario::disk::{Disk, Tab};
use scenario::{FORBIDDEN, WELCOME};

const OWED: [&str; 4] = ["r1", "r2", "r3", "r4"];

fn room(name: &str) -> RoomId {
    RoomId::parse(name).expect("a name of a room")
}

/// A tab whose five places are taken: by four rooms that an earlier one has left something in, and by one that has
/// something unsent of its own.
fn full_house(disk: &Disk) -> Tab {
    let mut gone = Tab::guest(disk, 1);
    for name in OWED {
        gone.scenario.command(Command::OpenRoom(room(name)));
        gone.scenario.command(Command::Send { room: room(name), text: format!("to {name}") });
        gone.scenario.now += 1;
    }
    gone.run_disk();
    drop(gone);
    let mut tab = Tab::guest(disk, 2);
    tab.scenario.send("to the lobby");
    tab.others_are_gone();
    assert_eq!(open(&tab), OWED);
    tab
}

fn open(tab: &Tab) -> Vec<&'static str> {
    let is_open = |name: &&str| tab.scenario.client.status(&room(name)).is_some();
    OWED.into_iter().filter(is_open).collect()
}

/// Connects the room whose socket was asked for as the `number`th.
fn connect(tab: &mut Tab, number: u32, answer: &str) {
    let connection = ConnectionId(number);
    tab.scenario.input(Input::SocketOpened { connection });
    tab.scenario.hear(connection, answer);
    tab.run_disk();
}

fn acknowledge(tab: &mut Tab, number: u32, send: &serde_json::Value, id: &str) {
    let ack = serde_json::json!({"type": "ack", "clientMessageId": send["clientMessageId"],
        "id": id, "createdAt": "2025-10-29T04:06:00.000Z"});
    tab.scenario.hear(ConnectionId(number), &ack.to_string());
    tab.run_disk();
}

#[test]
fn the_person_gets_the_place_of_a_room_that_nobody_wanted_to_see() {
    let disk = Disk::default();
    let mut tab = full_house(&disk);
    tab.scenario.command(Command::OpenRoom(room("wanted")));
    tab.run_disk();
    let refused = Status::Refused(Refusal::TooManyRooms);
    let is_refused =
        |event: &Event| matches!(event, Event::Status { status, .. } if *status == refused);
    assert!(!tab.scenario.events.iter().any(is_refused));
    assert_eq!(tab.scenario.client.status(&room("wanted")), Some(Status::Connecting));
    assert_eq!((open(&tab).len(), disk.unsent()), (3, 5), "nothing is lost");
    let is_close = |output: &Output| matches!(output, Output::CloseSocket { .. });
    assert!(tab.scenario.outputs.iter().any(is_close), "five connections are enough");
    let shelved = OWED.into_iter().find(|name| !open(&tab).contains(name)).unwrap();

    // A place is free, and the room gets it again.
    connect(&mut tab, 2, WELCOME);
    let send = tab.sends().remove(0);
    assert_eq!(send["text"], "to r1");
    acknowledge(&mut tab, 2, &send, "m1");
    assert_eq!(tab.scenario.client.status(&room("r1")), None);
    assert!(open(&tab).contains(&shelved));
    connect(&mut tab, 7, WELCOME);
    let sends = tab.sends();
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0]["text"], format!("to {shelved}"));
    acknowledge(&mut tab, 7, &sends[0], "m2");
    assert_eq!(disk.unsent(), 3);
}

#[test]
fn a_room_of_which_nothing_is_in_flight_gives_its_place_first() {
    let disk = Disk::default();
    let mut tab = full_house(&disk);
    for number in [3, 4, 5] {
        connect(&mut tab, number, WELCOME);
    }
    assert_eq!(tab.sends().len(), 3);
    tab.scenario.command(Command::OpenRoom(room("wanted")));
    assert_eq!(open(&tab), ["r2", "r3", "r4"]);
}

#[test]
fn what_was_in_flight_there_is_repeated_where_that_does_no_harm() {
    let disk = Disk::default();
    let mut tab = full_house(&disk);
    for number in 2..=5 {
        connect(&mut tab, number, WELCOME);
    }
    let before = tab.sends();
    tab.scenario.command(Command::OpenRoom(room("wanted")));
    tab.run_disk();
    let shelved = OWED.into_iter().find(|name| !open(&tab).contains(name)).unwrap();
    let of_shelved = format!("to {shelved}");
    let first = before.into_iter().find(|send| send["text"] == of_shelved).unwrap();
    tab.scenario.command(Command::OpenRoom(room(shelved)));
    connect(&mut tab, 7, WELCOME);
    let again = tab.sends().into_iter().find(|send| send["text"] == of_shelved).unwrap();
    assert_eq!(again["clientMessageId"], first["clientMessageId"]);
}

#[test]
fn what_was_in_flight_there_waits_for_the_person_where_nobody_can_tell() {
    let disk = Disk::default();
    let mut tab = full_house(&disk);
    for number in 2..=5 {
        connect(&mut tab, number, &FORBIDDEN.replace("me=", &format!("me{number}=")));
    }
    assert_eq!(tab.sends().len(), 4);
    tab.scenario.command(Command::OpenRoom(room("wanted")));
    tab.run_disk();
    let shelved = OWED.into_iter().find(|name| !open(&tab).contains(name)).unwrap();
    tab.scenario.command(Command::OpenRoom(room(shelved)));
    connect(&mut tab, 7, &FORBIDDEN.replace("me=", "me7="));
    assert_eq!(tab.sends().len(), 0);
    let shelved = room(shelved);
    let rows = tab.scenario.client.rows(&shelved);
    let deliveries = rows.filter_map(|row| Some(row.message()?.delivery)).collect::<Vec<_>>();
    assert_eq!(deliveries, [Delivery::NotConfirmed]);
    drop(tab);
    assert_eq!(disk.unsent(), 5);
}

/// What the disk says of a message that waits for its room is heard all the same.
#[test]
fn what_another_tab_has_taken_over_meanwhile_is_not_sent_when_the_room_is_open_again() {
    let disk = Disk::default();
    let mut tab = full_house(&disk);
    tab.run_disk();
    let mut other = Tab::guest(&disk, 3);
    tab.scenario.command(Command::OpenRoom(room("wanted")));
    let shelved = OWED.into_iter().find(|name| !open(&tab).contains(name)).unwrap();
    other.others_are_gone();
    tab.scenario.command(Command::OpenRoom(room(shelved)));
    tab.run_disk();
    connect(&mut tab, 7, WELCOME);
    assert_eq!(tab.sends().len(), 0);
    assert_eq!(tab.scenario.client.rows(&room(shelved)).count(), 0);
}
