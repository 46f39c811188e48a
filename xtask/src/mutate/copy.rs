//! The copy that is mutated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::list::Mutation;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Which mutation holds; 0 for none.
pub(super) const VARIABLE: &str = "ROOMLET_MUTATION";
const CLIENT: &str = "crates/client";
const MEMBERS: [&str; 2] = [CLIENT, "crates/simulator"];

/// Asks whether a mutation holds; goes into the copy of the client.
const SWITCH: &str = "
mod mutation {
    pub(crate) fn is(number: u32) -> bool {
        static HOLDS: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let read = || std::env::var(\"VARIABLE\").ok()?.parse().ok();
        *HOLDS.get_or_init(|| read().unwrap_or(0)) == number
    }
}
";

/// Distributes mutations over builds: what overlaps without being the same text needs another one.
pub(super) fn batches<'a>(
    workspace: &Workspace,
    mutations: &'a [Mutation],
) -> Result<Vec<Vec<&'a Mutation>>, Failure> {
    let mut sources = BTreeMap::new();
    let mut lost = Vec::new();
    for mutation in mutations {
        let path = workspace.root().join(CLIENT).join("src").join(&mutation.file);
        let source = sources
            .entry(&mutation.file)
            .or_insert_with(|| fs::read_to_string(path).unwrap_or_default());
        let count = source.matches(&mutation.find).count();
        if mutation.find.is_empty() || count != 1 {
            lost.push(format!(
                "{}: its text occurs {count} times in {}",
                mutation.name, mutation.file
            ));
        }
    }
    if !lost.is_empty() {
        return Err(Failure::because(format!(
            "{}\nadapt crates/simulator/mutations.toml to the client as it is now",
            lost.join("\n")
        )));
    }
    let mut batches: Vec<Vec<&Mutation>> = Vec::new();
    for mutation in mutations {
        let fits = |batch: &&mut Vec<&Mutation>| {
            batch.iter().all(|other| {
                other.file != mutation.file
                    || other.find == mutation.find
                    || sources.get(&mutation.file).is_some_and(|source| {
                        let (one, other) = (place(source, mutation), place(source, other));
                        one.end <= other.start || other.end <= one.start
                    })
            })
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(mutation),
            None => batches.push(vec![mutation]),
        }
    }
    Ok(batches)
}

/// Writes the copy for one build and says where it is.
pub(super) fn write(
    workspace: &Workspace,
    number: usize,
    batch: &[&Mutation],
) -> Result<PathBuf, Failure> {
    let folder = workspace.target_directory().join("mutants").join(number.to_string());
    let unwritten = |error: std::io::Error| {
        Failure::because(format!(
            "{} cannot be written ({error}): make room or change its rights",
            folder.display()
        ))
    };
    for member in MEMBERS {
        copy_folder(&workspace.root().join(member), &folder.join(member)).map_err(unwritten)?;
    }
    fs::write(folder.join("Cargo.toml"), manifest(workspace)?).map_err(unwritten)?;
    let lock = workspace.root().join("Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).map_err(unwritten)?;
    let source = folder.join(CLIENT).join("src");
    for (file, text) in mutated(&source, batch).map_err(unwritten)? {
        fs::write(source.join(file), text).map_err(unwritten)?;
    }
    Ok(folder)
}

fn mutated(source: &Path, batch: &[&Mutation]) -> std::io::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for file in batch.iter().map(|one| &one.file).chain([&"lib.rs".to_owned()]) {
        texts.insert(file.clone(), fs::read_to_string(source.join(file))?);
    }
    for (file, text) in &mut texts {
        let mut edits = BTreeMap::<usize, (Range<usize>, String)>::new();
        for (index, mutation) in batch.iter().enumerate().filter(|(_, one)| one.file == *file) {
            let range = place(text, mutation);
            let (_, branches) = edits.entry(range.start).or_insert((range, String::new()));
            let (number, replacement) = (index + 1, &mutation.replace);
            let _ = write!(branches, "if crate::mutation::is({number}) {{ {replacement} }} else ");
        }
        // From the end, so that the places before stay where they are.
        for (range, branches) in edits.into_values().rev() {
            let original = text.get(range.clone()).unwrap_or_default();
            // At the beginning of a statement braces end it, and elsewhere parentheses are an expression like any other.
            let is_statement = original.ends_with([';', '}']);
            let (open, close) = if is_statement { ('{', '}') } else { ('(', ')') };
            let switched = format!("{open} {branches}{{ {original} }} {close}");
            text.replace_range(range, &switched);
        }
        if file == "lib.rs" {
            text.push_str(&SWITCH.replace("VARIABLE", VARIABLE));
        }
    }
    Ok(texts)
}

fn place(source: &str, mutation: &Mutation) -> Range<usize> {
    let start = source.find(&mutation.find).unwrap_or(0);
    start..start + mutation.find.len()
}

/// The workspace's manifest, with only the members that are copied, and without lints.
fn manifest(workspace: &Workspace) -> Result<String, Failure> {
    let path = workspace.root().join("Cargo.toml");
    let bad = || Failure::because(format!("{} is not as it must be: restore it", path.display()));
    let text = fs::read_to_string(&path).map_err(|_| bad())?;
    let mut manifest = toml::from_str::<toml::Table>(&text).map_err(|_| bad())?;
    manifest.retain(|name, _| matches!(name, "workspace" | "profile"));
    let members = MEMBERS.iter().map(|one| toml::Value::from(*one)).collect::<Vec<_>>();
    let own = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut).ok_or_else(bad)?;
    own.insert("members".into(), members.into());
    own.insert("lints".into(), toml::Table::new().into());
    toml::to_string(&manifest).map_err(|_| bad())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            // A file that is the same keeps its time, and cargo has nothing to do.
            let new = fs::read(entry.path())?;
            if fs::read(&target).ok().as_ref() != Some(&new) {
                fs::write(&target, new)?;
            }
        }
    }
    Ok(())
}
