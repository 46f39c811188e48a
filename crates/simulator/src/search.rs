//! Runs many seeds on all cores, until one fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Dialect, Failure, Plan, Statistics, run};

/// So often somebody who waits is told how far it is.
const BETWEEN_REPORTS: Duration = Duration::from_secs(10);
/// What was counted is handed over so often, so that threads do not wait for each other.
const RUNS_BETWEEN_COUNTS: u64 = 16;

/// Which seeds are run: each of them in each of the dialects.
#[derive(Debug, Clone)]
pub struct Search {
    /// The first one.
    pub first_seed: u64,
    /// How many.
    pub seeds: u64,
    /// In which dialects.
    pub dialects: Vec<Dialect>,
    /// How many people chat.
    pub people: usize,
    /// On how many threads.
    pub threads: usize,
    /// No run begins after so long.
    pub limit: Option<Duration>,
}

/// What came of a search.
#[derive(Debug)]
pub struct Found {
    /// What was counted, dialect by dialect, as they were asked for.
    pub statistics: Vec<(Dialect, Statistics)>,
    /// How many runs have ended well.
    pub runs: u64,
    /// The first failure in the order of the search, which is the same on any number of threads.
    pub failure: Option<Failure>,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Runs that have ended.
    pub runs: u64,
    /// All runs that there are to be.
    pub of: u64,
    /// Since the beginning.
    pub elapsed: Duration,
}

/// Where all threads look for work.
#[derive(Debug, Default)]
struct Board {
    next: AtomicU64,
    /// Nothing from here on is of interest: something before it has failed.
    end: AtomicU64,
}

enum Report {
    Ran(usize, u64, Statistics),
    Failed(u64, Box<Failure>),
}

impl Search {
    /// All seeds from 0 in all dialects, two people each.
    pub fn of(seeds: u64) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self {
            first_seed: 0,
            seeds,
            dialects: Dialect::ALL.to_vec(),
            people: 2,
            threads,
            limit: None,
        }
    }

    /// Runs them; the first failure ends it.
    pub fn go(&self, mut tell: impl FnMut(Progress)) -> Found {
        let started = Instant::now();
        let of = self.seeds.saturating_mul(self.width());
        let board = Board { next: AtomicU64::new(0), end: AtomicU64::new(of) };
        let statistics = self.dialects.iter().map(|one| (*one, Statistics::default())).collect();
        let mut found = Found { statistics, runs: 0, failure: None };
        let mut failed_at = u64::MAX;
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(self.threads * 2);
            for _ in 0..self.threads {
                let (sender, board) = (sender.clone(), &board);
                scope.spawn(move || self.work(board, started, &sender));
            }
            drop(sender);
            let mut told = started;
            loop {
                match receiver.recv_timeout(BETWEEN_REPORTS) {
                    Ok(Report::Ran(dialect, runs, counted)) => {
                        found.runs += runs;
                        if let Some((_, all)) = found.statistics.get_mut(dialect) {
                            all.add(&counted);
                        }
                    }
                    Ok(Report::Failed(index, failure)) if index < failed_at => {
                        (failed_at, found.failure) = (index, Some(*failure));
                    }
                    Ok(Report::Failed(..)) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if told.elapsed() >= BETWEEN_REPORTS {
                    told = Instant::now();
                    tell(Progress { runs: found.runs, of, elapsed: started.elapsed() });
                }
            }
        });
        found
    }

    fn width(&self) -> u64 {
        u64::try_from(self.dialects.len()).unwrap_or(u64::MAX)
    }

    fn work(&self, board: &Board, started: Instant, sender: &mpsc::SyncSender<Report>) {
        let mut counted =
            self.dialects.iter().map(|_| (0, Statistics::default())).collect::<Vec<_>>();
        loop {
            let index = board.next.fetch_add(1, Ordering::Relaxed);
            let is_over = self.limit.is_some_and(|limit| started.elapsed() > limit);
            if is_over || index >= board.end.load(Ordering::Relaxed) {
                break;
            }
            let place = usize::try_from(index % self.width()).unwrap_or(0);
            let seed = self.first_seed.wrapping_add(index / self.width());
            let Some((dialect, (runs, all))) = self.dialects.get(place).zip(counted.get_mut(place))
            else {
                break;
            };
            match run(&Plan::draw(seed, *dialect, self.people), 0) {
                Ok(statistics) => {
                    *runs += 1;
                    all.add(&statistics);
                    if *runs >= RUNS_BETWEEN_COUNTS {
                        let _ = sender.send(Report::Ran(place, *runs, std::mem::take(all)));
                        *runs = 0;
                    }
                }
                Err(failure) => {
                    board.end.fetch_min(index, Ordering::Relaxed);
                    let _ = sender.send(Report::Failed(index, Box::new(failure)));
                }
            }
        }
        for (place, (runs, all)) in counted.into_iter().enumerate() {
            let _ = sender.send(Report::Ran(place, runs, all));
        }
    }
}
