//! The list of mutations.

use std::fs;

use serde::Deserialize;

use crate::failure::Failure;
use crate::workspace::Workspace;

const LIST: &str = "crates/simulator/mutations.toml";

/// One way to break the client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutation {
    pub(super) name: String,
    /// What it would mean for people.
    pub(super) why: String,
    /// Below `crates/client/src`.
    pub(super) file: String,
    /// Occurs exactly once.
    pub(super) find: String,
    pub(super) replace: String,
    /// Where it can show; everywhere, if there are none.
    #[serde(default)]
    pub(super) dialects: Vec<String>,
    /// The first seed to try, where it shows rarely.
    #[serde(default)]
    pub(super) first_seed: u64,
}

#[derive(Debug, Deserialize)]
struct List {
    mutation: Vec<Mutation>,
}

impl Mutation {
    /// The client as it is.
    pub(super) fn none() -> Self {
        let empty = String::new;
        let (name, why, file, find, replace) = (empty(), empty(), empty(), empty(), empty());
        Self { name, why, file, find, replace, dialects: Vec::new(), first_seed: 0 }
    }
}

pub(super) fn read(workspace: &Workspace) -> Result<Vec<Mutation>, Failure> {
    let text = fs::read_to_string(workspace.root().join(LIST)).map_err(|error| {
        Failure::because(format!("{LIST} cannot be read ({error}): restore it from git"))
    })?;
    let list = toml::from_str::<List>(&text)
        .map_err(|error| Failure::because(format!("{LIST} is not as it must be: {error}")))?;
    Ok(list.mutation)
}
