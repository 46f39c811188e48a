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
        let begun = store.begin();
        let mut completions = vec![first(&mut store)];
        while completions.len() < MAX_JOBS_PER_TRANSACTION
            && let Ok(job) = waiting.try_recv()
        {
            completions.push(job(&mut store));
        }
        let durable = begun.and_then(|()| store.commit());
        if let Err(error) = &durable {
            eprintln!("roomlet-local: {error}");
        }
        for completion in completions {
            completion(durable.clone());
        }
    }
}
