//! What leaves a list that has grown too long: what somebody reads stays.
//!
//! At the end of the list the oldest rows leave. For somebody who reads further up the list is parted in two: what they
//! read, and the newest. Between them a row says that messages are missing; they are fetched when the reader comes
//! near, and the part above leaves when they return to the end.

use super::{Cursor, History, MAX_ROWS, OrderKey, PAGE_MESSAGES, Reading, Room, RowId};
use crate::backend::Page;
use crate::chat::timeline::MAX_UNREAD;

/// So many rows stay before and after the first one that somebody sees.
const KEPT_AROUND: usize = 500;
/// So many rows stay at the end, whatever is read: as many unread messages are counted.
const KEPT_AT_END: usize = MAX_UNREAD;
/// So many rows before a gap what is missing there is fetched.
const NEAR: usize = 200;
/// Where nothing may leave that the bound allows to, the list grows to this, and no further.
const MAX_ROWS_MEANWHILE: usize = 2 * MAX_ROWS;

/// Where rows have left between what is read and the newest.
#[derive(Debug)]
pub(super) struct Gap {
    /// The row that says so.
    row: RowId,
    /// The first message after it; none where the server gives messages no place, and nothing can be fetched.
    until: Option<OrderKey>,
    /// What has left is not to be had again.
    is_lost: bool,
}

impl Room {
    /// The person reads further up, and `from` is the first row that they see; none at the end of the list.
    pub(crate) fn reads_from(&mut self, from: Option<RowId>) {
        self.reader = from;
        match from {
            Some(_) => self.fill_gap(),
            None => self.leave_gap_behind(),
        }
    }

    /// Whether [`keep_bound`](Self::keep_bound) may have something to do.
    pub(crate) fn may_be_too_long(&self) -> bool {
        self.gap.is_some() || self.timeline.rows().len() > MAX_ROWS
    }

    /// Makes the list as short as it has to be; `new_row` says where rows have left, if nothing did so before.
    pub(crate) fn keep_bound(&mut self, new_row: RowId) {
        self.drop_from_gap();
        let mut oldest_left = false;
        while self.timeline.rows().len() > MAX_ROWS {
            let (above, below) = self.rows_to_spare();
            let is_too_long = self.timeline.rows().len() > MAX_ROWS_MEANWHILE;
            if below > 0 && below >= above && self.may_part() {
                self.drop_below(new_row);
            } else if (above > 0 || is_too_long) && self.timeline.confirmed() > 0 {
                self.timeline.drop_first(1);
                oldest_left = true;
            } else {
                break;
            }
        }
        if oldest_left {
            self.begin_with_first_row();
        }
    }

    /// Drops what has come late to a place from which everything has left.
    pub(super) fn drop_from_gap(&mut self) {
        self.gap.take_if(|gap| self.timeline.index(gap.row).is_none());
        let Some(Gap { row, until: Some(until), .. }) = &self.gap else { return };
        let Some(mut index) = self.timeline.index(*row).map(|index| index + 1) else { return };
        while index < self.timeline.confirmed() {
            match self.timeline.key_at(index) {
                Some(key) if key < until => self.timeline.drop_at(index),
                Some(_) => return,
                None => index += 1,
            }
        }
    }

    /// Where the part of the list begins that is contiguous to its end.
    pub(super) fn first_of_end(&self) -> Option<&OrderKey> {
        self.gap.as_ref().and_then(|gap| gap.until.as_ref()).or(self.reached.as_ref())
    }

    /// Whether there are two parts.
    pub(super) fn is_parted(&self) -> bool {
        self.gap.as_ref().is_some_and(|gap| self.timeline.index(gap.row).is_some())
    }

    /// A page before the second part has come.
    pub(super) fn page_of_gap(&mut self, page: &Page, oldest: Option<OrderKey>, asked: &Cursor) {
        let Some(gap) = &mut self.gap else { return };
        let Some(index) = self.timeline.index(gap.row) else { return };
        let known = self.timeline.last_key_before(index);
        let goes_back = oldest.is_some() && oldest < gap.until;
        let meets = oldest.is_some() && oldest.as_ref() <= known;
        let next = page.next.clone().filter(|next| next != asked);
        if goes_back {
            gap.until = oldest;
        }
        if meets || page.next.is_none() {
            self.timeline.drop_at(index);
            self.gap = None;
        } else if let Some(next) = next.filter(|_| goes_back || page.messages.is_empty()) {
            if self.has_place_for_page() {
                self.reading = Reading::Gap { next, asked: None };
            }
        } else {
            gap.is_lost = true;
        }
    }

    /// What has left is not fetched again.
    pub(super) fn give_gap_up(&mut self) {
        if let Some(gap) = &mut self.gap {
            gap.is_lost = true;
        }
    }

    /// Fetches what has left, where the person comes near to it.
    pub(super) fn fill_gap(&mut self) {
        let Some(gap) = self.gap.as_ref().filter(|gap| !gap.is_lost) else { return };
        let Some(until) = &gap.until else { return };
        let reader = self.reader.and_then(|row| self.timeline.index(row));
        let place = self.timeline.index(gap.row);
        let is_near =
            reader.zip(place).is_some_and(|(from, gap)| (from..=from + NEAR).contains(&gap));
        if is_near && self.is_joined() && self.reading == Reading::Idle && self.has_place_for_page()
        {
            self.reading = Reading::Gap { next: Cursor(until.id.0.clone()), asked: None };
        }
    }

    /// The part that was read leaves: history brings it back.
    fn leave_gap_behind(&mut self) {
        let Some(gap) = self.gap.take() else { return };
        if matches!(self.reading, Reading::Gap { .. }) {
            self.reading = Reading::Idle;
        }
        if let Some(index) = self.timeline.index(gap.row).filter(|_| gap.until.is_some()) {
            self.timeline.drop_first(index + 1);
            self.begin_with_first_row();
        }
    }

    /// How many rows may leave before what is read, and after it.
    fn rows_to_spare(&self) -> (usize, usize) {
        let confirmed = self.timeline.confirmed();
        let end = confirmed.saturating_sub(KEPT_AT_END);
        let Some(reader) = self.reader.and_then(|row| self.timeline.index(row)) else {
            return (confirmed, 0);
        };
        let gap = self.gap.as_ref().and_then(|gap| self.timeline.index(gap.row));
        if gap.is_some_and(|gap| gap < reader) {
            return (reader, 0);
        }
        let above = reader.saturating_sub(KEPT_AROUND).min(end);
        (above, end.saturating_sub(reader + KEPT_AROUND))
    }

    /// Whether more rows can come without any leaving that stand close to what is read.
    fn has_place_for_page(&self) -> bool {
        let page = usize::from(PAGE_MESSAGES);
        let (above, below) = self.rows_to_spare();
        self.timeline.rows().len() + page <= MAX_ROWS || above >= below + page
    }

    /// Whether rows may leave between what is read and the newest. Where something is still being caught up with, what
    /// would stand before the gap may not be all there was.
    fn may_part(&self) -> bool {
        let end = self.timeline.confirmed().saturating_sub(KEPT_AT_END);
        let last = self.timeline.last_key_before(end);
        self.gap.is_some()
            || self.history == History::None
            || (last.is_some() && last <= self.contiguous.as_ref())
    }

    /// Drops one row between what is read and the newest.
    fn drop_below(&mut self, new_row: RowId) {
        let end = self.timeline.confirmed().saturating_sub(KEPT_AT_END);
        let gap = self.gap.as_ref().and_then(|gap| self.timeline.index(gap.row));
        match gap {
            Some(gap) if gap + 1 < end => {
                self.timeline.drop_at(gap + 1);
                self.end_begins_after(gap);
            }
            Some(gap) => {
                self.timeline.drop_at(gap.saturating_sub(1));
                self.timeline.move_hole_up(gap.saturating_sub(1));
            }
            None => {
                self.timeline.drop_at(end.saturating_sub(1));
                let place = end.saturating_sub(1);
                let has_history = self.history != History::None;
                self.timeline.part(place, new_row, has_history);
                self.gap = Some(Gap { row: new_row, until: None, is_lost: !has_history });
                self.end_begins_after(place);
            }
        }
    }

    /// What comes after the gap is a list of its own: nothing is known any more of what came before its first row.
    fn end_begins_after(&mut self, gap_index: usize) {
        let has_history = self.history != History::None;
        let until = self.timeline.first_key_after(gap_index).filter(|_| has_history).cloned();
        if let (Some(gap), Some(until)) = (&mut self.gap, until) {
            self.contiguous = self.contiguous.take().max(Some(until.clone()));
            self.hole.take_if(|hole| *hole < until);
            if let Reading::CatchUp { catch_up, .. } = &mut self.reading
                && let Some(end) = catch_up.until.as_mut().filter(|end| **end < until)
            {
                end.clone_from(&until);
            }
            gap.until = Some(until);
        }
    }

    /// The first row that is left is the first that is known.
    fn begin_with_first_row(&mut self) {
        if self.gap.as_ref().is_some_and(|gap| self.timeline.index(gap.row) == Some(0)) {
            self.timeline.drop_first(1);
            self.gap = None;
        }
        let has_history = self.history != History::None;
        if let Some(oldest) = self.timeline.oldest().filter(|_| has_history).cloned() {
            // A page that is on its way would follow on a row that has left.
            if matches!(self.reading, Reading::Older { .. }) {
                self.stop_reading();
            }
            self.older = Some(Cursor(oldest.id.0.clone()));
            self.reached = Some(oldest);
            if self.history == History::Beginning {
                self.history = History::More;
            }
        }
    }
}
