//! How far a person has read a room.

use super::ids::RowId;
use super::timeline::OrderKey;
use crate::time::WallClock;

/// The place down to which everything was seen. It only moves on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ReadMark {
    /// The last message that the server has ordered.
    pub(crate) key: Option<OrderKey>,
    /// Where the server orders nothing: when the last message that was seen had arrived, by the device's clock, which
    /// all of its tabs share.
    pub(crate) arrived: Option<WallClock>,
    /// The last row, in this client only.
    pub(crate) row: Option<RowId>,
}

impl ReadMark {
    /// Moves on to another mark, wherever that is further; says whether anything has changed that others should know.
    pub(crate) fn advance(&mut self, other: Self) -> bool {
        let before = (self.key.clone(), self.arrived);
        self.key = self.key.take().max(other.key);
        self.arrived = self.arrived.max(other.arrived);
        self.row = self.row.max(other.row);
        before != (self.key.clone(), self.arrived)
    }
}
