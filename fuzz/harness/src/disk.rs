//! The disk of a device, and what its tabs hear of each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use roomlet_client::{
    Output, Record, Shelf, StorageAnswer, StorageChange, StorageRequestId, TabId, Whose,
};

/// Tabs that are waited for and news that are remembered; older ones are forgotten.
const MAX_KEPT: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Disk {
    records: BTreeMap<(Whose, Shelf, String), String>,
    /// Whose records are open, and for which tab.
    open: Option<(Whose, TabId)>,
    waiting: VecDeque<Asked>,
    pub(crate) watched: VecDeque<TabId>,
    pub(crate) told: VecDeque<String>,
    seen: BTreeSet<StorageRequestId>,
}

#[derive(Debug)]
enum Asked {
    Open(StorageRequestId),
    Write(StorageRequestId, Vec<StorageChange>),
    Adopt(StorageRequestId, TabId),
}

impl Disk {
    /// Takes what a client wants of its device; anything else is handed back.
    pub(crate) fn take(&mut self, output: Output) -> Option<Output> {
        match output {
            Output::OpenStorage { request, whose, tab } => {
                self.see(request);
                assert!(self.open.is_none(), "one storage is open at a time");
                self.open = Some((whose, tab));
                self.waiting.push_back(Asked::Open(request));
            }
            Output::WriteStorage { request, changes } => {
                self.see(request);
                assert!(!changes.is_empty(), "nothing is to be changed");
                self.waiting.push_back(Asked::Write(request, changes));
            }
            Output::AdoptUnsent { request, from } => {
                self.see(request);
                self.waiting.push_back(Asked::Adopt(request, from));
            }
            Output::WatchTab { tab } => remember(&mut self.watched, tab),
            Output::TellTabs { news } => remember(&mut self.told, news),
            Output::CloseStorage { clear } => {
                // What was asked for before is done before.
                while self.answer().is_some() {}
                let (whose, _) = self.open.take().expect("only a storage that is open is closed");
                self.records.retain(|(of, ..), _| !clear || *of != whose);
            }
            other => return Some(other),
        }
        None
    }

    /// Does what was asked for first.
    pub(crate) fn answer(&mut self) -> Option<(StorageRequestId, StorageAnswer)> {
        Some(match self.waiting.pop_front()? {
            Asked::Open(request) => (request, StorageAnswer::Opened(self.all())),
            Asked::Write(request, changes) => (request, self.write(changes)),
            Asked::Adopt(request, from) => (request, StorageAnswer::Adopted(self.adopt(&from))),
        })
    }

    /// Answers what was asked for first with something else.
    pub(crate) fn answer_with(
        &mut self,
        answer: StorageAnswer,
    ) -> Option<(StorageRequestId, StorageAnswer)> {
        let request = match self.waiting.pop_front()? {
            Asked::Open(request) | Asked::Write(request, _) | Asked::Adopt(request, _) => request,
        };
        Some((request, answer))
    }

    /// Another tab, or an older page, has written something.
    pub(crate) fn plant(&mut self, record: Record) {
        if let Some((whose, _)) = &self.open {
            self.records.insert((whose.clone(), record.shelf, record.name), record.value);
        }
    }

    /// The page is gone, and with it what the disk had not done yet. What it held back is another tab's now.
    pub(crate) fn crash(&mut self) {
        self.open = None;
        self.waiting.clear();
        self.watched.clear();
        self.seen.clear();
    }

    fn see(&mut self, request: StorageRequestId) {
        assert!(self.seen.insert(request), "an id is used twice: {request:?}");
    }

    fn whose(&self) -> Option<Whose> {
        self.open.as_ref().map(|(whose, _)| whose.clone())
    }

    fn all(&self) -> Vec<Record> {
        let is_theirs = |of: &Whose| self.open.as_ref().is_some_and(|(whose, _)| of == whose);
        let records = self.records.iter().filter(|((of, ..), _)| is_theirs(of));
        let records = records.map(|((_, shelf, name), value)| Record {
            shelf: shelf.clone(),
            name: name.clone(),
            value: value.clone(),
        });
        records.collect()
    }

    fn write(&mut self, changes: Vec<StorageChange>) -> StorageAnswer {
        let Some(whose) = self.whose() else { return StorageAnswer::Failed };
        let key = |record: &Record| (whose.clone(), record.shelf.clone(), record.name.clone());
        let is_missing = changes.iter().any(|change| match change {
            StorageChange::Replace(record) => !self.records.contains_key(&key(record)),
            StorageChange::Put(_) | StorageChange::Delete { .. } => false,
        });
        if is_missing {
            return StorageAnswer::Missing;
        }
        for change in changes {
            match change {
                StorageChange::Put(record) | StorageChange::Replace(record) => {
                    self.records.insert(key(&record), record.value);
                }
                StorageChange::Delete { shelf, name } => {
                    self.records.remove(&(whose.clone(), shelf, name));
                }
            }
        }
        StorageAnswer::Stored
    }

    fn adopt(&mut self, from: &TabId) -> Vec<Record> {
        let Some((whose, tab)) = self.open.clone() else { return Vec::new() };
        let (theirs, own) = (Shelf::Unsent(from.clone()), Shelf::Unsent(tab));
        let is_theirs = |key: &&(Whose, Shelf, String)| key.0 == whose && key.1 == theirs;
        let keys = self.records.keys().filter(is_theirs).cloned().collect::<Vec<_>>();
        let mut adopted = Vec::new();
        for key in keys {
            let Some(value) = self.records.remove(&key) else { continue };
            let name = key.2;
            adopted.push(Record { shelf: own.clone(), name: name.clone(), value: value.clone() });
            self.records.insert((whose.clone(), own.clone(), name), value);
        }
        adopted
    }
}

fn remember<T>(queue: &mut VecDeque<T>, one: T) {
    queue.push_back(one);
    if queue.len() > MAX_KEPT {
        queue.pop_front();
    }
}
