//! What outlives the page, and the person's other tabs. The client decides everything; here it is done.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::ready;
use gloo_timers::callback::Interval;
use roomlet_client::{Input, StorageAnswer, StorageChange, StorageRequestId, TabId, Whose};
use wasm_bindgen_futures::spawn_local;

use super::database::{Database, Outcome, is_recent};
use super::tabs::{Presence, Talk};

/// Where there are no locks: how often a tab says that it lives, in milliseconds.
const BEAT: u32 = 5_000;
/// Where there are no locks: a tab that has not said so for this time, in milliseconds, counts as gone. One whose timers
/// the browser has slowed down may live on; then it finds that its records are another's.
const SILENCE: f64 = 30_000.0;
/// Requests that the browser has not answered: more than any client lets come together. At the bound the database is of
/// no more use.
const MAX_UNANSWERED: usize = 4_096;

/// Hears what comes of a storage: [`Input::StorageAnswered`], [`Input::StorageLost`], [`Input::TabGone`] and
/// [`Input::HeardTab`]; never from within a call to it.
pub type OnStorageInput = Box<dyn Fn(Input)>;

/// Keeps things on the device. Tests bring their own.
pub trait DeviceStorage {
    /// Opens it for a person, and makes the chat a tab of theirs; see
    /// [`Output::OpenStorage`](roomlet_client::Output::OpenStorage).
    fn open(
        &self,
        request: StorageRequestId,
        whose: Whose,
        tab: TabId,
        on_input: OnStorageInput,
    ) -> Box<dyn OpenStorage>;
}

/// A storage that is open, or is being opened. Requests are answered in the order in which they were made. Dropping it
/// closes it: what was begun is done, others can tell that this tab is gone, and nothing more is reported.
pub trait OpenStorage {
    /// Changes records; see [`Output::WriteStorage`](roomlet_client::Output::WriteStorage).
    fn write(&self, request: StorageRequestId, changes: Vec<StorageChange>);

    /// Makes another tab's unsent messages this one's; see
    /// [`Output::AdoptUnsent`](roomlet_client::Output::AdoptUnsent).
    fn adopt(&self, request: StorageRequestId, from: TabId);

    /// Reports when a tab lives no more.
    fn watch(&self, tab: TabId);

    /// Lets the person's other tabs hear something.
    fn tell(&self, news: &str);

    /// Deletes all that it has of the person, as soon as it is open. To be dropped next.
    fn clear(&self);
}

/// IndexedDB, Web Locks and `BroadcastChannel`; heartbeats in the database where there are no locks.
#[derive(Debug, Default)]
pub struct BrowserStorage;

impl DeviceStorage for BrowserStorage {
    fn open(
        &self,
        request: StorageRequestId,
        whose: Whose,
        tab: TabId,
        on_input: OnStorageInput,
    ) -> Box<dyn OpenStorage> {
        let shared = Rc::new_cyclic(|shared: &Weak<Shared>| {
            let hearing = shared.clone();
            let talk = Talk::new(&whose, move |news| report(&hearing, Input::HeardTab { news }));
            let presence = Presence::new(&whose);
            let life = Life { presence, talk, beats: None, watched: Vec::new() };
            Shared {
                whose,
                tab,
                on_input,
                state: RefCell::new(State::Opening { clear: false }),
                unanswered: Cell::new(0),
                last_answer: RefCell::default(),
                life: RefCell::new(Some(life)),
            }
        });
        shared.answer(request, Box::pin(open(Rc::clone(&shared))));
        Box::new(BrowserOpenStorage(shared))
    }
}

struct BrowserOpenStorage(Rc<Shared>);

struct Shared {
    whose: Whose,
    tab: TabId,
    on_input: OnStorageInput,
    state: RefCell<State>,
    /// At most [`MAX_UNANSWERED`].
    unanswered: Cell<usize>,
    /// Ends when the last request so far has been answered.
    last_answer: RefCell<Option<oneshot::Receiver<()>>>,
    /// `None` when this is nobody's tab any more, and nothing is reported.
    life: RefCell<Option<Life>>,
}

enum State {
    /// The database may open at any time, or never; it may be that it is only wanted to delete what is in it.
    Opening {
        clear: bool,
    },
    Open(Database),
    /// There is none, there is none any more, or nobody wants it.
    Closed,
}

/// What makes a chat a tab of somebody.
struct Life {
    presence: Option<Presence>,
    talk: Option<Talk>,
    /// Where there are no locks.
    beats: Option<Interval>,
    /// Where there are no locks: the tabs whose heartbeats matter.
    watched: Vec<Watched>,
}

/// A tab whose heartbeats matter.
struct Watched {
    tab: TabId,
    /// Its last one that was seen, in milliseconds since 1970.
    last: Option<f64>,
}

impl OpenStorage for BrowserOpenStorage {
    fn write(&self, request: StorageRequestId, changes: Vec<StorageChange>) {
        let Self(shared) = self;
        shared.ask(request, |database| database.change(&shared.whose, &changes));
        let has_locks = |life: &Life| life.presence.is_some();
        if !shared.life.borrow().as_ref().is_none_or(has_locks) {
            // Who finds its records where they were has not been taken for gone, and is not for a while: timers may be
            // slow.
            spawn_local(beat(Rc::downgrade(shared)));
        }
    }

    fn adopt(&self, request: StorageRequestId, from: TabId) {
        let Self(shared) = self;
        shared.ask(request, |database| database.adopt(&shared.whose, &from, &shared.tab));
    }

    fn watch(&self, tab: TabId) {
        let weak = Rc::downgrade(&self.0);
        let mut life = self.0.life.borrow_mut();
        let Some(life) = life.as_mut() else { return };
        let Some(presence) = &life.presence else {
            life.watched.push(Watched { tab, last: None });
            return spawn_local(beat(weak));
        };
        let gone = presence.gone(&tab);
        spawn_local(async move {
            if gone.await {
                report(&weak, Input::TabGone { tab, silent: Duration::ZERO });
            }
        });
    }

    fn tell(&self, news: &str) {
        if let Some(talk) = self.0.life.borrow().as_ref().and_then(|life| life.talk.as_ref()) {
            talk.tell(news);
        }
    }

    fn clear(&self) {
        match &mut *self.0.state.borrow_mut() {
            State::Opening { clear } => *clear = true,
            State::Open(database) => database.clear(&self.0.whose),
            State::Closed => {}
        }
    }
}

impl Drop for BrowserOpenStorage {
    fn drop(&mut self) {
        let Self(shared) = self;
        let Some(mut life) = shared.life.take() else { return };
        let mut state = shared.state.borrow_mut();
        match &*state {
            // Opening cannot be taken back: what opens will be cleared, and closed at once.
            State::Opening { clear: true } => return,
            State::Open(database) if life.presence.is_none() => {
                database.end_beats(&shared.whose, &shared.tab);
            }
            State::Opening { clear: false } | State::Open(_) | State::Closed => {}
        }
        let was_open = matches!(std::mem::replace(&mut *state, State::Closed), State::Open(_));
        if let Some(last_answer) = shared.last_answer.take().filter(|_| was_open) {
            // What was written becomes the next tab's, but not before it is on the disk.
            let presence = life.presence.take();
            spawn_local(async move {
                // An answer is not said: the wait for it ends.
                let _ = last_answer.await;
                drop(presence);
            });
        }
    }
}

impl Shared {
    /// Starts a request at the database; its answer waits for those of earlier ones.
    fn ask(self: &Rc<Self>, request: StorageRequestId, start: impl FnOnce(&Database) -> Outcome) {
        let is_full = self.unanswered.get() >= MAX_UNANSWERED;
        let outcome = match &*self.state.borrow() {
            State::Open(database) if !is_full => start(database),
            State::Open(_) | State::Opening { .. } | State::Closed => {
                Box::pin(ready(StorageAnswer::Failed))
            }
        };
        if is_full {
            let weak = Rc::downgrade(self);
            spawn_local(async move {
                let is_open = |shared: Rc<Self>| matches!(*shared.state.borrow(), State::Open(_));
                if weak.upgrade().is_some_and(is_open) {
                    lost(&weak);
                }
            });
        }
        self.answer(request, outcome);
    }

    fn answer(self: &Rc<Self>, request: StorageRequestId, outcome: Outcome) {
        let (answered, last_answer) = oneshot::channel();
        let before = self.last_answer.replace(Some(last_answer));
        self.unanswered.update(|unanswered| unanswered + 1);
        let shared = Rc::downgrade(self);
        spawn_local(async move {
            let answer = outcome.await;
            if let Some(before) = before {
                // An answer is not said: the wait for it ends.
                let _ = before.await;
            }
            if let Some(shared) = shared.upgrade() {
                shared.unanswered.update(|unanswered| unanswered - 1);
            }
            report(&shared, Input::StorageAnswered { request, answer });
            drop(answered);
        });
    }
}

async fn open(shared: Rc<Shared>) -> StorageAnswer {
    // Before anything is written, so that others can tell whose it is.
    let held = shared
        .life
        .borrow()
        .as_ref()
        .map(|life| life.presence.as_ref().map(|presence| presence.hold(&shared.tab)));
    let lives = match held.flatten() {
        Some(held) => held.await,
        None => true,
    };
    let Some(database) = Database::open().await else {
        shared.state.replace(State::Closed);
        return StorageAnswer::Failed;
    };
    {
        let mut state = shared.state.borrow_mut();
        if matches!(*state, State::Opening { clear: true }) {
            database.clear(&shared.whose);
        }
        if !lives || !matches!(*state, State::Opening { clear: false }) {
            *state = State::Closed;
            return StorageAnswer::Failed;
        }
        let weak = Rc::downgrade(&shared);
        database.on_lost(move || lost(&weak));
        *state = State::Open(database);
    }
    begin_beats(&shared).await;
    let read = match &*shared.state.borrow() {
        State::Open(database) => database.read(&shared.whose),
        State::Opening { .. } | State::Closed => return StorageAnswer::Failed,
    };
    let answer = read.await;
    let is_open = matches!(*shared.state.borrow(), State::Open(_));
    if is_open { answer } else { StorageAnswer::Failed }
}

/// What was begun is done, and what the client asks for when it hears of it, but nothing more.
fn lost(shared: &Weak<Shared>) {
    report(shared, Input::StorageLost);
    if let Some(shared) = shared.upgrade() {
        // A newer page waits for it.
        drop(shared.state.replace(State::Closed));
    }
}

/// Where there are no locks.
async fn begin_beats(shared: &Rc<Shared>) {
    let has_locks = |life: &Life| life.presence.is_some();
    if shared.life.borrow().as_ref().is_none_or(has_locks) {
        return;
    }
    let weak = Rc::downgrade(shared);
    beat(weak.clone()).await;
    let beats = Interval::new(BEAT, move || spawn_local(beat(weak.clone())));
    if let Some(life) = shared.life.borrow_mut().as_mut() {
        life.beats = Some(beats);
    }
}

/// Says that this tab lives, and finds out which of the others do not.
async fn beat(weak: Weak<Shared>) {
    let now = js_sys::Date::now();
    let beaten = weak.upgrade().and_then(|shared| match &*shared.state.borrow() {
        State::Open(database) => Some(database.beat(&shared.whose, &shared.tab, now, SILENCE)),
        State::Opening { .. } | State::Closed => None,
    });
    let Some(beaten) = beaten else { return };
    let Some(beats) = beaten.await else { return };
    let gone = weak.upgrade().and_then(|shared| {
        let mut life = shared.life.borrow_mut();
        let watched = &mut life.as_mut()?.watched;
        let is_gone = |one: &mut Watched| {
            let beat = beats.iter().find(|(tab, _)| *tab == one.tab).map(|(_, at)| *at);
            one.last = beat.or(one.last);
            !beat.is_some_and(|at| is_recent(at, now, SILENCE))
        };
        Some(watched.extract_if(.., is_gone).collect::<Vec<_>>())
    });
    for Watched { tab, last } in gone.unwrap_or_default() {
        // Of one that was not seen at all nobody has forgotten the heartbeat before it was as old as that.
        let silent = last.map_or(SILENCE, |last| (now - last).abs());
        let silent = Duration::try_from_secs_f64(silent / 1_000.0).unwrap_or(Duration::MAX);
        report(&weak, Input::TabGone { tab, silent });
    }
}

fn report(shared: &Weak<Shared>, input: Input) {
    if let Some(shared) = shared.upgrade().filter(|shared| shared.life.borrow().is_some()) {
        (shared.on_input)(input);
    }
}
