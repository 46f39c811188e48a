//! What a screen shows: a copy of the rows, kept by applying changes.

use std::collections::BTreeSet;

use roomlet_client::{Change, Delivery, Message, Row, RowContent};

/// The rows of one room as somebody sees them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Screen {
    rows: Vec<Row>,
}

impl Screen {
    /// Applies a change to the letter of its documentation.
    pub(crate) fn apply(&mut self, change: Change) -> Result<(), String> {
        match change {
            Change::Put { index, row } => {
                if let Some(place) = self.place(&row) {
                    self.rows.remove(place);
                }
                if index > self.rows.len() {
                    return Err(format!("a row is put at {index} of {}", self.rows.len()));
                }
                self.rows.insert(index, row);
            }
            Change::Removed(id) => {
                let place = self.rows.iter().position(|row| row.id == id);
                self.rows.remove(place.ok_or("a row is removed that is not there")?);
            }
        }
        Ok(())
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The messages that the backend is said to have.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &Message> {
        self.messages().map(|(_, one)| one).filter(|one| one.delivery == Delivery::Sent)
    }

    /// The rows of the person's own that are not sent.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = (&Row, &Message)> {
        self.messages().filter(|(_, message)| message.delivery != Delivery::Sent)
    }

    /// The last row before those of the person's own that are not sent.
    pub(crate) fn last_confirmed(&self) -> Option<&RowContent> {
        let is_unsent = |row: &&Row| row.message().is_some_and(|m| m.delivery != Delivery::Sent);
        self.rows.iter().rev().find(|row| !is_unsent(row)).map(|row| &row.content)
    }

    /// The rows that say that messages may be missing.
    pub(crate) fn interruptions(&self) -> usize {
        self.rows.iter().filter(|row| row.content == RowContent::Interruption).count()
    }

    /// Whether there is a row that says that messages are missing which are yet to be fetched.
    pub(crate) fn has_hole(&self) -> bool {
        self.rows.iter().any(|row| row.content == RowContent::Hole)
    }

    /// The texts of notices.
    pub(crate) fn notices(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(|row| match &row.content {
            RowContent::Notice(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether what is not sent stands after all that is.
    pub(crate) fn ends_with_unsent(&self) -> bool {
        let is_unsent = |row: &&Row| row.message().is_some_and(|m| m.delivery != Delivery::Sent);
        !self.rows.iter().skip_while(|row| !is_unsent(row)).any(|row| !is_unsent(&row))
    }

    /// Whether any row stands twice.
    pub(crate) fn has_twice(&self) -> bool {
        self.rows.iter().map(|row| row.id).collect::<BTreeSet<_>>().len() != self.rows.len()
    }

    fn messages(&self) -> impl Iterator<Item = (&Row, &Message)> {
        self.rows.iter().filter_map(|row| Some((row, row.message()?)))
    }

    fn place(&self, row: &Row) -> Option<usize> {
        self.rows.iter().position(|other| other.id == row.id)
    }
}
