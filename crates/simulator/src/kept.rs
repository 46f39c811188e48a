//! Plans that have failed once, each in a file of its own, replayed by the ordinary tests.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::{Failure, Plan};

/// The folder of the repository that holds them.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

/// All of them, by their names.
pub fn all() -> Result<Vec<(String, Plan)>, String> {
    let mut plans = Vec::new();
    let unread = |error: io::Error| {
        format!("kept plans cannot be read ({error}): look into {}", folder().display())
    };
    for entry in fs::read_dir(folder()).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            plans.push((path.display().to_string(), read(&path)?));
        }
    }
    plans.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(plans)
}

/// One of them.
pub fn read(path: &Path) -> Result<Plan, String> {
    let text = fs::read_to_string(path).map_err(|error| {
        format!("{} cannot be read ({error}): give another file", path.display())
    })?;
    text.parse().map_err(|error| format!("{}: {error}", path.display()))
}

/// Keeps the plan of a failure, and says where.
pub fn keep(failure: &Failure) -> Result<PathBuf, String> {
    let mut plan = Plan::clone(&failure.plan);
    plan.head.invariant.clone_from(&failure.invariant);
    let path = folder().join(plan.file_name());
    let unwritten = |error: io::Error| {
        format!("{} cannot be written ({error}): keep the plan by hand", path.display())
    };
    fs::create_dir_all(folder()).map_err(unwritten)?;
    fs::write(&path, plan.to_string()).map_err(unwritten)?;
    Ok(path)
}
