//! The database of the device: one object store of strings. The keys are `[whose, shelf, name]`, for the shelf of a tab
//! `[whose, "unsent", tab, name]`: all that somebody has is one range, and so is a shelf.
//!
//! Each request starts at once, so that it is the browser's business even if the page ends now; what it comes to is
//! awaited. web-sys is used as it is: no crate around it asks for durability without an unstable flag of the compiler.

use std::cell::OnceCell;

use futures::future::{FutureExt, LocalBoxFuture, ready};
use gloo_events::EventListener;
use js_sys::{Array, Object, Promise, Reflect};
use roomlet_client::{Record, Shelf, StorageAnswer, StorageChange, TabId, Whose};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Event, EventTarget, IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest,
    IdbTransaction,
};

const NAME: &str = "roomlet";
/// What a newer page raises when the keys or values mean something else.
const VERSION: u32 = 1;
const RECORDS: &str = "records";

const UNSENT: &str = "unsent";
/// Where browsers have no locks: when each tab was seen last, in milliseconds since 1970. No record of a client.
const HEARTBEAT: &str = "heartbeat";

/// What becomes of a request that has been started.
pub(super) type Outcome = LocalBoxFuture<'static, StorageAnswer>;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase` of the Indexed Database API 3.0, whose transactions take options.
    #[wasm_bindgen(extends = IdbDatabase)]
    type DurableDatabase;

    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &DurableDatabase,
        stores: &str,
        mode: &str,
        options: &Object,
    ) -> Result<EagerTransaction, JsValue>;

    /// `IDBTransaction` of the same, which may be told that nothing more comes.
    #[wasm_bindgen(extends = IdbTransaction)]
    type EagerTransaction;

    #[wasm_bindgen(method, catch)]
    fn commit(this: &EagerTransaction) -> Result<(), JsValue>;
}

/// An open database; dropping it closes it, once what was started is done.
pub(super) struct Database {
    database: DurableDatabase,
    /// There since nobody has heard of the database before.
    listeners: OnceCell<[EventListener; 2]>,
}

impl Database {
    /// Opens it; `None` where the browser has none, forbids it, or has one of a newer page. While an older page does
    /// not let go of it this takes as long as that.
    pub(super) async fn open() -> Option<Self> {
        let factory = web_sys::window()?.indexed_db().ok()??;
        let request = factory.open_with_u32(NAME, VERSION).ok()?;
        let mut event = first_of(&request, &["upgradeneeded", "success", "error"]).await?;
        if event.type_() == "upgradeneeded" {
            let last = first_of(&request, &["success", "error"]);
            if create(&request).is_err() {
                // Without the store it must not come to be.
                request.transaction()?.abort().ok()?;
            }
            event = last.await?;
        }
        if event.type_() != "success" {
            return None;
        }
        let database = request.result().ok()?.unchecked_into();
        Some(Self { database, listeners: OnceCell::new() })
    }

    /// Says when the database is of no more use: a newer page wants to change it, or the browser has closed it.
    pub(super) fn on_lost(&self, lost: impl Fn() + Clone + 'static) {
        let listen = |event| {
            let lost = lost.clone();
            EventListener::new(&self.database, event, move |_| lost())
        };
        self.listeners.get_or_init(|| ["versionchange", "close"].map(listen));
    }

    /// All records of somebody.
    pub(super) fn read(&self, whose: &Whose) -> Outcome {
        let started = self
            .begin("readonly")
            .and_then(|(_, store)| Reading::start(&store, &range(&[whose.as_str()])?));
        or_failed(started.map(|reading| {
            let records = |entries: Vec<_>| entries.iter().filter_map(record).collect();
            reading.entries().map(move |entries| {
                entries.map_or(StorageAnswer::Failed, |entries| {
                    StorageAnswer::Opened(records(entries))
                })
            })
        }))
    }

    /// Changes records, all or none.
    pub(super) fn change(&self, whose: &Whose, changes: &[StorageChange]) -> Outcome {
        or_failed(self.begin("readwrite").and_then(|(transaction, store)| {
            let ended = first_of(&transaction, &["complete", "abort"]);
            let replaced = or_abort(&transaction, ask_for(&store, whose, changes))?;
            if replaced.is_empty() {
                // There is nothing to wait for. Where this is unknown, transactions commit by themselves.
                let _ = transaction.commit();
            }
            Ok(async move {
                let mut is_missing = false;
                for (request, found) in replaced {
                    found.await;
                    if request.result().is_ok_and(|key| key.is_undefined()) {
                        is_missing = true;
                        // Refused only when it has been aborted before.
                        let _ = transaction.abort();
                    }
                }
                if is_complete(ended.await) {
                    StorageAnswer::Stored
                } else if is_missing {
                    StorageAnswer::Missing
                } else {
                    StorageAnswer::Failed
                }
            })
        }))
    }

    /// Moves what a tab has not sent to the shelf of another.
    pub(super) fn adopt(&self, whose: &Whose, from: &TabId, to: &TabId) -> Outcome {
        or_failed(self.begin("readwrite").and_then(|(transaction, store)| {
            let ended = first_of(&transaction, &["complete", "abort"]);
            let shelf = range(&[whose.as_str(), UNSENT, &from.0])?;
            let reading = or_abort(&transaction, Reading::start(&store, &shelf))?;
            let heartbeat = key(&[whose.as_str(), HEARTBEAT, &from.0]);
            let (whose, to) = (whose.clone(), to.clone());
            Ok(async move {
                let Some(entries) = reading.entries().await else { return StorageAnswer::Failed };
                let records = entries
                    .iter()
                    .filter_map(record)
                    .map(|record| Record { shelf: Shelf::Unsent(to.clone()), ..record });
                let records = records.collect::<Vec<_>>();
                let moved = records.iter().try_for_each(|record| put(&store, &whose, record));
                let moved = moved.and_then(|()| store.delete(&shelf));
                let moved = moved.and_then(|_| store.delete(&heartbeat));
                let is_moved = or_abort(&transaction, moved).is_ok();
                if is_complete(ended.await) && is_moved {
                    StorageAnswer::Adopted(records)
                } else {
                    StorageAnswer::Failed
                }
            })
        }))
    }

    /// Deletes all that there is of somebody; nobody waits for it.
    pub(super) fn clear(&self, whose: &Whose) {
        self.forget(range(&[whose.as_str()]));
    }

    /// A tab says that it lives `now`, and asks when others have said so, in milliseconds since 1970. Those who have not
    /// for `silence` are forgotten.
    pub(super) fn beat(
        &self,
        whose: &Whose,
        tab: &TabId,
        now: f64,
        silence: f64,
    ) -> LocalBoxFuture<'static, Option<Vec<(TabId, f64)>>> {
        let own = key(&[whose.as_str(), HEARTBEAT, &tab.0]);
        let started = self.begin("readwrite").and_then(|(transaction, store)| {
            let ended = first_of(&transaction, &["complete", "abort"]);
            let beaten = store.put_with_key(&JsValue::from_f64(now), &own);
            or_abort(&transaction, beaten)?;
            let all = range(&[whose.as_str(), HEARTBEAT])?;
            let reading = or_abort(&transaction, Reading::start(&store, &all))?;
            Ok(async move {
                let entries = reading.entries().await?;
                let mut said = Vec::new();
                for (key, at) in entries {
                    let at = at.as_f64().unwrap_or(f64::NEG_INFINITY);
                    if !is_recent(at, now, silence) {
                        // What stays is forgotten the next time.
                        let _ = store.delete(&key);
                    }
                    said.extend(
                        parts(&key).and_then(|mut parts| parts.pop()).map(|tab| (TabId(tab), at)),
                    );
                }
                is_complete(ended.await).then_some(said)
            })
        });
        started.map_or_else(|_| ready(None).boxed_local(), FutureExt::boxed_local)
    }

    /// A tab goes, and says so.
    pub(super) fn end_beats(&self, whose: &Whose, tab: &TabId) {
        self.forget(Ok(key(&[whose.as_str(), HEARTBEAT, &tab.0])));
    }

    fn forget(&self, what: Result<JsValue, JsValue>) {
        let _ = what.and_then(|what| {
            let (transaction, store) = self.begin("readwrite")?;
            store.delete(&what)?;
            transaction.commit()
        });
    }

    /// Begins a transaction: complete means on the disk, as far as the browser can tell.
    fn begin(&self, mode: &str) -> Result<(EagerTransaction, IdbObjectStore), JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into())?;
        let transaction = self.database.transaction(RECORDS, mode, &options)?;
        let store = transaction.object_store(RECORDS)?;
        Ok((transaction, store))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.database.close();
    }
}

/// Whether a time is less than `silence` ago; the clock may have been set back meanwhile.
pub(super) fn is_recent(at: f64, now: f64, silence: f64) -> bool {
    (now - at).abs() < silence
}

/// Keys and values of a range that have been asked for.
struct Reading {
    keys: IdbRequest,
    values: IdbRequest,
    read: LocalBoxFuture<'static, Option<Event>>,
}

impl Reading {
    fn start(store: &IdbObjectStore, range: &JsValue) -> Result<Self, JsValue> {
        let keys = store.get_all_keys_with_key(range)?;
        let values = store.get_all_with_key(range)?;
        let read = first_of(&values, &["success", "error"]);
        Ok(Self { keys, values, read })
    }

    async fn entries(self) -> Option<Vec<(JsValue, JsValue)>> {
        self.read.await?;
        // After an error the results throw.
        let keys = self.keys.result().ok()?.dyn_into::<Array>().ok()?;
        let values = self.values.result().ok()?.dyn_into::<Array>().ok()?;
        Some(keys.iter().zip(values.iter()).collect())
    }
}

fn create(request: &IdbOpenDbRequest) -> Result<(), JsValue> {
    let database = request.result()?.unchecked_into::<IdbDatabase>();
    database.create_object_store(RECORDS).map(drop)
}

/// What each replaced record has to be there for: a request for its key, and its end.
type Replaced = Vec<(IdbRequest, LocalBoxFuture<'static, Option<Event>>)>;

fn ask_for(
    store: &IdbObjectStore,
    whose: &Whose,
    changes: &[StorageChange],
) -> Result<Replaced, JsValue> {
    let mut replaced = Vec::new();
    for change in changes {
        match change {
            StorageChange::Put(record) => put(store, whose, record)?,
            StorageChange::Replace(record) => {
                let request = store.get_key(&place(whose, &record.shelf, &record.name))?;
                let found = first_of(&request, &["success", "error"]);
                replaced.push((request, found));
                put(store, whose, record)?;
            }
            StorageChange::Delete { shelf, name } => {
                store.delete(&place(whose, shelf, name))?;
            }
        }
    }
    Ok(replaced)
}

fn put(store: &IdbObjectStore, whose: &Whose, record: &Record) -> Result<(), JsValue> {
    let place = place(whose, &record.shelf, &record.name);
    store.put_with_key(&JsValue::from_str(&record.value), &place).map(drop)
}

/// A transaction in which one request cannot even be made must do none of the others.
fn or_abort<T>(transaction: &IdbTransaction, made: Result<T, JsValue>) -> Result<T, JsValue> {
    made.inspect_err(|_| {
        // Refused only when it has been aborted before.
        let _ = transaction.abort();
    })
}

fn or_failed(started: Result<impl Future<Output = StorageAnswer> + 'static, JsValue>) -> Outcome {
    started.map_or_else(|_| ready(StorageAnswer::Failed).boxed_local(), FutureExt::boxed_local)
}

fn is_complete(ended: Option<Event>) -> bool {
    ended.is_some_and(|event| event.type_() == "complete")
}

/// The first event of those that follows. It is listened for from now on, not only when it is awaited.
fn first_of(target: &EventTarget, events: &[&str]) -> LocalBoxFuture<'static, Option<Event>> {
    let first = Promise::new(&mut |resolve, _| {
        for event in events {
            // Fails for no function.
            let _ = target.add_event_listener_with_callback(event, &resolve);
        }
    });
    JsFuture::from(first).map(|event| event.ok().map(JsCast::unchecked_into)).boxed_local()
}

fn key(parts: &[&str]) -> JsValue {
    parts.iter().map(|part| JsValue::from_str(part)).collect::<Array>().into()
}

/// All keys that begin so: arrays are sorted after all strings.
fn range(first: &[&str]) -> Result<JsValue, JsValue> {
    let end = key(first).unchecked_into::<Array>();
    end.push(&Array::new());
    IdbKeyRange::bound(&key(first), &end).map(JsValue::from)
}

fn place(whose: &Whose, shelf: &Shelf, name: &str) -> JsValue {
    let whose = whose.as_str();
    match shelf {
        Shelf::Unsent(tab) => key(&[whose, UNSENT, &tab.0, name]),
        Shelf::Draft => key(&[whose, "draft", name]),
        Shelf::Read => key(&[whose, "read", name]),
        Shelf::Sent => key(&[whose, "sent", name]),
    }
}

fn parts(key: &JsValue) -> Option<Vec<String>> {
    key.dyn_ref::<Array>()?.iter().map(|part| part.as_string()).collect()
}

/// `None` for what no client has stored.
fn record((key, value): &(JsValue, JsValue)) -> Option<Record> {
    let mut parts = parts(key)?.into_iter().skip(1);
    let shelf = match parts.next()?.as_str() {
        UNSENT => Shelf::Unsent(TabId(parts.next()?)),
        "draft" => Shelf::Draft,
        "read" => Shelf::Read,
        "sent" => Shelf::Sent,
        _ => return None,
    };
    Some(Record { shelf, name: parts.next()?, value: value.as_string()? })
}
