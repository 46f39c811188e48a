//! The device's storage, in the browser's own database.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use js_sys::Promise;
use roomlet::driver::{BrowserStorage, Clock, DeviceStorage, OpenStorage};
use roomlet_client::config::{Backend, Dialect, Endpoint, Service, SignIn};
use roomlet_client::{
    Client, Command, GuestKey, Input, Output, Person, Record, RoomId, Seed, Shelf, StorageAnswer,
    StorageChange, StorageRequestId, TabId, Whose,
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::overridden::{Overridden, evaluate};

/// A tab of somebody, and what it has heard.
struct Tab {
    storage: Box<dyn OpenStorage>,
    id: TabId,
    heard: Rc<RefCell<Vec<Input>>>,
}

impl Tab {
    fn open(whose: &Whose, name: &str) -> Self {
        let heard = Rc::<RefCell<Vec<Input>>>::default();
        let id = TabId(format!("{}{name}", whose.as_str()));
        let on_input = Rc::clone(&heard);
        let on_input = Box::new(move |input| on_input.borrow_mut().push(input));
        let storage = BrowserStorage.open(StorageRequestId(0), whose.clone(), id.clone(), on_input);
        assert!(heard.borrow().is_empty(), "nothing is reported from within the call");
        Self { storage, id, heard }
    }

    /// Opens one and waits until it is open.
    async fn opened(whose: &Whose, name: &str) -> (Self, Vec<Record>) {
        let tab = Self::open(whose, name);
        match tab.answer(0).await {
            StorageAnswer::Opened(records) => (tab, records),
            other => panic!("it did not open: {other:?}"),
        }
    }

    async fn write(&self, request: u32, changes: Vec<StorageChange>) -> StorageAnswer {
        self.storage.write(StorageRequestId(request), changes);
        self.answer(request).await
    }

    async fn answer(&self, wanted: u32) -> StorageAnswer {
        let found = || {
            self.heard.borrow().iter().find_map(|input| match input {
                Input::StorageAnswered { request, answer } if request.0 == wanted => {
                    Some(answer.clone())
                }
                _ => None,
            })
        };
        until(|| found().is_some(), "an answer").await;
        found().unwrap()
    }

    async fn hears(&self, input: Input) {
        until(|| self.heard.borrow().contains(&input), &format!("{input:?}")).await;
    }

    /// Hears that a tab is gone; returns for how long it had been silent.
    async fn hears_of_the_end(&self, tab: &TabId) -> Duration {
        until(|| self.heard_of_the_end(tab).is_some(), &format!("the end of {tab:?}")).await;
        self.heard_of_the_end(tab).unwrap()
    }

    fn heard_of_the_end(&self, of: &TabId) -> Option<Duration> {
        self.heard.borrow().iter().find_map(|input| match input {
            Input::TabGone { tab, silent } if tab == of => Some(*silent),
            _ => None,
        })
    }

    fn unsent(&self, name: &str, value: &str) -> Record {
        record(Shelf::Unsent(self.id.clone()), name, value)
    }
}

fn record(shelf: Shelf, name: &str, value: &str) -> Record {
    Record { shelf, name: name.to_owned(), value: value.to_owned() }
}

async fn until(condition: impl Fn() -> bool, what: &str) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        TimeoutFuture::new(10).await;
    }
    panic!("it did not happen within twenty seconds: {what}");
}

/// Somebody whom nobody has met: what a client of a new guest asks the storage of.
fn somebody() -> Whose {
    static GUESTS: AtomicU32 = AtomicU32::new(0);
    let number = GUESTS.fetch_add(1, Ordering::Relaxed);
    let started = js_sys::Date::now() as u64;
    let guest_key = GuestKey::parse(&format!("{started:024x}{number:08x}")).unwrap();
    let service =
        Service::api_gateway(Endpoint::parse("ws://127.0.0.1:1/device").unwrap(), Dialect::Full);
    let room = RoomId::default();
    let backend =
        Backend { name: "test".into(), service, sign_in: SignIn::None, room: room.clone() };
    let person = Person { guest_key, name: None, known_as: None };
    let seed: Seed = [7; 32];
    let mut client = Client::with_storage(backend, person, seed);
    client.handle(Clock::default().now(), Input::Command(Command::OpenRoom(room)));
    let mut outputs = std::iter::from_fn(|| client.poll_output());
    let whose = outputs.find_map(|output| match output {
        Output::OpenStorage { whose, .. } => Some(whose),
        _ => None,
    });
    whose.expect("a guest is known at once")
}

async fn promised(expression: &str) {
    JsFuture::from(evaluate(expression).unchecked_into::<Promise>()).await.unwrap();
}

#[wasm_bindgen_test]
async fn what_is_stored_is_there_after_a_reload_and_only_for_its_owner() {
    let (ann, bo) = (somebody(), somebody());
    let (tab, records) = Tab::opened(&ann, "1").await;
    assert_eq!(records, []);
    let mut stored = vec![
        record(Shelf::Draft, "김치 방/1", "\"반만 쓴\""),
        record(Shelf::Read, "lobby", "{}"),
        record(Shelf::Sent, "c0", "{}"),
        tab.unsent("c1", "one"),
    ];
    let mut changes = stored.iter().cloned().map(StorageChange::Put).collect::<Vec<_>>();
    changes.push(StorageChange::Put(record(Shelf::Draft, "other", "gone")));
    changes.push(StorageChange::Delete { shelf: Shelf::Draft, name: "other".into() });
    changes.push(StorageChange::Delete { shelf: Shelf::Draft, name: "never was".into() });
    assert_eq!(tab.write(1, changes).await, StorageAnswer::Stored);
    let again = tab.unsent("c1", "two");
    stored.pop();
    stored.push(again.clone());
    assert_eq!(tab.write(2, vec![StorageChange::Replace(again)]).await, StorageAnswer::Stored);
    drop(tab);
    let (_other, nothing) = Tab::opened(&bo, "2").await;
    assert_eq!(nothing, []);
    let (_reloaded, records) = Tab::opened(&ann, "3").await;
    assert_eq!(records, stored);
}

#[wasm_bindgen_test]
async fn a_change_of_a_record_that_another_tab_has_taken_changes_nothing() {
    let whose = somebody();
    let (tab, _) = Tab::opened(&whose, "1").await;
    let changes = vec![
        StorageChange::Put(record(Shelf::Draft, "lobby", "never")),
        StorageChange::Replace(tab.unsent("c1", "never")),
        StorageChange::Replace(tab.unsent("c2", "never")),
    ];
    assert_eq!(tab.write(1, changes).await, StorageAnswer::Missing);
    drop(tab);
    assert_eq!(Tab::opened(&whose, "2").await.1, []);
}

#[wasm_bindgen_test]
async fn answers_come_in_the_order_of_the_requests() {
    let (tab, _) = Tab::opened(&somebody(), "1").await;
    let full = Overridden::method(
        "IDBObjectStore.prototype",
        "put",
        "(put => function (value, key) { if (value === 'bad') throw new Error(); return put.call(this, value, key); })(IDBObjectStore.prototype.put)",
    );
    for (request, value) in [(1, "good"), (2, "bad"), (3, "good")] {
        let change = StorageChange::Put(tab.unsent("c1", value));
        tab.storage.write(StorageRequestId(request), vec![change]);
    }
    drop(full);
    tab.answer(3).await;
    let answers = tab.heard.borrow().iter().skip(1).cloned().collect::<Vec<_>>();
    let answered =
        |request, answer| Input::StorageAnswered { request: StorageRequestId(request), answer };
    let (stored, failed) = (StorageAnswer::Stored, StorageAnswer::Failed);
    assert_eq!(answers, [answered(1, stored.clone()), answered(2, failed), answered(3, stored)]);
}

/// Two tabs watch a third one, and whoever hears of its end takes what it has left.
async fn one_of_two_adopts() {
    let whose = somebody();
    let (gone, _) = Tab::opened(&whose, "gone").await;
    let message = gone.unsent("c1", "one");
    assert_eq!(gone.write(1, vec![StorageChange::Put(message)]).await, StorageAnswer::Stored);
    let (first, records) = Tab::opened(&whose, "first").await;
    assert_eq!(records.len(), 1, "only records are records");
    let (second, _) = Tab::opened(&whose, "second").await;
    for tab in [&first, &second] {
        tab.storage.watch(gone.id.clone());
    }
    // As long as it lives nothing is heard: what is asked for later is answered first.
    assert_eq!(first.write(1, Vec::new()).await, StorageAnswer::Stored);
    TimeoutFuture::new(100).await;
    let tab = gone.id.clone();
    assert_eq!(first.heard_of_the_end(&tab), None);
    drop(gone);
    let mut adopted = Vec::new();
    for one in [&first, &second] {
        one.hears_of_the_end(&tab).await;
        one.storage.adopt(StorageRequestId(9), tab.clone());
    }
    for one in [&first, &second] {
        let StorageAnswer::Adopted(records) = one.answer(9).await else { panic!("not adopted") };
        adopted.push(records);
    }
    assert_eq!(adopted, [vec![first.unsent("c1", "one")], Vec::new()]);
    drop((first, second));
    let (_later, records) = Tab::opened(&whose, "later").await;
    assert_eq!(records.len(), 1);
}

#[wasm_bindgen_test]
async fn what_a_tab_leaves_behind_is_adopted_by_exactly_one_other() {
    one_of_two_adopts().await;
}

#[wasm_bindgen_test]
async fn without_locks_as_well() {
    let _insecure = Overridden::without_locks();
    // What is due every five seconds is due twenty times a second here.
    let _fast = Overridden::method(
        "window",
        "setInterval",
        "(set => (task, time) => set(task, time / 100))(window.setInterval)",
    );
    one_of_two_adopts().await;
}

#[wasm_bindgen_test]
async fn without_locks_a_tab_that_has_been_silent_is_gone_and_one_that_speaks_is_not() {
    let _insecure = Overridden::without_locks();
    let whose = somebody();
    let crashed = {
        let half_a_minute_ago =
            Overridden::method("Date", "now", "(now => () => now() - 30100)(Date.now)");
        let (tab, _) = Tab::opened(&whose, "crashed").await;
        drop(half_a_minute_ago);
        tab
    };
    let (alive, _) = Tab::opened(&whose, "alive").await;
    let (tab, _) = Tab::opened(&whose, "own").await;
    tab.storage.watch(alive.id.clone());
    tab.storage.watch(crashed.id.clone());
    let silent = tab.hears_of_the_end(&crashed.id).await;
    assert!(silent >= Duration::from_secs(30), "{silent:?}");
    assert_eq!(tab.heard_of_the_end(&alive.id), None);
}

#[wasm_bindgen_test]
async fn tabs_of_one_person_hear_each_other() {
    let whose = somebody();
    let (first, _) = Tab::opened(&whose, "1").await;
    let (second, _) = Tab::opened(&whose, "2").await;
    let (stranger, _) = Tab::opened(&somebody(), "3").await;
    let name = format!("roomlet:{}", whose.as_str());
    evaluate(&format!("new BroadcastChannel('{name}').postMessage({{not: 'words'}})"));
    first.storage.tell("안녕");
    second.hears(Input::HeardTab { news: "안녕".into() }).await;
    let heard = |tab: &Tab| tab.heard.borrow().len() - 1;
    assert_eq!([heard(&first), heard(&second), heard(&stranger)], [0, 1, 0]);
}

#[wasm_bindgen_test]
async fn a_newer_page_gets_the_database_and_an_older_one_is_told() {
    let whose = somebody();
    let (tab, _) = Tab::opened(&whose, "1").await;
    assert_eq!(tab.write(1, Vec::new()).await, StorageAnswer::Stored);
    promised(
        "new Promise((resolve, reject) => {
            const request = indexedDB.open('roomlet', 2);
            request.onblocked = request.onerror = () => reject(request.error);
            request.onsuccess = () => { request.result.close(); resolve(); };
        })",
    )
    .await;
    tab.hears(Input::StorageLost).await;
    assert_eq!(tab.write(2, Vec::new()).await, StorageAnswer::Failed);
    let older = Tab::open(&whose, "2");
    assert_eq!(older.answer(0).await, StorageAnswer::Failed);
    drop((tab, older));
    delete_database().await;
}

/// Succeeds only when nobody has the database open.
async fn delete_database() {
    promised(
        "new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase('roomlet');
            request.onblocked = request.onerror = () => reject('somebody has it open');
            request.onsuccess = resolve;
        })",
    )
    .await;
}

#[wasm_bindgen_test]
async fn a_database_that_answers_nothing_any_more_is_given_up_before_requests_pile_up() {
    let (tab, _) = Tab::opened(&somebody(), "1").await;
    promised(
        "(async () => {
            const open = indexedDB.open('roomlet');
            await new Promise((resolve) => { open.onsuccess = resolve; });
            const transaction = open.result.transaction('records', 'readwrite');
            const hold = () => {
                if (!window.released) transaction.objectStore('records').get('nothing').onsuccess = hold;
            };
            transaction.oncomplete = () => open.result.close();
            hold();
        })()",
    )
    .await;
    for request in 1..5_000 {
        // Nothing to do is soon done, once its turn comes.
        tab.storage.write(StorageRequestId(request), Vec::new());
    }
    tab.hears(Input::StorageLost).await;
    evaluate("window.released = true");
    assert_eq!(tab.answer(1).await, StorageAnswer::Stored);
    assert_eq!(tab.answer(4_999).await, StorageAnswer::Failed);
    let is_lost = |input: &&Input| **input == Input::StorageLost;
    assert_eq!(tab.heard.borrow().iter().filter(is_lost).count(), 1);
}

#[wasm_bindgen_test]
async fn a_browser_without_a_database_and_a_full_disk_are_failures() {
    let whose = somebody();
    let forbidden = Overridden::without_database();
    let tab = Tab::open(&whose, "1");
    assert_eq!(tab.answer(0).await, StorageAnswer::Failed);
    assert_eq!(tab.write(1, Vec::new()).await, StorageAnswer::Failed);
    drop((tab, forbidden));
    let (tab, _) = Tab::opened(&whose, "2").await;
    let full = Overridden::with_full_disk();
    let changes = vec![
        StorageChange::Delete { shelf: Shelf::Draft, name: "lobby".into() },
        StorageChange::Put(record(Shelf::Draft, "lobby", "text")),
    ];
    assert_eq!(tab.write(1, changes.clone()).await, StorageAnswer::Failed);
    drop(full);
    assert_eq!(tab.write(2, changes).await, StorageAnswer::Stored);
}

#[wasm_bindgen_test]
async fn clearing_deletes_what_is_ones_own_even_before_the_storage_is_open() {
    let (ann, bo) = (somebody(), somebody());
    for whose in [&ann, &bo] {
        let (tab, _) = Tab::opened(whose, "1").await;
        let draft = record(Shelf::Draft, "lobby", "text");
        tab.write(1, vec![StorageChange::Put(draft), StorageChange::Put(tab.unsent("c", "x"))])
            .await;
    }
    let (tab, records) = Tab::opened(&ann, "2").await;
    assert_eq!(records.len(), 2);
    tab.storage.clear();
    drop(tab);
    assert_eq!(Tab::opened(&ann, "3").await.1, []);
    let early = Tab::open(&bo, "2");
    early.storage.clear();
    let heard = Rc::clone(&early.heard);
    drop(early);
    // The other one may take its time, and this one must not come before it.
    for _ in 0..200 {
        TimeoutFuture::new(100).await;
        if Tab::opened(&bo, "3").await.1.is_empty() {
            break;
        }
    }
    assert_eq!(Tab::opened(&bo, "4").await.1, []);
    assert!(heard.borrow().is_empty(), "nobody is told any more");
}

#[wasm_bindgen_test]
async fn what_is_dropped_is_closed_and_silent() {
    let whose = somebody();
    let (open, _) = Tab::opened(&whose, "open").await;
    let opening = Tab::open(&whose, "opening");
    let heard = Rc::clone(&opening.heard);
    let last = StorageChange::Put(open.unsent("c1", "last words"));
    open.storage.write(StorageRequestId(1), vec![last]);
    let (open_heard, before) = (Rc::clone(&open.heard), open.heard.borrow().len());
    let ids = [open.id.clone(), opening.id.clone()];
    drop((open, opening));
    for TabId(id) in ids {
        let lock = format!("roomlet:{}:{id}", whose.as_str());
        promised(&format!("navigator.locks.request('{lock}', () => {{}})")).await;
    }
    let (other, records) = Tab::opened(&whose, "other").await;
    assert_eq!(records.len(), 1, "what was begun is done");
    other.storage.tell("anybody?");
    TimeoutFuture::new(100).await;
    assert!(heard.borrow().is_empty());
    assert_eq!(open_heard.borrow().len(), before);
    drop(other);
    delete_database().await;
}

#[wasm_bindgen_test]
async fn a_database_that_never_opens_says_nothing_and_keeps_nothing_from_others() {
    let whose = somebody();
    let hanging = Overridden::with_hanging_database();
    let tab = Tab::open(&whose, "1");
    let lock = format!("roomlet:{}:{}", whose.as_str(), tab.id.0);
    until_held(&lock).await;
    assert!(tab.heard.borrow().is_empty());
    drop(tab);
    promised(&format!("navigator.locks.request('{lock}', () => {{}})")).await;
    drop(hanging);
    assert_eq!(Tab::opened(&whose, "2").await.1, []);
}

async fn until_held(lock: &str) {
    promised(&format!(
        "(async () => {{
            for (;;) {{
                const {{held}} = await navigator.locks.query();
                if (held.some(({{name}}) => name === '{lock}')) return;
            }}
        }})()"
    ))
    .await;
}
