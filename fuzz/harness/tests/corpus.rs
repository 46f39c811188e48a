//! Replays the corpus, and the inputs that once failed, through what the fuzz targets run.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use roomlet_fuzz_harness::{TARGETS, run};

/// All of it, in bytes: more than that is for machines that keep a corpus of their own.
const MAX_CORPUS_BYTES: usize = 1_000_000;

#[test]
fn every_input_of_the_corpus_holds() {
    let mut failures = Vec::new();
    for target in TARGETS {
        let corpus = inputs("corpus", target.name);
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        for path in corpus.into_iter().chain(inputs("artifacts", target.name)) {
            let data = fs::read(&path).expect("a file of the corpus");
            let tried = catch_unwind(AssertUnwindSafe(|| run(target.name, &data)));
            if tried.is_err() {
                failures.push(path);
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_target_has_a_binary_and_a_corpus_that_is_small() {
    let names = TARGETS.map(|target| target.name.to_owned()).into_iter().collect::<BTreeSet<_>>();
    let binaries = entries(&folder("fuzz_targets")).into_iter();
    let binaries = binaries.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    assert_eq!(binaries.collect::<BTreeSet<_>>(), names);
    let corpora = entries(&folder("corpus")).into_iter();
    let corpora = corpora.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    assert_eq!(corpora.collect::<BTreeSet<_>>(), names);
    let files = TARGETS.iter().flat_map(|target| inputs("corpus", target.name));
    let bytes = files.map(|path| fs::read(path).map_or(0, |data| data.len())).sum::<usize>();
    assert!(bytes < MAX_CORPUS_BYTES, "{bytes} bytes: minimise the corpus");
}

fn inputs(of: &str, target: &str) -> Vec<PathBuf> {
    entries(&folder(of).join(target))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// What a folder holds, in order; nothing if there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>();
    paths.sort();
    paths
}
