//! Rooms with more messages than a list has rows: what somebody reads stays, wherever it stands.

#![allow(clippy::unwrap_used, reason = "a scenario that goes wrong is a failed test")]

mod scenario;

use std::collections::HashSet;
use std::time::Duration;

use roomlet_client::config::Dialect;
use roomlet_client::*;
use scenario::{Scenario, WELCOME};
use serde_json::{Value, json};

/// So many rows a list has at most (src/chat/timeline.rs).
const MAX_ROWS: usize = 10_000;

/// A room at the gateway with messages from one on, each a second after the one before.
struct Server {
    newest: u32,
    /// From where pages were asked for.
    asked: Vec<Option<String>>,
}

impl Server {
    fn of(newest: u32) -> Self {
        Self { newest, asked: Vec::new() }
    }

    /// Somebody in its room, who has seen the newest page.
    fn enter(&mut self) -> Scenario {
        let mut ann = Scenario::new(Dialect::Auto);
        ann.open();
        ann.receive(WELCOME);
        self.answer(&mut ann);
        ann.pass(Duration::from_secs(4));
        self.answer(&mut ann);
        ann
    }

    /// Answers all requests for history.
    fn answer(&mut self, ann: &mut Scenario) {
        loop {
            let frames = ann.sent();
            let requests = frames.into_iter().filter(|frame| frame["action"] == "history");
            let requests = requests.collect::<Vec<_>>();
            if requests.is_empty() {
                return;
            }
            for request in requests {
                let before = request["before"].as_str().map(str::to_owned);
                let end = before.as_deref().map_or(self.newest + 1, number);
                let begin = end.saturating_sub(50).max(1);
                let messages = (begin..end).map(message).collect::<Vec<_>>();
                let next = (begin > 1).then(|| id(begin));
                self.asked.push(before);
                let answer = json!({"type": "history", "requestId": request["requestId"],
                    "roomId": "lobby", "messages": messages, "nextCursor": next});
                ann.receive(&answer.to_string());
            }
        }
    }

    /// The next message comes.
    fn say(&mut self, ann: &mut Scenario) {
        self.newest += 1;
        let mut frame = message(self.newest);
        frame["type"] = "message".into();
        ann.receive(&frame.to_string());
    }
}

fn id(number: u32) -> String {
    format!("m{number:06}")
}

fn number(id: &str) -> u32 {
    id.trim_start_matches('m').parse().unwrap()
}

fn message(number: u32) -> Value {
    let (hour, minute, second) = (number / 3600, number / 60 % 60, number % 60);
    json!({"id": id(number), "roomId": "lobby", "text": id(number),
        "createdAt": format!("2025-10-20T{hour:02}:{minute:02}:{second:02}.000Z"),
        "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"}})
}

/// The numbers of the messages in the list; nothing for a row that is none.
fn shown(ann: &Scenario) -> Vec<Option<u32>> {
    let rows = ann.client.rows(&ann.room);
    rows.map(|row| row.message().map(|message| number(&message.text))).collect()
}

/// Reads at the row with this index, as the widget says it.
fn read_at(ann: &mut Scenario, index: usize) {
    let (room, from) = (ann.room.clone(), Some(ann.row_id(index)));
    ann.command(Command::Reading { room, from });
}

/// Scrolls to the first row, and reads one more page.
fn read_on(server: &mut Server, ann: &mut Scenario) {
    read_at(ann, 0);
    ann.command(Command::LoadOlder { room: ann.room.clone() });
    server.answer(ann);
}

/// Reads back until the list begins with this message.
fn read_back_to(server: &mut Server, ann: &mut Scenario, first: u32) {
    while shown(ann)[0].unwrap() > first {
        let before = shown(ann)[0];
        read_on(server, ann);
        assert!(shown(ann)[0] < before, "it does not get any further than {before:?}");
    }
}

fn return_to_end(ann: &mut Scenario) {
    ann.command(Command::Reading { room: ann.room.clone(), from: None });
}

/// The list has these messages, without a gap.
fn assert_contiguous(rows: &[Option<u32>]) {
    let pairs = rows.windows(2).find(|pair| pair[0].map(|one| one + 1) != pair[1]);
    assert_eq!(pairs, None);
}

#[test]
fn what_is_read_far_up_stays_when_a_message_comes() {
    let mut server = Server::of(12_000);
    let mut ann = server.enter();
    read_back_to(&mut server, &mut ann, 12_000 - 9_950 + 1);
    let read = shown(&ann)[..500].to_vec();
    for _ in 0..300 {
        server.say(&mut ann);
    }
    let rows = shown(&ann);
    assert!(rows[..500] == read, "what is read stays");
    assert!(rows.len() <= MAX_ROWS, "{} rows", rows.len());
    let holes = ann.rows().iter().filter(|row| *row == "hole").count();
    assert_eq!(holes, 1);
    // On both sides of it nothing is missing.
    let hole = rows.iter().position(Option::is_none).unwrap();
    assert_contiguous(&rows[..hole]);
    assert_contiguous(&rows[hole + 1..]);
    assert_eq!(rows.last(), Some(&Some(12_300)));
}

#[test]
fn reading_back_over_the_bound_fetches_each_page_once_and_keeps_the_bound() {
    let mut server = Server::of(11_000);
    let mut ann = server.enter();
    server.asked.clear();
    while ann.client.history(&ann.room) == Some(History::More) {
        server.say(&mut ann);
        read_on(&mut server, &mut ann);
        assert!(shown(&ann).len() <= MAX_ROWS, "the bound holds when a page comes, too");
    }
    assert_eq!(shown(&ann)[0], Some(1));
    let different = server.asked.iter().cloned().collect::<HashSet<_>>();
    assert_eq!(different.len(), server.asked.len(), "no page twice");
    // At the beginning there is nothing to fetch, however much comes.
    for _ in 0..100 {
        server.say(&mut ann);
        read_on(&mut server, &mut ann);
    }
    assert_eq!(ann.client.history(&ann.room), Some(History::Beginning));
    assert_eq!(different.len(), server.asked.len());
    assert_eq!(shown(&ann)[0], Some(1));
}

#[test]
fn whoever_returns_to_the_end_has_the_newest_and_reads_back_from_there() {
    let mut server = Server::of(12_000);
    let mut ann = server.enter();
    read_back_to(&mut server, &mut ann, 1_501);
    assert!(shown(&ann).contains(&None));
    return_to_end(&mut ann);
    server.answer(&mut ann);
    assert_contiguous(&shown(&ann));
    assert_eq!(shown(&ann).last(), Some(&Some(12_000)));
    assert_eq!(ann.client.history(&ann.room), Some(History::More));
    let first = shown(&ann)[0].unwrap();
    read_on(&mut server, &mut ann);
    assert_contiguous(&shown(&ann));
    assert_eq!(shown(&ann)[0], Some(first - 50));
}

#[test]
fn whoever_reads_down_to_where_rows_have_left_finds_them_there() {
    let mut server = Server::of(12_000);
    let mut ann = server.enter();
    read_back_to(&mut server, &mut ann, 1_501);
    let hole = shown(&ann).iter().position(Option::is_none).unwrap();
    assert_eq!(shown(&ann)[hole - 1].unwrap() + 1 - 1_501, u32::try_from(hole).unwrap());
    read_at(&mut ann, hole - 50);
    let row = ann.row_id(hole - 50);
    server.answer(&mut ann);
    let rows = shown(&ann);
    assert_contiguous(&rows);
    assert!(rows.len() <= MAX_ROWS);
    assert!(ann.client.row(&ann.room, row).is_some(), "what is read stays");
    assert_eq!(rows.last(), Some(&Some(12_000)));
}

#[test]
fn where_more_has_left_than_there_is_place_for_nothing_is_fetched_again_and_again() {
    let mut server = Server::of(6_000);
    let mut ann = server.enter();
    read_back_to(&mut server, &mut ann, 5_001);
    read_at(&mut ann, 500);
    for _ in 0..15_000 {
        server.say(&mut ann);
    }
    let read = ann.row_id(500);
    server.asked.clear();
    for _ in 0..200 {
        let hole = shown(&ann).iter().position(Option::is_none).unwrap();
        read_at(&mut ann, hole - 50);
        server.answer(&mut ann);
        server.say(&mut ann);
        assert!(shown(&ann).len() <= MAX_ROWS);
    }
    assert!(server.asked.len() < 400, "{} pages", server.asked.len());
    let rows = shown(&ann);
    let hole = rows.iter().position(Option::is_none).unwrap();
    assert_contiguous(&rows[..hole]);
    assert_contiguous(&rows[hole + 1..]);
    assert!(ann.client.row(&ann.room, read).is_none(), "what stands far above has left instead");
    return_to_end(&mut ann);
    assert_contiguous(&shown(&ann));
}

#[test]
fn what_was_missed_is_fetched_below_what_is_read() {
    let mut server = Server::of(12_000);
    let mut ann = server.enter();
    read_back_to(&mut server, &mut ann, 1_501);
    server.asked.clear();
    ann.close(1006);
    ann.wait_for_attempt();
    server.newest += 130;
    ann.open();
    ann.receive(WELCOME);
    server.answer(&mut ann);
    ann.pass(Duration::from_secs(4));
    server.answer(&mut ann);
    let rows = shown(&ann);
    assert_eq!(rows[0], Some(1_501));
    let hole = rows.iter().position(Option::is_none).unwrap();
    assert_contiguous(&rows[..hole]);
    assert_contiguous(&rows[hole + 1..]);
    assert_eq!(rows.last(), Some(&Some(12_130)));
    assert!(server.asked.len() < 12, "{} pages", server.asked.len());
    assert!(rows.len() <= MAX_ROWS);
}

#[test]
fn where_there_is_no_history_a_row_says_that_some_are_missing() {
    let mut ann = Scenario::basic();
    for number in 0..100 {
        ann.receive(&scenario::broadcast("bo=", &number.to_string()));
    }
    read_at(&mut ann, 10);
    let read = ann.rows();
    for number in 100..10_500 {
        ann.receive(&scenario::broadcast("bo=", &number.to_string()));
    }
    let rows = ann.rows();
    assert!(rows[..100] == read, "what is read stays");
    assert!(rows.len() <= MAX_ROWS, "{} rows", rows.len());
    assert_eq!(rows.iter().filter(|row| *row == "interruption").count(), 1);
    assert_eq!(rows.last().unwrap(), "bo=: 10499 [Sent]");
}

#[test]
fn for_somebody_at_the_end_the_oldest_leave_and_come_back() {
    let mut server = Server::of(60);
    let mut ann = server.enter();
    read_back_to(&mut server, &mut ann, 1);
    return_to_end(&mut ann);
    for _ in 0..MAX_ROWS {
        server.say(&mut ann);
    }
    let rows = shown(&ann);
    assert_eq!((rows.len(), rows[0]), (MAX_ROWS, Some(61)));
    assert_contiguous(&rows);
    assert_eq!(ann.client.history(&ann.room), Some(History::More));
    read_on(&mut server, &mut ann);
    assert_eq!(shown(&ann)[0], Some(11));
}
