//! What a screen shows: a copy of the rows, kept by applying changes to the letter of their documentation.

use std::collections::BTreeSet;

use roomlet_client::{Change, Row};

#[derive(Debug, Default)]
pub(crate) struct Screen(Vec<Row>);

impl Screen {
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Put { index, row } => {
                self.0.retain(|other| other.id != row.id);
                assert!(index <= self.0.len(), "a row is put at {index} of {}", self.0.len());
                self.0.insert(index, row);
            }
            Change::Removed(id) => {
                let place = self.0.iter().position(|row| row.id == id);
                let place = place.expect("only a row that is there is removed");
                self.0.remove(place);
            }
        }
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.0
    }

    pub(crate) fn has_twice(&self) -> bool {
        self.0.iter().map(|row| row.id).collect::<BTreeSet<_>>().len() != self.0.len()
    }
}
