//! A device's disk, and tabs that share it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use roomlet_client::config::{Backend, Dialect, Endpoint, Service, SignIn};
use roomlet_client::*;
use serde_json::{Value, json};

use super::{Scenario, WELCOME, ann};

type Records = BTreeMap<(Whose, Shelf, String), String>;

/// The records of a device. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Disk(Rc<RefCell<Records>>);

impl Disk {
    /// What stands on a shelf, of everybody.
    pub(crate) fn names(&self, is_it: impl Fn(&Shelf) -> bool) -> Vec<String> {
        let records = self.0.borrow();
        let names = records.keys().filter(|(_, shelf, _)| is_it(shelf));
        names.map(|(_, _, name)| name.clone()).collect()
    }

    pub(crate) fn unsent(&self) -> usize {
        self.names(|shelf| matches!(shelf, Shelf::Unsent(_))).len()
    }

    fn all(&self, whose: &Whose) -> Vec<Record> {
        let records = self.0.borrow();
        let of_them = records.iter().filter(|((of, _, _), _)| of == whose);
        of_them.map(|((_, shelf, name), value)| record(shelf, name, value)).collect()
    }

    fn write(&self, whose: &Whose, changes: Vec<StorageChange>) -> StorageAnswer {
        let mut records = self.0.borrow_mut();
        let key = |record: &Record| (whose.clone(), record.shelf.clone(), record.name.clone());
        let is_missing = |change: &StorageChange| match change {
            StorageChange::Replace(record) => !records.contains_key(&key(record)),
            StorageChange::Put(_) | StorageChange::Delete { .. } => false,
        };
        if changes.iter().any(is_missing) {
            return StorageAnswer::Missing;
        }
        for change in changes {
            match change {
                StorageChange::Put(record) | StorageChange::Replace(record) => {
                    records.insert(key(&record), record.value);
                }
                StorageChange::Delete { shelf, name } => {
                    records.remove(&(whose.clone(), shelf, name));
                }
            }
        }
        StorageAnswer::Stored
    }

    fn adopt(&self, whose: &Whose, from: &TabId, to: &TabId) -> Vec<Record> {
        let mut records = self.0.borrow_mut();
        let shelf = Shelf::Unsent(from.clone());
        let is_theirs = |(of, on, _): &(Whose, Shelf, String)| of == whose && *on == shelf;
        let keys = records.keys().filter(|key| is_theirs(key)).cloned().collect::<Vec<_>>();
        let own = Shelf::Unsent(to.clone());
        let mut adopted = Vec::new();
        for key in keys {
            let value = records.remove(&key).unwrap();
            adopted.push(record(&own, &key.2, &value));
            records.insert((whose.clone(), own.clone(), key.2), value);
        }
        adopted
    }
}

fn record(shelf: &Shelf, name: &str, value: &str) -> Record {
    Record { shelf: shelf.clone(), name: name.into(), value: value.into() }
}

/// API Gateway, in whatever dialect.
pub(crate) fn gateway() -> Service {
    Service::api_gateway(Endpoint::parse("wss://example.com/prod").unwrap(), Dialect::Auto)
}

/// A tab: a client, and the disk that its device has.
pub(crate) struct Tab {
    pub(crate) scenario: Scenario,
    disk: Disk,
    whose: Option<Whose>,
    pub(crate) id: Option<TabId>,
    /// Tabs that it wants to know of.
    pub(crate) watched: Vec<TabId>,
    /// What it has told the others.
    pub(crate) told: Vec<String>,
}

impl Tab {
    /// A tab in the lobby; the disk has not answered yet. `seed` tells it from other tabs.
    pub(crate) fn new(disk: &Disk, seed: u8, service: Service, sign_in: SignIn) -> Self {
        Self::in_room(disk, seed, (service, sign_in), RoomId::default())
    }

    /// The tab of a guest of API Gateway in some other room.
    pub(crate) fn of_room(disk: &Disk, seed: u8, room: &str) -> Self {
        let room = RoomId::parse(room).unwrap();
        let mut tab = Self::in_room(disk, seed, (gateway(), SignIn::None), room);
        tab.run_disk();
        tab
    }

    fn in_room(disk: &Disk, seed: u8, (service, sign_in): (Service, SignIn), room: RoomId) -> Self {
        let backend = Backend { name: "default".into(), service, sign_in, room: room.clone() };
        let mut scenario = Scenario::with(Client::with_storage(backend, ann(), [seed; 32]));
        scenario.command(Command::OpenRoom(room.clone()));
        scenario.room = room;
        Self {
            scenario,
            disk: disk.clone(),
            whose: None,
            id: None,
            watched: Vec::new(),
            told: Vec::new(),
        }
    }

    /// The tab of a guest of API Gateway, with everything that the disk has.
    pub(crate) fn guest(disk: &Disk, seed: u8) -> Self {
        let mut tab = Self::new(disk, seed, gateway(), SignIn::None);
        tab.run_disk();
        tab
    }

    /// The same, connected to a full backend.
    pub(crate) fn full(disk: &Disk, seed: u8) -> Self {
        let mut tab = Self::guest(disk, seed);
        tab.connect(WELCOME);
        tab.scenario.answer_history(&[], None);
        tab.run_disk();
        tab
    }

    /// The same, connected to a basic one that answers with errors what it does not know.
    pub(crate) fn basic(disk: &Disk, seed: u8) -> Self {
        let mut tab = Self::guest(disk, seed);
        tab.connect(super::FORBIDDEN);
        tab
    }

    /// Connects to an Event API; returns the id of the subscription.
    pub(crate) fn subscribe(&mut self) -> String {
        self.scenario.open();
        self.scenario.receive(super::appsync::EVENTS_ACK);
        self.scenario.subscribe_success()
    }

    pub(crate) fn connect(&mut self, answer: &str) {
        self.scenario.open();
        self.scenario.receive(answer);
    }

    /// Does one thing that the client wants of its device; says whether there was one.
    pub(crate) fn step_disk(&mut self) -> bool {
        let Some(output) = self.scenario.storage.pop_front() else { return false };
        let whose = |tab: &Self| tab.whose.clone().expect("the storage was opened");
        let (request, answer) = match output {
            Output::OpenStorage { request, whose, tab } => {
                let records = self.disk.all(&whose);
                (self.whose, self.id) = (Some(whose), Some(tab));
                (request, StorageAnswer::Opened(records))
            }
            Output::WriteStorage { request, changes } => {
                (request, self.disk.write(&whose(self), changes))
            }
            Output::AdoptUnsent { request, from } => {
                let to = self.id.clone().expect("the storage was opened");
                (request, StorageAnswer::Adopted(self.disk.adopt(&whose(self), &from, &to)))
            }
            Output::WatchTab { tab } => {
                self.watched.push(tab);
                return true;
            }
            Output::TellTabs { news } => {
                self.told.push(news);
                return true;
            }
            Output::CloseStorage { clear } => {
                let whose = self.whose.take().expect("it was open");
                if clear {
                    self.disk.0.borrow_mut().retain(|(of, _, _), _| *of != whose);
                }
                return true;
            }
            other => panic!("not for the disk: {other:?}"),
        };
        self.scenario.input(Input::StorageAnswered { request, answer });
        true
    }

    /// The disk has read these records some time ago, and only now says so.
    pub(crate) fn answer_opening(&mut self, records: Vec<Record>) {
        let Some(Output::OpenStorage { request, whose, tab }) = self.scenario.storage.pop_front()
        else {
            panic!("the storage is opened first");
        };
        (self.whose, self.id) = (Some(whose), Some(tab));
        let answer = StorageAnswer::Opened(records);
        self.scenario.input(Input::StorageAnswered { request, answer });
    }

    /// Lets time pass, with a disk that does at once what it is asked.
    pub(crate) fn pass(&mut self, duration: Duration) {
        self.scenario.pass(duration);
        self.run_disk();
    }

    pub(crate) fn run_disk(&mut self) {
        while self.step_disk() {}
    }

    /// Every tab that this one waits for is gone.
    pub(crate) fn others_are_gone(&mut self) {
        self.others_are_silent(Duration::ZERO);
    }

    /// The same where there are no locks: nothing has been heard of them for so long.
    pub(crate) fn others_are_silent(&mut self, silent: Duration) {
        for tab in std::mem::take(&mut self.watched) {
            self.scenario.input(Input::TabGone { tab, silent });
        }
        self.run_disk();
    }

    /// Hears what another tab has said.
    pub(crate) fn hear(&mut self, other: &mut Self) {
        other.run_disk();
        for news in std::mem::take(&mut other.told) {
            self.scenario.input(Input::HeardTab { news });
        }
        self.run_disk();
    }

    /// Hands a draft of the lobby in.
    pub(crate) fn write_draft(&mut self, text: &str) {
        let room = self.scenario.room.clone();
        self.scenario.command(Command::SetDraft { room, text: text.into() });
    }

    pub(crate) fn draft(&self) -> &str {
        self.scenario.client.draft(&self.scenario.room)
    }

    /// The send frames since the last look.
    pub(crate) fn sends(&mut self) -> Vec<Value> {
        let frames = self.scenario.sent().into_iter();
        frames.filter(|frame| frame["action"] == "sendMessage").collect()
    }

    /// Answers a send of the full dialect, and lets the disk know.
    pub(crate) fn acknowledge(&mut self, send: &Value, id: &str) {
        let ack = json!({
            "type": "ack",
            "clientMessageId": send["clientMessageId"],
            "id": id,
            "createdAt": "2025-10-29T04:06:00.000Z",
        });
        self.scenario.receive(&ack.to_string());
        self.run_disk();
    }

    pub(crate) fn rows(&self) -> Vec<String> {
        self.scenario.rows()
    }

    pub(crate) fn was_told_that_nothing_is_kept(&mut self) -> usize {
        let events = self.scenario.events.extract_if(.., |event| *event == Event::NotKept);
        events.count()
    }
}
