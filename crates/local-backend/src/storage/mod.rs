//! The database and the one thread that works on it.
//!
//! All work runs in order on one thread, many jobs in one transaction when they queue up, so that
//! a single write to the disk makes all of them durable. What a job wants to tell the world it
//! returns as a function, which runs after that write: nobody hears of a message that a power cut
//! could take back. Since these functions run in order too, messages are delivered in store order.

mod sqlite;

pub(crate) use sqlite::{Location, RowPosition, SqliteStore};

use tokio::sync::{mpsc, oneshot};

use crate::rooms::StoreError;

/// Jobs that may wait for the thread; whoever brings more waits, and so stops reading its socket.
const MAX_WAITING_JOBS: usize = 1_024;

/// Jobs that share one transaction, so that the first of a long queue does not wait for the last.
const MAX_JOBS_PER_TRANSACTION: usize = 128;

/// What runs when the transaction of a job ended, with the error if it did not become durable.
type Completion = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

type Job = Box<dyn FnOnce(&mut SqliteStore) -> Completion + Send>;

/// The database, for whoever has work for it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
}

impl Database {
    /// Opens the database and starts its thread, which ends once every `Database` is dropped; the
    /// receiver resolves when it has.
    pub(crate) fn open(
        location: &Location,
        keep_stale: bool,
    ) -> Result<(Self, oneshot::Receiver<()>), StoreError> {
        let mut store = SqliteStore::open(location)?;
        if !keep_stale {
            store.delete_all_connections()?;
        }
        let (jobs, waiting) = mpsc::channel(MAX_WAITING_JOBS);
        let (ended, end) = oneshot::channel();
        std::thread::Builder::new()
            .name("database".to_owned())
            .spawn(move || {
                run(store, waiting);
                // Nobody may be waiting for the end.
                let _ = ended.send(());
            })
            .map_err(|error| StoreError(error.to_string()))?;
        Ok((Self { jobs }, end))
    }

    /// Queues `work`; the function it returns runs once the work is durable, or is lost.
    pub(crate) async fn submit<C>(&self, work: impl FnOnce(&mut SqliteStore) -> C + Send + 'static)
    where
        C: FnOnce(Result<(), StoreError>) + Send + 'static,
    {
        let job: Job = Box::new(move |store| Box::new(work(store)));
        // The thread outlives every sender, so this fails only after the thread panicked; then the
        // completion never runs and the client hears nothing, as from a crashed integration.
        let _ = self.jobs.send(job).await;
    }

    /// Does `work` and gives its result once it is durable.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.submit(move |store| {
            let result = work(store);
            move |durable: Result<(), StoreError>| {
                // Whoever asked may have gone.
                let _ = sender.send(durable.and(result));
            }
        })
        .await;
        receiver.await.unwrap_or_else(|_| Err(StoreError("the database thread ended".to_owned())))
    }
}

fn run(mut store: SqliteStore, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut durable = store.begin();
        let mut completions = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            durable = durable.and(store.write_in_transaction_only());
            completions.push(job(&mut store));
            let room_left = completions.len() < MAX_JOBS_PER_TRANSACTION;
            next = if room_left { waiting.try_recv().ok() } else { None };
        }
        let durable = durable.and_then(|()| store.commit());
        if let Err(error) = &durable {
            eprintln!("roomlet-local: {error}");
        }
        for completion in completions {
            completion(durable.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::rooms::{
        NewMessage, RoomId, RoomStore as _, Sender as Person, SenderKind, Timestamp, Walk, send,
    };

    fn said(text: &str) -> NewMessage {
        NewMessage {
            room: RoomId::lobby(),
            text: text.to_owned(),
            client_message_id: Some(text.to_owned()),
            sender: Person { id: "g-1".to_owned(), name: None, kind: SenderKind::Guest },
            sender_connection_id: None,
        }
    }

    /// A job that sends a message, and reports what it was told in the end.
    fn send_job(text: &str, told: &Sender<Result<(), StoreError>>) -> Job {
        let (new, told) = (said(text), told.clone());
        Box::new(move |store| {
            let sent = send(store, Timestamp(1), 1, new).map(|_| ());
            let sent = sent.map_err(|error| StoreError(format!("{error:?}")));
            Box::new(move |durable| told.send(durable.and(sent)).unwrap())
        })
    }

    /// Runs these jobs as one group.
    fn run_together(store: SqliteStore, group: Vec<Job>) {
        let (jobs, waiting) = mpsc::channel::<Job>(MAX_WAITING_JOBS);
        for job in group {
            jobs.try_send(job).ok().unwrap();
        }
        drop(jobs);
        run(store, waiting);
    }

    fn kept(location: &Location) -> usize {
        let mut store = SqliteStore::open(location).unwrap();
        let mut kept = 0;
        let mut count = |_| {
            kept += 1;
            ControlFlow::Continue(())
        };
        store.walk(&RoomId::lobby(), &Walk::FromNewest, &mut count).unwrap();
        kept
    }

    fn impatient_store(directory: &tempfile::TempDir) -> (SqliteStore, Location) {
        let location = Location::File(directory.path().join("rooms.sqlite"));
        (SqliteStore::open_waiting(&location, Duration::ZERO).unwrap(), location)
    }

    #[test]
    fn nothing_is_kept_of_which_people_are_told_that_it_failed() {
        let directory = tempfile::tempdir().unwrap();
        let (store, location) = impatient_store(&directory);
        let mut other = SqliteStore::open(&location).unwrap();
        other.begin().unwrap();
        let (told, results) = channel();
        // The group does not begin, because of the other program, which then lets go.
        let let_go: Job = Box::new(move |_| {
            other.commit().unwrap();
            Box::new(|_| {})
        });
        let jobs = vec![let_go, send_job("one", &told), send_job("two", &told)];
        drop(told);
        run_together(store, jobs);
        let results: Vec<_> = results.into_iter().collect();
        assert!(results.len() == 2 && results.iter().all(Result::is_err), "{results:?}");
        assert_eq!(kept(&location), 0);
    }

    #[test]
    fn a_group_that_an_error_ends_is_lost_whole() {
        let directory = tempfile::tempdir().unwrap();
        let (store, location) = impatient_store(&directory);
        let (told, results) = channel();
        let error: Job = Box::new(|store| {
            store.commit().unwrap();
            Box::new(|_| {})
        });
        let jobs = vec![error, send_job("one", &told)];
        drop(told);
        run_together(store, jobs);
        assert!(results.into_iter().all(|result| result.is_err()));
        assert_eq!(kept(&location), 0);
    }

    #[test]
    fn writing_goes_on_after_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, location) = impatient_store(&directory);
        store.write_in_transaction_only().unwrap();
        let (told, results) = channel();
        let jobs = ["one", "two", "three"].map(|text| send_job(text, &told));
        drop(told);
        run_together(store, jobs.into());
        assert_eq!(results.into_iter().collect::<Vec<_>>(), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(kept(&location), 3);
    }
}
